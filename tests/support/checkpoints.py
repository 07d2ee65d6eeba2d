"""Tiny language models in folders: random weights, and a byte-level tokenizer trained on a few lines of the tests."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

LINES = (
    "The harbour was quiet in the morning, and the boats lay side by side.",
    "A small wind came over the hill; it smelled of rain and of cut grass.",
    "Nobody spoke while the clock in the tower struck seven.\n",
    "She counted the steps: one, two, three, and then she stopped counting.",
    'He said, "It is late," and closed the door behind him.',
    "Äpfel, Birnen und Nüsse lagen auf dem Tisch. Déjà vu? 12 + 30 = 42.",
)
VOCABULARY = 320

KINDS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "gpt_neo": {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 64,
                "attention_types": [[["global", "local"], 1]], "window_size": 8},
    "llama": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "max_position_embeddings": 64},
    "mistral": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
                "num_key_value_heads": 2, "max_position_embeddings": 64, "sliding_window": 48},
    "qwen2": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2, "max_position_embeddings": 64},
}  # fmt: skip
"""Model types of transformers, and the smallest settings at which they are what they are."""


def trained_tokenizer(folder: Path, size: int = VOCABULARY) -> Any:
    """A byte-level BPE of GPT-2's kind with ``<|endoftext|>``, saved as ``tokenizer.json``."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(LINES * 3, trainer)
    made.save(str(folder / "tokenizer.json"))
    settings = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return made


def save_model(folder: Path, kind: str, seed: int = 0, **settings: Any) -> Path:
    """A model of one of ``KINDS`` with random weights, saved as transformers saves it, and a tokenizer.

    Weights are four times the usual spread, so that the logits are not nearly flat.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    given = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.08}
    config = AutoConfig.for_model(kind, **{**given, **KINDS[kind], **settings})
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:  # norms and biases begin as ones and zeros, which would hide mistakes
                parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    trained_tokenizer(folder)
    return folder


def write_safetensors(path: Path, tensors: dict[str, int]) -> Path:
    """A valid file of zeros by hand: name -> how many float32."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, count in tensors.items():
        header[name] = {"dtype": "F32", "shape": [count], "data_offsets": [end, end + 4 * count]}
        end += 4 * count
    told = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(told)) + told + bytes(end))
    return path


def write_files(folder: Path, **config: Any) -> Path:
    """The outside of a GPT-2 folder, enough to be found: configuration, weights of zeros, a tokenizer's file."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], **config}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in told.items() if v is not None}))
    write_safetensors(folder / "model.safetensors", {"wte.weight": 8})
    (folder / "tokenizer.json").write_text("{}")
    return folder
