"""A configuration file as entries: every value checked, with its origin and the folder that its paths are relative to.

An entry's path is ``("seed",)``, ``("sample", "tokens")``, ``("rules", "DIV001", "min")``,
``("per-source", GLOB, ...)`` or ``(COMMAND, OPTION)``. Files that extend others are merged entry by entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.configuration.checking import checked, checked_glob, rule_of, rule_value
from contam.configuration.finding import File, read, shown_path
from contam.configuration.paths import placed, rebased
from contam.configuration.schema import BY_NAME, COMMANDS, RULE_KEYS, SCHEMA, SOURCE_KEYS, TABLES, nearest
from contam.errors import UsageError

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a file: where it stands, and the folder of its file."""

    value: Any
    origin: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Place:
    """From where a configuration is used: the working folder, and the folder of the nearest file."""

    cwd: Path
    folder: Path


def entries(file: File, place: Place) -> dict[KeyPath, Entry]:
    """All entries of a file and of those it extends, nearest first; its own take the place of theirs."""
    found: dict[KeyPath, Entry] = {}
    chain: list[Path] = []
    current: File | None = file
    while current is not None:
        chain.append(current.path.resolve())
        folder = current.path.parent
        for path, value in _walk(current):
            found.setdefault(_rebased(path, folder, place), Entry(value, current.at(*path), folder))
        current = _extended(current, chain, place.cwd)
    return found


def _rebased(path: KeyPath, folder: Path, place: Place) -> KeyPath:
    """A path of an entry with the globs of ``[per-source]`` relative to the nearest file."""
    if path[0] != "per-source":
        return _canonical(path)
    return ("per-source", rebased(path[1], folder, place.folder), *_canonical(path[2:]))


def _canonical(path: KeyPath) -> KeyPath:
    """Rules by id, also where the file has their names."""
    return ("rules", rule_of(path[1], "").id, *path[2:]) if len(path) > 1 and path[0] == "rules" else path


def _extended(file: File, chain: list[Path], cwd: Path) -> File | None:
    """The file that another extends; UsageError for a loop."""
    given = file.table.get("extend")
    if given is None:
        return None
    target = file.path.parent / given
    if target.resolve() in chain:
        raise UsageError(f"{file.at('extend')}: extend = {given!r} leads in a circle; take one of them out")
    try:
        return read(target, cwd)
    except UsageError as error:
        raise UsageError(f"{file.at('extend')}: extend: {error}") from None


def _walk(file: File) -> Iterator[tuple[KeyPath, Any]]:
    """The entries of one file, checked."""
    _check_schema(file)
    for name, value in file.table.items():
        where = f"{file.at(name)}: {name}"
        if name == "rules":
            yield from _rules(file, value, ())
        elif name == "per-source":
            yield from _sources(file, _table(value, where))
        elif name in TABLES:
            for inner, item in _table(value, where).items():
                yield (name, inner), _value(file, (name, inner), item)
        elif name in COMMANDS:
            for option, item in _table(value, where).items():
                yield (name, option), item
        else:
            yield (name,), _value(file, (name,), value)


def _check_schema(file: File) -> None:
    """A file for a later contam is told before its keys are called unknown."""
    given = file.table.get("schema", SCHEMA)
    if isinstance(given, int) and not isinstance(given, bool) and given > SCHEMA:
        from contam import __version__

        told = f"schema = {given} needs a later contam; this one, {__version__}, reads schema {SCHEMA}"
        raise UsageError(f"{file.at('schema')}: {told}")


def _value(file: File, path: KeyPath, value: Any) -> Any:
    name = ".".join(path)
    where = f"{file.at(*path)}: {name}"
    if name not in BY_NAME:
        if name == "tool" and not file.prefix:
            raise UsageError(f"{where}: [tool.contam] is for pyproject.toml; here tables begin without it")
        if name == "audit":
            raise UsageError(f"{where}: the settings of contam audit stand at the top of the file, in no table")
        tables = ("rules", "per-source", *COMMANDS)
        known = [n for n in BY_NAME if n.startswith(path[0] + ".")] if len(path) > 1 else [*BY_NAME, *TABLES, *tables]
        raise UsageError(f"{file.at(*path)}: unknown key '{name}'{nearest(name, known)}")
    return checked(BY_NAME[name], value, where)


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        name = where.rpartition(": ")[2]
        raise UsageError(f"{where} is to be a table: [{name}] on a line of its own, its keys below")
    return value


def _rules(file: File, given: Any, above: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    """``[rules.ID]`` tables; ``above`` is what they stand under."""
    seen: dict[str, str] = {}
    for name, settings in _table(given, f"{file.at(*above, 'rules')}: {'.'.join((*above, 'rules'))}").items():
        path = (*above, "rules", name)
        at = file.at(*path)
        if name in RULE_KEYS:
            raise UsageError(f"{at}: rules.{name}: name the rule, as in [rules.DIV001]")
        rule = rule_of(name, at)
        if rule.id in seen:
            raise UsageError(f"{at}: {name} and {seen[rule.id]} are one rule; give it one table")
        seen[rule.id] = name
        for key, value in _table(settings, f"{at}: {'.'.join(path)}").items():
            yield (*path, key), rule_value(rule, key, value, f"{file.at(*path, key)}: rules.{name}.{key}")


def _sources(file: File, given: dict[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """``[per-source."GLOB"]`` tables."""
    for glob, settings in given.items():
        above = ("per-source", glob)
        at = file.at(*above)
        if not glob:
            raise UsageError(f"{at}: per-source: an empty glob fits nothing; write one such as \"data/code/**\"")
        checked_glob(glob, f"{at}: per-source")
        table = _table(settings, f"{at}: per-source.{glob!r}")
        if not table:
            yield (*above, "ignore"), ()  # a part all the same
        for name, value in table.items():
            if name == "rules":
                yield from _rules(file, value, above)
            elif name == "sample" and isinstance(value, dict):
                for inner, item in value.items():
                    yield (*above, name, inner), _of_source(file, above, (name, inner), item)
            else:
                yield (*above, name), _of_source(file, above, (name,), value)


def _of_source(file: File, above: KeyPath, path: KeyPath, value: Any) -> Any:
    name = ".".join(path)
    at = file.at(*above, *path)
    if name in SOURCE_KEYS:
        return checked(BY_NAME[name], value, f"{at}: {name}")
    if name in BY_NAME:
        raise UsageError(f"{at}: '{name}' is for the whole corpus; per-source takes {', '.join(SOURCE_KEYS)}, rules")
    raise UsageError(f"{at}: unknown key '{name}' of per-source{nearest(name, (*SOURCE_KEYS, 'rules'))}")


def value_of(key: str, entry: Entry, place: Place) -> Any:
    """An entry's value for use from the working folder; ``exclude`` stays relative to the nearest file."""
    kind = BY_NAME[key].kind
    if kind == "globs":
        return tuple(rebased(glob, entry.folder, place.folder) for glob in entry.value)
    return placed(kind, entry.value, entry.folder, place.cwd)


def named(path: str, cwd: Path) -> File:
    """The file that ``--config`` names."""
    place = Path(path)
    found = read(place if place.is_absolute() else cwd / place, cwd)
    if found is None:
        raise UsageError(f"{shown_path(place, cwd)}: no configuration in it")
    return found
