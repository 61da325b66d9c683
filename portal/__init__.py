"""What a customer sees: their account, in an application of its own beside the back office."""
