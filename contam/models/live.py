"""A network around a module that somebody is training: read, never changed.

Whoever measures in the middle of a training loop must leave no trace in it: the modules' training flags, torch's random
numbers and the gradients are afterwards as they were, and transformers keeps quiet.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from contam.errors import InputError
from contam.models.anything import Anything, quiet, shape_of
from contam.models.network import Device

_WRAPPERS = (("_orig_mod", "a compiled module"), ("module", "a module in DistributedDataParallel"))
_SPREAD = ("FullyShardedDataParallel", "FSDPModule")


class Live(Anything):
    """One replica whose weights are the module's own, on its device and in its types; for `resting` alone."""

    def __init__(self, module: Any) -> None:
        """``InputError`` where the module is not a causal language model as transformers makes them."""
        module = unwrapped(module)
        embeddings = getattr(module, "get_input_embeddings", lambda: None)()
        if getattr(module, "config", None) is None or embeddings is None:
            raise InputError(
                f"{type(module).__name__} cannot be sampled: expected a causal language model of transformers "
                "(with a config, get_input_embeddings() and logits)"
            )
        if spread(module):
            raise InputError(
                "the weights are spread over several processes (FSDP, ZeRO-3), so one of them cannot write text; "
                "check saved checkpoints instead"
            )
        self.device = Device(str(embeddings.weight.device))
        self.programs: dict[Any, Any] = {}
        self.replicas = 1
        self.shape = shape_of(module, {"model_type": getattr(module.config, "model_type", type(module).__name__)})
        self.modules = self._copies = [module]
        self._keeps = "logits_to_keep" in inspect.signature(module.forward).parameters


def unwrapped(module: Any) -> Any:
    """What was wrapped for compiling or for several processes."""
    for name, _ in _WRAPPERS:
        inner = getattr(module, name, None)
        if isinstance(inner, torch.nn.Module) and not hasattr(module, "get_input_embeddings"):
            return unwrapped(inner)
    return getattr(module, "_orig_mod", module)


def spread(module: torch.nn.Module) -> bool:
    """Whether this process holds only parts of the weights."""
    parts = (hasattr(p, "ds_id") or type(p).__name__ == "DTensor" for p in module.parameters())
    return any(parts) or any(base.__name__ in _SPREAD for m in module.modules() for base in type(m).__mro__)


@contextmanager
def resting(module: torch.nn.Module) -> Iterator[Live]:
    """The network of a module in evaluation mode, without gradients; afterwards all is as it was before.

    Raises ``InputError`` where the module cannot be sampled.
    """
    modes = [(m, m.training) for m in module.modules()]
    cuda = sorted({p.device.index for p in module.parameters() if p.is_cuda})
    with torch.random.fork_rng(devices=cuda), torch.no_grad(), quiet():
        try:
            module.eval()
            yield Live(module)
        finally:
            for one, mode in modes:
                one.training = mode
