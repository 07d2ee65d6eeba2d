"""What a run came to, as a record: states, claims, where everything is; and the files that tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.claims import Claim, write_claims
from contam.experiments.run import finite
from contam.experiments.selftrain.audits import write_audits
from contam.experiments.selftrain.banner import NEEDED
from contam.experiments.selftrain.claims import judge_claims
from contam.experiments.selftrain.collapse import CollapseRule, Outcome, outcome_of
from contam.experiments.selftrain.history import Run, read_run
from contam.experiments.selftrain.page import REPORT, draw_run, full_page, write_report
from contam.experiments.selftrain.table_of_samples import table_of_samples
from contam.experiments.selftrain.turning import evaluated
from contam.reports.page import Excerpts, Page, Section, Sentences
from contam.result import SCHEMA_VERSION, Level


@dataclass(frozen=True)
class SelfTraining:
    """A finished run. ``outcomes`` by replica; ``differing`` are records that came out otherwise when done again."""

    folder: Path
    run: Run
    outcomes: dict[str, Outcome]
    claims: tuple[Claim, ...]
    audits: tuple[dict[str, Any], ...]
    differing: tuple[str, ...]
    seconds: float

    @property
    def level(self) -> Level:
        """The worst level of a replica; diverged counts as collapsing. A run too short to tell has no level."""
        states = [str(o.state) for o in self.outcomes.values()]
        if any(s in ("collapsing", "diverged") for s in states):
            return Level.COLLAPSING
        if "at_risk" in states:
            return Level.AT_RISK
        longest = max((sum(map(evaluated, r.lines)) for r in self.run.replicas), default=0)
        return Level.HEALTHY if longest >= NEEDED else Level.INSUFFICIENT

    def exit_code(self, fail_on: str = "never") -> int:
        """0; with ``fail_on`` a level, 1 where a replica reached it and 2 where the run is too short to tell.

        2 also where every replica's loss was no number from the start: nothing was reproduced.
        """
        if self.outcomes and all(o.diverged_at is not None and o.diverged_at <= 1 for o in self.outcomes.values()):
            return 2
        if fail_on == "never":
            return 0
        level = self.level
        return 2 if level is Level.INSUFFICIENT else int(level.severity >= Level(fail_on).severity)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the run."""
        from contam import __version__

        return finite(
            {
                "schema_version": SCHEMA_VERSION,
                "tool": {"name": "contam", "version": __version__},
                "command": "selftrain",
                "folder": str(self.folder),
                "level": self.level.value,
                "plan": dict(self.run.plan),
                "replicas": [_replica(name, outcome) for name, outcome in self.outcomes.items()],
                "claims": [claim.to_dict() for claim in self.claims],
                "audits": [{k: v for k, v in audit.items() if k != "audit"} for audit in self.audits],
                "differing": list(self.differing),
                "seconds": self.seconds,
            }
        )

    def draw(self, full: bool = False) -> Page:
        """The report as a page: all of it with its pictures, or what fits a terminal, and where the rest is."""
        if full:
            return full_page(self.folder, self.claims, self.notes)
        page = draw_run(self.run, self.claims)
        return replace(page, sections=(*page.sections, *self._wrote(), self._kept()))

    @property
    def notes(self) -> list[str]:
        """What the report has to say beside the figures."""
        return [f"{one} came out otherwise when it was computed again" for one in self.differing[:3]]

    def _wrote(self) -> tuple[Section, ...]:
        """The first and the last text of one replica, the one with the highest rate."""
        found = table_of_samples(self.folder, self.run)
        if not found:
            return ()
        name, excerpts = found[-1]
        ends = Excerpts(tuple(dict.fromkeys((excerpts.items[0], excerpts.items[-1]))))
        return (Section(f"What the model wrote ({name})", (ends,)),)

    def _kept(self) -> Section:
        told = (f"{self.folder / REPORT}: all of this with pictures", f"{self.folder}: the log and all else")
        return Section("Where it is", (Sentences(told),))


def _replica(name: str, outcome: Outcome) -> dict[str, Any]:
    fields = ("collapsed_at", "diverged_at", "risen_at", "halved_at", "start", "own_start", "highest", "own_lowest")
    return {"name": name, "state": str(outcome.state)} | {f: getattr(outcome, f) for f in fields}


def concluded(folder: Path, differing: Sequence[str], seconds: float) -> SelfTraining:
    """Judge what the log of a run says and write `audit.json`, `claims.json`, the pictures and the report."""
    run = read_run(folder)
    rule = CollapseRule(patience=int(run.plan.get("patience", CollapseRule.patience)))
    outcomes = {r.name: outcome_of(r, run.baseline_of(r.model), rule) for r in run.replicas}
    claims = judge_claims(run)
    write_claims(folder, claims)
    audits = write_audits(folder, run, int(run.plan.get("seed", 0)))
    result = SelfTraining(folder, run, outcomes, claims, tuple(audits), tuple(differing), seconds)
    write_report(folder, claims, result.notes)
    return result
