"""What an action is: declaration, refusals, row scope, the journal, and what guards every customer."""
