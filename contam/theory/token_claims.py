"""The published claims about worlds of tokens, each judged by a simulation with seeds of its own.

The closed form is the theorem; the simulation is what is judged against it, within the tolerance that the claim names.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from functools import wraps

import numpy as np
from numpy.typing import NDArray

from contam.claims import CONFIRMED, CONTRADICTED, Claim
from contam.theory import binomial_chain as chain
from contam.theory import token_forms as forms
from contam.theory.goodness import chi_square, upper_tail
from contam.theory.token_worlds import REPLACE, SUBSAMPLE, TokensOptions, collapse_times, world, zipf
from contam.theory.tokens import total_variation

Array = NDArray[np.float64]

GENERATIONS = 10
WORD_TRAJECTORIES = 20_000
SUBSAMPLED = "paradigm of Wang et al. (arXiv 2412.14872); the figures expected are our own derivation, not theirs"


def _timed(judge: Callable[[], Claim]) -> Callable[[], Claim]:
    @wraps(judge)
    def timed() -> Claim:
        began = time.perf_counter()
        claim = judge()
        return Claim(**{**claim.to_dict(), "seconds": time.perf_counter() - began})

    return timed


def _status(holds: bool) -> str:
    return CONFIRMED if holds else CONTRADICTED


def _listed(values: Mapping[int, float] | list[float], digits: int = 3) -> str:
    found = values.values() if isinstance(values, Mapping) else values
    return " ".join(f"{value:.{digits}f}" for value in found)


@_timed
def claim_1() -> Claim:
    """Suresh et al.: how many types of a corpus survive k generations."""
    options = TokensOptions(types=1000, samples=1000, generations=GENERATIONS, trajectories=200, seed=101)
    figures = surviving(options)
    off = max(abs(a - b) for kind in figures.values() for a, b in zip(kind["simulated"], kind["formula"]))
    seen, true = figures["of the first corpus"], figures["of the truth"]
    return Claim(
        id="1", source=forms.SURESH, tolerance="every fraction within .01 (200 trajectories)",
        statement="Of the types, 1 - exp(-c g_k) survive k generations, c being a type's expected copies"
        " (Zipf 1/(rank + 2.7), 1,000 types, 1,000 tokens a generation, replace)",
        expected=f"k = 1 ... 10: of the first corpus's types {_listed(seen['formula'])};"
        f" of the truth's {_listed(true['formula'])}",
        measured=f"{_listed(seen['simulated'])}; {_listed(true['simulated'])}; at most {off:.4f} off",
        status=_status(off <= 0.01), figures={**figures, "largest_difference": off},
    )  # fmt: skip


def surviving(options: TokensOptions) -> dict[str, dict[str, list[float]]]:
    """Fractions of types at k = 1, 2, ..., simulated and by formula: of the truth's types in generation k, and of the
    types of a first corpus k generations after it."""
    rng, n, p = np.random.default_rng(options.seed), options.samples, options.truth
    models = [now.model for _, now in zip(range(options.generations + 1), world(options, rng))]
    first, ks = models[0], range(1, options.generations + 1)
    types = (first > 0).sum(axis=1)
    left = [float(((model > 0).sum(axis=1) / types).mean()) for model in models[1:]]
    kept = [float((forms.suresh_survival(n * first, k).sum(axis=1) / types).mean()) for k in ks]
    seen = [float((model > 0).mean()) for model in models[: len(ks)]]
    told = [forms.suresh_types(p, n, k)[0] / len(p) for k in ks]
    return {
        "of the first corpus": {"simulated": left, "formula": kept},
        "of the truth": {"simulated": seen, "formula": told},
    }


@_timed
def claim_2() -> Claim:
    """Suresh et al.: how likely a word of c copies survives k generations."""
    ks, n = (1, 5, 10, 50), 1000
    rng = np.random.default_rng(102)
    simulated: dict[str, float] = {}
    formula: dict[str, float] = {}
    for copies in (1, 10):
        alive = _word_alive(copies, n, max(ks), rng)
        simulated |= {f"c={copies}, k={k}": alive[k - 1] for k in ks}
        formula |= {f"c={copies}, k={k}": float(forms.suresh_survival(copies, k)) for k in ks}
    off = max(abs(simulated[name] - formula[name]) for name in formula)
    return Claim(
        id="2", source=forms.SURESH, tolerance=f"every probability within .02 ({WORD_TRAJECTORIES:,} trajectories)",
        statement="A word expected c times in a corpus survives k generations with probability 1 - exp(-c g_k)",
        expected="; ".join(f"{name}: {value:.3f}" for name, value in formula.items()),
        measured="; ".join(f"{name}: {value:.3f}" for name, value in simulated.items()),
        status=_status(off <= 0.02),
        figures={"simulated": simulated, "formula": formula, "largest_difference": off},
    )  # fmt: skip


def _word_alive(copies: int, n: int, generations: int, rng: np.random.Generator) -> list[float]:
    """Shares of trajectories in which one word of a corpus of ``n`` is still there, generation by generation."""
    shares, counts = [], rng.binomial(n, copies / n, size=WORD_TRAJECTORIES)
    for _ in range(generations):
        counts = counts[counts > 0]
        shares.append(len(counts) / WORD_TRAJECTORIES)
        counts = rng.binomial(n, counts / n)
    return shares


@_timed
def claim_3() -> Claim:
    """Seddik et al.: the sum of squared frequencies."""
    options = TokensOptions(
        types=50, shift=0.0, samples=100, generations=50, trajectories=2000, seed=103, regime=REPLACE
    )
    rng, wanted = np.random.default_rng(options.seed), (1, 10, 50)
    s0 = 1 - forms.heterozygosity(options.truth)
    simulated = {
        t: float(np.square(now.model).sum(axis=1).mean())
        for t, now in zip(range(1, options.generations + 1), world(options, rng))
        if t in wanted
    }
    formula = {t: float(forms.seddik_simpson(s0, options.samples, t)) for t in wanted}
    off = max(abs(simulated[t] / formula[t] - 1) for t in wanted)
    return Claim(
        id="3", source=forms.SEDDIK, tolerance="within 2 % (2,000 trajectories)",
        statement="Fully synthetic training: S_m = 1 - (1 - 1/n)^m (1 - S_0) (Zipf over 50 types, n = 100)",
        expected=f"S_1, S_10, S_50 = {_listed(formula, 4)}",
        measured=f"{_listed(simulated, 4)}; at most {off:.2%} off",
        status=_status(off <= 0.02),
        figures={
            "simulated": _named(simulated), "formula": _named(formula), "largest_relative_difference": off
        },
    )  # fmt: skip


def _named(values: Mapping[int, float]) -> dict[str, float]:
    return {str(key): value for key, value in values.items()}


@_timed
def claim_4() -> Claim:
    """Seddik and Kazdan: the time until one type is left."""
    rng, uniform = np.random.default_rng(104), np.full(10, 0.1)
    figures: dict[str, dict[str, float]] = {}
    for n, trajectories in ((10, 2000), (100, 1000), (1000, 200)):
        times, _ = collapse_times(uniform, n, trajectories, rng)
        low, high = forms.seddik_time(uniform, n)
        figures[str(n)] = {
            "simulated": float(times.mean()), "error": float(times.std(ddof=1)) / math.sqrt(trajectories),
            "exact": chain.collapse_time(uniform, n), "lower_bound": low, "upper_bound": high,
        }  # fmt: skip
    holds = all(
        abs(f["exact"] / (1.8 * int(n)) - 1) <= 0.1
        and abs(f["simulated"] - f["exact"]) <= 4 * f["error"]
        and f["lower_bound"] <= f["simulated"] <= f["upper_bound"]
        for n, f in figures.items()
    )
    told = [f"n={n}: {f['simulated']:.1f} +- {f['error']:.1f} (exact {f['exact']:.1f})" for n, f in figures.items()]
    bounds = [f"{f['lower_bound']:.0f} to {f['upper_bound']:.0f}" for f in figures.values()]
    return Claim(
        id="4", source=f"{forms.SEDDIK}; Kazdan et al. 2024 (arXiv 2410.16713)",
        tolerance="exact value within 10 % of 1.8 n, simulation within 4 standard errors of it and inside the bounds",
        statement="The expected time until one of ten equally likely tokens is left is about 1.8 n generations",
        expected=f"n = 10, 100, 1000: about 18, 180, 1800; bounds {', '.join(bounds)}",
        measured="; ".join(told), status=_status(holds), figures=figures,
    )  # fmt: skip


@_timed
def claim_5() -> Claim:
    """Shumailov and Seddik: which token is left."""
    p, runs, n = zipf(10), 1000, 50
    _, winners = collapse_times(p, n, runs, np.random.default_rng(105))
    hits = np.bincount(winners, minlength=len(p))
    statistic, freedom = chi_square(hits, p)
    chance = upper_tail(statistic, freedom)
    return Claim(
        id="5", source=f"Shumailov et al. 2024 (Nature 631); {forms.SEDDIK}",
        tolerance="chi-square test not rejected at 1 % over 1,000 runs",
        statement="The last token is i with its true probability p_i (Zipf over 10 types, 50 tokens a generation)",
        expected=f"shares {_listed(p.tolist())}",
        measured=f"shares {_listed((hits / runs).tolist())}; chi-square {statistic:.1f} on {freedom}, p = {chance:.2f}",
        status=_status(chance > 0.01),
        figures={"hits": hits.tolist(), "chi_square": statistic, "freedom": freedom, "p_value": chance},
    )  # fmt: skip


@_timed
def claim_10() -> Claim:
    """A smaller rate of generated data delays, it does not prevent."""
    slow, quick = distances(0.1, 110), distances(1.0, 111)
    apart, early = abs(slow[100] - quick[100]), quick[10] - slow[10]
    rise = slow[100] - slow[1]
    return Claim(
        id="10", source=SUBSAMPLED, tolerance="at generation 100 within .02; at 10 the smaller rate at least .02 lower",
        statement="Training on a sample of a corpus that keeps all text: at k = .1 the total variation distance to the"
        " truth reaches that of k = 1 by generation 100, later but not less",
        expected="k = 1: .31 .43 .44 .44, k = .1: .32 .39 .42 .43 at generations 1, 10, 40, 100",
        measured=f"k = 1: {_listed(quick)}, k = .1: {_listed(slow)}; the distance levels off: without a lasting bias"
        " sampling alone does not end in a single type",
        status=_status(apart <= 0.02 and early >= 0.02 and rise > 0.05),
        figures={"k=1": _named(quick), "k=0.1": _named(slow), "apart_at_100": apart, "delay_at_10": early},
    )  # fmt: skip


def distances(rate: float, seed: int, trajectories: int = 12) -> dict[int, float]:
    """Mean total variation distance of the models to the truth, at generations 1, 10, 40 and 100."""
    options = TokensOptions(
        regime=SUBSAMPLE, types=1000, samples=1000, generations=100, trajectories=trajectories, rate=rate, seed=seed
    )
    truth, rng = options.truth, np.random.default_rng(seed)
    return {
        t: float(total_variation(now.model, truth).mean())
        for t, now in zip(range(1, options.generations + 1), world(options, rng))
        if t in (1, 10, 40, 100)
    }


CLAIMS: tuple[Callable[[], Claim], ...] = (claim_1, claim_2, claim_3, claim_4, claim_5, claim_10)
"""In the order of their ids; each runs on its own."""
