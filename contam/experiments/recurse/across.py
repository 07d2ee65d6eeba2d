"""Claims that take two runs: models of two sizes (13), and wide against narrow sampling (21)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from contam.claims import Claim
from contam.experiments.recurse.claim_rules import FEWEST, Part, concluded, missing
from contam.experiments.recurse.history import Group, Run, number_of
from contam.experiments.recurse.options import RecurseOptions
from contam.wording import written

SAMPLING = ("temperature", "top_k", "top_p", "beams")
LARGE_FROM = 20
"""The generation from which sizes are compared (Kazdan et al. 2024 show about 50)."""
_LOST = (("types", "signals.diversity.types"), ("distinct-2", "signals.diversity.distinct_2"))
_FREE = (
    "paradigms", "real_shares", "real_kind", "rates", "filters", "generations", "track", "preset", "scale",
    "device", "workers", "keep", "write_batch",
)  # fmt: skip
"""Settings that change nothing in the text of a generation of replace."""


def compare_sizes(small: Run, large: Run) -> Claim:
    """13: after many generations of replace the larger model still predicts held-out text better.

    The caller says which run has the larger model. Losses compare only in one vocabulary, which is not checked here.
    """
    groups = small.group("replace"), large.group("replace")
    if groups[0] is None or groups[1] is None:
        return concluded("13", large, [missing("Both runs need replace")])
    courses = [group.course(run.perplexity) for run, group in zip((small, large), groups) if group is not None]
    common = sorted(set(courses[0]) & set(courses[1]))
    if not common or common[-1] < LARGE_FROM:
        return concluded("13", large, [missing(f"Both runs need {LARGE_FROM} generations of replace")])
    last = common[-1]
    values = [course[last] for course in courses]
    told = f"Perplexity at generation {last} {written(values[1])} for the larger, {written(values[0])} for the smaller"
    figures = {"small": values[0], "large": values[1]}
    brief = f"larger {written(values[1])}, smaller {written(values[0])} at generation {last}"
    return concluded("13", large, [Part(values[1] < values[0], told, figures, brief)])


def compare_sampling(wide: Run, narrow: Run) -> Claim:
    """21: under replace, narrower sampling loses a larger share of types and distinct-2 in as many generations.

    Not tested where the runs differ in more than how they sample, or do not differ in that.
    """
    unlike = _unlike(wide, narrow)
    if unlike:
        return concluded("21", narrow, [missing(f"The runs differ in more than sampling: {', '.join(unlike)}")])
    if _sampling(wide) == _sampling(narrow):
        return concluded("21", narrow, [missing("Both runs sample in the same way")])
    groups = wide.group("replace"), narrow.group("replace")
    if groups[0] is None or groups[1] is None:
        return concluded("21", narrow, [missing("Both runs need replace")])
    parts = [_lost(groups[0], groups[1], name, field) for name, field in _LOST]
    return concluded("21", narrow, parts, f"Wide: {_told(wide)}; narrow: {_told(narrow)}")


def _unlike(wide: Run, narrow: Run) -> list[str]:
    """What differs between two runs beside how they sample: settings, or the size of what generation 0 learned."""
    names = [field.name for field in fields(RecurseOptions) if field.name not in (*SAMPLING, *_FREE)]
    differing = [name for name in names if wide.plan.get(name) != narrow.plan.get(name)]
    sizes = [number_of(run.plan, "tokens.training") for run in (wide, narrow)]
    return [*differing, *(["the size of the training text"] if sizes[0] != sizes[1] else [])]


def _lost(wide: Group, narrow: Group, name: str, field: str) -> Part:
    """The share of a figure that each lost between generation 0 and the last one that both have."""
    found = wide.relative(field), narrow.relative(field)
    common = sorted(set(found[0]) & set(found[1]))
    if not common or common[-1] < FEWEST:
        return missing(f"{name}: {FEWEST} generations in common are needed")
    lost = [1 - one[common[-1]] for one in found]
    told = f"{name} by generation {common[-1]}: {100 * lost[1]:.1f} % lost under narrow sampling"
    told += f", {100 * lost[0]:.1f} % under wide"
    brief = f"{name} lost {100 * lost[1]:.1f} % under narrow, {100 * lost[0]:.1f} % under wide sampling"
    figures = {f"{name} wide": round(lost[0], 5), f"{name} narrow": round(lost[1], 5)}
    return Part(lost[1] > lost[0], told, figures, brief)


def _sampling(run: Run) -> tuple[Any, ...]:
    return tuple(run.plan.get(name) for name in SAMPLING)


def _told(run: Run) -> str:
    return ", ".join(f"{name.replace('_', '-')} {run.plan.get(name)}" for name in SAMPLING)
