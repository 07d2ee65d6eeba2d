"""Trains the embedded models `tiny` and `tiny-half` on public-domain text, and records how.

    CONTAM_SHARED=../shared python benchmarks/tiny.py [--only tiny] [--epochs 2]

Text: English novels of 1847-1930, inaugural addresses of presidents of the United States, and the Python Enhancement
Proposals (all public domain); every twentieth work is held out. One byte-level BPE of 2,048 pieces serves both models,
which differ in width alone. Writes weights, tokenizer, config and `record.json` to contam/models/tiny/NAME. Takes about
half an hour on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contam.models.gpt2 import GPT2, initial
from contam.models.network import Device
from contam.models.optimizer import AdamSettings, Optimizer
from contam.models.stacked import stack

SHARED = Path(os.environ.get("CONTAM_SHARED", Path(__file__).parent.parent.parent / "shared"))
TARGET = Path(__file__).parent.parent / "contam" / "models" / "tiny"
FILES = ("english_novels", "inaugural", "peps")
WIDTHS = {"tiny": 128, "tiny-half": 64}
VOCABULARY, CONTEXT, BATCH, RATE = 2048, 128, 32, 3e-3
END = "<|endoftext|>"


def works(name: str) -> dict[str, str]:
    """The works of one file of the shared data by their names, their parts joined in order."""
    import zstandard

    raw = (SHARED / "data" / "human" / f"{name}.jsonl.zst").read_bytes()
    parts: dict[str, list[tuple[int, str]]] = {}
    for i, line in enumerate(io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw), encoding="utf-8")):
        row = json.loads(line)
        parts.setdefault(str(row.get("doc", i)), []).append((int(row.get("part") or 0), row["text"]))
    return {doc: "\n".join(text for _, text in sorted(rows)) for doc, rows in parts.items()}


def texts() -> tuple[list[str], list[str]]:
    """(training works, held-out works): a work is on one side only, by a hash of its name."""
    train, held = [], []
    for name in FILES:
        for doc, text in works(name).items():
            aside = int(hashlib.sha256(f"{name}/{doc}".encode()).hexdigest(), 16) % 20 == 0
            (held if aside else train).append(text)
    return train, held


def tokenizer_of(train: list[str]) -> Any:
    """A byte-level BPE trained on the training works."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(train, trainer)
    return made


def encode(tokenizer: Any, documents: list[str]) -> np.ndarray:
    """The documents one after another, each ended by the end token."""
    end = tokenizer.token_to_id(END)
    return np.concatenate([np.array([*e.ids, end], np.int64) for e in tokenizer.encode_batch(documents)])


def windows(tokens: np.ndarray, generator: torch.Generator) -> torch.Tensor:
    """A batch of random windows int64[1, BATCH, CONTEXT + 1]."""
    starts = torch.randint(0, len(tokens) - CONTEXT - 1, (BATCH,), generator=generator).tolist()
    return torch.from_numpy(np.stack([tokens[s : s + CONTEXT + 1] for s in starts])).unsqueeze(0)


def held_out_loss(net: GPT2, tokens: np.ndarray) -> float:
    """Mean nats per token over windows that do not overlap."""
    count = (len(tokens) - 1) // CONTEXT
    rows = np.stack([tokens[i * CONTEXT : i * CONTEXT + CONTEXT + 1] for i in range(count)])
    return float(net.score(torch.from_numpy(rows).unsqueeze(0)).mean())


def train(net: GPT2, tokens: np.ndarray, steps: int, name: str) -> None:
    """Warm-up, then cosine decay to a tenth."""
    optimizer = Optimizer(net, [RATE], AdamSettings(weight_decay=0.1))
    generator = torch.Generator().manual_seed(1)
    begin = time.perf_counter()
    for step in range(steps):
        part = step / steps
        rate = RATE * min((step + 1) / 100, 0.1 + 0.45 * (1 + math.cos(math.pi * part)))
        for group in optimizer.adam.param_groups:
            group["lr"] = rate
        loss = net.losses(windows(tokens, generator)).mean()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            told = f"loss {float(loss.detach()):.3f} {time.perf_counter() - begin:.0f} s"
            print(f"{name} step {step}/{steps} {told}", flush=True)


def save(net: GPT2, config: dict[str, Any], tokenizer: Any, folder: Path, record: dict[str, Any]) -> None:
    """Weights, config, tokenizer and record, as transformers loads them."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(net.tensors(0), folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    ends = {"bos_token": END, "eos_token": END, "clean_up_tokenization_spaces": False}
    named = {
        "config.json": config,
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **ends},
        "record.json": record,
    }
    for name, content in named.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def build(name: str, epochs: float) -> None:
    """Train and save one model."""
    training, held = texts()
    tokenizer = tokenizer_of(training)
    tokens, aside = encode(tokenizer, training), encode(tokenizer, held)
    config = {
        "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "vocab_size": VOCABULARY, "n_positions": CONTEXT,
        "n_embd": WIDTHS[name], "n_layer": 3, "n_head": WIDTHS[name] // 32, "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5, "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": True,
        "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0,
    }  # fmt: skip
    net = GPT2(config, stack([initial(config, seed=0)]), Device())
    steps = int(epochs * len(tokens) / (BATCH * CONTEXT))
    begin = time.perf_counter()
    train(net, tokens, steps, name)
    record = {
        "text": {"files": list(FILES), "works": len(training), "held_out_works": len(held), "licence": "public domain"},
        "training_tokens": len(tokens), "training_bytes": sum(len(t.encode()) for t in training),
        "held_out_tokens": len(aside), "held_out_bytes": sum(len(t.encode()) for t in held),
        "digest": hashlib.sha256("\n".join(training).encode()).hexdigest()[:16], "steps": steps, "epochs": epochs,
        "batch": [BATCH, CONTEXT], "learning_rate": RATE, "schedule": "100 steps warm-up, cosine to a tenth",
        "optimizer": "AdamW .9/.95, weight decay .1, clip 1", "parameters": net.shape.parameters,
        "held_out_nats_per_token": round(held_out_loss(net, aside), 4), "torch": torch.__version__,
        "seconds": round(time.perf_counter() - begin), "script": "benchmarks/tiny.py",
    }  # fmt: skip
    save(net, config, tokenizer, TARGET / name, record)
    print(json.dumps(record, indent=1))


def main() -> None:
    """Build the models asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(WIDTHS))
    parser.add_argument("--epochs", type=float, default=2.0)
    options = parser.parse_args()
    for name in [options.only] if options.only else WIDTHS:
        build(name, options.epochs)


if __name__ == "__main__":
    main()
