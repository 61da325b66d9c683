"""Creating, editing and deleting: record pages, saving, cells, conflicts, restoring a value."""
