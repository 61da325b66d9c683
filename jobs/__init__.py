"""What the clock does: jobs, the instants they are due at, and the process that starts them (rule 8)."""
