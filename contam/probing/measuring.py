"""One checkpoint measured: how it predicts human texts, and what it writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from contam.errors import InputError
from contam.experiments.run import RunFolder
from contam.models.finding import TOKENIZER_MARKS
from contam.models.loading import device_of, read
from contam.models.network import Device, Network, Shape
from contam.models.rollouts import Rollout, RolloutSettings, rollouts
from contam.models.scoring import Scored, Windowing, score_documents
from contam.models.texts import ValidationText
from contam.models.tokenizer import Tokenizer
from contam.probing.options import ProbeEvent, ProbeOptions
from contam.probing.series import Candidate
from contam.probing.store import Arrays, Store
from contam_metrics.one_text import words_of

LEAST_CONTEXT = 32
"""Tokens of context below which a model's samples are too short to be judged."""
BLOCK_BYTES = 200_000
"""Text that is scored between two saves."""
DRAWN = 64
"""Samples that are drawn between two saves."""
ENOUGH_WORDS = 22_000
"""Words of samples after which no more are drawn: the largest usual matched size, and what near copies may take."""
_COLUMNS = ("tokens", "ended", "nats", "predicted")
ROUNDS = 4
"""The samples asked for are drawn at most so often to reach that many words."""


@dataclass(frozen=True)
class Samples:
    """What a model wrote: texts, and of each its new tokens, whether it ended, and its nats under the model."""

    texts: tuple[str, ...]
    tokens: NDArray[np.int64]
    ended: NDArray[np.bool_]
    nats: NDArray[np.float64]
    predicted: NDArray[np.int64]
    prompted: NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """All that was measured of one checkpoint; ``scores`` in the order of the texts."""

    candidate: Candidate
    revision: str
    shape: Shape
    scores: tuple[Scored, ...]
    samples: Samples
    notes: tuple[str, ...] = ()


def chosen(text: ValidationText, limit: int, seed: int) -> tuple[tuple[str, ...], str | None]:
    """At most ``limit`` bytes of a text, and a remark where that is not all of it.

    Whole documents, drawn by hash and told in their own order; of one long text, its beginning.
    """
    sizes = [len(d.encode()) for d in text.documents]
    if sum(sizes) <= limit:
        return text.documents, None
    order = sorted(range(len(sizes)), key=lambda i: hashlib.blake2b(f"{seed}/{i}".encode(), digest_size=8).digest())
    kept: dict[int, str] = {}
    held = 0
    for i in order:
        if held + sizes[i] <= limit:
            kept[i] = text.documents[i]
            held += sizes[i]
    if held < limit // 2:
        first = next(i for i in order if i not in kept)
        kept[first] = text.documents[first].encode()[: limit - held].decode("utf-8", "ignore")
    if len(sizes) == 1:
        return tuple(kept.values()), f"{text.name}: the first {limit:,} bytes of the text (--text-bytes)"
    told = f"{text.name}: {len(kept):,} of {len(sizes):,} documents, drawn by hash (--text-bytes {limit:,})"
    return tuple(kept[i] for i in sorted(kept)), told


@dataclass
class Bench:
    """Measures checkpoints one after another on the same texts; ``store`` keeps what is done."""

    options: ProbeOptions
    texts: Sequence[tuple[str, tuple[str, ...]]]
    store: Store

    def measure(self, candidate: Candidate, index: int, count: int) -> Measured:
        """One checkpoint: what the store has of it is not measured again."""
        tell = self._teller(candidate, index, count)
        tell("loading", 0, 0)
        loaded = Loaded(candidate, self.options)
        shape = loaded.shape
        revision = candidate.revision()
        scores = tuple(self._scored(revision, loaded, n, tell) for n in range(len(self.texts)))
        samples, notes = self._samples(revision, loaded, tell)
        return Measured(candidate, revision, shape, scores, samples, notes)

    def _teller(self, candidate: Candidate, index: int, count: int) -> Callable[[str, int, int], None]:
        def tell(phase: str, done: int, total: int) -> None:
            if self.options.on_event:
                self.options.on_event(ProbeEvent(phase, candidate.name, index, count, done, total))

        return tell

    # --- human text ---------------------------------------------------------------------------------------------

    def _scored(self, revision: str, loaded: Loaded, number: int, tell: Callable[[str, int, int], None]) -> Scored:
        _, documents = self.texts[number]
        o = self.options
        windowing = Windowing(o.window, o.stride, o.bos)
        total = sum(len(d.encode()) for d in documents)
        parts, done = [], 0
        for block in blocks(documents):
            size = sum(len(d.encode()) for d in block)
            tell("scoring", done, total)

            def compute(block: Sequence[str] = block, before: int = done, size: int = size) -> Arrays:
                def beat(tokens: int) -> None:
                    tell("scoring", min(before + 4 * tokens, before + size), total)

                scored = score_documents(
                    loaded.network, loaded.tokenizer, block, windowing, batch=o.batch, beat=beat
                )
                return {name: getattr(scored, name) for name in Scored.__dataclass_fields__}

            key = (revision, loaded.reads, loaded.device.precision, o.window, o.stride, o.bos, digest_of(block))
            names = tuple(Scored.__dataclass_fields__)
            arrays = self.store.arrays("score", key, compute, names)
            parts.append(Scored(**{name: arrays[name] for name in names}))
            done += size
        return Scored.concatenate(parts)

    # --- what the model writes ----------------------------------------------------------------------------------

    def _samples(
        self, revision: str, loaded: Loaded, tell: Callable[[str, int, int], None]
    ) -> tuple[Samples, tuple[str, ...]]:
        """Samples until there are as many as asked for and as many words as the largest matched size needs."""
        o = self.options
        prompts, notes = self._prompts(loaded)
        rows: list[dict[str, Any]] = []
        words = before = 0
        while len(rows) < o.samples * ROUNDS:
            tell("sampling", len(rows), max(o.samples, len(rows)))
            rows += self._drawn(revision, loaded, prompts, len(rows))
            words = sum(row["words"] for row in rows)
            if len(rows) >= o.samples and (words >= ENOUGH_WORDS or words - before < DRAWN):
                break
            before = words
        return _samples(rows), notes

    def _prompts(self, loaded: Loaded) -> tuple[list[list[int]], tuple[str, ...]]:
        """Beginnings of human documents, each after the beginning token."""
        o = self.options
        start = loaded.start()
        found: list[list[int]] = []
        if o.prompted_share > 0:
            for _, documents in self.texts:
                for ids in loaded.tokenizer.encode_many([d[:4000] for d in documents[:4096]]):
                    if len(ids) >= o.prompt_tokens:
                        found.append([*start, *ids[: o.prompt_tokens].tolist()])
        if found and len(found[0]) + 8 > loaded.shape.context:
            return [], (f"no samples are prompted: {o.prompt_tokens} tokens of prompt leave no room in the context",)
        if o.prompted_share > 0 and not found:
            return [], (f"no samples are prompted: no human document has {o.prompt_tokens} tokens",)
        return found, ()

    def _drawn(self, revision: str, loaded: Loaded, prompts: list[list[int]], first: int) -> list[dict[str, Any]]:
        """The next ``DRAWN`` samples: their names are their numbers, whoever draws them."""
        o = self.options
        share = o.prompted_share if prompts else 0.0
        # Sample i is prompted where the running total of shares passes a whole number.
        numbers = range(first, first + DRAWN)
        prompted = [int((i + 1) * share) > int(i * share) for i in numbers]
        rows: list[list[int]] = []
        for i, with_prompt in zip(numbers, prompted):
            rows.append(prompts[int(i * share) % len(prompts)] if with_prompt else loaded.start())
        tokens = min(o.tokens, loaded.shape.context)
        settings = RolloutSettings(tokens, o.temperature, o.top_k, o.batch)
        sampling = (tokens, o.temperature, o.top_k, o.seed, first, digest_of(rows))
        key = (revision, loaded.reads, loaded.device.precision, *sampling)

        def compute() -> Arrays:
            names = [(o.seed, i) for i in numbers]
            return _as_arrays(rollouts(loaded.network, rows, names, settings, loaded.stops()), loaded.tokenizer)

        arrays = self.store.arrays("samples", key, compute, ("text", "bounds", *_COLUMNS))
        return _as_rows(arrays, prompted)


@dataclass
class Loaded:
    """A checkpoint's tokenizer, and its network once it is needed."""

    candidate: Candidate
    options: ProbeOptions

    def __post_init__(self) -> None:
        self.device: Device = device_of(self.options.device, self.options.precision)
        self.tokenizer = Tokenizer(self.candidate.files.tokenizer_folder)
        self.reads = _tokenizer_digest(self.tokenizer)
        self._network: Network | None = None

    @property
    def network(self) -> Network:
        """The model, read when first asked for."""
        if self._network is None:
            self._network = opened(self.candidate, self.device)
        return self._network

    @property
    def shape(self) -> Shape:
        """What the model is made of; ``InputError`` where its context is too short to be judged."""
        shape = self.network.shape
        if shape.context < LEAST_CONTEXT:
            raise InputError(
                f"{self.candidate.name}: a context of {shape.context} tokens is too short to judge what the model "
                f"writes; at least {LEAST_CONTEXT} are needed"
            )
        return shape

    def start(self) -> list[int]:
        """What a text begins with: the beginning token, else the end token, else a line break."""
        single = self.tokenizer.bos if self.tokenizer.bos is not None else self.tokenizer.eos
        return self.tokenizer.prompt_ids("\n") if single is None else [single]

    def stops(self) -> frozenset[int]:
        """The tokens that end a text: a new beginning ends it too."""
        return frozenset(i for i in (self.tokenizer.bos, self.tokenizer.eos) if i is not None)


def _tokenizer_digest(tokenizer: Tokenizer) -> str:
    """A digest of how text becomes tokens and back: the tokenizer's files, and which tokens begin and end a text."""
    digest = hashlib.blake2b(repr((tokenizer.bos, tokenizer.eos)).encode(), digest_size=8)
    names = (*TOKENIZER_MARKS, "merges.txt", "special_tokens_map.json", "added_tokens.json")
    for path in sorted({tokenizer.folder / name for name in names}):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def opened(candidate: Candidate, device: Device) -> Network:
    """The network of a checkpoint, with the weights of a run's last state where that is what it is."""
    network = read(candidate.files).network(1, device)
    if candidate.run is None or candidate.replica is None:
        return network
    found = RunFolder(candidate.run, {}).load_replicas([candidate.replica])
    if found is None:
        raise InputError(f"{candidate.name}: the run's state is gone; it may just be written anew, try again")
    tensors, _ = found
    with torch.no_grad():
        for name, weight in network.masters(0).items():
            weight.copy_(tensors[f"weight.0.{name}"])
    network.refresh()
    return network


def blocks(documents: Sequence[str]) -> list[tuple[str, ...]]:
    """Documents in groups of about ``BLOCK_BYTES``."""
    out: list[tuple[str, ...]] = []
    held: list[str] = []
    size = 0
    for document in documents:
        held.append(document)
        size += len(document.encode())
        if size >= BLOCK_BYTES:
            out.append(tuple(held))
            held, size = [], 0
    return [*out, tuple(held)] if held else out


def digest_of(items: Sequence[Any]) -> str:
    """A digest of texts or rows of tokens."""
    digest = hashlib.blake2b(digest_size=10)
    for item in items:
        raw = item.encode() if isinstance(item, str) else repr(item).encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def _as_arrays(found: Sequence[Rollout], tokenizer: Tokenizer) -> Arrays:
    texts = [tokenizer.decode(one.ids).encode("utf-8", "replace") for one in found]
    return {
        "text": np.frombuffer(b"".join(texts), np.uint8),
        "bounds": np.cumsum([0, *map(len, texts)]),
        "tokens": np.array([len(one.ids) for one in found], np.int64),
        "ended": np.array([one.ended for one in found], bool),
        "nats": np.array([one.nats for one in found], np.float64),
        "predicted": np.array([one.predicted for one in found], np.int64),
    }


def _as_rows(arrays: Arrays, prompted: Sequence[bool]) -> list[dict[str, Any]]:
    raw, bounds = arrays["text"].tobytes(), arrays["bounds"].tolist()
    texts = [raw[a:b].decode("utf-8", "replace") for a, b in pairwise(bounds)]
    return [
        {"text": text, "words": len(words_of(text)), "prompted": prompted[i]} | {c: arrays[c][i] for c in _COLUMNS}
        for i, text in enumerate(texts)
    ]


def _samples(rows: list[dict[str, Any]]) -> Samples:
    return Samples(
        texts=tuple(row["text"] for row in rows),
        tokens=np.array([row["tokens"] for row in rows], np.int64),
        ended=np.array([row["ended"] for row in rows], bool),
        nats=np.array([row["nats"] for row in rows], np.float64),
        predicted=np.array([row["predicted"] for row in rows], np.int64),
        prompted=np.array([row["prompted"] for row in rows], bool),
    )
