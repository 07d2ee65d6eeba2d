"""How long a recursion of n-gram models takes: ``python benchmarks/recurse.py [TEXT]``.

Five paradigms, 20 generations, 3 seeds of a megabyte of text (165,000 words), as ``contam recurse`` does it: every
generation is predicted, written, audited against held-out text and drawn in the report. Without TEXT the
documentation of Python is the text, which has fewer words; what there was stands in the first line.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import contam
from contam.models.texts import PYDOC

SETTINGS = {"generations": 20, "seeds": 3, "size": 165_000}


def main(text: str) -> None:
    """One run with a process a core and one in a single process, and what a generation takes in each paradigm."""
    for workers in (0, 1):
        folder = Path(tempfile.mkdtemp()) / "run"
        begin = time.perf_counter()
        contam.recurse("ngram", text, out=folder, workers=workers, **SETTINGS)
        seconds = time.perf_counter() - begin
        _told(folder, seconds, workers)
        shutil.rmtree(folder.parent)


def _told(folder: Path, seconds: float, workers: int) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    words, tokens = plan["words"]["training"], plan["tokens"]["training"]
    how = "a process a core" if workers == 0 else "one process"
    print(f"{words:,} words ({tokens:,} tokens), {len(lines)} generations, {how}: {seconds:.1f} s in all")
    for group in dict.fromkeys(line["group"] for line in lines):
        spent = [line["seconds"] for line in lines if line["group"] == group and line["generation"]]
        usual, longest = 1000 * sum(spent) / len(spent), 1000 * max(spent)
        print(f"  {group:24} {usual:6.0f} ms a generation, the longest {longest:.0f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else PYDOC)
