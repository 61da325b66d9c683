"""Pages that add up: statements, the lots behind points, ages of what is owed."""
