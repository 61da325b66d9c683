"""How an action runs: the runner, previews, invariants, limits."""
