"""A resolved configuration for people and programs: every value with its origin, as a page, JSON or TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contam.configuration.finding import NAMES, shown_path
from contam.configuration.paths import rebased
from contam.configuration.record import Configuration, Value
from contam.configuration.schema import BY_NAME, KEYS, TABLES
from contam.gate.policy import Allowance
from contam.reports.page import Page, Section, Sentences, Table
from contam.rules import find_rule

Tables = Mapping[str, Mapping[str, Value]]
_UNSET = "not set"


def config_page(configuration: Configuration, commands: Tables, wanted: str | None = None) -> Page:
    """All values as tables; ``commands`` are the tables of commands with their paths resolved, ``wanted`` is what
    ``--config`` said."""
    columns = ("key", "value", "from")
    top = tuple((k, _shown(v.value), v.origin) for k, v in configuration.values.items() if k in BY_NAME)
    sections = [
        Section("Read from", (Sentences((told(configuration, wanted),)),)),
        Section("Settings", (Table(columns, top, header=True),)),
    ]
    for title, table in _tables(configuration, commands):
        rows = tuple((k, _shown(v.value), v.origin) for k, v in table.items())
        sections.append(Section(title, (Table(columns, rows, header=True),)))
    return Page("The configuration of contam", None, tuple(sections))


def told(configuration: Configuration, wanted: str | None = None) -> str:
    """Which files were read, or where they were looked for."""
    if configuration.file is not None:
        files = dict.fromkeys((shown_path(configuration.file, configuration.cwd), *configuration.folders))
        return ", which extends ".join(files)
    if wanted is not None:
        return "no file, as asked (--config none)"
    *first, last = NAMES
    return f"no file: there is no {', '.join(first)}, or {last} with [tool.contam], in {configuration.cwd} or above it"


def as_json(configuration: Configuration, commands: Tables) -> str:
    """All values as JSON: ``settings``, ``rules`` by id, ``per_source`` by glob, ``commands`` by name; each value with
    its ``origin``."""
    file = configuration.file
    top = {name: value for name, value in configuration.values.items() if name in BY_NAME}
    record = {
        "schema_version": 1,
        "file": str(file) if file is not None else None,
        "files": list(configuration.folders),
        "settings": _plain(top),
        "rules": _by_rule(_below(configuration, "rules.")),
        "per_source": {s.glob: _plain(_below(configuration, _source(s.glob))) for s in configuration.sources},
        "commands": {name: _plain(table) for name, table in commands.items()},
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def as_toml(configuration: Configuration, commands: Tables) -> str:
    """All values as one contam.toml for the working folder, with the origin of each as a comment; what is not set is a
    comment itself."""
    values = _for_folder(configuration)
    lines = [_setting(key.name, values[key.name]) for key in KEYS if "." not in key.name and key.name != "extend"]
    for name in TABLES:
        inner = [key for key in KEYS if key.name.startswith(f"{name}.")]
        lines += ["", f"[{name}]", *(_setting(key.name.partition(".")[2], values[key.name]) for key in inner)]
    for rule, settings in _rules_of(values, "rules.").items():
        lines += ["", f"[rules.{rule}]  # {find_rule(rule).name}", *_lines(settings)]
    for source in configuration.sources:
        lines += _source_lines(configuration, source.glob, values)
    for name, table in commands.items():
        lines += ["", f"[{name}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def _source_lines(configuration: Configuration, glob: str, values: Mapping[str, Value]) -> list[str]:
    start = _source(glob)
    own = {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}
    header = f"per-source.{_text(rebased(glob, configuration.folder, configuration.cwd))}"
    lines = ["", f"[{header}]", *_lines({n: v for n, v in own.items() if not n.startswith("rules.")})]
    for rule, settings in _rules_of(own, "rules.").items():
        lines += ["", f"[{header}.rules.{rule}]", *_lines(settings)]
    return lines


def _for_folder(configuration: Configuration) -> dict[str, Value]:
    """The values with globs relative to the working folder."""
    values = dict(configuration.values)
    given = values["exclude"]
    globs = tuple(rebased(glob, configuration.folder, configuration.cwd) for glob in given.value)
    return values | {"exclude": Value(globs, given.origin)}


def _lines(table: Mapping[str, Value]) -> Iterator[str]:
    return (_setting(name, value) for name, value in table.items())


def _setting(name: str, value: Value) -> str:
    origin = re.sub(r"[\x00-\x1f\x7f]", "?", value.origin)
    if value.value is None:
        return f"# {name} is {_UNSET}"
    line = f"{_key(name)} = {_toml(value.value)}  # {origin}"
    return f"# {line}" if value.origin == "default" else line


def _key(name: str) -> str:
    parts = name.split(".") if name in BY_NAME else [name]
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else _text(part) for part in parts)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return repr(value) if isinstance(value, (int, float)) else _text(str(value))


def _text(value: str) -> str:
    """A TOML text: JSON's, with the one character escaped that JSON allows and TOML does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _source(glob: str) -> str:
    return f'per-source."{glob}".'


def _below(configuration: Configuration, start: str) -> dict[str, Value]:
    return {n.removeprefix(start): v for n, v in configuration.values.items() if n.startswith(start)}


def _rules_of(values: Mapping[str, Value], start: str) -> dict[str, dict[str, Value]]:
    found: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        if name.startswith(start):
            rule, _, key = name.removeprefix(start).partition(".")
            found.setdefault(rule, {})[key] = value
    return found


def _by_rule(values: Mapping[str, Value]) -> dict[str, Any]:
    return {rule: _plain(settings) for rule, settings in _rules_of(values, "").items()}


def _plain(table: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    return {name: {"value": _simple(value.value), "origin": value.origin} for name, value in table.items()}


def _simple(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_simple(item) for item in value]
    return str(value) if isinstance(value, (Allowance, Path)) else value


def _shown(value: Any) -> str:
    if value is None:
        return _UNSET
    if isinstance(value, (tuple, list)):
        return ", ".join(str(item) for item in value) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _tables(configuration: Configuration, commands: Tables) -> Iterator[tuple[str, Mapping[str, Value]]]:
    rules = _rules_of(configuration.values, "rules.")
    if rules:
        rows = {f"{rule}.{key}": value for rule, settings in rules.items() for key, value in settings.items()}
        yield "Rules", rows
    for source in configuration.sources:
        yield f"Files that fit {source.glob}", _below(configuration, _source(source.glob))
    for name, table in commands.items():
        yield f"contam {name}", table
