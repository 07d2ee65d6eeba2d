"""What a recursion came to, as a record: levels, claims, where everything is; and the files that tell it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.claims import Claim, ClaimsRun, write_claims
from contam.experiments.recurse.claims import judge_claims
from contam.experiments.recurse.history import Run, level_gained, level_of, read_run
from contam.experiments.recurse.page import REPORT, draw_run, full_page, write_report
from contam.experiments.recurse.settings_table import shrunk
from contam.experiments.run import finite
from contam.reports import write_whole
from contam.reports.page import Page, Section, Sentences
from contam.result import SCHEMA_VERSION, Level

AUDIT = "audit.json"


@dataclass(frozen=True)
class Recursion:
    """A finished run. ``failures``: units that ended with an error, and what it said; ``differing``: records that came
    out otherwise when they were computed again."""

    folder: Path
    run: Run
    claims: tuple[Claim, ...]
    differing: tuple[str, ...]
    failures: Mapping[str, tuple[str, str]]
    seconds: float
    done_before: bool = False
    """Whether nothing was left to do."""

    @property
    def level(self) -> Level:
        """The worst level among the last generations of the groups."""
        return level_of(self.run)

    def exit_code(self, fail_on: str = "never") -> int:
        """0; 2 where a lineage could not be finished; with ``fail_on`` a level, 1 where a last generation reached it
        and generation 0 had not, and 2 where nothing could be judged."""
        if self.failures:
            return 2
        if fail_on == "never":
            return 0
        level = level_gained(self.run)
        return 2 if level is Level.INSUFFICIENT else int(level.severity >= Level(fail_on).severity)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the run."""
        from contam import __version__

        return finite(
            {
                "schema_version": SCHEMA_VERSION,
                "tool": {"name": "contam", "version": __version__},
                "command": "recurse",
                "folder": str(self.folder),
                "level": self.level.value,
                "level_gained": level_gained(self.run).value,
                "plan": dict(self.run.plan),
                "lineages": [_lineage(history) for history in self.run.lineages],
                "claims": [claim.to_dict() for claim in self.claims],
                "failures": {name: told for name, (_, told) in self.failures.items()},
                "differing": list(self.differing),
                "seconds": self.seconds,
            }
        )

    def draw(self, full: bool = False) -> Page:
        """The report as a page: all of it with its pictures, or what fits a terminal, and where the rest is."""
        if full:
            return full_page(self.folder, self.claims, self.notes)
        page = draw_run(self.run, self.claims)
        wrong = (Section("What went wrong", (Sentences(tuple(self.failed)),)),) if self.failures else ()
        near = self.folder.relative_to(Path.cwd()) if self.folder.is_relative_to(Path.cwd()) else self.folder
        kept = (f"{near / REPORT}: all of this with pictures", f"{near}: the log and all else")
        told = (*self._others(), *kept)
        return replace(page, sections=(*wrong, *page.sections, Section("Where it is", (Sentences(told),))))

    @property
    def claims_run(self) -> ClaimsRun:
        """The claims alone."""
        title = f"contam recurse {self.run.plan.get('model', '')} --claims"
        notes = (*self.notes, f"{self.folder / REPORT}: the run")
        return ClaimsRun(self.claims, self.seconds, "recurse", title, notes)

    @property
    def failed(self) -> list[str]:
        """Which lineages could not be finished, and why: each reason once."""
        by_reason: dict[str, list[str]] = {}
        for name, (_, reason) in self.failures.items():
            by_reason.setdefault(reason, []).append(name)
        return [f"{', '.join(names)} could not be finished: {reason}" for reason, names in by_reason.items()]

    @property
    def notes(self) -> list[str]:
        """What the report has to say beside the figures."""
        return self.failed + self._others()

    def _others(self) -> list[str]:
        told = [f"{one} came out otherwise when it was computed again" for one in self.differing[:3]]
        if self.done_before:
            more = 2 * int(self.run.plan.get("generations") or 1)
            told.append(f"nothing was left to do; to go further: --resume --generations {more} --out {self.folder}")
        return shrunk(self.run) + told


def _lineage(history: Any) -> dict[str, Any]:
    last = history.lines[-1] if history.lines else {}
    return {
        "name": history.name, "group": history.group, "seed": history.seed, "generations": history.last,
        "validation": last.get("validation"), "verdict": last.get("verdict"), "signals": last.get("signals"),
    }  # fmt: skip


def concluded(
    folder: Path, differing: Sequence[str], failures: Mapping[str, tuple[str, str]], seconds: float
) -> Recursion:
    """Judge what the log of a run says and write `audit.json`, `claims.json`, the pictures and the report."""
    run = read_run(folder)
    claims = tuple(judge_claims(run))
    write_claims(folder, claims)
    result = Recursion(folder, run, claims, tuple(differing), failures, seconds)
    _write_audit(folder, run)
    write_report(folder, claims, result.notes)
    return result


def _write_audit(folder: Path, run: Run) -> None:
    """``audit.json``: the verdict on what the last generation of every lineage wrote, and on human text."""
    import contam

    last = [
        {"lineage": h.name, "generation": h.last, "verdict": h.lines[-1]["verdict"], "signals": h.lines[-1]["signals"]}
        for h in run.lineages
        if h.lines
    ]
    body = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": contam.__version__}}
    body |= {"command": "recurse", "human": run.plan.get("human"), "audits": last}
    write_whole(folder / AUDIT, json.dumps(finite(body), indent=1, allow_nan=False) + "\n")
