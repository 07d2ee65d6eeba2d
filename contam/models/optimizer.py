"""AdamW for stacked replicas: each its own learning rate and its own clipping, torch's fused kernel on views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contam.models.network import Network


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """AdamW (Loshchilov & Hutter 2019): decay acts on tensors of two dimensions or more only."""

    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    epsilon: float = 1e-8


class Optimizer:
    """Steps every replica of a network; its state persists from step to step."""

    def __init__(self, network: Network, rates: list[float], settings: AdamSettings) -> None:
        self.network = network
        self.settings = settings
        groups: list[dict[str, Any]] = []
        self._named: list[dict[str, torch.nn.Parameter]] = []
        for replica, rate in enumerate(rates):
            named = network.masters(replica)
            self._named.append(named)
            wide = [p for p in named.values() if p.dim() >= 2]
            thin = [p for p in named.values() if p.dim() < 2]
            groups.append({"params": wide, "lr": rate, "weight_decay": settings.weight_decay})
            groups.append({"params": thin, "lr": rate, "weight_decay": 0.0})
        groups = [g for g in groups if g["params"]]
        self.adam = torch.optim.AdamW(groups, betas=settings.betas, eps=settings.epsilon, fused=True)

    def step(self, refresh: bool = True) -> Tensor:
        """One step with the gradients of the last backward pass; the norms before clipping, float32[R].

        ``refresh``: whether the compute copy is brought up to date too, which a run of steps needs once, at its end.
        """
        self.network.gather_gradients()
        norms = torch.stack([self._clip(named) for named in self._named])
        self.adam.step()
        self.network.clear_gradients()
        if refresh:
            self.network.refresh()
        return norms

    def _clip(self, named: dict[str, torch.nn.Parameter]) -> Tensor:
        limit = self.settings.clip
        return torch.nn.utils.clip_grad_norm_(list(named.values()), limit if limit > 0 else float("inf"), foreach=True)

    def state(self) -> dict[str, Tensor]:
        """Moments and step counts by ``replica.name.part``, for a checkpoint."""
        out = {}
        for r, named in enumerate(self._named):
            for name, parameter in named.items():
                for part, value in self.adam.state.get(parameter, {}).items():
                    out[f"{r}.{name}.{part}"] = value.detach().cpu().contiguous()
        return out

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a checkpoint."""
        for r, named in enumerate(self._named):
            for name, parameter in named.items():
                parts = ("step", "exp_avg", "exp_avg_sq")
                if f"{r}.{name}.step" in state:
                    place = parameter.device
                    self.adam.state[parameter] = {p: state[f"{r}.{name}.{p}"].clone().to(place) for p in parts}
