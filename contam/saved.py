"""Audits read back from their JSON reports."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from contam.baseline.record import Moved, Since
from contam.errors import InputError
from contam.result import (
    SCHEMA_VERSION,
    Audit,
    CorpusInfo,
    DocumentFinding,
    Documents,
    Figure,
    Level,
    Provenance,
    ReferenceInfo,
    RuleResult,
    Skipped,
    Verdict,
)
from contam.synthetic.share import Declared, SyntheticShare


def read_audit(path: str | Path) -> Audit:
    """The audit that ``-o json:PATH`` saved; an error says what the file is instead."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not is_report(data):
        if foreign := _command_of(data):
            raise InputError(f"{path} is a report of contam {foreign}, not of an audit")
        raise InputError(f"{path} is not a contam report; make one with `contam audit DATA -o json:{path}`")
    if data["schema_version"] > SCHEMA_VERSION:
        version = data["schema_version"]
        raise InputError(f"{path} has schema version {version}; this contam reads up to {SCHEMA_VERSION}")
    try:
        return audit_from(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is a damaged contam report: {type(error).__name__} {error}") from error


def looks_saved(path: str | Path) -> bool:
    """Whether a path is a JSON report of an audit, told from its first bytes."""
    place = Path(path)
    if place.suffix.lower() != ".json" or not place.is_file():
        return False
    with place.open("rb") as file:
        head = file.read(400)
    return head.lstrip()[:1] == b"{" and b'"schema_version"' in head and b'"contam"' in head


def is_report(data: Any) -> bool:
    """Whether parsed JSON is an audit's report."""
    tool = data.get("tool") if isinstance(data, dict) else None
    named = isinstance(tool, dict) and tool.get("name") == "contam"
    return named and isinstance(data.get("schema_version"), int) and "signals" in data


def _command_of(data: Any) -> str:
    """The command that another report of contam comes from; empty for what is none."""
    tool = data.get("tool") if isinstance(data, dict) else None
    command = data.get("command") if isinstance(tool, dict) and tool.get("name") == "contam" else None
    return command if isinstance(command, str) and command.isidentifier() else ""


def audit_from(data: dict[str, Any]) -> Audit:
    """The records of an audit from its JSON object; fields that later versions added are passed over."""
    corpus, verdict, documents = data["corpus"], data["verdict"], data["documents"]
    skipped = tuple(_record(Skipped, entry) for entry in corpus["skipped"])
    worst = tuple(_record(DocumentFinding, entry) for entry in documents["worst"])
    return Audit(
        corpus=_record(CorpusInfo, corpus | {"skipped": skipped}),
        reference=_record(ReferenceInfo, data["reference"]),
        verdict=_record(Verdict, verdict | {"level": Level(verdict["level"])}),
        signals={key: _record(Figure, entry) for key, entry in data["signals"].items()},
        whole={key: _record(Figure, entry) for key, entry in data.get("whole", {}).items()},
        rules=tuple(_record(RuleResult, entry) for entry in data["rules"]),
        documents=Documents(documents["flagged"], worst),
        provenance=_record(Provenance, data["provenance"]),
        command=data.get("command", "audit"),
        notes=tuple(data.get("notes", ())),
        synthetic_share=_share(data.get("synthetic_share")),
        since=_since(data.get("since")),
        name=data.get("name", ""),
        parts=tuple(audit_from(part) for part in data.get("parts", ())),
    )


def _share(data: dict[str, Any] | None) -> SyntheticShare | None:
    """The synthetic share; None in audits without one and in those of versions that had none."""
    if data is None:
        return None
    declared = data.get("declared")
    return _record(SyntheticShare, data | {"declared": _record(Declared, declared) if declared else None})


def _since(data: dict[str, Any] | None) -> Since | None:
    """The changes since a baseline; None where there was none."""
    if data is None:
        return None
    return _record(Since, data | {"changes": {key: _record(Moved, entry) for key, entry in data["changes"].items()}})


def _record(kind: Any, entry: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    return kind(**{key: _frozen(value) for key, value in entry.items() if key in known})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
