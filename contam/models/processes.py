"""Several processes that train one model together, as ``accelerate launch`` or ``torchrun`` start them.

What such launchers say in the environment (WORLD_SIZE, RANK, LOCAL_RANK, the address of the first process) is all that
is read. Alone, nothing is set up and every function here does nothing. On a machine without GPUs ``accelerate launch``
starts several processes only through MPI; ``torchrun --nproc_per_node N`` does there what it does for GPUs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor

from contam.models.launched import count, rank

PATIENCE = timedelta(days=30)
"""The others wait while the first process writes and scores, which can take many hours."""


def placed(device: str) -> str:
    """The device of this process: each takes the GPU of its own number on its machine."""
    if count() == 1 or device not in ("auto", "cuda") or not torch.cuda.is_available():
        return device
    return f"cuda:{int(os.environ.get('LOCAL_RANK') or 0) % torch.cuda.device_count()}"


def meet(device: str) -> None:
    """Set up the connection where there are several and none is set up yet; ``device`` is what they compute on."""
    import torch.distributed as dist

    if count() == 1 or dist.is_initialized():
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    # Objects and orders go by gloo, so a CPU can wait without a GPU spinning.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)


def summed(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by their sums over all processes, in one message a type and device."""
    import torch.distributed as dist

    if count() == 1:
        return
    kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor)
    for some in kinds.values():
        flat = torch.cat([t.detach().reshape(-1) for t in some])
        dist.all_reduce(flat)
        start = 0
        for tensor in some:
            tensor.detach().copy_(flat[start : start + tensor.numel()].view(tensor.shape))
            start += tensor.numel()


def told(thing: Any) -> Any:
    """What the first process says; what the others give is not looked at."""
    import torch.distributed as dist

    if count() == 1:
        return thing
    held = [thing]
    dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
    return held[0]


def part(rows: int) -> slice:
    """Which rows of a batch are this process's: as equal as can be, possibly none."""
    mine, whole = rank(), count()
    return slice(rows * mine // whole, rows * (mine + 1) // whole)
