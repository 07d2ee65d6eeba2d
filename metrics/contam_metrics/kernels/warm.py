"""The first use on a machine compiles the kernels (they are kept on disk after that): is that still to be done?

``python -m contam_metrics.kernels.warm MODULE...`` compiles some modules, so that two processes can share the work.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

HEAVY = ("contam_metrics.kernels.cutting", "contam_metrics.kernels.tables", "contam_metrics.kernels.sketches")
OTHERS = ("contam_metrics.kernels.repetition", "contam_metrics.kernels.loops")


def compiled(modules: tuple[str, ...] = HEAVY + OTHERS) -> bool:
    """Whether compiled kernels of all modules lie in a cache; looks at file names, imports nothing heavy."""
    return all(_cached(module) for module in modules)


def _cached(module: str) -> bool:
    from numba.core.config import CACHE_DIR
    from numba.misc.appdirs import AppDirs

    spec = util.find_spec(module)
    if spec is None or spec.origin is None:
        return True
    source = Path(spec.origin)
    newest = source.stat().st_mtime
    # Beside the source, or where that cannot be written in the user's cache folder.
    root = Path(CACHE_DIR or AppDirs(appname="numba", appauthor=False).user_cache_dir)
    folders = [f for f in root.rglob("*") if f.is_dir()]
    if not CACHE_DIR:
        folders.append(source.parent / "__pycache__")
    found = [file for folder in folders for file in folder.glob(f"{source.stem}.*.nbi")]
    return bool(found) and max(file.stat().st_mtime for file in found) >= newest


def compile_all(extra: tuple[str, ...] = ()) -> None:
    """Compile all kernels (and ``extra`` modules), in two processes where that works, and load them."""
    modules = (*OTHERS, *extra)
    command = [sys.executable, "-m", "contam_metrics.kernels.warm", *modules]
    try:
        helper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        helper = None
    for module in HEAVY:
        import_module(module)
    if helper is not None:
        helper.wait()
    for module in modules:
        import_module(module)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        import_module(name)
