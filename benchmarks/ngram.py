"""What a generation of an n-gram model costs, beside two other implementations of the same model, in one run.

``python benchmarks/ngram.py [ORDER]``: about 190,000 words of the Brown corpus (benchmarks/sources.py says where the
data is looked for), or as many as the documentation of Python has. Times are the best of several; compare ratios.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from contam.demo import Trigram, human_documents
from contam.experiments.recurse.backend import Name, unheard
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import NgramBackend
from contam.experiments.recurse.options import RecurseOptions
from contam.models.word_text import tokens

WORDS, OUTSIDE, GENERATIONS = 190_000, 2_000, 20
"""Tokens of the corpus, tokens that NLTK predicts, generations in the accumulated corpus."""


def texts() -> list[str]:
    """Documents of about WORDS tokens in all."""
    try:
        import sources

        found = [text for source in sources._brown() for text in source.texts]
    except (ImportError, OSError, StopIteration):
        found = list(human_documents()[1])
    kept, size = [], 0
    for text in found:
        if size < WORDS:
            kept.append(text)
            size += len(tokens(text))
    return kept


def best(times: int, run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the quickest of several runs, and the last result."""
    quickest, result = float("inf"), None
    for _ in range(times):
        begin = time.perf_counter()
        result = run()
        quickest = min(quickest, time.perf_counter() - begin)
    return quickest, result


def say(what: str, seconds: float, count: int) -> None:
    print(f"{what:48} {1e3 * seconds:10.1f} ms  {1e9 * seconds / max(count, 1):8.0f} ns a token")


def cold(order: int) -> None:
    """The first use on a machine."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import time, numpy as np\nfrom contam.models.ngram import Ngram\n"
            "from contam.models.ngram_writing import Drawing, write\n"
            "a = time.perf_counter(); b = np.array([0, 4]); m = Ngram.train(np.zeros(4, np.int32), b, 3, 2)\n"
            "write(m, b, Drawing(), 0); print(round(time.perf_counter() - a, 2))"
        )
        for turn in ("kernels compiled on first use", "kernels taken from the cache"):
            own = os.environ | {"CONTAM_CACHE_DIR": folder}
            done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
            say(turn, float(done.stdout), 0)


def generation(order: int, documents: list[str]) -> None:
    """One generation of the backend, and training on what twenty of them wrote."""
    seconds, backend = best(3, lambda: NgramBackend(RecurseOptions(order=order), documents))
    say("vocabulary", seconds, WORDS)
    seconds, real = best(5, lambda: backend.encode(documents))
    say(f"encode {sum(map(len, documents)):,} characters", seconds, real.tokens)
    total, model = best(9, lambda: backend.train(real, Name("replace-seed0", 0, 1), unheard))
    say("train", total, real.tokens)
    seconds, out = best(9, lambda: model.write(real, Name("replace-seed0", 0, 1), unheard))
    say("write, text included", seconds, real.tokens)
    total += seconds
    held = real.take(range(len(real) // 5))
    for what, text in (("predict a fifth of the text", held), ("predict its own text", out.encoded)):
        seconds, _ = best(9, lambda text=text: model.predicted(text))
        say(what, seconds, text.tokens)
        total += seconds
    say(f"train + write + predict, {real.tokens:,} tokens", total, real.tokens)
    parts = [model.write(real, Name("accumulate-seed0", 0, g), unheard).encoded for g in range(1, GENERATIONS)]
    joined = Encoded.joined([real, *parts])
    seconds, _ = best(3, lambda: backend.train(joined, Name("accumulate-seed0", 0, 1), unheard))
    say(f"train on {joined.tokens:,} accumulated tokens", seconds, joined.tokens)


def python(documents: list[str]) -> None:
    """The trigram of ``contam demo``: the same model, word by word."""
    words = [tokens(text) for text in documents]
    count = sum(map(len, words))
    seconds, model = best(2, lambda: Trigram(words))
    say("contam.demo.Trigram: train", seconds, count)
    chance = random.Random(0)
    seconds, _ = best(2, lambda: [model.sample(len(text), chance) for text in words])
    say("contam.demo.Trigram: write", seconds, count)


def nltk(order: int, documents: list[str]) -> None:
    """WittenBellInterpolated of NLTK, which pads at both ends and has no uniform level."""
    from nltk.lm import WittenBellInterpolated
    from nltk.lm.preprocessing import padded_everygram_pipeline

    words = [tokens(text) for text in documents]
    count = sum(map(len, words))

    def fitted() -> Any:
        model = WittenBellInterpolated(order)
        model.fit(*padded_everygram_pipeline(order, words))
        return model

    seconds, model = best(1, fitted)
    say("nltk.lm: train", seconds, count)
    text = [*["<s>"] * (order - 1), *words[0][:OUTSIDE]]
    ends = range(order - 1, len(text))
    seconds, _ = best(1, lambda: [model.score(text[i], text[i - order + 1 : i]) for i in ends])
    say(f"nltk.lm: predict {len(ends):,} tokens", seconds, len(ends))
    seconds, _ = best(1, lambda: model.generate(20, random_seed=0))
    say("nltk.lm: write 20 tokens", seconds, 20)


def main(order: int = 3) -> None:
    documents = texts()
    cold(order)
    generation(order, documents)
    if order == 3:
        python(documents)
    nltk(order, documents)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
