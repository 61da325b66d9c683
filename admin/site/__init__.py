"""What holds for the whole application: identity, home, commands, health, checks at start."""
