"""Training one language model on one text: windows of a stream of tokens, AdamW, to the same bits after a kill.

Which windows make a step depends on the names given, the epoch and the size of the corpus alone, so a training is a
function of the weights it begins with, the corpus, the settings and the names. Dropout is off. Launched several times
over (`contam.models.processes`), the processes share every batch and step alike.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contam.errors import InputError
from contam.models import processes
from contam.models.network import Network
from contam.models.optimizer import AdamSettings, Optimizer
from contam.models.states import load_state, save_state
from contam.models.stream import Ids, Windows

Beat = Callable[[str, float], None]
"""Told now and then what is being done (``training``) and which share of it is."""

STATE = "training.safetensors"
SAVE_SECONDS = 60.0
"""Between two saved states. A training that took no longer leaves none: doing it again costs less."""
BEAT_SECONDS = 0.2
LOOK_GPU = 50
"""Steps between two looks at the losses; a look makes a GPU wait for the host. A CPU looks every time."""
LOGITS_CPU, LOGITS_GPU = 1 << 27, 1 << 29
"""Logits of one backward pass (number of float32); a batch that has more goes through in parts."""
SCHEDULES = ("constant", "cosine")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """``block`` tokens a window, ``batch_size`` windows a step, ``epochs`` over the corpus (a part of one is allowed).

    ``learning_rate`` is reached after a share ``warmup`` of all steps, in equal steps from 0; then it stays
    (``constant``) or falls to 0 along half a ``cosine``. AdamW with ``betas``, with ``weight_decay`` of what has two
    dimensions or more, gradients clipped to the norm ``clip`` (0: not).
    """

    block: int = 128
    batch_size: int = 32
    epochs: float = 3.0
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0, of so many."""
        warm = math.ceil(self.warmup * steps)
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


@dataclass(frozen=True, slots=True)
class Training:
    """``losses``: nats a token of every step's batch before the step, float32[steps]. ``tokens``: predicted ones, over
    all epochs. ``seconds``: of all attempts, the time before a kill included as far as it was saved."""

    losses: NDArray[np.float32]
    steps: int
    tokens: int
    seconds: float

    @property
    def loss(self) -> float:
        """Mean over the last tenth of the steps."""
        return float(self.losses[-max(1, self.steps // 10) :].mean(dtype=np.float64))


def train(
    network: Network,
    stream: Ids,
    settings: TrainingSettings,
    names: Sequence[object],
    beat: Beat | None = None,
    folder: Path | None = None,
) -> Training:
    """Train a network of one replica, in place, on a stream of tokens (`contam.models.stream.packed_stream`).

    ``names``: what the order of the windows is drawn by. ``folder``: where a state is kept every `SAVE_SECONDS`, from
    which a training that was killed goes on; a state of another corpus or of other settings is not looked at. Raises
    ``InputError`` for a stream shorter than a window, for a loss that is not finite, and where a state cannot be
    written.
    """
    _check(network, stream, settings)
    processes.meet(network.device.name)
    run = _Run(network, stream, settings, tuple(names), folder)
    run.restore()
    for number, windows in enumerate(run.windows.steps(settings.epochs, settings.batch_size, run.names)):
        if number >= run.done:
            run.step(windows)
            run.pause(beat)
    run.finish()
    if beat:
        beat("training", 1.0)
    return run.result()


def _check(network: Network, stream: Ids, settings: TrainingSettings) -> None:
    if network.replicas != 1:
        raise ValueError(f"training takes a network of one replica, not of {network.replicas}")
    if settings.schedule not in SCHEDULES:
        raise ValueError(f"no schedule {settings.schedule!r}: known are {', '.join(SCHEDULES)}")
    if settings.block > network.shape.context:
        raise InputError(
            f"a window of {settings.block} tokens, but the model sees {network.shape.context}; give a smaller --block"
        )
    if len(stream) < settings.block + 1:
        raise InputError(
            f"the corpus has {len(stream):,} tokens, end tokens included, and one window needs {settings.block + 1:,}: "
            "give more text or a smaller --block"
        )
    if int(stream.max()) >= network.shape.vocabulary or int(stream.min()) < 0:
        raise InputError(
            f"the corpus has token {int(stream.max())}, but the model has {network.shape.vocabulary}; "
            "the tokenizer is that of another model"
        )


class _Run:
    """A training under way: ``done`` steps of ``total``."""

    def __init__(
        self, network: Network, stream: Ids, settings: TrainingSettings, names: tuple[object, ...], folder: Path | None
    ) -> None:
        self.network, self.settings, self.names, self.folder = network, settings, names, folder
        self.place = torch.device(network.device.name)
        self.windows = Windows(len(stream), settings.block)
        self.stream = torch.from_numpy(np.ascontiguousarray(stream, np.int64)).to(self.place)
        self.offsets = torch.arange(settings.block + 1, device=self.place)
        self.total, self.done, self.tokens = self.windows.count(settings.epochs, settings.batch_size, names), 0, 0
        self.losses: list[float] = []
        self.fresh: list[Tensor] = []
        """Losses that nobody has looked at yet, on the device."""
        adam = AdamSettings(settings.betas, settings.weight_decay, settings.clip)
        self.optimizer = Optimizer(network, [settings.learning_rate], adam)
        self.masters = network.masters(0)
        self.began = self.saved = self.heard = time.monotonic()
        self.before = 0.0

    # --- a step ------------------------------------------------------------------------------------------------

    def step(self, windows: Ids) -> None:
        """One step on the mean loss of the windows' tokens."""
        for group in self.optimizer.adam.param_groups:
            group["lr"] = self.settings.rate(self.done, self.total)
        count = int((windows[:, 2] - windows[:, 1]).sum())
        mine = processes.part(len(windows))
        if mine.start < mine.stop:
            loss = self._gradients(windows[mine], count)
        else:  # a window that counts nothing: the other processes wait for gradients
            loss = self._gradients(np.zeros((1, 3), np.int64), count)
        if processes.count() > 1:
            self.network.gather_gradients()
            processes.summed([loss, *(p.grad for p in self.masters.values() if p.grad is not None)])
        self.optimizer.step(refresh=False)
        self.fresh.append(loss)
        self.done += 1
        self.tokens += count

    def _gradients(self, windows: Ids, count: int) -> Tensor:
        """The backward passes of this process's windows; their part of the mean loss, float32[1]."""
        total = torch.zeros(1, device=self.place)
        room = LOGITS_CPU if self.place.type == "cpu" else LOGITS_GPU
        rows = max(1, room // (self.settings.block * self.network.shape.vocabulary))
        for first in range(0, len(windows), rows):
            loss = self._loss(windows[first : first + rows]) / count
            loss.backward()
            total += loss.detach().float()
        return total

    def _loss(self, windows: Ids) -> Tensor:
        """Nats summed over the predictions that count, differentiable."""
        start, low, high = torch.from_numpy(windows).to(self.place).unsqueeze(2).unbind(1)
        nats = self.network.losses(self.stream[start + self.offsets].unsqueeze(0))
        if (windows[:, 2] - windows[:, 1]).min() < self.settings.block:
            places = self.offsets[:-1]
            nats = nats * ((low <= places) & (places < high))
        return nats.sum()

    def _look(self) -> None:
        """Bring the losses over and see that they are finite."""
        if not self.fresh:
            return
        first = len(self.losses)
        self.losses += torch.cat(self.fresh).tolist()
        self.fresh.clear()
        for step, loss in enumerate(self.losses[first:], first + 1):
            if not math.isfinite(loss):
                raise self._diverged(f"the loss is {loss} at step {step} of {self.total}")

    def _diverged(self, what: str) -> InputError:
        rate = self.settings.learning_rate
        return InputError(
            f"training diverged: {what}; try --lr {rate / 3:.1g} instead of {rate:g}, a --warmup, --clip 1, or "
            "--precision fp32. What was finished before is kept"
        )

    # --- between steps -----------------------------------------------------------------------------------------

    def pause(self, beat: Beat | None) -> None:
        """Look, tell and save, each when it is due."""
        if self.place.type == "cpu" or self.done % LOOK_GPU == 0:
            self._look()
        now = time.monotonic()
        if beat and now - self.heard >= BEAT_SECONDS:
            self.heard = now
            beat("training", self.done / self.total)
        if self.folder and self.done < self.total and now - self.saved >= SAVE_SECONDS:
            self._save()

    def finish(self) -> None:
        """Look at the rest, refresh the network, and keep the end of a long training: writing may be killed too."""
        self._look()
        finite = torch.stack([torch.isfinite(p.detach()).all() for p in self.masters.values()])
        if not bool(finite.all()):
            raise self._diverged(f"the weights are not finite after step {self.done} of {self.total}")
        self.network.refresh()
        if self.folder and self._seconds() >= SAVE_SECONDS:
            self._save()

    def result(self) -> Training:
        return Training(np.array(self.losses, np.float32), self.total, self.tokens, self._seconds())

    def _seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    # --- taking up again ---------------------------------------------------------------------------------------

    def _digest(self) -> str:
        """What a state belongs to: corpus, settings, names, shape."""
        told = json.dumps([asdict(self.settings), [str(n) for n in self.names], asdict(self.network.shape)])
        made = hashlib.blake2b(told.encode(), digest_size=16)
        made.update(self.stream.cpu().numpy().tobytes())
        return made.hexdigest()

    def _save(self) -> None:
        """The new state replaces the old one whole, or not at all; the first process writes for all."""
        assert self.folder is not None
        self._look()
        if processes.rank() == 0:
            tensors = {f"weight.{k}": v.detach().cpu().contiguous() for k, v in self.masters.items()}
            tensors |= {f"moment.{k}": v for k, v in self.optimizer.state().items()}
            tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
            facts = {"digest": self._digest(), "done": self.done, "tokens": self.tokens, "seconds": self._seconds()}
            save_state(self.folder / STATE, tensors, facts)
        self.saved = time.monotonic()

    def restore(self) -> None:
        """Go on from the state in the folder, where there is one of this training."""
        found = load_state(self.folder / STATE) if self.folder else None
        if found is not None and found[1].get("digest") == self._digest():
            tensors, facts = found
            with torch.no_grad():
                for name, parameter in self.masters.items():
                    parameter.copy_(tensors[f"weight.{name}"])
            moments = {k.removeprefix("moment."): v for k, v in tensors.items() if k.startswith("moment.")}
            self.optimizer.restore(moments)
            self.losses = tensors["losses"].tolist()
            self.done, self.tokens, self.before = int(facts["done"]), int(facts["tokens"]), float(facts["seconds"])
        if processes.told(self.done) != self.done:
            raise InputError("the processes see different states of the training: --out must be on a disk they share")
