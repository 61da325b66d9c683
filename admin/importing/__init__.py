"""Importing files: reading them, mapping their columns, trying and applying their rows."""
