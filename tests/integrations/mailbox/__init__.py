"""The program's mailbox: its server, what its messages come to, and the calendars that they make up."""
