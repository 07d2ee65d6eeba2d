"""Shapes of language models that are trained from scratch: by name, or from a configuration file.

A shape leaves open what text and training decide: the number of pieces, the positions, the end token (`fitted`).
Nothing here imports a model library, so a name that leads nowhere is refused at once.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contam.errors import InputError, UsageError


def _gpt2(width: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": width, "n_layer": layers,
        "n_head": heads, "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
        "tie_word_embeddings": True, "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
    }  # fmt: skip


def _gpt_neo(width: int, layers: int, heads: int, window: int) -> dict[str, Any]:
    return {
        "model_type": "gpt_neo", "architectures": ["GPTNeoForCausalLM"], "hidden_size": width, "num_layers": layers,
        "num_heads": heads, "attention_types": [[["global", "local"], layers // 2]], "window_size": window,
        "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
        "tie_word_embeddings": True, "attention_dropout": 0.0, "embed_dropout": 0.0, "resid_dropout": 0.0,
    }  # fmt: skip


def _llama(width: int, inner: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": width,
        "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": heads, "hidden_act": "silu", "rms_norm_eps": 1e-5, "initializer_range": 0.02,
        "tie_word_embeddings": True, "attention_dropout": 0.0,
    }  # fmt: skip


CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "gpt2-mini": _gpt2(128, 4, 4),
    "gptneo-mini": _gpt_neo(128, 4, 4, 32),
    "llama-mini": _llama(128, 344, 4, 4),
    "gpt2-9m": _gpt2(128, 12, 4),
    "gptneo-1m": _gpt_neo(64, 8, 16, 256),
    "gptneo-33m": _gpt_neo(768, 4, 16, 256),
    "llama-12m": _llama(256, 688, 5, 8),
    "llama-42m": _llama(512, 1376, 8, 8),
    "llama-126m": _llama(768, 2112, 14, 12),
}
"""Configurations as transformers reads them, but for what `fitted` sets.

``gptneo-1m`` (64 wide, 8 layers) and ``gptneo-33m`` (768 wide, 4 layers) have the width and depth of TinyStories-1M
and -33M (Eldan & Li 2023), which Wang et al. 2024 retrain; with 50,257 pieces and 2,048 positions they have 3.7 and
68.5 million parameters, for their names leave embeddings out. ``gpt2-9m`` and ``llama-12m``, ``-42m``, ``-126m`` have
the sizes of the models of Gerstgrasser et al. 2024 and Kazdan et al. 2024; their shapes are ours, chosen to have that
many parameters (GPT-2 with 50,257 pieces, Llama with 32,000 and one matrix for embedding and head). The three ``mini``
are ours too, for CPUs: 1.1 million parameters with 2,048 pieces.
"""

_NEEDED: dict[str, tuple[str, ...]] = {
    "gpt2": ("n_embd", "n_layer", "n_head"),
    "llama": ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    "mistral": ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    "qwen2": ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
}
"""What a configuration of the architectures computed here must say itself."""
_POSITIONS = ("n_positions", "max_position_embeddings", "max_seq_len", "seq_length", "n_ctx")


def configuration(name_or_file: str) -> dict[str, Any] | None:
    """The configuration of that name or in that file; None where it is neither, so that it names a model.

    Raises ``UsageError`` for a name that is nearly one of `CONFIGURATIONS` (and no folder), ``InputError`` for a file
    that does not hold the configuration of a causal language model.
    """
    given = name_or_file.strip()
    if given in CONFIGURATIONS:
        return json.loads(json.dumps(CONFIGURATIONS[given]))
    path = Path(given).expanduser()
    if given and path.is_file():
        return _read(path)
    if path.suffix == ".json" and not path.exists():
        raise InputError(f"{given}: no such file; give a config.json, or one of {', '.join(CONFIGURATIONS)}")
    near = get_close_matches(given.lower(), CONFIGURATIONS, n=1, cutoff=0.75)
    if near and not path.exists() and not _known(given):
        raise UsageError(f"{given!r}: no such configuration; did you mean {near[0]}?")
    return None


def fitted(config: dict[str, Any], vocabulary: int, block: int, end: int) -> dict[str, Any]:
    """The configuration for ``vocabulary`` pieces, ``block`` positions, and the end token that also begins a text."""
    stated = [k for k in _POSITIONS if k in config]
    usual = "n_positions" if config["model_type"] == "gpt2" else "max_position_embeddings"
    names = [*stated, usual]
    special = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": None}
    return config | {"vocab_size": vocabulary} | dict.fromkeys(names, block) | special


def _known(name: str) -> bool:
    """Whether a model goes by that name."""
    from contam.models.finding import ALIASES, COMMON, embedded

    return "/" in name or name in (*ALIASES, *COMMON, *embedded())


def _read(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as a configuration in JSON ({error})") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise InputError(f"{path}: names no model_type; expected a config.json as transformers saves it")
    for name in _NEEDED.get(config["model_type"], ()):
        if not isinstance(config.get(name), int) or isinstance(config[name], bool) or config[name] < 1:
            raise InputError(f"{path}: {name} is {config.get(name)!r}; a {config['model_type']} needs a whole number")
    if config.get("is_encoder_decoder"):
        raise InputError(f"{path}: an encoder-decoder; expected a causal language model such as GPT-2 or Llama")
    width, heads = _width(config)
    if heads and width % heads:
        raise InputError(f"{path}: a width of {width} cannot be shared by {heads} heads")
    grouped = config.get("num_key_value_heads") or heads
    if heads and heads % grouped:
        raise InputError(f"{path}: {heads} heads cannot be shared by {grouped} heads of keys and values")
    _check_causal(path, config["model_type"])
    return config


def _check_causal(path: Path, kind: str) -> None:
    """InputError for an architecture that sees what comes after a token: it would only learn to copy."""
    if kind in _NEEDED:
        return
    from transformers.models.auto import modeling_auto as known

    masked = known.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if kind not in known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or kind in masked:
        raise InputError(f"{path}: {kind} is no causal language model; expected one such as GPT-2, GPT-Neo or Llama")


def _width(config: dict[str, Any]) -> tuple[int, int]:
    """Width and heads of the architectures computed here; heads are 0 where they need not divide it."""
    if config["model_type"] == "gpt2":
        return config["n_embd"], config["n_head"]
    if config["model_type"] in _NEEDED and not config.get("head_dim"):
        return config["hidden_size"], config["num_attention_heads"]
    return 0, 0
