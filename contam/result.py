"""What an audit says, as plain frozen records; ``to_dict`` is the JSON of schema version 1."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from contam.synthetic.share import SyntheticShare

if TYPE_CHECKING:
    from contam.baseline.record import Since

SCHEMA_VERSION = 1


class Level(StrEnum):
    """The outcome of a judgement, mildest first; ``insufficient_evidence`` stands outside the order."""

    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    COLLAPSING = "collapsing"
    INSUFFICIENT = "insufficient_evidence"

    @property
    def severity(self) -> int:
        """0 healthy, 1 at risk, 2 collapsing; -1 where nothing could be judged."""
        return {"healthy": 0, "at_risk": 1, "collapsing": 2}.get(self.value, -1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number with everything needed to read it.

    ``value`` is None where it could not be measured, and ``reason`` says why. ``direction`` is where collapse
    moves it: ``falls``, ``rises`` or ``both``. ``band`` is (5 %, median, 95 %) among the references at the
    same matched size, ``limits`` their (1 %, 99 %) quantiles, ``place`` the share of references with a
    smaller value, ``z`` the robust distance from their median in the direction of collapse.
    """

    value: float | None
    unit: str
    family: str
    direction: str = "falls"
    interval: tuple[float, float] | None = None
    z: float | None = None
    p_value: float | None = None
    place: float | None = None
    band: tuple[float, float, float] | None = None
    limits: tuple[float, float] | None = None
    matched_tokens: int | None = None
    documents: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something the reader could not use: where and why. ``line`` is 1-based; None where it means nothing."""

    path: str
    reason: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What was read."""

    sources: tuple[str, ...]
    files: int
    documents: int
    tokens: int
    bytes: int
    skipped: tuple[Skipped, ...] = ()
    skipped_total: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceInfo:
    """What the corpus was compared with; ``paired`` where it was the user's own trusted text. ``profile`` names the
    profile that the references, or the null pairs, are of."""

    name: str
    sources: int
    matched_tokens: int | None
    paired: bool = False
    domains: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement: level, conformal p-value and score where a test was run, and reasons in sentences.

    ``tests`` has the p-values of the paired judgement's two tests, ``tail_loss`` and ``changed``: its ``p_value`` is
    twice the smaller of them.
    """

    level: Level
    p_value: float | None = None
    score: float | None = None
    reasons: tuple[str, ...] = ()
    detection_floor: str = ""
    advice: tuple[str, ...] = ()
    tests: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule applied: ``status`` is pass, warn, fail or skipped.

    ``enforced`` rules decide the exit code: their failure is 1, their being skipped 2 (a configuration asked for it).
    """

    id: str
    name: str
    status: str
    value: float | None
    limit: float | None
    message: str
    enforced: bool = False


@dataclass(frozen=True, slots=True)
class DocumentFinding:
    """A document that a rule points at; ``id`` is path:line; reports must escape the raw ``excerpt``.

    ``of`` is the place of the first of its kind where it is an exact copy.
    """

    id: str
    rule: str
    value: float
    excerpt: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Documents:
    """How many documents were flagged, and the worst of them."""

    flagged: int = 0
    worst: tuple[DocumentFinding, ...] = ()


@dataclass(slots=True)
class Perplexity:
    """What language models found in an audit: figures by key, the strangest documents, remarks."""

    figures: dict[str, Figure] = field(default_factory=dict)
    documents: tuple[DocumentFinding, ...] = ()
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the measurement was made; ``restored_files`` were not measured but taken from ``--cache-dir``."""

    config_digest: str
    seed: int
    seconds: float
    bytes_per_second: float
    engine: str = "local"
    workers: int = 1
    measured_files: int = 0
    restored_files: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole result of an audit.

    ``signals`` are the figures of the matched subsample, judged against references; ``whole`` are the figures
    of the whole corpus (descriptive: many of them grow or fall with size). Keys are dotted, ``family.name``.
    ``synthetic_share`` is measured where there is trusted text, ``since`` where there is a baseline. ``name`` is that
    of a part of a corpus which was audited by itself; ``parts`` are all such audits where there are several, and the
    record itself is then that of the part which decides.
    """

    corpus: CorpusInfo
    reference: ReferenceInfo
    verdict: Verdict
    signals: dict[str, Figure]
    whole: dict[str, Figure]
    rules: tuple[RuleResult, ...]
    documents: Documents
    provenance: Provenance
    command: str = "audit"
    notes: tuple[str, ...] = field(default=())
    synthetic_share: SyntheticShare | None = None
    since: Since | None = None
    name: str = ""
    parts: tuple[Audit, ...] = ()

    @property
    def level(self) -> Level:
        """The verdict's level."""
        return self.verdict.level

    def exit_code(self, fail_on: str = "collapsing", allow_insufficient: bool = False) -> int:
        """0 judged, below ``fail_on``; 1 at or above it; 2 could not judge (0 with ``allow_insufficient``).

        ``fail_on`` is ``at_risk``, ``collapsing`` or ``never``. An enforced rule that failed is 1 as well, one that was
        skipped 2. Of several parts 1 counts before 2.
        """
        if self.parts:
            codes = [part.exit_code(fail_on, allow_insufficient) for part in self.parts]
            return 1 if 1 in codes else max(codes)
        return exit_code(self.level, self.rules, fail_on, allow_insufficient)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1; NaN and infinities become null."""
        from contam import __version__

        body = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        found: dict[str, Any] = plain(replace(self, parts=()), skip=("command", "parts"))
        found["parts"] = [plain(part, skip=("command", "parts")) for part in self.parts]
        return body | {"command": self.command} | found


def exit_code(level: Level, rules: Iterable[RuleResult], fail_on: str, allow_insufficient: bool) -> int:
    """0, 1 or 2 for a level and the rules that a configuration enforces; ``fail_on`` is a level or ``never``."""
    enforced = {rule.status for rule in rules if rule.enforced}
    if fail_on != "never" and ("fail" in enforced or level.severity >= Level(fail_on).severity):
        return 1
    short = level is Level.INSUFFICIENT and not allow_insufficient
    return 2 if short or "skipped" in enforced else 0


def plain(value: Any, skip: tuple[str, ...] = ()) -> Any:
    """Dataclasses, tuples and numbers as what ``json`` writes."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.name not in skip}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.value if isinstance(value, StrEnum) else value
