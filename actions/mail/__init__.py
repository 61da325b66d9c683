"""Mail to be sent, and its delivery."""
