"""The sample company: believable, complete at any moment, and built through the front door."""
