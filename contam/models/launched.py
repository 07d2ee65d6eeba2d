"""How many processes a launcher such as ``torchrun`` has started, and which of them this is."""

from __future__ import annotations

import os

_NAMES = ("WORLD_SIZE", "RANK", "MASTER_ADDR")
"""Some clusters set one of these for every program; only a launcher sets all."""


def count() -> int:
    """How many processes there are; 1 without a launcher."""
    size = os.environ.get("WORLD_SIZE", "")
    return max(1, int(size)) if size.isdecimal() and all(os.environ.get(name) for name in _NAMES) else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return int(os.environ["RANK"]) if count() > 1 else 0
