"""Drift between two corpora, figure by figure, with intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.baseline.record import NEW, WHOLE
from contam.result import SCHEMA_VERSION, Audit, Figure, plain
from contam.rules import RULES
from contam.saved import looks_saved, read_audit

if TYPE_CHECKING:
    from contam.baseline.record import Baseline

BEYOND, WITHIN, UNKNOWN = "beyond noise", "within noise", "not compared"


@dataclass(frozen=True, slots=True)
class Drift:
    """How one figure differs, head minus base.

    ``interval`` is the 95 % interval of the difference (None where a side has none); ``status`` is
    ``beyond noise`` where it excludes zero, ``within noise`` where not, ``not compared`` with a ``reason``.
    ``toward_collapse`` says whether the difference lies on the side to which collapse moves the figure.
    """

    unit: str
    family: str
    direction: str
    base: float | None
    head: float | None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    status: str = UNKNOWN
    toward_collapse: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two audits and what differs between them; ``notes`` say which parts they are where audits have several."""

    base: Audit
    head: Audit
    drifts: dict[str, Drift]
    notes: tuple[str, ...] = ()

    @property
    def beyond(self) -> tuple[str, ...]:
        """The figures that differ beyond noise."""
        return tuple(key for key, drift in self.drifts.items() if drift.status == BEYOND)

    def exit_code(self) -> int:
        """0 where at least one figure could be compared with its noise, else 2."""
        return 0 if any(drift.status != UNKNOWN for drift in self.drifts.values()) else 2

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        sides = {"base": _side(self.base), "head": _side(self.head)}
        return head | {"command": "compare"} | sides | {"differences": plain(self.drifts), "notes": list(self.notes)}


def compare(base: Any, head: Any, **options: Any) -> Comparison:
    """Compare two corpora, two audits, two saved JSON audits, or two baselines (or one of each).

    Corpora are audited with ``options`` (those of ``contam.audit``); where the two matched samples differ in
    size, the larger corpus is audited again at the size of the smaller one: else no figure is comparable. A baseline
    has figures at several sizes and no intervals: the noise of its parts stands for them.
    """
    if _is_baseline(base) or _is_baseline(head):
        return _beside_baselines(base, head, options)
    first, second = _audited(base, options), _audited(head, options)
    sizes = [side.reference.matched_tokens for side in counterparts(first, second)[:2]]
    if None not in sizes and sizes[0] != sizes[1]:
        smaller = min(size for size in sizes if size is not None)
        matched = options | {"sample_tokens": smaller}
        if sizes[0] != smaller and not _saved(base):
            first = _audited(base, matched)
        if sizes[1] != smaller and not _saved(head):
            second = _audited(head, matched)
    return compare_audits(first, second)


def _beside_baselines(base: Any, head: Any, options: dict[str, Any]) -> Comparison:
    """A comparison of which one side at least is a baseline, at the largest size that both sides have."""
    from contam.baseline.as_audit import audit_of
    from contam.baseline.files import read

    sides = [read(side) if _is_baseline(side) else _audited(side, options) for side in (base, head)]
    size = max(set.intersection(*map(_sizes, sides)), default=None)
    if size is None:
        for i, side in enumerate((base, head)):
            found, other = sides[i], sides[1 - i]
            smaller = [n for n in _sizes(other) if n < max(_sizes(found), default=0)]
            if isinstance(found, Audit) and not _saved(side) and smaller:
                size = max(smaller)
                sides[i] = _audited(side, options | {"sample_tokens": size})
    audits = [
        side if isinstance(side, Audit) else audit_of(side, size or max(side.sizes, default=None)) for side in sides
    ]
    return compare_audits(*audits)


def _sizes(side: Audit | Baseline) -> set[int]:
    """The matched sizes that a side has figures at."""
    if isinstance(side, Audit):
        return {_whole_of(side).reference.matched_tokens} - {None}  # type: ignore[return-value]
    return set(side.sizes)


def compare_audits(base: Audit, head: Audit) -> Comparison:
    """The differences between two audits: every signal, and the whole-corpus figures that rules read.

    Of audits in parts, one part of each is compared (see `counterparts`).
    """
    base, head, notes = counterparts(base, head)
    pairs = [*_pairs(base.signals, head.signals)]
    watched = {rule.reads for rule in RULES if rule.scope == "whole"}
    kept = [{key: side[key] for key in side if key in watched} for side in (base.whole, head.whole)]
    pairs += _pairs(*kept)
    return Comparison(base, head, {key: drift(first, second) for key, first, second in pairs}, notes)


def counterparts(base: Audit, head: Audit) -> tuple[Audit, Audit, tuple[str, ...]]:
    """What is compared of two audits that can have parts, and that in words: parts of one name, where both have such a
    part, and never one that only happened to decide an exit code."""
    if not base.parts and not head.parts:
        return base, head, ()
    first, second = ({part.name: part for part in side.parts} for side in (base, head))
    shared = sorted((name for name in first if name in second), key=_rank)
    if shared:
        left = [name for name in dict.fromkeys([*first, *second]) if name != shared[0]]
        told = f"of both sides {shared[0]} is compared" + (f"; not compared: {', '.join(left)}" if left else "")
        return first[shared[0]], second[shared[0]], (told,)
    one, other = _whole_of(base), _whole_of(head)
    names = [side.name if audit.parts else WHOLE for audit, side in ((base, one), (head, other))]
    if names[0] == names[1]:
        return one, other, (f"of both sides {names[0]} is compared",)
    told = f"{names[0]} of base is compared with {names[1]} of head"
    return one, other, (f"{told}: the two were not divided alike, so audit both with one configuration",)


def _whole_of(audit: Audit) -> Audit:
    """Of an audit in parts that which is most like all of it; the audit itself where there are none."""
    return min(audit.parts, key=lambda part: _rank(part.name), default=audit)


def _rank(name: str) -> int:
    """The order in which parts stand for their corpus; documents that are new since a baseline come last."""
    from contam.gate.running import REST

    return 3 if name.endswith(NEW) else {WHOLE: 0, REST: 1}.get(name, 2)


def drift(base: Figure, head: Figure) -> Drift:
    """The difference of two figures.

    Its interval comes from the two figures' own: the distances from value to bound are added in quadrature
    (Zou & Donner 2008, MOVER), which keeps asymmetric intervals asymmetric.
    """
    reason = _incomparable(base, head)
    sides = Drift(head.unit, head.family, head.direction, base.value, head.value, reason=reason)
    if reason is not None or base.value is None or head.value is None:
        return sides
    difference = head.value - base.value
    told = replace(sides, difference=difference, toward_collapse=_toward(difference, head.direction))
    if base.interval is None or head.interval is None:
        return replace(told, reason="no interval")
    low = difference - math.hypot(head.value - head.interval[0], base.interval[1] - base.value)
    high = difference + math.hypot(head.interval[1] - head.value, base.value - base.interval[0])
    status = WITHIN if low <= 0 <= high else BEYOND
    return replace(told, interval=(low, high), status=status)


def _pairs(base: dict[str, Figure], head: dict[str, Figure]) -> Iterator[tuple[str, Figure, Figure]]:
    for key in [*base, *(key for key in head if key not in base)]:
        present = base.get(key) or head[key]
        absent = Figure(None, present.unit, present.family, present.direction, reason="not measured")
        yield key, base.get(key, absent), head.get(key, absent)


def _incomparable(base: Figure, head: Figure) -> str | None:
    for side, figure in (("base", base), ("head", head)):
        if figure.value is None:
            return f"{side}: {figure.reason or 'not measured'}"
    if base.matched_tokens != head.matched_tokens:
        return f"measured at {base.matched_tokens or 'no'} and {head.matched_tokens or 'no'} matched words"
    return None


def _toward(difference: float, direction: str) -> bool | None:
    if direction == "both" or difference == 0:
        return None
    return (difference < 0) == (direction == "falls")


def _is_baseline(side: Any) -> bool:
    if not isinstance(side, (str, Path)):
        return False
    from contam.baseline.files import looks_like

    return looks_like(side)


def _saved(side: Any) -> bool:
    return isinstance(side, Audit) or (isinstance(side, str) and looks_saved(side))


def _audited(side: Any, options: dict[str, Any]) -> Audit:
    if isinstance(side, Audit):
        return side
    if _saved(side):
        return read_audit(side)
    from contam.auditing import audit

    return audit(side, **options)


def _side(audit: Audit) -> dict[str, Any]:
    whole = plain(audit)
    return {key: whole[key] for key in ("corpus", "reference", "verdict", "name")}
