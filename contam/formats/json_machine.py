"""Machine words for reading JSON: comparisons of 64 bytes at once, and copying while comparing."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 64
"""Bytes looked at together; blocks need as many zero bytes behind them, and so does the output."""


def _lanes(builder: Any, pointer: Any, position: Any) -> Any:
    """Pointer to the 64 bytes that begin ``position`` bytes behind ``pointer``."""
    lanes = ir.VectorType(ir.IntType(8), WIDTH)
    return builder.bitcast(builder.gep(pointer, [position]), lanes.as_pointer())


def _splat(value: int) -> Any:
    """A vector constant with ``value`` in every byte."""
    lanes = ir.VectorType(ir.IntType(8), WIDTH)
    return ir.Constant(lanes, [value] * WIDTH)


def _stops(builder: Any, lanes: Any) -> Any:
    """Bit mask of quotes, backslashes and control characters, and bit mask of bytes >= 0x80."""
    word = ir.IntType(64)
    stop = builder.or_(
        builder.or_(builder.icmp_unsigned("==", lanes, _splat(0x22)), builder.icmp_unsigned("==", lanes, _splat(0x5C))),
        builder.icmp_unsigned("<", lanes, _splat(0x20)),
    )
    high = builder.icmp_signed("<", lanes, _splat(0))
    return builder.bitcast(stop, word), builder.bitcast(high, word)


@intrinsic
def pointer(typing: Any, array: Any) -> Any:
    """Where a byte array begins: helpers take pointers, which compile and run faster than arrays."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(types.uint8)(array), generate


@intrinsic
def copy(typing: Any, data: Any, position: Any, out: Any, written: Any) -> Any:
    """Copies the 64 bytes at ``position`` to ``out`` at ``written``: their ``(stops, high)`` masks."""
    signature = types.UniTuple(types.uint64, 2)(data, types.int64, out, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        builder.store(lanes, _lanes(builder, args[2], args[3]), align=1)
        return cgutils.pack_array(builder, _stops(builder, lanes))

    return signature, generate


@intrinsic
def newlines(typing: Any, data: Any, position: Any) -> Any:
    """Mask of the newlines among the 64 bytes at ``position``."""
    signature = types.uint64(data, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        return builder.bitcast(builder.icmp_unsigned("==", lanes, _splat(0x0A)), ir.IntType(64))

    return signature, generate


@intrinsic
def high(typing: Any, data: Any, position: Any) -> Any:
    """Mask of the bytes >= 0x80 among the 64 at ``position``."""
    signature = types.uint64(data, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        return builder.bitcast(builder.icmp_signed("<", lanes, _splat(0)), ir.IntType(64))

    return signature, generate


@intrinsic
def first(typing: Any, mask: Any) -> Any:
    """Index of the lowest set bit; 64 for an empty mask."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate
