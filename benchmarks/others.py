"""Text that is not among the references: other languages, program text, logs, masked text, machine text."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

import sources
from sources import Source


def logs(lines: int = 20_000, seed: int = 0) -> Source:
    """A server log, made up: the same few sentences with other numbers."""
    chance = random.Random(seed)
    out = []
    for i in range(lines):
        stamp = f"2024-{1 + i // 2400 % 12:02}-{1 + i // 97 % 28:02} {i % 24:02}:{i % 60:02}:{i * 7 % 60:02}"
        path = f"/api/v{chance.randint(1, 3)}/{chance.choice(['users', 'items', 'orders', 'search'])}"
        what = chance.choice(
            [
                f"GET {path}/{chance.randint(1, 99999)} {chance.choice([200, 200, 304, 404, 500])}",
                f"connection from 10.0.{chance.randint(0, 255)}.{chance.randint(0, 255)} accepted",
                f"worker {chance.randint(1, 64)} finished job {chance.randint(1, 10**7)} in {chance.random():.3f}s",
            ]
        )
        out.append(f"{stamp} {chance.choice(['INFO', 'INFO', 'WARN', 'ERROR'])} [{chance.randint(1, 9)}] {what}")
    return Source("server log (made up)", "logs", tuple(out))


def program_text() -> Iterator[Source]:
    """Program text in other languages that this system carries."""
    for name, folder, pattern in (("C headers", "/usr/include", "*.h"), ("Perl modules", "/usr/share/perl", "*.pm")):
        files = sorted(Path(folder).rglob(pattern))[:400] if Path(folder).exists() else []
        texts = [f.read_text("utf-8", "replace") for f in files if f.is_file()]
        if texts:
            yield Source(f"{name} of a Linux system", "program text", tuple(texts))


def licences() -> Iterator[Source]:
    """The licence texts that this system carries."""
    folder = Path("/usr/share/common-licenses")
    texts = (
        [p.read_text("utf-8", "replace") for p in sorted(folder.glob("*")) if p.is_file()] if folder.exists() else []
    )
    if texts:
        yield Source("licences of a Linux system", "licences", tuple(texts))


def manual() -> Source:
    """Python's own manual, as the installation carries it."""
    from pydoc_data.topics import topics

    return Source("Python manual (pydoc topics)", "technical", tuple(topics.values()))


def packages(names: tuple[str, ...] = ("numpy", "rich", "pyarrow", "sklearn")) -> Iterator[Source]:
    """Python source of installed packages that the profile of program text has not seen."""
    for name in names:
        for folder in (Path(p) / name for p in sys.path):
            files = sorted(folder.rglob("*.py")) if folder.is_dir() else []
            texts = [f.read_text("utf-8", "replace") for f in files if "tests" not in f.parts]
            if texts:
                yield Source(f"source of {name}", "program text", tuple(texts[:300]))
                break


def outside() -> Iterator[Source]:
    """Text that must not be judged by the English population, or not without a word."""
    yield from sources.other_languages()
    yield from sources.masked()
    yield logs()
    yield from licences()
    yield from sources.python_code()[:1]
    yield from packages()
    yield from program_text()
    yield manual()


def machine() -> Iterator[Source]:
    """Machine text of one generation: the labelled sets by model, TinyStories."""
    for file in ("fast_detect_gpt", "l2r", "school_essays", "student_essays", "gpt3_by_temperature"):
        found = [r for r in sources.rows(f"labelled/{file}.jsonl.zst") if r["label"] == "machine"]
        for model, texts in sources.grouped(found, lambda r: r["model"]).items():
            yield Source(f"{file}: {model}", "machine", tuple(t.replace("\n", " ") for t in texts))
    stories = sources.rows("tinystories/tinystories_v1_sample.jsonl.zst")
    yield Source("tinystories v1", "machine", tuple(r["text"] for r in stories))
