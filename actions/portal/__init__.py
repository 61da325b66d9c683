"""What customers do in their portal, and how they get into it."""
