"""Baselines as files: JSON of kilobytes, a vector a line, the same bytes for the same baseline."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.baseline.known import Known
from contam.baseline.record import BASELINE_VERSION, Baseline, Held, Parts
from contam.errors import InputError, UsageError
from contam.reports import write_whole
from contam.result import Level

KEY = "contam_baseline"
AGAIN = "write it again with `contam audit DATA --write-baseline {path}`"
ANOTHER = "give a file that `contam audit DATA --write-baseline FILE` wrote"
_FACTS: dict[str, type] = {"profile": str, "documents": int, "words": int, "seed": int}
"""Facts that are read, not only shown."""


def rounded(value: float) -> float:
    """To the six significant digits that are kept."""
    return float(f"{value:.6g}")


def write(path: str | Path, baseline: Baseline) -> None:
    """Write a baseline whole or not at all; InputError where that is not possible."""
    write_whole(Path(path), text_of(baseline))


def text_of(baseline: Baseline) -> str:
    """A baseline as it is written: sorted keys, numbers with six significant digits, a vector a line."""
    body = {
        KEY: BASELINE_VERSION,
        "facts": dict(baseline.facts),
        "known": base64.b64encode(baseline.known).decode(),
        "sizes": {str(size): _parts(parts) for size, parts in baseline.sizes.items()},
        "whole": {key: [_number(h.value), _number(h.deviation)] for key, h in baseline.whole.items()},
    }
    return _pretty(body | {"digest": _digest(body)}) + "\n"


def _parts(parts: Parts) -> dict[str, Any]:
    return {
        "columns": list(parts.columns),
        "parts": [_vector(row) for row in parts.parts],
        "few": [_vector(row) for row in parts.few],
        "whole": _vector(parts.whole),
        "spread": _number(parts.spread),
        "few_spread": _number(parts.few_spread),
    }


def _vector(row: NDArray[np.float64]) -> list[float | None]:
    return [_number(x) for x in row.tolist()]


def _number(value: float | None) -> float | None:
    return rounded(value) if value is not None and math.isfinite(value) else None


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def _pretty(value: Any, indent: str = "") -> str:
    """JSON in which objects and tables are spread over lines and every vector has one."""
    deeper = indent + " "
    if isinstance(value, dict) and value:
        rows = [f"{deeper}{json.dumps(k)}: {_pretty(value[k], deeper)}" for k in sorted(value, key=_order)]
    elif isinstance(value, list) and value and isinstance(value[0], list):
        rows = [f"{deeper}{json.dumps(row)}" for row in value]
    else:
        return json.dumps(value)
    begin, end = "{}" if isinstance(value, dict) else "[]"
    return begin + "\n" + ",\n".join(rows) + f"\n{indent}{end}"


def _order(key: str) -> tuple[bool, int, str]:
    return key != KEY, int(key) if key.isdigit() else 0, key


def looks_like(path: str | Path) -> bool:
    """Whether a path is a baseline, told from its first bytes."""
    place = Path(path)
    if not place.is_file():
        return False
    try:
        with place.open("rb") as file:
            head = file.read(200)
    except OSError:
        return False
    return head.lstrip()[:1] == b"{" and f'"{KEY}"'.encode() in head


def check_target(path: str | Path) -> None:
    """UsageError where a baseline cannot be written, or would take the place of a file that is none."""
    place = Path(path)
    told = f"no baseline can be written to {path}"
    try:
        if place.is_dir():
            raise UsageError(f"{told}: it is a folder; name a file")
        if not place.parent.is_dir():
            raise UsageError(f"{told}: the folder {place.parent} does not exist")
        if place.is_file() and place.stat().st_size and not looks_like(place):
            raise UsageError(f"{told}: that file is no baseline and would be lost; name another one, or delete it")
    except OSError as error:
        raise UsageError(f"{told}: {error.strerror or error}") from error


def read(path: str | Path) -> Baseline:
    """The baseline that `write` wrote; InputError says what the file is instead, and what to do."""
    data = _loaded(path)
    again = AGAIN.format(path=path)
    if not isinstance(data, dict) or not isinstance(data.get(KEY), int):
        told = " but a report of an audit" if isinstance(data, dict) and "signals" in data else ""
        raise InputError(f"{path} is no baseline{told}; {ANOTHER}")
    if data[KEY] > BASELINE_VERSION:
        told = f"{path} is a baseline of version {data[KEY]}; this contam reads up to {BASELINE_VERSION}"
        raise InputError(f"{told}; use the contam that wrote it, or {again}")
    body = {key: value for key, value in data.items() if key != "digest"}
    if data.get("digest") != _digest(body):
        raise InputError(f"{path} was changed by hand, or joined from two in a merge: it is no longer whole; {again}")
    try:
        return _baseline(data, str(path))
    except KeyError as error:
        raise InputError(f"{path} was written by another version of contam: it has no {error}; {again}") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is a damaged baseline ({type(error).__name__}: {error}); {again}") from error


def _loaded(path: str | Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"; {AGAIN.format(path=path)}" if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"cannot read the baseline {path}: {error.strerror or error}{hint}") from error
    except RecursionError as error:
        raise InputError(f"{path} is no baseline: it is nested too deeply") from error
    except ValueError as error:
        if looks_like(path):
            told = f"{path} is no longer a whole baseline, cut short or joined from two in a merge ({error})"
            raise InputError(f"{told}; {AGAIN.format(path=path)}") from error
        raise InputError(f"{path} is no baseline: not JSON ({error}); {ANOTHER}") from error


def _baseline(data: dict[str, Any], path: str) -> Baseline:
    known = base64.b64decode(data["known"], validate=True)
    if known:
        Known.from_bytes(known)
    sizes = {int(size): _parts_from(int(size), entry) for size, entry in data["sizes"].items()}
    whole = {key: _held(*entry) for key, entry in data["whole"].items()}
    return Baseline(_facts(data["facts"]), dict(sorted(sizes.items())), whole, known, path)


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts; ValueError where one that is read is not what it has to be."""
    for name, kind in _FACTS.items():
        value = facts[name]
        number = kind is int and type(value) is int and 0 <= value < 2**63
        if not number and not (kind is str and isinstance(value, str)):
            raise ValueError(f"{name} is {value!r}")
    Level(facts.get("level", Level.INSUFFICIENT))
    return facts


def _held(value: Any, deviation: Any) -> Held:
    """A figure of the whole corpus from its two numbers."""
    known = None if deviation is None else _finite(deviation)
    if known is not None and known < 0:
        raise ValueError(f"a standard deviation of {known:g}")
    return Held(_finite(value), known)


def _finite(value: Any) -> float:
    """A number; ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _parts_from(size: int, entry: dict[str, Any]) -> Parts:
    columns = tuple(str(name) for name in entry["columns"])
    if size <= 0 or not columns:
        raise ValueError(f"{len(columns)} columns at {size} words")
    whole = _table(entry["whole"])
    if whole.shape != (len(columns),):
        raise ValueError(f"{len(columns)} columns and {len(whole)} figures at {size} words")
    parts, few = (_rows(entry[name], len(columns)) for name in ("parts", "few"))
    return Parts(size, columns, whole, parts, few, _finite(entry["spread"]), _finite(entry["few_spread"]))


def _rows(rows: Any, columns: int) -> NDArray[np.float64]:
    """float64[K, C], also of no rows at all."""
    table = _table(rows)
    if len(rows) and table.shape != (len(rows), columns):
        raise ValueError(f"{columns} columns and a table of {table.shape}")
    return table.reshape(-1, columns)


def _table(rows: Any) -> NDArray[np.float64]:
    return np.array(rows, np.float64)
