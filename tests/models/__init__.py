"""Tests of the domain schema: what the models accept, and what the database itself refuses."""
