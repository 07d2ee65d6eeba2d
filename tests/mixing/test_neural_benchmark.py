"""The benchmark of the neural dose-response runs in small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import neural_doses

from contam.mixing.dose import neural_proxy


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_tables_of_both_designs_and_of_the_speed(capsys, monkeypatch):
    monkeypatch.setattr(neural_proxy, "OUTPUT", 500)
    monkeypatch.setattr(neural_proxy, "STREAM", 64)
    neural_doses.main(["--tiny", "--kind", "generation 3", "--device", "cpu"])
    told = capsys.readouterr().out
    assert "### generation 3: N 3,000" in told and "another human half" not in told
    for part in ("| fixed-total: share |", "| fixed-real: share |", "| written at share |", "| replicas |"):
        assert part in told
