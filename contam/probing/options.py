"""How a probe is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.errors import UsageError
from contam.models.texts import PYDOC

LEAST_SAMPLES = 32
"""Fewer samples are refused: no level could be told from them."""


@dataclass(frozen=True, slots=True)
class ProbeEvent:
    """How far a probe is: the phase, the checkpoint and which of how many it is, and the work done within it."""

    phase: str
    name: str = ""
    index: int = 0
    count: int = 0
    done: int = 0
    total: int = 0


Watcher = Callable[[ProbeEvent], None]


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """How to probe.

    ``text`` are human texts (names or paths; Python's documentation where there is none), of each at most
    ``text_bytes`` bytes; ``baseline`` a model to compare with. ``samples`` texts of at most ``tokens`` tokens are
    drawn, a ``prompted_share`` of them as continuations of ``prompt_tokens`` tokens of human text, the others from
    nothing. ``window`` and ``stride`` in tokens, 0 for the model's context and half of the window. ``out`` is a folder
    that keeps what was measured: the same probe made again goes on there.
    """

    text: tuple[str, ...] = ()
    baseline: str | None = None
    samples: int = 256
    tokens: int = 256
    temperature: float = 1.0
    top_k: int = 0
    prompted_share: float = 0.5
    prompt_tokens: int = 16
    window: int = 0
    stride: int = 0
    bos: bool = True
    text_bytes: int = 1_000_000
    batch: int = 32
    device: str = "auto"
    precision: str = "fp32"
    profile: str = "auto"
    seed: int = 0
    out: Path | None = None
    on_event: Watcher | None = None

    def __post_init__(self) -> None:
        for name, least in (("samples", LEAST_SAMPLES), ("tokens", 8), ("prompt_tokens", 1), ("batch", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"--{name.replace('_', '-')} must be at least {least}, not {getattr(self, name)}")
        for name, least in (("window", 2), ("stride", 1)):
            value = getattr(self, name)
            if value and value < least:
                raise UsageError(f"--{name} must be at least {least}, or 0 for the usual one, not {value}")
        if self.window and self.stride > self.window:
            raise UsageError(f"--stride {self.stride} is longer than --window {self.window}: tokens would be left out")
        if self.text_bytes < 1000:
            raise UsageError(f"--text-bytes must be at least 1000, not {self.text_bytes}")
        if not math.isfinite(self.temperature):
            raise UsageError(f"--temperature must be a number, not {self.temperature}")
        if not 0 <= self.prompted_share <= 1:
            raise UsageError(f"--prompted-share must lie between 0 and 1, not {self.prompted_share}")
        if self.temperature < 0 or self.top_k < 0:
            raise UsageError("--temperature and --top-k cannot be negative")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"--seed must be between 0 and 2^63 - 1, not {self.seed}")

    @property
    def names(self) -> tuple[str, ...]:
        """The human texts, with the one that is used where none is given."""
        return tuple(dict.fromkeys(self.text)) or (PYDOC,)

    def told(self) -> dict[str, Any]:
        """What the result says of how it was made."""
        left_out = ("on_event", "out")
        fields = (name for name in self.__dataclass_fields__ if name not in left_out)
        return {name: getattr(self, name) for name in fields} | {"text": self.names}
