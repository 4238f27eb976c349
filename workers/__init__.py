"""What runs without a page: the command line, the schedule and the background tasks. Never imports `web`."""
