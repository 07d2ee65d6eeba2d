"""The safetensors files of a model's folder, checked before anything is read from them; pickles are never opened."""

from __future__ import annotations

import json
from pathlib import Path

from contam.errors import InputError

INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt")
NOT_WEIGHTS = ("training_args", "optimizer", "scheduler", "rng_state")
HEADER_LIMIT = 100_000_000
"""Bytes that the format allows for a header."""


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The safetensors files of a model's folder, none where there are none.

    Raises ``InputError`` for an index that names a missing file, and where it is unclear which files to take.
    """
    index = folder / INDEX
    if index.is_file():
        return _indexed(folder, index)
    if (folder / "model.safetensors").is_file():
        return (folder / "model.safetensors",)
    found = sorted(folder.glob("*.safetensors"))
    adapters = [p for p in found if p.name.startswith("adapter")]
    if adapters and len(adapters) == len(found):
        raise InputError(
            f"{folder}: {adapters[0].name} is an adapter, not a model; merge it into its model and save that"
        )
    found = [p for p in found if p not in adapters]
    if len(found) > 1:
        names = ", ".join(p.name for p in found[:3])
        raise InputError(
            f"{folder}: several files of weights ({names}) and no {INDEX} that says how they belong together"
        )
    return tuple(found)


def _indexed(folder: Path, index: Path) -> tuple[Path, ...]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise InputError(f"{index}: not readable as an index of safetensors files") from None
    odd = [n for n in names if Path(n).name != n]
    if odd:
        raise InputError(f"{index}: names {odd[0]!r}, which is not a file beside it")
    missing = [n for n in names if not (folder / n).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{folder}: {missing[0]}{more} of the {len(names)} files in {INDEX} missing; fetch them again")
    return tuple(folder / n for n in names)


def without_weights(files: list[str], source: str) -> str:
    """What to say of a model without safetensors."""
    pickled = [f for f in files if f.endswith(PICKLES) and not f.startswith(NOT_WEIGHTS)]
    if not pickled:
        return "no *.safetensors weights"
    return (
        f"the weights are pickled ({sorted(pickled)[0]}), which can run code when read; contam reads safetensors only. "
        f'To convert a model that you trust: python -c "from transformers import AutoModelForCausalLM as M, '
        f"AutoTokenizer as T; M.from_pretrained('{source}').save_pretrained('converted'); "
        f"T.from_pretrained('{source}').save_pretrained('converted')\""
    )


def check_header(path: Path) -> None:
    """Raises ``InputError`` where a safetensors file is cut off or no safetensors file at all.

    The layout: eight bytes of header length, little-endian; a JSON header of ``data_offsets``; the data.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 2 <= length <= min(HEADER_LIMIT, size - 8) else None
        if header is None:
            raise ValueError(path)
        end = max((v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"), default=0)
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise InputError(
            f"{path}: not a safetensors file, or damaged at its beginning; fetch it again{_pointer(path)}"
        ) from None
    if 8 + length + end != size:
        raise InputError(
            f"{path}: {size:,} bytes where its header says {8 + length + end:,}; damaged or cut off, fetch it again"
        )


def _pointer(path: Path) -> str:
    with path.open("rb") as file:
        lfs = file.read(40).startswith(b"version https://git-lfs")
    return " (it is a pointer of git-lfs: run git lfs pull)" if lfs else ""
