"""``contam audit``: the verdict on a corpus."""

from __future__ import annotations

from typing import Any

import click

from contam_cli.output import check_outputs, deliver, output_options
from contam_cli.reading import reading_options, source_of
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam audit data/
  contam audit 'data/*.jsonl.gz' --text-field body --workers 4
  contam audit new.jsonl --reference trusted.jsonl --fail-on at_risk
  zstdcat dump.jsonl.zst | contam audit - -o json:report.json

\b
Exit codes: 0 judged and below --fail-on; 1 judged and at or above it;
2 could not judge (0 with --allow-insufficient where evidence was short).
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True)
@click.option("--reference", metavar="PATH", help="Trusted text of the same source: the paired audit.")
@reading_options
@click.option(
    "--fail-on",
    type=click.Choice(("at_risk", "collapsing", "never")),
    default="collapsing",
    show_default=True,
    help="The level from which the exit code is 1.",
)
@click.option("--allow-insufficient", is_flag=True, help="Exit 0, not 2, where the evidence is too thin.")
@output_options
@global_options
def audit(paths: tuple[str, ...], form: str, outputs: tuple[str, ...], **given: Any) -> int:
    """Judge whether the text at PATHS is collapsing from training on model output.

    PATHS are files, folders, globs, hf://NAME or - for stdin: .txt .md .jsonl .json .csv .tsv .parquet
    .arrow, plain or compressed (.gz .zst .bz2 .xz). The strongest test is the paired one: --reference.
    """
    check_outputs(outputs)
    fail_on, allow = given.pop("fail_on"), given.pop("allow_insufficient")
    from contam.auditing import AuditOptions
    from contam.auditing import audit as measure
    from contam_cli.progress import progress

    with progress(settings()) as report:
        result = measure(source_of(paths), AuditOptions(**given, on_progress=report))
    deliver(result, form, outputs, settings().quiet)
    return result.exit_code(fail_on, allow)
