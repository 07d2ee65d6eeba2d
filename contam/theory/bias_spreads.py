"""How far the weight of the truth scatters between models that err the same way: exact, derived here.

A corpus of n tokens drawn from T has Var w q = (1 - 1/n) Var w T + (E w^2 T - (E w T)^2) / n for every linear measure w
of its frequencies, and everything else that happens to T is linear while only ``alpha`` errs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contam.theory.token_worlds import SUBSAMPLE

if TYPE_CHECKING:
    from contam.theory.bias import BiasOptions

Array = NDArray[np.float64]


def linear_spread(options: BiasOptions, measure: Array) -> Array:
    """The standard deviation over trajectories of the sum of ``measure`` (types) times the model, from generation 0.

    For options with sampling noise that do not decode.
    """
    n, alpha, share = options.samples, options.error, options.share
    truth = np.array([measure, measure**2]) @ options.truth
    flat = np.array([measure.mean(), (measure**2).mean()])
    means, variance, found = truth, 0.0, [0.0]
    for t in range(1, options.generations + 1):
        drawn = (1 - 1 / n) * variance + max(means[1] - means[0] ** 2, 0.0) / n
        written = (1 - alpha) * means + alpha * flat
        found.append((1 - alpha) * math.sqrt(drawn))
        if options.regime == SUBSAMPLE:
            step = options.pace / (1 + options.pace * t)
            kept = (1 - step) ** 2 + 2 * step * (1 - step) * (1 - alpha)
            variance = kept * variance + (step * (1 - alpha)) ** 2 * drawn
            means = (1 - step) * means + step * written
        else:
            variance = ((1 - share) * (1 - alpha)) ** 2 * drawn
            means = share * truth + (1 - share) * written
    return np.array(found)
