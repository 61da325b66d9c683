"""What a screen is: its declaration and all that follows from it."""
