"""Who signs in, by which way, and in which session."""
