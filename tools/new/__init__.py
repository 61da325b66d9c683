"""``flask --app app new``: writes a table, and a screen, an action, a job and a mail over it, in the house's style."""
