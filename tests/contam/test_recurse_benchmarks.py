"""The benchmarks of recursion run: the GPU script on a CPU, in small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import recurse_gpu

from contam.experiments.recurse.presets import PRESETS


def test_the_work_of_the_preset_is_the_presets():
    work, told = recurse_gpu.published(220.0), PRESETS["wang2024-33m"].settings
    assert work.stories == told["most_documents"] == 1_000_000
    assert (work.training.batch_size, work.training.epochs, work.writing.max_tokens) == (320, 3.0, 600)


def test_the_gpu_script_measures_a_share_and_extrapolates(capsys):
    recurse_gpu.main(["--tiny", "--share", "0.01", "--device", "cpu"])
    told = capsys.readouterr().out
    for part in ("training", "writing", "GPU"):
        assert part in told
