"""A model's documents, fast: batches with a cache, which finished documents leave, and parts kept against a kill.

Every choice comes from random numbers of the document's own name, so a document is a function of the weights, its
prompt, the settings, the name of the model and the document's number, and not of what is written beside it. Only
rounding moves with the size of a batch: it can change a choice whose random number lies within rounding of the boundary
between two tokens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from contam.errors import InputError
from contam.models.batches import Batch, Document, Job, Told, WritingSettings
from contam.models.beams import BeamSettings, search
from contam.models.network import Network
from contam.models.parts import Parts
from contam.models.places import Places, fits

if TYPE_CHECKING:
    from contam.experiments.recurse.backend import Beat, Name

LENGTHS = ("model", "real")
REFILL: bool | None = None
"""Whether a finished document's place is given to the next one (`contam.models.places`) where the network allows it;
None: on a GPU only, where it is what can be captured. On a CPU it costs more than it saves: every token attends to the
whole room of the cache (`benchmarks/writing.py`)."""
WAVE = 32
"""Documents for each place that are written before they can be kept."""


@dataclass(frozen=True, slots=True)
class Writings:
    """The documents in the order of their prompts: ``ids``, int32[n] each, the new tokens without prompt and stop
    token (a document may be empty); ``ended``, the share that the stop token ended (nan where it could not)."""

    ids: list[NDArray[np.int32]]
    ended: float


def write_documents(
    network: Network,
    prompts: Sequence[Sequence[int]],
    settings: WritingSettings,
    name: Name,
    lengths: Sequence[int] | None = None,
    beat: Beat | None = None,
    folder: Path | None = None,
) -> Writings:
    """One document for each prompt, from the first replica of a network that has one.

    A prompt has at least one token, such as the model's start token; where a document outgrows the model's context,
    it goes on from the context's last half (`contam.models.window.Window`). ``lengths``: how many tokens each document
    has, where the settings say ``real``. Random numbers are named by ``name.parts`` and the document's number.
    ``beat`` hears ``writing`` and the share that is done. In ``folder`` finished documents are kept, and taken up
    again after a kill. Raises ``InputError`` for an empty prompt or settings that cannot be met.
    """
    targets = _targets(prompts, settings, lengths)
    _check(network, prompts, settings)
    parts = Parts(folder, _digest(prompts, settings, name, targets))
    none: Document = (np.zeros(0, np.int32), False)
    parts.documents |= {number: none for number, target in enumerate(targets) if target == 0}
    size = settings.batch * (WAVE if _refills(network, settings) else 1)
    for members in _batches(prompts, targets, size):
        missing = [number for number in members if number not in parts.documents]
        if missing:
            chosen = [[of[number] for number in missing] for of in (prompts, targets)]
            told = _share(beat, len(parts.documents), len(prompts))
            job = Job(network, settings, name.parts, missing, *chosen)  # type: ignore[arg-type]
            parts.add(dict(zip(missing, _documents(job, told))))
            told(len(missing))
    found = [parts.documents[number] for number in range(len(prompts))]
    ended = sum(over for _, over in found) / len(found) if found and settings.ends else float("nan")
    return Writings([ids for ids, _ in found], ended)


def _documents(job: Job, told: Told) -> list[Document]:
    if job.settings.beams > 1:
        return _searched(job, told)
    if not _refills(job.network, job.settings):
        return Batch(job).written(told)
    if fits(job):
        return Places(job).written(told)
    found: list[Document] = []
    for part in job.parts(job.settings.batch):
        found += Batch(part).written(partial(_later, told, len(found)))
    return found


def _refills(network: Network, settings: WritingSettings) -> bool:
    """Whether documents are written at fixed places."""
    wanted = network.device.name.startswith("cuda") if REFILL is None else REFILL
    return wanted and network.capturable and settings.beams == 1


def _searched(job: Job, told: Told) -> list[Document]:
    """The documents of a job by beam search, those of one length at a time."""
    found: list[Document] = []
    settings = job.settings
    for target, group in groupby(zip(job.targets, job.prompts), key=itemgetter(0)):
        beams = BeamSettings(
            settings.beams, target, 0 if settings.ends else target, settings.stop, settings.repetition_penalty
        )
        prompts = torch.tensor([prompt for _, prompt in group], dtype=torch.int64, device=job.device)
        found += search(job.network, prompts, beams, partial(_later, told, len(found)))
    return found


def _later(told: Told, before: int, done: float) -> None:
    told(before + done)


def _share(beat: Beat | None, before: int, total: int) -> Told:
    """What a batch tells, as a share of all documents."""
    return lambda done: beat("writing", (before + done) / total) if beat else None


def _targets(prompts: Sequence[Sequence[int]], settings: WritingSettings, lengths: Sequence[int] | None) -> list[int]:
    """How many tokens each document may have."""
    if settings.lengths not in LENGTHS:
        raise InputError(f"lengths {settings.lengths!r}: known are {', '.join(LENGTHS)}")
    if settings.lengths == "model":
        return [settings.max_tokens] * len(prompts)
    if lengths is None or len(lengths) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts, but {'no' if lengths is None else len(lengths)} lengths")
    return [int(length) for length in lengths]


def _check(network: Network, prompts: Sequence[Sequence[int]], settings: WritingSettings) -> None:
    if network.replicas != 1:
        raise ValueError(f"documents are of one replica, the network has {network.replicas}")
    if min(settings.max_tokens, settings.batch, settings.beams) < 1 or settings.temperature < 0:
        raise InputError(f"{settings}: max_tokens, batch and beams must be at least 1, the temperature at least 0")
    if not (0 < settings.top_p <= 1 and settings.repetition_penalty > 0):
        raise InputError(f"{settings}: top_p must be above 0 and at most 1, the repetition penalty above 0")
    if settings.stop >= network.shape.vocabulary:
        raise InputError(f"{settings}: the stop token is outside the vocabulary of {network.shape.vocabulary:,}")
    empty = next((number for number, prompt in enumerate(prompts) if not len(prompt)), None)
    if empty is not None:
        raise InputError(f"prompt {empty} is empty; begin it with the token that starts the model's texts")


def _batches(prompts: Sequence[Sequence[int]], targets: Sequence[int], size: int) -> Iterator[list[int]]:
    """Numbers of documents with prompts of equal length, the longest documents first, up to ``size`` at a time."""
    groups: dict[int, list[int]] = {}
    for number, prompt in enumerate(prompts):
        groups.setdefault(len(prompt), []).append(number)
    for members in groups.values():
        members.sort(key=lambda number: -targets[number])
        for first in range(0, len(members), size):
            yield members[first : first + size]


def _digest(prompts: Sequence[Sequence[int]], settings: WritingSettings, name: Name, targets: Sequence[int]) -> str:
    """What the documents depend on, without the weights and without what only changes rounding."""
    told = hashlib.blake2b(repr((name.parts, replace(settings, batch=1))).encode(), digest_size=8)
    told.update(np.asarray(targets, np.int64).tobytes())
    for prompt in prompts:
        told.update(np.asarray([len(prompt), *prompt], np.int64).tobytes())
    return told.hexdigest()
