"""A command line run in this process, with the measurement replaced where only the command is tested."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from examples import make_audit

from contam_cli.main import run


@dataclass
class Outcome:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys, monkeypatch):
    """``cli("audit", "x")`` runs a command line."""
    monkeypatch.delenv("CI", raising=False)

    def call(*args: str) -> Outcome:
        code = run(args)
        caught = capsys.readouterr()
        return Outcome(code, caught.out, caught.err)

    return call


@dataclass
class Measurement:
    """Stands for ``contam.auditing`` and ``contam.gate.running``: returns what it is told, remembers what was asked."""

    result: Any = field(default_factory=make_audit)
    events: tuple[Any, ...] = ()
    asked: list[tuple[Any, Any]] = field(default_factory=list)

    def audit(self, source: Any, options: Any = None, **more: Any) -> Any:
        options = options or SimpleNamespace(**more)
        self.asked.append((source, options))
        for event in self.events:
            if options.on_progress:
                options.on_progress(event)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def measurement(monkeypatch):
    """Replaces the measurement."""
    found = Measurement()
    module = ModuleType("contam.auditing")
    module.audit = found.audit
    module.AuditOptions = SimpleNamespace
    monkeypatch.setitem(sys.modules, "contam.auditing", module)
    parts = ModuleType("contam.gate.running")
    parts.Division = SimpleNamespace
    parts.audit_parts = lambda source, options, division: found.audit(source, options)
    monkeypatch.setitem(sys.modules, "contam.gate.running", parts)
    return found
