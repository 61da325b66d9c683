"""Staff: accounts, roles, passwords, sessions, keys."""
