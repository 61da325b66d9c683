"""What templates are given: plain data, ready to print."""
