"""Every setting of a recursion and the lineages that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from contam.errors import UsageError

PARADIGMS = ("replace", "accumulate", "accumulate-subsample", "mix")
REAL_KINDS = ("original", "fresh")
PRECISIONS = ("fp32", "tf32", "bf16")
UNITS = ("word", "byte")
LENGTHS = ("model", "real")
FILTERS = ("none", "flagged", "likely", "resample")
KEEPS = ("needed", "all")


@dataclass(frozen=True, slots=True)
class Lineage:
    """One line of generations: its paradigm, share of real text (mix), rate (accumulate-subsample), filter, seed."""

    paradigm: str
    seed: int
    real_share: float | None = None
    rate: float | None = None
    filter: str = "none"

    @property
    def group(self) -> str:
        """What its seeds have in common: ``mix-0.1``, ``accumulate-subsample``, ``replace+resample``."""
        number = self.real_share if self.paradigm == "mix" else self.rate
        own = "" if number is None or (self.paradigm != "mix" and number == 1) else f"-{number:g}"
        return f"{self.paradigm}{own}" + ("" if self.filter == "none" else f"+{self.filter}")

    @property
    def name(self) -> str:
        """``mix-0.1-seed0``: the stem of its files."""
        return f"{self.group}-seed{self.seed}"


@dataclass(frozen=True, slots=True)
class RecurseOptions:
    """How to retrain generation after generation.

    ``model``: ``ngram``; the name of a configuration, or a file with one, to be trained from scratch; or an embedded,
    local or hub model that every generation is fine-tuned from. ``real`` is the human text: a part of ``valid_share``
    of its documents (at most 60,000 words) is held out, unless ``valid`` names other text, to be predicted and to be
    the human sample that audits compare with. ``size`` cuts the training part to so many words (0: all of it),
    ``most_documents`` to so many documents, and ``chunk`` cuts it into documents of so many tokens.

    ``paradigms`` by name; each of ``real_shares`` makes a lineage of ``mix`` and each of ``rates`` one of
    ``accumulate-subsample``; ``real_kind`` says whether the real text of a mix is drawn from the original corpus
    again or is text not used before. ``filters`` make a twin of every lineage whose generated documents go through
    that filter first. Generation 0 trains on real text; ``generations`` follow it.

    Writing: ``temperature`` (0: greedy), ``top_k`` (0: all), ``top_p`` (1: all), ``beams`` (1: sampling).
    ``prompt_tokens`` begins each document with so many tokens of a training document, whose continuation is what is
    kept (0: from nothing); ``max_tokens`` ends it; ``lengths`` is ``model`` (the model ends its documents) or
    ``real`` (each has the length of a real one). Training of neural models: ``block`` tokens a window, ``batch_size``
    windows a step, ``epochs`` over the corpus at ``learning_rate`` (``schedule`` constant or cosine), AdamW.
    An n-gram model has an ``order`` and a ``unit``.
    """

    model: str = ""
    real: tuple[str, ...] = ()
    valid: str | None = None
    valid_share: float = 0.2
    size: int = 0
    most_documents: int = 0
    chunk: int = 0
    preset: str | None = None
    scale: float = 1.0
    paradigms: tuple[str, ...] = ("replace", "accumulate", "accumulate-subsample", "mix")
    real_shares: tuple[float, ...] = (0.1, 0.5)
    real_kind: str = "original"
    rates: tuple[float, ...] = (1.0,)
    filters: tuple[str, ...] = ("none",)
    generations: int = 10
    seeds: int = 3
    seed: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    beams: int = 1
    repetition_penalty: float = 1.0
    prompt_tokens: int = 0
    max_tokens: int = 256
    lengths: str = "real"
    write_batch: int = 64
    order: int = 3
    unit: str = "word"
    vocabulary: int = 2048
    block: int = 128
    batch_size: int = 32
    epochs: float = 3.0
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    track: tuple[str, ...] = ()
    device: str = "auto"
    precision: str = "fp32"
    workers: int = 0
    keep: str = "needed"
    text_field: str | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                if not (low <= one <= high) or math.isnan(one):
                    raise UsageError(f"{flag_of(name)} must be between {low:g} and {high:g}, not {one:g}")
        for name, known in _KNOWN.items():
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                if one not in known:
                    raise UsageError(f"{flag_of(name)} must be one of {', '.join(known)}, not {one!r}")
        for name in ("paradigms", "real_shares", "rates", "filters"):
            value = getattr(self, name)
            if len(set(value)) < len(value):
                raise UsageError(f"{flag_of(name)} names something twice: {', '.join(map(str, value))}")
        if len(self.betas) != 2:
            raise UsageError(f"--betas takes two numbers such as 0.9,0.95, not {len(self.betas)}")
        if len({lineage.name for lineage in self.lineages()}) < len(self.lineages()):
            raise UsageError("--real-share and --rate: two that are equal to six digits are one")
        if not self.paradigms:
            raise UsageError(f"--paradigm must name one of {', '.join(PARADIGMS)}")
        if self.beams > 1 and (self.temperature != 1.0 or self.top_k or self.top_p < 1):
            raise UsageError("--beams searches for the likeliest text: it goes without --temperature, --top-k, --top-p")

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """``seed``, ``seed`` + 1, ..."""
        return tuple(range(self.seed, self.seed + self.seeds))

    def lineages(self) -> tuple[Lineage, ...]:
        """Every lineage: paradigms in their order, shares and rates within, filters within, seeds innermost."""
        kinds: list[tuple[str, float | None, float | None]] = []
        for paradigm in self.paradigms:
            if paradigm == "mix":
                kinds += [(paradigm, share, None) for share in self.real_shares]
            elif paradigm == "accumulate-subsample":
                kinds += [(paradigm, None, rate) for rate in self.rates]
            else:
                kinds.append((paradigm, None, None))
        every = ((kind, sieve) for kind in kinds for sieve in self.filters)
        return tuple(
            Lineage(paradigm, seed, share, rate, sieve)
            for (paradigm, share, rate), sieve in every
            for seed in self.all_seeds
        )

    def plan(self) -> dict[str, Any]:
        """Every setting as JSON can hold it."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


_KNOWN: dict[str, tuple[str, ...]] = {
    "paradigms": PARADIGMS, "real_kind": REAL_KINDS, "filters": FILTERS, "unit": UNITS, "lengths": LENGTHS,
    "precision": PRECISIONS, "schedule": ("constant", "cosine"), "keep": KEEPS,
}  # fmt: skip
_RANGES: dict[str, tuple[float, float]] = {
    "valid_share": (0.01, 0.9), "size": (0, 10**12), "most_documents": (0, 10**10), "chunk": (0, 10**6),
    "scale": (1e-9, 1.0), "real_shares": (0.0, 1.0),
    "rates": (1e-6, 100.0), "generations": (1, 10**5), "seeds": (1, 1000), "seed": (0, 2**31),
    "temperature": (0.0, 100.0),
    "top_k": (0, 10**7), "top_p": (1e-6, 1.0), "beams": (1, 100), "repetition_penalty": (0.01, 100.0),
    "prompt_tokens": (0, 10**6), "max_tokens": (1, 10**6), "write_batch": (1, 10**6), "order": (1, 5),
    "vocabulary": (260, 10**6), "block": (2, 10**6), "batch_size": (1, 10**6), "epochs": (1e-6, 1e5),
    "learning_rate": (0.0, 10.0), "warmup": (0.0, 1.0), "betas": (0.0, 0.999999), "weight_decay": (0.0, 10.0),
    "clip": (0.0, 1e6), "workers": (0, 1024),
}  # fmt: skip
_FLAGS = {
    "paradigms": "--paradigm", "real_shares": "--real-share", "rates": "--rate", "filters": "--filter",
    "learning_rate": "--lr", "most_documents": "--documents",
}  # fmt: skip


def flag_of(name: str) -> str:
    """The command-line option of a field."""
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")
