"""Who asks, what they may do, and which arguments a request has."""
