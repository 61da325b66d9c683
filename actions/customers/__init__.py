"""Customers and what belongs to one: addresses, phones, cards, notes."""
