"""Your account, links to passwords, and looking at everything as a role does."""
