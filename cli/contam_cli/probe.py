"""``contam probe``: the verdict on a checkpoint, or on several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from contam_cli.gating import enforced
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam probe ./checkpoint --baseline ./base --text held-out.jsonl
  contam probe gpt2 --text wikitext2
  contam probe out/checkpoint-* -o html:report.html
  contam probe selftrain-tiny:tiny-lr0.003-seed0 --out probe-tiny

\b
Exit codes: 0 judged and below --fail-on; 1 judged and at or above it;
2 could not judge (0 with --allow-insufficient where evidence was short).
"""


def _number(flag: str, default: float, text: str, shown: bool = True) -> Callable[..., Any]:
    """An option that takes a number, of the type of its default; ``shown``: whether the help tells the default."""
    kind, letter = (click.INT, "N") if isinstance(default, int) else (click.FLOAT, "X")
    return click.option(flag, type=kind, default=default, show_default=shown, metavar=letter, help=text)


@click.command(epilog=EPILOG)
@click.argument("models", nargs=-1, required=True)
@click.option("--baseline", metavar="MODEL", help="What to compare with: the model it was trained from.")
@click.option("--text", multiple=True, metavar="NAME|PATH", help="Human text: wikitext2, ptb, pydoc or a path; repeat.")
@_number("--samples", 256, "Texts to draw, at least (32 or more).")
@_number("--tokens", 256, "New tokens of a sample, at most.")
@_number("--temperature", 1.0, "Of the samples; 0 is greedy.")
@_number("--top-k", 0, "Sample from the N likeliest tokens; 0: from all.")
@_number("--prompted-share", 0.5, "Share of the samples that continue human text.")
@_number("--prompt-tokens", 16, "Tokens of human text in a prompt.")
@_number("--window", 0, "Tokens that a loss sees.  [default: the context]", shown=False)
@_number("--stride", 0, "By how much windows move.  [default: half]", shown=False)
@click.option("--bos/--no-bos", default=True, show_default=True, help="Begin documents with the beginning token.")
@_number("--text-bytes", 1_000_000, "How much of each text is read.")
@_number("--batch", 32, "Rows computed together.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--precision", default="fp32", show_default=True, metavar="NAME", help="fp32, tf32 or bf16.")
@click.option("--profile", default="auto", show_default=True, metavar="NAME|FILE", help="Reference population.")
@_number("--seed", 0, "Of the samples.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep what is measured; go on there.")
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
def probe(models: tuple[str, ...], form: str, outputs: tuple[str, ...], **given: Any) -> int:
    """Judge whether a language model is collapsing, by what it writes and how it predicts human text.

    MODELS are folders of checkpoints or single ones (safetensors), names of the Hugging Face hub, tiny or tiny-half
    (embedded), or runs of contam selftrain (RUN:REPLICA). Of several, in order, the first is the baseline unless
    --baseline names another; they are drawn as a trajectory.
    """
    return probed(models, given, form, outputs)


def probed(models: tuple[str, ...], given: dict[str, Any], form: str, outputs: tuple[str, ...]) -> int:
    """Probe, deliver the result, and its exit code. ``given``: fields of ``ProbeOptions``, and how to fail."""
    check_outputs(outputs)
    fail_on, allow = given.pop("fail_on"), given.pop("allow_insufficient")
    from contam.probing.options import ProbeOptions
    from contam.probing.running import probe as measure
    from contam.reports.findings import Gate
    from contam_cli.progress import probing

    out = given.get("out")
    gate = Gate(fail_on, allow, settings().configuration.file)
    with reported("probe", models, form, outputs, gate), probing(settings()) as report:
        try:
            result = measure(models, ProbeOptions(**given, on_event=report))
        except KeyboardInterrupt:
            if out is not None and out.is_dir():
                click.echo(f"kept in {out}; the same command goes on from there", err=True)
            raise
    result = enforced(result)
    deliver(result, form, outputs, settings().quiet, gate)
    return result.exit_code(fail_on, allow)
