"""Pictures of the rules for shares, checkpoints and mixtures: ``python benchmarks/rule_pictures_models.py``.

SYN001 from the table of bounds in ``docs/share.md``; SYN002 from labelled paragraphs mixed here; CKP rules from a short
self-training of the embedded model and its probe; MIX001 from forecasts. Writes ``docs/rules/<ID>.svg``.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import sources
from rule_pictures import themed

import contam
from contam.mixing.estimating import estimate
from contam.mixing.running import mix
from contam.probing.result import Checkpoint
from contam.reports import write_whole
from contam.reports.charts import Chart, Line, draw_charts
from contam.rules import find_rule

DOCS = Path(__file__).parents[1] / "docs"
GROUPS = {"instruct": "continuations", "rewrite": "rewrites", "essay": "essays", "base": "base models"}
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
RATES = (3e-3,)
LEAST = 80
"""Words of a document that the score reads."""
GENERATORS = ("GPT-3-Turbo", "GPT-4o", "Llama-3-70B")
FORECASTS = {"10 % synthetic": ("reused", 0.1), "50 % synthetic": ("reused", 0.5), "nothing else": ("replace", 1.0)}
Picture = tuple[str, str]


def share_bounds() -> Iterator[Picture]:
    """The lower bound over the true share, by kind of text, from the committed table."""
    table = (DOCS / "share.md").read_text(encoding="utf-8").partition("### Found, known order\n")[2]
    lines = []
    for place, (group, label) in enumerate(GROUPS.items()):
        cells = re.search(rf"^\| {group} \|(.*)\|$", table, re.M)
        assert cells is not None
        bounds = [100 * float(cell.split()[0]) for cell in cells.group(1).split("|")[-3:]]
        lines.append(Line(label, (0.0, 25.0, 50.0, 100.0), (0.0, *bounds), place=place))
    limits = ((10.0, "limit 10 %"),)
    chart = Chart("SYN001: what is proven of a known share", tuple(lines), "lower bound (%)", limits=limits)
    yield "SYN001", draw_charts([chart], "machine text in the corpus (% of the documents)")[0]


def declared_shares() -> Iterator[Picture]:
    """The declared share over the true one: rewritten paragraphs of three generators, which are named."""
    rows = sources.rows("labelled/l2r.jsonl.zst")
    lines = []
    for place, generator in enumerate(GENERATORS):
        human = [r["text"] for r in rows if r["label"] == "human" and len(r["text"].split()) >= LEAST]
        machine = [r["text"] for r in rows if r.get("model") == generator and len(r["text"].split()) >= LEAST]
        for some in (human, machine):
            random.Random(1).shuffle(some)
        points = [_declared(human, machine, share, generator) for share in SHARES]
        y, low, high = (tuple(100 * point[i] for point in points) for i in range(3))
        lines.append(Line(generator, tuple(100 * share for share in SHARES), y, low, high, place=place))
    limits = ((10.0, "limit 10 %: the whole interval"),)
    chart = Chart("SYN002: the estimate beside the truth", tuple(lines), "estimate (%)", limits=limits)
    yield "SYN002", draw_charts([chart], "machine text in the corpus (% of the documents)")[0]


def _declared(human: list[str], machine: list[str], share: float, generator: str) -> tuple[float, float, float]:
    """(estimate, interval) of half of the documents, with the other half labelled."""
    size = min(len(human), len(machine)) // 2
    count = round(size * share)
    corpus = human[size : 2 * size - count] + machine[size : size + count]
    found = estimate(corpus, human=human[:size], machine=machine[:size], generator=generator).synthetic_share
    assert found is not None and found.declared is not None
    declared = found.declared
    assert declared.estimate is not None and declared.interval is not None, declared.reason
    return declared.estimate, *declared.interval


def checkpoints() -> Iterator[Picture]:
    """The three figures that CKP rules read, along a self-training of the embedded model."""
    found = {}
    for rate in RATES:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            contam.selftrain("tiny", out=run, preset="small", rates=(rate,), seeds=1, iterations=16, save_every=4)
            course = contam.probe(str(run), text=("pydoc",), samples=64, text_bytes=200_000)
            found[f"learning rate {rate:g}"] = course.checkpoints
    for identity in ("CKP001", "CKP002", "CKP003"):
        lines = []
        for place, (label, course) in enumerate(found.items()):
            points = [(float(one.step or 0), read(one, identity)) for one in course]
            known = [(x, y) for x, y in points if y is not None]
            lines.append(Line(f"tiny, {label}", tuple(x for x, _ in known), tuple(y for _, y in known), place=place))
        rule = find_rule(identity)
        limits = ((rule.limit, "limit 0.1 nats"),) if rule.kind == "drift" else ()
        name = {"CKP001": "different words", "CKP002": "drift of the gap", "CKP003": "drift of the loss"}[identity]
        yield identity, draw_charts([Chart(f"{identity}: self-training", tuple(lines), name, limits=limits)], "step")[0]


def read(checkpoint: Checkpoint, identity: str) -> float | None:
    """The figure that a rule reads of a checkpoint."""
    if identity == "CKP001":
        return checkpoint.generation.signals["diversity.types"].value
    drift = checkpoint.texts[0].drift
    if drift is None:
        return 0.0
    estimate = drift.gap if identity == "CKP002" else drift.nats
    return estimate.value if estimate is not None else None


def forecasts() -> Iterator[Picture]:
    """Vocabulary retained, by generation, for three mixtures."""
    texts = next(source for source in sources.english(40_000) if source.name == "abc science 1").texts
    lines = []
    for place, (label, (regime, share)) in enumerate(FORECASTS.items()):
        found = mix(list(texts), share=share, regime=regime, generations=10).forecast
        assert found is not None
        y = tuple(100 * one.vocabulary_retained for one in found.generations)
        lines.append(Line(label, tuple(float(one.generation) for one in found.generations), y, place=place))
    limits = ((90.0, "warns below 90 %"), (60.0, "fails below 60 %"))
    chart = Chart("MIX001: forecasts for a corpus of news", tuple(lines), "vocabulary retained (%)", limits=limits)
    yield "MIX001", draw_charts([chart], "generation")[0]


PARTS: dict[str, Callable[[], Iterator[Picture]]] = {
    "bounds": share_bounds, "declared": declared_shares, "checkpoints": checkpoints, "forecasts": forecasts,
}  # fmt: skip


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS)
    only = parser.parse_args().only
    (DOCS / "rules").mkdir(exist_ok=True)
    for name in (only,) if only else PARTS:
        for identity, svg in PARTS[name]():
            write_whole(DOCS / "rules" / f"{identity}.svg", themed(svg))


if __name__ == "__main__":
    main()
