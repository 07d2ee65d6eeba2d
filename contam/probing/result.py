"""What a probe says, as plain frozen records; ``to_dict`` is the JSON of schema version 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contam.reports.page import Page
from contam.result import (
    SCHEMA_VERSION,
    CorpusInfo,
    Documents,
    Figure,
    Level,
    Provenance,
    ReferenceInfo,
    RuleResult,
    Verdict,
    exit_code,
    plain,
)

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval (None where there are too few units for one)."""

    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A checkpoint less its baseline on one human text, unit by unit.

    ``nats`` a token of the baseline's tokenizer (with another tokenizer it is computed from bits per byte, and
    ``same_tokens`` is False), ``bits`` a byte; ``entropy``, ``gap``, ``ece`` as in `TextScore`, None with another
    tokenizer.
    """

    nats: Estimate
    bits: Estimate
    entropy: Estimate | None = None
    gap: Estimate | None = None
    ece: float | None = None
    same_tokens: bool = True


@dataclass(frozen=True, slots=True)
class TextScore:
    """How a model predicts one human text.

    ``nats`` a token (the logarithm of the perplexity), ``bits`` a byte, ``perplexity`` = exp(total nats / total
    tokens); ``entropy`` the mean entropy of the next token, ``gap`` = nats - entropy, ``ece`` the expected calibration
    error of the likeliest token (15 bins of equal mass). ``units``: what the intervals resample, and how many.
    """

    name: str
    documents: int
    tokens: int
    bytes: int
    nats: Estimate
    bits: Estimate
    perplexity: float
    entropy: Estimate
    gap: Estimate
    ece: float
    units: str
    drift: Drift | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """What a model writes: ``samples`` texts of ``tokens`` tokens, ``words`` words and ``bytes`` bytes in all.

    ``own`` is the entropy rate of its own text in nats a token, ``own_drift`` that less the baseline's; ``ended``,
    ``looped``, ``wordless`` count samples; ``signals`` are the audit's figures of all samples together, ``against``
    what they were judged against.
    """

    samples: int
    tokens: int
    words: int
    bytes: int
    ended: int
    looped: int
    wordless: int
    own: Estimate
    own_drift: Estimate | None
    signals: dict[str, Figure]
    reference: ReferenceInfo
    verdict: Verdict
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One model: its name, the step of its training (None where the name tells none), a digest of its weights, what
    was measured, and the level with its reasons."""

    name: str
    step: int | None
    revision: str
    architecture: str
    parameters: int
    context: int
    texts: tuple[TextScore, ...]
    generation: Generation
    verdict: Verdict
    rules: tuple[RuleResult, ...] = ()

    @property
    def level(self) -> Level:
        """The level of this checkpoint."""
        return self.verdict.level

    def to_dict(self) -> dict[str, Any]:
        """An entry of ``checkpoints``."""
        first = self.texts[0]
        told: dict[str, Any] = plain(
            {
                "name": self.name,
                "step": self.step,
                "revision": self.revision,
                "architecture": self.architecture,
                "parameters": self.parameters,
                "context": self.context,
                "level": self.level.value,
                "verdict": self.verdict,
                "validation": _validation(first),
                "next_token_entropy": first.entropy.value,
                "entropy_gap": first.gap.value,
                "ece": first.ece,
                "texts": {text.name: text for text in self.texts},
                "generation": dict(self.generation.signals),
                "samples": {
                    name: getattr(self.generation, name)
                    for name in ("samples", "tokens", "words", "ended", "looped", "wordless", "own", "own_drift")
                },
                "rules": self.rules,
            }
        )
        return told


def _validation(text: TextScore) -> dict[str, Any]:
    """The contract's short form: of the first text, with the drift and its interval where there is a baseline."""
    drift = text.drift.nats if text.drift else None
    return {
        "nats_per_token": text.nats.value,
        "bits_per_byte": text.bits.value,
        "perplexity": text.perplexity,
        "drift_nats": drift.value if drift else None,
        "interval": drift.interval if drift else text.nats.interval,
    }


@dataclass(frozen=True, slots=True)
class Turn:
    """A figure of the trajectory: its value at every checkpoint (None: not measured), at which one it turned.

    ``turned`` is the index of the first checkpoint from which it stays beyond its limit in the direction of
    collapse, None where it never does; ``lead`` how many checkpoints that is ahead of the validation loss;
    ``sign_flip`` the one-sided p-value of the sign-flip test on the increments (None below four checkpoints).
    """

    key: str
    direction: str
    values: tuple[float | None, ...]
    turned: int | None
    lead: int | None
    sign_flip: float | None


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Several checkpoints in order, the baseline first.

    ``alarms``: checkpoints whose p-value is at most ``alarm_level``, which is .05 over the number of checkpoints, or
    the smallest that the null pairs allow where that is larger; ``family_rate`` bounds the rate of any false alarm in a
    series (1 where nothing is known). ``failed``: the first checkpoint with a validation drift of 0.1 nats or more
    (an index); ``turns`` the earliest first.
    """

    names: tuple[str, ...]
    steps: tuple[int | None, ...]
    levels: tuple[str, ...]
    p_values: tuple[float | None, ...]
    alarm_level: float
    family_rate: float
    alarms: tuple[int, ...]
    failed: int | None
    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """The whole result of a probe. ``checkpoints`` are those asked about, in order; ``baseline`` is what they are
    compared with, None where there is nothing. Verdict, reference, signals and rules are those of the worst."""

    corpus: CorpusInfo
    reference: ReferenceInfo
    verdict: Verdict
    signals: dict[str, Figure]
    rules: tuple[RuleResult, ...]
    checkpoints: tuple[Checkpoint, ...]
    baseline: Checkpoint | None
    trajectory: Trajectory | None
    settings: dict[str, Any]
    provenance: Provenance
    notes: tuple[str, ...] = field(default=())
    documents: Documents = field(default_factory=Documents)
    command: str = "probe"

    @property
    def level(self) -> Level:
        """The worst level of a checkpoint."""
        return self.verdict.level

    def exit_code(self, fail_on: str = "collapsing", allow_insufficient: bool = False) -> int:
        """0 judged, below ``fail_on``; 1 at or above it; 2 could not judge (0 with ``allow_insufficient``)."""
        return exit_code(self.level, self.rules, fail_on, allow_insufficient)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1; NaN and infinities become null."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        own = ("corpus", "reference", "verdict", "signals", "rules", "documents", "provenance", "notes")
        return {
            **head,
            "command": self.command,
            **{name: plain(getattr(self, name)) for name in own},
            "settings": plain(self.settings),
            "checkpoints": [checkpoint.to_dict() for checkpoint in self.checkpoints],
            "baseline": self.baseline.to_dict() if self.baseline else None,
            "trajectory": plain(self.trajectory),
        }

    def draw(self, full: bool = False) -> Page:
        """The report as a page, ``full`` with its pictures."""
        from contam.probing.page import draw_probe

        return draw_probe(self, full)
