"""A corpus without the documents that rules point at: measured first, then written back unchanged but for these."""
