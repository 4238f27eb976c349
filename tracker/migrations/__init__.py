"""Alembic's migrations. Run through `tracker.services.schema`; there is no alembic.ini."""
