"""`contam mix REAL SYNTHETIC`: both texts read once; dose-response, forecast, verdict."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from contam.assembling import corpus_info
from contam.auditing import open_corpus
from contam.corpus import Corpus
from contam.engine import Measured
from contam.errors import UsageError
from contam.judging import CorpusFacts
from contam.mixing.asked import Evidence
from contam.mixing.dose.duplicates import effect_of_copies
from contam.mixing.dose.response import dose_response
from contam.mixing.dose.texts import Texts, check_different, divided, foreign, read
from contam.mixing.forecasting.counting import METRICS, counts_of, without_copies
from contam.mixing.forecasting.forecast import forecast
from contam.mixing.judging import judge_mix
from contam.mixing.options import Event, MixOptions, Watch, unwatched
from contam.mixing.provenance import provenance
from contam.mixing.result import Forecast, Mix
from contam.pairing import judge_paired
from contam.perplexity.drift import Reason
from contam.result import CorpusInfo, Verdict
from contam_metrics.streaming import Copies, Loops, Volume

_WITHOUT_SHARE = {"replace": 1.0, "accumulate": 0.0, "accumulate-subsample": 0.0}
"""Regimes of which the synthetic share is no part, and what stands for it where none is given."""
OF_THE_TEXTS, NO_SHARE = "of the texts", "none"
_REMARKABLE = 0.05
"""Share of exact copies that is worth a note."""
_CLOSE = 0.0005
"""Shares that differ by less are measured as one."""


def mix(real: Any, synthetic: Any = None, **changes: Any) -> Mix:
    """Judge a mixture: ``real`` and ``synthetic`` are paths, lists of paths, or iterables of texts; ``changes`` are
    fields of `MixOptions`. Without synthetic text there is the forecast alone.

    Raises InputError for text that cannot be read, UsageError for settings that cannot be.
    """
    known = MixOptions.__dataclass_fields__
    if strange := [name for name in changes if name not in known]:
        raise UsageError(f"{strange[0]!r} is no option of a mixture: it has {', '.join(sorted(known))}")
    return mixed(real, synthetic, MixOptions(**changes))


def mixed(real: Any, synthetic: Any, options: MixOptions, watch: Watch = unwatched) -> Mix:
    """`mix` with its options, and progress."""
    begin = time.perf_counter()
    _look_up(options)
    sides = _read(real, synthetic, options, watch)
    texts = _texts(sides, options)
    share, share_is = _share(sides, options)
    wanted = 1.0 if options.regime == "replace" else share
    options = _with(wanted, options)
    dose = dose_response(texts, options, watch) if isinstance(texts, Texts) else None
    copies = effect_of_copies(texts, dose, wanted, options, watch) if isinstance(texts, Texts) and dose else None
    watch(Event("forecast"))
    found = None if _unfit(texts, share_is) else _forecast(sides, options, share, share_is)
    watch(Event("judging"))
    refused = texts.text if isinstance(texts, Reason) else ""
    beside = _beside(sides)
    seen = Evidence(None, dose, found, wanted, copies, refused, beside, apart=options.valid is not None)
    verdict, rules = judge_mix(seen)
    infos = {name: side.info for name, side in sides.items()}
    settings = options.plain | {"share": share, "share_is": share_is}
    return Mix(
        verdict, infos["real"], infos.get("synthetic"), None, dose, found, rules,
        provenance(settings, options.seed, begin, *infos.values()), notes=_notes(sides), settings=settings,
        synthetic_verdict=beside,
    )  # fmt: skip


@dataclass(frozen=True)
class _Side:
    """One text as it was read."""

    corpus: Corpus
    measured: Measured

    @property
    def info(self) -> CorpusInfo:
        return corpus_info(self.corpus, self.measured)

    @property
    def copied(self) -> float:
        """Share of the documents that are exact copies of others."""
        return float(self.measured.metrics["copies"].figures()["duplicates.exact"].value)

    @property
    def words(self) -> float:
        """Words, copies counted once."""
        return self.info.tokens * (1 - self.copied)


def _look_up(options: MixOptions) -> None:
    """What a neural proxy needs is looked up before anything is read."""
    if options.proxy == "neural":
        from contam.models.loading import device_of

        device_of(options.device, options.precision)


def _read(real: Any, synthetic: Any, options: MixOptions, watch: Watch) -> dict[str, _Side]:
    """Every text that was given, read once."""
    given = {"real": real, "synthetic": synthetic, "valid": options.valid}
    named = {name: source for name, source in given.items() if source is not None}
    if sum(isinstance(source, str) and source == "-" for source in named.values()) > 1:
        raise UsageError("standard input can be one of the texts only: give the others as files")
    corpora = {name: open_corpus(source, options.reading) for name, source in named.items()}
    wanted = {"real": (*METRICS, Copies), "synthetic": (Volume, Copies, Loops)}
    return {
        name: _Side(corpus, read(corpus, options, watch, wanted.get(name, (Volume,))))
        for name, corpus in corpora.items()
    }


def _texts(sides: dict[str, _Side], options: MixOptions) -> Texts | Foreign | Reason | None:
    """The texts of the dose-response, why there is none, or None where none was asked for."""
    if "synthetic" not in sides:
        return None
    real, synthetic = sides["real"].measured, sides["synthetic"].measured
    valid = sides["valid"].measured if "valid" in sides else None
    check_different(real, synthetic, valid)
    if (reason := foreign(real, synthetic)) is not None:
        return Foreign(reason.text)
    return None if options.proxy == "none" else divided(real, synthetic, valid, options.seed)


@dataclass(frozen=True, slots=True)
class Foreign(Reason):
    """Why the synthetic text has no part in a judgement at all."""


def _unfit(texts: Texts | Reason | None, share_is: str) -> bool:
    """Whether the share would be that of a text that was refused."""
    return isinstance(texts, Foreign) and share_is == OF_THE_TEXTS


def _forecast(sides: dict[str, _Side], options: MixOptions, share: float, share_is: str) -> Forecast:
    """The forecast; where no share was given, without the regimes that have one."""
    counts = counts_of(sides["real"].measured)
    if sides["real"].copied:
        counts = replace(counts, types=without_copies(counts.types, sides["real"].copied))
    found = forecast(counts, replace(options, share=share), share_is)
    if share_is != NO_SHARE:
        return found
    return replace(found, regimes={name: kept for name, kept in found.regimes.items() if name in _WITHOUT_SHARE})


def _beside(sides: dict[str, _Side]) -> Verdict | None:
    """The paired audit of the synthetic text beside the real text, from the samples of both."""
    if "synthetic" not in sides:
        return None
    synthetic = sides["synthetic"].measured
    volume, loops = synthetic.metrics["volume"], synthetic.metrics["loops"]
    assert isinstance(volume, Volume) and isinstance(loops, Loops)
    facts = CorpusFacts(
        volume.sums["words"], volume.sums["documents"], loops.looped,
        nonletter_share=loops.nonletter_share(volume), looped_bytes=loops.sums["looped_bytes"],
        bytes=volume.sums["bytes"],
    )  # fmt: skip
    return judge_paired(synthetic.segments, sides["real"].measured.segments, facts).verdict


def _share(sides: dict[str, _Side], options: MixOptions) -> tuple[float, str]:
    """The synthetic share of the pipeline, and where it comes from."""
    if options.share is not None:
        return options.share, "given"
    if "synthetic" in sides:
        real, synthetic = (sides[name].words for name in ("real", "synthetic"))
        return synthetic / max(real + synthetic, 1), OF_THE_TEXTS
    if options.regime in _WITHOUT_SHARE:
        return _WITHOUT_SHARE[options.regime], NO_SHARE
    raise UsageError("the forecast needs the synthetic share: give --share X, or the synthetic text")


def _with(share: float, options: MixOptions) -> MixOptions:
    """The options with the share that is asked about among those to be measured, unless one is close to it."""
    shares = options.shares
    if options.proxy == "neural":
        from contam.mixing.dose.neural_proxy import neural_settings

        shares = neural_settings(options).shares
    near = min(abs(share - known) for known in shares)
    return replace(options, share=share, shares=shares if near <= _CLOSE else (*shares, share))


def _notes(sides: dict[str, _Side]) -> tuple[str, ...]:
    """Exact copies, and what the readers remarked."""
    notes = []
    if (copied := sides["real"].copied) >= _REMARKABLE:
        notes.append(
            f"{100 * copied:.0f} % of the real documents are exact copies of others: the forecast counts the words of "
            "each about once"
        )
    if "synthetic" in sides:
        copied = sides["synthetic"].copied
        if copied >= _REMARKABLE:
            told = f"{100 * copied:.0f} % of the synthetic documents are exact copies of others"
            notes.append(f"{told}; here they count once")
    return (*notes, *(note for side in sides.values() for note in side.measured.notes))


