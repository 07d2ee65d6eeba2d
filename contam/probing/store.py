"""What a probe has measured, block by block, by what it depends on: a probe that is made again goes on from there."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.reports import write_whole

Arrays = dict[str, NDArray[Any]]
FOLDER = "measured"


@dataclass(frozen=True, slots=True)
class Store:
    """Blocks in ``folder``/measured, or nowhere where it is None."""

    folder: Path | None

    def prepare(self) -> None:
        """Make the folder; ``InputError`` where that cannot be."""
        if self.folder is None:
            return
        try:
            (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {self.folder}: {error.strerror or error}") from error

    def arrays(self, kind: str, key: object, compute: Callable[[], Arrays]) -> Arrays:
        """The arrays of a block: read, or computed and kept. ``key`` is all that they depend on."""
        if self.folder is None:
            return compute()
        path = self.folder / FOLDER / f"{kind}-{_digest(key)}.npz"
        known = _read(path)
        if known is not None:
            return known
        arrays = compute()
        held = io.BytesIO()
        np.savez_compressed(held, **arrays)  # type: ignore[arg-type]
        write_whole(path, held.getvalue())
        return arrays


def _digest(key: object) -> str:
    return hashlib.blake2b(json.dumps(key, sort_keys=True, default=str).encode(), digest_size=10).hexdigest()


def _read(path: Path) -> Arrays | None:
    """The arrays of a file, None where there is none that can be read (it is then measured again)."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError):
        return None
    except Exception as error:
        if type(error).__name__ == "BadZipFile":
            return None
        raise
