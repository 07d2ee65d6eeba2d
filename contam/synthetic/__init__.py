"""The synthetic share of a corpus: a fixed score of documents, and what it says beside trusted text of one source."""
