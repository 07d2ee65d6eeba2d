"""``contam.selftrain``: a whole run, from names to the report; begun or taken up again."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contam.errors import ContamError, UsageError
from contam.experiments.run import RunFolder
from contam.experiments.selftrain.events import Event, Watcher
from contam.experiments.selftrain.options import SelfTrainOptions, settled
from contam.experiments.selftrain.outcome import SelfTraining, concluded
from contam.experiments.selftrain.replicas import labels_of
from contam.experiments.selftrain.setup import Setup, looked_up, width_of
from contam.models.finding import embedded
from contam.models.texts import NAMED, PYDOC

FREE_TO_CHANGE = ("iterations", "device", "stack", "save_every")
"""What a run that is taken up again may be given anew: none of it changes what is in the log already."""


def selftrain(
    models: str | tuple[str, ...] | list[str] = (),
    *,
    out: str | Path | None = None,
    resume: bool = False,
    watcher: Watcher | None = None,
    **changes: Any,
) -> SelfTraining:
    """Train models on their own output (Herel & Mikolov 2024), log every iteration, and judge what happened.

    ``models`` are names or folders, ``changes`` fields of `SelfTrainOptions`; ``out`` is the run folder
    (``selftrain-MODEL`` where it is None) and ``resume`` goes on with the run in it. ``watcher`` is told of
    every iteration. Raises InputError or UsageError for what the user can mend; the log is kept whatever happens.
    """
    given = {"models": (models,) if isinstance(models, str) else tuple(models), **changes}
    place = Path(out) if out is not None else None
    return resumed(given, place, watcher) if resume else started(given, place, watcher)


def started(given: Mapping[str, Any], out: Path | None, watcher: Watcher | None = None) -> SelfTraining:
    """Begin a run."""
    options = settled(dict(given), embedded())
    if not options.models:
        raise UsageError(f"name a model: {', '.join(embedded())}, a folder, or a hub name such as gpt2")
    options = replace(options, valid=tuple(dict.fromkeys(_source(v) for v in options.valid)))
    setup = looked_up(options)
    check_device(options)
    folder = out or _unused(f"selftrain-{setup.labels[0]}")
    with RunFolder.start(folder, _plan(setup)) as run:
        try:
            return _run(run, setup, watcher)
        except ContamError:
            run.discard_if_empty()
            raise


def resumed(given: Mapping[str, Any], out: Path | None, watcher: Watcher | None = None) -> SelfTraining:
    """Go on with a run; UsageError where what is given contradicts its plan."""
    models = tuple(given.get("models") or ())
    folder = out or _newest(f"selftrain-{labels_of(models)[0]}" if models else "selftrain-*")
    with RunFolder.resume(folder) as run:
        options = _continued(run.plan, given, folder)
        run.extend({name: getattr(options, name) for name in FREE_TO_CHANGE})
        check_device(options)
        labels = tuple(model["name"] for model in run.plan["models"])
        return _run(run, replace(looked_up(options), labels=labels), watcher)


def check_device(options: SelfTrainOptions) -> None:
    """InputError for a device that is not there, before anything is written."""
    from contam.models.loading import device_of

    device_of(options.device, options.precision)


def _plan(setup: Setup) -> dict[str, Any]:
    """The plan as it is written down; shapes and sizes are added when the models are loaded."""
    from contam import __version__

    options = setup.options
    plan = options.plan() | {
        "command": "selftrain",
        "models": [
            {"name": label, "source": _source(name), "width": width_of(files)}
            for label, name, files in zip(setup.labels, options.models, setup.files)
        ],
        "departures": list(options.departures()),
        "versions": {"contam": __version__, "python": platform.python_version()},
    }
    # A file that is to be read again on resuming is named so that any working folder finds it.
    plan["valid"] = [_source(v) for v in options.valid]
    plan["fresh_text"] = _source(options.fresh_text) if options.fresh_text else None
    return plan


def _source(name: str) -> str:
    """A path so that any working folder finds it, links as they are; a name as it is."""
    known = (*embedded(), *NAMED, PYDOC)
    path = Path(name).expanduser()
    return os.path.abspath(path) if path.exists() and name not in known else name  # noqa: PTH100 (keeps links)


def _continued(plan: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> SelfTrainOptions:
    """The options of a run's plan with what may be changed; UsageError for the rest."""
    names = {f for f in SelfTrainOptions.__dataclass_fields__ if f in plan}
    planned = {n: tuple(v) if isinstance(v := plan[n], list) else v for n in names}
    planned["models"] = tuple(model["source"] for model in plan["models"])
    for name, value in given.items():
        if value in (None, ()) or name in FREE_TO_CHANGE:
            continue
        same: Any = tuple(value) if isinstance(value, list) else value
        if name in ("models", "valid"):
            same = tuple(dict.fromkeys(_source(v) for v in value))
        if name == "fresh_text":
            same = _source(value)
        if name in planned and same != planned[name]:
            raise UsageError(
                f"the run in {folder} was begun with {name.replace('_', ' ')} {planned[name]!r}; --resume goes on "
                f"with that (only {', '.join(FREE_TO_CHANGE)} may change). For other settings give another --out"
            )
    changed = {n: given[n] for n in FREE_TO_CHANGE if given.get(n) is not None}
    if changed.get("iterations", planned["iterations"]) < planned["iterations"]:
        raise UsageError(f"--iterations cannot be lowered: the run in {folder} was begun with {planned['iterations']}")
    return replace(SelfTrainOptions(), **{**planned, **changed})


def _unused(stem: str) -> Path:
    """The first of stem, stem-2, stem-3 ... that does not exist."""
    path, i = Path(stem), 2
    while path.exists():
        path, i = Path(f"{stem}-{i}"), i + 1
    return path


def _newest(pattern: str) -> Path:
    """The run of that name that was at work last; UsageError where there is none."""
    numbered = re.compile(re.escape(pattern).replace(r"\*", ".*") + r"(-\d+)?")
    folders = [p.parent for p in Path().glob("selftrain-*/plan.json") if numbered.fullmatch(p.parent.name)]
    if not folders:
        raise UsageError(f"--resume: no run {pattern} in this folder; name it with --out DIR")
    return max(folders, key=lambda f: (f / "plan.json").stat().st_mtime)


def _run(run: RunFolder, setup: Setup, watcher: Watcher | None) -> SelfTraining:
    begin = time.perf_counter()
    if watcher:
        watcher(Event("loading", note=str(run.path)))
    from contam.experiments.selftrain.board import board
    from contam.experiments.selftrain.loop import train_all

    with board(run.path) as log:
        train_all(run, setup, both(watcher, log))
    if watcher:
        watcher(Event("drawing"))
    outcome = concluded(run.path, run.differing, time.perf_counter() - begin)
    return outcome


def both(*watchers: Watcher | None) -> Watcher | None:
    """One watcher that tells several, of whom some may be missing."""
    present = [w for w in watchers if w is not None]
    if len(present) < 2:
        return present[0] if present else None

    def tell(event: Event) -> None:
        for watcher in present:
            watcher(event)

    return tell
