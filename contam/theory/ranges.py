"""Settings that a simulation cannot use are refused before anything is simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from contam.errors import UsageError

MOST_VALUES = 50_000_000
"""Numbers that a simulation may hold: what is remembered of every trajectory has to fit into memory."""


def check_ranges(options: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Raise UsageError where a number lies outside its range (ends included); None is no number."""
    for name, (low, high) in ranges.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{flag_of(name)} must be between {low:g} and {high:g}, not {value:g}")


def check_known(options: Any, known: Mapping[str, Sequence[str]]) -> None:
    """Raise UsageError where a word is none of those known."""
    for name, words in known.items():
        if getattr(options, name) not in words:
            raise UsageError(f"{flag_of(name)} must be one of {', '.join(words)}, not {getattr(options, name)!r}")


def check_size(options: Any, *names: str) -> None:
    """Raise UsageError where the product of these settings is more numbers than a simulation may hold."""
    check_count(" times ".join(map(flag_of, names)), math.prod(getattr(options, name) for name in names))


def check_count(what: str, count: int) -> None:
    """The same for a number that is ``what`` in words."""
    if count > MOST_VALUES:
        raise UsageError(f"{what} must be at most {MOST_VALUES:,}, not {count:,}")


def flag_of(name: str) -> str:
    """The command-line option of a setting."""
    return f"--{name.replace('_', '-')}"
