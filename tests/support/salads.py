"""English documents that are cheap to make: the words of prose in random order keep its function words."""

from __future__ import annotations

from functools import cache

import numpy as np

from contam.demo import human_documents
from contam.synthetic.score import Score


@cache
def passages() -> tuple[str, ...]:
    """Human text in documents of 110 words, from the lowest score to the highest."""
    words = [w for text in human_documents()[1] for w in text.split()]
    texts = [" ".join(words[i : i + 110]) for i in range(0, len(words) - 110, 110)]
    scores = Score.load().of_texts(texts)
    return tuple(texts[i] for i in np.argsort(scores, kind="stable") if np.isfinite(scores[i]))


def salads(count: int, seed: int = 0, words: int = 100) -> list[str]:
    """Documents of random words of the passages."""
    pool = np.array(" ".join(passages()).split())
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(pool, words)) for _ in range(count)]


_DUTCH = (
    "Het was de eerste keer dat hij sinds de oorlog in het huis was geweest en hij wist niet wat hij haar moest zeggen "
    "Ze woonde er al jaren met haar broer maar geen van hen wilde erover praten toen ze elkaar weer zagen"
)


def dutch(count: int = 120) -> list[str]:
    """Documents that are not English."""
    rng = np.random.default_rng(1)
    return [" ".join(rng.choice(_DUTCH.split(), 100)) for _ in range(count)]
