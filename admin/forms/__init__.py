"""Forms made from models: fields, groups of rows, JSON bodies and their schemas."""
