"""Calling machine code: objects made by `objects` are loaded by llvmlite and called without the GIL.

A kernel takes what numba's native functions take: a pointer for the result, one for an error, and its arguments
with arrays flattened to (owner, parent, entries, bytes of one, data, shape..., strides...). Wrong arrays would
be overwritten memory, so every argument is checked before the call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np

_INTEGERS = {
    "int8": ctypes.c_int8, "int16": ctypes.c_int16, "int32": ctypes.c_int32, "int64": ctypes.c_void_p,
    "uint8": ctypes.c_uint8, "uint16": ctypes.c_uint16, "uint32": ctypes.c_uint32, "uint64": ctypes.c_void_p,
    "bool": ctypes.c_int8,
}  # fmt: skip
"""Words of 64 bits go as pointers, which ctypes passes twice as fast."""
_BUFFER: Any = ctypes.c_char * 0
"""The quickest way to the address of a writeable array, also of an empty one."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What a kernel takes at one place: an array of ``ndim`` dimensions, or ``count`` integers where that is 0."""

    name: str
    dtype: str
    ndim: int = 0
    count: int = 1
    writeable: bool = False

    @property
    def widths(self) -> list[int]:
        """Bits of the machine arguments it becomes; 0 for a pointer."""
        if not self.ndim:
            return [8 * ctypes.sizeof(_INTEGERS[self.dtype])] * self.count
        return [0, 0, 64, 64, 0, *[64] * (2 * self.ndim)]

    @property
    def types(self) -> list[Any]:
        """The same as ctypes."""
        if not self.ndim:
            return [_INTEGERS[self.dtype]] * self.count
        return [ctypes.c_void_p] * len(self.widths)


@dataclass(frozen=True, slots=True)
class Code:
    """A compiled kernel: its object file, the function in it, its arguments, and how many int64 it returns."""

    name: str
    symbol: str
    arguments: tuple[Argument, ...]
    results: int
    object: bytes


def _array_checker(kernel: str, argument: Argument) -> Callable[[Any], Sequence[Any]]:
    dtype, ndim, writeable = np.dtype(argument.dtype), argument.ndim, argument.writeable

    def machine_arguments(array: Any) -> Sequence[Any]:
        if type(array) is not np.ndarray or array.dtype != dtype or array.ndim != ndim:
            raise TypeError(_wanted(kernel, argument, array))
        flags = array.flags
        if flags.carray:
            data = ctypes.addressof(_BUFFER.from_buffer(array))
        elif not writeable and flags.c_contiguous and flags.aligned:
            data = array.ctypes.data
        else:
            raise TypeError(_wanted(kernel, argument, array))
        return None, None, array.size, array.itemsize, data, *array.shape, *array.strides

    return machine_arguments


def _integer_checker(kernel: str, argument: Argument) -> Callable[[Any], Sequence[Any]]:
    if argument.dtype == "bool":
        low, high = 0, 1
    else:
        bounds = np.iinfo(argument.dtype)
        low, high = int(bounds.min), int(bounds.max)

    def checked(given: Any) -> int:
        try:
            value = int(given) if isinstance(given, np.bool_) and high == 1 else index(given)
        except TypeError:
            raise TypeError(_wanted(kernel, argument, given)) from None
        if not low <= value <= high:
            raise OverflowError(_wanted(kernel, argument, given))
        return value

    def several(given: Any) -> Sequence[int]:
        if not isinstance(given, tuple) or len(given) != argument.count:
            raise TypeError(_wanted(kernel, argument, given))
        return [checked(value) for value in given]

    return (lambda given: (checked(given),)) if argument.count == 1 else several


def _wanted(kernel: str, argument: Argument, given: Any) -> str:
    if argument.ndim:
        order = "C-contiguous, writeable" if argument.writeable else "C-contiguous"
        wanted = f"a {order} {argument.dtype} array of {argument.ndim} dimension{'s' if argument.ndim > 1 else ''}"
    else:
        wanted = f"{argument.dtype}" if argument.count == 1 else f"a tuple of {argument.count} {argument.dtype}"
    if isinstance(given, np.ndarray):
        flags = ", ".join(f for f in ("c_contiguous", "writeable") if getattr(given.flags, f)) or "neither"
        found = f"{type(given).__name__} of {given.dtype}, {given.ndim} dimensions ({flags})"
    else:
        found = f"{type(given).__name__} {given!r:.40}"
    return f"kernel {kernel}: {argument.name} must be {wanted}, not {found}"


class NativeKernel:
    """A kernel in memory; positional arguments only. TypeError where one is not what it was compiled for."""

    def __init__(self, code: Code, address: int, owner: object) -> None:
        self.__name__ = code.name
        self._owner = owner
        makers = (_array_checker if a.ndim else _integer_checker for a in code.arguments)
        self._checkers = [make(code.name, a) for make, a in zip(makers, code.arguments)]
        types = [ctypes.c_void_p, ctypes.c_void_p, *(t for a in code.arguments for t in a.types)]
        self._function = ctypes.CFUNCTYPE(ctypes.c_int32, *types)(address)
        self._results = code.results
        self._buffer = ctypes.c_int64 * max(1, code.results)

    def __call__(self, *arguments: Any) -> Any:
        """``arguments`` holds the arrays, so they outlive the call."""
        if len(arguments) != len(self._checkers):
            raise TypeError(f"kernel {self.__name__}: {len(self._checkers)} arguments, not {len(arguments)}")
        result, error = self._buffer(), ctypes.c_void_p()
        machine: list[Any] = [ctypes.addressof(result), ctypes.addressof(error)]
        for check, argument in zip(self._checkers, arguments):
            machine += check(argument)
        status = self._function(*machine)
        if status:
            raise RuntimeError(f"kernel {self.__name__} failed with status {status}")
        if self._results == 1:
            return result[0]
        return tuple(result) if self._results else None


def target_machine(level: int = 3) -> Any:
    """Code generation for this very processor."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=level,
        reloc="default", codemodel="jitdefault", jit=True,
    )  # fmt: skip


def load(codes: Sequence[Code]) -> dict[str, NativeKernel]:
    """The kernels, ready to be called."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
    objects = [llvm.ObjectFileRef.from_data(code.object) for code in codes]
    for item in objects:
        engine.add_object_file(item)
    engine.finalize_object()
    owner = (engine, objects, codes)
    return {c.name: NativeKernel(c, _address(engine, c.symbol), owner) for c in codes}


def _address(engine: Any, symbol: str) -> int:
    address = engine.get_function_address(symbol)
    if not address:
        raise ValueError(f"no function {symbol} in its object")
    return int(address)
