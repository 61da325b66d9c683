"""What the back office and the customers' portal share of the web: requests, sessions, limits, errors, headers."""
