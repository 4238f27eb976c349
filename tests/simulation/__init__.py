"""A company's year, day by day, with scripted people and calendars and the real services."""
