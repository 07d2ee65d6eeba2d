"""What a generation of an n-gram model costs, beside two other implementations of the same model, in one run.

``python benchmarks/ngram.py [ORDER]``: about 190,000 words of the Brown corpus (benchmarks/sources.py says where the
data is looked for), or as many as the documentation of Python has. Times are those of the processor, the best of
several; compare ratios.
"""

from __future__ import annotations

import os
import random
import resource
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
        begin = time.process_time()
        result = run()
        quickest = min(quickest, time.process_time() - begin)
    return quickest, result


def say(what: str, seconds: float, count: int) -> None:
    each = f"  {1e9 * seconds / count:10.0f} ns a token" if count else ""
    print(f"{what:48} {1e3 * seconds:10.1f} ms{each}")


def cold() -> None:
    """The first use on a machine; the kernels are compiled in two processes at once."""
    code = "from contam.models.ngram import compile_kernels; compile_kernels()"
    with tempfile.TemporaryDirectory() as folder:
        for turn in ("kernels compiled, two processes together", "kernels found in the cache"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([sys.executable, "-c", code], env=os.environ | {"CONTAM_CACHE_DIR": folder}, check=True)
            say(turn, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, 0)


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
    cold()
    generation(order, documents)
    if order == 3:
        python(documents)
    nltk(order, documents)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
