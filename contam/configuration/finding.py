"""Where a configuration is: the nearest contam.toml, .contam.toml or pyproject.toml with [tool.contam]."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.configuration.lines import line_of, lines_of
from contam.errors import UsageError

NAMES = ("contam.toml", ".contam.toml", "pyproject.toml")
LARGEST = 4_000_000
"""Bytes of a configuration file at most: larger ones are something else."""


@dataclass(frozen=True)
class File:
    """A configuration file as it was read: its table of settings and the lines of its keys.

    ``shown`` is its name for people, ``prefix`` where in the file the settings are.
    """

    path: Path
    shown: str
    table: dict[str, Any]
    lines: dict[tuple[str, ...], int]
    prefix: tuple[str, ...] = ()

    def at(self, *path: str) -> str:
        """``contam.toml:12``: where a key is."""
        return f"{self.shown}:{line_of((*self.prefix, *path), self.lines)}"


def find(cwd: Path) -> File | None:
    """The nearest configuration from ``cwd`` upward; None where there is none."""
    for folder in (cwd, *cwd.parents):
        for name in NAMES:
            place = folder / name
            if os.path.isfile(place):  # noqa: PTH113 - False, not an error, where a folder may not be read
                found = read(place, cwd, searching=True)
                if found is not None:
                    return found
    return None


def read(path: Path, cwd: Path, searching: bool = False) -> File | None:
    """A configuration file; UsageError where it cannot be read or is no TOML.

    ``searching``: a pyproject.toml without [tool.contam] is None then, and an error otherwise.
    """
    shown = shown_path(path, cwd)
    text = _text(path, shown)
    inside = path.name == "pyproject.toml"
    if inside and searching and "contam" not in text:
        return None
    try:
        whole = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        if inside and searching and not re.search(r"tool\s*\.\s*contam|\[\s*tool\s*\]", text):
            return None
        raise UsageError(_not_toml(shown, text, error)) from None
    if not inside:
        return File(path, shown, whole, lines_of(text))
    table = whole.get("tool", {}).get("contam") if isinstance(whole.get("tool", {}), dict) else None
    if table is None and searching:
        return None
    file = File(path, shown, table if isinstance(table, dict) else {}, lines_of(text), ("tool", "contam"))
    if not isinstance(table, dict):
        raise UsageError(f"{shown}: no [tool.contam] table in it; write one, or name a contam.toml")
    return file


def shown_path(path: Path, cwd: Path) -> str:
    """A path for people: from the working folder where that is shorter."""
    try:
        relative = os.path.relpath(path, cwd)
    except ValueError:  # another drive
        return str(path)
    return min(relative, str(path), key=len)


def _text(path: Path, shown: str) -> str:
    if path.is_dir():
        raise UsageError(f"{shown} is a folder; name the configuration file in it")
    try:
        with path.open("rb") as source:
            raw = source.read(LARGEST + 1)
    except OSError as error:
        told = f"cannot read the configuration {shown}: {error.strerror or error}"
        raise UsageError(f"{told} (--config takes a file, or none to read no file)") from None
    if len(raw) > LARGEST:
        raise UsageError(f"{shown}: larger than {LARGEST:,} bytes; that is no configuration")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(f"{shown}:{line}: not UTF-8; save the file as UTF-8") from None


def _not_toml(shown: str, text: str, error: Exception) -> str:
    """Where and why a text is no TOML."""
    message = str(error)
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", message)
    line = text.rstrip("\n").count("\n") + 1
    if place is not None:
        line, message = int(place[1] or line), message.replace(place[0], "")
    return f"{shown}:{line}: not valid TOML: {message}"
