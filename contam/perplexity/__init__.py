"""Perplexity of texts and of what is trained on them: figures for the audit of a corpus."""
