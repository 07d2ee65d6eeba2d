"""Random numbers by name: what a replica draws depends on its seed, the iteration and the purpose, on nothing else.

So a replica has the same draws alone and in a stack, before and after a kill, and at every learning rate.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def uniforms(count: int, *names: object) -> Tensor:
    """``count`` numbers in [0, 1), float64, on the CPU: the same for the same names on every machine."""
    digest = hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)
    return torch.rand(count, generator=generator, dtype=torch.float64)


def starts(count: int, room: int, *names: object) -> Tensor:
    """``count`` whole numbers in 0 .. ``room`` - 1, int64."""
    return (uniforms(count, *names) * room).long().clamp_(max=room - 1)
