"""Nudges, from ledgers to letters."""
