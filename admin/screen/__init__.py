"""The Screen: what serves a declaration, and its addresses."""
