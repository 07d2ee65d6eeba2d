"""Stored kernels give the same results as numba's, array by array."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from contam_metrics.batch import Batch
from contam_metrics.kernels import calls, store
from contam_metrics.kernels.kernel import Kernel
from contam_metrics.kernels.native import NativeKernel
from contam_metrics.streaming import METRICS
from contam_metrics.view import Scratch, View


def texts(seed: int) -> list[str]:
    """Documents of all sorts: empty, looped, with lines that come again, with wide characters and stray ones."""
    rng = random.Random(seed)
    words = ["the", "cat", "Ünï", "日本", "42", "naïve", "<unk>", "'", "\u200d", "x" * 70, "don't"]
    words += ["".join(rng.choices("abcdefgh", k=rng.randint(1, 9))) for _ in range(60)]
    documents = ["", " \n\n"]
    for _ in range(rng.randint(1, 25)):
        lines = [" ".join(rng.choices(words, k=rng.randint(0, 30))) for _ in range(rng.randint(1, 12))]
        lines += [*rng.choices(lines, k=rng.randint(0, 6)), lines[0] + " loop" * rng.choice([0, 0, 9, 800])]
        documents.append(rng.choice(["\n", "\n\n", " \r\n"]).join(lines))
    return documents


def compared(name: str, native: Callable[..., Any], numba: Callable[..., Any]) -> Callable[..., Any]:
    """A kernel that runs both ways on equal arrays, and holds them equal afterwards."""

    def call(*given: Any) -> Any:
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in given]
        result, expected = native(*given), numba(*copies)
        assert result == expected and type(result) is type(expected), name
        for mine, other in zip(given, copies):
            if isinstance(mine, np.ndarray):
                assert mine.tobytes() == other.tobytes(), name
        seen.add(name)
        return result

    return call


seen: set[str] = set()


def test_all_kernels_do_what_numba_does(monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.usable():
        pytest.skip("kernels cannot be stored here")
    for name, home in calls.HOMES.items():
        module = f"contam_metrics.kernels.{home}"
        native, numba = store.kernel(module, name), getattr(import_module(module), name)
        assert isinstance(native, NativeKernel) and isinstance(numba, Kernel)
        monkeypatch.setattr(calls, name, compared(name, native, numba), raising=False)
    scratch = Scratch()
    metrics = [metric() for metric in METRICS]
    for seed in range(40):
        view = View(Batch.of([t.encode("utf-8") + b"\xff\xc3" * (seed % 2) for t in texts(seed)]), scratch)
        for metric in metrics:
            metric.update(view)
    assert seen == set(calls.HOMES)
