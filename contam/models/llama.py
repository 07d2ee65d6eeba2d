"""Llama (Touvron et al. 2023) and its near relatives Mistral and Qwen2, replicas stacked.

Weights as transformers' ``LlamaForCausalLM``, ``MistralForCausalLM`` and ``Qwen2ForCausalLM`` store them. The three
matrices that make queries, keys and values are kept as one, and so are the two that open the feed-forward part.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from contam.errors import InputError
from contam.models.network import Device, Shape
from contam.models.stacked import Places, Stacked, Weights, linear

_NORMS = ("input_layernorm.weight", "post_attention_layernorm.weight")
_FUSED = {
    "self_attn.qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attn.o_proj": ("self_attn.o_proj",),
    "mlp.gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "mlp.down_proj": ("mlp.down_proj",),
}
"""Own name -> what a checkpoint stores side by side."""


def readable(config: dict[str, Any]) -> bool:
    """Whether this module computes the model as configured; transformers computes the others."""
    ropes = [config.get("rope_scaling") or {}, config.get("rope_parameters") or {}]
    plain = all(r.get("rope_type", r.get("type", "default")) == "default" for r in ropes)
    plain = plain and not any(isinstance(v, dict) for r in ropes for v in r.values())  # kinds of layers differ
    whole = all(r.get("partial_rotary_factor") in (None, 1) for r in (config, *ropes))
    return plain and whole and config.get("hidden_act", "silu") in ("silu", "swish")


def _window(config: dict[str, Any]) -> int:
    """Tokens that can be seen without a sliding window cutting any off."""
    context = int(config.get("max_position_embeddings", 2048))
    slides = config["model_type"] == "mistral" or config.get("use_sliding_window")
    return min(context, config.get("sliding_window") or context) if slides else context


def _sizes(config: dict[str, Any]) -> tuple[int, int, int]:
    """Heads, heads of keys and values, and the width of one."""
    heads = int(config["num_attention_heads"])
    grouped = int(config.get("num_key_value_heads") or heads)
    return heads, grouped, int(config.get("head_dim") or config["hidden_size"] // heads)


def _turns(config: dict[str, Any], length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosines, and sines with the sign of their half (Su et al. 2021, halves side by side): [positions, head width]."""
    theta = float((config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta") or 10000.0)
    frequencies = 1.0 / theta ** (torch.arange(0, width, 2).float() / width)
    angles = torch.outer(torch.arange(length).float(), frequencies)
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat((cosine, cosine), -1), torch.cat((-sine, sine), -1)


class Llama(Stacked):
    """Rotary positions, RMS norms, grouped keys and values, a gated feed-forward part, the head tied or not.

    ``shape.context`` is at most the sliding window where the model has one: within it, every token sees all others.
    """

    def __init__(self, config: dict[str, Any], weights: Weights, device: Device) -> None:
        self.epsilon = float(config.get("rms_norm_eps", 1e-6))
        self.heads, self.key_heads, self.head_width = _sizes(config)
        layers, width = int(config["num_hidden_layers"]), int(config["hidden_size"])
        count = sum(v[0].numel() for v in weights.values())
        vocabulary = weights["embed_tokens.weight"].shape[1]
        kind = str(config["model_type"])
        self.shape = Shape(kind, layers, width, self.heads, vocabulary, _window(config), count)
        self.turns = tuple(t.to(device.name, device.dtype) for t in _turns(config, self.shape.context, self.head_width))
        super().__init__(weights, device)

    def tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's weights under the checkpoint's names and in its layout."""
        out: dict[str, Tensor] = {}
        for own, stacked in self.master.items():
            tensor = stacked.detach()[replica]
            for name, piece in self._apart(own, tensor):
                place = name if name.startswith("lm_head") else f"model.{name}"
                out[place] = piece.contiguous().cpu()
        return out

    def _apart(self, own: str, tensor: Tensor) -> list[tuple[str, Tensor]]:
        """What a checkpoint stores of one of the masters; matrices but not tables are stored turned."""
        fused = next((f for f in _FUSED if f".{f}." in own), None)
        if fused is None:
            return [(own, tensor)]
        q, kv, parts = self.heads * self.head_width, self.key_heads * self.head_width, _FUSED[fused]
        sizes = [q, kv, kv] if len(parts) == 3 else [tensor.shape[-1] // len(parts)] * len(parts)
        pieces = tensor.split(sizes, dim=-1)
        return [(own.replace(fused, n), piece.t() if piece.dim() == 2 else piece) for n, piece in zip(parts, pieces)]

    def embed(self, w: Weights, ids: Tensor, start: int | Tensor) -> Tensor:
        r, b, t = ids.shape
        table = w["embed_tokens.weight"]
        if r == 1:
            return F.embedding(ids, table[0]).view(1, b * t, -1)
        offsets = torch.arange(r, device=ids.device).view(r, 1, 1) * table.shape[1]
        return F.embedding(ids + offsets, table.flatten(0, 1)).view(r, b * t, -1)

    def norm(self, w: Weights, name: str, x: Tensor) -> Tensor:
        """Root mean square in fp32, then each replica's own scale."""
        scale = w[f"{name}.weight"]
        if x.shape[0] == 1 and x.dtype == torch.float32:
            return F.rms_norm(x, x.shape[-1:], scale[0], self.epsilon)
        return F.rms_norm(x.float(), x.shape[-1:], eps=self.epsilon).to(x.dtype) * scale.unsqueeze(1)

    def _turned(self, x: Tensor, start: int | Tensor) -> Tensor:
        """Heads [R*B, heads, T, head width] turned by their positions."""
        if isinstance(start, int):
            cosine, sine = (table[start : start + x.shape[2]] for table in self.turns)
        else:
            chosen = (table.index_select(0, start.view(-1)) for table in self.turns)
            cosine, sine = (rows.view(-1, 1, 1, self.head_width) for rows in chosen)
        return torch.addcmul(x * cosine, x.roll(self.head_width // 2, -1), sine)

    def _heads(self, x: Tensor, b: int, t: int) -> Tensor:
        return x.view(x.shape[0] * b, t, -1, self.head_width).transpose(1, 2)

    def attention_in(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, ...]:
        n = f"layers.{layer}"
        h = self.norm(w, f"{n}.input_layernorm", x)
        y = linear(h, w[f"{n}.self_attn.qkv.weight"], w.get(f"{n}.self_attn.qkv.bias"))
        split = self._heads(y, places[0], places[1])
        turned = self._turned(split[:, : self.heads + self.key_heads], places[2])
        return turned[:, : self.heads], turned[:, self.heads :], split[:, self.heads + self.key_heads :]

    def trimmed(self, w: Weights) -> Weights:
        name, cut = f"layers.{self.shape.layers - 1}.self_attn.qkv", self.heads * self.head_width
        out: Weights = {}
        for kind in ("weight", "bias"):
            if f"{name}.{kind}" in w:
                q, kv = w[f"{name}.{kind}"].split([cut, 2 * self.key_heads * self.head_width], dim=-1)
                out |= {f"last.q.{kind}": q.contiguous(), f"last.kv.{kind}": kv.contiguous()}
        return out

    def keys_values(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, Tensor]:
        h = self.norm(w, f"layers.{layer}.input_layernorm", x)
        split = self._heads(linear(h, w["last.kv.weight"], w.get("last.kv.bias")), places[0], places[1])
        return self._turned(split[:, : self.key_heads], places[2]), split[:, self.key_heads :]

    def queries(self, w: Weights, layer: int, x: Tensor, places: Places) -> Tensor:
        h = self.norm(w, f"layers.{layer}.input_layernorm", x)
        return self._turned(self._heads(linear(h, w["last.q.weight"], w.get("last.q.bias")), places[0], 1), places[2])

    def attention_out(self, w: Weights, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        n = f"layers.{layer}"
        x = x + linear(attended, w[f"{n}.self_attn.o_proj.weight"], w.get(f"{n}.self_attn.o_proj.bias"))
        h = self.norm(w, f"{n}.post_attention_layernorm", x)
        gate, up = linear(h, w[f"{n}.mlp.gate_up.weight"], w.get(f"{n}.mlp.gate_up.bias")).chunk(2, dim=-1)
        return x + linear(F.silu(gate) * up, w[f"{n}.mlp.down_proj.weight"], w.get(f"{n}.mlp.down_proj.bias"))

    def states(self, w: Weights, x: Tensor) -> Tensor:
        return self.norm(w, "norm", x)

    def head(self, w: Weights) -> Tensor:
        return w.get("lm_head.weight", w["embed_tokens.weight"])


def weights_of(config: dict[str, Any], tensors: dict[str, Tensor]) -> Weights:
    """One replica's weights under own names, from a checkpoint's tensors; an error names what is missing."""
    plain = {k.removeprefix("model."): v for k, v in tensors.items()}
    wanted = tensor_sizes(config)
    missing = [n for n in wanted if n not in plain]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"the weights lack {', '.join(missing[:3])}{more}: not a complete {config['model_type']} model"
        )
    odd = next((n for n, size in wanted.items() if tuple(plain[n].shape) != size), None)
    if odd:
        found, size = list(plain[odd].shape), list(wanted[odd])
        raise InputError(f"the weights {odd} are {found} where config.json leads to {size}")
    out = {n: plain[n].float() for n in wanted if ".self_attn." not in n and ".mlp." not in n}
    for i in range(int(config["num_hidden_layers"])):
        for own, parts in _FUSED.items():
            for kind in ("weight", "bias"):
                names = [f"layers.{i}.{part}.{kind}" for part in parts]
                if names[0] in wanted:
                    joined = torch.cat([plain[n].float() for n in names])
                    out[f"layers.{i}.{own}.{kind}"] = (joined.t() if kind == "weight" else joined).contiguous()
    return out


def tensor_sizes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The names and sizes of a checkpoint's tensors, without ``model.``; a tied head is not stored."""
    heads, grouped, one = _sizes(config)
    width, inner, vocabulary = (int(config[k]) for k in ("hidden_size", "intermediate_size", "vocab_size"))
    q, kv = heads * one, grouped * one
    sizes = {"q": (q, width), "k": (kv, width), "v": (kv, width), "o": (width, q)}
    matrices = {f"self_attn.{k}_proj": v for k, v in sizes.items()}
    matrices |= {"mlp.gate_proj": (inner, width), "mlp.up_proj": (inner, width), "mlp.down_proj": (width, inner)}
    out: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (vocabulary, width), "norm.weight": (width,)}
    if not config.get("tie_word_embeddings", False):
        out["lm_head.weight"] = (vocabulary, width)
    for i in range(int(config["num_hidden_layers"])):
        out |= {f"layers.{i}.{name}": (width,) for name in _NORMS}
        out |= {f"layers.{i}.{name}.weight": size for name, size in matrices.items()}
        out |= {f"layers.{i}.{n}.bias": size[:1] for n, size in matrices.items() if _biased(config, n)}
    return out


def _biased(config: dict[str, Any], name: str) -> bool:
    if config["model_type"] == "qwen2":
        return name.endswith(("q_proj", "k_proj", "v_proj"))
    key = "attention_bias" if name.startswith("self_attn") else "mlp_bias"
    return config["model_type"] == "llama" and bool(config.get(key, False))
