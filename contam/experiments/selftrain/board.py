"""TensorBoard, where it is installed: every figure of every iteration in ``<run>/tensorboard``, a sub-run a replica."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.experiments.selftrain.events import Event, Watcher
from contam.experiments.selftrain.history import number_of, replica_name
from contam.reports.escape import visible

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
TEXT_EVERY = 25
"""Iterations between two samples of text."""
_SHOWN = 2000
_SINGLE = (
    "train_loss", "step_loss", "grad_norm", "entropy", "distinct_1", "distinct_2", "distinct_3", "distinct_4", "rep_4",
    "loop_cover", "words", "tokens", "seconds",
)  # fmt: skip


@contextmanager
def board(run: Path) -> Iterator[Watcher | None]:
    """A watcher that logs to TensorBoard while the context is open; None where tensorboard is not installed.

    A run that is taken up again goes on in the same curves: what an earlier process wrote from the first iteration
    seen on is purged.
    """
    try:
        import tensorboard  # noqa: F401
        from torch.utils.tensorboard import SummaryWriter  # noqa: F401
    except ImportError:
        yield None
        return
    log = Board(run / FOLDER)
    try:
        yield log.watch
    finally:
        log.close()


@dataclass
class Board:
    """The writers of a run, one a replica, opened when a replica is first heard of."""

    folder: Path
    writers: dict[str, SummaryWriter] = field(default_factory=dict)
    broken: bool = False

    def watch(self, event: Event) -> None:
        """Log the lines of one iteration. A full disk ends the logging, never the run."""
        if self.broken or not event.lines:
            return
        try:
            for line in event.lines:
                self._line(line)
            if event.sample and event.iteration % TEXT_EVERY == 0:
                self._writer(event.lines[0]).add_text("contam/sample", _code(event.sample), event.iteration)
        except OSError:
            self.broken = True

    def close(self) -> None:
        """Write what is still in memory."""
        for writer in self.writers.values():
            with suppress(OSError):
                writer.close()

    def _line(self, line: Mapping[str, Any]) -> None:
        writer, step = self._writer(line), int(line["iteration"])
        for name in _SINGLE:
            self._scalar(writer, name, number_of(line, name), step)
        for kind in ("validation", "signals"):
            for name in line.get(kind) or {}:
                tag = f"validation/{visible(name)}" if kind == "validation" else name
                self._scalar(writer, tag, number_of(line, f"{kind}.{name}"), step)

    def _scalar(self, writer: SummaryWriter, tag: str, value: float | None, step: int) -> None:
        if value is not None:
            writer.add_scalar(f"contam/{tag}", value, step)

    def _writer(self, line: Mapping[str, Any]) -> SummaryWriter:
        name = replica_name(line["model"], line["learning_rate"], line["seed"])
        if name not in self.writers:
            from torch.utils.tensorboard import SummaryWriter

            place = self.folder / name
            before = place.is_dir() and any(place.iterdir())
            self.writers[name] = SummaryWriter(str(place), purge_step=int(line["iteration"]) if before else None)
        return self.writers[name]


def _code(sample: str) -> str:
    """A sample as a code block of Markdown, which is how TensorBoard shows text."""
    return "    " + visible(sample[: 4 * _SHOWN])[:_SHOWN]
