"""The Outlook connector against a Microsoft 365 of our own."""
