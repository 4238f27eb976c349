"""The domain: what a mentoring pair agreed, what calendars and people said, and what follows from it.

Never imports the outside world (`integrations`), the site (`web`) or the background work (`workers`).
"""
