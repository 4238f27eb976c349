"""Tests of integrations.mail."""
