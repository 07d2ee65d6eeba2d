"""The forecast: what a pipeline that feeds its outputs back leaves of the real text, from its word counts."""
