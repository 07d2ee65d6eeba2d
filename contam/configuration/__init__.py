"""Settings from contam.toml or pyproject.toml, the environment and the command line, each with its origin."""
