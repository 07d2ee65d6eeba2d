"""What a configuration sets for each command: its options by name, from shared keys and from its own table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from contam.configuration.loading import load, with_command_line
from contam.configuration.paths import placed
from contam.configuration.record import Configuration, Value
from contam.configuration.schema import BY_NAME, KEYS, nearest
from contam.errors import UsageError

_READING = ("text-field", "split", "strict", "workers", "seed")
_COMPUTING = ("device", "precision")
_JUDGING = ("fail-on", "allow-insufficient")
SHARED: dict[str, tuple[str, ...]] = {
    "audit": tuple(key.name for key in KEYS if key.name not in ("schema", "extend")),
    "probe": ("profile", "seed", *_COMPUTING, *_JUDGING),
    "compare": (*_READING, "profile", "sample.tokens"),
    "mix": (*_READING, *_COMPUTING, *_JUDGING),
    "filter": (*_READING, "profile", "reference", "sample.tokens"),
    "selftrain": _COMPUTING,
    "recurse": (),
    "simulate": (),
}
"""Commands that a configuration is for, and the keys outside of their own table that they take: those that mean the
same for them. What an experiment is made of (seeds, texts, when it fails) is said in its own table alone; `recurse`,
which refuses a device for models that count, takes none."""

_PATHS = ("PATH", "FILE", "DIR", "OUT", "TRUSTED", "CORPUS")
_TEXTS = ("wikitext2", "wikitext2-raw", "ptb", "pydoc")
"""Texts that go by a name where a path is taken."""


class Late(dict[str, Any]):
    """The configured values of a command; the configuration is read when the first of them is asked for, so that help
    and version are there whatever is wrong with it."""

    def __init__(self, command: click.Command, name: str, file: str | None) -> None:
        super().__init__()
        self._asked: tuple[click.Command, str, str | None] | None = (command, name, file)

    def _filled(self) -> None:
        if self._asked is not None:
            command, name, file = self._asked
            self.update({n: v.value for n, v in defaults(command, name, loaded(file)).items()})
            self._asked = None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an option, by its Python name."""
        self._filled()
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._filled()
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self._filled()
        return super().__getitem__(key)


def loaded(file: str | None) -> Configuration:
    """The configuration, read once for a command line."""
    context = click.get_current_context(silent=True)
    if context is None:
        return load(file)
    meta = context.find_root().meta
    key = f"contam.configuration.{file}"
    if key not in meta:
        meta[key] = load(file)
    found: Configuration = meta[key]
    return found


def resolved(file: str | None) -> Configuration:
    """The configuration with what the command line of the running command says over it."""
    found = loaded(file)
    context = click.get_current_context(silent=True)
    name = context.info_name if context is not None else None
    if context is None or name not in SHARED:
        return found
    fields = {BY_NAME[key].field: key for key in SHARED[name]}
    given: dict[str, tuple[Any, str]] = {}
    for option in _options(context.command):
        if option.name not in fields or option.name not in context.params:
            continue
        if context.get_parameter_source(option.name) == click.core.ParameterSource.COMMANDLINE:
            given.setdefault(fields[option.name], (context.params[option.name], _flag(option)))
    return with_command_line(found, given)


def defaults(command: click.Command, name: str, configuration: Configuration) -> dict[str, Value]:
    """What a configuration sets of a command's options, by their Python names, with origins.

    Environment over the command's own table, that over shared keys. UsageError for a key of the table that is no
    option, or a value that the option does not take.
    """
    found: dict[str, Value] = {}
    options = {option.name: option for option in _options(command) if option.name is not None}
    shared = {key: configuration.values[key] for key in SHARED.get(name, ())}
    if shared.get("sample.seed", Value(None)).value is not None:
        shared["seed"] = shared.pop("sample.seed")
    for key, value in shared.items():
        option = options.get(BY_NAME[key].field)
        if option is not None and option.name is not None and value.origin != "default" and value.value is not None:
            found[option.name] = Value(_as_given(option, value.value), value.origin)
    for key, value in configuration.commands.get(name, {}).items():
        field, own = _own(command, name, key, value, configuration)
        if not found.get(field, value).origin.startswith("CONTAM_"):
            found[field] = Value(own, value.origin)
    return found


def tables(configuration: Configuration) -> dict[str, dict[str, Value]]:
    """The tables of all commands, checked, with their paths from the working folder."""
    from contam_cli.main import commands

    found: dict[str, dict[str, Value]] = {}
    for name, table in configuration.commands.items():
        command = commands.get_command(click.Context(commands), name)
        if command is not None:
            options = _named(command)
            owned = {key: _own(command, name, key, value, configuration)[1] for key, value in table.items()}
            found[name] = {
                key: Value(table[key].value if options[key].is_flag else own, table[key].origin)
                for key, own in owned.items()
            }
    return found


def _options(command: click.Command) -> Iterator[click.Option]:
    """The options that a configuration can set: those that the command's function is given."""
    return (p for p in command.params if isinstance(p, click.Option) and p.expose_value)


def _flag(option: click.Option) -> str:
    """Its long name."""
    return max(option.opts, key=len)


def _named(command: click.Command) -> dict[str, click.Option]:
    """Options by long name, without the dashes."""
    return {n.removeprefix("--"): option for option in _options(command) for n in option.opts if n.startswith("--")}


def _own(
    command: click.Command, name: str, key: str, value: Value, configuration: Configuration
) -> tuple[str, Any]:
    """A key of a command's table as an option's name and value."""
    named, where = _named(command), f"{value.origin}: {name}.{key}"
    if key not in named:
        negated = {n.removeprefix("--"): o for o in _options(command) for n in o.secondary_opts}
        if key in negated:
            raise UsageError(f"{where}: write {_flag(negated[key]).removeprefix('--')} = false instead")
        raise UsageError(f"{value.origin}: [{name}] has no option '{key}'{nearest(key, named)} (contam {name} --help)")
    option = named[key]
    assert option.name is not None
    if option.is_flag:
        if not isinstance(value.value, bool):
            raise UsageError(f"{where}: {value.value!r} is to be true or false")
        if not option.is_bool_flag:
            return option.name, option.flag_value if value.value else None
        return option.name, value.value
    folder = configuration.folders.get(value.origin.rpartition(":")[0], configuration.folder)
    given = _as_given(option, value.value)
    moved = _moved(option, given, folder, configuration.cwd)
    _converted(option, moved, where)
    return option.name, moved


def _as_given(option: click.Option, value: Any) -> Any:
    """A value in the form that an option takes: a list for what is repeated, else lists by commas."""
    if option.multiple:
        return [str(item) if isinstance(item, (int, float)) else item for item in _listed(value)]
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    if isinstance(value, bool) or isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
        return value
    return str(value)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _moved(option: click.Option, value: Any, folder: Path, cwd: Path) -> Any:
    """Paths from the file's folder, for options that take paths."""
    kinds = set((option.metavar or "").split("|"))
    if option.name == "outputs":
        return list(placed("reports", tuple(value), folder, cwd))  # type: ignore[call-overload]
    if not kinds & {*_PATHS, "MODEL"} and not isinstance(option.type, click.Path):
        return value
    always = isinstance(option.type, click.Path) or kinds <= set(_PATHS)
    many = _listed(value)
    done = [placed("path" if always and item not in _TEXTS else "name", item, folder, cwd) for item in many]
    return done if isinstance(value, list) else done[0]


def _converted(option: click.Option, value: Any, where: str) -> None:
    """Refuse here, with file and line, what the option would refuse."""
    wrong = value if isinstance(value, (bool, Mapping)) else None
    try:
        if wrong is not None:
            raise click.BadParameter(f"{wrong!r} is no value of {_flag(option)}.")
        for item in _listed(value):
            option.type.convert(item, option, None)
    except click.BadParameter as error:
        raise UsageError(f"{where}: {error.message.rstrip('.')} (see --help for {_flag(option)})") from None
