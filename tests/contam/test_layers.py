"""Three floors: imports point down only, and heavy packages are imported where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = {"contam_metrics": ROOT / "metrics/contam_metrics", "contam": ROOT / "contam"}
FLOORS["contam_cli"] = ROOT / "cli/contam_cli"
BELOW = {
    "contam_metrics": {"contam_metrics"},
    "contam": {"contam_metrics", "contam"},
    "contam_cli": {"contam_metrics", "contam", "contam_cli"},
}
ON_USE = {"torch", "transformers", "datasets", "sklearn", "scipy", "nltk", "ray", "matplotlib", "fsspec"}
NOT_ON_GROUND = {"click", "rich", "pyarrow", "zstandard"}
ENTRY = "contam/__main__.py"
"""``python -m contam`` is the command itself: the one module of its floor that nothing imports, and may look up."""


TORCH_CODE = (
    "contam/models/", "contam/experiments/", "contam/probing/", "contam/perplexity/", "contam/monitoring/",
    "contam/mixing/dose/neural_proxy.py",
)  # fmt: skip
"""Where modules are that compute with torch: they import it on top, and whoever uses them imports them on use."""
CALLBACK = "contam/monitoring/callback.py"
"""The one module with a class derived from one of transformers'."""


def modules() -> list[tuple[str, Path]]:
    found = [(floor, path) for floor, folder in FLOORS.items() for path in sorted(folder.rglob("*.py"))]
    assert len(found) > 20
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def at_import(tree: ast.Module) -> ast.Module:
    """What runs when a module is imported: no function bodies, nothing for type checkers."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node):
            return ast.Pass()

        visit_AsyncFunctionDef = visit_FunctionDef

        def visit_If(self, node):
            return ast.Pass() if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    return Strip().visit(tree)


@pytest.mark.parametrize(("floor", "path"), modules(), ids=lambda x: getattr(x, "stem", x))
def test_imports_point_down(floor, path):
    used = set(imports(ast.parse(path.read_text(encoding="utf-8"))))
    above = {"contam_cli"} if path.relative_to(ROOT).as_posix() == ENTRY else set()
    assert used & set(FLOORS) <= BELOW[floor] | above


@pytest.mark.parametrize(("floor", "path"), modules(), ids=lambda x: getattr(x, "stem", x))
def test_heavy_packages_wait_for_their_use(floor, path):
    used = set(imports(at_import(ast.parse(path.read_text(encoding="utf-8")))))
    place = path.relative_to(ROOT).as_posix()
    allowed = {"torch", "transformers"} if place == CALLBACK else {"torch"}
    assert used & ON_USE <= (allowed if place.startswith(TORCH_CODE) else set())
    if floor == "contam_metrics":
        assert not used & NOT_ON_GROUND


START = """
import sys
from contam_cli.main import run
run(["selftrain", "--help"])
import contam.experiments.selftrain.setup, contam.experiments.selftrain.options, contam_cli.live
print([name for name in %r if name in sys.modules], file=sys.stderr)
"""


def test_what_looks_a_run_up_does_not_import_torch():
    """A model that is not there must be told within a second; importing torch alone takes longer."""
    told = subprocess.run([sys.executable, "-c", START % sorted(ON_USE)], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "[]"


def test_no_module_sits_outside_the_floors():
    tops = {path.name for folder in ("metrics", "cli") for path in (ROOT / folder).iterdir()}
    assert tops - {"__pycache__"} == {"contam_metrics", "contam_cli"}
