"""The state of a piece of work in progress as one file: tensors and facts, whole or not at all."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from contam.errors import InputError


def save_state(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
    """Tensors and facts as one file, whole or not at all; ``InputError`` where it cannot be written."""
    from safetensors.torch import save_file

    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, temporary, metadata={"contam": json.dumps(facts)})
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except Exception as error:  # safetensors raises its own class for a full disk
        with suppress(OSError):
            temporary.unlink()
        raise InputError(f"cannot write {path}: {error}; make room there and resume") from error


def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """What `save_state` wrote, None where there is none that can be read."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["contam"])
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118
    except Exception:  # missing, or damaged on the disk: the work begins anew
        return None
