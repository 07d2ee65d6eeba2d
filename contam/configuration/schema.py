"""Every key of a configuration in one table: what it takes, its default, what it is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

SCHEMA = 1
"""The version of configuration files that this contam reads."""
NO_FILE = "none"
"""What ``--config`` takes instead of a file, to read none."""

Kind = Literal["text", "whole", "flag", "path", "name", "texts", "globs", "inputs", "reports"]
KINDS: dict[Kind, str] = {
    "text": "text",
    "whole": "a whole number",
    "flag": "true or false",
    "path": "a path",
    "name": "a name or a path",
    "texts": "a list of texts",
    "globs": "a list of globs",
    "inputs": "a list of paths and globs",
    "reports": "a list of formats and files",
}


def either(choices: Iterable[str]) -> str:
    """``"a", "b" or "c"``."""
    *first, last = (f'"{choice}"' for choice in choices)
    return f"{', '.join(first)} or {last}" if first else last


@dataclass(frozen=True, slots=True)
class Key:
    """One key: ``name`` as in a file (dotted in a table), ``choices`` where only some values make sense, ``least`` of a
    number. ``environment`` says whether a variable can set it."""

    name: str
    kind: Kind
    default: Any
    what: str
    choices: tuple[str, ...] = ()
    least: int | None = None
    environment: bool = True

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "CONTAM_" + self.name.upper().replace("-", "_").replace(".", "_")

    @property
    def field(self) -> str:
        """Its name as an option of a command, as Python spells it."""
        return self.name.replace("-", "_").replace(".", "_")

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        return either(self.choices) if self.choices else KINDS[self.kind]


KEYS: tuple[Key, ...] = (
    Key("schema", "whole", SCHEMA, "Version of the file's keys.", least=1, environment=False),
    Key("extend", "path", None, "Another configuration that this one changes.", environment=False),
    Key("include", "inputs", (), "What `contam audit` reads when no PATH is given."),
    Key("exclude", "globs", (), "Files that are left out."),
    Key("text-field", "text", None, "Field or column that holds the text."),
    Key("split", "text", None, "How plain text is cut into documents.", ("lines", "blank-lines")),
    Key("strict", "flag", False, "Stop at the first thing that cannot be read."),
    Key("workers", "whole", None, "Threads that read and measure; one for each core where it is not set.", least=1),
    Key("seed", "whole", 0, "Of everything that is drawn by chance.", least=0),
    Key("sample.tokens", "whole", None, "Words of the matched sample; the most possible where it is not set.", least=1),
    Key("sample.seed", "whole", None, "Of the matched sample alone; `seed` where it is not set.", least=0),
    Key("profile", "name", "auto", "Reference population."),
    Key("reference", "path", None, "Trusted text of the same source, for the paired audit."),
    Key("order", "text", None, "How trusted and audited text stand to each other.", ("known", "unknown", "random")),
    Key("model", "name", None, "Language model under which surprise is measured."),
    Key("valid", "name", None, "Held-out human text."),
    Key("proxy", "text", "ngram", "The model that is to predict it.", ("ngram", "neural")),
    Key("device", "text", "auto", "Where models compute: auto, cpu, cuda, cuda:1."),
    Key("precision", "text", "fp32", "With which numbers models compute.", ("fp32", "tf32", "bf16")),
    Key("select", "texts", (), "Rules that count: ids, their beginnings, or names; all where it is empty."),
    Key("ignore", "texts", (), "Rules that do not count."),
    Key("fail-on", "text", "collapsing", "Level from which the exit code is 1.", ("at_risk", "collapsing", "never")),
    Key("allow-insufficient", "flag", False, "Exit 0, not 2, where the evidence is too thin."),
    Key("baseline", "path", None, "Baseline to compare with, written by `contam audit --write-baseline`."),
    Key("cache-dir", "path", None, "Where measurements of files are kept for the next audit.", environment=False),
    Key("report.formats", "reports", ("rich",), "Reports of `contam audit`: `rich`, or `json:FILE` and the like."),
)  # fmt: skip
BY_NAME = {key.name: key for key in KEYS}
TABLES = ("sample", "report")
"""Tables whose keys are in ``KEYS``."""
RULE_KEYS: dict[str, tuple[str, str]] = {
    "min": ("a number", "Least value that passes, in the unit of the rule's figure; instead of the rule's own limit."),
    "max": ("a number", "Greatest value that passes."),
    "max-drop": ("a share such as \"2%\", or an amount", "How far the figure may fall below the baseline's."),
    "max-rise": ("a share such as \"2%\", or an amount", "How far the figure may rise above the baseline's."),
    "severity": ('"error", "warning" or "off"', "What a breach does: exit 1, a word in the report, nothing."),
    "min-effect": (
        "a number",
        "Standard deviations of the baseline's own parts that a change has to exceed; 3 where it is not set.",
    ),
    "on-unavailable": ('"skip" or "fail"', "What becomes of a figure that was not measured: nothing, or exit 2."),
}  # fmt: skip
"""Keys of ``[rules.ID]``: what they take and what they are for."""
SOURCE_KEYS = (
    "text-field", "split", "profile", "reference", "order", "select", "ignore", "baseline", "sample.tokens",
    "sample.seed",
)  # fmt: skip
"""Keys of ``[per-source."GLOB"]``, beside its own ``rules``; each is as above."""
COMMANDS = ("probe", "compare", "selftrain", "recurse", "mix", "simulate", "filter")
"""Commands with a table of their own, whose keys are their long options. The settings of an audit stand at the top."""


def nearest(wrong: str, known: Iterable[str], listed: str = "`contam config` lists the keys") -> str:
    """``; did you mean 'split'?``, or all there are where nothing is near and they are few, or where they are
    ``listed``."""
    names = tuple(known)
    spelled = {name.lower().replace(".", "-"): name for name in names}
    near = get_close_matches(wrong.lower().replace("_", "-").replace(".", "-"), spelled, n=1, cutoff=0.6)
    if not near:
        tails = [name for name in names if name.endswith("." + wrong)]
        near, spelled = (["tail"], {"tail": tails[0]}) if tails else ([], {})
    if near:
        return f"; did you mean '{spelled[near[0]]}'?"
    return f"; known are {', '.join(names)}" if len(names) <= 16 else f" ({listed})"
