"""Tests about the code base itself: what nobody should have to remember while writing."""
