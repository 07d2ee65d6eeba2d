"""Generating, measuring and evaluating: what happens in an iteration before the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from contam.experiments.selftrain.bench import Bench, check_ids
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.windows import Stream, Windows, mean_losses, random_windows, rows_of
from contam.models.decode import Beat, generate
from contam.models.network import Network
from contam.models.noise import uniforms
from contam.models.sampling import Sampling
from contam_metrics.one_text import log_fields

Names = tuple[object, ...]
"""What a draw depends on, such as (seed, iteration)."""


@dataclass(frozen=True)
class Text:
    """A generated text: as tokens to train on, and as text to measure."""

    stream: Stream
    text: str


def sampling_of(options: SelfTrainOptions) -> Sampling:
    """How texts are generated."""
    return Sampling(options.tokens, options.block, options.temperature, options.top_k, options.decoder)


def written(
    network: Network,
    bench: Bench,
    options: SelfTrainOptions,
    draws: Sequence[Sequence[Names]],
    beat: Beat | None = None,
) -> list[list[Text]]:
    """A text of every replica for every one of its draws: names[R][B] -> texts[R][B]."""
    place = torch.device(network.device.name)
    prompt = torch.tensor(bench.prompt, dtype=torch.int64).expand(len(draws), len(draws[0]), -1)
    noise = torch.stack([torch.stack([uniforms(options.tokens, "text", *n) for n in names]) for names in draws])
    ids = generate(network, prompt.to(place), noise.to(place), sampling_of(options), beat).cpu().numpy()
    return [[_text(bench, row, options) for row in rows] for rows in ids]


def _text(bench: Bench, ids: Stream, options: SelfTrainOptions) -> Text:
    text = bench.tokenizer.decode(ids.tolist())
    stream = np.array(bench.tokenizer.encode(text), np.int64) if options.retokenize else ids
    check_ids(bench.label, stream, bench.shape)
    return Text(stream, text)


def windows_of(network: Network, rows: Sequence[Sequence[Stream]], length: int) -> Windows:
    """Rows of tokens on the network's device."""
    return rows_of(rows, length, torch.device(network.device.name))


def evaluated(
    network: Network, bench: Bench, options: SelfTrainOptions, texts: Sequence[Text], names: Sequence[Names]
) -> list[dict[str, Any]]:
    """The losses of every replica on windows of its own text and on each validation set, as log fields."""
    count, block = options.eval_windows, bench.block

    def shares(which: str) -> list[np.ndarray]:
        return [uniforms(count, "evaluation", which, *n).numpy() for n in names]

    own = [random_windows(text.stream, block, share) for text, share in zip(texts, shares("own text"))]
    parts = [windows_of(network, own, block)]
    for human in bench.validation:
        rows = [human.drawn(block, share) for share in shares(human.name)]
        length = max(block, max(len(r) for r in rows[0]) - 1) if human.rows else block
        parts.append(windows_of(network, rows, length))
    means = mean_losses(network, parts)
    return [
        {
            "train_loss": float(means[0][r]) if parts[0].counts[r].any() else None,
            "validation": {h.name: float(m[r]) for h, m in zip(bench.validation, means[1:])},
        }
        for r in range(len(texts))
    ]


def baseline_lines(
    network: Network, bench: Bench, options: SelfTrainOptions, beat: Beat | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Draws of the untouched model: what its texts and losses look like by chance alone. Lines and texts.

    ``network`` has one replica; its texts are generated side by side.
    """
    names: list[Names] = [("baseline", options.seed, draw) for draw in range(options.baseline)]
    (texts,) = written(network, bench, options, [names], beat)
    lines = []
    for draw, (text, name) in enumerate(zip(texts, names)):
        (losses,) = evaluated(network, bench, options, [text], [name])
        measured = {"tokens": len(text.stream), **log_fields(text.text)}
        lines.append({"model": bench.label, "draw": draw, **losses, **measured})
    return lines, [text.text for text in texts]
