"""Pairs of human text, halves of one source each: what the figures of a pair are where nothing is generated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from contam.errors import InputError, UsageError
from contam.synthetic.ranking import Floats, Pair
from contam.synthetic.share import ORDERS

FORMAT = 2
LEAST_PAIRS = 39
"""Human domains below which no share is told: a p-value of .05 needs 19, the bound's limit twice as many."""
FOLDER = Path(__file__).parent / "scores"


@dataclass(frozen=True, slots=True)
class NullRow:
    """A human domain: ``n`` documents of either half, in hash order; scored by a score that did not know its
    ``family``. ``first``: the first half (in document order) as the block, the second as the audited text; ``second``:
    the other way round."""

    domain: str
    family: str
    n: int
    first: Pair
    second: Pair

    def of(self, order: str) -> Pair:
        """The figures as one order needs them: in unknown order the larger u and the smaller r of both ways."""
        if order == "known":
            return self.first
        return Pair(max(self.first.auc, self.second.auc), min(self.first.left, self.second.left))


@dataclass(frozen=True, slots=True)
class NullPairs:
    """The null pairs of a score; ``score_digest`` names that score. ``rates``: by order (``known``, ``unknown``), how
    many ``pairs`` of left-out families were ranked, and how many of them had p <= .05 (``alarms``) and a bound above 0
    (``bounds``)."""

    rows: tuple[NullRow, ...]
    rates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    score_digest: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, name: str = "english") -> NullPairs:
        """The built-in pairs of a score by its name, read once; none where the score has none."""
        return _loaded(FOLDER / f"{name}_pairs.json")

    @classmethod
    def read(cls, path: str | Path) -> NullPairs:
        """Pairs from a file. InputError where it is missing or no such file."""
        try:
            return cls.of_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} holds no null pairs: {type(error).__name__} {error}") from error

    @classmethod
    def of_dict(cls, data: Mapping[str, Any]) -> NullPairs:
        """Pairs from their JSON object; ValueError for a format that is not known."""
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']} is not {FORMAT}")
        rows = tuple(
            NullRow(r["domain"], r["family"], int(r["n"]), _pair(r["first"]), _pair(r["second"])) for r in data["rows"]
        )
        return cls(rows, data.get("rates", {}), data.get("score_digest"), data.get("provenance", {}))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object that `of_dict` reads."""
        rows = [
            {"domain": r.domain, "family": r.family, "n": r.n, "first": _plain(r.first), "second": _plain(r.second)}
            for r in self.rows
        ]
        head = {"format": FORMAT, "score_digest": self.score_digest, "rows": rows}
        return head | {"rates": dict(self.rates), "provenance": dict(self.provenance)}

    def at(self, n: int) -> tuple[NullRow, ...]:
        """The rows of one size."""
        return tuple(row for row in self.rows if row.n == n)

    def size_for(self, n: int) -> int | None:
        """The largest size of the rows that is not above ``n`` and has enough domains; None where there is none."""
        enough = [s for s in {row.n for row in self.rows} if s <= n and len(self.at(s)) >= LEAST_PAIRS]
        return max(enough, default=None)

    def families(self, n: int) -> tuple[str, ...]:
        """The families of the rows of one size, in alphabetical order."""
        return tuple(sorted({row.family for row in self.at(n)}))

    def without(self, *families: str) -> NullPairs:
        """Without the rows of some families; the measured rates are dropped with them."""
        return replace(self, rows=tuple(r for r in self.rows if r.family not in families), rates={})

    def values(self, n: int, order: str) -> tuple[Floats, Floats]:
        """(u, r) of the rows of one size, one figure a domain. ``random`` has the pairs of ``unknown``."""
        if order not in ORDERS:
            raise UsageError(f"no order {order!r}: known are {', '.join(ORDERS)}")
        pairs = [row.of(order) for row in self.at(n)]
        return np.array([p.auc for p in pairs], np.float64), np.array([p.left for p in pairs], np.float64)

    def counted(self, order: str, what: str) -> tuple[int, int] | None:
        """How many of how many pairs of left-out families got ``alarms`` or ``bounds``; None where nobody counted."""
        found = self.rates.get("known" if order == "known" else "unknown", {})
        return (found[what], found["pairs"]) if what in found and found.get("pairs") else None


@cache
def _loaded(path: Path) -> NullPairs:
    return NullPairs.read(path) if path.is_file() else NullPairs(())


def _pair(entry: Mapping[str, float]) -> Pair:
    return Pair(float(entry["u"]), float(entry["r"]))


def _plain(pair: Pair) -> dict[str, float]:
    return {"u": pair.auc, "r": pair.left}
