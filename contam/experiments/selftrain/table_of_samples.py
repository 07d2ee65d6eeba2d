"""What the model wrote on the way: generated text at a few iterations, as in Table 1 of Herel & Mikolov (2024)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.experiments.selftrain.history import History, Line, Run, number_of
from contam.reports.page import Excerpt, Excerpts

PAPER = (0, 50, 100)
"""The iterations of the paper's table, beside the last."""
_SHOWN = 900
_BREAKS = re.compile(r"[ \t]*(?:\r\n|\n|\r)(?:[ \t]*(?:\r\n|\n|\r))*")
_RUN = re.compile(r"(\S{1,12}?)\1{19,}")
_WORDS = re.compile(r"(?<!\S)(\S{1,40}(?: \S{1,40}){0,3}?)(?: \1){7,}(?!\S)")


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that a replica generated, shortened for people, at one iteration; what was measured then."""

    iteration: int
    text: str
    measured: str


def sample_iterations(last: int) -> tuple[int, ...]:
    """Which iterations to show: 0, 50, 100 and the last; of a short run 0, a third, two thirds and the last."""
    chosen = PAPER if last > PAPER[-1] else (0, round(last / 3), round(2 * last / 3))
    return tuple(sorted({*chosen, last}))


def samples_of(folder: Path, replica: History) -> tuple[Sample, ...]:
    """The samples of a replica from the run folder; none where nothing was kept."""
    texts = dict(_texts(folder / "samples" / f"{replica.name}.jsonl"))
    if not texts:
        return ()
    wanted = (min(texts, key=lambda kept: abs(kept - i)) for i in sample_iterations(replica.last))
    lines = {int(line["iteration"]): line for line in replica.lines}
    return tuple(Sample(i, told(texts[i]), _measured(lines.get(i, {}))) for i in dict.fromkeys(wanted))


def table_of_samples(folder: Path, run: Run) -> tuple[tuple[str, Excerpts], ...]:
    """Of every (model, learning rate), the samples of its first seed: (heading, excerpts)."""
    found = []
    for (model, rate), seeds in run.groups().items():
        samples = samples_of(folder, seeds[0])
        if samples:
            name = f"{model}, learning rate {rate:g}, seed {seeds[0].seed}"
            found.append((name, excerpts_of(samples)))
    return tuple(found)


def excerpts_of(samples: Sequence[Sample]) -> Excerpts:
    """Samples as they stand on a page."""
    return Excerpts(tuple(Excerpt(f"iteration {s.iteration}", s.measured, s.text) for s in samples))


def told(text: str) -> str:
    r"""The beginning of a generated text on one line: line breaks as ``\n``, and of long repetitions how often."""
    shown = _BREAKS.sub(_line_breaks, text[: 40 * _SHOWN])
    shown = _RUN.sub(lambda found: f"{found[1] * 2}... ({len(found[0]) // len(found[1])} times)", shown)
    shown = _WORDS.sub(lambda found: f"{found[1]} ... ({_times(found)} times)", shown)
    return shown[:_SHOWN] + ("..." if len(shown) > _SHOWN else "")


def _line_breaks(found: re.Match[str]) -> str:
    count = len(re.findall(r"\r\n|\n|\r", found[0]))
    return r" \n" * count + " " if count < 4 else rf" \n ({count} times) "


def _times(found: re.Match[str]) -> int:
    return (len(found[0]) + 1) // (len(found[1]) + 1)


def _measured(line: Line) -> str:
    """The figures of one iteration beside its text."""
    parts = []
    for name in line.get("validation") or {}:
        value = number_of(line, f"validation.{name}")
        parts += [f"loss on {name} {value:.2f}"] if value is not None else []
    for field, name in (("train_loss", "on own text"), ("distinct_4", "distinct-4"), ("loop_cover", "in loops")):
        value = number_of(line, field)
        parts += [f"{name} {value:.2f}"] if value is not None else []
    return ", ".join(parts)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """(iteration, text) of a file of samples; a line that is torn or no sample is passed over."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for row in file:
            line = _decoded(row)
            if isinstance(line, dict) and isinstance(line.get("text"), str) and isinstance(line.get("iteration"), int):
                yield line["iteration"], line["text"]


def _decoded(row: bytes) -> Any:
    try:
        return json.loads(row)
    except ValueError:
        return None
