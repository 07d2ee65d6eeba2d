"""What a probe has measured, block by block, by what it depends on: a probe that is made again goes on from there."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.reports import write_whole

Arrays = dict[str, NDArray[Any]]
FOLDER, SAMPLES = "measured", "samples"
VERSION = 1
"""Of what is in a block: blocks of other versions are not read."""


@dataclass(frozen=True, slots=True)
class Store:
    """Blocks in ``folder``/measured, or nowhere where it is None."""

    folder: Path | None

    def prepare(self) -> None:
        """Make the folder; ``InputError`` where that cannot be."""
        if self.folder is None:
            return
        for name in (FOLDER, SAMPLES):
            try:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                told = error.strerror or error
                raise InputError(f"cannot make the folder {self.folder / name}: {told}") from error

    def arrays(self, kind: str, key: object, compute: Callable[[], Arrays], names: Iterable[str] = ()) -> Arrays:
        """The arrays of a block: read, or computed and kept. ``key`` is all that they depend on, ``names`` what has to
        be among them."""
        if self.folder is None:
            return compute()
        path = self.folder / FOLDER / f"{kind}-{_digest(key)}.npz"
        known = _read(path)
        if known is not None and set(names) <= set(known):
            return known
        arrays = compute()
        held = io.BytesIO()
        np.savez_compressed(held, **arrays)  # type: ignore[arg-type]
        write_whole(path, held.getvalue())
        return arrays


def _digest(key: object) -> str:
    told = json.dumps([VERSION, key], sort_keys=True, default=str)
    return hashlib.blake2b(told.encode(), digest_size=10).hexdigest()


def _read(path: Path) -> Arrays | None:
    """The arrays of a file, None where there is none that can be read (it is then measured again)."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except Exception:  # a damaged archive raises whatever its first wrong byte leads to
        return None
