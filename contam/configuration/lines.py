"""On which line of a TOML text each key is: what the parser of the standard library does not tell."""

from __future__ import annotations

import re
import tomllib

Path = tuple[str, ...]
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|\n|[\[\]{}=]|[^\s"\'#\[\]{}=]+',
    re.DOTALL,
)


def lines_of(text: str) -> dict[Path, int]:
    """The line (from 1) of every table and key of a valid TOML text, by its path; keys of inline tables are on the line
    of the key that holds them, which `line_of` finds."""
    found: dict[Path, int] = {}
    table: Path = ()
    line, depth = 1, 0
    head: list[str] = []
    began, in_value = 1, False
    for match in _TOKEN.finditer(text + "\n"):
        token = match[0]
        if token == "\n" and depth == 0:
            if head and head[0] == "[":
                table = _path("".join(head), header=True)
                found.setdefault(table, began)
            head, in_value = [], False
        elif in_value:
            depth += (token in "[{") - (token in "]}") if len(token) == 1 else 0
        elif token == "=" and head and head[0] != "[":
            found.setdefault((*table, *_path("".join(head))), began)
            in_value = True
        elif token != "\n" and not token.startswith("#"):
            began = began if head else line
            head.append(token)
        line += token.count("\n")
    return found


def line_of(path: Path, lines: dict[Path, int]) -> int:
    """The line of a key, or of the nearest thing that holds it."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return next((line for known, line in lines.items() if known[: len(path)] == path), 1)


def _path(written: str, header: bool = False) -> Path:
    """``a."b.c"`` as its parts."""
    try:
        found = tomllib.loads(written if header else f"{written} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(found, (dict, list)) and found:
        if isinstance(found, dict):
            name = next(iter(found))
            parts.append(name)
            found = found[name]
        else:
            found = found[0]
    return tuple(parts)
