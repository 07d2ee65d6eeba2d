"""The world of tokens, simulated beside its closed forms: heterozygosity, entropy, surviving types, distance to the
truth, extinction by count, and the end in which one type is left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from contam.theory import binomial_chain as chain
from contam.theory import token_forms as forms
from contam.theory.estimates import too_skewed
from contam.theory.forecasting import exposure
from contam.theory.goodness import chi_square
from contam.theory.record import DERIVED, PAPER, Comparison, Series, Simulation
from contam.theory.token_worlds import (
    ACCUMULATE,
    FRESH,
    REDRAWN,
    REGIMES,
    REPLACE,
    REUSED,
    SUBSAMPLE,
    Generation,
    TokensOptions,
    collapse_times,
    world,
    zipf,
)

__all__ = ["REGIMES", "TokensOptions", "entropy_bits", "simulate_tokens", "total_variation", "zipf"]

Array = NDArray[np.float64]

HETEROZYGOSITY, ENTROPY, TYPES, DISTANCE = "heterozygosity", "entropy (bits)", "surviving types", "total variation"
CORPUS, COLLAPSED = "heterozygosity of the corpus", "collapsed to one type"
COPIES = (1, 2, 5, 10)
"""Copies in the first corpus whose extinction is followed."""
_RARE = 10


def entropy_bits(q: Array) -> Array:
    """Shannon entropy of each row, in bits."""
    out: Array = (q * np.abs(np.log2(np.where(q > 0, q, 1.0)))).sum(axis=-1)
    return out


def total_variation(q: Array, truth: Array) -> Array:
    """Total variation distance of each row to the truth, 0 to 1."""
    out: Array = 0.5 * np.abs(q - truth).sum(axis=-1)
    return out


@dataclass
class _Track:
    """Means over trajectories of one quantity, generation by generation; ``start`` is the truth's value."""

    mean: list[float] = field(default_factory=list)
    error: list[float] = field(default_factory=list)
    skewed: bool = False

    def add(self, values: Array, least: float = 0.0) -> None:
        self.mean.append(float(values.mean()))
        self.error.append(max(float(values.std(ddof=1)) / math.sqrt(len(values)), least))
        self.skewed = not least and too_skewed(values)

    def exactly(self, value: float) -> None:
        self.mean.append(value)
        self.error.append(0.0)

    def series(self, name: str, form: Series | None, first: int = 0) -> Series:
        x = tuple(float(first + i) for i in range(len(self.mean)))
        form = form or Series(name, (), (), ())
        approximate = form.approximate or (self.skewed and bool(form.expected) and not form.bound)
        return replace(form, x=x, mean=tuple(self.mean), error=tuple(self.error), approximate=approximate)


def _form(name: str, expected: Iterable[float], origin: str, source: str, **kind: bool | str) -> Series:
    values = tuple(float(v) for v in expected)
    return Series(name, (), (), (), values, origin, source, **kind)  # type: ignore[arg-type]


def simulate_tokens(options: TokensOptions) -> Simulation:
    """Simulate ``options`` and hand back every series with its closed form where there is one.

    Generation 0 is the truth, generation t what the t-th model has learned. Each mean has its standard error over
    trajectories. Raises nothing that `TokensOptions` has not.
    """
    began, rng = time.perf_counter(), np.random.default_rng(options.seed)
    tracks, last = _follow(options, rng)
    known = _closed_forms(options)
    series = tuple(t.series(name, known.get(name), _first(name)) for name, t in tracks.items())
    comparisons = _ends(options, rng) if options.regime == REPLACE else _relative(options, last)
    return Simulation(
        what="tokens", title=_title(options), settings=options.settings(), series=series, comparisons=comparisons,
        notes=_notes(options), seconds=time.perf_counter() - began, extra={"final": last.model.mean(axis=0).tolist()},
    )  # fmt: skip


def _first(name: str) -> int:
    return 1 if name.startswith("extinct") or name == CORPUS else 0


def _follow(options: TokensOptions, rng: np.random.Generator) -> tuple[dict[str, _Track], Generation]:
    """Every series over the generations, and the last generation."""
    truth, tracks = options.truth, {name: _Track() for name in (HETEROZYGOSITY, ENTROPY, TYPES, DISTANCE)}
    for name, value in zip(tracks, (forms.heterozygosity(truth), float(entropy_bits(truth)), 1.0, 0.0)):
        tracks[name].exactly(value)
    if options.regime == REPLACE:
        tracks.setdefault(COLLAPSED, _Track()).exactly(0.0)
    classes: dict[int, NDArray[np.bool_]] = {}
    for t, now in zip(range(options.generations), world(options, rng)):
        if t == 0 and options.regime == REPLACE:
            copies = np.rint(now.model * options.samples)
            classes = {c: copies == c for c in COPIES if (copies == c).any()}
        for name, (values, least) in _measured(now, truth, options).items():
            tracks.setdefault(name, _Track()).add(values, least)
        for c, those in classes.items():
            _add_extinct(tracks.setdefault(f"extinct, of {c} cop{'y' if c == 1 else 'ies'}", _Track()), those, now)
    return tracks, now


def _measured(now: Generation, truth: Array, options: TokensOptions) -> dict[str, tuple[Array, float]]:
    """Values by trajectory, and the least standard error that so few trajectories can vouch for."""
    present, runs = (now.model > 0).sum(axis=1), len(now.model)
    simpson = np.square(now.model).sum(axis=1)
    alive = int((present > 1).sum())
    # Where hardly any trajectory has more than one type left, the spread between trajectories says too little.
    few = 0.5 * math.sqrt(alive + 1) / runs if alive < _RARE else 0.0
    found = {
        HETEROZYGOSITY: (1 - simpson, few),
        ENTROPY: (entropy_bits(now.model), 0.0),
        TYPES: (present / np.count_nonzero(truth), 1 / (runs * len(truth))),
        DISTANCE: (total_variation(now.model, truth), 0.0),
    }
    if now.corpus is not None and options.regime == SUBSAMPLE:
        found[CORPUS] = (1 - np.square(now.corpus).sum(axis=1), 0.0)
    if options.regime == REPLACE:
        found[COLLAPSED] = ((present == 1).astype(np.float64), _laplace(runs - alive, runs))
    return found


def _laplace(hits: float, trials: float) -> float:
    """Standard error of a share, never nought."""
    share = (hits + 1) / (trials + 2)
    return math.sqrt(share * (1 - share) / trials)


def _add_extinct(track: _Track, those: NDArray[np.bool_], now: Generation) -> None:
    """The share of the types of one class that are gone: a ratio of sums over trajectories."""
    total, gone = those.sum(axis=1), (those & (now.model == 0)).sum(axis=1)
    share = gone.sum() / total.sum()
    spread = float(np.sqrt(np.square(gone - share * total).sum()) / total.sum())
    track.mean.append(float(share))
    track.error.append(max(spread, _laplace(float(gone.sum()), float(total.sum()))))


def _closed_forms(options: TokensOptions) -> dict[str, Series]:
    """What theory says of each series of this regime."""
    kinds: dict[str, Callable[[TokensOptions], list[Series]]] = {
        REPLACE: _replace_forms, FRESH: _fresh_forms, REUSED: _reused_forms, REDRAWN: _reused_forms,
        ACCUMULATE: _growing_forms, SUBSAMPLE: _growing_forms,
    }  # fmt: skip
    return {form.name: form for form in kinds[options.regime](options)}


def _replace_forms(options: TokensOptions) -> list[Series]:
    p, n, last = options.truth, options.samples, options.generations
    h = forms.replace_heterozygosity(forms.heterozygosity(p), n, np.arange(last + 1))
    out = [
        _form(HETEROZYGOSITY, h, PAPER, forms.WRIGHT_FISHER),
        # Without fresh text the exposure is the rate g_k of Suresh et al., and their bound the Poisson figure.
        _form(TYPES, _seen(p, n, exposure(0.0, last - 1)), PAPER, forms.SURESH, bound="lower"),
    ]
    exact = chain.affordable(n, last)
    if exact:
        gone = chain.absent(n, last - 1)
        out.append(_form(COLLAPSED, np.clip(chain.collapsed(p, n, last), 0, 1), DERIVED, "binomial chain"))
    for c in COPIES:
        values = gone[:, c] if exact and c <= n else forms.extinct(last - 1) ** c
        source = "binomial chain" if exact else "Poisson branching"
        name = f"extinct, of {c} cop{'y' if c == 1 else 'ies'}"
        out.append(_form(name, values, DERIVED, source, approximate=not exact))
    return out


def _fresh_forms(options: TokensOptions) -> list[Series]:
    p, n, r = options.truth, options.samples, options.share
    h = forms.fresh_heterozygosity(forms.heterozygosity(p), n, r, np.arange(options.generations + 1))
    seen = _seen(p, n, exposure(r, options.generations - 1))
    return [
        _form(HETEROZYGOSITY, h, DERIVED, "drift with immigration"),
        _form(TYPES, seen, DERIVED, "effective exposure (Poisson)", approximate=True),
    ]


def _seen(p: Array, n: int, exposures: Array) -> list[float]:
    """The truth's types, then the share of them in real corpora of ``exposures`` times ``n`` tokens."""
    return [1.0] + [float(-np.expm1(-n * e * p).sum() / np.count_nonzero(p)) for e in exposures]


def _reused_forms(options: TokensOptions) -> list[Series]:
    kept, written = options.kept, options.samples - options.kept
    form = forms.reused_heterozygosity if options.regime == REUSED else forms.redrawn_heterozygosity
    h = form(forms.heterozygosity(options.truth), kept, written, options.generations)
    return [_form(HETEROZYGOSITY, h, DERIVED, "recursion of the second moments")]


def growing(options: TokensOptions) -> forms.GrowingCorpus:
    """The corpus of a world that keeps all text."""
    read = options.samples if options.regime == SUBSAMPLE else 0
    return forms.GrowingCorpus(options.start, options.added, read, options.replacement)


def _growing_forms(options: TokensOptions) -> list[Series]:
    p, corpus = options.truth, growing(options)
    h0 = forms.heterozygosity(p)
    pool = h0 * (1 - 1 / options.start) * forms.growing_heterozygosity(corpus, options.generations - 1)
    read = [h * (1 - corpus.reading_noise(t)) for t, h in enumerate(pool)]
    out = [_form(HETEROZYGOSITY, [h0, *read], DERIVED, "recursion of the second moments")]
    if options.regime == SUBSAMPLE:
        return [*out, _form(CORPUS, pool, DERIVED, "recursion of the second moments")]
    # A type of the first corpus stays in it for good, and no other can come.
    seen = (1 - (1 - p) ** options.start).sum() / np.count_nonzero(p)
    return [*out, _form(TYPES, [1.0] + [seen] * options.generations, DERIVED, "types of the first corpus")]


def _relative(options: TokensOptions, last: Generation) -> tuple[Comparison, ...]:
    """Long-run figures of a regime that keeps real text."""
    runs = math.sqrt(options.trajectories)
    if options.regime == REUSED and last.real is not None:
        real = 1 - np.square(last.real).sum(axis=1)
        ratio = (1 - np.square(last.model).sum(axis=1))[real > 0] / real[real > 0]
        if not len(ratio):
            return ()
        limit = forms.reused_limit(options.kept, options.samples - options.kept)
        error = float(ratio.std(ddof=1)) / runs if len(ratio) > 1 else math.nan
        name = "heterozygosity over that of the kept real text, in the long run"
        return (Comparison(name, float(ratio.mean()), error, limit, DERIVED, approximate=True),)
    if options.regime == FRESH and options.share:
        values = entropy_bits(last.model)
        expected = forms.fresh_entropy(options.truth, options.samples, options.share) / math.log(2)
        name = "entropy (bits) of the last generation, against the long run"
        error = float(values.std(ddof=1)) / runs
        return (Comparison(name, float(values.mean()), error, expected, DERIVED, "diffusion limit", True),)
    return ()


def _ends(options: TokensOptions, rng: np.random.Generator) -> tuple[Comparison, ...]:
    """The time until one type is left, and which type it is."""
    p, n = options.truth, options.samples
    if n > chain.LARGEST:
        return ()
    times, winners = collapse_times(p, n, options.trajectories, rng)
    mean, error = float(times.mean()), float(times.std(ddof=1)) / math.sqrt(len(times))
    low, high = forms.seddik_time(p, n)
    name = "generations until one type is left"
    statistic, freedom = chi_square(np.bincount(winners[winners >= 0], minlength=len(p)), p)
    out = [
        Comparison(name, mean, error, chain.collapse_time(p, n), DERIVED, "binomial chain"),
        Comparison(name, mean, error, forms.diffusion_time(p, n), DERIVED, "diffusion limit", approximate=True),
        Comparison(name, mean, error, low, PAPER, forms.SEDDIK, bound="lower"),
        Comparison(name, mean, error, high, PAPER, forms.SEDDIK, bound="upper"),
    ]
    if freedom:
        spread = math.sqrt(2 * freedom)
        told = "chi-square of the last type against the truth"
        out.append(Comparison(told, statistic, spread, freedom, PAPER, forms.SEDDIK, bound="upper"))
    return tuple(out)


def _title(options: TokensOptions) -> str:
    shown = {
        REPLACE: "each generation sees only the last one's text",
        FRESH: f"{options.share:.0%} fresh real text every generation",
        REUSED: f"the same {options.share:.0%} of real text every generation",
        REDRAWN: f"{options.share:.0%} of every generation from the first, real corpus",
        ACCUMULATE: "all text is kept",
        SUBSAMPLE: "a sample of a corpus that keeps all text",
    }
    return f"Tokens drawn from tokens: {shown[options.regime]}"


def _notes(options: TokensOptions) -> tuple[str, ...]:
    told = ["A model is an exact count of its training text and writes without filtering: only sampling errs here."]
    if options.regime == REPLACE:
        told.append(f"With {options.samples} tokens a generation, the first corpus alone lacks the rarest types.")
        if options.samples > chain.LARGEST:
            told.append(f"The end is simulated, and its exact figures given, up to {chain.LARGEST} --samples.")
    if options.regime in (ACCUMULATE, SUBSAMPLE):
        told.append("Sampling noise alone does not collapse a corpus that keeps all text; a lasting bias does (bias).")
    return tuple(told)
