"""GPT-2 (Radford et al. 2019), replicas stacked; weights as transformers' ``GPT2LMHeadModel`` stores them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from contam.errors import InputError
from contam.models.network import Device, Shape
from contam.models.stacked import Places, Stacked, Weights, linear

_LAYER = (
    "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
    "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias",
)  # fmt: skip
_ACTIVATIONS = {"gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu": "none"}


_SLOPE = 2 * (2 / torch.pi) ** 0.5


def gelu(x: Tensor, kind: str) -> Tensor:
    """GELU, ``tanh`` its approximation or ``none``.

    Without gradients a CPU is twice as fast in fp32 at the other form of the approximation: (1 + tanh u) / 2 is the
    logistic function of 2u. The two differ by a few units in the last place.
    """
    if kind != "tanh" or x.is_cuda or x.dtype != torch.float32 or torch.is_grad_enabled():
        return F.gelu(x, approximate=kind)
    y = x * x
    return y.mul_(0.044715 * _SLOPE).add_(_SLOPE).mul_(x).sigmoid_().mul_(x)


def readable(config: dict[str, Any]) -> bool:
    """Whether this module computes the model as configured; transformers computes the others."""
    plain = not config.get("scale_attn_by_inverse_layer_idx") and config.get("scale_attn_weights", True)
    whole = config.get("n_inner") in (None, 4 * config["n_embd"])
    known = config.get("activation_function", "gelu_new") in _ACTIVATIONS
    return plain and whole and known and config.get("tie_word_embeddings", True)


class GPT2(Stacked):
    """Learned absolute positions, pre-norm blocks, one matrix for queries, keys and values, tied head."""

    def __init__(self, config: dict[str, Any], weights: Weights, device: Device) -> None:
        self.epsilon = float(config.get("layer_norm_epsilon", 1e-5))
        self.gelu = _ACTIVATIONS[config.get("activation_function", "gelu_new")]
        self.heads = self.key_heads = int(config["n_head"])
        width = int(config["n_embd"])
        self.head_width = width // self.heads
        count = sum(v[0].numel() for v in weights.values())
        vocabulary, context = weights["wte.weight"].shape[1], weights["wpe.weight"].shape[1]
        self.shape = Shape("gpt2", int(config["n_layer"]), width, self.heads, vocabulary, context, count)
        super().__init__(weights, device)

    def checkpoint_names(self) -> dict[str, tuple[str, bool]]:
        return {name: (f"transformer.{name}", False) for name in self.master}

    def embed(self, w: Weights, ids: Tensor, start: int | Tensor) -> Tensor:
        r, b, t = ids.shape
        table = w["wte.weight"]
        if isinstance(start, int):
            places = w["wpe.weight"][:, start : start + t].unsqueeze(1)
        else:
            places = w["wpe.weight"].index_select(1, start).unsqueeze(2)
        if r > 1:
            offsets = torch.arange(r, device=ids.device).view(r, 1, 1) * table.shape[1]
            x = F.embedding(ids + offsets, table.flatten(0, 1))
        else:
            x = F.embedding(ids, table[0])
        return (x + places).view(r, b * t, -1)

    def norm(self, w: Weights, name: str, x: Tensor) -> Tensor:
        """Layer norm with each replica's own scale and shift."""
        scale, shift = w[f"{name}.weight"], w[f"{name}.bias"]
        if x.shape[0] == 1:
            return F.layer_norm(x, x.shape[-1:], scale[0], shift[0], self.epsilon)
        return torch.addcmul(shift.unsqueeze(1), F.layer_norm(x, x.shape[-1:], eps=self.epsilon), scale.unsqueeze(1))

    def _heads(self, x: Tensor, parts: int, b: int, t: int) -> tuple[Tensor, ...]:
        split = x.view(x.shape[0] * b, t, parts, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        return split.unbind(0)

    def attention_in(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, ...]:
        h = self.norm(w, f"h.{layer}.ln_1", x)
        y = linear(h, w[f"h.{layer}.attn.c_attn.weight"], w[f"h.{layer}.attn.c_attn.bias"])
        return self._heads(y, 3, places[0], places[1])

    def trimmed(self, w: Weights) -> Weights:
        name, width = f"h.{self.shape.layers - 1}.attn.c_attn", self.shape.width
        matrix, bias = w[f"{name}.weight"], w[f"{name}.bias"]
        return {
            "last.q.weight": matrix[:, :, :width].contiguous(),
            "last.q.bias": bias[:, :width].contiguous(),
            "last.kv.weight": matrix[:, :, width:].contiguous(),
            "last.kv.bias": bias[:, width:].contiguous(),
        }

    def keys_values(self, w: Weights, layer: int, x: Tensor, places: Places) -> tuple[Tensor, Tensor]:
        y = linear(self.norm(w, f"h.{layer}.ln_1", x), w["last.kv.weight"], w["last.kv.bias"])
        k, v = self._heads(y, 2, places[0], places[1])
        return k, v

    def queries(self, w: Weights, layer: int, x: Tensor, places: Places) -> Tensor:
        y = linear(self.norm(w, f"h.{layer}.ln_1", x), w["last.q.weight"], w["last.q.bias"])
        return self._heads(y, 1, places[0], 1)[0]

    def attention_out(self, w: Weights, layer: int, x: Tensor, attended: Tensor) -> Tensor:
        n = f"h.{layer}"
        x = x + linear(attended, w[f"{n}.attn.c_proj.weight"], w[f"{n}.attn.c_proj.bias"])
        h = linear(self.norm(w, f"{n}.ln_2", x), w[f"{n}.mlp.c_fc.weight"], w[f"{n}.mlp.c_fc.bias"])
        return x + linear(gelu(h, self.gelu), w[f"{n}.mlp.c_proj.weight"], w[f"{n}.mlp.c_proj.bias"])

    def states(self, w: Weights, x: Tensor) -> Tensor:
        return self.norm(w, "ln_f", x)

    def head(self, w: Weights) -> Tensor:
        return w["wte.weight"]


def weights_of(config: dict[str, Any], tensors: dict[str, Tensor]) -> Weights:
    """One replica's weights under own names, from a checkpoint's tensors; an error names what is missing or misfits."""
    plain = {k.removeprefix("transformer."): v for k, v in tensors.items()}
    names = ["wte.weight", "wpe.weight", "ln_f.weight", "ln_f.bias"]
    names += [f"h.{i}.{part}" for i in range(int(config["n_layer"])) for part in _LAYER]
    missing = [n for n in names if n not in plain]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(f"the weights lack {', '.join(missing[:3])}{more}: not a complete GPT-2 checkpoint")
    width, heads = int(config["n_embd"]), int(config["n_head"])
    if width % heads:
        raise InputError(f"config.json: a width of {width} cannot be shared by {heads} heads")
    for name in names:
        found, sizes = tuple(plain[name].shape), _sizes(name, width)
        if found[-len(sizes) :] != sizes:
            raise InputError(f"the weights {name} are {list(found)} where config.json leads to {list(sizes)}")
    return {n: plain[n].float() for n in names}


def _sizes(name: str, width: int) -> tuple[int, ...]:
    """The size of a tensor, or, of the embeddings, its last part: how many rows they have is theirs to say."""
    if name in ("wte.weight", "wpe.weight"):
        return (width,)
    part, kind = name.split(".")[-2:]
    inner = {"c_attn": 3 * width, "c_fc": 4 * width}.get(part, width)
    if kind == "bias" or part.startswith("ln"):
        return (inner,)
    return (4 * width if ".mlp.c_proj" in name else width, inner)


def initial(config: dict[str, Any], seed: int) -> Weights:
    """Random weights as GPT-2 is initialised: normal, .02 unless the configuration says otherwise; output projections
    divided by sqrt(2 layers)."""
    made = torch.Generator().manual_seed(seed)
    width, layers = int(config["n_embd"]), int(config["n_layer"])
    sizes = {"attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width)}
    sizes |= {"mlp.c_fc": (width, 4 * width), "mlp.c_proj": (4 * width, width)}

    spread = float(config.get("initializer_range", 0.02))

    def normal(*size: int, scale: float = spread) -> Tensor:
        return torch.randn(size, generator=made) * scale

    out = {"wte.weight": normal(config["vocab_size"], width), "wpe.weight": normal(config["n_positions"], width)}
    for i in range(layers):
        for part, size in sizes.items():
            scale = spread / (2 * layers) ** 0.5 if part.endswith("c_proj") else spread
            out[f"h.{i}.{part}.weight"] = normal(*size, scale=scale)
            out[f"h.{i}.{part}.bias"] = torch.zeros(size[1])
        for part in ("ln_1", "ln_2"):
            out[f"h.{i}.{part}.weight"], out[f"h.{i}.{part}.bias"] = torch.ones(width), torch.zeros(width)
    out["ln_f.weight"], out["ln_f.bias"] = torch.ones(width), torch.zeros(width)
    return out
