"""How many tokens a second `contam.models.rollouts` writes, against transformers' `generate()` one text at a time.

    python benchmarks/rollouts.py [tiny FOLDER ... 124M] [--texts 64] [--tokens 100] [--single 6] [--rounds 3]

Both draw at temperature 1 without top-k from the same prompts, write equally many tokens a text (nothing stops them),
and take turns within a round, so that a busy machine slows both. `generate()` writes `--single` texts a round: its cost
is the same for each. Printed: tokens a second of each, and the median over the rounds of their ratio. `124M` is a
GPT-2 of random weights at that shape. Threads: set OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from contam.models.finding import find
from contam.models.loading import read
from contam.models.network import Device
from contam.models.rollouts import RolloutSettings, rollouts

SMALL_GPT2 = "124M"


def models(name: str, scratch: Path) -> tuple[Any, Any]:
    """The network here, and the same weights as transformers' module."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    if name == SMALL_GPT2:
        from transformers import GPT2Config, GPT2LMHeadModel

        torch.manual_seed(0)
        name = str(scratch / "small")
        GPT2LMHeadModel(GPT2Config()).save_pretrained(name)
        (scratch / "small/tokenizer.json").write_text("{}")  # no text is encoded here
    files = find(name)
    module = AutoModelForCausalLM.from_pretrained(files.folder, dtype=torch.float32).eval()
    module.generation_config.eos_token_id = None
    return read(files).network(1, Device()), module


def ours(network: Any, texts: int, tokens: int) -> float:
    """Tokens a second."""
    began = time.perf_counter()
    found = rollouts(network, [[1]] * texts, [("benchmark", i) for i in range(texts)], RolloutSettings(tokens))
    return sum(len(r.ids) for r in found) / (time.perf_counter() - began)


def theirs(module: Any, texts: int, tokens: int) -> float:
    """Tokens a second of texts written one by one."""
    ids = torch.tensor([[1]])
    began = time.perf_counter()
    written = 0
    for _ in range(texts):
        out = module.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, pad_token_id=0,
            min_new_tokens=tokens, max_new_tokens=tokens,
        )  # fmt: skip
        written += out.shape[1] - 1
    return written / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["tiny"])
    for option, value in (("texts", 64), ("tokens", 100), ("single", 6), ("rounds", 3)):
        parser.add_argument(f"--{option}", type=int, default=value)
    given = parser.parse_args()
    print(f"{given.texts} texts of {given.tokens} tokens, {torch.get_num_threads()} threads, fp32")
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.models:
            network, module = models(name, Path(scratch))
            ours(network, 2, 4), theirs(module, 1, 4)
            pairs = [
                (ours(network, given.texts, given.tokens), theirs(module, given.single, given.tokens))
                for _ in range(given.rounds)
            ]
            fast, slow = (statistics.median(one) for one in zip(*pairs))
            ratios = [a / b for a, b in pairs]
            told = f"median {statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}"
            speeds = f"rollouts {fast:,.0f} tokens/s, generate() {slow:,.0f} tokens/s"
            print(f"{Path(name).name:>12}: {speeds}; ratio {told}")


if __name__ == "__main__":
    main()
