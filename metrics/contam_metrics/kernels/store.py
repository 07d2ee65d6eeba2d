"""Compiled kernels on disk, so that only the first run on a machine imports numba.

A file holds the machine code of one module's kernels. Its name has a digest of everything that the code depends
on: the sources, the versions of numba, llvmlite and Python, and the processor. Files lie in CONTAM_CACHE_DIR, or
in the user's cache folder; where that cannot be written, and with CONTAM_KERNELS=numba, numba does it all.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contam_metrics.kernels.native import Argument, Code, load

_MAGIC = b"contam-kernels-1"
_KEPT = 8
"""Files of one module that stay: other versions and other processors on a shared disk."""
_LOCK = threading.RLock()
_LOADED: dict[str, dict[str, Callable[..., Any]]] = {}


def kernel(module: str, name: str) -> Callable[..., Any]:
    """A kernel of a module by its name; compiles the module where its kernels are not in the store."""
    with _LOCK:
        if module not in _LOADED:
            _LOADED[module] = _kernels(module)
        found = _LOADED[module].get(name)
    return found or getattr(import_module(module), name)


def _kernels(module: str) -> dict[str, Callable[..., Any]]:
    """The native kernels of a module; none where numba must do it."""
    if not usable():
        return {}
    codes = read(module)
    if codes is None:
        from contam_metrics.kernels import warm

        warm.fill((module,))
        codes = read(module)
    try:
        return dict(load(codes)) if codes else {}
    except Exception:  # a machine where the code cannot be loaded is served by numba
        return {}


def ready(module: str) -> bool:
    """Whether a module's kernels are in the store (or known not to be storable)."""
    return module in _LOADED or read(module) is not None


def usable() -> bool:
    """Whether kernels can be kept here: wanted, and a folder that can be written."""
    if os.environ.get("CONTAM_KERNELS", "").lower() == "numba" or sys.maxsize < 2**63 - 1:
        return False
    place = folder()
    if place is None:
        return False
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.access(place, os.W_OK | os.X_OK)
    return False


def folder() -> Path | None:
    """Where the files lie; None where there is no home."""
    if given := os.environ.get("CONTAM_CACHE_DIR"):
        return Path(given).expanduser() / "kernels"
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return Path(root) / "contam" / "kernels"


@cache
def _platform() -> bytes:
    """Digest of all that machine code depends on beside its source."""
    import llvmlite
    import llvmlite.binding as llvm

    numba = find_spec("numba")
    version = Path(numba.origin or "").with_name("_version.py") if numba else None
    parts = [
        sys.implementation.cache_tag or "", platform.machine(), llvm.get_process_triple(), llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(), llvmlite.__version__,
    ]  # fmt: skip
    found = version.read_bytes() if version and version.exists() else b""
    return hashlib.sha256("\n".join(parts).encode() + found).digest()


@cache
def sources(package: Path) -> bytes:
    """Digest of the modules in a folder."""
    return hashlib.sha256(
        b"".join(hashlib.sha256(p.read_bytes()).digest() for p in sorted(package.glob("*.py")))
    ).digest()


@cache
def file_of(module: str, place: Path) -> Path:
    """The file of a module's kernels, which may use helpers of this package and of their own: all sources count."""
    spec = find_spec(module)
    if spec is None or not spec.origin:
        raise ModuleNotFoundError(f"no kernels {module}")
    digest = hashlib.sha256(_MAGIC + _platform())
    for package in (Path(__file__).parent, Path(spec.origin).parent):
        digest.update(sources(package))
    return place / f"{module}-{digest.hexdigest()[:32]}.kernels"


def read(module: str) -> tuple[Code, ...] | None:
    """The stored kernels of a module: None where there is no whole file, empty where it says that none can be."""
    place = folder()
    if place is None:
        return None
    try:
        return decoded(file_of(module, place).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(module: str, codes: Iterable[Code]) -> None:
    """Store the kernels of a module, whole or not at all; nothing where the folder cannot be written."""
    place = folder()
    if place is None:
        return
    path = file_of(module, place)
    with suppress(OSError):
        handle, name = tempfile.mkstemp(dir=place, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(encoded(tuple(codes)))
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        _prune(path)


def _prune(path: Path) -> None:
    stem = path.name.partition("-")[0]
    files = sorted(path.parent.glob(f"{stem}-*.kernels"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in files[_KEPT:]:
        old.unlink(missing_ok=True)


def encoded(codes: tuple[Code, ...]) -> bytes:
    """A file's bytes: a mark, a digest of the rest, a head in JSON, the objects."""
    head = [asdict(code) | {"object": len(code.object)} for code in codes]
    body = json.dumps(head).encode() + b"\0" + b"".join(code.object for code in codes)
    return _MAGIC + hashlib.sha256(body).digest() + body


def decoded(data: bytes) -> tuple[Code, ...]:
    """The kernels of a file; ValueError where it is not whole."""
    mark, digest, body = data[: len(_MAGIC)], data[len(_MAGIC) : len(_MAGIC) + 32], data[len(_MAGIC) + 32 :]
    if mark != _MAGIC or hashlib.sha256(body).digest() != digest:
        raise ValueError("damaged file of kernels")
    head, _, objects = body.partition(b"\0")
    codes, start = [], 0
    for row in json.loads(head):
        end = start + row["object"]
        arguments = tuple(Argument(**a) for a in row["arguments"])
        codes.append(Code(row["name"], row["symbol"], arguments, row["results"], objects[start:end]))
        start = end
    return tuple(codes)
