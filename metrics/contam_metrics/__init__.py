"""Text and numbers: every measure contam knows, on arrays alone; no files, no models."""
