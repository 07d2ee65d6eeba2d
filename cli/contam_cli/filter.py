"""``contam filter``: a corpus without the documents that rules point at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from contam.reports import FORMATS
from contam_cli.output import check_outputs, deliver, reported
from contam_cli.reading import reading_options
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam filter data/ --dry-run
  contam filter data/ -o clean/
  contam filter dump.jsonl.gz -o clean.jsonl.gz --rules DUP --limit DUP002=0.9
  contam filter train/ -o clean/ --against test.jsonl --fail-on at_risk

\b
Exit codes: 0 filtered (or nothing to drop); 1 with --fail-on, where the audit
of the output is at or above it; 2 nothing was written, or with --fail-on the
output could not be judged.
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1)
@click.option("-o", "--out", metavar="OUT", help="A new file for one file, a new folder for a folder or several files.")
@click.option(
    "--rules",
    multiple=True,
    metavar="ID,...",
    help="Rules or prefixes of REP001 REP002 REP004 DUP001 DUP002 PPL001.  [default: REP001,DUP001,DUP002]",
)
@click.option("--limit", "limits", multiple=True, metavar="RULE=VALUE", help="Another limit for a rule (repeatable).")
@click.option("--against", metavar="PATH", help="Also drop copies of the documents there, such as held-out text.")
@click.option("--manifest", metavar="PATH", help="Where what is dropped is listed.  [default: OUT.dropped]")
@click.option("--drop-unread", is_flag=True, help="Drop records that hold no text too; they are kept otherwise.")
@click.option("--force", is_flag=True, help="Replace OUT.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be dropped.")
@click.option("--no-audit", is_flag=True, help="No audit of the corpus before and after.")
@click.option("--reference", metavar="PATH", help="Trusted text of the same source: for the audits, and for PPL001.")
@click.option("--model", metavar="MODEL", help="For PPL001: tiny, a folder, a hub name.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="For --model.")
@click.option("--precision", default="fp32", show_default=True, metavar="NAME", help="For --model: fp32, tf32, bf16.")
@reading_options
@click.option(
    "--fail-on",
    type=click.Choice(("at_risk", "collapsing", "never")),
    help="Exit 1 where the output is at this level or above.  [default: never looked at]",
)
@click.option("--allow-insufficient", is_flag=True, help="With --fail-on: exit 0, not 2, where evidence is too thin.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="rich", show_default=True, help="On stdout.")
@click.option(
    "--report", "outputs", multiple=True, metavar="FORMAT:PATH", help="Also write a report, such as html:filter.html."
)
@global_options
def filter(paths: tuple[str, ...], form: str, outputs: tuple[str, ...], **given: Any) -> int:
    """Write the corpus at PATHS (or contam.toml's include) to OUT without looping and duplicate documents.

    What stays is written back in the same format and compression, text formats byte for byte; nothing is changed in
    place. Every dropped document is named in OUT.dropped, with the rule, the value and the document that it copies. Of
    near copies the first one stays. Without --rules, those that contam.toml leaves out of the audit are left out here
    too.
    """
    check_outputs(outputs)
    if given["out"] is None and not given["dry_run"]:
        raise click.UsageError("where to write? give -o OUT, or --dry-run to see what would be dropped")
    paths = paths or _included()
    fail_on, allow = given.pop("fail_on"), given.pop("allow_insufficient")
    if fail_on and (given["no_audit"] or given["dry_run"]):
        raise click.UsageError("--fail-on judges the output: it goes with neither --no-audit nor --dry-run")
    from contam.filtering.running import filter_corpus
    from contam.reports.findings import Gate
    from contam_cli.progress import progress

    out = given.pop("out")
    gate = Gate(fail_on or "never", allow or fail_on is None, settings().configuration.file)
    with reported("filter", paths, form, outputs, gate), progress(settings()) as report:
        result = filter_corpus(paths, out, _options(given), on_progress=report)
    deliver(result, form, outputs, settings().quiet, gate)
    return result.exit_code(fail_on, allow)


def _included() -> tuple[str, ...]:
    """What an audit would read, where nothing of that is left out: a filter writes all that it is given."""
    from contam_cli.gating import included

    found = settings().configuration
    if found.get("exclude"):
        raise click.UsageError(f"no PATHS were given, and {found.file} has exclude: say which files are to be filtered")
    return included(found)


def _options(given: dict[str, Any]) -> Any:
    """The options of the filter and of its audits."""
    from contam.auditing import AuditOptions
    from contam.filtering.options import DEFAULT_RULES, FilterOptions, parse_limits, parse_surprise

    policy = settings().configuration.policy
    judged = {name: given.pop(name) for name in ("reference", "profile", "seed", "sample_tokens")}
    manifest = given.pop("manifest")
    asked = None if given.pop("no_audit") else AuditOptions(**judged, policy=policy)
    limits = given.pop("limits")
    return FilterOptions(
        rules=given.pop("rules") or tuple(rule for rule in DEFAULT_RULES if policy.applies(rule)),
        limits=parse_limits(limits),
        surprise=parse_surprise(limits),
        trusted=judged["reference"],
        manifest=Path(manifest) if manifest else None,
        audit=asked,
        **given,
    )
