"""Stored kernels: compiled once, checked when called, and numba wherever the store cannot serve."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contam_metrics.kernels import calls, store, warm
from contam_metrics.kernels.kernel import Kernel
from contam_metrics.kernels.native import NativeKernel

SOURCE = """
from __future__ import annotations
import math
from numba import njit
from contam_metrics.kernels.kernel import kernel

@njit
def _twice(value):
    return 2 * value

@kernel("int64(int64[::1])")
def total(values):
    result = 0
    for i in range(len(values)):
        result += _twice(values[i])
    return result

@kernel("UniTuple(int64, 2)(Array(uint8, 2, 'C', readonly=True), UniTuple(int64, 3), boolean, int32, uint64)")
def kinds(data, three, flag, small, large):
    total = 0
    for i in range(data.shape[0]):
        for j in range(data.shape[1]):
            total += data[i, j] * (i + 1)
    return total + three[0] - three[1] * three[2], small if flag else large >> 60

@kernel("void(float64[::1])")
def negate(values):
    for i in range(len(values)):
        values[i] = -values[i]
"""
OUTSIDE = """
import math
from contam_metrics.kernels.kernel import kernel

@kernel("void(float64[::1])")
def gammas(values):
    for i in range(len(values)):
        values[i] = math.gamma(values[i])
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Makes a module of kernels, with an empty store of its own."""
    monkeypatch.setenv("CONTAM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("CONTAM_KERNELS", raising=False)
    monkeypatch.setattr(store, "_LOADED", {})
    monkeypatch.syspath_prepend(str(tmp_path))
    clear()

    def make(source: str) -> str:
        name = f"small_kernels_{abs(hash((source, str(tmp_path)))) % 10**8}"
        (tmp_path / f"{name}.py").write_text(source)
        made.append(name)
        return name

    made: list[str] = []
    yield make
    for name in made:
        sys.modules.pop(name, None)
    clear()


def clear() -> None:
    """Forget which files belong to which sources."""
    store.file_of.cache_clear()
    store.sources.cache_clear()


def stored_file(name: str) -> Path:
    place = store.folder()
    assert place is not None
    return store.file_of(name, place)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a new process would know: nothing."""
    monkeypatch.setattr(store, "_LOADED", {})


def test_the_first_use_compiles_and_the_next_reads(
    module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(SOURCE)
    assert not warm.compiled((name,))
    first = store.kernel(name, "total")
    assert isinstance(first, NativeKernel) and first(np.arange(5)) == 20
    assert name not in sys.modules  # compiled elsewhere
    forget(monkeypatch)
    monkeypatch.setattr(warm, "fill", lambda modules: pytest.fail("compiled again"))
    assert warm.compiled((name,)) and store.kernel(name, "total")(np.arange(6)) == 30


def test_arguments_and_results_of_every_kind(module: Callable[[str], str]) -> None:
    name = module(SOURCE)
    kinds = store.kernel(name, "kinds")
    data = np.arange(6, dtype=np.uint8).reshape(2, 3)
    data.flags.writeable = False
    numba = import_module(name).kinds
    for given in [
        (data, (7, 2, -3), True, -5, 1),
        (data[:0], (1, 1, 1), np.True_, 3, 2),
        (data, (-1, 0, 0), False, 0, 2**64 - 1),
    ]:
        assert kinds(*given) == numba(*given)
    values = np.array([1.5, -2.0])
    assert store.kernel(name, "negate")(values) is None and values.tolist() == [-1.5, 2.0]
    assert store.kernel(name, "total")(np.zeros(0, np.int64)) == 0


def test_wrong_arguments_are_named(module: Callable[[str], str]) -> None:
    name = module(SOURCE)
    total, kinds = store.kernel(name, "total"), store.kernel(name, "kinds")
    frozen = np.arange(4)
    frozen.flags.writeable = False
    shifted = np.frombuffer(b"\0" * 41, np.uint8)[1:].view(np.int64)
    wrong = [np.arange(4, dtype=np.int32), np.arange(4.0), np.zeros((2, 2), np.int64), np.arange(8)[::2], frozen]
    wrong += [shifted, np.arange(4, dtype=">i8"), [1, 2], None, np.arange(4).view(np.recarray)]
    for given in wrong:
        with pytest.raises(TypeError, match=r"kernel total: values must be a C-contiguous, writeable int64 array"):
            total(given)
    with pytest.raises(TypeError, match="kernel total: 1 arguments, not 2"):
        total(np.arange(4), 1)
    data = np.zeros((2, 3), np.uint8)
    for error, given, named in [
        (TypeError, (data, (1, 2), True, 0, 0), "three must be a tuple of 3 int64"),
        (TypeError, (data, [1, 2, 3], True, 0, 0), "three must be a tuple of 3 int64"),
        (TypeError, (data, (1, 2, 3.5), True, 0, 0), "three"),
        (OverflowError, (data, (1, 2, 3), 2, 0, 0), "flag must be bool"),
        (OverflowError, (data, (1, 2, 3), True, 2**31, 0), "small must be int32"),
        (OverflowError, (data, (1, 2, 3), True, 0, -1), "large must be uint64"),
        (TypeError, (data, (1, 2, 3), True, 0, "7"), "large must be uint64"),
    ]:
        with pytest.raises(error, match=f"kernel kinds: .*{named}"):
            kinds(*given)


def test_a_damaged_file_is_written_anew(module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = module(SOURCE)
    store.kernel(name, "total")
    whole = stored_file(name).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:-9] + bytes(9), b"x" + whole, whole + b"x"):
        stored_file(name).write_bytes(damaged)
        assert store.read(name) is None
    forget(monkeypatch)
    assert not warm.compiled((name,))
    assert store.kernel(name, "total")(np.arange(5)) == 20
    assert stored_file(name).read_bytes() == whole and len(list(stored_file(name).parent.iterdir())) == 1


def test_without_a_folder_numba_serves(
    module: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(SOURCE)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONTAM_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(warm, "fill", lambda modules: pytest.fail("nothing can be stored"))
    total = store.kernel(name, "total")
    assert isinstance(total, Kernel) and total(np.arange(5)) == 20


def test_numba_serves_without_any_folder(
    module: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba.core import caching

    def nowhere(self: Any, function: Any) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    name = module(SOURCE)
    monkeypatch.setenv("CONTAM_KERNELS", "numba")
    monkeypatch.setattr(caching.FunctionCache, "__init__", nowhere)
    assert store.kernel(name, "total")(np.arange(5)) == 20


def test_numba_on_demand(module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = module(SOURCE)
    monkeypatch.setenv("CONTAM_KERNELS", "numba")
    total = store.kernel(name, "total")
    assert isinstance(total, Kernel) and not warm.compiled((name,)) and total(np.arange(5)) == 20
    place = store.folder()
    assert place is not None and not place.exists()
    assert warm.compiled((name,))  # numba has kept it


def test_code_that_does_not_stand_alone_is_refused(
    module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = module(OUTSIDE)
    gammas = store.kernel(name, "gammas")
    values = np.array([5.0])
    gammas(values)
    assert isinstance(gammas, Kernel) and values.tolist() == [24.0]
    forget(monkeypatch)
    monkeypatch.setattr(warm, "fill", lambda modules: pytest.fail("asked again"))
    assert store.read(name) == () and isinstance(store.kernel(name, "gammas"), Kernel)


def test_a_change_of_the_source_is_another_file(module: Callable[[str], str], tmp_path: Path) -> None:
    name = module(SOURCE)
    found = {stored_file(name)}
    (tmp_path / f"{name}.py").write_text(SOURCE.replace("2 * value", "3 * value"))
    clear()
    found.add(stored_file(name))
    (tmp_path / "helpers.py").write_text("")
    clear()
    found.add(stored_file(name))
    assert len(found) == 3


def test_only_some_files_of_a_module_stay(module: Callable[[str], str]) -> None:
    name = module(SOURCE)
    store.kernel(name, "total")
    path = stored_file(name)
    for i in range(20):
        path.with_name(f"{path.name.partition('-')[0]}-{i}.kernels").write_bytes(b"")
    codes = store.read(name)
    assert codes
    store.write(name, codes)
    assert path.exists() and len(list(path.parent.iterdir())) == 8


def test_threads_may_ask_and_call_at_once(module: Callable[[str], str]) -> None:
    name = module(SOURCE)

    def work(seed: int) -> bool:
        values = np.random.default_rng(seed).integers(-(10**6), 10**6, 20_000)
        expected = 2 * int(values.sum())
        return all(store.kernel(name, "total")(values) == expected for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(32)))


def test_two_may_compile_at_once(module: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = module(SOURCE)
    assert store.usable()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(warm.fill, [(name,), (name,)]))
    assert len(list(stored_file(name).parent.iterdir())) == 1
    assert store.kernel(name, "total")(np.arange(5)) == 20


def test_no_kernel_of_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no kernel cut_everything"):
        _ = calls.cut_everything
