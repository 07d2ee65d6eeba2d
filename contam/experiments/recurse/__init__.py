"""Retraining generation after generation: a language model learns from what the one before it wrote."""
