"""What staff and customers do: one module a noun, one function a verb."""
