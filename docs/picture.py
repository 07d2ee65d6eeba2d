"""Makes ``docs/report.svg``, the terminal report in the README: ``python docs/picture.py``.

The report is that of the demonstration's collapsing corpus, audited with the built-in references alone.
"""

from __future__ import annotations

import os
import re
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console

from contam import audit
from contam.demo import make_demo, write_demo
from contam.reports.drawing import draw
from contam.reports.terminal import paint

TARGET = Path(__file__).resolve().with_name("report.svg")
WIDTH = 96


def main() -> None:
    """Audit the demonstration's corpus and draw the report."""
    with tempfile.TemporaryDirectory() as folder:
        write_demo(make_demo(), Path(folder))
        os.chdir(folder)
        result = audit("collapsing.jsonl")
    page = draw(result)
    console = Console(record=True, width=WIDTH, file=StringIO(), highlight=False)
    paint(page, console)
    svg = console.export_svg(title="contam audit collapsing.jsonl", unique_id="contam")
    TARGET.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
