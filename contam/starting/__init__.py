"""Starting a gate: the files that ``contam init`` writes, where the corpus is, how contam was installed."""
