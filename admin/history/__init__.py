"""What happened: the journal in words, records as they were, and previews of what would happen."""
