"""How to audit: the settings of one audit, checked, as a frozen record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.corpus import ReadOptions
from contam.engine import Plan, Progress, default_workers
from contam.errors import UsageError
from contam.gate.policy import DEFAULT, Policy
from contam.synthetic.share import ORDERS

RESERVE = 250_000
"""Words that the sample holds at the least: more than is judged, because near duplicates are dropped from it."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How to audit.

    ``reference`` is trusted text of the same source (a path, or an iterable of texts) for the paired audit;
    ``profile`` the name or file of a reference population, ``auto`` to choose a built-in one; ``split`` is
    ``lines`` or ``blank-lines`` for plain text; ``sample_tokens`` the matched size in words (the largest that
    the text and the references reach, up to 20,000, where it is None). ``model`` is a language model under which the
    text's surprise is measured, ``valid`` held-out human text (a name, a path, or texts) that a model trained on the
    audited text is to predict; ``proxy`` says which model, ``ngram`` or ``neural``. ``order`` says how trusted text
    and audited text stand to each other, for the synthetic share (`contam.synthetic.share.ORDERS`); None leaves it out.
    ``policy`` says which rules are applied, with which limits. ``baseline`` is a file that ``--write-baseline`` wrote,
    and ``write_baseline`` where to write one of this corpus.
    ``cache_dir`` keeps what was measured of each file, so that unchanged files are not measured again; ``resume`` takes
    up an audit that was interrupted.
    """

    reference: Any = None
    profile: str = "auto"
    text_field: str | None = None
    split: str | None = None
    workers: int | None = None
    seed: int = 0
    sample_tokens: int | None = None
    strict: bool = False
    model: str | None = None
    valid: Any = None
    proxy: str = "ngram"
    order: str | None = "unknown"
    device: str = "auto"
    precision: str = "fp32"
    policy: Policy = DEFAULT
    baseline: str | Path | None = None
    write_baseline: str | Path | None = None
    cache_dir: Path | None = None
    resume: bool = False
    on_progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers must be at least 1, not {self.workers}")
        if self.sample_tokens is not None and self.sample_tokens < 1:
            raise UsageError(f"sample_tokens must be at least 1, not {self.sample_tokens}")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be between 0 and 2^63 - 1, not {self.seed}")
        if self.proxy not in ("ngram", "neural"):
            raise UsageError(f"no proxy {self.proxy!r}: known are ngram and neural")
        if self.order is not None and self.order not in ORDERS:
            raise UsageError(f"no order {self.order!r}: known are {', '.join(ORDERS)}")
        if self.proxy == "neural" and self.valid is None:
            raise UsageError("--proxy neural needs held-out human text to be judged by (--valid)")

    @property
    def plan(self) -> Plan:
        """How the engine is to measure."""
        budget = max(RESERVE, 3 * (self.sample_tokens or 0))
        plan = Plan(self.workers or default_workers(), budget, self.seed, self.on_progress)
        return replace(plan, cache_dir=self.kept_in, resume=self.resume)

    @property
    def kept_in(self) -> Path | None:
        """The folder where what is measured is kept; None where nobody asked for that."""
        if self.cache_dir is not None or not self.resume:
            return self.cache_dir if self.cache_dir is None else Path(self.cache_dir)
        from contam.shards.store import default_folder

        return default_folder()

    @property
    def reading(self) -> ReadOptions:
        """How the files are to be read."""
        return ReadOptions(text_field=self.text_field, split=self.split, strict=self.strict)

    @property
    def shared(self) -> bool:
        """Whether the synthetic share is measured: where there is trusted text."""
        return self.reference is not None and self.order is not None

    @property
    def digest(self) -> str:
        """Digest of the settings that can move a figure."""
        names = ("profile", "text_field", "split", "seed", "sample_tokens", "strict")
        given = {k: getattr(self, k) for k in names}
        given["reference"] = self.reference if isinstance(self.reference, str) else self.reference is not None
        if self.shared and self.order != "unknown":
            given["order"] = self.order
        if self.model is not None or self.valid is not None:
            given |= {k: getattr(self, k) for k in ("model", "proxy", "precision")}
            given["valid"] = self.valid if isinstance(self.valid, str) else self.valid is not None
        if self.baseline is not None:
            given["baseline"] = str(self.baseline)
        if self.policy != DEFAULT:
            given["policy"] = repr(replace(self.policy, where=""))
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
