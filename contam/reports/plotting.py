"""How pictures are drawn: matplotlib without a display, equal bytes for equal figures, colours all eyes can tell."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contam.reports import write_whole
from contam.reports.vector import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#00936b", "#b8609a", "#a87000", "#5f7fd0", "#7f7f7f")
"""Okabe and Ito's, darkened or lightened to at least 3 to 1 on light and on dark paper."""
WIDTH = 6.0
_DASHES = ("-", "--", ":")
_SETTINGS = {
    "svg.hashsalt": "contam",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "savefig.dpi": 200,
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture: the stem of its files, as SVG and PNG, what it shows in words, and how to read it."""

    name: str
    svg: str
    png: bytes
    alt: str
    caption: str


@contextmanager
def drawing() -> Iterator[None]:
    """Settings of one look, whatever the person's own are; a missing glyph is drawn as a box without a word."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, _SETTINGS))
        yield


def saved(figure: Figure) -> tuple[str, bytes]:
    """A figure as SVG text and PNG bytes, without a date or a trace of who made it."""
    svg, png = BytesIO(), BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    figure.savefig(png, format="png", metadata={"Software": None})
    return svg.getvalue().decode("utf-8"), png.getvalue()


def style_of(index: int) -> dict[str, Any]:
    """Colour and dashes of the curve with this number."""
    return {"color": COLOURS[index % len(COLOURS)], "linestyle": _DASHES[index // len(COLOURS) % len(_DASHES)]}


def write_pictures(folder: Path, pictures: Sequence[Drawn]) -> None:
    """Each picture as ``<name>.svg`` and ``<name>.png``, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        write_whole(folder / f"{picture.name}.svg", picture.svg)
        write_whole(folder / f"{picture.name}.png", picture.png)


def file_name(name: str) -> str:
    """A name that is safe in a file's name."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name).strip(".") or "_"
