"""Customers who are there twice, and those who only look like somebody."""
