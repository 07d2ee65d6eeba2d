"""Documents that are finished, kept in files so that a kill does not cost them."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.reports import write_whole

SECONDS = 60.0
"""A part is written at the earliest so long after the one before it."""

Document = tuple[NDArray[np.int32], bool]
"""The new tokens, and whether the stop token ended them."""


class Parts:
    """Finished documents by number: those found in a folder, and those that are added.

    A file holds what was added since the one before it, and is written whole or not at all. Its name begins with
    ``key``, a digest of all that the documents depend on but the weights: files of other work are left alone.
    """

    def __init__(self, folder: Path | None, key: str) -> None:
        self.folder, self.key = folder, key
        self.documents: dict[int, Document] = {}
        self._unwritten: dict[int, Document] = {}
        self._files = 0
        self._last = time.monotonic()
        for path in sorted(folder.glob(f"written-{key}-*.npz")) if folder else ():
            self._files = max(self._files, int(path.stem.rpartition("-")[2]) + 1)
            self.documents |= _read(path)

    def add(self, documents: Mapping[int, Document]) -> None:
        """More documents; all that no file has yet are written where it is time to."""
        self.documents |= documents
        self._unwritten |= documents
        if self.folder is not None and time.monotonic() - self._last >= SECONDS:
            self._write(self.folder)

    def _write(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
        ids = [document[0] for document in self._unwritten.values()]
        held = io.BytesIO()
        np.savez(
            held,
            numbers=np.array(list(self._unwritten), np.int64),
            lengths=np.array([len(one) for one in ids], np.int64),
            ended=np.array([document[1] for document in self._unwritten.values()], np.bool_),
            ids=np.concatenate(ids),
        )
        write_whole(folder / f"written-{self.key}-{self._files:06d}.npz", held.getvalue())
        self._files, self._last, self._unwritten = self._files + 1, time.monotonic(), {}


def _read(path: Path) -> dict[int, Document]:
    """The documents of a file; none where it is damaged, since they can be written again."""
    try:
        with np.load(path, allow_pickle=False) as held:
            numbers, lengths, ended, ids = (held[k] for k in ("numbers", "lengths", "ended", "ids"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}
    pieces = np.split(ids, np.cumsum(lengths)[:-1])
    return {int(n): (piece, bool(over)) for n, piece, over in zip(numbers, pieces, ended)}
