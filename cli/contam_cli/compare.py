"""``contam compare``: drift between two corpora or two saved audits."""

from __future__ import annotations

from typing import Any

import click

from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.reading import reading_options, source_of
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam compare last-year/ this-year/
  contam compare base.json head.json
  contam compare base.json new.jsonl.gz --format markdown
"""


@click.command(epilog=EPILOG)
@click.argument("base")
@click.argument("head")
@reading_options
@output_options
@global_options
def compare(base: str, head: str, form: str, outputs: tuple[str, ...], **reading: Any) -> int:
    """Show which figures of HEAD differ from BASE beyond noise, with intervals.

    BASE and HEAD are corpora, or JSON reports saved with -o json:PATH. A difference is not a verdict: the
    exit code is 0, or 2 where nothing could be compared.
    """
    check_outputs(outputs)
    from contam.comparing import compare as measure
    from contam_cli.progress import progress

    with reported("compare", (base, head), form, outputs), progress(settings()) as report:
        result = measure(source_of((base,)), source_of((head,)), **reading, on_progress=report)
    deliver(result, form, outputs, settings().quiet)
    return result.exit_code()
