"""What `contam mix` found, as plain frozen records: dose-response, forecast, verdict; ``to_dict`` is the JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from contam.result import SCHEMA_VERSION, CorpusInfo, Level, Provenance, RuleResult, Verdict, exit_code, plain
from contam.synthetic.share import SyntheticShare

if TYPE_CHECKING:
    from contam.reports.page import Page

FIXED_TOTAL, FIXED_REAL = "fixed-total", "fixed-real"
DESIGNS = (FIXED_TOTAL, FIXED_REAL)
LABEL = "model forecast"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Dose:
    """One share of one design, over all seeds.

    ``loss_nats``: mean loss on held-out real text, nats a ``unit``, with its 95 % ``interval``. ``effect_nats``: the
    loss less that of the same seed with no synthetic text (design fixed-total: N real tokens; fixed-real: the same R
    real tokens alone), with its interval; None at share 0. ``by_seed``: the effects (at share 0 the losses).
    ``output``: signals of what the proxy writes, by key. ``later``: mean loss of generations 1, 2, ... that are trained
    at the same share, the synthetic part being what the one before wrote.
    """

    share: float
    design: str
    real_tokens: int
    synthetic_tokens: int
    loss_nats: float
    interval: Interval | None
    effect_nats: float | None = None
    effect_interval: Interval | None = None
    by_seed: tuple[float, ...] = ()
    output: Mapping[str, float] = field(default_factory=dict)
    later: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """How proxies trained on mixtures predict held-out real text.

    ``total_tokens``: N of the fixed-total design; ``real_tokens``: R of fixed-real. ``detectable``: by design, the
    smallest share from which on harm is detected (the whole interval of every share from there on is above 0), None
    where it is not. ``kinds``: by share as text (``"0.25"``), ``harmful`` (with the same real text, synthetic text
    added makes the model worse: fixed-real effect above 0), ``wasted`` (it takes the place of real text and does no
    more: fixed-total effect above 0, fixed-real not), ``costly`` (it costs in the place of real text; beside it nothing
    was measured), ``helpful`` (fixed-real effect below 0), ``unseen``.
    """

    proxy: str
    unit: str
    seeds: int
    total_tokens: int
    real_tokens: int
    held_out_tokens: int
    held_out_documents: int
    doses: tuple[Dose, ...]
    detectable: Mapping[str, float | None]
    kinds: Mapping[str, str]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def of(self, design: str) -> tuple[Dose, ...]:
        """The doses of one design, by rising share."""
        return tuple(d for d in self.doses if d.design == design)


@dataclass(frozen=True, slots=True)
class Retained:
    """What one generation has of the real text: shares of what a real corpus of the same size has.

    ``head_retained``: heterozygosity (Simpson), which frequent words make; ``vocabulary_retained``: different words;
    ``tail_retained``: of the words that the real text has once; ``contexts_retained``: heterozygosity of the next word
    after each word, mean. ``interval``: of ``vocabulary_retained``, the stated error of the forecast.
    """

    generation: int
    head_retained: float
    vocabulary_retained: float
    tail_retained: float
    contexts_retained: float | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a recursion leaves of a corpus, from the corpus's own counts.

    ``share``: of synthetic text in what a generation is trained on; ``share_is`` says where it comes from: ``given``,
    ``of the texts``, ``lower bound``, or ``none`` where the regime has none. ``tokens``: N of a generation,
    ``vocabulary`` the words of the real text.
    ``limit``: vocabulary retained after endless generations, None where nobody knows. ``fresh_share_for``: by wanted
    retention (``"0.8"``), the least real share that keeps as much after ``generations`` with fresh real text, None
    where no share does. ``half_lives``: by ``head``, ``vocabulary``, ``tail``, the generations until half is lost, None
    where that never comes (or not within ``horizon``). ``regimes``: vocabulary retained at the last generation, by
    regime, all else equal. ``method``: ``closed form`` or ``simulated``.
    """

    regime: str
    share: float
    share_is: str
    tokens: int
    vocabulary: int
    temperature: float
    generations: tuple[Retained, ...]
    fresh_share_for: Mapping[str, float | None]
    half_lives: Mapping[str, float | None]
    regimes: Mapping[str, float]
    limit: float | None
    method: str
    assumptions: tuple[str, ...]
    horizon: int = 1000
    error: str = ""
    notes: tuple[str, ...] = ()
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class ScoredDocument:
    """A document with its scores: ``id`` is path:line; ``percentile`` its place among the trusted documents (None
    without them), 0 to 100. ``excerpt`` is how it begins, raw. ``detection``: scores under a language model by name."""

    id: str
    score: float
    percentile: float | None = None
    excerpt: str = ""
    detection: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Mix:
    """The whole result; parts that were not asked for are None. ``real`` and ``synthetic`` are what was read (with
    --estimate: the trusted and the audited text). ``documents``: the most machine-like first, a part of
    ``documents_total``. ``verdict`` is None where a share was estimated and no difference found: that is no verdict.
    ``synthetic_verdict``: that of the paired audit of the synthetic text beside the real text. ``compared``: the scores
    of the ``audited`` and the ``trusted`` documents that an estimate compared.
    """

    verdict: Verdict | None
    real: CorpusInfo | None
    synthetic: CorpusInfo | None
    synthetic_share: SyntheticShare | None
    dose_response: DoseResponse | None
    forecast: Forecast | None
    rules: tuple[RuleResult, ...]
    provenance: Provenance
    documents: tuple[ScoredDocument, ...] = ()
    documents_total: int = 0
    limits: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    synthetic_verdict: Verdict | None = None
    compared: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    command: str = "mix"

    def __repr__(self) -> str:
        what = [name for name in ("synthetic_share", "dose_response", "forecast") if getattr(self, name) is not None]
        return f"Mix(level={self.level.value if self.level else None!r}, {', '.join(what)})"

    @property
    def level(self) -> Level | None:
        """The verdict's level; None where there is no verdict."""
        return self.verdict.level if self.verdict else None

    def exit_code(self, fail_on: str = "collapsing", allow_insufficient: bool = False) -> int:
        """0 judged, below ``fail_on``; 1 at or above it, or a share above the user's limit; 2 could not judge."""
        limit, share = self.limits.get("share"), self.synthetic_share
        if share is not None and limit is not None and share.proven > limit:
            return 1
        level = self.level if self.level is not None else Level.HEALTHY
        return exit_code(level, self.rules, fail_on, allow_insufficient)

    def draw(self, full: bool = False) -> Page:
        """Its page."""
        from contam.mixing.page import draw_mix

        return draw_mix(self, full)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1; NaN and infinities become null. ``dose_response`` is the list of doses,
        what else is known of it stands in ``dose_response_facts``."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        body = plain(replace(self, dose_response=None), skip=("command",))
        found = self.dose_response
        body["dose_response"] = [] if found is None else plain(found.doses)
        body["dose_response_facts"] = None if found is None else plain(replace(found, doses=()), skip=("doses",))
        return head | {"command": self.command} | body


def rounded(value: float, digits: int = 6) -> float:
    """A share as a key or a sentence can carry it."""
    return round(value, digits) if math.isfinite(value) else value
