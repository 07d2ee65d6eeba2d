"""What a shell offers after TAB: completions by what an option takes. Nothing heavy is imported, nothing is read.

Click knows commands, options and choices. What is text to it is told apart here by its metavar, so that every command
gets the same completions without saying so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Items = list[CompletionItem]
FILTERED = ("REP001", "REP002", "REP004", "DUP001", "DUP002", "PPL001")
"""The rules of ``contam filter``, whose own table imports too much to complete with."""


class Offering(click.ParamType):
    """Text that a function completes; only while a shell completes does it stand for an option's own type."""

    name = "text"

    def __init__(self, complete: Callable[[str], Items]) -> None:
        self.complete = complete

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Items:
        """What fits so far."""
        return self.complete(incomplete)


def offer(command: click.Command) -> click.Command:
    """A copy of a command whose options and arguments complete what they take; for completing, not for running."""
    offering = copy(command)
    offering.params = [copy(param) for param in command.params]
    for param in offering.params:
        complete = _completer(param)
        if complete is not None:
            param.type = Offering(complete)
    if isinstance(offering, click.Group):
        offering.commands = {name: offer(below) for name, below in offering.commands.items()}
    return offering


def _completer(param: click.Parameter) -> Callable[[str], Items] | None:
    if isinstance(param.type, (click.Choice, click.Path, click.File)):
        return None
    if param.name in _BY_NAME:
        return _BY_NAME[param.name]
    known = _BY_METAVAR.get(getattr(param, "metavar", None) or "")
    if isinstance(param, click.Argument):
        return known or (_models if param.name in ("model", "models") else _files)
    return known


def _files(incomplete: str) -> Items:
    return [CompletionItem(incomplete, type="file")]


def _folders(incomplete: str) -> Items:
    return [CompletionItem(incomplete, type="dir")]


def _fitting(names: Iterable[tuple[str, str]], incomplete: str) -> Items:
    return [CompletionItem(name, help=told) for name, told in names if name.startswith(incomplete)]


def _models(incomplete: str) -> Items:
    """Folders, and the models that come with contam."""
    from contam.models.finding import embedded

    return _folders(incomplete) + _fitting(((name, "comes with contam") for name in embedded()), incomplete)


def _profiles(incomplete: str) -> Items:
    """Files, and the profiles that come with contam."""
    import contam

    built_in = sorted(path.stem for path in (Path(contam.__file__).parent / "profiles").glob("*.profile"))
    names = [("auto", "one that can vouch for the text"), *((name, "built in") for name in built_in)]
    return _files(incomplete) + _fitting(names, incomplete)


def _rule(incomplete: str) -> Items:
    """Ids of rules, in either case."""
    from contam.rules import RULES

    return _fitting(((rule.id, rule.name) for rule in RULES), incomplete.upper())


def _rules(incomplete: str) -> Items:
    """A list of rules or of families of them, after its last comma."""
    from contam.rules import RULES

    return _listed([(rule.id, rule.name) for rule in RULES], incomplete)


def _listed(rules: list[tuple[str, str]], incomplete: str) -> Items:
    """What a list of some rules, or of families of them, may go on with after its last comma."""
    before, comma, last = incomplete.rpartition(",")
    families = dict.fromkeys(rule.rstrip("0123456789") for rule, _ in rules)
    names = [*((name, f"all of {name}") for name in families), *rules]
    return [CompletionItem(f"{before}{comma}{item.value}", help=item.help) for item in _fitting(names, last.upper())]


def _of_documents() -> list[tuple[str, str]]:
    """The rules that documents can be filtered by, with their names."""
    from contam.rules import RULES

    return [(rule.id, rule.name) for rule in RULES if rule.id in FILTERED]


def _filtered(incomplete: str) -> Items:
    """A list of rules that documents can be filtered by."""
    return _listed(_of_documents(), incomplete)


def _limits(incomplete: str) -> Items:
    """``RULE=`` of a rule that has a limit for documents."""
    names = [(f"{rule}=", name) for rule, name in _of_documents() if rule != "DUP001"]
    return _fitting(names, incomplete.upper())


def _outputs(incomplete: str) -> Items:
    """``FORMAT:`` of a report that is written to a file."""
    from contam.reports import FORMATS

    return _fitting(((f"{form}:", f"{form} to a file") for form in FORMATS), incomplete)


_BY_NAME: dict[str | None, Callable[[str], Items]] = {
    "rule_id": _rule,
    "select": _rules,
    "ignore": _rules,
    "profile": _profiles,
    "outputs": _outputs,
    "formats": _outputs,
}
_BY_METAVAR: dict[str, Callable[[str], Items]] = {
    "PATH": _files,
    "FILE": _files,
    "NAME|PATH": _files,
    "NAME|FILE": _profiles,
    "CORPUS": _files,
    "TRUSTED": _files,
    "DIR": _folders,
    "MODEL": _models,
    "RULES": _rules,
    "ID,...": _filtered,
    "RULE=VALUE": _limits,
}
