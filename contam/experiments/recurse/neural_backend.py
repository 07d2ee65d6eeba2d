"""Neural models in a recursion: trained from scratch in every generation, or each time from the same base."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from contam.errors import InputError
from contam.experiments.recurse.backend import Beat, Name, Predicted, Written, unheard
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.options import RecurseOptions
from contam.models import processes
from contam.models.batches import WritingSettings
from contam.models.configurations import configuration, fitted
from contam.models.finding import TOKENIZER_FILES, ModelFiles, find
from contam.models.loading import Checkpoint, device_of, hardware, read, save
from contam.models.network import Network
from contam.models.scoring import Windowing, score_ids
from contam.models.scratch import files_of, fresh, train_tokenizer
from contam.models.stream import packed_stream
from contam.models.tokenizer import Tokenizer
from contam.models.training import Training, TrainingSettings, train
from contam.models.writing import write_documents

ROWS = 64
"""Contexts that are continued side by side."""


class NeuralBackend:
    """Models of one configuration, or fine-tuned from one base, with one tokenizer.

    A configuration's tokenizer is trained on the real text, and its weights are drawn anew for every generation; a
    base has its own tokenizer, and every generation begins at its weights. A document stands after the end token
    and is closed by it.

    Launched several times over, the processes train together, and the first one does everything else: it works with
    its backend as usual and calls `close` at the end, while the others call `help`.
    """

    unit = "piece"

    def __init__(self, options: RecurseOptions, real: Sequence[str], folder: Path) -> None:
        """``real``: the text to train a tokenizer on, looked at by the first process alone. ``folder``: where the
        tokenizer and the configuration are kept; a tokenizer that is there is taken up.

        Raises ``InputError`` or ``UsageError`` where the model cannot be found, read or made.
        """
        self.options = options
        self.kind = "base" if configuration(options.model) is None else "scratch"
        self.device = device_of(processes.placed(options.device), options.precision)
        processes.meet(self.device.name)
        self.hardware: Mapping[str, Any] = hardware(self.device)
        config = configuration(options.model)
        self.base: Checkpoint | None = None
        if config is None:
            self.base = read(find(options.model))
            self.files: ModelFiles = self.base.files
            self.tokenizer = Tokenizer(self.files.tokenizer_folder)
        else:
            self.tokenizer = _tokenizer(options, real, folder)
            made = fitted(config, self.tokenizer.vocabulary, options.block, self.end)
            self.files = files_of(made, self.tokenizer, folder, options.model)

    @property
    def end(self) -> int:
        """The token that stands before, between and after documents."""
        found = self.tokenizer.bos if self.tokenizer.eos is None else self.tokenizer.eos
        if found is None:
            raise InputError(
                f"{self.tokenizer.folder}: the tokenizer has no end token, so documents could not be told apart; "
                "give another model"
            )
        return found

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The pieces of each text; every text can be written in them, special tokens spelled out."""
        return Encoded.of(list(self.tokenizer.encode_many(texts)))

    def train(self, corpus: Encoded, name: Name, beat: Beat = unheard) -> NeuralModel:
        """A model trained on the corpus; ``InputError`` where that is shorter than a window, or training diverges."""
        job = _Job(corpus, name.parts, name.folder)
        processes.told(job)
        network, training = self._carried_out(job, beat)
        facts = {"loss": training.loss, "steps": training.steps, "tokens": training.tokens}
        return NeuralModel(self, network, facts | {"parameters": network.shape.parameters})

    def read(self, folder: Path) -> NeuralModel:
        """A model that was saved; ``InputError`` where it cannot be read."""
        return NeuralModel(self, read(find(str(folder.absolute()))).network(1, self.device), {})

    def help(self) -> None:
        """What all processes but the first do: train along until the first one closes its backend."""
        while (job := processes.told(None)) is not None:
            self._carried_out(job, unheard)

    def close(self) -> None:
        """Let the helping processes go."""
        processes.told(None)

    def begun(self, parts: tuple[object, ...]) -> Network:
        """The network that the training of the model of that name begins with."""
        if self.base is not None:
            return self.base.network(1, self.device)
        digest = hashlib.blake2b("/".join(map(str, (*parts, "weights"))).encode(), digest_size=8).digest()
        return fresh(self.files, int.from_bytes(digest, "little") >> 1, self.device)

    def _carried_out(self, job: _Job, beat: Beat) -> tuple[Network, Training]:
        stream = packed_stream(job.corpus.ids, job.corpus.bounds, self.end)
        network = self.begun(job.parts)
        names = (*job.parts, "train")
        return network, train(network, stream, _training(self.options), names, beat, job.folder)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be trained on, by which name, and where its state is kept."""

    corpus: Encoded
    parts: tuple[object, ...]
    folder: Path | None


class NeuralModel:
    """A trained model of a `NeuralBackend`; see `contam.experiments.recurse.backend.Trained`."""

    def __init__(self, backend: NeuralBackend, network: Network, facts: Mapping[str, Any]) -> None:
        self.backend, self.network, self.facts = backend, network, facts

    def predicted(self, documents: Encoded) -> Predicted:
        """Every token given those before it in the document, the first one given the end token; documents longer
        than the model's context in windows that move by half of it."""
        rows = [documents.document(i).astype(np.int64) for i in range(len(documents))]
        label = self.backend.files.name
        offsets, found = score_ids(self.network, rows, self.backend.end, Windowing(), label=label)
        return Predicted(_sums(found["nats"], offsets), np.diff(offsets), _sums(found["hit"], offsets).astype(np.int64))

    def write(self, like: Encoded, name: Name, beat: Beat = unheard) -> Written:
        """As the options say: ended by the model or as long as the documents of ``like``, from the end token alone or
        also from the beginning of each of these documents."""
        options, end = self.backend.options, self.backend.end
        prompts = [[end, *like.document(i)[: options.prompt_tokens].tolist()] for i in range(len(like))]
        lengths = like.lengths.tolist() if options.lengths == "real" else None
        settings = _writing(options, end)
        found = write_documents(self.network, prompts, settings, name, lengths, beat, name.folder)
        texts = tuple(self.backend.tokenizer.decode(ids.tolist()) for ids in found.ids)
        return Written(texts, self.backend.encode(texts), found.ended)

    def following(self, contexts: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
        """p(word | context), float64[contexts, words]: the product over the pieces of a space and the word. A context
        too long for the model loses its beginning."""
        tokenizer = self.backend.tokenizer
        before = [(self.backend.end, *ids.tolist()) for ids in tokenizer.encode_many(contexts)]
        pieces = [tuple(ids.tolist()) for ids in tokenizer.encode_many([f" {word}" for word in words])]
        wanted: dict[tuple[int, ...], set[int]] = {}
        for context in before:
            for word in pieces:
                for i, piece in enumerate(word):
                    wanted.setdefault(context + word[:i], set()).add(piece)
        nats = dict(self._surprises(wanted))
        total = [[sum(nats[c + w[:i], piece] for i, piece in enumerate(w)) for w in pieces] for c in before]
        return np.exp(-np.array(total, np.float64).reshape(len(contexts), len(words)))

    def _surprises(
        self, wanted: Mapping[tuple[int, ...], set[int]]
    ) -> Iterator[tuple[tuple[tuple[int, ...], int], float]]:
        """Nats of each of some tokens after each of some prefixes, every prefix gone through once."""
        most = self.network.shape.context
        by_length: dict[int, list[tuple[int, ...]]] = {}
        for prefix in wanted:
            by_length.setdefault(min(len(prefix), most), []).append(prefix)
        for prefixes in by_length.values():
            for some in (prefixes[i : i + ROWS] for i in range(0, len(prefixes), ROWS)):
                ids = torch.tensor([prefix[-most:] for prefix in some], device=self.network.device.name)
                logs = torch.log_softmax(self.network.last(ids.unsqueeze(0))[0].double(), -1).cpu()
                for prefix, row in zip(some, logs):
                    yield from (((prefix, token), -float(row[token])) for token in wanted[prefix])

    def save(self, folder: Path) -> None:
        """As a folder that `NeuralBackend.read`, transformers and ``contam probe`` read."""
        save(self.network, 0, self.backend.files, folder)


def _tokenizer(options: RecurseOptions, real: Sequence[str], folder: Path) -> Tokenizer:
    """Trained by the first process, or found in the folder; the others wait for it."""
    if processes.rank() == 0 and not (folder / TOKENIZER_FILES[0]).is_file():
        train_tokenizer(real, options.vocabulary, folder)
    processes.told(None)
    return Tokenizer(folder)


def _training(options: RecurseOptions) -> TrainingSettings:
    return TrainingSettings(
        options.block, options.batch_size, options.epochs, options.learning_rate, options.schedule, options.warmup,
        options.betas, options.weight_decay, options.clip,
    )  # fmt: skip


def _writing(options: RecurseOptions, end: int) -> WritingSettings:
    return WritingSettings(
        max_tokens=options.max_tokens, temperature=options.temperature, top_k=options.top_k, top_p=options.top_p,
        beams=options.beams, repetition_penalty=options.repetition_penalty, batch=options.write_batch,
        lengths=options.lengths, stop=end,
    )  # fmt: skip


def _sums(values: NDArray[Any], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum over each document: [N] -> float64[D]."""
    total = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
    return total[offsets[1:]] - total[offsets[:-1]]
