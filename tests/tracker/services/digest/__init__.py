"""The digest, from ledgers to letters."""
