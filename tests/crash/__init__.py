"""Tests that kill processes on the way, and look at what is left."""
