"""An entry added to ``.pre-commit-config.yaml`` by its lines, so that comments and order stay as they are."""

from __future__ import annotations

import json
import re
import shlex

HOOK_ID = "contam-audit"
_REPOS = re.compile(r"^repos:[ \t]*(#.*)?$")
_ITEM = re.compile(r"^( *)- ")
_NEXT = re.compile(r"^\s*- (?:id|repo):", re.M)


def has_hook(text: str, configuration: str = "") -> bool:
    """Whether the hook is configured already with these settings: those of ``--config``, or without it where empty."""
    hooks = re.split(rf"^\s*(?:- )?id:\s*['\"]?{HOOK_ID}['\"]?\s*(?:#.*)?$", text, flags=re.M)[1:]
    return any(_takes(_NEXT.split(hook, maxsplit=1)[0], configuration) for hook in hooks)


def _takes(lines: str, configuration: str) -> bool:
    """Whether a hook's lines name a file of settings, plainly or quoted for a shell within a string."""
    if not configuration:
        return "--config" not in lines
    quoted = json.dumps(shlex.quote(configuration), ensure_ascii=False)[1:-1]
    names = "|".join(re.escape(name) for name in (configuration, quoted))
    return re.search(rf"--config[\s=,'\"]+(?:{names})(?![\w./-])", lines) is not None


def with_hook(text: str, entry: str) -> str | None:
    """The configuration with an entry at the end of ``repos``, indented as the others are.

    None where the file is laid out in another way (``repos: [...]`` on one line, no ``repos``, tabs): then a person
    has to add it.
    """
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if _REPOS.match(line)), None)
    if start is None or any(line.startswith("\t") for line in lines):
        return None
    first = next((i for i in range(start + 1, len(lines)) if _content(lines[i])), None)
    item = _ITEM.match(lines[first]) if first is not None else None
    if item is None:
        return None
    end = _end(lines, start, indented=bool(item[1]))
    added = [item[1] + line if line else line for line in entry.splitlines()]
    newline = "\r\n" if "\r\n" in text else "\n"
    return newline.join([*lines[:end], *added, *lines[end:]]) + newline


def _content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _end(lines: list[str], start: int, indented: bool) -> int:
    """After the last line of the block that begins at ``start``."""
    last = start
    for i in range(start + 1, len(lines)):
        line = lines[i]
        if not _content(line):
            continue
        outside = not line.startswith(" ") and (indented or not line.startswith("- "))
        if outside:
            break
        last = i
    return last + 1
