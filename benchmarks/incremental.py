"""What `--cache-dir` saves: an audit of fifty files, cold, warm, and with one file changed, beside one without it.

    python benchmarks/incremental.py                       # fifty files of 2.5 MB, three rounds
    python benchmarks/incremental.py --size 8 --rounds 5

The corpus is the one of `benchmarks/speed.py`. What is timed is measuring (`contam.engine.measure`); judging costs the
same with and without. Figures are ratios of medians, of processor time and of wall time: machines are shared. Every
round checks that what is found is the same to the last digit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from speed import documents, found_text

from contam.corpus import Corpus
from contam.engine import Measured, Plan, measure
from contam_metrics.kernels import warm

FILES = 50
KINDS = ("without", "cold", "warm", "one changed")


@dataclass(frozen=True)
class Timed:
    """One measurement: wall and processor seconds, files that were measured, and what was found."""

    wall: float
    cpu: float
    measured: int
    found: str


def write_files(folder: Path, megabytes: float) -> list[str]:
    """Fifty files of JSON lines."""
    texts = list(documents(found_text(), int(FILES * megabytes * 1e6)))
    for i in range(FILES):
        lines = (json.dumps({"text": text}) + "\n" for text in texts[i::FILES])
        (folder / f"{i:02}.jsonl").write_text("".join(lines))
    return [str(path) for path in sorted(folder.glob("*.jsonl"))]


def said(found: Measured) -> str:
    """What was found, to the last digit."""
    figures = {name: metric.figures() for name, metric in found.metrics.items()}
    return repr((figures, found.segments.keys.tolist(), found.segments.labels, found.skipped))


def timed(paths: list[str], kept: Path | None) -> Timed:
    """Measure with two workers."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = measure(Corpus.open(paths), Plan(workers=2, cache_dir=kept))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Timed(wall, cpu, found.measured_files, said(found))


def one_round(paths: list[str], kept: Path, number: int) -> dict[str, Timed]:
    """All four in turn; the changed file is another one each round."""
    shutil.rmtree(kept, ignore_errors=True)
    found = {"without": timed(paths, None), "cold": timed(paths, kept), "warm": timed(paths, kept)}
    assert found["without"].found == found["cold"].found == found["warm"].found
    with Path(paths[7 * number % FILES]).open("a") as file:
        file.write(json.dumps({"text": f"one more document, of round {number}"}) + "\n")
    found["one changed"] = timed(paths, kept)
    assert found["one changed"].found == timed(paths, None).found
    assert [found[kind].measured for kind in KINDS] == [FILES, FILES, 0, 1]
    return found


def main() -> None:
    """Print the table of `docs/incremental.md`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=float, default=2.5, help="megabytes of a file")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    warm.compile_all()
    with tempfile.TemporaryDirectory() as place:
        (corpus := Path(place) / "corpus").mkdir()
        paths, kept = write_files(corpus, given.size), Path(place) / "kept"
        timed(paths[:2], None)
        rounds = [one_round(paths, kept, number) for number in range(given.rounds)]
        size = sum(Path(path).stat().st_size for path in paths)
        held = sum(path.stat().st_size for path in kept.rglob("*.shard"))
    print("| audit | files measured | processor time | wall time |\n|---|---|---|---|")
    base = {unit: statistics.median(getattr(r["without"], unit) for r in rounds) for unit in ("cpu", "wall")}
    for kind in KINDS:
        ratios = [statistics.median(getattr(r[kind], unit) for r in rounds) / base[unit] for unit in ("cpu", "wall")]
        print(f"| {kind} | {rounds[0][kind].measured} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    print(f"\n{size / 1e6:.0f} MB of text, {base['cpu']:.1f} s of processor time without a cache; the cache has"
          f" {held / 1e6:.0f} MB, {held / size:.2f} of the corpus")  # fmt: skip


if __name__ == "__main__":
    main()
