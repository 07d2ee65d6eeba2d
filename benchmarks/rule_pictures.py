"""Pictures of the rules: what each reads of human text and of its recursions: ``python benchmarks/rule_pictures.py``.

Three human sources of the shared development data are cut in halves. A trigram model is trained on the second half,
writes as much, is trained on that, and so on, at temperature 1 and, colder, at .5. Every generation is audited, alone
(the built-in references' band and limit) and beside the first half (`--reference`). Writes ``docs/rules/<ID>.svg``, and
the figures to ``--figures`` (read back from there, if it exists, so that pictures can be drawn again).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sources

import contam
from contam.models.ngram import Ngram
from contam.models.ngram_writing import Drawing, write
from contam.models.word_text import tokens, written
from contam.reports import write_whole
from contam.reports.charts import Chart, Line, draw_charts
from contam.reports.vector import FAINT, INK, PAPER
from contam.result import Figure
from contam.rules import RULES, Rule
from contam.wording import PERCENT, name_of

TARGET = Path(__file__).parents[1] / "docs" / "rules"
NAMES = {"movie reviews 1": "film reviews", "abc science 1": "news", "novel Trollope_Warden_1855": "a novel"}
GENERATIONS = (0, 1, 2, 3, 5, 10)
TEMPERATURES = (1.0, 0.5)
HALF = 30_000
"""Words of a half at most: somewhat more than is judged, since near copies are dropped."""
COPIED = (0.0, 0.05, 0.1, 0.2, 0.3)
THEMES = {INK: ("ink", "#e6edf3"), FAINT: ("faint", "#3d444d"), PAPER: ("paper", "#0d1117")}
"""Colours of light paper: what they are called in the picture, and what they are where dark is preferred."""


@dataclass(frozen=True)
class Read:
    """A figure as an audit gave it."""

    value: float | None
    band: tuple[float, float, float] | None
    limits: tuple[float, float] | None


def halves(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Two halves of a source of at most `HALF` words each: every other document, long ones in pieces."""
    pieces = [piece for text in texts for piece in _pieces(text)]
    random.Random(0).shuffle(pieces)
    out: tuple[list[str], list[str]] = ([], [])
    sizes = [0, 0]
    for i, piece in enumerate(pieces):
        if sizes[i % 2] < HALF:
            out[i % 2].append(piece)
            sizes[i % 2] += len(piece.split())
    return out


def _pieces(text: str) -> Iterator[str]:
    words = text.split(" ")
    count = max(1, round(len(words) / 300))
    for i in range(count):
        yield " ".join(words[i * len(words) // count : (i + 1) * len(words) // count])


def recursion(texts: Sequence[str], temperature: float) -> Iterator[list[str]]:
    """Generation 0, the texts themselves, and those that follow."""
    documents = [tokens(text) for text in texts]
    words = sorted({word for document in documents for word in document})
    number = {word: i for i, word in enumerate(words)}
    ids = np.array([number[word] for document in documents for word in document], np.int32)
    bounds = np.concatenate(([0], np.cumsum([len(document) for document in documents]))).astype(np.int64)
    yield list(texts)
    for generation in range(1, max(GENERATIONS) + 1):
        model = Ngram.train(ids, bounds, 3, len(words))
        ids = write(model, bounds, Drawing(temperature), "pictures", generation)
        yield [written(words[i] for i in ids[a:b]) for a, b in pairwise(bounds)]


def audited(texts: Sequence[str], trusted: Sequence[str], held_out: Sequence[str]) -> dict[str, Read]:
    """Every figure that a rule for corpora reads."""
    alone = contam.audit(list(texts), model="tiny")
    beside = contam.audit(list(texts), reference=list(trusted), valid=list(held_out))
    found = {"signals": beside.signals | alone.signals, "whole": alone.whole}
    return {rule.reads: _read(found[rule.scope][rule.reads]) for rule in RULES if rule.reads in found[rule.scope]}


def _read(figure: Figure) -> Read:
    return Read(figure.value, figure.band, figure.limits)


def courses(texts: Sequence[str]) -> Iterator[tuple[str, float, dict[str, Read]]]:
    """(kind of course, x, figures): the recursions of a source, and copies added to it."""
    trusted, begun = halves(texts)
    cut = len(trusted) * 3 // 4
    trusted, held_out = trusted[:cut], trusted[cut:]
    for temperature in TEMPERATURES:
        for generation, made in enumerate(recursion(begun, temperature)):
            if generation in GENERATIONS:
                yield f"temperature {temperature:g}", generation, audited(made, trusted, held_out)
    yield from copies(begun)


def copies(begun: Sequence[str]) -> Iterator[tuple[str, float, dict[str, Read]]]:
    """Human text to which exact and near copies of its own documents are added."""
    for share in COPIED:
        count = round(len(begun) * share / (1 - share))
        again = [begun[i % len(begun)] for i in range(count)]
        near = [f"{text} In other words, {i}." for i, text in enumerate(again)]
        for kind, added in (("exact copies", again), ("near copies", near)):
            whole = contam.audit([*begun, *added]).whole
            yield kind, share, {rule.reads: _read(whole[rule.reads]) for rule in RULES if rule.reads in whole}


def measured() -> list[dict[str, Any]]:
    """All courses of all sources, as rows."""
    found = {source.name: source for source in sources.english(40_000)}
    rows = []
    for name in NAMES:
        for kind, x, figures in courses(found[name].texts):
            rows.append({"source": name, "kind": kind, "x": x} | {key: asdict(read) for key, read in figures.items()})
            print(name, kind, x, flush=True)
    return rows


def lines(rows: Sequence[dict[str, Any]], reads: str, kind: str) -> list[Line]:
    """The course of one figure for every source."""
    out = []
    for place, (name, label) in enumerate(NAMES.items()):
        mine = [row for row in rows if row["source"] == name and row["kind"] == kind and row.get(reads)]
        points = [(row["x"], row[reads]["value"]) for row in mine if row[reads]["value"] is not None]
        if points:
            x, y = zip(*points)
            out.append(Line(label, tuple(x), tuple(_scaled(reads, v) for v in y), place=place))
    return out


def _scaled(reads: str, value: float) -> float:
    return 100 * value if reads in PERCENT else value


def limits(rows: Sequence[dict[str, Any]], rule: Rule) -> tuple[tuple[float, str], ...]:
    """The rule's limit, named where it is drawn: the references' own, or the stated one."""
    if rule.kind == "absolute":
        return ((_scaled(rule.reads, rule.limit), f"limit {100 * rule.limit:.0f} %"),)
    known = next((row[rule.reads]["limits"] for row in rows if row.get(rule.reads) and row[rule.reads]["limits"]), None)
    if known is None:
        return ()
    if rule.kind == "null":
        return ((max(rule.limit, known[1]), "limit"),)
    low, high = (known[0], "limit: 1 % of the references"), (known[1], "limit: 99 % of the references")
    return {"falls": (low,), "rises": (high,), "both": (low, high)}[rule.direction]


def band(rows: Sequence[dict[str, Any]], reads: str, x: Sequence[float]) -> list[Line]:
    """What nine of ten references have, as a band behind the courses."""
    known = next((row[reads]["band"] for row in rows if row.get(reads) and row[reads]["band"]), None)
    if known is None:
        return []
    low, middle, high = (_scaled(reads, v) for v in known)
    ends = (min(x), max(x))
    return [Line("references, 5 to 95 %", ends, (middle, middle), (low, low), (high, high), place=6)]


def chart(rows: Sequence[dict[str, Any]], rule: Rule, kind: str, title: str) -> Chart:
    """One panel."""
    found = lines(rows, rule.reads, kind)
    x = [value for line in found for value in line.x] or [0.0]
    unit = " (%)" if rule.reads in PERCENT else ""
    return Chart(title, (*band(rows, rule.reads, x), *found), name_of(rule.reads) + unit, limits=limits(rows, rule))


def draw_rule(rows: Sequence[dict[str, Any]], rule: Rule) -> str:
    """The picture of a rule for corpora."""
    if rule.id in ("DUP001", "DUP002"):
        kind = "exact copies" if rule.id == "DUP001" else "near copies"
        return draw_charts([chart(rows, rule, kind, f"{rule.id}: human text with copies added")], "share of copies")[0]
    panels = [chart(rows, rule, f"temperature {t:g}", f"{rule.id}, temperature {t:g}") for t in TEMPERATURES]
    return draw_charts(panels, "generation", columns=2)[0]


def themed(svg: str) -> str:
    """A picture that follows its reader's preference for light or dark."""
    light = ";".join(f"--{name}:{colour}" for colour, (name, _) in THEMES.items())
    dark = ";".join(f"--{name}:{colour}" for name, colour in THEMES.values())
    for colour, (name, _) in THEMES.items():
        svg = svg.replace(colour, f"var(--{name})")
    rules = f":root{{{light}}} @media (prefers-color-scheme: dark) {{ :root{{{dark}}} }} "
    return svg.replace('<style type="text/css">', f'<style type="text/css">{rules}', 1)


def main() -> None:
    """Measure (or read) and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figures", type=Path, default=Path("rule_figures.json"))
    options = parser.parse_args()
    if not options.figures.exists():
        options.figures.write_text(json.dumps(measured()), encoding="utf-8")
    rows = json.loads(options.figures.read_text(encoding="utf-8"))
    TARGET.mkdir(exist_ok=True)
    for rule in RULES:
        if rule.id in DRAWN:
            write_whole(TARGET / f"{rule.id}.svg", themed(DRAWN[rule.id](rows, rule)))


DRAWN: dict[str, Callable[[Sequence[dict[str, Any]], Rule], str]] = {
    rule.id: draw_rule for rule in RULES if rule.subject == "corpus" and not rule.id.startswith("SYN")
}


if __name__ == "__main__":
    main()
