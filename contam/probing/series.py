"""Names become checkpoints in order: models, folders of checkpoints, runs of ``contam selftrain``.

Nothing heavy is imported here: what is not there is told at once, before any model is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.errors import InputError, UsageError
from contam.experiments.run import PLAN, STATES
from contam.models.finding import ModelFiles, embedded, find

CONFIG = "config.json"
_STEP = re.compile(r"(?:^|[-_.]|step|iter|epoch|checkpoint|ckpt)(\d+)$", re.IGNORECASE)
"""The number of a checkpoint's step at the end of its name; numbers such as that of stories260k are none."""
_PIECE = 1 << 24
_TEXTS = (".jsonl", ".txt", ".parquet", ".arrow", ".csv", ".tsv", ".gz", ".zst", ".bz2", ".xz")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A checkpoint to be probed: its files, the step its name tells, or (``run``, ``replica``): the last state of a
    run's replica, whose weights take the place of those in the files."""

    name: str
    files: ModelFiles
    step: int | None = None
    run: Path | None = None
    replica: str | None = None

    @property
    def weights(self) -> tuple[Path, ...]:
        """The files that make it the checkpoint it is."""
        if self.run is None:
            return self.files.weights
        return (*self.files.weights, *sorted((self.run / STATES).glob("*.safetensors")))

    def revision(self) -> str:
        """A digest of its weights and configuration."""
        digest = hashlib.blake2b(json.dumps(self.files.config, sort_keys=True).encode(), digest_size=8)
        digest.update(str(self.replica).encode())
        for path in self.weights:
            with path.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
        return digest.hexdigest()


def expand(name: str) -> list[Candidate]:
    """The checkpoints that a name stands for, in order: one model, a folder of several, or a run's.

    A run of ``contam selftrain`` with several replicas needs the one that is meant: ``RUN:REPLICA``. Raises
    ``InputError`` or ``UsageError`` where there is none.
    """
    path = Path(name).expanduser()
    if name in embedded() or (path / CONFIG).is_file():
        return [Candidate(name, find(name), _step(path.name) if path.is_dir() else None)]
    folder, replica = _as_run(name, path)
    if folder is not None:
        return _of_run(name, folder, replica)
    if path.is_dir() and (below := _models_below(path)):
        return [Candidate(str(p), find(str(p)), _step(p.name)) for p in below]
    return [Candidate(name, find(name))]


def in_order(candidates: list[Candidate]) -> tuple[list[Candidate], str | None]:
    """Checkpoints of one folder that were named one by one, in the order of their steps, and a remark where that is
    another order than the one given: a shell lists checkpoint-1000 before checkpoint-500."""
    steps = [one.step for one in candidates]
    siblings = len({one.files.folder.resolve().parent for one in candidates}) == 1
    if None in steps or len(set(steps)) < len(steps) or not siblings or any(one.run for one in candidates):
        return candidates, None
    ordered = sorted(candidates, key=lambda one: one.step or 0)
    told = None if ordered == candidates else "the checkpoints were put in the order of their steps"
    return ordered, told


def passed_over(name: str) -> list[str]:
    """Remarks on models in a folder that are not among what `expand` made of it."""
    path = Path(name).expanduser()
    if not path.is_dir() or name in embedded() or _as_run(name, path)[0] is not None:
        return []
    below = {p.parent for p in path.glob(f"*/{CONFIG}")}
    if (path / CONFIG).is_file():
        checkpoints = [p for p in below if any(p.glob("*.safetensors"))]
        more = f"{len(checkpoints)} more below are not: name {path}/*/ for those"
        return [f"{name}: the model of this folder is probed, {more}"] if checkpoints else []
    without = sorted(p for p in below if not any(p.glob("*.safetensors")))
    return [f"{p}: passed over, it has no safetensors weights" for p in without]


def is_checkpoint(name: str) -> bool:
    """Whether a path holds a model, or several, and not a corpus."""
    path = Path(name).expanduser()
    if not path.is_dir():
        return name.endswith(".safetensors") or (_as_run(name, path)[0] is not None)
    weights = any(path.glob("*.safetensors")) or any(path.glob("*.bin"))
    run = (path / PLAN).is_file() and (path / STATES).is_dir()
    return ((path / CONFIG).is_file() and weights) or run or (bool(_models_below(path)) and not texts_in(path))


def texts_in(folder: Path) -> list[Path]:
    """Files of a folder that look like a corpus, if it also holds models."""
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name.lower().endswith(_TEXTS))


def _step(name: str) -> int | None:
    found = _STEP.search(name)
    return int(found.group(1)) if found else None


def _models_below(folder: Path) -> list[Path]:
    """The models right below a folder, in the order of their numbers."""
    found = [p.parent for p in folder.glob(f"*/{CONFIG}") if any(p.parent.glob("*.safetensors"))]
    return sorted(found, key=lambda p: (_step(p.name) is None, _step(p.name) or 0, p.name))


# --- runs of contam selftrain ---------------------------------------------------------------------------------------


def _as_run(name: str, path: Path) -> tuple[Path | None, str | None]:
    """The run folder that a name means, and the replica: ``RUN``, ``RUN:REPLICA``, a state, a replica's folder."""
    if (path / PLAN).is_file():
        return path, None
    if path.suffix == ".safetensors" and path.is_file() and (path.parent.parent / PLAN).is_file():
        return path.parent.parent, None
    if path.is_dir() and path.parent.name == STATES and (path.parent.parent / PLAN).is_file():
        return path.parent.parent, path.name
    stem, colon, replica = name.rpartition(":")
    run = Path(stem).expanduser()
    if colon and stem and (run / PLAN).is_file():
        return run, replica
    return None, None


def _plan(folder: Path) -> dict[str, Any]:
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / PLAN}: not readable as the plan of a run ({error})") from None
    if not isinstance(plan, dict) or plan.get("command") != "selftrain":
        raise InputError(f"{folder}: not a run of contam selftrain")
    return plan


def _of_run(name: str, folder: Path, replica: str | None) -> list[Candidate]:
    """The model that the run began with, the weights it kept, and its last state."""
    plan = _plan(folder)
    states = _states(folder)
    kept = {p.parent.parent.name for p in (folder / STATES).glob(f"*/step-*/{CONFIG}")}
    known = sorted(kept | set(states))
    if not known:
        raise InputError(f"{name}: the run has written no checkpoint yet")
    if replica is None and len(known) > 1:
        raise UsageError(
            f"{name}: a run of {len(known)} replicas; name one of them: "
            + ", ".join(f"{folder}:{one}" for one in known[:4])
            + (" ..." if len(known) > 4 else "")
        )
    chosen = replica or known[0]
    if chosen not in known:
        raise UsageError(f"{folder}: no replica {chosen!r}; there are {', '.join(known)}")
    begun = find(_source(plan, chosen, name))
    steps = sorted((folder / STATES / chosen).glob(f"step-*/{CONFIG}"), key=lambda p: _step(p.parent.name) or 0)
    out = [Candidate(f"{chosen} at the start", begun, 0)]
    out += [Candidate(f"{chosen}/{p.parent.name}", find(str(p.parent)), _step(p.parent.name)) for p in steps]
    last = states.get(chosen, 0)
    if last > (out[-1].step or 0):
        out.append(Candidate(f"{chosen} after {last}", begun, last, folder, chosen))
    return out


def _source(plan: dict[str, Any], replica: str, name: str) -> str:
    """Which model a replica began as: the longest label that its name begins with."""
    models = [m for m in plan.get("models", []) if replica.startswith(f"{m['name']}-")]
    if not models:
        raise InputError(f"{name}: the plan of the run does not say what {replica} began as")
    return str(max(models, key=lambda m: len(m["name"]))["source"])


def _states(folder: Path) -> dict[str, int]:
    """Of every replica in the run's states, how many iterations it has behind it."""
    from safetensors import safe_open

    found: dict[str, int] = {}
    for path in sorted((folder / STATES).glob("*.safetensors"), key=lambda p: p.stat().st_mtime):
        try:
            with safe_open(path, framework="numpy") as file:
                facts = json.loads((file.metadata() or {})["contam"])
        except Exception as error:  # safetensors raises a class of its own
            raise InputError(f"{path}: the state of a run cannot be read ({error})") from None
        found |= {str(one): int(facts["next"]) for one in facts.get("replicas", [])}
    return found


def distinct(candidates: list[Candidate]) -> list[Candidate]:
    """The same with names that differ: equal ones are numbered."""
    seen: dict[str, int] = {}
    out = []
    for one in candidates:
        seen[one.name] = seen.get(one.name, 0) + 1
        out.append(one if seen[one.name] == 1 else replace(one, name=f"{one.name} ({seen[one.name]})"))
    return out
