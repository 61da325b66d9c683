"""Merging customers, and taking a merge apart again."""
