"""Experiments on models: runs that are logged line by line, and what is read from their logs."""
