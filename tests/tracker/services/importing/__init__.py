"""Importing files, from cells to rows."""
