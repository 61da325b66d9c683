"""What a customer who is signed in sees and keeps: a module for each entry of the menu."""
