"""How a kernel is declared: a function, and the one signature that it is compiled for."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "_nrt": False}
"""Kernels raise nothing and own no memory, so their machine code needs nothing of Python or numba to run."""

_LOCK = threading.Lock()


class Kernel:
    """A function with the numba signature it is meant for.

    Calling it compiles it with numba (numba keeps the result on disk). `calls` has the way without numba.
    """

    def __init__(self, function: Callable[..., Any], signature: str) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.signature = signature
        self._compiled: Callable[..., Any] | None = None

    def compiled(self) -> Callable[..., Any]:
        """The function, compiled by numba in this process or an earlier one."""
        with _LOCK:
            if self._compiled is None:
                from numba import njit

                try:
                    self._compiled = njit(self.signature, cache=True, **OPTIONS)(self.function)
                except RuntimeError:  # no folder that numba can write to
                    self._compiled = njit(self.signature, **OPTIONS)(self.function)
            return self._compiled

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled()(*arguments)


def kernel(signature: str) -> Callable[[Callable[..., Any]], Kernel]:
    """Declare a kernel with its numba signature: arrays that are C-contiguous, integers, tuples of integers."""
    return lambda function: Kernel(function, signature)
