"""``contam audit``: the verdict on a corpus."""

from __future__ import annotations

from pathlib import Path
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
  contam audit new.jsonl --valid held-out.jsonl --model tiny
  zstdcat dump.jsonl.zst | contam audit - -o json:report.json

\b
Exit codes: 0 judged and below --fail-on; 1 judged and at or above it;
2 could not judge (0 with --allow-insufficient where evidence was short).
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True)
@click.option("--reference", metavar="PATH", help="Trusted text of the same source: the paired audit.")
@click.option(
    "--order",
    type=click.Choice(("known", "unknown", "random")),
    help="Was --reference written before, or drawn at random from one pool? For the share.  [default: unknown]",
)
@reading_options
@click.option("--model", metavar="MODEL", help="Measure the text's surprise under it: tiny, a folder, a hub name.")
@click.option("--valid", metavar="NAME|PATH", help="Human text: would a model trained on PATHS be worse on it?")
@click.option(
    "--proxy",
    type=click.Choice(("ngram", "neural")),
    default="ngram",
    show_default=True,
    help="That model: a word trigram, or small neural ones.",
)
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="For --model and --proxy neural.")
@click.option("--precision", default="fp32", show_default=True, metavar="NAME", help="fp32, tf32 or bf16.")
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
    A folder that holds a model is probed (contam probe), with --reference and --valid as its human text.
    """
    check_outputs(outputs)
    if any(_checkpoint(path) for path in paths):
        return _probed(paths, given, form, outputs)
    fail_on, allow = given.pop("fail_on"), given.pop("allow_insufficient")
    _check_order(given)
    from contam.auditing import AuditOptions
    from contam.auditing import audit as measure
    from contam_cli.progress import progress

    with progress(settings()) as report:
        result = measure(source_of(paths), AuditOptions(**given, on_progress=report))
    deliver(result, form, outputs, settings().quiet)
    return result.exit_code(fail_on, allow)


def _check_order(given: dict[str, Any]) -> None:
    """Trusted text has an order; without it there is none to give."""
    if given["order"] is None:
        given["order"] = "unknown"
    elif given["reference"] is None:
        raise click.UsageError("--order says how --reference PATH stands to the audited text: give that too")


def _checkpoint(path: str) -> bool:
    """Whether a path is a model and not a corpus; only folders and their like are looked at, and names of no path."""
    place = Path(path)
    if path == "-" or "://" in path:
        return False
    if "/" not in path and not place.exists():
        from contam.models.finding import embedded

        return path in embedded()
    if not (place.is_dir() or path.endswith(".safetensors") or ":" in path):
        return False
    from contam.probing.series import is_checkpoint

    return is_checkpoint(path)


def _probed(paths: tuple[str, ...], given: dict[str, Any], form: str, outputs: tuple[str, ...]) -> int:
    """What ``contam probe`` does with the same models; options that make no sense there are refused."""
    from contam.errors import UsageError
    from contam_cli.probe import probed

    corpora = [path for path in paths if not _checkpoint(path)]
    if corpora:
        raise UsageError(f"{paths[0]} and {corpora[0]}: a model and a corpus; audit them one by one")
    meaningless = [name for name in ("model", "text_field", "split", "sample_tokens", "order") if given[name]]
    if meaningless:
        told = ", ".join("--" + name.replace("_", "-") for name in meaningless)
        raise UsageError(f"{paths[0]} is a checkpoint: {told} is for corpora only (contam probe --help)")
    if not settings().quiet:
        click.echo(f"contam: {paths[0]} is a checkpoint: contam probe", err=True)
    kept = {name: given[name] for name in ("profile", "seed", "device", "precision", "fail_on", "allow_insufficient")}
    text = tuple(path for path in (given["reference"], given["valid"]) if path)
    return probed(paths, kept | {"text": text}, form, outputs)
