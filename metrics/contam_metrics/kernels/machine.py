"""Machine words for the kernels: wide byte comparisons, unaligned loads, bit counting, hash mixing."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX = np.uint64(0xD6E8FEB86659FD93)
BLOCK = 64


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """The address of ``array[index]`` for a one-dimensional array, without a bounds check."""
    structure = context.make_array(array_type)(context, builder, array)
    return builder.gep(structure.data, [index])


@intrinsic
def load64(typing: Any, array: Any, index: Any) -> Any:
    """Eight bytes of a uint8 array from ``index`` on, as a little-endian integer; any alignment."""
    signature = types.uint64(array, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = _pointer(context, builder, sig.args[0], args[0], args[1])
        place = builder.bitcast(place, ir.IntType(64).as_pointer())
        return builder.load(place, align=1)

    return signature, generate


@intrinsic
def prefetch(typing: Any, array: Any, index: Any) -> Any:
    """Have memory that is soon to be read fetched: the place of ``array[index]``, for arrays of any dimension the
    place in their flat order; nothing is read, so that a place outside does no harm."""
    signature = types.void(array, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.bitcast(_pointer(context, builder, sig.args[0], args[0], args[1]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(function, [place, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return signature, generate


def _vector(value: int) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(8), BLOCK), [value] * BLOCK)


@intrinsic
def block_masks(typing: Any, array: Any, index: Any) -> Any:
    """Of the 64 bytes from ``index`` on: bit masks of (ASCII letters, ASCII digits, non-ASCII, white, newline)."""
    signature = types.UniTuple(types.uint64, 5)(array, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = _pointer(context, builder, sig.args[0], args[0], args[1])
        vector = ir.VectorType(ir.IntType(8), BLOCK)
        block = builder.load(builder.bitcast(place, vector.as_pointer()), align=1)
        lowered = builder.or_(block, _vector(0x20))
        letters = builder.icmp_unsigned("<", builder.sub(lowered, _vector(ord("a"))), _vector(26))
        digits = builder.icmp_unsigned("<", builder.sub(block, _vector(ord("0"))), _vector(10))
        wide = builder.icmp_signed("<", block, _vector(0))
        controls = builder.icmp_unsigned("<", builder.sub(block, _vector(9)), _vector(5))
        separators = builder.icmp_unsigned("<", builder.sub(block, _vector(28)), _vector(5))
        white = builder.or_(controls, separators)
        newline = builder.icmp_unsigned("==", block, _vector(10))
        bits = ir.IntType(BLOCK)
        masks = [builder.bitcast(m, bits) for m in (letters, digits, wide, white, newline)]
        return cgutils.pack_array(builder, masks)

    return signature, generate


@intrinsic
def trailing_zeros(typing: Any, value: Any) -> Any:
    """Zero bits below the lowest set bit of a uint64; 64 for zero."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return signature, generate


@intrinsic
def leading_zeros(typing: Any, value: Any) -> Any:
    """Zero bits above the highest set bit of a uint64; 64 for zero."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return signature, generate


@intrinsic
def bit_count(typing: Any, value: Any) -> Any:
    """Set bits of a uint64."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return signature, generate


@njit(inline="always")
def mix(state: np.uint64, value: np.uint64) -> np.uint64:
    """One step of the hash: fold ``value`` into ``state``."""
    state = (state ^ value) * GOLDEN
    return state ^ (state >> np.uint64(32))


@njit(inline="always")
def finish(state: np.uint64) -> np.uint64:
    """The last step of the hash, so that every bit of the result depends on every bit before."""
    state = state * MIX
    state = state ^ (state >> np.uint64(29))
    state = state * GOLDEN
    return state ^ (state >> np.uint64(32))
