"""Reference populations: what human sources measure at matched sizes, and how two halves of one source
differ.

A profile is a file of numbers: one row of figures for each source and size, the function-word profile that
tells whether a text belongs, and provenance. No text is kept.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError, UsageError

FORMAT = 1
_FOLDER = Path(__file__).with_name("profiles")

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """One reference source: where it comes from, how long it is, and a digest of what was measured."""

    name: str
    domain: str
    words: int
    digest: str
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """The sources at one matched size.

    ``rows`` int[R] into the profile's sources, ``values`` (R, columns), ``words`` (R, function words). Of the
    sources that are twice as long, ``pair_rows`` int[P] and the figures of their halves in document order,
    ``first`` and ``second`` (P, columns).
    """

    rows: NDArray[np.int64]
    values: Matrix
    words: Matrix
    pair_rows: NDArray[np.int64]
    first: Matrix
    second: Matrix

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Profile:
    """A reference population. ``words`` are its function words and ``hashes`` theirs, ascending.

    ``nonletter`` and ``templated`` are the largest shares of non-letter tokens, and of segments with passages of
    other segments, that the population can vouch for; ``rates`` holds detection and false-alarm rates by size,
    where they were measured, for the printed floor.
    """

    name: str
    language: str
    description: str
    words: tuple[str, ...]
    hashes: NDArray[np.uint64]
    sources: tuple[SourceInfo, ...]
    columns: tuple[str, ...]
    sizes: dict[int, Matched]
    nonletter: float = 0.45
    templated: float = 0.30
    rates: dict[str, dict[str, float]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def column(self, size: int, key: str) -> Matrix:
        """One figure of all sources that reach ``size``; nan where it was not measured."""
        matched = self.sizes[size]
        if key not in self.columns:
            return np.full(len(matched), np.nan)
        return matched.values[:, self.columns.index(key)]

    def domains(self, size: int) -> tuple[str, ...]:
        """The domain of each row at ``size``."""
        return tuple(self.sources[i].domain for i in self.sizes[size].rows)

    def without(self, names: Iterable[str]) -> Profile:
        """The profile less some sources."""
        left = set(names)
        keep = np.array([s.name not in left for s in self.sources])
        return replace(self, sizes={n: _subset(m, keep) for n, m in self.sizes.items()})


def _subset(matched: Matched, keep: NDArray[np.bool_]) -> Matched:
    row, pair = keep[matched.rows], keep[matched.pair_rows]
    return Matched(
        matched.rows[row],
        matched.values[row],
        matched.words[row],
        matched.pair_rows[pair],
        matched.first[pair],
        matched.second[pair],
    )


_ARRAYS = tuple(Matched.__dataclass_fields__)
_META = ("name", "language", "description", "words", "columns", "nonletter", "templated", "rates", "provenance")


def save(profile: Profile, path: str | Path) -> None:
    """Write a profile as one file (a compressed archive of arrays and ``profile.json``), the same bytes every
    time."""
    meta = {key: getattr(profile, key) for key in _META}
    meta |= {
        "format": FORMAT,
        "sources": [asdict(s) for s in profile.sources],
        "sizes": sorted(profile.sizes),
    }
    arrays: dict[str, NDArray[Any]] = {"hashes": profile.hashes}
    for size, matched in sorted(profile.sizes.items()):
        for name in _ARRAYS:
            value = getattr(matched, name)
            short = np.int32 if name.endswith("rows") else np.float32
            arrays[f"{size}/{name}"] = value.astype(short)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        _member(archive, "profile.json", json.dumps(meta, ensure_ascii=False, indent=1).encode())
        for key, value in arrays.items():
            held = io.BytesIO()
            np.save(held, value)
            _member(archive, f"{key}.npy", held.getvalue())
    Path(path).write_bytes(buffer.getvalue())


def _member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def load(path: str | Path) -> Profile:
    """Read a profile that `save` wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    except FileNotFoundError:
        raise InputError(f"{path}: no such profile file") from None
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: not a profile that this version can read ({error}); make one with `contam profile build`"
        ) from None


def _read(archive: zipfile.ZipFile) -> Profile:
    meta = json.loads(archive.read("profile.json"))
    if meta["format"] != FORMAT:
        raise ValueError(f"format {meta['format']}, expected {FORMAT}")

    def array(key: str) -> NDArray[Any]:
        return np.load(io.BytesIO(archive.read(f"{key}.npy")), allow_pickle=False)

    def matched(size: int) -> Matched:
        parts = {name: array(f"{size}/{name}") for name in _ARRAYS}
        return Matched(**{k: v.astype(np.int64 if k.endswith("rows") else float) for k, v in parts.items()})

    fields = {key: meta[key] for key in _META} | {
        "words": tuple(meta["words"]),
        "columns": tuple(meta["columns"]),
    }
    return Profile(
        **fields,
        hashes=array("hashes"),
        sources=tuple(SourceInfo(**s) for s in meta["sources"]),
        sizes={size: matched(size) for size in meta["sizes"]},
    )


def list_profiles() -> tuple[str, ...]:
    """Names of the built-in profiles, the one tried first in front."""
    names = sorted(p.stem for p in _FOLDER.glob("*.profile"))
    return tuple(sorted(names, key=lambda n: n != "english"))


@cache
def builtin(name: str = "english") -> Profile:
    """A built-in profile by name."""
    if name not in list_profiles():
        near = get_close_matches(name, list_profiles(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"built in: {', '.join(list_profiles()) or 'none'}"
        raise UsageError(f"no profile named {name!r}; {hint}")
    return load(_FOLDER / f"{name}.profile")


def find(name_or_path: str | Path) -> Profile:
    """A built-in profile by name (``english``, or ``builtin:english`` as reports say), or one from a file."""
    name_or_path = str(name_or_path).removeprefix("builtin:")
    if str(name_or_path) in list_profiles() or not Path(name_or_path).exists():
        return builtin(str(name_or_path))
    return load(name_or_path)


def check_size(profile: str | Path, size: int | None) -> None:
    """UsageError for a matched size in words below all at which a profile (``auto``: the built-in ones) has figures."""
    if size is None:
        return
    names = list_profiles() if str(profile) == "auto" else (profile,)
    least = min(min(find(name).sizes) for name in names)
    if size < least:
        raise UsageError(
            f"a matched sample of {size:,} words (--sample-tokens, sample.tokens) is too small: the references of "
            f"{' and '.join(map(str, names))} were measured at {least:,} words and more"
        )
