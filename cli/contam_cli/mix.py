"""``contam mix``: does a mixture of real and synthetic text push a model toward collapse?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from contam_cli.gating import enforced
from contam_cli.kinds import Numbers
from contam_cli.output import check_outputs, deliver, output_options, reported
from contam_cli.settings import global_options, settings

EPILOG = """\b
Examples:
  contam mix real.jsonl synthetic.jsonl
  contam mix real/ synthetic/ --share 0.4 --regime replace --generations 5
  contam mix real/ --share 0.3 --regime reused --generations 5
  contam mix real/ synthetic/ --proxy neural --out mix/
  contam mix --estimate new.jsonl --reference trusted.jsonl --order known
  contam mix --estimate new.jsonl --reference trusted.jsonl --scores scores.parquet

\b
Exit codes: 0 judged and below --fail-on; 1 judged and at or above it, or a share above --max-share;
2 could not judge, or the share could not be measured; 130 interrupted.
"""
_OF_ESTIMATES = ("reference", "order", "human", "machine", "generator", "model", "observer", "scores", "max_share")
_OF_MIXTURES = ("valid", "proxy", "shares", "seeds", "size", "rounds", "ngram_order", "share")


def _asked(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options; without a default here, so that one that is given where it means nothing can be told."""
    for option in reversed((*_mixture(), *_estimate(), *_how())):
        command = option(command)
    return command


def _mixture() -> tuple[Callable[..., Any], ...]:
    whole, real = click.INT, click.FLOAT
    regimes = (
        "replace (the last model's text alone), fresh (with new real text each time), reused (the same real text), "
        "redrawn (drawn again from it), accumulate (all text is kept), accumulate-subsample.  [default: fresh]"
    )
    return (
        click.option("--share", type=real, metavar="X", help="Synthetic share.  [default: that of the two texts]"),
        click.option("--regime", metavar="NAME", help=f"What later generations learn from: {regimes}"),
        click.option("--generations", type=whole, metavar="N", help="How far the forecast goes.  [default: 10]"),
        click.option("--tokens", type=whole, metavar="N", help="Words of a generation.  [default: as the real text]"),
        click.option("--temperature", type=real, metavar="X", help="At which the models write.  [default: 1]"),
        click.option("--rate", type=real, metavar="K", help="Of accumulate-subsample.  [default: 1]"),
        click.option("--proxy", metavar="NAME", help="ngram (seconds), neural (minutes), none.  [default: ngram]"),
        click.option("--shares", type=Numbers(), metavar="A,B", help="To measure.  [default: 0,.05,.1,.25,.5,.75,1]"),
        click.option("--seeds", type=whole, metavar="N", help="Proxies of each share.  [default: 5]"),
        click.option("--size", type=whole, metavar="N", help="Words a proxy learns from, at most.  [default: 100000]"),
        click.option("--rounds", type=whole, metavar="N", help="Generations of proxies.  [default: 3]"),
        click.option("--ngram-order", type=whole, metavar="N", help="Of the n-gram proxy, 1 to 5.  [default: 3]"),
        click.option("--valid", metavar="PATH", help="Held-out real text.  [default: a part of REAL]"),
    )


def _estimate() -> tuple[Callable[..., Any], ...]:
    return (
        click.option("--estimate", metavar="CORPUS", help="Estimate the synthetic share of a corpus instead."),
        click.option("--reference", metavar="TRUSTED", help="Trusted text of the same source, for --estimate."),
        click.option(
            "--order", metavar="NAME",
            help="Was TRUSTED written before CORPUS (known), is it a random part of it (random), or unknown?",
        ),
        click.option("--human", metavar="PATH", help="Labelled human text of the same source; with --machine."),
        click.option("--machine", metavar="PATH", help="Labelled text of a generator; with --human."),
        click.option("--generator", metavar="NAME", help="What wrote --machine."),
        click.option("--model", metavar="MODEL", help="Show detection scores under it: tiny, a folder, a hub name."),
        click.option("--observer", metavar="MODEL", help="With --model: Binoculars scores too; the same vocabulary."),
        click.option(
            "--scores", type=click.Path(path_type=Path), metavar="FILE",
            help="Every document's score: .parquet, .csv, .jsonl or .arrow.",
        ),
        click.option("--max-share", type=click.FloatRange(0, 1), metavar="X", help="Exit 1 if more than X is proven."),
    )  # fmt: skip


def _how() -> tuple[Callable[..., Any], ...]:
    whole = click.INT
    return (
        click.option("--text-field", metavar="NAME", help="Field or column that holds the text."),
        click.option("--split-lines", "split", flag_value="lines", help="Each line of a .txt is a document."),
        click.option("--split-blank-lines", "split", flag_value="blank-lines", help="Blank lines part documents."),
        click.option("--strict", is_flag=True, help="Stop (exit 2) at the first thing that cannot be read."),
        click.option("--workers", type=whole, metavar="N", help="Threads that read.  [default: a core each]"),
        click.option("--seed", type=whole, metavar="N", help="Default: 0."),
        click.option("--device", metavar="NAME", help="For --proxy neural and --model.  [default: auto]"),
        click.option("--precision", metavar="NAME", help="fp32, tf32 or bf16."),
        click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write report, figures and JSON."),
        click.option(
            "--fail-on", type=click.Choice(("at_risk", "collapsing", "never")), default="collapsing",
            show_default=True, help="The level from which the exit code is 1.",
        ),
        click.option("--allow-insufficient", is_flag=True, help="Exit 0, not 2, where the evidence is too thin."),
    )  # fmt: skip


@click.command(epilog=EPILOG)
@click.argument("texts", nargs=-1, metavar="[REAL [SYNTHETIC]]")
@_asked
@output_options
@global_options
def mix(
    texts: tuple[str, ...], estimate: str | None, out: Path | None, form: str, outputs: tuple[str, ...], **given: Any
) -> int:
    """Does this mixture of real and synthetic text push a model toward collapse?

    With REAL and SYNTHETIC: proxy models are trained on mixtures of both and tested on held-out real text, and what a
    pipeline retains that feeds its outputs back is forecast. With REAL alone: the forecast. With --estimate: how much
    of CORPUS is machine text, at least, beside trusted text of the same source.
    """
    check_outputs(outputs)
    fail_on, allow = given.pop("fail_on"), given.pop("allow_insufficient")
    scores, limit = given.pop("scores"), given.pop("max_share")
    asked = {name: value for name, value in given.items() if value is not None and value is not False}
    _check(texts, estimate, asked | {n: v for n, v in (("scores", scores), ("max_share", limit)) if v is not None})
    if out is not None:
        from contam.mixing.page import check_folder

        check_folder(out)
    from contam.reports.findings import Gate
    from contam_cli.mixing import watched

    gate, sources = Gate(fail_on, allow, settings().configuration.file), (estimate,) if estimate is not None else texts
    with reported("mix", sources, form, outputs, gate), watched(settings()) as watch:
        if estimate is not None:
            from contam.mixing.estimating import estimate_options, estimated

            result = estimated(estimate, estimate_options(asked), watch, scores=scores, limit=limit)
        else:
            from contam.mixing.options import MixOptions
            from contam.mixing.running import mixed

            result = mixed(texts[0], texts[1] if len(texts) > 1 else None, MixOptions(**asked), watch)
    result = enforced(result)
    if out is not None:
        from contam.mixing.page import write_mix

        write_mix(out, result)
    deliver(result, form, outputs, settings().quiet, gate)
    return result.exit_code(fail_on, allow)


def _check(texts: tuple[str, ...], estimate: str | None, asked: dict[str, Any]) -> None:
    """Refuse what does not go together, before anything is read."""
    if estimate is not None:
        if texts:
            what, other = _visible(estimate), _visible(texts[0])
            raise click.UsageError(f"--estimate {what} goes without {other}: it has its own --reference TRUSTED")
        _refuse(asked, _OF_MIXTURES, "is for mixtures of REAL and SYNTHETIC, not for --estimate")
        return
    _refuse(asked, _OF_ESTIMATES, "goes with --estimate CORPUS")
    if not texts:
        raise click.UsageError("give REAL and SYNTHETIC text, or --estimate CORPUS with --reference TRUSTED")
    if len(texts) > 2:
        third = _visible(texts[2])
        raise click.UsageError(f"{third}: give two texts, REAL and SYNTHETIC (a folder can have many files)")
    if len(texts) == 1:
        _refuse(asked, tuple(n for n in _OF_MIXTURES if n != "share"), "needs SYNTHETIC text too")
        if "share" not in asked and asked.get("regime") not in ("replace", "accumulate", "accumulate-subsample"):
            raise click.UsageError(
                "without SYNTHETIC text give the synthetic share: --share X (or --regime replace, accumulate, ...)"
            )


def _visible(name: str) -> str:
    """A name that a shell may have made of what lies in a folder, escaped."""
    from contam.reports.escape import visible

    return visible(name)


def _refuse(asked: dict[str, Any], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in asked:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")
