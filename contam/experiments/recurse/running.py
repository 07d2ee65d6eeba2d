"""``contam.recurse``: a whole recursion, from names to the report; begun or taken up again."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contam.errors import ContamError, InputError, LimitError, UsageError
from contam.experiments.recurse.events import Event, Watcher
from contam.experiments.recurse.generations import zero_of
from contam.experiments.recurse.options import Lineage, RecurseOptions, flag_of
from contam.experiments.recurse.outcome import Recursion, concluded
from contam.experiments.recurse.place import NGRAM, Place, place_of
from contam.experiments.recurse.presets import departures, settled, told
from contam.experiments.recurse.real import words_in
from contam.experiments.recurse.side_by_side import Message, Unit, carry_out, workers_for
from contam.experiments.recurse.tracking import human_tracked, parsed
from contam.experiments.run import LOG, PLAN, RunFolder, read_lines
from contam.models import launched
from contam.models.texts import load_validation
from contam.reports.audit_page import plural

FREE_TO_CHANGE = ("generations", "device", "workers", "write_batch", "keep")
"""What a run that is taken up again may be given anew. None of it changes what is in the log already, except that the
last digits of neural models move with the number of threads, and so with ``workers``."""
_ERRORS: dict[str, type[ContamError]] = {"UsageError": UsageError, "LimitError": LimitError}


def recurse(
    model: str = "",
    real: str | Path | tuple[str, ...] = (),
    *,
    out: str | Path | None = None,
    resume: bool = False,
    watcher: Watcher | None = None,
    **changes: Any,
) -> Recursion:
    """Retrain a model generation after generation on what the one before it wrote, in every paradigm asked for.

    ``model`` is ``ngram``, a configuration to be trained from scratch, or a model to be fine-tuned; ``real`` the human
    text; ``changes`` are fields of `RecurseOptions` (``preset`` names a published set-up). ``out`` is the run folder
    (``recurse-MODEL`` where it is None), and ``resume`` goes on with the run in it. Raises InputError or UsageError
    for what the user can mend; finished generations are kept whatever happens.
    """
    paths = (str(real),) if isinstance(real, (str, Path)) else tuple(map(str, real))
    given = {"model": model, "real": paths, **changes}
    place = Path(out) if out is not None else None
    return resumed(given, place, watcher) if resume else started(given, place, watcher)


def started(given: Mapping[str, Any], out: Path | None, watcher: Watcher | None = None) -> Recursion:
    """Begin a run."""
    options = settled(given)
    parsed(options.track)
    _looked_up(options)
    folder = (out or unused(f"recurse-{_label(options.model)}")).absolute()
    _check_folder(folder, options)
    with RunFolder.start(folder, _plan(options)) as run:
        try:
            return _run(run, options, watcher)
        except ContamError:
            run.discard_if_empty()
            raise


def resumed(given: Mapping[str, Any], out: Path | None, watcher: Watcher | None = None) -> Recursion:
    """Go on with a run; UsageError where what is given contradicts its plan."""
    folder = (out or _newest(given)).absolute()
    with RunFolder.resume(folder) as run:
        if run.plan.get("command") != "recurse":
            raise UsageError(f"the run in {folder} is one of contam {run.plan.get('command')}, not of recurse")
        options = _continued(run.plan, given, folder)
        _units(run, options.lineages(), options)  # a damaged log is told before anything is changed
        return _run(run, options, watcher)


def helping(given: Mapping[str, Any], out: Path | None, resume: bool = False) -> bool:
    """Whether this process is one of several and not the first; it has then helped to train until the run's end.

    Raises UsageError without a run folder that all processes know.
    """
    if launched.count() > 1 and out is None:
        raise UsageError("several processes train one model only in a folder that all of them know: give --out DIR")
    if launched.rank() == 0 or out is None:
        return False
    options = settled(given) if not resume else _continued(json.loads((out / PLAN).read_text("utf-8")), given, out)
    if options.model == NGRAM:  # its models are made by one process
        return True
    from contam.experiments.recurse.neural_backend import NeuralBackend
    from contam.experiments.recurse.place import model_folder

    NeuralBackend(options, (), model_folder(out.absolute())).help()
    return True


def _check_folder(folder: Path, options: RecurseOptions) -> None:
    """A run must not be mixed up with other files, least of all with the human text that it reads."""
    for real in (*options.real, *([options.valid] if options.valid else [])):
        text = Path(real).resolve()
        if text.is_dir() and folder.resolve().is_relative_to(text):
            raise UsageError(
                f"the run folder {folder} lies in {real}: the run would read itself as human text; give another --out"
            )
    if folder.is_dir() and not (folder / PLAN).exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no run: give an empty or a new folder as --out")


def _looked_up(options: RecurseOptions) -> None:
    """A model, a device or a text that is not there is told before anything is written."""
    if options.model != NGRAM:
        from contam.models.configurations import configuration
        from contam.models.finding import find
        from contam.models.loading import device_of

        if get_close_matches(options.model.lower(), [NGRAM], cutoff=0.6) and not Path(options.model).exists():
            raise UsageError(f"no model {options.model!r}: did you mean {NGRAM}?")
        if configuration(options.model) is None:
            find(options.model)
        device_of(options.device, options.precision)
    if "resample" in options.filters:
        from contam.experiments.recurse.classifier import check_installed

        check_installed()
    for path in (*options.real, *([options.valid] if options.valid else [])):
        if Path(path).is_file() or Path(path).is_dir():
            continue
        if Path(path).exists():
            raise UsageError(f"{path} can be read only once (a pipe or a device): give a file")
        load_validation(path, options.text_field)


def _plan(options: RecurseOptions) -> dict[str, Any]:
    from contam import __version__

    return options.plan() | {
        "command": "recurse",
        "departures": list(departures(options)),
        "versions": {"contam": __version__, "python": platform.python_version()},
    }


def _described(run: RunFolder, place: Place) -> None:
    """What is known once the text is read: sizes, and the human sample of the same size, judged as texts will be."""
    human, options = place.human, place.options
    known, found = run.plan.get("text_digest"), human.digest
    if known is not None and known != found:
        before, now = run.plan["words"]["training"], sum(map(words_in, human.training))
        raise InputError(
            f"the human text has changed since the run in {run.path} began ({before:,} words to train on then, "
            f"{now:,} now): put it back as it was, or begin a new run with another --out"
        )
    if "human" in run.plan:
        return
    parts = {"training": human.training, "held_out": human.held_out, "fresh": human.fresh}
    encoded = {"training": place.real, "held_out": place.held_out, "fresh": place.fresh}
    audited = place.measurer.audited(human.training)
    verdict, reason = audited["verdict"], "; ".join(audited["verdict"]["reasons"])
    run.extend(
        {
            "text_digest": found,
            "backend": place.backend.kind,
            "documents": {name: len(texts) for name, texts in parts.items()},
            "words": {name: sum(map(words_in, texts)) for name, texts in parts.items()},
            "tokens": {name: part.tokens for name, part in encoded.items()},
            "notes": list(human.notes),
            "human": {"signals": audited["signals"], "level": verdict["level"], "reason": reason},
            "tracked": human_tracked(human.training, options.track),
            "hardware": place.backend.hardware,
        }
    )


@dataclass
class _Log:
    """Writes what the units tell into the run folder, and tells the watcher."""

    run: RunFolder
    lineages: tuple[Lineage, ...]
    watcher: Watcher
    done: int
    total: int
    failures: dict[str, tuple[str, str]] = field(default_factory=dict)
    begin: float = field(default_factory=time.monotonic)
    counted: int = 0

    def hear(self, message: Message) -> None:
        """A message of a unit."""
        unit = message.unit
        if message.kind == "line":
            line, samples = message.content
            own = [lineage for lineage in self.lineages if lineage.seed == unit.seed]
            for lineage in own if unit.lineage is None else [unit.lineage]:
                self.write(zero_of(lineage, line) if unit.lineage is None else line, samples)
        elif message.kind == "failed":
            self.failures[unit.name] = message.content
        elif message.kind == "over":
            self.watcher(Event("generations", self.done, self.total, unit=unit.name))
        elif message.kind == "beat":
            phase, share = message.content
            self.watcher(Event("generations", self.done, self.total, unit=unit.name, note=f"{phase} {share:.0%}"))

    def write(self, line: dict[str, Any], samples: dict[str, Any]) -> None:
        """A line of the log, and its samples."""
        self.run.append(f"samples/{line['lineage']}.jsonl", samples)
        self.run.append(LOG, line)
        self.done += 1
        self.counted += line["generation"] > 0
        left = (time.monotonic() - self.begin) / self.counted * (self.total - self.done) if self.counted else None
        self.watcher(Event("generations", self.done, self.total, line, line["lineage"], seconds_left=left))


def _run(run: RunFolder, options: RecurseOptions, watcher: Watcher | None) -> Recursion:
    begin = time.perf_counter()
    tell = watcher or (lambda event: None)
    tell(Event("loading", note=str(run.path)))
    place = place_of(run.path, options)
    try:
        return _carried_out(run, place, tell, begin)
    finally:
        place.backend.close()


def _carried_out(run: RunFolder, place: Place, tell: Watcher, begin: float) -> Recursion:
    options = place.options
    tell(Event("human"))
    _described(run, place)
    lineages = options.lineages()
    units, done = _units(run, lineages, options)
    workers = workers_for(options, len(units))
    run.extend({name: getattr(options, name) for name in FREE_TO_CHANGE} | {"workers": workers})
    log = _Log(run, lineages, tell, done, len(lineages) * (options.generations + 1))
    tell(Event("generations", log.done, log.total, note=_told(run, units, workers)))
    carry_out(place, units, workers, log.hear)
    if log.failures and not any(read_lines(run.path / LOG)):
        raise _error(next(iter(log.failures.values())))
    tell(Event("drawing", log.done, log.total))
    result = concluded(run.path, run.differing, log.failures, time.perf_counter() - begin)
    return result if units else replace(result, done_before=True)


def _told(run: RunFolder, units: list[Unit], workers: int) -> str:
    """What is about to be done, in a sentence or two."""
    if not units:
        return "nothing is left to do"
    plan = run.plan
    lineages = sum(unit.lineage is not None for unit in units)
    words, tokens = plan["words"]["training"], plan["tokens"]["training"]
    how = f"{workers} processes" if workers > 1 else "one process"
    size = f"{words:,} words ({tokens:,} tokens) of human text"
    each = f"{plural(lineages, 'lineage')}, {plural(int(plan['generations']), 'generation')} each"
    told = f"{each}, on {size}, in {how}"
    changed = plan.get("departures") or []
    return told + (f"; not as published: {'; '.join(changed)}" if changed else "")


def _units(run: RunFolder, lineages: tuple[Lineage, ...], options: RecurseOptions) -> tuple[list[Unit], int]:
    """What is left to do, and how many generations the log has already."""
    last: dict[str, int] = {}
    count = 0
    for line in read_lines(run.path / LOG):
        last[line["lineage"]] = max(last.get(line["lineage"], -1), int(line["generation"]))
        count += 1
    units = []
    for seed in options.all_seeds:
        own = [lineage for lineage in lineages if lineage.seed == seed]
        if any(last.get(lineage.name, -1) < 0 for lineage in own):
            units.append(Unit(seed))
        units += [Unit(seed, x, max(n, 0)) for x in own if (n := last.get(x.name, -1)) < options.generations]
    return units, count


def _error(failure: tuple[str, str]) -> ContamError:
    return _ERRORS.get(failure[0], InputError)(failure[1])


def _continued(plan: Mapping[str, Any], given: Mapping[str, Any], folder: Path) -> RecurseOptions:
    """The options of a run's plan with what may be changed; UsageError for the rest."""
    before = _planned(plan)
    planned = {name: getattr(before, name) for name in RecurseOptions.__dataclass_fields__}
    for name, value in given.items():
        if value in (None, (), "") or name in FREE_TO_CHANGE or name not in planned:
            continue
        same: Any = tuple(value) if isinstance(value, list) else value
        if name in ("real", "valid"):
            absolute = [str(Path(p).absolute()) if Path(p).exists() else p for p in _listed(same)]
            same = tuple(absolute) if name == "real" else absolute[0]
        if name == "filters":
            same = ("none", *(one for one in same if one != "none"))
        if same != planned[name]:
            free = ", ".join(map(flag_of, FREE_TO_CHANGE))
            raise UsageError(
                f"the run in {folder} was begun with {flag_of(name)} {told(planned[name])}, not {told(same)}; --resume "
                f"goes on with what it was begun with ({free} may change). For other settings give another --out"
            )
    changed = {n: given[n] for n in FREE_TO_CHANGE if given.get(n) is not None}
    if changed.get("generations", before.generations) < before.generations:
        raise UsageError(f"--generations cannot be lowered: the run in {folder} was begun with {before.generations}")
    more = changed.get("generations", before.generations) > before.generations
    if more and before.real_kind == "fresh" and "mix" in before.paradigms:
        raise UsageError("--generations cannot be raised: fresh text was set aside for so many generations only")
    return replace(before, **changed)


def _planned(plan: Mapping[str, Any]) -> RecurseOptions:
    """The options as they stand in a plan."""
    names = [name for name in RecurseOptions.__dataclass_fields__ if name in plan]
    values: dict[str, Any] = {n: tuple(v) if isinstance(v := plan[n], list) else v for n in names}
    return RecurseOptions(**values)


def _listed(value: Any) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else (value,)


def _label(model: str) -> str:
    """A short name: the last part of a path or hub name."""
    return Path(model.rstrip("/")).name.removesuffix(".json") or "model"


def unused(stem: str) -> Path:
    """The first of stem, stem-2, stem-3 ... that does not exist."""
    path, i = Path(stem), 2
    while path.exists():
        path, i = Path(f"{stem}-{i}"), i + 1
    return path


def _newest(given: Mapping[str, Any]) -> Path:
    """The run of that model that was at work last; UsageError where there is none."""
    model = str(given.get("model") or "")
    pattern = f"recurse-{_label(model)}*" if model else "recurse-*"
    folders = [p.parent for p in Path().glob(f"{pattern}/plan.json")]
    if not folders:
        raise UsageError(f"--resume: no run {pattern} in this folder; name it with --out DIR")
    return max(folders, key=lambda f: (f / "plan.json").stat().st_mtime)
