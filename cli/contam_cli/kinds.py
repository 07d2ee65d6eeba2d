"""Kinds of options that several commands have, and what a command with a run folder says when it is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class Numbers(click.ParamType):
    """Comma-separated numbers, such as ``1e-5,2e-5``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers as a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 1e-5,2e-5,4e-5", param, ctx)


class Names(click.ParamType):
    """Comma-separated names, such as ``replace,mix``."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names as a tuple."""
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())


class Folder:
    """Remembers where a run is, to tell it when the run is interrupted."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.path = ""

    def watch(self, event: Any) -> None:
        """The first event says where the run is."""
        if event.phase == "loading":
            self.path = event.note

    @contextmanager
    def told_on_interrupt(self) -> Iterator[None]:
        """After Ctrl-C, how to go on."""
        try:
            yield
        except KeyboardInterrupt:
            if self.path:
                how = f"contam {self.command} --resume --out {self.path}"
                click.echo(f"kept in {self.path}; go on with: {how}", err=True)
            raise
