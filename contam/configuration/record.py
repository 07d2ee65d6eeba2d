"""What a configuration says, resolved: every value with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contam.gate.policy import DEFAULT, Policy, RuleSetting


@dataclass(frozen=True, slots=True)
class Value:
    """A setting and its origin for people: ``default``, ``contam.toml:12``, ``CONTAM_SEED``, ``--seed``."""

    value: Any
    origin: str = "default"


@dataclass(frozen=True, slots=True)
class PerSource:
    """Files that are audited by themselves, with settings of their own.

    ``glob`` is relative to the configuration's folder. ``options`` are fields of ``AuditOptions`` that differ for these
    files, ``policy`` is theirs (that of the whole configuration where nothing is said). It is made of ``select``
    (None: as for all) and ``ignore``, which are theirs alone, and of ``rules``, which are all that hold for them.
    """

    glob: str
    options: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = DEFAULT
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings resolved for one command.

    ``file`` is the configuration that was found (None: none), ``folder`` what its relative paths are relative to.
    ``values``: by key as in the file, dotted (``fail-on``, ``sample.tokens``, ``report.formats``, ``include``).
    ``commands``: values of ``[probe]``, ``[mix]`` and other tables of commands, by command and option, as they are
    written; ``folders`` are the folders of the files that they come from, by name of the file.
    ``cwd``: the working folder.
    """

    file: Path | None
    folder: Path
    values: Mapping[str, Value]
    policy: Policy = DEFAULT
    sources: tuple[PerSource, ...] = ()
    commands: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    cwd: Path = Path()
    folders: Mapping[str, Path] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a key."""
        return self.values[key].value
