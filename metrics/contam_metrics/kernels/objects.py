"""Compiling a kernel to an object file that runs without numba. Imports numba; runs in a process of its own.

numba translates, and one optimisation of the whole kernel at the end is enough: the process sets NUMBA_OPT=0, so
that helpers are not optimised one by one first.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
from numba import njit, types

from contam_metrics.kernels.kernel import OPTIONS, Kernel
from contam_metrics.kernels.native import Argument, Code, target_machine

LIBC = {"memset", "memcpy", "memmove"}
"""The only functions outside that a stored kernel may call."""


class Refused(ValueError):
    """A kernel whose machine code would not stand alone."""


def compile_kernel(kernel: Kernel) -> Code:
    """The machine code of a kernel; `Refused` where it needs more than memory and arithmetic."""
    name = kernel.function.__name__
    options: dict[str, Any] = OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher: Any = njit(kernel.signature, **options)(kernel.function)
    ((signature, result),) = dispatcher.overloads.items()
    symbol = result.fndesc.llvm_func_name
    names = list(inspect.signature(kernel.function).parameters)
    arguments = tuple(_argument(n, t) for n, t in zip(names, result.signature.args))
    module = llvm.parse_assembly(dispatcher.inspect_llvm(signature))
    machine = target_machine()
    _optimise(module, symbol, machine)
    _check_parameters(name, module.get_function(symbol), arguments)
    _check_alone(name, module, symbol)
    return Code(name, symbol, arguments, _results(result.signature.return_type), machine.emit_object(module))


def _argument(name: str, kind: Any) -> Argument:
    if isinstance(kind, types.Array) and kind.layout == "C" and kind.aligned:
        return Argument(name, str(kind.dtype), kind.ndim, writeable=kind.mutable)
    if isinstance(kind, types.UniTuple) and isinstance(kind.dtype, types.Integer):
        return Argument(name, str(kind.dtype), count=kind.count)
    if isinstance(kind, (types.Integer, types.Boolean)):
        return Argument(name, str(kind))
    raise Refused(f"{name}: {kind} cannot be passed")


def _results(kind: Any) -> int:
    """How many int64 a kernel returns."""
    if kind == types.none:
        return 0
    if kind == types.int64:
        return 1
    if isinstance(kind, types.UniTuple) and kind.dtype == types.int64:
        return int(kind.count)
    raise Refused(f"{kind} cannot be returned")


def _optimise(module: Any, symbol: str, machine: Any) -> None:
    """Optimise for this machine, and drop everything that the one function does not use."""
    for item in (*module.functions, *module.global_variables):
        if not item.is_declaration and item.name != symbol:
            item.linkage = "internal"
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    llvm.create_pass_builder(machine, tuning).getModulePassManager().run(
        module, llvm.create_pass_builder(machine, tuning)
    )


def _check_parameters(name: str, function: Any, arguments: Sequence[Argument]) -> None:
    """Whether numba lays arguments out as `native` does."""
    found = [str(a.type) for a in function.arguments]
    widths = [0, 0, *(w for a in arguments for w in a.widths)]
    same = len(found) == len(widths) and all(
        kind == f"i{width}" if width else kind == "ptr" or kind.endswith("*") for kind, width in zip(found, widths)
    )
    if not same:
        raise Refused(f"{name} takes {', '.join(found)}")


def _check_alone(name: str, module: Any, symbol: str) -> None:
    """Whether the code refers to nothing that only this process has."""
    outside = [f.name for f in module.functions if f.is_declaration and not f.name.startswith("llvm.")]
    outside = [f for f in outside if f not in LIBC]
    outside += [g.name for g in module.global_variables if g.is_declaration or "numba.dynamic" in g.name]
    if outside:
        raise Refused(f"{name} needs {', '.join(outside)}")
    if "inttoptr" in str(module):
        raise Refused(f"{name} holds an address")
