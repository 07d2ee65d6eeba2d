"""``contam selftrain``: train a model on its own output until it collapses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from contam_cli.kinds import Folder, Numbers
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam selftrain tiny
  contam selftrain gpt2 --lr 1e-5,2e-5,4e-5 --seeds 3 --valid wikitext2 --valid ptb
  contam selftrain ./my-llama --valid held-out.jsonl --fresh-text human/ --fresh-share 0.1
  contam selftrain tiny-half tiny --scale-rate width --out sizes/
  contam selftrain tiny --resume

\b
Exit codes: 0 the run is made, whatever it found (see --fail-on); 1 with --fail-on: a replica
reached that level; 2 it could not run; 130 interrupted, --resume goes on.
"""


def _experiment(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that become `SelfTrainOptions`; without a default here, because the preset has it."""
    for option in reversed(_options()):
        command = option(command)
    return command


def _options() -> tuple[Callable[..., Any], ...]:
    whole, real = click.INT, click.FLOAT
    return (
        click.option("--preset", metavar="NAME", help="herel2024 (default) or small (default for tiny)."),
        click.option("--valid", multiple=True, metavar="NAME|PATH", help="wikitext2, ptb, pydoc or a path; repeat."),
        click.option("--lr", "rates", type=Numbers(), metavar="A,B,C", help="Learning rates."),
        click.option("--seeds", type=whole, metavar="N", help="Replicas for each learning rate."),
        click.option("--seed", type=whole, metavar="N", help="The first seed.  [default: 0]"),
        click.option("--iterations", type=whole, metavar="N", help="Iterations at most."),
        click.option("--patience", type=whole, metavar="N", help="Iterations for which a collapse has to last."),
        click.option(
            "--stop-when-collapsed/--no-stop-when-collapsed", default=None, help="End when all replicas collapsed."
        ),
        click.option("--prompt", metavar="TEXT", help="What every text begins with.  [default: a line break]"),
        click.option("--tokens", type=whole, metavar="N", help="Tokens to generate in an iteration."),
        click.option("--block", type=whole, metavar="N", help="Tokens that a token sees; length of a window."),
        click.option("--temperature", type=real, metavar="X", help="0 is greedy."),
        click.option("--top-k", type=whole, metavar="N", help="Choose among the N likeliest; 0 among all."),
        click.option(
            "--decoder", metavar="NAME", help="exact; or stride, context: faster, and another experiment."
        ),
        click.option(
            "--retokenize/--no-retokenize", default=None, help="Decode and encode a text before training on it."
        ),
        click.option("--steps", type=whole, metavar="N", help="Optimizer steps in an iteration."),
        click.option("--batch-size", type=whole, metavar="N", help="Windows in a step."),
        click.option("--betas", type=Numbers(), metavar="A,B", help="Of AdamW."),
        click.option("--weight-decay", type=real, metavar="X", help="Of AdamW, on matrices."),
        click.option("--clip", type=real, metavar="X", help="Largest norm of a gradient; 0: none."),
        click.option("--eval-windows", type=whole, metavar="N", help="Random windows for every evaluation."),
        click.option("--eval-every", type=whole, metavar="N", help="Evaluate every N iterations."),
        click.option("--baseline", type=whole, metavar="N", help="Texts of the untouched model: the noise."),
        click.option("--fresh-text", metavar="PATH", help="Human text that is mixed into every step."),
        click.option("--fresh-share", type=real, metavar="X", help="Its share of the loss."),
        click.option("--scale-rate", metavar="NAME", help="width: rates times smallest width / width."),
        click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, ...  [default: auto]"),
        click.option("--precision", metavar="NAME", help="fp32, tf32 or bf16; masters stay fp32."),
        click.option("--stack", type=whole, metavar="N", help="Replicas in one program.  [default: what fits]"),
        click.option("--save-every", type=whole, metavar="N", help="Keep the weights every N iterations."),
    )


@click.command(epilog=EPILOG)
@click.argument("models", nargs=-1)
@_experiment
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Run folder.  [default: selftrain-MODEL]")
@click.option("--resume", is_flag=True, help="Go on with a run; --iterations may be raised.")
@click.option(
    "--fail-on",
    type=click.Choice(("at_risk", "collapsing", "never")),
    default="never",
    show_default=True,
    help="The level of a replica from which the exit code is 1.",
)
@output_options
@global_options
def selftrain(
    models: tuple[str, ...], out: Path | None, resume: bool, form: str, outputs: tuple[str, ...], **given: Any
) -> int:
    """Reproduce the collapse of a self-trained language model (Herel & Mikolov 2024).

    MODELS are tiny or tiny-half (embedded, no download), local folders, or names of the Hugging Face hub such as
    gpt2. In a loop: the model writes a text, is evaluated, and takes one training step on what it wrote.
    """
    check_outputs(outputs)
    fail_on = given.pop("fail_on")
    from contam.experiments.selftrain.running import both, resumed, started
    from contam.reports.findings import Gate
    from contam_cli.live import live

    folder = Folder("selftrain")
    failing = reported("selftrain", models, form, outputs, Gate(fail_on))
    with failing, folder.told_on_interrupt(), live(settings()) as view:
        run = resumed if resume else started
        result = run({"models": models, **given}, out, both(folder.watch, view))
    deliver(result, form, outputs, settings().quiet, Gate(fail_on))
    return result.exit_code(fail_on)
