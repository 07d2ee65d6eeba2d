"""What could not be judged, as a result of its own: reports are written whole also where there was nothing to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contam.errors import InputError, UsageError
from contam.reports.findings import ERROR, INPUT, Finding, Gate, Outcome, Part
from contam.reports.page import Banner, Page, Section, Sentences
from contam.reports.places import first_file
from contam.result import SCHEMA_VERSION, Level

_KINDS = ((UsageError, "usage"), (InputError, "input"))


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that a person can mend: ``kind`` is ``usage``, ``input`` or ``unexpected``, ``message`` what was wrong,
    where, and what to do; ``sources`` are what was to be judged."""

    command: str
    kind: str
    message: str
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: BaseException, command: str, sources: tuple[str, ...] = ()) -> Failure:
        """The failure that an exception stands for."""
        kind = next((name for known, name in _KINDS if isinstance(error, known)), "unexpected")
        return cls(command, kind, str(error) or type(error).__name__, sources)

    @property
    def level(self) -> Level:
        """Nothing could be judged."""
        return Level.INSUFFICIENT

    def exit_code(self, fail_on: str = "collapsing", allow_insufficient: bool = False) -> int:
        """Always 2."""
        return 2

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: ``error`` in the place of figures."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        error = {"kind": self.kind, "message": self.message}
        return head | {"command": self.command, "sources": list(self.sources), "error": error}

    def draw(self, full: bool = False) -> Page:
        """A page that says what was wrong."""
        named = f": {', '.join(self.sources[:3])}" if self.sources else ""
        lines = tuple(line for line in self.message.splitlines() if line.strip())
        banner = Banner("insufficient_evidence", "could not judge", "Exit code 2: this is no verdict on the data.")
        return Page(f"contam {self.command}{named}", banner, (Section("Why", (Sentences(lines),)),))

    def outcome(self, gate: Gate) -> Outcome:
        """One finding, which could not be judged, at the first file that is there or at the configuration."""
        place = str(gate.configuration) if gate.configuration else first_file(self.sources)
        finding = Finding(INPUT, "verdict", ERROR, f"could not judge: {self.message}", place, undecided=True)
        part = Part(
            "", self.level.value, f"could not judge: {self.message}", (), (finding,), self.sources, reason=self.message
        )  # fmt: skip
        return Outcome(self.command, 2, (part,), place)
