"""Speed and memory of `contam audit` beside `wc -w`, nltk and datatrove, measured in turn on one machine.

    python benchmarks/speed.py                      # 250 MB and 750 MB, three rounds
    python benchmarks/speed.py --sizes 20 --rounds 1
    python benchmarks/speed.py --write              # puts the tables into docs/benchmarks.md

The corpus is made from text found on the machine (program source, documentation, manuals), cut into documents
of a few kilobytes; where there is less text than asked for, lines of different files are mixed into new
documents. Figures are ratios of medians: the machines this runs on are shared.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "benchmarks.md"
SUFFIXES = (".py", ".md", ".rst", ".txt", ".html", ".h", ".c", ".json", ".js", ".css", ".po")
PLACES = ("/usr/share/doc", "/usr/share", "/usr/lib", "/usr/include", "/etc", "/opt")


@dataclass(frozen=True)
class Run:
    """One finished process: wall seconds, processor seconds, peak memory in MB, exit code."""

    wall: float
    cpu: float
    peak: float
    code: int


def found_text() -> Iterator[str]:
    """Text files of this machine, in the order of their paths: those of Python first, then the system's."""
    for place in (sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"], *PLACES):
        for folder, folders, files in os.walk(place):
            folders.sort()
            for name in sorted(files):
                path = Path(folder) / name
                if path.suffix in SUFFIXES and not path.is_symlink() and path.stat().st_size < 2_000_000:
                    yield path.read_text("utf-8", errors="ignore")


def documents(texts: Iterator[str], size: int) -> Iterator[str]:
    """Texts cut at line ends into documents of 500 to 8,000 characters, about ``size`` bytes in all."""
    chance = random.Random(0)
    done = 0
    pool: list[str] = []
    for text in texts:
        lines: list[str] = []
        wanted = chance.randint(500, 8000)
        for line in text.splitlines():
            lines.append(line)
            wanted -= len(line) + 1
            if wanted <= 0:
                yield "\n".join(lines)
                done += sum(map(len, lines)) + len(lines)
                pool += chance.sample(lines, min(len(lines), 12)) if len(pool) < 2_000_000 else []
                lines, wanted = [], chance.randint(500, 8000)
            if done >= size:
                return
    while done < size:
        document = "\n".join(chance.choices(pool, k=chance.randint(10, 150)))
        done += len(document)
        yield document


def make_corpus(path: Path, megabytes: int) -> None:
    """Write a JSONL file of about so many MB."""
    with path.open("w", encoding="utf-8") as out:
        for i, text in enumerate(documents(found_text(), megabytes * 1_000_000)):
            out.write(json.dumps({"id": i, "text": text, "source": "local"}, ensure_ascii=i % 2 == 0) + "\n")
            if i % 100 == 0 and out.tell() > megabytes * 1_000_000:
                break


def run(command: list[str]) -> Run:
    """Run a process and read the system's own account of it."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, code)


def audit_command(path: Path, workers: int) -> list[str]:
    """The audit as a user runs it."""
    script = shutil.which("contam") or str(Path(sys.executable).with_name("contam"))
    return [script, "audit", str(path), "--workers", str(workers), "--allow-insufficient", "--format", "json"]


def row(label: str, runs: list[Run], base: list[Run], megabytes: float) -> str:
    """One line of the table: medians, and the median ratio of neighbouring runs."""
    wall = statistics.median(r.wall for r in runs)
    ratios = [r.wall / b.wall for r, b in zip(runs, base)]
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    cpu, peak = statistics.median(r.cpu for r in runs), max(r.peak for r in runs)
    relative = f"{statistics.median(ratios):.2f} ({spread})"
    return f"| {label} | {wall:.2f} | {cpu:.2f} | {megabytes / wall:.0f} | {relative} | {peak:.0f} |"


def compare_with_wc(folder: Path, megabytes: int, rounds: int, workers: tuple[int, ...]) -> list[str]:
    """The audit against `wc -w` on the same file, in turn."""
    path = folder / f"{megabytes}.jsonl"
    make_corpus(path, megabytes)
    size = path.stat().st_size / 1e6
    commands = {"`wc -w`": ["wc", "-w", str(path)]}
    commands |= {f"`contam audit --workers {w}`": audit_command(path, w) for w in workers}
    runs: dict[str, list[Run]] = {label: [] for label in commands}
    for i in range(rounds + 1):
        for label, command in commands.items():
            result = run(command)
            if i > 0:  # the first round warms the file cache and the compiled kernels
                runs[label].append(result)
            if "contam" in label and result.code not in (0, 1):
                raise SystemExit(f"{' '.join(command)} ended with exit code {result.code}")
    path.unlink()
    base = runs["`wc -w`"]
    head = f"| {size:.0f} MB of JSONL | wall s | CPU s | MB/s | wall relative to `wc -w` (range) | peak MB |"
    return [head, "|---|---|---|---|---|---|", *(row(k, v, base, size) for k, v in runs.items()), ""]


def peers(folder: Path, rounds: int) -> list[str]:
    """Per core, in one process: contam's whole measurement, nltk's 1..4-grams, datatrove's Gopher filter."""
    path = folder / "peers.jsonl"
    make_corpus(path, 12)
    figures: dict[str, list[float]] = {}
    for _ in range(rounds):
        command = [sys.executable, __file__, "--peer", str(path)]
        out = subprocess.run(command, capture_output=True, text=True, check=True)
        for label, rate in json.loads(out.stdout).items():
            figures.setdefault(label, []).append(rate)
    path.unlink()
    medians = {label: statistics.median(rates) for label, rates in figures.items()}
    base = medians["nltk: FreqDist of 1..4-grams, alone"]
    lines = ["| one core, in memory | MB/s of text | relative to nltk |", "|---|---|---|"]
    return [*lines, *(f"| {k} | {v:.2f} | {v / base:.1f} |" for k, v in medians.items()), ""]


def peer_rates(path: Path) -> dict[str, float]:
    """MB of text a second of processor time for each peer that is installed."""
    texts = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    rates = {"contam: everything a corpus pass measures": _contam_rate(texts)}
    few = texts[: max(1, len(texts) // 6)]
    rates["nltk: FreqDist of 1..4-grams, alone"] = _nltk_rate(few)
    with contextlib.suppress(ImportError):
        rates["datatrove: Gopher repetition filter, alone"] = _datatrove_rate(few)
    return rates


def _megabytes(texts: list[str]) -> float:
    return sum(len(t.encode("utf-8", "ignore")) for t in texts) / 1e6


def _contam_rate(texts: list[str]) -> float:
    from contam_metrics.batch import Batch
    from contam_metrics.segments import SegmentSample
    from contam_metrics.streaming import METRICS
    from contam_metrics.view import Scratch, View

    def measure() -> None:
        scratch, metrics, sample = Scratch(), [m() for m in METRICS], SegmentSample()
        for i in range(0, len(texts), 120):
            view = View(Batch.of(texts[i : i + 120]), scratch)
            for metric in metrics:
                metric.update(view)
            sample.update(view.words, view.docs)
        for metric in metrics:
            metric.figures()

    measure()
    begin = time.process_time()
    measure()
    return _megabytes(texts) / (time.process_time() - begin)


def _nltk_rate(texts: list[str]) -> float:
    from nltk import FreqDist
    from nltk.util import ngrams

    begin = time.process_time()
    distributions = [FreqDist() for _ in range(4)]
    for text in texts:
        words = text.lower().split()
        for n, distribution in enumerate(distributions, 1):
            distribution.update(ngrams(words, n))
    return _megabytes(texts) / (time.process_time() - begin)


def _datatrove_rate(texts: list[str]) -> float:
    from datatrove.data import Document
    from datatrove.pipeline.filters import GopherRepetitionFilter

    gopher = GopherRepetitionFilter()
    gopher.filter(Document(text="one two three", id="0"))
    few = texts[: max(1, len(texts) // 4)]
    begin = time.process_time()
    for i, text in enumerate(few):
        gopher.filter(Document(text=text, id=str(i)))
    return _megabytes(few) / (time.process_time() - begin)


def write(lines: list[str]) -> None:
    """Put the tables between the markers of docs/benchmarks.md."""
    begin, end = "<!-- speed -->", "<!-- /speed -->"
    text = DOCS.read_text("utf-8")
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    DOCS.write_text(before + begin + "\n" + "\n".join(lines) + end + after, encoding="utf-8")


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[250, 750], help="MB of JSONL")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--folder", type=Path, help="where the corpora are made (default: the temporary folder)")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--peer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(peer_rates(options.peer)))
        return
    lines = [f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}.", ""]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for megabytes in options.sizes:
            lines += compare_with_wc(Path(folder), megabytes, options.rounds, tuple(options.workers))
        lines += peers(Path(folder), options.rounds)
    print("\n".join(lines))
    if options.write:
        write(lines)


if __name__ == "__main__":
    main()
