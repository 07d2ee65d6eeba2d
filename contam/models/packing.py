"""Matrices in the layout in which a CPU multiplies fastest: oneDNN's own, through the operators that torch's compiler
uses for weights that do not change. They are no public interface of torch, so they are tried first, on a small
product; where they are missing or wrong, nothing is packed.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

SMALLEST = 1 << 18
"""Elements below which packing gains nothing (measured: 128 by 512 does not, 768 by 768 does)."""
_ROWS = 100


def packed(matrix: Tensor) -> Tensor:
    """A matrix [in, out] in the packed layout, which only `multiply` understands."""
    out: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix.t().contiguous(), _ROWS)
    return out


def multiply(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """[N, in] times a packed matrix, plus [out]: [N, out]."""
    out: Tensor = torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")
    return out


@cache
def works(dtype: torch.dtype) -> bool:
    """Whether this torch can pack matrices of that type, and multiplies with them as it does without."""
    x, matrix, bias = torch.ones(3, 4), torch.arange(20.0).view(4, 5) / 8, torch.arange(5.0)
    try:
        with torch.no_grad():
            found = multiply(x.to(dtype), packed(matrix.to(dtype)), bias.to(dtype))
            alone = multiply(x.to(dtype), packed(matrix.to(dtype)), None)
    except (RuntimeError, AttributeError, TypeError, NotImplementedError):
        return False
    pairs = ((found, x @ matrix + bias), (alone, x @ matrix))
    return all(torch.allclose(one.float(), other, rtol=0.02) for one, other in pairs)
