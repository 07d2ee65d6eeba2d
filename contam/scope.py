"""Whether a reference population can vouch for a text at all: asked before any p-value is shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam.profile import Profile
from contam_metrics.signals import Measured

DISTANCE = 0.30
"""Largest Hellinger distance of the function-word profile to the third nearest reference. Human English
sources stay below .26 even with their whole domain left out, other languages begin at .31."""
NEIGHBOUR = 3
MASKED = 0.005
"""Largest share of ``<unk>``: text whose rare words were masked has lost its tail before we see it."""
ENOUGH = 2_000
"""Words from which a function-word profile can be compared."""

Matrix = NDArray[np.float64]


def _rooted(words: Matrix) -> Matrix:
    """Square roots of the shares of the listed words and of all others together."""
    rest = np.maximum(0.0, 1.0 - words.sum(axis=-1, keepdims=True))
    return np.sqrt(np.concatenate([words, rest], axis=-1))


def distances(words: Matrix, references: Matrix) -> Matrix:
    """Hellinger distance of one function-word profile to each reference."""
    return np.sqrt(0.5 * ((_rooted(words) - _rooted(references)) ** 2).sum(axis=1))


def nearest(words: Matrix, profile: Profile, size: int, count: int = 3) -> tuple[str, ...]:
    """Names of the references whose function words are most alike."""
    matched = profile.sizes[size]
    order = np.argsort(distances(words, matched.words), kind="stable")[:count]
    return tuple(profile.sources[matched.rows[i]].name for i in order)


_SHARED = "duplicates.cross_13"


def vouching(profile: Profile, size: int) -> NDArray[np.bool_]:
    """The references at ``size`` that pass the gate themselves: a text that was let through is ranked among
    texts that would have been."""
    letters = ~(profile.column(size, "text.nonletter") > profile.nonletter)
    return letters & ~(profile.column(size, _SHARED) > profile.templated)


def out_of_scope(measured: Measured, words: int, profile: Profile, size: int) -> str:
    """Why the references at ``size`` cannot vouch for a text of ``words`` words; empty where they can."""
    return (
        _signs(measured, profile)
        or _masked(measured)
        or _passages(measured, profile)
        or _language(measured, words, profile, size)
    )


def of_another_kind(measured: Measured, words: int, profile: Profile, size: int) -> str:
    """Why a text is of another kind than the sources of a profile; empty where it is not.

    Shared passages are no kind: text that has too many of them for its own kind is not judged among another, which
    allows more.
    """
    return _signs(measured, profile) or _language(measured, words, profile, size)


def _signs(measured: Measured, profile: Profile) -> str:
    share = measured.values.get("text.nonletter", 0.0)
    if share <= profile.nonletter:
        return ""
    return (
        f"{share:.0%} of its tokens are no words but numbers and signs (program text, "
        f"tables, logs); the profile {profile.name} can vouch for up to {profile.nonletter:.0%}"
    )


def _masked(measured: Measured) -> str:
    share = measured.values.get("text.unk", 0.0)
    if share <= MASKED:
        return ""
    return (
        f"{share:.1%} of its tokens are <unk>: its rare words were masked before it was "
        "published, so a cut tail says nothing about where the text comes from"
    )


def _passages(measured: Measured, profile: Profile) -> str:
    share, limit = measured.values.get(_SHARED, 0.0), profile.templated
    if share <= limit:
        return ""
    return (
        f"{share:.0%} of its segments share passages of 13 words and more with each other (forms, "
        f"licences, quotations, or copying that only --reference can tell from them); at most {limit:.0%}"
    )


def _language(measured: Measured, words: int, profile: Profile, size: int) -> str:
    if words < ENOUGH:
        return ""
    distance = float(np.sort(distances(measured.words, profile.sizes[size].words))[NEIGHBOUR - 1])
    if distance <= DISTANCE:
        return ""
    return (
        f"its function words are unlike those of every source of {profile.name} (distance {distance:.2f}, "
        f"at most {DISTANCE:.2f}): another language, or another kind of text"
    )
