"""The frame around pages, how values look, and error pages."""
