"""Language models before their first step: a tokenizer trained on a text, and random weights.

GPT-2 and the Llama family are made here as their libraries initialise them; every other architecture is made by
transformers. The same seed gives the same weights, whatever was drawn before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contam.errors import InputError
from contam.models.anything import Anything, quiet
from contam.models.finding import ModelFiles
from contam.models.loading import kind_of
from contam.models.network import Device, Network
from contam.models.stacked import stack
from contam.models.tokenizer import Tokenizer
from contam.reports import write_whole

END = "<|endoftext|>"
"""The one special token: it stands before, between and after documents."""
_TYPES = ("dtype", "torch_dtype")
CUT = 1 << 16
"""Characters that the training of a tokenizer reads at a time."""


def train_tokenizer(texts: Sequence[str], vocabulary: int, folder: Path) -> Tokenizer:
    """A byte-level BPE (Sennrich et al. 2016, as GPT-2 has it) of at most ``vocabulary`` pieces, saved in ``folder``.

    Piece 0 is ``<|endoftext|>``, beginning and end of a text in one; 256 pieces are the bytes, so any text can be
    written; the rest are merges, fewer than asked for where the text has no more. The same texts give the same pieces.
    transformers' ``AutoTokenizer`` reads the folder too.
    """
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    if not any(texts):
        raise InputError("no text to train a tokenizer on: the corpus is empty")
    made = Library(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(_pieces(texts), trainer)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": END, "eos_token": END,
                "unk_token": None, "pad_token": None, "clean_up_tokenization_spaces": False}  # fmt: skip
    _written(folder, "tokenizer_config.json", json.dumps(settings, indent=1))
    _written(folder, "tokenizer.json", made.to_str())
    return Tokenizer(folder)


def _pieces(texts: Sequence[str]) -> Iterator[str]:
    """The texts, a long one in parts: a word cut in two is one word of a million wrong."""
    for text in texts:
        yield from (text[i : i + CUT] for i in range(0, len(text), CUT))


def _written(folder: Path, name: str, text: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    write_whole(folder / name, text)


def files_of(config: dict[str, Any], tokenizer: Tokenizer, folder: Path, name: str) -> ModelFiles:
    """The files of a model that has no weights yet: ``config`` is written to ``folder``.

    ``name`` is what the model is called in messages.
    """
    _written(folder, "config.json", json.dumps(config, indent=1))
    return ModelFiles(name, folder, config, (), tokenizer.folder)


def fresh(files: ModelFiles, seed: int, device: Device) -> Network:
    """A network of one replica with random weights, as the architecture's library initialises them.

    `contam.models.loading.save` writes it as a folder that transformers loads. ``InputError`` where the configuration
    describes no model.
    """
    kind, config = kind_of(files.config), files.config
    if kind == "gpt2":
        from contam.models import gpt2

        return gpt2.GPT2(config, stack([gpt2.initial(config, seed)]), device)
    if kind == "llama":
        from contam.models import llama

        return llama.Llama(config, stack([llama.weights_of(config, _llama(config, seed))]), device)
    return Anything(files, 1, device, _module(files, seed))


def _llama(config: dict[str, Any], seed: int) -> dict[str, Tensor]:
    """Matrices normal with ``initializer_range``, norms ones, biases zeros: as ``LlamaForCausalLM`` is initialised."""
    from contam.models.llama import tensor_sizes

    made = torch.Generator().manual_seed(seed)
    spread = float(config.get("initializer_range", 0.02))
    out = {}
    for name, size in tensor_sizes(config).items():
        if len(size) > 1:
            out[name] = torch.randn(size, generator=made) * spread
        else:
            out[name] = torch.zeros(size) if name.endswith("bias") else torch.ones(size)
    return out


def _module(files: ModelFiles, seed: int) -> Any:
    """The module in fp32, in evaluation mode: its dropout is off."""
    try:
        from transformers import AutoConfig, AutoModelForCausalLM
    except ImportError:
        kind = files.config["model_type"]
        raise InputError(f"{kind} models need transformers: pip install 'contam[models]'") from None
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        try:
            given = {k: v for k, v in files.config.items() if k not in _TYPES}
            module = AutoModelForCausalLM.from_config(AutoConfig.for_model(**given), trust_remote_code=False)
        except Exception as error:  # a type it does not know, sizes that do not fit
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{files.name}: transformers cannot make the model ({first[:300]})") from None
    return module.float().eval()

