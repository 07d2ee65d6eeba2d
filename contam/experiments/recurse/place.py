"""What every generation of a run needs, made once in each process: the human text, the backend, what measures."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contam.errors import InputError
from contam.experiments.recurse.backend import Backend
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.downstream import Endings
from contam.experiments.recurse.measuring import Measurer
from contam.experiments.recurse.options import RecurseOptions
from contam.experiments.recurse.real import RealText, real_text
from contam.experiments.run import STATES
from contam.reports import write_whole

NGRAM = "ngram"
WRITTEN = "written"


@dataclass(frozen=True)
class Place:
    """``real``, ``fresh`` and ``held_out`` encode the texts of ``human``; ``folder`` is the run folder."""

    folder: Path
    options: RecurseOptions
    human: RealText
    backend: Backend
    measurer: Measurer
    real: Encoded
    fresh: Encoded
    held_out: Encoded

    @cached_property
    def endings(self) -> Endings:
        """The passages whose endings every generation is to choose."""
        return Endings.of(self.backend.encode, self.human.held_out)

    def texts_of(self, name: str, generation: int) -> Path:
        """Where the text of a generation is kept; generation 0 of a seed is shared by its lineages."""
        return self.folder / WRITTEN / name / f"generation-{generation:03d}.jsonl.zst"

    def progress_of(self, name: str) -> Path:
        """Where a lineage keeps its work in progress."""
        return self.folder / STATES / f".{name}"

    def base_of(self, seed: int) -> Path:
        """Where the model of generation 0 is kept."""
        return self.folder / STATES / base_name(seed)


def base_name(seed: int) -> str:
    """What generation 0 of a seed is called."""
    return f"generation-0-seed{seed}"


def place_of(folder: Path, options: RecurseOptions) -> Place:
    """Read the human text, make the backend, encode. Raises InputError or UsageError for what a user can mend."""
    human = real_text(options)
    backend = backend_of(options, human.training, folder)
    real = backend.encode(human.training)
    if options.chunk:
        real = chunks(real, options.chunk)
    return Place(
        folder, options, human, backend, Measurer(human.held_out, human.training), real,
        backend.encode(human.fresh), backend.encode(human.held_out),
    )  # fmt: skip


def backend_of(options: RecurseOptions, real: tuple[str, ...], folder: Path) -> Backend:
    """The backend of a model name: n-gram models without torch, all else with it."""
    if options.model == NGRAM:
        from contam.experiments.recurse.ngram_backend import NgramBackend

        return NgramBackend(options, real)
    from contam.experiments.recurse.neural_backend import NeuralBackend

    return NeuralBackend(options, real, model_folder(folder))


def model_folder(folder: Path) -> Path:
    """Where a run keeps the tokenizer and the configuration of its models."""
    return folder / "model"


def chunks(documents: Encoded, size: int) -> Encoded:
    """The stream of all documents cut into documents of ``size`` tokens; what is left over is left out."""
    import numpy as np

    count = documents.tokens // size
    if not count:
        raise InputError(f"the real text has {documents.tokens} tokens, less than one --chunk of {size}")
    return Encoded(documents.ids[: count * size], np.arange(count + 1, dtype=np.int64) * size)


def write_texts(path: Path, texts: tuple[str, ...]) -> None:
    """Documents as compressed JSON lines, whole or not at all."""
    import zstandard

    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {path.parent}: {error.strerror or error}") from error
    write_whole(path, zstandard.ZstdCompressor(level=3).compress(lines.encode("utf-8", "surrogatepass")))


def read_texts(path: Path) -> tuple[str, ...] | None:
    """The documents of such a file, None where there is none."""
    import zstandard

    if not path.exists():
        return None
    try:
        raw = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
        return tuple(json.loads(line)["text"] for line in raw.splitlines())
    except (OSError, ValueError, KeyError, zstandard.ZstdError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it, and --resume makes it again") from error


def forget(folder: Path) -> None:
    """Remove work in progress."""
    shutil.rmtree(folder, ignore_errors=True)
