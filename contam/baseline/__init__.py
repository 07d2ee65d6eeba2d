"""Baselines: what a corpus measured when it was good, in kilobytes and without its text, and changes from it."""
