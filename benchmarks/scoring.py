"""Speed of scoring (five figures of every token) beside a bare forward pass that only makes the logits.

    python benchmarks/scoring.py                                   # the embedded model and a random GPT-2 of 124M
    python benchmarks/scoring.py --model stories260k/ --length 256 # any folder, besides
    python benchmarks/scoring.py --shapes quick --rounds 2         # does it run: seconds

All three do the same batches of equal long rows, without padding, in one process, in turn: contam's scoring; contam's
own network giving the logits of a batch and nothing else; transformers' module giving them. A ratio is taken within
a round; the table has the median of the rounds and their range, above 1 where scoring is faster. ``--clock cpu``
counts the seconds of the processor instead of those on the wall, for a machine that others use too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contam.models import gpt2
from contam.models.finding import TINY, find
from contam.models.loading import read
from contam.models.network import Device
from contam.models.predictions import predictions
from contam.models.scoring import Windowing, score_ids
from contam.models.stacked import Stacked

SHAPES: dict[str, dict[str, Any]] = {
    "quick": {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 512, "n_positions": 64},
    "124M": {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024},
}
"""GPT-2 with random weights: time does not depend on them."""
ROWS = {"124M": 4}
LENGTH = {"124M": 128}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Case:
    """A model twice, as contam's network and as transformers' module, and tokens int64[1, rows, length + 1]."""

    name: str
    network: Any
    module: Any
    ids: torch.Tensor


def with_random_weights(name: str, folder: Path) -> Path:
    """A GPT-2 of that shape in a folder."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model("gpt2", **SHAPES[name], bos_token_id=0, eos_token_id=0)
    model = AutoModelForCausalLM.from_config(config)
    made = gpt2.initial(SHAPES[name], 0)
    model.load_state_dict({f"transformer.{k}": v for k, v in made.items()}, strict=False)
    model.save_pretrained(folder / name)
    (folder / name / "tokenizer.json").write_text("{}")
    return folder / name


def case_of(name: str, path: str, args: argparse.Namespace) -> Case:
    """A model and random tokens."""
    from transformers import AutoModelForCausalLM
    files = find(path)
    network = read(files).network(1, Device("cpu", args.precision))
    module = AutoModelForCausalLM.from_pretrained(files.folder, dtype=network.device.dtype).eval()
    rows, length = args.rows or ROWS.get(name, 32), args.length or LENGTH.get(name, 128)
    made = torch.Generator().manual_seed(0)
    ids = torch.randint(0, network.shape.vocabulary, (1, rows, min(length, network.shape.context) + 1), generator=made)
    return Case(name, network, module, ids)


def own_forward(case: Case) -> None:
    """The layers and the head of all rows at once."""
    n, ids = case.network, case.ids[:, :, :-1]
    if not isinstance(n, Stacked):
        n.modules[0](input_ids=ids[0], use_cache=False)
        return
    x = n._layers(n.compute, n.embed(n.compute, ids, 0), range(n.shape.layers), (ids.shape[1], ids.shape[2], 0))
    n.logits(n.compute, x)


def works_of(case: Case) -> dict[str, Callable[[], Any]]:
    """What is timed."""
    rows = list(case.ids[0].numpy().astype(np.int64))
    window = Windowing(window=case.ids.shape[2] - 1)
    return {
        "scoring": lambda: score_ids(case.network, rows, None, window, batch=len(rows)),
        "figures alone": lambda: predictions(case.network, case.ids),
        "own forward": lambda: own_forward(case),
        "transformers": lambda: case.module(input_ids=case.ids[0, :, :-1], use_cache=False),
    }


@torch.no_grad()
def timed(case: Case, rounds: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Seconds of each, round by round; the order turns around in every other round."""
    works = works_of(case)
    out: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for i in range(rounds):
        for name in list(works) if i % 2 else list(works)[::-1]:
            began = clock()
            works[name]()
            out[name].append(clock() - began)
    return out


def told(case: Case, seconds: dict[str, list[float]]) -> None:
    """A row of the table for each of what scoring is compared with."""
    _, rows, more = case.ids.shape
    tokens = rows * (more - 1)
    best = {name: statistics.median(times) for name, times in seconds.items()}
    for name in ("figures alone", "own forward", "transformers"):
        ratios = [b / a for a, b in zip(seconds["scoring"], seconds[name])]
        rates = f"{tokens / best['scoring']:>9,.0f}  {tokens / best[name]:>9,.0f}"
        spread = f"{statistics.median(ratios):>6.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{case.name:>14}  {rows:>4} x {more - 1:<5} {name:>14}  {rates}  {spread}", flush=True)


def main() -> None:
    """Time every model that was asked for."""
    from transformers.utils import logging

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="*", choices=["tiny", *SHAPES], default=["tiny", "124M"])
    parser.add_argument("--model", nargs="*", default=[], help="folders of models")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--length", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    print(f"torch {torch.__version__}, {args.threads} threads, {args.precision}, {args.clock} clock; tokens per second")
    print(f"{'model':>14}  {'batch':>10} {'against':>17}  {'scoring':>9}  {'other':>9}  {'ratio':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.shapes:
            path = TINY / "tiny" if name == "tiny" else with_random_weights(name, Path(folder))
            case = case_of(name, "tiny" if name == "tiny" else str(path), args)
            told(case, timed(case, args.rounds, CLOCKS[args.clock]))
        for given in args.model:
            case = case_of(Path(given).name, given, args)
            told(case, timed(case, args.rounds, CLOCKS[args.clock]))


if __name__ == "__main__":
    main()
