"""``contam demo``: a human and a collapsing corpus made on the spot, and both audited."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contam_cli.output import emit, stdout_style
from contam_cli.settings import global_options, settings

if TYPE_CHECKING:
    from contam.demo import Demo
    from contam.reports.page import Page
    from contam.result import Audit

EPILOG = """\b
Examples:
  contam demo
  contam demo --out demo/ && contam audit demo/collapsing.jsonl --reference demo/trusted.jsonl
"""


@click.command(epilog=EPILOG)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Keep corpora and reports.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the recursion. Default: 0.")
@global_options
def demo(out: Path | None, seed: int) -> int:
    """Make a human corpus and a collapsing one on the spot, and audit both: alone, and against trusted text.

    The human text is the documentation that comes with Python; the collapsing one is what is left of it
    after ten generations of a trigram language model trained on its own output. Nothing is downloaded.
    """
    from contam.demo import make_demo, write_demo

    place = nullcontext(str(out)) if out else tempfile.TemporaryDirectory(prefix="contam-demo-")
    with place as folder:
        texts = make_demo(seed=seed)
        emit(_introduction(texts))
        files = write_demo(texts, Path(folder))
        audits = {name: _audit(files, *pair) for name, pair in _PAIRS.items()}
        if out:
            _keep(audits, out)
    emit(_summary(audits) + _next_steps(out))
    return 2 if all(audit.exit_code("never") for audit in audits.values()) else 0


_PAIRS: dict[str, tuple[str, str | None]] = {
    "human alone": ("human", None),
    "collapsing alone": ("collapsing", None),
    "human against trusted text": ("human", "trusted"),
    "collapsing against trusted text": ("collapsing", "trusted"),
}


_TOLD = ("diversity.types", "tail.hapax_share", "diversity.distinct_2", "entropy.chao_wang_jost")


def _audit(files: dict[str, Path], name: str, reference: str | None) -> Audit:
    from contam.auditing import AuditOptions
    from contam.auditing import audit as measure
    from contam_cli.progress import progress

    trusted = str(files[reference]) if reference else None
    with progress(settings()) as report:
        result = measure(str(files[name]), AuditOptions(reference=trusted, on_progress=report))
    _show(result, f"contam audit {name}.jsonl" + (f" --reference {reference}.jsonl" if reference else ""))
    return result


def _show(result: Audit, command: str) -> None:
    """The verdict and its first reason; the full report is a command away."""
    from contam.reports.audit_page import banner_of
    from contam.reports.page import Page, Section, Sentences

    banner = replace(banner_of(result), detail="")
    why = Section("", (Sentences(result.verdict.reasons[:1]),))
    _print(Page(f"$ {command}", banner, (why,)))


def _print(page: Page) -> None:
    from contam.reports import terminal

    emit("\n" + terminal.render(page, stdout_style()))


def _summary(audits: dict[str, Audit]) -> str:
    """What the recursion did to the text, and what such a verdict cannot see."""
    from contam.reports import terminal
    from contam.reports.page import Page, Section, Sentences, Table
    from contam.wording import name_of, written

    human, collapsing = audits["human alone"], audits["collapsing alone"]
    pairs = ((key, human.signals[key].value, collapsing.signals[key].value) for key in _TOLD)
    rows = tuple((name_of(key), written(before, key), written(after, key)) for key, before, after in pairs)
    table = Table(("figure", "human", "collapsing"), rows, header=True)
    limits = Sentences((human.verdict.detection_floor,) if human.verdict.detection_floor else ())
    sections = (Section("What ten generations did", (table,)), Section("What this cannot see", (limits,)))
    return "\n" + terminal.render(Page("", None, sections), stdout_style()).lstrip("\n")


def _keep(audits: dict[str, Audit], out: Path) -> None:
    from contam.reports import render, write_whole

    for name, result in audits.items():
        stem = name.replace(" ", "-")
        for form, suffix in (("json", "json"), ("markdown", "md")):
            write_whole(out / f"{stem}.{suffix}", render(result, form))


def _introduction(texts: Demo) -> str:
    """What the corpora are."""
    from contam.reports import terminal
    from contam.reports.page import Page, Section, Sentences

    told = (
        f"trusted.jsonl, human.jsonl: two halves of the prose of {texts.source}",
        f"collapsing.jsonl: generation {texts.generations} of a word-trigram model, each generation trained "
        "on nothing but the one before, the first on human.jsonl",
    )
    page = Page("Corpora made on the spot", None, (Section("", (Sentences(told),)),))
    return terminal.render(page, stdout_style())


def _next_steps(out: Path | None) -> str:
    kept = f"Corpora and reports are in {out}." if out else "contam demo --out DIR keeps corpora and reports."
    return f"\n{kept}\nYour own text: contam audit PATH; with trusted text of its source: --reference PATH.\n"
