"""Duplicates: what they are found by, what speaks for and against them, and what people decide (rule 7)."""
