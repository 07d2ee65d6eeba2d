"""What a configuration adds to ``contam audit``: what is read, in which parts, by which rules, and where reports go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from contam_cli.settings import settings

if TYPE_CHECKING:
    from contam.auditing import AuditOptions
    from contam.configuration.record import Configuration
    from contam.gate.applying import HasRules
    from contam.gate.running import Division
    from contam.reports.findings import Gate
    from contam.result import Audit

BASELINE = "contam.baseline.json"
"""The name that a baseline is given."""
Result = TypeVar("Result", bound="HasRules")


@dataclass(frozen=True, slots=True)
class Asked:
    """One audit as it is asked for: its paths, the format of stdout and the files that are written."""

    paths: tuple[str, ...]
    form: str
    outputs: tuple[str, ...]
    configuration: Configuration


def asked(paths: tuple[str, ...], form: str, outputs: tuple[str, ...]) -> Asked:
    """The command line over the configuration; reports that the configuration asks for are written too."""
    from contam.gate.own import check_reports
    from contam_cli.output import check_outputs

    check_outputs(outputs)
    found = settings().configuration
    chosen = typed("form")
    formats = found.get("report.formats") or ()
    shown = [name for name in formats if ":" not in name and name != "github"]
    files = tuple(name for name in formats if ":" in name)
    check_outputs(files, make=True)
    read, written = paths or included(found), (*files, *outputs)
    beside = (found.get("reference"), found.get("valid"), str(found.file) if found.file else None)
    check_reports([given.partition(":")[2] for given in written], (*read, *(name for name in beside if name)))
    return Asked(read, form if chosen or not shown else shown[0], written, found)


def typed(name: str) -> bool:
    """Whether an option of the running command was given on the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def included(configuration: Configuration) -> tuple[str, ...]:
    """What the configuration reads where no path is given."""
    found: tuple[str, ...] = tuple(configuration.get("include") or ())
    if not found:
        none = "there is no contam.toml (contam init)" if settings().config is None else "no configuration was read"
        told = f"{configuration.file} has no include" if configuration.file else none
        raise click.UsageError(f"no PATHS were given, and {told}.")
    return found


def enforced(result: Result) -> Result:
    """A result whose rules are as the configuration wants them: its limits, and what fails the gate."""
    from contam.gate.applying import with_policy

    return with_policy(result, settings().configuration.policy)


def baseline_of(given: dict[str, Any]) -> None:
    """A baseline that is being written anew is not compared with itself; one that is not there is told now."""
    baseline, written = given["baseline"], given["write_baseline"]
    if baseline and written and Path(baseline).resolve() == Path(written).resolve():
        given["baseline"] = None
    elif baseline and not Path(baseline).exists():
        raise click.UsageError(
            f"no baseline {baseline}: write one with `contam audit DATA --write-baseline {baseline}`, from a corpus "
            "that you trust."
        )


def told_of_baselines(result: Audit) -> bool:
    """Say on stderr what became of baselines that were to be written; whether all of them were."""
    from contam.baseline.record import DOUBTFUL, KEPT, NOT_WRITTEN, WROTE
    from contam.reports.escape import visible

    notes = dict.fromkeys(note for part in (*result.parts, result) for note in part.notes)
    wanted = (NOT_WRITTEN, DOUBTFUL) if settings().quiet else (NOT_WRITTEN, DOUBTFUL, WROTE, KEPT)
    for note in notes:
        if note.startswith(wanted):
            click.echo(f"contam: {visible(note)}", err=True)
    return not any(note.startswith(NOT_WRITTEN) for note in notes)


def division(wanted: Asked, gate: Gate, options: AuditOptions) -> Division:
    """How the corpus is divided, and which files in it are no text of it. Where the configured baseline is written
    anew, so is that of every part which has one; a baseline elsewhere is one of everything else alone."""
    from contam.gate.running import Division

    found = wanted.configuration
    sources, told = found.sources, ""
    if options.write_baseline is not None and any(source.options.get("baseline") for source in sources):
        told = _elsewhere(options.write_baseline)
        if not told:
            sources = tuple(replace(source, options=_renewed(source.options)) for source in sources)
    exclude = tuple(found.get("exclude") or ())
    return Division(
        sources=sources, exclude=exclude, folder=found.folder, fail_on=gate.fail_on,
        allow_insufficient=gate.allow_insufficient, own=_own(wanted, options),
        complete=wanted.paths == tuple(found.get("include") or ()), notes=(told,) if told else (),
    )  # fmt: skip


def _elsewhere(target: str | Path) -> str:
    """Why the baselines of parts are not written anew: the one that is written is not the configured one."""
    from contam.baseline.record import KEPT
    from contam_cli.configured import loaded

    configured = loaded(settings().config).get("baseline")
    if configured is None or Path(configured).resolve() == Path(target).resolve():
        return ""
    return f"{KEPT}: {target} is not the configured baseline {configured}"


def _own(wanted: Asked, options: AuditOptions) -> tuple[Path, ...]:
    """What this audit reads and writes itself, as far as it is there to be listed with the corpus."""
    found = wanted.configuration
    baselines = [options.baseline, options.write_baseline, *(s.options.get("baseline") for s in found.sources)]
    reports = [given.partition(":")[2] for given in wanted.outputs]
    own = [found.folder / BASELINE, *(Path(p) for p in (*baselines, *reports, options.cache_dir) if p)]
    return tuple(path for path in dict.fromkeys(own) if path.exists())


def _renewed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {**options, "write_baseline": options.get("baseline"), "baseline": None}
