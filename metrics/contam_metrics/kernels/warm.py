"""The first use on a machine compiles the kernels, which are kept in the store after that: is that still to come?

``python -m contam_metrics.kernels.warm MODULE...`` compiles some modules into the store.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

MODULES = tuple(f"contam_metrics.kernels.{m}" for m in ("cutting", "tables", "sketches", "repetition", "loops"))
PROCESSES = 2
_CRASHES = (-4, -6, -8, -11)
"""Ends by SIGILL, SIGABRT, SIGFPE, SIGSEGV: they would come again."""
_DONE: set[str] = set()
"""Modules that this process has had compiled."""


def compiled(modules: tuple[str, ...] = MODULES) -> bool:
    """Whether nothing is left to be compiled, as far as the files tell."""
    from contam_metrics.kernels import store

    kept = store.ready if store.usable() else _kept_by_numba
    return all(module in _DONE or kept(module) for module in modules)


def _kept_by_numba(module: str) -> bool:
    """Whether numba has kept kernels of a module, in its own folder or beside the source."""
    spec = find_spec(module)
    if spec is None or not spec.origin:
        return True
    source = Path(spec.origin)
    given = os.environ.get("NUMBA_CACHE_DIR")
    found = (
        Path(given).rglob(f"{source.stem}.*.nbi") if given else source.parent.glob(f"__pycache__/{source.stem}.*.nbi")
    )
    return any(file.stat().st_mtime >= source.stat().st_mtime for file in found)


def compile_all(extra: tuple[str, ...] = ()) -> None:
    """Compile the kernels of all modules (and of ``extra`` ones), and keep them."""
    from contam_metrics.kernels import store

    modules = (*MODULES, *extra)
    if store.usable():
        fill(tuple(m for m in modules if not store.ready(m)))
    for module in modules:
        _numba_kernels(module)
    _DONE.update(modules)


def _numba_kernels(module: str) -> None:
    """Compile with numba in this process what the store does not have."""
    from contam_metrics.kernels import store

    if not (store.usable() and store.read(module)):
        for kernel in _kernels_in(module):
            kernel.compiled()


def _kernels_in(module: str) -> list:
    from contam_metrics.kernels.kernel import Kernel

    return [k for k in vars(import_module(module)).values() if isinstance(k, Kernel)]


def fill(modules: tuple[str, ...]) -> None:
    """Compile modules into the store in processes of their own: this one never imports numba."""
    if not modules or not sys.executable:
        return
    running = []
    try:
        for share in _shares(modules):
            with suppress(OSError):
                running.append((_start(share), share))
        for process, _ in running:
            process.wait()
    finally:
        for process, _ in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    _note_crashes(running)


def _shares(modules: tuple[str, ...]) -> list[list[str]]:
    """The modules in about equal shares; the length of the source tells how long one takes."""

    def size(module: str) -> int:
        spec = find_spec(module)
        return Path(spec.origin).stat().st_size if spec and spec.origin else 0

    shares: list[list[str]] = [[] for _ in range(min(PROCESSES, os.cpu_count() or 1, len(modules)))]
    for module in sorted(modules, key=size, reverse=True):
        min(shares, key=lambda share: sum(map(size, share))).append(module)
    return shares


def _start(modules: Sequence[str]) -> subprocess.Popen:
    # Settings of numba would change the code; the paths are those of this process, wherever they come from.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {"NUMBA_OPT": "0", "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    command = [sys.executable, "-P", "-m", __name__, *modules]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment)


def _note_crashes(ended: Sequence[tuple[subprocess.Popen, list[str]]]) -> None:
    """A compiler that crashes is not asked again: the store says that there is nothing to be had."""
    from contam_metrics.kernels import store

    for process, modules in ended:
        if process.returncode in _CRASHES:
            for module in modules:
                if store.read(module) is None:
                    store.write(module, ())


def main(modules: Sequence[str]) -> None:
    """Compile the kernels of some modules into the store; none of a module where one cannot be stored."""
    import gc

    gc.disable()  # a short life: collecting takes longer than the memory is worth
    from contam_metrics.kernels import store
    from contam_metrics.kernels.native import load
    from contam_metrics.kernels.objects import compile_kernel

    for module in modules:
        try:
            codes = [compile_kernel(kernel) for kernel in _kernels_in(module)]
            load(codes)  # code that cannot be loaded ends this process, and is not stored
        except (ImportError, MemoryError, OSError):
            raise  # of this process, not of the code
        except Exception as error:
            print(f"{module}: {error}", file=sys.stderr)
            codes = []
        store.write(module, codes)


if __name__ == "__main__":
    main(sys.argv[1:])
