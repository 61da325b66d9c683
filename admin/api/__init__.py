"""The same screens by REST, and their description."""
