"""The outside world - calendars, mail, encryption - behind the ports that `tracker.ports` names."""
