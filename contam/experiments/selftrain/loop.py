"""The loop of a self-training run: every model's groups of replicas, iteration by iteration, logged and resumable."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from contam.errors import LimitError
from contam.experiments.run import LOG, STATES, RunFolder, read_lines
from contam.experiments.selftrain.bench import Bench, bench_of
from contam.experiments.selftrain.collapse import CollapseRule, Watch, all_finished
from contam.experiments.selftrain.evaluation import Text, baseline_lines
from contam.experiments.selftrain.events import Event, Watcher
from contam.experiments.selftrain.group import Group
from contam.experiments.selftrain.history import BASELINE, replica_name
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.replicas import default_stack, groups_of, replicas_of
from contam.experiments.selftrain.setup import Setup, width_of
from contam.models.finding import ModelFiles
from contam.models.loading import Checkpoint, device_of, hardware, read, save
from contam.models.network import Device
from contam.models.tokenizer import Tokenizer

SAVE_SECONDS, SAVE_SHARE = 60.0, 20.0
"""A checkpoint is written at the earliest after a minute, and after 20 times what writing one took."""


@dataclass
class Teller:
    """Tells a watcher how far the run is, and estimates what is left."""

    watcher: Watcher | None
    total: int
    done: int = 0
    states: dict[str, str] = field(default_factory=dict)
    _begin: float = field(default_factory=time.monotonic)
    _counted: int = 0

    def tell(self, phase: str, **what: Any) -> None:
        """One event; nothing where nobody watches."""
        if self.watcher:
            self.watcher(Event(phase, states=dict(self.states), **what))

    def iteration(self, number: int, last: int, lines: list[dict[str, Any]], sample: str) -> None:
        """An iteration is over."""
        self.done += 1
        self._counted += 1
        left = (time.monotonic() - self._begin) / self._counted * max(self.total - self.done, 0)
        self.tell("iterating", iteration=number, iterations=last, lines=tuple(lines), sample=sample, seconds_left=left)

    def restart_clock(self) -> None:
        """Estimate from here on."""
        self._begin, self._counted = time.monotonic(), 0


@dataclass
class Course:
    """One group on its way through the iterations."""

    run: RunFolder
    group: Group
    options: SelfTrainOptions
    teller: Teller
    watches: dict[str, Watch]
    files: ModelFiles
    _saved: float = field(default_factory=time.monotonic)
    _pause: float = field(default_factory=lambda: SAVE_SECONDS)

    @property
    def name(self) -> str:
        """The stem of the group's checkpoint."""
        return f"{self.group.replicas[0].name}-and-{len(self.group.replicas) - 1}-more"

    def go(self) -> None:
        """From the last checkpoint to the end; what was measured is in the log however this is left."""
        number, last = self._resumed(), self.options.iterations
        self.teller.done += number
        self.teller.restart_clock()
        try:
            while number <= last and not self._ended():
                lines, texts = self.group.iterate(number, self._beat(number))
                self._write(lines, texts)
                number, self.group.clean = number + 1, True
                self.group.interrupts.release()
                self.teller.iteration(number - 1, last, lines, texts[0].text)
                self._keep(number - 1)
                if time.monotonic() - self._saved > self._pause:
                    self._save(number)
        except (KeyboardInterrupt, MemoryError, RuntimeError):
            if self.group.clean:
                self._save(number)
            raise
        finally:
            self.group.network.programs.clear()
        self.teller.done += max(last + 1 - number, 0)
        self._save(number)

    def _resumed(self) -> int:
        """Take up the last checkpoint: the next iteration. The watches see again what came before it."""
        names = [r.name for r in self.group.replicas]
        found = self.run.load_state(self.name) or self.run.load_replicas(names)
        if found is None:
            return 0
        tensors, facts = found
        self.group.restore(tensors)
        self._seen_again(int(facts["next"]))
        return int(facts["next"])

    def _seen_again(self, number: int) -> None:
        """What was logged before an iteration, for the watches and for whoever watches the run."""
        past: dict[int, list[dict[str, Any]]] = {}
        for line in read_lines(self.run.path / LOG):
            name = replica_name(line["model"], line["learning_rate"], line["seed"])
            if name in self.watches and line["iteration"] < number:
                past.setdefault(line["iteration"], []).append(line)
                self.teller.states[name] = str(self.watches[name].add(line))
        for iteration, lines in past.items():
            self.teller.tell(
                "iterating", iteration=iteration, iterations=self.options.iterations, lines=tuple(lines)
            )

    def _beat(self, number: int) -> Callable[[int], None]:
        def beat(token: int) -> None:
            self.teller.tell("iterating", iteration=number, iterations=self.options.iterations, note=f"token {token}")

        return beat

    def _write(self, lines: list[dict[str, Any]], texts: list[Text]) -> None:
        for line, text, replica in zip(lines, texts, self.group.replicas):
            sample = {"iteration": line["iteration"], "text": text.text}
            self.run.append(f"samples/{replica.name}.jsonl", sample)
            self.run.append(LOG, line)
            self.teller.states[replica.name] = str(self.watches[replica.name].add(line))

    def _keep(self, number: int) -> None:
        """The weights as they are after the step of an iteration, where they are wanted."""
        every = self.options.save_every
        if every and number % every == 0:
            for i, replica in enumerate(self.group.replicas):
                folder = self.run.path / STATES / replica.name / f"step-{number + 1:06d}"
                folder.parent.mkdir(exist_ok=True)
                save(self.group.network, i, self.files, folder)

    def _save(self, number: int) -> None:
        begin = time.monotonic()
        facts = {"next": number, "replicas": [r.name for r in self.group.replicas]}
        self.run.save_state(self.name, self.group.state(), facts)
        self._saved = time.monotonic()
        self._pause = max(SAVE_SECONDS, SAVE_SHARE * (self._saved - begin))

    def _ended(self) -> bool:
        """Whether nothing more is to be seen: all replicas diverged, or collapsed where that ends a run."""
        watches = [self.watches[r.name] for r in self.group.replicas]
        if all(w.diverged_at is not None for w in watches):
            return True
        return self.options.stop_when_collapsed and all_finished(watches)


def train_all(run: RunFolder, setup: Setup, watcher: Watcher | None) -> None:
    """Every model of a run, one after another, its replicas side by side."""
    options = setup.options
    device = device_of(options.device, options.precision)
    run.extend({"hardware": hardware(device)})
    teller = Teller(watcher, 0)
    smallest = min(width_of(files) for files in setup.files)
    for label, files in zip(setup.labels, setup.files):
        try:
            _train(run, setup, (label, files), (device, smallest), teller)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            raise LimitError(no_memory(label, run)) from error


def _train(
    run: RunFolder, setup: Setup, model: tuple[str, ModelFiles], how: tuple[Device, int], teller: Teller
) -> None:
    """One model: its untouched draws, then its groups of replicas in turn."""
    (label, files), (device, smallest), options = model, how, setup.options
    checkpoint = read(files)
    bench, baseline = _prepared(run, setup, (label, checkpoint), device, teller)
    replicas = replicas_of(label, width_of(files), smallest, options)
    groups = groups_of(replicas, stack_size(run, bench, options, device))
    teller.total += len(groups) * (options.iterations + 1)
    rule = CollapseRule(patience=options.patience)
    for members in groups:
        group = Group(checkpoint.network(len(members), device), bench, members, options)
        watches = {r.name: Watch(baseline, rule) for r in members}
        with group.interrupts.watched():
            Course(run, group, options, teller, watches, files).go()
        del group
        gc.collect()


def _prepared(
    run: RunFolder, setup: Setup, model: tuple[str, Checkpoint], device: Device, teller: Teller
) -> tuple[Bench, list[dict[str, Any]]]:
    """A model's bench, and the draws of the untouched model: measured now, or read where they are there already."""
    label, checkpoint = model
    options = setup.options
    network = checkpoint.network(1, device)
    tokenizer = Tokenizer(checkpoint.files.tokenizer_folder)
    bench = bench_of(label, network.shape, tokenizer, (setup.texts, setup.fresh), options)
    _describe(run, bench)
    lines = [line for line in read_lines(run.path / BASELINE) if line["model"] == label]
    if len(lines) >= options.baseline:
        return bench, lines

    def beat(token: int) -> None:
        teller.tell("baseline", iteration=token, iterations=options.tokens)

    lines, texts = baseline_lines(network, bench, options, beat)
    network.programs.clear()
    for line, text in zip(lines, texts):
        run.append(f"samples/{label}-baseline.jsonl", {"draw": line["draw"], "text": text})
        run.append(BASELINE, line)
    return bench, lines


def _describe(run: RunFolder, bench: Bench) -> None:
    """Put what is known once a model is loaded into the plan: its shape, and the sizes of the validation sets."""
    models = [m | (asdict(bench.shape) if m["name"] == bench.label else {}) for m in run.plan["models"]]
    sets = run.plan.get("validation", {}) | {bench.label: [human.told() for human in bench.validation]}
    run.extend({"models": models, "validation": sets})


def stack_size(run: RunFolder, bench: Bench, options: SelfTrainOptions, device: Device) -> int:
    """How many replicas share a program: as asked for, or as the run began (its checkpoints are of such stacks), or
    what is faster and fits now."""
    known = run.plan.get("stacks", {})
    size = options.stack or known.get(bench.label) or default_stack(bench.shape, free_memory(device))
    size = min(int(size), len(options.rates) * options.seeds)
    run.extend({"stacks": known | {bench.label: size}})
    return size


def free_memory(device: Device) -> int | None:
    """A GPU's free bytes, None on a CPU."""
    if not device.name.startswith("cuda"):
        return None
    gc.collect()  # networks and the programs captured for them hold each other
    torch.cuda.empty_cache()
    return int(torch.cuda.mem_get_info(device.name)[0])


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: torch has a class for GPUs, and messages for the rest."""
    told = str(error).lower()
    messages = ("can't allocate memory", "out of memory", "cublas_status_alloc_failed")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(m in told for m in messages)


def no_memory(label: str, run: RunFolder) -> str:
    """What to do about it."""
    size = int(run.plan.get("stacks", {}).get(label, 1))
    fewer = f"go on with --resume --stack {size // 2} (now {size} replicas share a program)" if size > 1 else ""
    anew = "begin a new run with a smaller --eval-windows or --baseline, or with --precision bf16"
    return f"out of memory with {label}; the log in {run.path} is kept: {fewer + ', or ' if fewer else ''}{anew}"
