"""Any causal language model that transformers implements, as it implements it: one copy of the module a replica."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from contam.errors import InputError
from contam.models.finding import ModelFiles
from contam.models.network import Device, Shape, piece_size, pieces
from contam.models.stacked import ROWS_CPU, ROWS_GPU

CONTEXT = 2048
"""Tokens seen by a model whose configuration names no limit (such as one without positions)."""
_LIMITS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")


@dataclass(slots=True)
class Past:
    """What a model remembers of one replica's texts: its own cache, or the tokens int64[B, T] where it has none.

    ``seen``: the tokens of a cache, int64[B, ...] end to end, from which it can be made anew.
    """

    kept: Any
    ids: Tensor | None
    seen: list[Tensor] = field(default_factory=list)


class Anything:
    """See `contam.models.network.Network` for the interface."""

    capturable = False

    def __init__(self, files: ModelFiles, replicas: int, device: Device, made: Any = None) -> None:
        """Read the model once and copy it; ``InputError`` where transformers cannot, or weights are missing.

        ``made``: a module to take instead, in fp32 and in evaluation mode.
        """
        first = (_opened(files) if made is None else made).to(device.name).requires_grad_(True)
        self.device = device
        self.programs: dict[Any, Any] = {}
        self.replicas = replicas
        self.shape = shape_of(first, files.config)
        self.modules = [first, *(deepcopy(first) for _ in range(replicas - 1))]
        self._keeps = "logits_to_keep" in inspect.signature(first.forward).parameters
        self._copies = self.modules
        if device.dtype != torch.float32:
            self._copies = [_narrowed(deepcopy(m), device.dtype) for m in self.modules]

    # --- masters and copies ------------------------------------------------------------------------------------

    def masters(self, replica: int) -> dict[str, torch.nn.Parameter]:
        """One replica's fp32 weights by the module's own names, tied ones once."""
        return dict(self.modules[replica].named_parameters())

    def gather_gradients(self) -> None:
        """Nothing to do: the masters are the module's own parameters."""

    def clear_gradients(self) -> None:
        for module in self.modules:
            module.zero_grad(set_to_none=True)

    @torch.no_grad()
    def refresh(self) -> None:
        for module, copy in zip(self.modules, self._copies):
            if copy is not module:
                for mine, its in zip(module.parameters(), copy.parameters()):
                    its.copy_(mine)

    def tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's weights and stored buffers; transformers ties again what is tied."""
        stored = self.modules[replica].state_dict()
        tied = {n for n, _ in self.modules[replica].named_parameters(remove_duplicate=False)} - set(
            self.masters(replica)
        )
        return {n: v.detach().cpu().contiguous() for n, v in stored.items() if n not in tied}

    # --- programs ------------------------------------------------------------------------------------------------

    def _autocast(self) -> AbstractContextManager[Any]:
        """bf16 products of fp32 masters, differentiable."""
        if self.device.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(torch.device(self.device.name).type, self.device.dtype)

    def losses(self, ids: Tensor) -> Tensor:
        with self._autocast():
            return torch.stack([_nats(module, part) for module, part in zip(self.modules, ids)])

    @torch.no_grad()
    def score(self, ids: Tensor) -> Tensor:
        room = ROWS_CPU if self.device.name == "cpu" else ROWS_GPU
        rows = max(1, room // (self.shape.vocabulary * (ids.shape[2] - 1)))
        pairs = zip(self._copies, ids)
        return torch.stack([torch.cat([_nats(m, rows_of) for rows_of in part.split(rows)]) for m, part in pairs])

    @torch.no_grad()
    def chunks(self, ids: Tensor, first: int = 0) -> Iterator[Tensor]:
        """A module gives the logits of whole texts: the memory is that of a piece, but at least of one text."""
        options = {"logits_to_keep": ids.shape[2] - 1 - first} if self._keeps else {}
        on_cpu, (r, t) = self.device.name == "cpu", (ids.shape[0], ids.shape[2] - 1)
        most = piece_size(self.shape.vocabulary * r, on_cpu)
        tall = max(1, most // max(t - first, 1))
        rows = max(1, (ROWS_CPU if on_cpu else ROWS_GPU) // (self.shape.vocabulary * r * t * tall)) * tall
        for part in ids.split(rows, dim=1):
            pairs = zip(self._copies, part)
            whole = [m(input_ids=one[:, :-1], use_cache=False, **options).logits[:, first - t :] for m, one in pairs]
            for across, along in pieces(part.shape[1], t - first, most):
                yield torch.stack([logits[across, along].flatten(0, 1).float() for logits in whole])

    @torch.no_grad()
    def last(self, ids: Tensor, at: Tensor | None = None) -> Tensor:
        return torch.stack([self._after(m, part, at) for m, part in zip(self._copies, ids)])

    def _after(self, module: Any, ids: Tensor, at: Tensor | None) -> Tensor:
        place = torch.tensor([ids.shape[1] - 1], device=ids.device) if at is None else at.view(1)
        if self._keeps:
            return (
                module(input_ids=ids, use_cache=False, logits_to_keep=1 if at is None else place).logits[:, -1].float()
            )
        return module(input_ids=ids, use_cache=False).logits.index_select(1, place)[:, 0].float()

    @torch.no_grad()
    def prefill(self, ids: Tensor, room: int) -> tuple[list[Past], Tensor]:
        """The caches grow by themselves; ``room`` is not needed."""
        caches, logits = [], []
        for module, part in zip(self._copies, ids):
            kept, after = self._begun(module, part)
            caches.append(Past(kept, part if kept is None else None, [part]))
            logits.append(after)
        return caches, torch.stack(logits)

    def _begun(self, module: Any, ids: Tensor) -> tuple[Any, Tensor]:
        """The model's own cache of int64[B, T] (None where it keeps none), and the logits after the last token."""
        out = module(input_ids=ids, use_cache=True, **({"logits_to_keep": 1} if self._keeps else {}))
        return getattr(out, "past_key_values", None), out.logits[:, -1].float()

    @torch.no_grad()
    def advance(self, cache: list[Past], ids: Tensor) -> Tensor:
        out = []
        for module, past, token in zip(self._copies, cache, ids):
            if past.ids is not None:
                past.ids = torch.cat((past.ids, token.unsqueeze(1)), dim=1)
                out.append(self._after(module, past.ids, None))
                continue
            step = module(input_ids=token.unsqueeze(1), past_key_values=past.kept, use_cache=True)
            past.kept = step.past_key_values
            past.seen.append(token.unsqueeze(1))
            out.append(step.logits[:, -1].float())
        return torch.stack(out)

    @torch.no_grad()
    def narrowed(self, cache: list[Past], rows: Tensor) -> list[Past]:
        """By the cache's own method where it has one (it is changed in place), else computed anew."""
        out = []
        for module, past in zip(self._copies, cache):
            if past.ids is not None:
                out.append(Past(None, past.ids[rows]))
                continue
            seen = torch.cat(past.seen, dim=1)[rows]
            try:
                past.kept.reorder_cache(rows)
                out.append(Past(past.kept, None, [seen]))
            except (AttributeError, NotImplementedError):
                out.append(Past(self._begun(module, seen)[0], None, [seen]))
        return out


def _nats(module: Any, ids: Tensor) -> Tensor:
    """Nats of every next token of int64[B, T + 1]: float32[B, T]."""
    logits = module(input_ids=ids[:, :-1], use_cache=False).logits.float()
    return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].reshape(-1), reduction="none").view(len(ids), -1)


def _narrowed(module: Any, dtype: torch.dtype) -> Any:
    """Parameters in another type; buffers, such as the frequencies of rotary positions, stay as they are."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
        parameter.data = parameter.data.to(dtype)
    return module


def shape_of(module: Any, config: dict[str, Any]) -> Shape:
    told = module.config
    context = next((int(v) for k in _LIMITS if isinstance(v := getattr(told, k, None), int) and v > 0), CONTEXT)
    layers, width, heads = (
        int(getattr(told, k, 0) or 0) for k in ("num_hidden_layers", "hidden_size", "num_attention_heads")
    )
    vocabulary = module.get_input_embeddings().weight.shape[0]
    count = sum(p.numel() for p in module.parameters())
    return Shape(str(config["model_type"]), layers, width, heads, vocabulary, context, count)


@contextmanager
def quiet() -> Iterator[None]:
    """transformers without its bars and remarks."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _opened(files: ModelFiles) -> Any:
    """The module in fp32, without dropout; nothing is fetched, and no code of the model's own is run."""
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        raise InputError(
            f"{files.config['model_type']} models need transformers: pip install 'contam[models]'"
        ) from None
    options: dict[str, Any] = {"use_safetensors": True, "trust_remote_code": False, "local_files_only": True}
    with quiet():
        try:
            read: Any = AutoModelForCausalLM.from_pretrained(str(files.folder), output_loading_info=True, **options)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # a type it does not know, a damaged file, sizes that do not fit
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{files.folder}: transformers cannot load the model ({first[:300]})") from None
    module, told = read
    if missing := sorted(told["missing_keys"]):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(f"{files.folder}: the weights lack {', '.join(missing[:3])}{more}; fetch the model again")
    return module.float().eval()
