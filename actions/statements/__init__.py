"""Statements of an account: their words, PDF and mailing."""
