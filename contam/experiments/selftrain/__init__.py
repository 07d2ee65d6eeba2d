"""Self-training of a language model on its own output until it collapses (Herel & Mikolov 2024)."""
