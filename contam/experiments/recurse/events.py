"""What a recursion tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PHASES = ("loading", "human", "generations", "drawing")


@dataclass(frozen=True, slots=True)
class Event:
    """One moment: a phase begins, a generation is finished (``line``), or a unit is at work.

    ``done`` of ``total`` generations of all lineages are finished. ``unit`` is who is at work and ``note`` on what;
    in ``loading`` the note is the run folder.
    """

    phase: str
    done: int = 0
    total: int = 0
    line: dict[str, Any] | None = None
    unit: str = ""
    note: str = ""
    seconds_left: float | None = None


Watcher = Callable[[Event], None]
