"""The benchmarks of self-training: the eager loop does the same work as the one it is measured against; they run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import eager  # noqa: E402
import selftrain  # noqa: E402
import selftrain_gpu  # noqa: E402

from contam.models import gpt2  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.stacked import stack  # noqa: E402


@pytest.fixture
def case():
    return selftrain.case_of("quick", rates=(1e-2,), seeds=1, tokens=40, block=12, eval_windows=3)


@pytest.fixture
def loop(case):
    return eager.Eager(case.config, case.weights, 1e-2, case.options, Device())


def test_both_loops_compute_the_same_model(case, loop) -> None:
    network = gpt2.GPT2(case.config, stack([case.weights]), Device())
    ids = torch.randint(0, 512, (1, 1, 13), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(loop.loss(ids[0]), network.losses(ids).mean(), atol=1e-5)
    assert torch.allclose(loop.model(ids[0], last=True)[:, 0], network.last(ids)[0], atol=1e-5)


def test_both_loops_take_the_same_step(case, loop) -> None:
    ours = selftrain.Ours(case, Device())
    text = selftrain.Text(np.arange(13), "")  # one window only: there is nothing to draw
    assert loop.step(text.stream) == pytest.approx(ours.group._steps([text], ours.names)["step_loss"][0], abs=1e-5)
    trained = ours.group.network.masters(0)["wte.weight"]
    assert torch.allclose(loop.model.wte.weight, trained, atol=1e-5)
    assert not torch.allclose(trained, case.weights["wte.weight"], atol=1e-3)


def test_the_eager_loop_samples_among_the_likeliest(case, loop) -> None:
    """As many tokens as asked for, none of a token's outside the top k of the window before it."""
    ids = loop.generate((3,), 30)
    assert len(ids) == 31
    for end in (5, 20, 30):
        window = torch.from_numpy(ids[max(0, end - 12) : end]).unsqueeze(0)
        likeliest = loop.model(window)[0, -1].topk(case.options.top_k).indices
        assert ids[end] in likeliest


def test_an_iteration_is_the_sum_of_its_parts(case) -> None:
    counts = case.counts(1)
    assert counts["growing token"] + counts["sliding token"] == case.options.tokens == 40
    assert counts["growing token"] == 12  # contexts of 1 to 12 tokens
    assert counts["evaluation window"] == 3 * 2
    assert case.counts(0.5)["sliding token"] == 14
    small = selftrain.measured(selftrain.Plain(case, Device()), selftrain.Way())
    assert set(selftrain.UNITS) | {"iteration, computed", "iteration, measured"} == set(small)
    assert small["iteration, computed"] == pytest.approx(sum(small[k] * n for k, n in counts.items()))


@pytest.mark.parametrize("part", ["sliding token", "evaluation"])
def test_the_work_of_a_window_is_counted_right(part) -> None:
    """Against torch's own counter of operations, which does not see attention on a CPU (4 T^2 width a layer)."""
    from torch.utils.flop_counter import FlopCounterMode

    case = selftrain.case_of("quick", block=20, tokens=30, rates=(1e-3, 2e-3), eval_windows=4)
    network = selftrain.Ours(case, Device()).group.network
    ids = torch.zeros((case.replicas, 1, 21), dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        network.score(ids) if part == "evaluation" else network.last(ids[:, :, 1:])
    windows = case.counts(1)["evaluation window"] if part == "evaluation" else 1
    attention = case.replicas * 4 * 20**2 * 32 * 2
    assert counter.get_total_flops() == selftrain_gpu.work_of(case, Device())[part][0] / windows - attention


def test_the_stand_in_tokenizer_comes_back() -> None:
    numbers = selftrain.Numbers()
    assert numbers.encode(numbers.decode([5, 0, 50256])) == [5, 0, 50256]


def test_the_cpu_benchmark_prints_its_tables(capsys) -> None:
    selftrain.main(["--quick", "--replicas", "1", "3"])
    out = capsys.readouterr().out
    assert out.count("| iteration, measured | 1 |") == 2
    assert re.search(r"\| sliding token \| 44 \| [\d.]+ \| [\d.]+ \| [\d.]+ \([\d.]+-[\d.]+\) \|", out)


@pytest.mark.slow
def test_the_gpu_benchmark_runs_without_a_gpu(capsys) -> None:
    selftrain_gpu.main(["--device", "cpu", "--shape", "quick", "--iterations", "1", "--replicas", "2"])
    out = capsys.readouterr().out
    for precision in ("bf16", "fp32"):
        assert re.search(rf"\| contam {precision} \| 2 \| [\d.]+ ", out)
        assert f"| eager {precision} | 2 |" in out
