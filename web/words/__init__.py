"""Sentences about pairs and verdicts in the reader's language. Names a side only where evidence does."""
