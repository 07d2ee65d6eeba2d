"""Only the first audit on a machine compiles; the next ones do not even import the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUDIT = """
import json, sys
from contam_cli.main import run
code = run(["audit", sys.argv[1], "--format", "json", "--quiet", "--allow-insufficient"])
print(code, sorted({"numba", "numpy"} & set(sys.modules)), file=sys.stderr)
"""


def audit(path: Path, environment: dict[str, str]) -> tuple[str, str]:
    """(the figures, the last line of the other stream) of an audit in a process of its own."""
    command = [sys.executable, "-c", AUDIT, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout, done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_the_second_audit_does_without_numba(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"Line {i} has the words of {i * i} and a few more, 東京.\n" for i in range(3000)))
    environment = {k: v for k, v in os.environ.items() if k != "CONTAM_KERNELS"}
    environment["CONTAM_CACHE_DIR"] = str(tmp_path / "cache")
    (first, _), (second, modules) = audit(path, environment), audit(path, environment)
    assert modules == "0 ['numpy']" and len(list((tmp_path / "cache" / "kernels").glob("*.kernels"))) >= 5
    (third, modules) = audit(path, environment | {"CONTAM_KERNELS": "numba"})
    assert modules == "0 ['numba', 'numpy']"
    assert figures(first) == figures(second) == figures(third)


def figures(report: str) -> list[str]:
    """A report without the time it took."""
    return [line for line in report.splitlines() if "second" not in line]
