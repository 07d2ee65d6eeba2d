"""A callback for transformers' ``Trainer`` (and TRL's, which are built on it) that watches for collapse.

It measures every so many steps, logs ``contam/...`` through the loggers of the trainer, warns once a level, and stops
the training where that is asked for. Whatever goes wrong in it never reaches the training loop.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Sequence
from typing import Any

import torch

from contam.errors import ContamError, InputError, UsageError
from contam.monitoring.judging import Baseline, Check
from contam.monitoring.monitor import ModelMonitor, Texts
from contam.result import Level

try:
    from transformers import TrainerCallback
    from transformers.trainer_callback import CallbackHandler
except ImportError:
    raise InputError(
        "CollapseMonitor is a callback of transformers' Trainer: pip install 'contam[models]'; for a training loop of "
        "your own there is contam.monitoring.monitor.ModelMonitor"
    ) from None

LOG = logging.getLogger("contam")
CHECKS = 10
"""Checks over the planned steps where ``every`` is not given."""
KEPT = "contam/baseline"
"""The name under which the baseline stands in the trainer's history, so that a resumed run goes on from it."""


class CollapseMonitor(TrainerCallback):
    """Add it to a trainer: ``Trainer(..., callbacks=[CollapseMonitor(text=held_out)])``.

    ``text``, ``samples``, ``tokens``, ``prompts``, ``seed``: see `ModelMonitor`. ``every``: steps between checks, by
    default a tenth of the planned ones. ``start``: the step at which the baseline is drawn (a model that is trained
    from scratch has none at step 0). ``tokenizer``: where the trainer has none (``processing_class``). ``stop``:
    whether ``collapsing`` ends the training.

    ``checks`` holds what was found, ``level`` the worst level so far.
    """

    def __init__(
        self,
        text: Texts | None = None,
        *,
        every: int | None = None,
        samples: int = 32,
        tokens: int = 64,
        prompts: Sequence[str] = (),
        seed: int = 0,
        start: int = 0,
        tokenizer: Any = None,
        stop: bool = False,
    ) -> None:
        if every is not None and every < 1:
            raise UsageError(f"every={every}: give a number of steps, 1 or more")
        self.monitor = ModelMonitor(text, samples=samples, tokens=tokens, prompts=prompts, seed=seed)
        self.every, self.start, self.stop, self.tokenizer = every, start, stop, tokenizer
        self.checks: list[Check] = []
        self.level = Level.HEALTHY
        self._failed = False
        self._unsent: dict[str, float] = {}

    # --- what the trainer calls ----------------------------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Draw the baseline, or find that of the run that is resumed."""
        if state.is_world_process_zero and state.global_step >= self.start:
            self._safely(self._begin, state, given)

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Check the model at every ``every``-th step."""
        step, every = state.global_step, self.every or max(1, state.max_steps // CHECKS)
        late = step >= self.start and self.monitor.started is None and not self._failed
        if state.is_world_process_zero and late:
            self._safely(self._begin, state, given)
        elif step % every == 0 and step > self.start:
            found = None
            if state.is_world_process_zero and self.monitor.started is not None:
                found = self._safely(self._checked, state, given)
            if found is not None:
                self._report(found, args, state, control)
            if self.stop and _anywhere(found is not None and found.level is Level.COLLAPSING, args):
                control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **given: Any) -> None:
        """Give what could not be sent to the loggers along with the trainer's own values."""
        if logs is not None and self._unsent:
            logs.update(self._unsent)
            self._unsent = {}

    # --- measuring -----------------------------------------------------------------------------------------------

    def _safely(self, measure: Any, state: Any, given: dict[str, Any]) -> Any:
        """What a measurement gives, None where it fails: the first failure is told, and training goes on."""
        try:
            return measure(state, given)
        except Exception as error:  # whatever it is, it must not end somebody's training
            if not self._failed:
                trace = None if isinstance(error, ContamError) else error
                LOG.warning("the collapse monitor could not measure the model: %s", error, exc_info=trace)
            self._failed = True
            return None

    def _begin(self, state: Any, given: dict[str, Any]) -> None:
        tokenizer = self.tokenizer or given.get("processing_class") or given.get("tokenizer")
        if tokenizer is None:
            raise InputError("the trainer has no tokenizer; give it to the monitor: CollapseMonitor(tokenizer=...)")
        if (kept := _kept(state, self._key())) is not None:
            self.monitor.resume(kept, tokenizer)
            return
        made = self.monitor.baseline(given["model"], tokenizer)
        state.log_history.append({KEPT: made.as_json(), "settings": self._key(), "step": state.global_step})

    def _key(self) -> str:
        """What a baseline depends on besides the model."""
        return f"{self.monitor.settings}, {sum(map(len, self.monitor.texts))} characters of text"

    def _checked(self, state: Any, given: dict[str, Any]) -> Check:
        return self.monitor.check(given["model"], state.global_step)

    # --- telling -------------------------------------------------------------------------------------------------

    def _report(self, check: Check, args: Any, state: Any, control: Any) -> None:
        """Log a check, and warn where its level is worse than any before."""
        self.checks.append(check)
        values = logged(check)
        state.log_history.append({**values, "epoch": state.epoch, "step": check.step})
        handler = _handler()
        if handler is None:
            self._unsent = values
        else:
            wanted = control.should_log
            handler.on_log(args, state, control, {**values, "epoch": state.epoch})
            control.should_log = wanted  # it takes any log for the trainer's own
        if check.level.severity > self.level.severity:
            self.level = check.level
            LOG.warning("step %d: %s: %s", check.step, check.level.value, "; ".join(check.reasons))


def logged(check: Check) -> dict[str, float]:
    """A check as names and numbers for a logger; the level as 0 healthy, 1 at risk, 2 collapsing, -1 not judged."""
    values = {f"contam/{name}": value for name, value in check.signals.items() if value is not None}
    return {**values, "contam/turned": float(len(check.turned)), "contam/level": float(check.level.severity)}


def _kept(state: Any, key: str) -> Baseline | None:
    """The baseline in a history that was read from a checkpoint, drawn with the same settings."""
    for entry in state.log_history if state.global_step else ():
        if KEPT in entry and entry.get("settings") == key:
            return Baseline.from_json(entry[KEPT])
    return None


def _handler() -> CallbackHandler | None:
    """What is calling the callbacks. It is not among what they are given, but it alone reaches those before this one
    (the loggers); so it is looked for among the callers."""
    frame = inspect.currentframe()
    while frame is not None:
        if isinstance(found := frame.f_locals.get("self"), CallbackHandler):
            return found
        frame = frame.f_back
    return None


def _anywhere(wanted: bool, args: Any) -> bool:
    """Whether any process wants it: all must stop at the same step, and one alone measures."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return wanted
    told = torch.tensor([float(wanted)], device=args.device)
    distributed.all_reduce(told, distributed.ReduceOp.MAX)
    return bool(told.item())
