"""Self-training runs that nobody trained: logs drawn from a small generator, for tests of what is read from them.

A replica is quiet noise about its model's levels until ``onset``; then its texts lose variety, its loss on human text
climbs by ``rise`` nats within ``span`` iterations and its loss on its own text falls to ``floor`` of its start. After
that the loss on human text sinks again by ``sag``: it is not monotone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from contam.experiments.selftrain.history import History, Run, histories, replica_name

LEVELS = {
    "entropy.plug_in": (4.6, 0.08, 0.9),
    "entropy.window_50": (3.5, 0.05, 0.8),
    "entropy.chao_wang_jost": (5.4, 0.2, 0.9),
    "diversity.distinct_1": (0.6, 0.03, 0.04),
    "diversity.distinct_2": (0.95, 0.01, 0.05),
    "diversity.distinct_3": (0.99, 0.004, 0.06),
    "diversity.distinct_4": (0.995, 0.003, 0.07),
    "diversity.mattr_50": (0.8, 0.02, 0.12),
    "tail.hapax_share": (0.42, 0.04, 0.01),
    "repetition.seq_rep_4": (0.003, 0.003, 0.92),
    "repetition.loop_cover": (0.0, 0.001, 0.95),
    "repetition.loop_characters": (0.0, 0.0, 0.9),
    "gopher.top_2_gram": (0.02, 0.006, 0.4),
    "gopher.duplicate_5_grams": (0.004, 0.004, 0.95),
    "compression.zlib": (2.0, 0.05, 14.0),
}
"""Of each signal: its level in the untouched model's texts, its noise, and where a collapsed model's are."""


@dataclass(frozen=True)
class Course:
    """How a replica fares. ``onset`` None: it never collapses. ``signals_lead``: how many iterations its texts are
    ahead of its loss on human text. ``every``: losses are evaluated at every so many iterations."""

    onset: int | None = 20
    span: int = 10
    rise: float = 4.0
    floor: float = 0.03
    sag: float = 1.5
    noise: float = 0.05
    signals_lead: int = 6
    every: int = 1
    nan_at: int | None = None


def step(iteration: float, onset: int | None, span: int) -> float:
    """0 before ``onset``, 1 from ``onset + span`` on, smooth between."""
    if onset is None or iteration <= onset:
        return 0.0
    x = min((iteration - onset) / span, 1.0)
    return x * x * (3 - 2 * x)


def measured(chance: np.random.Generator, progress: float) -> dict[str, Any]:
    """What a line says of a text, ``progress`` of the way into collapse."""
    signals: dict[str, Any] = {}
    for name, (level, noise, end) in LEVELS.items():
        value = level + (end - level) * progress + noise * chance.standard_normal()
        bounded = name.startswith(("diversity", "tail", "repetition", "gopher"))
        signals[name] = float(min(max(value, 0.0), 1.0) if bounded else max(value, 0.0))
    return {
        "entropy": signals["entropy.plug_in"],
        **{f"distinct_{n}": signals[f"diversity.distinct_{n}"] for n in (1, 2, 3, 4)},
        "rep_4": signals["repetition.seq_rep_4"],
        "loop_cover": signals["repetition.loop_cover"],
        "words": 190,
        "signals": signals,
        "tokens": 321,
    }


def losses(chance: np.random.Generator, course: Course, iteration: int, sets: Sequence[str]) -> dict[str, Any]:
    """The evaluation at one iteration; nulls where there is none."""
    if iteration % course.every:
        return {"train_loss": None, "validation": dict.fromkeys(sets)}
    p = step(iteration, course.onset, course.span)
    sunk = step(iteration, None if course.onset is None else course.onset + 2 * course.span, 3 * course.span)
    own = 4.3 * (1 - (1 - course.floor) * p) + (0.15 * (1 - p) + 0.01) * chance.standard_normal()
    extra = course.rise * p - course.sag * sunk
    human = {name: 4.6 + 0.3 * i + extra + course.noise * chance.standard_normal() for i, name in enumerate(sets)}
    if course.nan_at is not None and iteration >= course.nan_at:
        return {"train_loss": math.nan, "validation": dict.fromkeys(sets, math.nan)}
    return {"train_loss": max(own, 0.0), "validation": human}


def make_lines(
    name: tuple[str, float, int], course: Course, iterations: int = 80, sets: Sequence[str] = ("pydoc",)
) -> list[dict[str, Any]]:
    """The log of one replica: iterations 0 to ``iterations``."""
    model, rate, seed = name
    chance = np.random.default_rng([seed, round(rate * 1e7), len(model)])
    lines = []
    for i in range(iterations + 1):
        progress = step(i + course.signals_lead, course.onset, course.span)
        line = {"iteration": i, "model": model, "learning_rate": rate, "seed": seed}
        line |= losses(chance, course, i, sets) | measured(chance, progress)
        lines.append(line | {"step_loss": line["train_loss"], "grad_norm": 1.0, "seconds": 0.2})
    return lines


def make_baseline(model: str, draws: int = 8, sets: Sequence[str] = ("pydoc",)) -> list[dict[str, Any]]:
    """Draws of the untouched model."""
    chance = np.random.default_rng([len(model), draws])
    quiet = Course(onset=None)
    return [{"model": model, "draw": i} | losses(chance, quiet, 0, sets) | measured(chance, 0.0) for i in range(draws)]


def make_history(course: Course, iterations: int = 80, sets: Sequence[str] = ("pydoc",)) -> History:
    """One replica of model ``tiny``."""
    return histories(make_lines(("tiny", 0.003, 0), course, iterations, sets))[0]


@dataclass(frozen=True)
class Plan:
    """A run to make: ``courses`` maps (model, learning rate) to how its seeds fare; ``sizes`` are the models'
    parameters."""

    courses: dict[tuple[str, float], Course]
    seeds: int = 3
    iterations: int = 80
    sets: tuple[str, ...] = ("pydoc", "wikitext2")
    sizes: tuple[tuple[str, int], ...] = (("tiny", 540_000), ("tiny-half", 120_000))
    scale_rate: str | None = None


def make_run(plan: Plan) -> Run:
    """The run in memory. Seeds differ by two iterations each in their onset."""
    lines: list[dict[str, Any]] = []
    for (model, rate), course in plan.courses.items():
        for seed in range(plan.seeds):
            shifted = replace(course, onset=None if course.onset is None else course.onset + 2 * seed)
            lines += make_lines((model, rate, seed), shifted, plan.iterations, plan.sets)
    models = list(dict.fromkeys(model for model, _ in plan.courses))
    baseline = [line for model in models for line in make_baseline(model, sets=plan.sets)]
    return Run(described(plan, models), tuple(baseline), histories(lines))


def described(plan: Plan, models: list[str]) -> dict[str, Any]:
    """What plan.json would say."""
    sizes = dict(plan.sizes)
    shape = {"architecture": "gpt2", "layers": 2, "width": 128, "heads": 4, "vocabulary": 1024, "context": 128}
    return {
        "preset": "tiny",
        "models": [{"name": m, **shape, "parameters": sizes.get(m, 1)} for m in models],
        "validation": [{"name": s, "documents": 3, "tokens": 5000, "mode": "random windows"} for s in plan.sets],
        "learning_rates": sorted({rate for _, rate in plan.courses}),
        "seeds": plan.seeds,
        "iterations": plan.iterations,
        "scale_rate": plan.scale_rate,
        "replicas": [replica_name(m, rate, s) for m, rate in plan.courses for s in range(plan.seeds)],
        "device": "cpu",
        "precision": "float32",
        "differs": ["a smaller model than the paper's"],
    }


def collapsing_run() -> Run:
    """One model, three rates: the higher, the sooner; two validation sets; three seeds."""
    onsets = {0.001: 50, 0.003: 25, 0.01: 8}
    return make_run(Plan({("tiny", rate): Course(onset=onset) for rate, onset in onsets.items()}, iterations=120))


def write_run(folder: Path, run: Run) -> Path:
    """The run as a folder: plan, baseline, log, and a sample an iteration."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(run.plan), encoding="utf-8")
    lines = sorted((line for r in run.replicas for line in r.lines), key=lambda line: int(line["iteration"]))
    for name, rows in (("baseline.jsonl", run.baseline), ("log.jsonl", lines)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for replica in run.replicas:
        rows = [{"iteration": line["iteration"], "text": sample(line)} for line in replica.lines]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "samples" / f"{replica.name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def sample(line: Any) -> str:
    """Some text as looped as the line says."""
    looped = round(40 * line["loop_cover"])
    return "\n" + " ".join([f"word{i * 7 % 31}" for i in range(40 - looped)] + ["the"] * looped)
