"""Nudges with manners: who is reminded of what, when that is polite, and the letter that says it.

Never judges, and never tells one side what the other said.
"""
