"""The dose-response: models trained on mixtures, and how they predict held-out real text."""
