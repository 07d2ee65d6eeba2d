"""The gate: which rules a team enforces, with which limits, and what that makes of an audit."""
