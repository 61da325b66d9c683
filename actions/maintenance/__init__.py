"""Looking after the database: backups, keys, and proof that its books are right."""
