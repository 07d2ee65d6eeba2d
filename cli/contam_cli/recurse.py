"""``contam recurse``: retrain a language model generation after generation on its own output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from contam_cli.kinds import Folder, Names, Numbers
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam recurse ngram --real pydoc
  contam recurse ngram --real novels/ --paradigm replace,mix --real-share 0.1,0.5 --generations 20
  contam recurse gpt2-mini --real stories.jsonl --track "there: was, were"
  contam recurse ./my-model --real human/ --paradigm replace --filter resample
  contam recurse --preset shumailov2024-opt125m --scale 0.01 --real wikitext.txt
  contam recurse --resume --out recurse-ngram

\b
Exit codes: 0 the run is made, whatever it found (see --fail-on); 1 with --fail-on: a last
generation reached that level; 2 it could not run, or not to its end; 130 interrupted, --resume goes on.
"""


def _experiment(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that become `RecurseOptions`; without a default here, because presets have their own."""
    for option in reversed((*_what(), *_writing(), *_training(), *_how())):
        command = option(command)
    return command


def _what() -> tuple[Callable[..., Any], ...]:
    whole, real = click.INT, click.FLOAT
    return (
        click.option("--real", multiple=True, metavar="PATH", help="Human text for generation 0, or pydoc; repeat."),
        click.option("--valid", metavar="PATH", help="Held-out human text.  [default: a part of --real]"),
        click.option("--valid-share", type=real, metavar="X", help="Share of --real to hold out.  [default: 0.2]"),
        click.option("--size", type=whole, metavar="N", help="Words of human text to train on.  [default: all]"),
        click.option("--documents", "most_documents", type=whole, metavar="N", help="Documents to train on."),
        click.option("--chunk", type=whole, metavar="N", help="Cut the text into documents of N tokens."),
        click.option("--text-field", metavar="NAME", help="The field of a record that has its text."),
        click.option("--preset", metavar="NAME", help="A published set-up, such as wang2024-1m."),
        click.option("--scale", type=real, metavar="X", help="Make the preset smaller; what changes is told."),
        click.option(
            "--paradigm", "paradigms", type=Names(), metavar="A,B",
            help="replace, accumulate, accumulate-subsample, mix.  [default: all]",
        ),
        click.option("--real-share", "real_shares", type=Numbers(), metavar="X,Y", help="Real text of a mix."),
        click.option("--real-kind", metavar="NAME", help="original (drawn again) or fresh (not used before)."),
        click.option("--rate", "rates", type=Numbers(), metavar="K", help="Of accumulate-subsample.  [default: 1]"),
        click.option(
            "--filter", "filters", type=Names(), metavar="NAME",
            help="flagged, likely, resample: filter what was written; beside the same without.",
        ),
        click.option("--generations", type=whole, metavar="N", help="Generations after the first.  [default: 10]"),
        click.option("--seeds", type=whole, metavar="N", help="Replicas of each lineage.  [default: 3]"),
        click.option("--seed", type=whole, metavar="N", help="The first seed.  [default: 0]"),
        click.option("--track", multiple=True, metavar='"A: B, C"', help="Follow p(B | A) and p(C | A); repeat."),
    )  # fmt: skip


def _writing() -> tuple[Callable[..., Any], ...]:
    whole, real = click.INT, click.FLOAT
    return (
        click.option("--temperature", type=real, metavar="X", help="0 is greedy.  [default: 1]"),
        click.option("--top-k", type=whole, metavar="N", help="Choose among the N likeliest; 0 among all."),
        click.option("--top-p", type=real, metavar="X", help="Choose among the likeliest that have this mass."),
        click.option("--beams", type=whole, metavar="N", help="Beam search instead of sampling."),
        click.option("--repetition-penalty", type=real, metavar="X", help="1: none."),
        click.option("--prompt-tokens", type=whole, metavar="N", help="Begin as the documents do; keep what follows."),
        click.option("--max-tokens", type=whole, metavar="N", help="Tokens of a document at most (--lengths model)."),
        click.option("--lengths", metavar="NAME", help="real: documents as long as real ones; model: it ends them."),
        click.option("--write-batch", type=whole, metavar="N", help="Documents that are written side by side."),
    )


def _training() -> tuple[Callable[..., Any], ...]:
    whole, real = click.INT, click.FLOAT
    return (
        click.option("--order", type=whole, metavar="N", help="Of an n-gram model, 1 to 5.  [default: 3]"),
        click.option("--unit", metavar="NAME", help="Of an n-gram model: word or byte."),
        click.option("--vocabulary", type=whole, metavar="N", help="Pieces of a tokenizer that is trained here."),
        click.option("--block", type=whole, metavar="N", help="Tokens of a training window."),
        click.option("--batch-size", type=whole, metavar="N", help="Windows in a step."),
        click.option("--epochs", type=real, metavar="X", help="Times over the training corpus."),
        click.option("--lr", "learning_rate", type=real, metavar="X", help="Learning rate."),
        click.option("--schedule", metavar="NAME", help="constant or cosine."),
        click.option("--warmup", type=real, metavar="X", help="Share of the steps that warm up."),
        click.option("--betas", type=Numbers(), metavar="A,B", help="Of AdamW."),
        click.option("--weight-decay", type=real, metavar="X", help="Of AdamW, on matrices."),
        click.option("--clip", type=real, metavar="X", help="Largest norm of a gradient; 0: none."),
    )


def _how() -> tuple[Callable[..., Any], ...]:
    return (
        click.option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1, ...  [default: auto]"),
        click.option("--precision", metavar="NAME", help="fp32, tf32 or bf16; masters stay fp32."),
        click.option("--workers", type=click.INT, metavar="N", help="Processes.  [default: a core each; 1 on a GPU]"),
        click.option("--keep", metavar="NAME", help="all: keep the text of every generation, not what is needed."),
    )


@click.command(epilog=EPILOG)
@click.argument("model", default="")
@_experiment
@click.option("--claims", is_flag=True, help="Set up what tests the most claims (ngram, pydoc), and show those alone.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Run folder.  [default: recurse-MODEL]")
@click.option("--resume", is_flag=True, help="Go on with a run; --generations may be raised.")
@click.option(
    "--fail-on",
    type=click.Choice(("at_risk", "collapsing", "never")),
    default="never",
    show_default=True,
    help="The level of a last generation from which the exit code is 1.",
)
@output_options
@global_options
def recurse(
    model: str, out: Path | None, resume: bool, claims: bool, form: str, outputs: tuple[str, ...], **given: Any
) -> int:
    """Retrain a model generation after generation on its own output, in every paradigm of the literature.

    MODEL is ngram (seconds, no torch); a configuration that is trained from scratch (gpt2-mini, gptneo-1m, llama-mini,
    ... or a config.json file); or a model that every generation is fine-tuned from: tiny, a folder, a name of
    the Hugging Face hub. Generation 0 learns from human text, each next one from what the paradigm composes.
    """
    check_outputs(outputs)
    fail_on = given.pop("fail_on")
    from contam.experiments.recurse.running import helping, resumed, started
    from contam.experiments.recurse.testing import tested
    from contam.reports.findings import Gate
    from contam_cli.generations import watched

    asked = {"model": model, **given}
    if helping(asked, out, resume):
        return 0
    folder = Folder("recurse")
    failing = reported("recurse", (model,), form, outputs, Gate(fail_on))
    with failing, folder.told_on_interrupt(), watched(settings(), folder.watch) as view:
        if claims:
            result = tested(asked, out, view, resume)
        else:
            result = (resumed if resume else started)(asked, out, view)
    for told in result.failed if settings().quiet else ():
        click.echo(f"contam: {told}", err=True)
    deliver(result.claims_run if claims else result, form, outputs, settings().quiet, Gate(fail_on))
    return result.exit_code(fail_on)
