"""How many tokens a second `contam.models.writing` writes, against transformers' `generate()` one document at a time.

    python benchmarks/writing.py [gpt2-mini gptneo-mini ...] [--documents 256] [--tokens 255] [--batch 256]
                                 [--single 4] [--rounds 5] [--vocabulary 2048]

Random weights, moved so that the stop token has a probability of about one in a hundred wherever the architecture has
a bias before its head: documents then end at all lengths, as a trained model's do. Both draw at temperature 1 from the
start token; all ways take turns within a round, so that a busy machine slows each. `generate()` writes `--single`
documents a round. Printed: tokens a second, and the median over the rounds of the ratio to `generate()`, for batches
that finished documents leave, for batches that keep them to the end, and for fixed places that are filled again (where
the network allows it, with a quarter of the batch as places). Threads: set OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from contam.experiments.recurse.backend import Name
from contam.models import batches, writing
from contam.models.anything import quiet
from contam.models.configurations import CONFIGURATIONS, fitted
from contam.models.loading import save
from contam.models.network import Device, Network
from contam.models.scratch import files_of, fresh, train_tokenizer
from contam.models.writing import WritingSettings, write_documents

STOP = 0
LIFT = 3.0
"""Added to the stop token's logit: e^3 / 2048 is about one in a hundred."""


def models(name: str, given: argparse.Namespace, scratch: Path) -> tuple[Network, Any]:
    """The network here, and the same weights as transformers' module."""
    from transformers import AutoModelForCausalLM

    config = fitted(CONFIGURATIONS[name], given.vocabulary, given.tokens + 1, STOP)
    tokenizer = train_tokenizer(["a b c"], 260, scratch / "tokenizer")  # no text is encoded here
    files = files_of(config, tokenizer, scratch / name, name)
    network = fresh(files, 0, Device())
    masters = network.masters(0)
    bias = next((v for k, v in masters.items() if k.endswith("ln_f.bias")), None)
    if bias is not None:
        own = next(v for k, v in masters.items() if k.endswith("wte.weight"))[STOP].detach()
        with torch.no_grad():
            bias.copy_(LIFT * own / (own @ own))
        network.refresh()
    save(network, 0, files, scratch / f"{name}-saved")
    with quiet():
        return network, AutoModelForCausalLM.from_pretrained(scratch / f"{name}-saved").eval()


@contextmanager
def set_to(module: Any, name: str, value: Any) -> Iterator[None]:
    """A constant of a module at another value."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def ours(network: Network, documents: int, settings: WritingSettings, seed: int) -> float:
    """Tokens a second, stop tokens counted."""
    began = time.perf_counter()
    found = write_documents(network, [[STOP]] * documents, settings, Name("benchmark", seed, 1))
    written = sum(map(len, found.ids)) + round(found.ended * documents)
    return written / (time.perf_counter() - began)


def theirs(module: Any, documents: int, tokens: int) -> float:
    """Tokens a second of documents written one by one."""
    ids = torch.tensor([[STOP]])
    began, written = time.perf_counter(), 0
    for _ in range(documents):
        out = module.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=True, temperature=1.0, top_k=0, pad_token_id=STOP,
            eos_token_id=STOP, max_new_tokens=tokens,
        )  # fmt: skip
        written += out.shape[1] - 1
    return written / (time.perf_counter() - began)


def ways(network: Network, module: Any, given: argparse.Namespace) -> dict[str, Callable[[int], float]]:
    """What takes turns: each gives tokens a second for a seed."""
    settings = WritingSettings(max_tokens=given.tokens, batch=given.batch, stop=STOP)

    def kept(seed: int) -> float:
        with set_to(batches, "LEAVE", 2.0):
            return ours(network, given.documents, settings, seed)

    def refilled(seed: int) -> float:
        with set_to(writing, "REFILL", True):
            return ours(network, given.documents, replace(settings, batch=max(1, given.batch // 4)), seed)

    def smaller(seed: int) -> float:
        return ours(network, given.documents, replace(settings, batch=max(1, given.batch // 4)), seed)

    found: dict[str, Callable[[int], float]] = {
        "generate(), one by one": lambda _: theirs(module, given.single, given.tokens),
        f"batches of {given.batch}": lambda seed: ours(network, given.documents, settings, seed),
        f"batches of {given.batch // 4}": smaller,
        f"batches of {given.batch} that nobody leaves": kept,
    }
    return found | ({f"{given.batch // 4} places, filled again": refilled} if network.capturable else {})


def compared(name: str, given: argparse.Namespace, scratch: Path) -> None:
    """Print the table of one shape."""
    network, module = models(name, given, scratch)
    found = ways(network, module, given)
    ours(network, 4, WritingSettings(8, stop=STOP), 0), theirs(module, 1, 8)
    torch.manual_seed(0)
    rounds = [{way: run(seed) for way, run in found.items()} for seed in range(given.rounds)]
    base = next(iter(found))
    print(f"\n{name}: {network.shape.parameters:,} parameters")
    for way in found:
        ratios = [one[way] / one[base] for one in rounds]
        speed = statistics.median(one[way] for one in rounds)
        spread = f"median {statistics.median(ratios):.1f}, {min(ratios):.1f} to {max(ratios):.1f}"
        print(f"  {way:>40}: {speed:8,.0f} tokens/s; ratio {spread}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", default=["gpt2-mini", "gptneo-mini"])
    numbers = {"documents": 256, "tokens": 255, "batch": 256, "single": 4, "rounds": 5, "vocabulary": 2048}
    for option, value in numbers.items():
        parser.add_argument(f"--{option}", type=int, default=value)
    given = parser.parse_args()
    print(f"{given.documents} documents of at most {given.tokens} tokens, {torch.get_num_threads()} threads, fp32")
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.shapes:
            compared(name, given, Path(scratch))


if __name__ == "__main__":
    main()
