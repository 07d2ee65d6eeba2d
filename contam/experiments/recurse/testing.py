"""``contam recurse --claims``: the runs that test the most claims, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contam.claims import Claim, write_claims
from contam.errors import UsageError
from contam.experiments.recurse.across import compare_sampling, compare_sizes
from contam.experiments.recurse.events import Watcher
from contam.experiments.recurse.options import PARADIGMS
from contam.experiments.recurse.outcome import Recursion
from contam.experiments.recurse.page import write_report
from contam.experiments.recurse.place import NGRAM
from contam.experiments.recurse.presets import settled
from contam.experiments.recurse.running import resumed, started, unused
from contam.experiments.run import PLAN
from contam.models.texts import PYDOC

USUAL: dict[str, Any] = {
    "model": NGRAM, "real": (PYDOC,), "paradigms": PARADIGMS, "real_shares": (0.1, 0.5), "rates": (1.0,),
    "generations": 20, "seeds": 3, "track": ("there: is, are",),
}  # fmt: skip
NARROW, SMALLER = "narrow", "smaller"
COOLER = 0.7


def tested(
    given: Mapping[str, Any], out: Path | None, watcher: Watcher | None = None, resume: bool = False
) -> Recursion:
    """A run of all paradigms, one with narrower sampling (claim 21) and, for n-gram models, one of a smaller model
    (claim 13), the two in folders inside the first; all claims are judged by what they show together.

    What is given goes before the usual settings (`USUAL`). With ``resume`` those that were begun are taken up.
    """
    if resume and out is None:
        raise UsageError("--claims --resume: name the folder of the runs with --out DIR")
    asked = {**USUAL, **{k: v for k, v in given.items() if v not in (None, (), "")}}
    if asked.get("preset"):
        raise UsageError("--claims makes its own set-up: give either it or --preset; every run judges its claims")
    if asked["model"] == NGRAM and asked.get("order", 3) < 2:
        raise UsageError("--claims compares with a model of a smaller order: give --order 2 or more")
    folder = out or unused(f"recurse-{NGRAM}-claims")
    alone = {k: v for k, v in asked.items() if k not in ("real_shares", "real_kind", "rates", "filters")}
    alone |= {"paradigms": ("replace",)}
    narrow = alone | {"temperature": COOLER * asked.get("temperature", 1.0)}
    smaller = alone | {"order": asked.get("order", 3) - 1} if asked["model"] == NGRAM else None
    for one in (asked, narrow, smaller or asked):  # what makes no sense is told before the first run
        settled(one)

    def made(settings: Mapping[str, Any], place: Path) -> Recursion:
        if resume and (place / PLAN).exists():
            return resumed({}, place, watcher)
        return started(settings, place, watcher)

    main = made(asked, folder)
    found = {"21": compare_sampling(main.run, made(narrow, folder / NARROW).run)}
    if smaller is not None:
        found["13"] = compare_sizes(made(smaller, folder / SMALLER).run, main.run)
    claims = tuple(_known(claim, found) for claim in main.claims)
    write_claims(folder, claims)
    result = replace(main, claims=claims)
    write_report(folder, claims, result.notes)
    return result


def _known(claim: Claim, found: Mapping[str, Claim]) -> Claim:
    """The claim as the runs together show it."""
    return found.get(claim.id, claim)
