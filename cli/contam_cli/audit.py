"""``contam audit``: the verdict on a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contam_cli.gating import Asked, asked, baseline_of, division, told_of_baselines, typed
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.reading import reading_options, source_of
from contam_cli.settings import global_options, settings

if TYPE_CHECKING:
    from contam.reports.findings import Gate
    from contam.result import Audit

EPILOG = """\b
Examples:
  contam audit data/
  contam audit 'data/*.jsonl.gz' --text-field body --workers 4
  contam audit new.jsonl --reference trusted.jsonl --fail-on at_risk
  contam audit new.jsonl --valid held-out.jsonl --model tiny
  contam audit data/ --write-baseline contam.baseline.json
  contam audit data/ --baseline contam.baseline.json -o sarif:contam.sarif -o junit:contam.xml
  contam audit --cache-dir .contam-cache
  zstdcat dump.jsonl.zst | contam audit - -o json:report.json

\b
Exit codes: 0 judged and below --fail-on; 1 judged and at or above it, or an enforced rule failed;
2 could not judge (0 with --allow-insufficient where evidence was short).
"""


@click.command(epilog=EPILOG)
@click.argument("paths", nargs=-1)
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
@click.option("--select", metavar="RULES", multiple=True, help="Only rules with these prefixes: DIV,DUP001 (repeat).")
@click.option("--ignore", metavar="RULES", multiple=True, help="Not the rules with these prefixes (repeat).")
@click.option("--baseline", metavar="FILE", help="What changed since it was written? Judges beside it.")
@click.option("--write-baseline", metavar="FILE", help="Keep what was measured as a baseline: figures, no text.")
@click.option("--cache-dir", metavar="DIR", help="Keep measurements; unchanged files are not measured again.")
@click.option("--resume", is_flag=True, help="Go on with an audit that was interrupted.")
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
    .arrow, plain or compressed (.gz .zst .bz2 .xz). Without PATHS, what contam.toml includes. The strongest test is
    the paired one: --reference. A folder that holds a model is probed (contam probe), with --reference and --valid as
    its human text.
    """
    check_outputs(outputs)
    if any(_checkpoint(path) for path in paths):
        return _probed(paths, given, form, outputs)
    wanted = asked(paths, form, outputs)
    _check_order(given, any(source.options.get("reference") for source in wanted.configuration.sources))
    from contam.reports.findings import Gate

    gate = Gate(given.pop("fail_on"), given.pop("allow_insufficient"), wanted.configuration.file)
    with reported("audit", wanted.paths, wanted.form, wanted.outputs, gate):
        result = _measured(wanted, given, gate)
    deliver(result, wanted.form, wanted.outputs, settings().quiet, gate)
    code: int = result.exit_code(gate.fail_on, gate.allow_insufficient)
    return code if told_of_baselines(result) else code or 2


def _measured(wanted: Asked, given: dict[str, Any], gate: Gate) -> Audit:
    """The audit of all parts; what cannot be used is told before anything is read."""
    baseline_of(given)
    del given["select"], given["ignore"]
    from contam.auditing import AuditOptions
    from contam.gate.running import audit_parts
    from contam_cli.progress import progress

    cache_dir = given.pop("cache_dir")
    with progress(settings()) as report:
        options = AuditOptions(
            **given,
            cache_dir=Path(cache_dir) if cache_dir else None,
            policy=wanted.configuration.policy,
            on_progress=report,
        )
        return audit_parts(source_of(wanted.paths), options, division(wanted, gate, options))


def _check_order(given: dict[str, Any], of_parts: bool = False) -> None:
    """Trusted text has an order; without it (``of_parts``: parts have some of their own) there is none to give."""
    there = given["reference"] is not None or of_parts
    if given["order"] is None or not (there or typed("order")):
        given["order"] = "unknown"
    elif not there:
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
    corpora_only = ("model", "text_field", "split", "sample_tokens", "order", "baseline", "write_baseline", "cache_dir")
    meaningless = [name for name in (*corpora_only, "resume") if given[name] and typed(name)]
    if meaningless:
        told = ", ".join("--" + name.replace("_", "-") for name in meaningless)
        raise UsageError(f"{paths[0]} is a checkpoint: {told} is for corpora only (contam probe --help)")
    if not settings().quiet:
        click.echo(f"contam: {paths[0]} is a checkpoint: contam probe", err=True)
    kept = {name: given[name] for name in ("profile", "seed", "device", "precision", "fail_on", "allow_insufficient")}
    text = tuple(path for path in (given["reference"], given["valid"]) if path)
    return probed(paths, kept | {"text": text}, form, outputs)
