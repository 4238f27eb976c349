"""The tests; their folders mirror the source, and helpers are imported as `tests.NAME`."""
