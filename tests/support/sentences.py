"""Documents of an invented language, for tests of models: each word chooses the next among a few."""

from __future__ import annotations

import numpy as np


def documents(count: int, words: int = 150, seed: int = 0, language: int = 0, vocabulary: int = 400) -> list[str]:
    """``count`` texts of ``words`` words. ``language`` decides which words follow which, ``seed`` the draws."""
    rules = np.random.default_rng([77, language])
    names = ["".join(rules.choice(list("abcdefghiklmnoprstuvz"), 3 + i % 5)) + "xyw"[i % 3] for i in range(vocabulary)]
    zipf = 1 / (np.arange(vocabulary) + 3.0)
    followers = rules.choice(vocabulary, (vocabulary, 12), p=zipf / zipf.sum())
    rng = np.random.default_rng([seed, language])
    picks, out = rng.integers(0, 12, (count, words)), []
    for row in picks:
        word, text = int(rng.integers(vocabulary)), []
        for pick in row:
            word = int(followers[word, pick * rng.integers(0, 2)])
            text.append(names[word])
        out.append(" ".join(text))
    return out


def shuffled_words(texts: list[str], seed: int = 0) -> list[str]:
    """The same words in random order over all documents: the frequencies of a language and nothing else of it."""
    words = np.array(" ".join(texts).split())
    np.random.default_rng(seed).shuffle(words)
    sizes = np.cumsum([len(text.split()) for text in texts])[:-1]
    return [" ".join(part) for part in np.split(words, sizes)]
