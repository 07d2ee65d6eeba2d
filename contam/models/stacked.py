"""Replicas of one decoder-only transformer, stacked into one program: every weight has the replica as first dimension.

An architecture says how to embed, how to make queries, keys and values, what follows attention, and the head;
this module does the rest: whole windows, the last position alone, the cache, the losses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from contam.models.network import Device, Shape, piece_size, pieces
from contam.models.packing import SMALLEST, multiply, packed, works

ROWS_CPU, ROWS_GPU = 1 << 22, 1 << 28
"""Logits held at a time when scoring (number of float32); few on a CPU, where they should stay in its cache."""
COLUMNS = 4096
"""Pieces of the vocabulary that a CPU scores at a time."""
TOKENS_CPU, TOKENS_GPU = 2048, 1 << 14
"""Tokens that go through the layers at a time where logits are asked for in chunks."""

Weights = dict[str, Tensor]
"""Weights by name, [R, ...]; matrices are [R, in, out]."""


Places = tuple[int, int, int | Tensor]
"""B, T, and the position of the first token: a number, or a tensor on the device (one for all texts, or int64[B])."""


@dataclass(slots=True)
class Cache:
    """Keys and values of the tokens so far: per layer [R*B, heads, room, head width], and how many are filled."""

    keys: list[Tensor]
    values: list[Tensor]
    room: int
    length: int = 0


@dataclass(slots=True)
class Compute:
    """The weights as they are multiplied: compute type, the last layer's query apart from its keys and values."""

    weights: Weights = field(default_factory=dict)


def linear(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """[R, N, in] times [R, in, out] plus [R, out]; a packed matrix is of one replica, and has two dimensions."""
    if matrix.is_mkldnn:
        return multiply(x[0], matrix, None if bias is None else bias[0]).unsqueeze(0)
    # One replica is faster as a plain product, but for bf16 on a CPU.
    if x.shape[0] == 1 and (x.is_cuda or x.dtype == torch.float32):
        out = torch.addmm(bias[0], x[0], matrix[0]) if bias is not None else x[0] @ matrix[0]
        return out.unsqueeze(0)
    return torch.baddbmm(bias.unsqueeze(1), x, matrix) if bias is not None else torch.bmm(x, matrix)


def surprise(x: Tensor, table: Tensor, targets: Tensor) -> Tensor:
    """Nats float32[R, N] of targets int64[R, N] after states [R, N, D] by a head [R, V, D], without gradients.

    The vocabulary is gone through in parts, with the sum of the exponentials kept relative to the largest logit so far.
    """
    most = torch.full(x.shape[:2], -torch.inf, device=x.device).unsqueeze(-1)
    total = torch.zeros_like(most)
    for part in table.split(COLUMNS, dim=1):
        scores = product(x, part).float()
        peak = torch.maximum(scores.amax(-1, keepdim=True), most)
        total = total.mul_((most - peak).exp_()).add_(scores.sub_(peak).exp_().sum(-1, keepdim=True))
        most = peak
    own = torch.stack([(x[r].float() * table[r][targets[r]].float()).sum(-1) for r in range(x.shape[0])])
    return (most + total.log_()).squeeze(-1) - own


def product(x: Tensor, table: Tensor, out: Tensor | None = None) -> Tensor:
    """States [R, N, D] times a head [R, V, D]: logits [R, N, V], in ``out`` where that is given."""
    if x.shape[0] == 1:
        return torch.mm(x[0], table[0].t(), out=None if out is None else out[0]).unsqueeze(0)
    return torch.bmm(x, table.transpose(1, 2), out=out)


class Stacked:
    """The parts that do not depend on the architecture; see `contam.models.network.Network` for the interface."""

    shape: Shape
    head_width: int
    key_heads: int
    capturable = True
    tables: tuple[str, ...] = ("wte.weight", "wpe.weight", "embed_tokens.weight", "lm_head.weight")
    """Matrices that are looked up in, or whose transpose is multiplied by: embeddings and heads."""

    def __init__(self, weights: Weights, device: Device) -> None:
        """``weights``: [R, ...] fp32 by the architecture's own names; they become the masters."""
        self.programs: dict[Any, Any] = {}
        place = torch.device(device.name)
        self.device = device
        self.master: Weights = {k: v.to(place, torch.float32).contiguous() for k, v in weights.items()}
        self.replicas = next(iter(self.master.values())).shape[0]
        for tensor in self.master.values():
            tensor.requires_grad_(True)
        self._views: dict[int, dict[str, torch.nn.Parameter]] = {}
        self.compute: Weights = {}
        self.refresh()

    # --- what an architecture defines ------------------------------------------------------------------------

    def embed(self, w: Weights, ids: Tensor, start: int | Tensor) -> Tensor:
        """[R, B, T] tokens at positions start, start + 1, ... -> [R, B*T, D]; or [R, B, 1] at positions int64[B]."""
        raise NotImplementedError

    def attention_in(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, ...]:
        """Queries, keys, values [R*B, heads, T, head width] of [R, B*T, D]; ``places`` is (B, T, start)."""
        raise NotImplementedError

    def keys_values(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, Tensor]:
        """Keys and values alone."""
        raise NotImplementedError

    def queries(self, w: Weights, layer: int, x: Tensor, places: Places) -> Tensor:
        """Queries alone; ``places`` is (B, 1, position), the position an int or a tensor."""
        raise NotImplementedError

    def attention_out(self, w: Weights, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        """The residual stream after attention's output [R, N, D] and after the feed-forward part."""
        raise NotImplementedError

    def states(self, w: Weights, x: Tensor) -> Tensor:
        """What the head reads: the residual stream [R, N, D] after the final norm."""
        raise NotImplementedError

    def head(self, w: Weights) -> Tensor:
        """The matrix [R, V, D] whose product with the states are the logits."""
        raise NotImplementedError

    def checkpoint_names(self) -> dict[str, tuple[str, bool]]:
        """Own name -> (name in the checkpoint, whether the checkpoint stores the transpose)."""
        raise NotImplementedError

    # --- masters and copies ------------------------------------------------------------------------------------

    def masters(self, replica: int) -> dict[str, torch.nn.Parameter]:
        """One replica's fp32 weights, views of the stacked ones, by own name."""
        if replica not in self._views:
            self._views[replica] = {
                k: torch.nn.Parameter(v.detach()[replica], requires_grad=True) for k, v in self.master.items()
            }
        return self._views[replica]

    def gather_gradients(self) -> None:
        """Point the views' ``grad`` into the stacked gradients."""
        for r in range(self.replicas):
            for name, view in self.masters(r).items():
                grad = self.master[name].grad
                view.grad = None if grad is None else grad[r]

    def clear_gradients(self) -> None:
        for tensor in self.master.values():
            tensor.grad = None
        for views in self._views.values():
            for view in views.values():
                view.grad = None

    def tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's weights under the checkpoint's names and in its layout."""
        out = {}
        for own, (name, transposed) in self.checkpoint_names().items():
            tensor = self.master[own].detach()[replica]
            out[name] = (tensor.t() if transposed else tensor).contiguous().cpu()
        return out

    def in_compute_type(self, weights: Weights) -> Weights:
        """Weights as they are multiplied; differentiable, and no copy in fp32."""
        return {k: v.to(self.device.dtype) for k, v in weights.items()}

    def trimmed(self, w: Weights) -> Weights:
        """The further weights that `queries` and `keys_values` of the last layer read."""
        return {}

    @torch.no_grad()
    def refresh(self) -> None:
        plain = {k: v.detach() for k, v in self.master.items()}
        fresh = self.in_compute_type(plain)
        fresh |= self.trimmed(fresh)
        if self.device.name == "cpu" and self.replicas == 1 and works(self.device.dtype):
            self.compute = fresh | {k: packed(v[0]) for k, v in fresh.items() if self._packable(k, v)}
        elif self.compute and all(v.data_ptr() == plain[k].data_ptr() for k, v in fresh.items() if k in plain):
            fresh |= {k: self.compute[k].copy_(v) for k, v in fresh.items() if k not in plain}
            self.compute = fresh
        elif self.compute:
            # Captured programs hold the addresses of the copies: they are written into, never replaced.
            self.compute = {k: self.compute[k].copy_(v) for k, v in fresh.items()}
        else:
            self.compute = fresh

    def _packable(self, name: str, weight: Tensor) -> bool:
        """Whether a weight is a large matrix that `linear` multiplies by."""
        return weight.dim() == 3 and weight.numel() >= SMALLEST and not name.endswith(self.tables)

    # --- programs ------------------------------------------------------------------------------------------------

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, causal: bool, mask: Tensor | None = None) -> Tensor:
        grouped = q.shape[1] != k.shape[1]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=grouped)

    def _join(self, attended: Tensor) -> Tensor:
        """[R*B, heads, T, head width] -> [R, B*T, D]."""
        joined = attended.transpose(1, 2)
        return joined.reshape(self.replicas, -1, joined.shape[2] * joined.shape[3])

    def _layers(self, w: Weights, x: Tensor, layers: range, places: Places) -> Tensor:
        for i in layers:
            q, k, v = self.attention_in(w, i, x, places)
            x = self.attention_out(w, i, x, self._join(self._attend(q, k, v, causal=places[1] > 1)))
        return x

    def logits(self, w: Weights, x: Tensor) -> Tensor:
        """[R, N, D] -> [R, N, V]."""
        return product(self.states(w, x), self.head(w))

    def losses(self, ids: Tensor) -> Tensor:
        w = self.in_compute_type(self.master)
        r, b, t = ids.shape[0], ids.shape[1], ids.shape[2] - 1
        x = self._layers(w, self.embed(w, ids[:, :, :-1], 0), range(self.shape.layers), (b, t, 0))
        logits = self.logits(w, x).float()
        nats = F.cross_entropy(logits.flatten(0, 1), ids[:, :, 1:].reshape(-1), reduction="none")
        return nats.view(r, b, t)

    @torch.no_grad()
    def score(self, ids: Tensor) -> Tensor:
        on_cpu = self.device.name == "cpu"
        columns = min(self.shape.vocabulary, COLUMNS) if on_cpu else self.shape.vocabulary
        tokens = (ids.shape[2] - 1) * self.replicas
        rows = max(1, (ROWS_CPU if on_cpu else ROWS_GPU) // (columns * tokens))
        return torch.cat([self._score(part) for part in ids.split(rows, dim=1)], dim=1)

    def _score(self, ids: Tensor) -> Tensor:
        w = self.compute
        r, b, t = ids.shape[0], ids.shape[1], ids.shape[2] - 1
        x = self._layers(w, self.embed(w, ids[:, :, :-1], 0), range(self.shape.layers), (b, t, 0))
        targets = ids[:, :, 1:].reshape(r, b * t)
        if self.device.name == "cpu" and self.shape.vocabulary > COLUMNS:
            return surprise(self.states(w, x), self.head(w), targets).view(r, b, t)
        logits = self.logits(w, x).float()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(r, b, t)

    @torch.no_grad()
    def chunks(self, ids: Tensor, first: int = 0) -> Iterator[Tensor]:
        w, (r, t), on_cpu = self.compute, (ids.shape[0], ids.shape[2] - 1), self.device.name == "cpu"
        most = piece_size(self.shape.vocabulary * r, on_cpu)
        room: Tensor | None = None
        tall = max(1, most // max(t - first, 1))
        rows = max(1, (TOKENS_CPU if on_cpu else TOKENS_GPU) // (r * t * tall)) * tall
        for part in ids.split(rows, dim=1):
            b = part.shape[1]
            x = self._layers(w, self.embed(w, part[:, :, :-1], 0), range(self.shape.layers), (b, t, 0))
            states = self.states(w, x.view(r, b, t, -1)[:, :, first:].flatten(1, 2)).view(r, b, t - first, -1)
            for across, along in pieces(b, t - first, most):
                chosen = states[:, across, along].flatten(1, 2)
                if chosen.dtype != torch.float32:
                    yield product(chosen, self.head(w)).float()
                    continue
                # The same memory for every piece: new memory can cost more than the product.
                n = chosen.shape[1]
                if room is None or room.shape[1] < n:
                    room = torch.empty((r, n, self.shape.vocabulary), device=ids.device)
                yield product(chosen, self.head(w), room[:, :n])

    @torch.no_grad()
    def last(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        w, (r, b, t), end = self.compute, ids.shape, self.shape.layers - 1
        x = self._layers(w, self.embed(w, ids, 0), range(end), (b, t, 0))
        k, v = self.keys_values(w, end, x, (b, t, 0))
        rows = x.view(r, b, t, -1)
        place: int | Tensor
        if at is None:
            kept, place, mask = rows[:, :, -1], t - 1, None
        else:
            kept = rows.index_select(2, at.view(1))[:, :, 0]
            place, mask = at, (torch.arange(t, device=ids.device) <= at).view(1, 1, 1, t)
        q = self.queries(w, end, kept, (b, 1, place))
        y = self.attention_out(w, end, kept, self._join(self._attend(q, k, v, causal=False, mask=mask)))
        return self.logits(w, y).float()

    @torch.no_grad()
    def prefill(self, ids: Tensor, room: int) -> tuple[Cache, Tensor]:
        w, (r, b, t) = self.compute, ids.shape
        size = (r * b, self.key_heads, room, self.head_width)
        make = [torch.empty(size, dtype=self.device.dtype, device=ids.device) for _ in range(2 * self.shape.layers)]
        cache = Cache(make[::2], make[1::2], room, t)
        x = self.embed(w, ids, 0)
        for i in range(self.shape.layers):
            q, k, v = self.attention_in(w, i, x, (b, t, 0))
            cache.keys[i][:, :, :t] = k
            cache.values[i][:, :, :t] = v
            x = self.attention_out(w, i, x, self._join(self._attend(q, k, v, causal=t > 1)))
        return cache, self.logits(w, x.view(r, b, t, -1)[:, :, -1]).float()

    @torch.no_grad()
    def advance(self, cache: Cache, ids: Tensor) -> Tensor:
        w, b, n = self.compute, ids.shape[1], cache.length
        x = self.embed(w, ids.unsqueeze(2), n)
        for i in range(self.shape.layers):
            q, k, v = self.attention_in(w, i, x, (b, 1, n))
            cache.keys[i][:, :, n : n + 1] = k
            cache.values[i][:, :, n : n + 1] = v
            seen = self._attend(q, cache.keys[i][:, :, : n + 1], cache.values[i][:, :, : n + 1], causal=False)
            x = self.attention_out(w, i, x, self._join(seen))
        cache.length = n + 1
        return self.logits(w, x).float()

    @torch.no_grad()
    def advance_each(self, cache: Cache, ids: Tensor, at: Tensor) -> Tensor:
        """`advance` of one replica, each text at a position of its own, int64[B]; what the cache holds after it is not
        seen, but must be finite. No shape depends on a value, so it can be captured."""
        w, b = self.compute, ids.shape[1]
        each, places = torch.arange(b, device=ids.device), torch.arange(cache.room, device=ids.device)
        mask = (places <= at.unsqueeze(1)).view(b, 1, 1, cache.room)
        x = self.embed(w, ids.unsqueeze(2), at)
        for i in range(self.shape.layers):
            q, k, v = self.attention_in(w, i, x, (b, 1, at))
            cache.keys[i][each, :, at] = k[:, :, 0]
            cache.values[i][each, :, at] = v[:, :, 0]
            seen = self._attend(q, cache.keys[i], cache.values[i], causal=False, mask=mask)
            x = self.attention_out(w, i, x, self._join(seen))
        return self.logits(w, x).float()

    def blank(self, texts: int, room: int) -> Cache:
        """A cache of zeros for texts of up to ``room`` tokens, all replicas'."""
        size, place = (self.replicas * texts, self.key_heads, room, self.head_width), torch.device(self.device.name)
        made = [torch.zeros(size, dtype=self.device.dtype, device=place) for _ in range(2 * self.shape.layers)]
        return Cache(made[::2], made[1::2], room)

    @torch.no_grad()
    def narrowed(self, cache: Cache, rows: Tensor) -> Cache:
        spare: Tensor | None = None
        for held in (cache.keys, cache.values):
            for i, x in enumerate(held):  # one layer at a time, so that two caches never stand side by side
                size = (self.replicas * len(rows), *x.shape[1:])
                fresh = spare if spare is not None and spare.shape == size else x.new_empty(size)
                old, new = (y.unflatten(0, (self.replicas, -1))[:, :, :, : cache.length] for y in (x, fresh))
                torch.index_select(old, 1, rows, out=new)
                held[i], spare = fresh, x
        return cache


def stack(checkpoints: list[dict[str, Any]]) -> Weights:
    """Several replicas' weights by name as one [R, ...] tensor a name."""
    return {name: torch.stack([one[name] for one in checkpoints]) for name in checkpoints[0]}
