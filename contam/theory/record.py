"""What a simulation came to: series and single figures, each beside its closed form, with Monte Carlo errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contam.experiments.run import finite
from contam.result import SCHEMA_VERSION

if TYPE_CHECKING:
    from contam.reports.page import Page

PAPER, DERIVED = "paper", "derived here"
"""Whose a closed form is: an author's own, or a derivation of ours."""
Z_LIMIT = 4.0
"""Standard errors within which simulation and closed form are said to agree."""
ROUNDING = 1e-9
"""Relative difference that is none, where there is no standard error."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over generations ``x``: the mean of the simulation ``mean`` with its standard ``error`` (0 where
    it is exact), and the closed form ``expected`` (empty where there is none) with whose it is."""

    name: str
    x: tuple[float, ...]
    mean: tuple[float, ...]
    error: tuple[float, ...]
    expected: tuple[float, ...] = ()
    origin: str = ""
    source: str = ""
    approximate: bool = False
    """Whether the closed form is asymptotic or a diffusion limit: it is then shown beside, not tested."""
    bound: str = ""
    """``upper`` or ``lower`` where the closed form is a bound that the simulation must not cross."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure: simulated, with its standard error, beside what is expected."""

    name: str
    simulated: float
    error: float
    expected: float
    origin: str = DERIVED
    source: str = ""
    approximate: bool = False
    bound: str = ""

    @property
    def z(self) -> float:
        """How many standard errors apart; nan without an error."""
        return (self.simulated - self.expected) / self.error if self.error > 0 else math.nan

    @property
    def agrees(self) -> bool | None:
        """Whether simulation and closed form agree within `Z_LIMIT` errors (a bound: whether it holds within them);
        None where the closed form is only approximate."""
        if self.approximate:
            return None
        # Without noise, the two are the same figure by different sums: rounding sets them apart.
        slack = max(Z_LIMIT * self.error, ROUNDING * abs(self.expected)) + 1e-12
        apart = self.simulated - self.expected
        if self.bound == "upper":
            return apart <= slack
        if self.bound == "lower":
            return apart >= -slack
        return abs(apart) <= slack


@dataclass(frozen=True)
class Simulation:
    """A finished simulation. ``log_y``: names of series that are read on a logarithmic axis."""

    what: str
    title: str
    settings: Mapping[str, Any]
    series: tuple[Series, ...]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    x_name: str = "generation"
    log_y: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def exit_code(self, fail_on: str = "never") -> int:
        """Always 0: a simulation judges nothing."""
        return 0

    def draw(self, full: bool = False) -> Page:
        """Its page; ``full`` with pictures in place of small courses."""
        from contam.theory.page import draw_simulation

        return draw_simulation(self, full)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        from contam import __version__

        return finite(
            {
                "schema_version": SCHEMA_VERSION,
                "tool": {"name": "contam", "version": __version__},
                "command": "simulate",
                "what": self.what,
                "settings": dict(self.settings),
                "series": [_fields(s) for s in self.series],
                "comparisons": [_fields(c) | {"z": c.z, "agrees": c.agrees} for c in self.comparisons],
                "notes": list(self.notes),
                "seconds": self.seconds,
            }
        )


def _fields(item: Series | Comparison) -> dict[str, Any]:
    return {name: getattr(item, name) for name in type(item).__dataclass_fields__}
