"""``contam probe``: the verdict on a checkpoint, or on several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from contam_cli.output import check_outputs, deliver, output_options
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


@click.command(epilog=EPILOG)
@click.argument("models", nargs=-1, required=True)
@click.option("--baseline", metavar="MODEL", help="What to compare with: the model it was trained from.")
@click.option("--text", multiple=True, metavar="NAME|PATH", help="Human text: wikitext2, ptb, pydoc or a path; repeat.")
@click.option("--samples", type=click.INT, default=256, show_default=True, metavar="N", help="Texts to draw, at least.")
@click.option("--tokens", type=click.INT, default=256, show_default=True, metavar="N", help="New tokens of each.")
@click.option("--temperature", type=click.FLOAT, default=1.0, show_default=True, metavar="X", help="0 is greedy.")
@click.option("--top-k", type=click.INT, default=0, show_default=True, metavar="N", help="0: nothing is cut off.")
@click.option(
    "--prompted-share", type=click.FLOAT, default=0.5, show_default=True, metavar="X", help="That continue human text."
)
@click.option("--prompt-tokens", type=click.INT, default=16, show_default=True, metavar="N", help="Of a prompt.")
@click.option("--window", type=click.INT, default=0, metavar="N", help="Tokens seen.  [default: the model's context]")
@click.option("--stride", type=click.INT, default=0, metavar="N", help="Windows move by.  [default: half a window]")
@click.option("--bos/--no-bos", default=True, show_default=True, help="Begin documents with the beginning token.")
@click.option(
    "--text-bytes", type=click.INT, default=1_000_000, show_default=True, metavar="N", help="Read of each text."
)
@click.option("--batch", type=click.INT, default=32, show_default=True, metavar="N", help="Rows computed together.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--precision", default="fp32", show_default=True, metavar="NAME", help="fp32, tf32 or bf16.")
@click.option("--profile", default="auto", show_default=True, metavar="NAME|FILE", help="Reference population.")
@click.option("--seed", type=click.INT, default=0, show_default=True, metavar="N", help="Of the samples.")
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
    from contam_cli.progress import probing

    out = given.get("out")
    with probing(settings()) as report:
        try:
            result = measure(models, ProbeOptions(**given, on_event=report))
        except KeyboardInterrupt:
            if out is not None and out.is_dir():
                click.echo(f"kept in {out}; the same command goes on from there", err=True)
            raise
    deliver(result, form, outputs, settings().quiet)
    return result.exit_code(fail_on, allow)
