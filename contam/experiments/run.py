"""The folder of a run: its plan, an append-only log, samples, checkpoints written whole; and taking it up again.

A run is a function of its plan. What was done since the last checkpoint is done again after a kill, and its lines are
compared with those that the log already has instead of being written twice.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from contam.errors import InputError, UsageError
from contam.reports import write_whole

LOG, PLAN, STATES = "log.jsonl", "plan.json", "checkpoints"
_TIMING = ("seconds",)
_KEY = ("lineage", "generation", "model", "learning_rate", "seed", "iteration", "draw")


@dataclass
class RunFolder:
    """An open run folder; use as a context manager, since it holds files and a lock."""

    path: Path
    plan: dict[str, Any]
    _files: dict[str, IO[bytes]] = field(default_factory=dict)
    _known: dict[str, dict[str, bytes]] = field(default_factory=dict)
    _lock: IO[bytes] | None = None
    differing: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, path: Path, plan: dict[str, Any]) -> RunFolder:
        """A new run; UsageError where the folder already has one."""
        if (path / PLAN).exists():
            raise UsageError(f"{path} already holds a run: continue it with --resume, or give another --out")
        if path.exists() and not path.is_dir():
            raise UsageError(f"--out {path} is a file, not a folder")
        try:
            for folder in (path, path / "samples", path / STATES):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the run folder {path}: {error.strerror or error}") from error
        run = cls(path, plan)
        run._take()
        write_whole(path / PLAN, json.dumps(plan, indent=1, allow_nan=False) + "\n")
        return run

    @classmethod
    def resume(cls, path: Path) -> RunFolder:
        """A run that was begun; UsageError where there is none, or another process is at work in it."""
        try:
            plan = json.loads((path / PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"--resume: there is no run in {path} (no {PLAN})") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path / PLAN} cannot be read: {error}") from error
        run = cls(path, plan)
        run._take()
        return run

    def _take(self) -> None:
        """The lock of the folder: it goes with the process, however that ends."""
        try:
            import fcntl
        except ImportError:  # no such locks on this system; nothing else depends on them
            return
        try:
            self._lock = (self.path / ".lock").open("wb")
        except OSError as error:
            raise _unwritable(self.path / ".lock", error) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another process is running in {self.path}") from None
        except OSError:  # a file system without locks
            return

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files and the lock."""
        for file in (*self._files.values(), *([self._lock] if self._lock else [])):
            with suppress(OSError):
                file.close()
        self._files.clear()
        self._lock = None

    def discard_if_empty(self) -> None:
        """Take a new run's folder away again where nothing was measured: it would only be in the way."""
        if not any((self.path / name).exists() for name in self._known):
            self.close()
            for folder in (self.path / "samples", self.path / STATES):
                if not any(folder.iterdir()):
                    folder.rmdir()
            for name in (PLAN, ".lock"):
                (self.path / name).unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                with suppress(OSError):  # the working folder itself cannot be removed
                    self.path.rmdir()

    def extend(self, changes: dict[str, Any]) -> None:
        """Change the plan of a run that goes on (more iterations)."""
        self.plan |= changes
        write_whole(self.path / PLAN, json.dumps(self.plan, indent=1, allow_nan=False) + "\n")

    def append(self, name: str, record: dict[str, Any]) -> None:
        """Append a record to the log ``name``; one that is there already (`key_of`) is compared, not repeated."""
        key, told = key_of(record), _line(record)
        known = self._lines(name)
        if key in known:
            if known[key] != _digest(record):
                self.differing.append(f"{name}: {key}")
            return
        known[key] = _digest(record)
        file = self._files[name]
        try:
            file.write(told.encode("utf-8") + b"\n")
            file.flush()
        except OSError as error:
            raise _unwritable(self.path / name, error) from error

    def _lines(self, name: str) -> dict[str, bytes]:
        """The records of a file by key, and the file opened for appending, after its last whole line."""
        if name not in self._known:
            path = self.path / name
            self._known[name] = {key_of(r): _digest(r) for r in read_lines(path)}
            try:
                file = path.open("ab")
                end = _whole_lines(path)
                if end < file.tell():
                    file.truncate(end)
            except OSError as error:
                raise _unwritable(path, error) from error
            self._files[name] = file
        return self._known[name]

    def save_state(self, name: str, tensors: dict[str, Any], facts: dict[str, Any]) -> None:
        """A checkpoint to go on from: the new one replaces the old one whole, or not at all."""
        from safetensors.torch import save_file

        target = self.path / STATES / f"{name}.safetensors"
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            # A checkpoint must not outlive, in a power cut, the lines that it says are there.
            for log in self._files.values():
                os.fsync(log.fileno())
            save_file(tensors, temporary, metadata={"contam": json.dumps(facts)})
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        except Exception as error:  # safetensors raises its own class for a full disk
            temporary.unlink(missing_ok=True)
            raise InputError(f"cannot write the checkpoint {target}: {error}; the log is kept") from error

    def load_replicas(self, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The state of replicas that were saved in stacks of other sizes, None unless all are at one iteration.

        Keys of a stack's tensors are ``part.INDEX.name``; its facts have the ``replicas`` by index and ``next``.
        """
        merged: dict[str, Any] = {}
        found: dict[str, int] = {}
        for path in sorted((self.path / STATES).glob("*.safetensors"), key=lambda p: p.stat().st_mtime):
            state = self.load_state(path.stem)
            members = state[1].get("replicas", []) if state else []
            for old, name in enumerate(members):
                if state is None or name not in names:
                    continue
                found[name] = int(state[1]["next"])
                for key, tensor in state[0].items():
                    part, index, rest = key.split(".", 2)
                    if index == str(old):
                        merged[f"{part}.{names.index(name)}.{rest}"] = tensor
        if set(found) != set(names) or len(set(found.values())) != 1:
            return None
        return merged, {"next": next(iter(found.values())), "replicas": list(names)}

    def load_state(self, name: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The tensors and facts of a checkpoint, None where there is none yet."""
        from safetensors import safe_open

        target = self.path / STATES / f"{name}.safetensors"
        if not target.exists():
            return None
        try:
            with safe_open(target, framework="pt") as file:
                facts = json.loads((file.metadata() or {})["contam"])
                return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118
        except Exception as error:
            raise InputError(f"the checkpoint {target} cannot be read ({error}); delete it to begin again") from error


def key_of(record: dict[str, Any]) -> str:
    """What makes a record of a log the only one of its kind."""
    parts = (record.get(k) for k in _KEY)
    return "/".join(f"{p}" for p in parts if p is not None)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a log; what a kill left torn at its end is not one."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(raw[: raw.rfind(b"\n") + 1].splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}:{number} is damaged ({error}): take that line out; it is made again") from error
        yield record


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what another run of the same plan would measure differently."""
    return {k: v for k, v in record.items() if k not in _TIMING}


def _digest(record: dict[str, Any]) -> bytes:
    """What a record says, in few bytes: a run may have millions of them."""
    return hashlib.blake2b(_line(_lasting(record)).encode(), digest_size=16).digest()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {path}: {error.strerror or error}; what was measured so far is kept")


def _line(record: dict[str, Any]) -> str:
    return json.dumps(finite(record), ensure_ascii=True, allow_nan=False)


def finite(value: Any) -> Any:
    """The same with null for what is not a finite number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    return value
