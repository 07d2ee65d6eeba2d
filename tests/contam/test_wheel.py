"""The wheel: three top-level packages, the entry point, the data files, the licence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from contam import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = builders.WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_three_top_level_names(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"contam", "contam_cli", "contam_metrics", f"contam-{__version__}.dist-info"}


def test_every_module_and_data_file_is_in_it(wheel):
    names = set(wheel.namelist())
    for folder in (ROOT / "contam", ROOT / "cli/contam_cli", ROOT / "metrics/contam_metrics"):
        for path in folder.rglob("*"):
            if path.suffix in (".py", ".npz", ".profile", ".json", ".typed", ".toml", ".yml", ".yaml"):
                assert path.relative_to(folder.parent).as_posix() in names


def test_nothing_compiled_on_this_machine_is_in_it(wheel):
    assert not [name for name in wheel.namelist() if name.endswith((".nbi", ".nbc", ".pyc", ".so"))]


def test_entry_point_and_licence(wheel):
    info = f"contam-{__version__}.dist-info"
    assert "contam = contam_cli.main:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert b"Apache License" in wheel.read(f"{info}/licenses/LICENSE")
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata and "Requires-Python: >=3.11" in metadata
