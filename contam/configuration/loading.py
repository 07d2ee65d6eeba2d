"""A configuration resolved: command line over environment over file over defaults, every value with its origin."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contam.configuration.checking import LISTS, checked, from_text, rule_setting
from contam.configuration.finding import File, find, shown_path
from contam.configuration.paths import rebased
from contam.configuration.reading import Entry, KeyPath, Place, entries, named, value_of
from contam.configuration.record import Configuration, PerSource, Value
from contam.configuration.schema import BY_NAME, COMMANDS, KEYS, NO_FILE, Key
from contam.errors import UsageError
from contam.gate.policy import Policy, RuleSetting


def load(
    file: str | Path | None = None, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> Configuration:
    """The configuration for a command that runs in ``cwd``.

    ``file`` is a configuration file, ``"none"`` for no file at all, None for the nearest one (see
    `contam.configuration.finding.find`). ``environment`` is that of the process where it is None. Raises UsageError,
    with file and line, for what cannot be read or means nothing.
    """
    cwd = _working_folder() if cwd is None else cwd.absolute()
    found = None if str(file) == NO_FILE else find(cwd) if file is None else named(str(file), cwd)
    place = Place(cwd, found.path.parent if found is not None else cwd)
    given = entries(found, place) if found is not None else {}
    values = {key.name: Value(key.default) for key in KEYS}
    values |= {key: Value(value_of(key, entry, place), entry.origin) for key, entry in _top(given)}
    values |= _rule_values(given)
    values |= _environment(os.environ if environment is None else environment, place)
    commands = {
        name: {p[1]: Value(e.value, e.origin) for p, e in given.items() if p[0] == name} for name in COMMANDS
    }
    policy = _policy(values, _rules(given), found, cwd)
    sources = _sources(given, policy, values, place)
    folders = {e.origin.rpartition(":")[0]: e.folder for e in given.values()}
    return Configuration(
        found.path if found else None, place.folder, values, policy, sources,
        {name: table for name, table in commands.items() if table}, cwd, folders,
    )  # fmt: skip


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        told = f"the working folder cannot be read: {error.strerror or error}"
        raise UsageError(f"{told}; go to another one") from None


def with_command_line(configuration: Configuration, given: Mapping[str, tuple[Any, str]]) -> Configuration:
    """The same with options of the command line: by key, the value and the option's name (``--seed``)."""
    values = dict(configuration.values)
    for name, (value, flag) in given.items():
        values[name] = Value(_of_option(BY_NAME[name], value, flag), flag)
    if "seed" in given and "sample.seed" not in given:
        values["sample.seed"] = Value(None)
    chosen = {name: values[name].value for name in ("select", "ignore")}
    policy = replace(configuration.policy, **chosen)
    fields = {BY_NAME[name].field for name in given} | ({"seed"} if "sample.seed" in given else set())
    sources = tuple(_under(policy, source, fields) for source in configuration.sources)
    return replace(configuration, values=values, policy=policy, sources=sources)


def _of_option(key: Key, value: Any, flag: str) -> Any:
    """A value of the command line, checked; lists can be repeated options, or one with commas."""
    if value is None:
        return None
    if key.kind in LISTS:
        items = [value] if isinstance(value, str) else value
        return checked(key, [part.strip() for item in items for part in str(item).split(",")], flag)
    return checked(key, os.fspath(value) if isinstance(value, os.PathLike) else value, flag)


def _under(policy: Policy, source: PerSource, fields: Iterable[str]) -> PerSource:
    """A part's settings below those of the command line, which take the place of its own.

    Its baseline stays: another one given there is that of everything else.
    """
    given = set(fields) - {"baseline"}
    options = {name: value for name, value in source.options.items() if name not in given}
    source = replace(source, options=options, select=None if "select" in given else source.select)
    return replace(source, policy=_inherited(policy, source))


def _top(given: Mapping[KeyPath, Entry]) -> Iterable[tuple[str, Entry]]:
    return ((".".join(p), e) for p, e in given.items() if ".".join(p) in BY_NAME and p[0] not in COMMANDS)


def _rule_values(given: Mapping[KeyPath, Entry]) -> dict[str, Value]:
    """The settings of rules by dotted key, to be shown with their origins."""
    return {".".join(p): Value(e.value, e.origin) for p, e in given.items() if p[0] == "rules"}


def _environment(environment: Mapping[str, str], place: Place) -> dict[str, Value]:
    """What variables set; their paths are relative to the working folder."""
    found: dict[str, Value] = {}
    for key in KEYS:
        text = environment.get(key.variable, "") if key.environment else ""
        if text:
            value = _of_variable(key, text, place)
            found[key.name] = Value(value, key.variable)
    if "seed" in found and "sample.seed" not in found:
        found["sample.seed"] = Value(None)
    return found


def _of_variable(key: Key, text: str, place: Place) -> Any:
    value = from_text(key, text, key.variable)
    return tuple(rebased(glob, place.cwd, place.folder) for glob in value) if key.kind == "globs" else value


def _rules(given: Mapping[KeyPath, Entry], above: KeyPath = ()) -> dict[str, RuleSetting]:
    """The settings of rules, with those that stand under a path over those for everything."""
    tables: dict[str, dict[str, Entry]] = {}
    for start in dict.fromkeys((("rules",), (*above, "rules"))):
        for path, entry in given.items():
            if path[: len(start)] == start:
                tables.setdefault(path[len(start)], {})[path[-1]] = entry
    return {
        rule: rule_setting({key: e.value for key, e in table.items()}, f"{[*table.values()][-1].origin}: rules.{rule}")
        for rule, table in tables.items()
    }


def _policy(
    values: Mapping[str, Value], rules: Mapping[str, RuleSetting], file: File | None, cwd: Path
) -> Policy:
    where = shown_path(file.path, cwd) if file is not None else "the settings"
    return Policy(values["select"].value, values["ignore"].value, rules, where)


def _sources(
    given: Mapping[KeyPath, Entry], policy: Policy, values: dict[str, Value], place: Place
) -> tuple[PerSource, ...]:
    """The parts of a corpus that have settings of their own, those of the nearest file first."""
    variables = {BY_NAME[n].field for n, v in values.items() if n in BY_NAME and v.origin.startswith("CONTAM_")}
    sources = []
    for glob in dict.fromkeys(path[1] for path in given if path[0] == "per-source"):
        start = ("per-source", glob)
        own = {path[2:]: entry for path, entry in given.items() if path[:2] == start}
        options = {".".join(p): value_of(".".join(p), entry, place) for p, entry in own.items() if p[0] != "rules"}
        for path, entry in own.items():
            name = ".".join(path)
            values[f'per-source."{glob}".{name}'] = Value(options.get(name, entry.value), entry.origin)
        select, ignore = options.pop("select", None), options.pop("ignore", ())
        fields = {_FIELDS.get(name, BY_NAME[name].field): value for name, value in options.items()}
        source = PerSource(glob, fields, policy, select, ignore, _rules(given, start))
        sources.append(_under(policy, source, variables))
    return tuple(sources)


_FIELDS = {"sample.seed": "seed"}
"""Keys whose field of ``AuditOptions`` has another name."""


def _inherited(policy: Policy, source: PerSource) -> Policy:
    """The policy of a part: what it selects itself, its ignored rules beside the others, its rules over the others."""
    select = policy.select if source.select is None else source.select
    where = f'{policy.where}, per-source "{source.glob}"'
    return Policy(select, (*policy.ignore, *source.ignore), source.rules, where)
