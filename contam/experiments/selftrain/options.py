"""Every setting of a self-training run, the presets, and what in a run differs from the published set-up."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from contam.errors import UsageError

DECODERS = ("exact", "stride", "context")
PRECISIONS = ("fp32", "tf32", "bf16")
SCALINGS = ("none", "width")
PRESETS: dict[str, dict[str, Any]] = {
    "herel2024": {},
    "small": {
        "rates": (1e-3, 3e-3), "seeds": 3, "iterations": 40, "tokens": 256, "block": 48, "eval_windows": 24,
        "patience": 5,
    },
}  # fmt: skip
"""`herel2024` is the field defaults below: Herel & Mikolov 2024 as published. `small` fits a small model and a CPU."""

_PUBLISHED = (
    "prompt", "tokens", "block", "temperature", "top_k", "decoder", "retokenize", "steps", "batch_size", "betas",
    "weight_decay", "clip", "eval_windows", "eval_every", "fresh_share", "scale_rate",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SelfTrainOptions:
    """How to self-train. The defaults are the settings of Herel & Mikolov 2024 (arXiv 2404.02305).

    A loop of ``iterations`` steps: from ``prompt`` generate ``tokens`` tokens, each seeing the last ``block``, at
    ``temperature`` among the ``top_k`` likeliest; draw ``batch_size`` windows of ``block`` tokens of that text;
    evaluate on ``eval_windows`` random windows of the text and of each of ``valid`` (every ``eval_every``
    iterations); one AdamW step (or ``steps``, a new draw each) at a constant rate. ``retokenize`` decodes the text
    and encodes it again before it is trained on, as the authors do. ``fresh_share`` of the loss comes from windows of
    ``fresh_text``. ``scale_rate`` "width" multiplies the rate by (smallest width / width) of the models of a run.

    ``patience`` evaluated iterations the collapse rule must hold; ``stop_when_collapsed`` ends a model's run when it
    holds for all its replicas. ``baseline`` texts of the untouched model give the noise that turning points are
    judged against. ``stack`` is how many replicas share one program (0: as many as is faster and fits).
    ``save_every`` keeps weights every so many iterations (0: only what resuming needs).
    """

    models: tuple[str, ...] = ()
    preset: str = "herel2024"
    valid: tuple[str, ...] = ("wikitext2",)
    rates: tuple[float, ...] = (4e-5,)
    seeds: int = 1
    seed: int = 0
    iterations: int = 1000
    prompt: str = "\n"
    tokens: int = 1024
    block: int = 100
    temperature: float = 1.0
    top_k: int = 200
    decoder: str = "exact"
    retokenize: bool = True
    steps: int = 1
    batch_size: int = 1
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    eval_windows: int = 100
    eval_every: int = 1
    fresh_text: str | None = None
    fresh_share: float = 0.0
    scale_rate: str = "none"
    patience: int = 20
    stop_when_collapsed: bool = True
    baseline: int = 8
    device: str = "auto"
    precision: str = "fp32"
    stack: int = 0
    save_every: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            for value in _several(getattr(self, name)):
                if not (low <= value <= high) or math.isnan(value):
                    raise UsageError(f"{flag_of(name)} must be between {low:g} and {high:g}, not {value:g}")
        for name, known in (("decoder", DECODERS), ("precision", PRECISIONS), ("scale_rate", SCALINGS)):
            if getattr(self, name) not in known:
                told = ", ".join(known)
                raise UsageError(f"{flag_of(name)} must be one of {told}, not {getattr(self, name)!r}")
        if len(self.betas) != 2:
            raise UsageError(f"--betas takes two numbers such as 0.9,0.95, not {len(self.betas)}")
        if self.fresh_share and self.fresh_text is None:
            raise UsageError("--fresh-share needs --fresh-text PATH: the human text to mix in")
        if self.fresh_text is not None and not self.fresh_share:
            raise UsageError("--fresh-text needs --fresh-share X, such as 0.1")
        if len({f"{rate:g}" for rate in self.rates}) < len(self.rates):
            raise UsageError("--lr names a learning rate twice (six digits count)")

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of the replicas: ``seed``, ``seed`` + 1, ..."""
        return tuple(range(self.seed, self.seed + self.seeds))

    def departures(self) -> tuple[str, ...]:
        """What differs from the published set-up, in words, for the log and the report."""
        published = SelfTrainOptions()
        out = [
            f"{name.replace('_', ' ')} {getattr(self, name)!r} (published: {getattr(published, name)!r})"
            for name in _PUBLISHED
            if getattr(self, name) != getattr(published, name)
        ]
        if self.decoder != "exact":
            out.insert(0, f"decoder {self.decoder!r} changes the experiment: it is faster, not equivalent")
        if self.precision != "fp32":
            out.append(f"{self.precision} products on fp32 masters (published: fp32)")
        return tuple(out)

    def plan(self) -> dict[str, Any]:
        """Every setting as JSON can hold it."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


_RANGES: dict[str, tuple[float, float]] = {
    "rates": (0.0, 10.0), "betas": (0.0, 0.999999), "seeds": (1, 1000), "seed": (0, 2**31), "iterations": (1, 10**7),
    "tokens": (2, 10**6), "block": (2, 10**6), "temperature": (0.0, 100.0), "top_k": (0, 10**7), "steps": (1, 1000),
    "batch_size": (1, 4096), "weight_decay": (0.0, 10.0), "clip": (0.0, 1e6), "eval_windows": (1, 10**5),
    "eval_every": (1, 10**6), "fresh_share": (0.0, 1.0), "patience": (1, 10**6), "baseline": (2, 1000),
    "stack": (0, 1000), "save_every": (0, 10**7),
}  # fmt: skip


def _several(value: Any) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def flag_of(name: str) -> str:
    """The command-line option of a field."""
    return "--lr" if name == "rates" else f"--{name.replace('_', '-')}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def settled(given: dict[str, Any], embedded: tuple[str, ...] = ()) -> SelfTrainOptions:
    """Options from what was given, over the preset's, over the defaults.

    Models that are all among the ``embedded`` ones bring the preset ``small`` and need no download for validation
    either. Raises UsageError for an unknown preset.
    """
    models = tuple(given.get("models") or ())
    small = bool(models) and all(m in embedded for m in models)
    preset = given.get("preset") or ("small" if small else "herel2024")
    if preset not in PRESETS:
        raise UsageError(f"no preset {preset!r}: known are {', '.join(PRESETS)}")
    settings = {"preset": preset, **PRESETS[preset]}
    if small:
        settings["valid"] = ("pydoc",)
    settings |= {k: _tuple(k, v) for k, v in given.items() if v is not None and v != ()}
    return replace(SelfTrainOptions(), **settings)


def _tuple(name: str, value: Any) -> Any:
    """Fields with several values as tuples: a list is one, and a single value is a list of one."""
    if name not in ("models", "valid", "rates", "betas"):
        return value
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
