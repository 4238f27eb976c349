"""The site. Never reads a calendar and never sends a mail: it writes rows, and workers see to the rest."""
