"""Stand-ins for the outside world: real local servers that keep state and behave as documented."""
