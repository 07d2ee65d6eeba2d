"""``contam simulate``: the theory of collapse, simulated beside its closed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from contam.errors import UsageError
from contam_cli.kinds import Numbers
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.settings import Settings, global_options, settings

EPILOG = """\b
Examples:
  contam simulate tokens
  contam simulate gaussian --regime accumulate --samples 10
  contam simulate bias --temperature 0.8 --real-share 0.1 --regime fresh
  contam simulate regression --out regression/
  contam simulate --claims -o json:claims.json

\b
Exit codes: 0 simulated, whatever came of it: a contradicted claim is a result;
2 it could not run; 130 interrupted.
"""


def _settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all simulators; without a default here, because each simulator has its own."""
    for option in reversed(_options()):
        command = option(command)
    return command


def _options() -> tuple[Callable[..., Any], ...]:
    def whole(flag: str, text: str) -> Callable[..., Any]:
        return click.option(flag, type=click.INT, metavar="N", help=text)

    def real(flag: str, text: str) -> Callable[..., Any]:
        return click.option(flag, type=click.FLOAT, metavar="X", help=text)

    def word(flag: str, text: str) -> Callable[..., Any]:
        return click.option(flag, metavar="NAME", help=text)

    return (
        word("--regime", "replace, fresh, reused, redrawn, accumulate or accumulate-subsample."),
        whole("--generations", "How many follow the truth."),
        whole("--samples", "Values, tokens, points or images that a generation is fitted to."),
        whole("--trajectories", "Independent repetitions."),
        whole("--seed", "Of the random numbers.  [default: 0]"),
        real("--real-share", "Real share of a generation (regimes fresh, reused, redrawn)."),
        real("--rate", "What a generation adds to a growing corpus, over its first size."),
        whole("--corpus", "Real tokens that a growing corpus begins with."),
        click.option("--replacement/--no-replacement", default=None, help="How a growing corpus is sampled."),
        whole("--types", "Different tokens of the truth."),
        word("--distribution", "zipf or uniform."),
        real("--exponent", "Of Zipf's law, 1/(rank + shift)^exponent."),
        real("--shift", "Of Zipf's law."),
        click.option("--probabilities", type=Numbers(), metavar="A,B,C", help="The truth, instead of Zipf's law."),
        real("--alpha", "Mass that every model gives to all types alike."),
        real("--temperature", "At which models write."),
        real("--top-p", "Nucleus from which models write."),
        word("--divisor", "Of the variance: ml, unbiased or known."),
        word("--design", "Inputs of the regression: fixed or fresh."),
        whole("--dimension", "Of the inputs of the regression."),
        real("--noise", "Standard deviation of its labels' noise."),
        whole("--components", "Gaussians in the mixture."),
        whole("--latent", "Latent dimensions of the auto-encoder."),
        whole("--hidden", "Its hidden units."),
        whole("--epochs", "Its epochs of training."),
        whole("--batch-size", "Images in a step."),
    )


@click.command(epilog=EPILOG)
@click.argument("what", required=False)
@_settings
@click.option("--claims", is_flag=True, help="Judge ten published claims instead (half a minute or so).")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write report, figures and JSON there.")
@output_options
@global_options
def simulate(
    what: str | None, claims: bool, out: Path | None, form: str, outputs: tuple[str, ...], **given: Any
) -> int:
    """Show what the theory of collapse says: small worlds, simulated beside their closed forms.

    WHAT is tokens (words drawn from a model of words), bias (models that err the same way every time), gaussian,
    mixture (Gaussians fitted by EM), regression, or vae (an auto-encoder of digits; needs torch). Every option belongs
    to some of them, and has their own default: see docs/simulate.md.
    """
    check_outputs(outputs)
    if out is not None:
        from contam.theory.page import check_folder

        check_folder(out)
    wanted = {name: value for name, value in given.items() if value is not None}
    with reported("simulate", (what,) if what else (), form, outputs):
        result = _claims(what, wanted) if claims else _world(what, wanted)
    if out is not None:
        from contam.theory.page import write_result

        write_result(out, result)
    deliver(result, form, outputs, settings().quiet)
    return result.exit_code()


def _world(what: str | None, given: dict[str, Any]) -> Any:
    from contam.theory.running import WORLDS
    from contam.theory.running import simulate as run

    if what is None:
        raise UsageError(f"name what to simulate ({', '.join(WORLDS)}), or --claims")
    return run(what, **given)


def _claims(what: str | None, given: dict[str, Any]) -> Any:
    from contam.theory.running import claims

    if what is not None or given:
        strange = what or f"--{next(iter(given)).replace('_', '-')}"
        raise UsageError(f"--claims judges all claims with settings of its own: it goes without {strange}")
    with _view(settings()) as watch:
        return claims(watch)


@contextmanager
def _view(settings: Settings) -> Iterator[Callable[[Any], None] | None]:
    """How many claims are judged, on a terminal."""
    if not settings.progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("claims"), BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("claims", total=None)

        def watch(event: Any) -> None:
            display.update(task, completed=event.done, total=event.total)

        yield watch
