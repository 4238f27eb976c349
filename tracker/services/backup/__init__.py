"""Backups of both kinds of database: a consistent copy while it is in use, and the way back.

Keys are in none.
"""
