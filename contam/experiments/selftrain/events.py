"""What a running experiment tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

PHASES = ("loading", "baseline", "iterating", "drawing")


@dataclass(frozen=True, slots=True)
class Event:
    """One moment of a run: told after every iteration, and when a phase begins.

    ``lines`` are this iteration's log lines of all replicas, ``states`` the state so far of each replica by its
    name, ``seconds_left`` an estimate or None. In the phase ``baseline`` the iterations are the draws.
    """

    phase: str
    iteration: int = 0
    iterations: int = 0
    lines: tuple[dict[str, Any], ...] = ()
    sample: str = ""
    states: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    seconds_left: float | None = None


Watcher = Callable[[Event], None]
