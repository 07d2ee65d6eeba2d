"""The texts of a dose-response: real text to train on, to tune with and to predict, and synthetic text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """Documents in an order that their content decides: ``real`` and ``synthetic`` to train on; ``tuning``, real text
    that settings may be chosen on; ``held_out``, real text that is predicted and nothing else. No document of
    ``tuning`` or ``held_out`` is in what is trained on. ``notes`` say what was done to the corpora."""

    real: tuple[str, ...]
    synthetic: tuple[str, ...]
    held_out: tuple[str, ...]
    tuning: tuple[str, ...]
    notes: tuple[str, ...] = ()
