"""Recursions that nobody ran: logs drawn from formulas, for tests of what is read from them.

Perplexity follows ``rise``: a paradigm's multiple of generation 0 at a generation, the same for every seed but for a
seed's own level. Everything else of a line follows from how far that rise has gone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contam.experiments.recurse.history import Run, grouped
from contam.experiments.recurse.options import Lineage, RecurseOptions

Rise = Callable[[int], float]
PAIRS = ("there: was", "there: were")
HUMAN = {"there: was": 0.71, "there: were": 0.06}
SIGNALS = {
    "diversity.types": (3600.0, 1200.0),
    "tail.hapax_share": (0.12, 0.02),
    "diversity.distinct_2": (0.62, 0.35),
    "entropy.window": (8.4, 7.2),
    "repetition.seq_rep_4": (0.012, 0.19),
}
"""Of each signal: its level in human text, and where a collapsed text's is."""
RISES: Mapping[str, Rise] = {
    "replace": lambda g: 1 + 0.14 * g,
    "accumulate": lambda g: 1 + 0.012 * (1 - 0.5**g),
    "accumulate-subsample": lambda g: 1 + 0.2 * (1 - 0.6**g) + 0.004 * g,
    "mix-0.1": lambda g: 1 + 0.5 * (1 - 0.7**g),
    "mix-0.5": lambda g: 1 + 0.04 * (1 - 0.5**g),
}
"""By group: perplexity at a generation as a multiple of generation 0. A group not here rises as its base does, or a
third as much where it is filtered."""


@dataclass(frozen=True)
class Formula:
    """A run to make: its ``options``, the ``rises`` by group, and changes to the ``plan``."""

    options: RecurseOptions = field(default_factory=lambda: RecurseOptions(model="ngram", real=("human.txt",)))
    rises: Mapping[str, Rise] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)

    def rise(self, lineage: Lineage) -> Rise:
        known = {**RISES, **self.rises}
        base = lineage.group.removesuffix(f"+{lineage.filter}")
        found = known.get(lineage.group) or known.get(base) or RISES["replace"]
        return found if lineage.group in known or lineage.filter == "none" else lambda g: 1 + (found(g) - 1) / 3


def line_of(lineage: Lineage, generation: int, multiple: float) -> dict[str, Any]:
    """One line of the log: everything follows from the multiple of perplexity and the seed."""
    gone = 1 - math.exp(-(multiple - 1))
    own = 1 + 0.01 * math.sin(7 * lineage.seed + 3)
    perplexity = 160 * own * multiple
    signals = {n: (human + (end - human) * (0.08 + 0.92 * gone)) * own for n, (human, end) in SIGNALS.items()}
    likelier = 150 * own * math.exp(-0.7 * gone)
    level = "healthy" if gone < 0.1 else "at_risk" if gone < 0.4 else "collapsing"
    real = {"replace": 0.0, "accumulate": 1 / (generation + 1), "mix": lineage.real_share or 0.0}
    return {
        "lineage": lineage.name, "group": lineage.group, "generation": generation, "paradigm": lineage.paradigm,
        "seed": lineage.seed, "rate": lineage.rate, "filter": lineage.filter,
        "real_share": real.get(lineage.paradigm, 0.5) if generation else 1.0,
        "training": {"documents": 48, "tokens": 120_000, "real_tokens": 12_000, "loss": 1.2, "steps": 100},
        "validation": {
            "held-out": {"loss": math.log(perplexity), "perplexity": perplexity, "accuracy": 0.2 / multiple}
        },
        "own": {"loss": math.log(likelier), "perplexity": likelier},
        "under_generation_0": {"loss": math.log(likelier), "perplexity": likelier},
        "written": {
            "documents": 48, "empty": 0, "tokens": 120_000, "ended": None, "rare_kept": 0.61 * (1 - 0.9 * gone),
            "other_kept": 0.95 * (1 - 0.3 * gone), "distinct_2": signals["diversity.distinct_2"],
            "rep_4": signals["repetition.seq_rep_4"],
        },
        "signals": signals,
        "verdict": {
            "level": level, "p_value": 0.02 if gone > 0.1 else 0.6, "score": 0.5 + 6 * gone,
            "reasons": ["types: fewer than in human text"], "matched_tokens": 20_000, "tests": {},
        },
        "tracked": {
            pair: {"text": HUMAN[pair] * (1 - 0.5 * gone), "model": HUMAN[pair] * (1 - 0.45 * gone) * 0.98,
                   "occurrences": 300} for pair in PAIRS
        },
        "downstream": {"next_token_accuracy": 0.2 / multiple, "ending_choice": 0.25 + 0.16 * (1 - gone)},
        "filtered": None if lineage.filter == "none" or not generation else {"dropped": 3, "documents": 48},
        "seconds": 1.25,
    }  # fmt: skip


def log_of(formula: Formula) -> list[dict[str, Any]]:
    """The lines in the order in which they would arrive: lineage by lineage."""
    options = formula.options
    return [
        line_of(lineage, g, formula.rise(lineage)(g) if g else 1.0)
        for lineage in options.lineages()
        for g in range(options.generations + 1)
    ]


def plan_of(formula: Formula) -> dict[str, Any]:
    """What plan.json would say."""
    human = {"signals": {n: human for n, (human, _) in SIGNALS.items()}, "level": "healthy", "reason": "alike"}
    return formula.options.plan() | {
        "command": "recurse", "backend": "ngram", "departures": [], "human": human,
        "documents": {"training": 48, "held_out": 12, "fresh": 0},
        "tokens": {"training": 120_000, "held_out": 30_000, "fresh": 0},
        "tracked": {pair: {"text": HUMAN[pair], "occurrences": 300} for pair in PAIRS},
        "hardware": {"device": "cpu"}, "versions": {"contam": "0", "python": "3.11"},
    } | dict(formula.plan)  # fmt: skip


def make_recursion(formula: Formula | None = None) -> Run:
    """The run in memory: by default an n-gram model, five groups, three seeds, ten generations."""
    formula = formula or Formula()
    plan = plan_of(formula)
    return Run(plan, grouped(plan, log_of(formula)))


def write_recursion(folder: Path, formula: Formula | None = None) -> Path:
    """The run as a folder: plan, log, and samples of every generation."""
    formula = formula or Formula()
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan_of(formula)), encoding="utf-8")
    lines = log_of(formula)
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for line in lines:
        whose = f"Generation {line['generation']}" + (f" of {line['group']}" if line["generation"] else "")
        told = f"{whose} wrote: there was a harbour, and ships lay in it. "
        row = {"generation": line["generation"], "documents": [told * 8, "another text"]}
        with (folder / "samples" / f"{line['lineage']}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    return folder
