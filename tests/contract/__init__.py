"""One suite for every connector: what a company does to its calendars, and what our sessions make of it."""
