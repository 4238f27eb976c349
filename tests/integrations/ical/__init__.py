"""Reading calendars that are files or feeds."""
