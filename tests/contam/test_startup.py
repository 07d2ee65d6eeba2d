"""What starting up may import: modules, not seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "datasets", "sklearn", "scipy", "nltk", "pandas", "matplotlib"}
KERNELS = {"numpy", "numba", "llvmlite", "pyarrow"}


def imported(code: str) -> set[str]:
    """The top-level modules that are there after a piece of code ran in a fresh interpreter."""
    tail = "\nimport sys; print('\\n' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["audit", "--help"], ["adit"]])
def test_help_imports_no_numbers(args):
    found = imported(f"from contam_cli.main import run\nrun({args!r})")
    assert "click" in found and not found & (HEAVY | KERNELS)


def test_importing_contam_imports_nothing_heavy():
    found = imported("import contam\nprint(contam.__version__, contam.Level.HEALTHY, dir(contam))")
    assert not found & (HEAVY | KERNELS | {"rich", "click"})


def test_rules_and_reports_need_no_kernels():
    found = imported("from contam_cli.main import run\nrun(['rule'])")
    assert "rich" in found and not found & (HEAVY | {"numba", "pyarrow"})


def test_every_public_name_is_there():
    import contam

    for name in contam.__all__:
        assert getattr(contam, name) is not None
    with pytest.raises(AttributeError, match="no_such"):
        _ = contam.no_such
