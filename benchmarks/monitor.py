"""How often the monitor's rule warns: of fine-tuning on human text, where it should not, and on collapsed text.

    python benchmarks/monitor.py DATA [--models tiny FOLDER] [--steps 80] [--rates 1e-3] [--only healthy]

DATA is a folder of ``NAME.jsonl``, ``.jsonl.zst`` or ``.txt`` files, a domain each. Every run is a plain loop with
AdamW, 8 windows of 64 tokens a step, and eight checks; the draws of a model's baseline are made once and shared by its
runs. Healthy: one run a domain and learning rate; the monitor watches documents of the same domain that are not trained
on. Collapsing: the texts that a model wrote itself, greedily
(``greedy``), cold (``cold``: temperature .5), one sentence of its own again and again (``loop``), or what the model
being trained writes at that step (``self``: 24 texts every tenth step, top-k 20). The monitor watches Python's own
documentation there. A line a run: the level of each check (- not judged, h healthy, a at risk, c collapsing), with the
human text and as they would be without it, and what had turned at the last; then the rates.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from contam.models.finding import find
from contam.models.live import resting
from contam.models.rollouts import RolloutSettings, rollouts
from contam.models.texts import load_validation
from contam.monitoring.judging import Baseline, Check, Judge
from contam.monitoring.monitor import ModelMonitor
from contam.monitoring.reading import Speller, nats_per_token, windows

CHECKS, BATCH, WINDOW = 8, 8, 64
KINDS = ("greedy", "cold", "loop", "self")
DRAWN: dict[str, Baseline] = {}
SAVED: list[Path] = []
Batches = Iterator[torch.Tensor]
Pair = tuple[list[Check], list[Check]]


def loaded(name: str) -> tuple[Any, Any]:
    """The module and the tokenizer, as transformers reads them."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as told

    told.disable_progress_bar()
    told.set_verbosity_error()
    files = find(name)
    module = AutoModelForCausalLM.from_pretrained(files.folder, dtype=torch.float32)
    return module, AutoTokenizer.from_pretrained(files.tokenizer_folder)


def batches(ids: list[int], seed: int) -> Batches:
    """Windows at random places."""
    made, stream = random.Random(seed), torch.tensor(ids)
    while True:
        places = [made.randrange(len(ids) - WINDOW - 1) for _ in range(BATCH)]
        yield torch.stack([stream[p : p + WINDOW + 1] for p in places])


def encoded(tokenizer: Any, texts: list[str], limit: int = 300_000) -> list[int]:
    """Texts end to end, the beginning token before each."""
    speller = Speller(tokenizer)
    out: list[int] = []
    for text in texts:
        out += [*speller.beginning(), *speller.encode(text[:20_000])]
        if len(out) > limit:
            break
    return out


def written(module: Any, tokenizer: Any, count: int, seed: object, **how: Any) -> list[str]:
    """Texts of the module's own."""
    speller = Speller(tokenizer)
    with resting(module) as network:
        starts = [speller.beginning() + speller.encode(str(i) if how.get("temperature") == 0 else "")
                  for i in range(count)]  # fmt: skip
        found = rollouts(network, starts, [("rates", seed, i) for i in range(count)], RolloutSettings(100, **how))
    return [speller.decode(one.ids) for one in found]


def collapsed(kind: str, module: Any, tokenizer: Any, seed: int) -> Batches:
    """What a collapsing run is trained on."""
    if kind == "self":
        for turn in range(10_000):
            texts = written(module, tokenizer, 24, (seed, turn), top_k=20)
            source = batches(encoded(tokenizer, texts), seed)
            for _ in range(10):
                yield next(source)
    elif kind == "loop":
        sentence = written(module, tokenizer, 1, seed)[0][:40]
        yield from batches(encoded(tokenizer, [sentence * 50] * 50), seed)
    else:
        texts = written(module, tokenizer, 100, seed, temperature=0.0 if kind == "greedy" else 0.5)
        yield from batches(encoded(tokenizer, texts), seed)


def begin(monitor: ModelMonitor, name: str, module: Any, tokenizer: Any) -> None:
    """Draw the baseline, or take the draws of the run before and measure the loss on human text alone."""
    if name not in DRAWN:
        DRAWN[name] = monitor.baseline(module, tokenizer)
        return
    with resting(module) as network:
        ids = windows(Speller(tokenizer), monitor.texts, network.shape.context)
        monitor.resume(replace(DRAWN[name], validation=nats_per_token(network, ids)), tokenizer)


def run(name: str, rate: float, steps: int, watched: list[str], source: Callable[[Any, Any], Batches]) -> Pair:
    """The checks of one run, with and without the human text."""
    module, tokenizer = loaded(name)
    torch.manual_seed(0)
    monitor = ModelMonitor(watched)
    begin(monitor, name, module, tokenizer)
    optimizer = torch.optim.AdamW(module.parameters(), rate)
    data, checks = source(module, tokenizer), []
    module.train()
    for step in range(1, steps + 1):
        ids = next(data)
        module(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % (steps // CHECKS) == 0:
            checks.append(monitor.check(module, step))
    if SAVED:
        started = monitor.started.as_json()
        with SAVED[0].open("a") as file:
            file.write(json.dumps({"baseline": started, "checks": [c.signals for c in checks]}) + "\n")
    bare = without_text(monitor, checks)
    print(f"  {told(checks)} without text {told(bare)}, {last_of(monitor, checks)}", flush=True)
    return checks, bare


def told(checks: list[Check]) -> str:
    """The levels of checks, a letter each."""
    return "".join("-hac"[c.level.severity + 1] for c in checks)


def without_text(monitor: ModelMonitor, checks: list[Check]) -> list[Check]:
    """The same checks, as if no human text had been watched."""
    judge = Judge(replace(monitor.started, validation=None), monitor.settings.samples)
    return [judge.check(c.step, {**c.signals, "validation": None}) for c in checks]


def last_of(monitor: ModelMonitor, checks: list[Check]) -> str:
    """Figures of the last check."""
    last, first = checks[-1], monitor.started
    own, human = last.signals["own_entropy_rate"] / first.own_rate, last.signals["validation"] - first.validation
    looped = last.signals["looped"]
    return f"own {own:.2f}, human text {human:+.2f}, looped {looped:.2f}, turned {' '.join(last.turned)}"


def domains(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Name -> texts to train on, texts to watch (the last tenth)."""
    found = {}
    for path in sorted(p for p in folder.iterdir() if p.name.endswith((".jsonl", ".zst", ".txt"))):
        texts = list(load_validation(path).documents)
        if len(texts) == 1:
            texts = [texts[0][i : i + 4000] for i in range(0, len(texts[0]), 4000)]
        held = max(1, len(texts) // 10)
        found[path.name.partition(".")[0]] = (texts[:-held][:2000], texts[-held:])
    return found


def tell(kind: str, runs: list[Pair]) -> None:
    """The rates of some runs."""
    for name, side in (("with human text", 0), ("without", 1)) if runs else ():
        worst = [max(c.level.severity for c in pair[side]) for pair in runs]
        print(f"{kind}, {name}: of {len(runs)} at risk or worse {sum(w > 0 for w in worst)}, collapsing "
              f"{worst.count(2)}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=["tiny"])
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3])
    parser.add_argument("--only", choices=("healthy", "collapsing"))
    parser.add_argument("--domains", nargs="*")
    parser.add_argument("--save", type=Path, nargs="*", default=[], help="append what was measured, a line a run")
    given = parser.parse_args()
    SAVED.extend(given.save)
    logging.disable(logging.WARNING)
    healthy: list[Pair] = []
    chosen = {k: v for k, v in domains(given.data).items() if not given.domains or k in given.domains}
    for model in given.models if given.only != "collapsing" else ():
        for rate in given.rates:
            for name, (texts, watched) in chosen.items():
                print(f"{Path(model).name} {rate:g} {name}", end="", flush=True)
                healthy.append(run(model, rate, given.steps, watched,
                                   lambda m, t, texts=texts: batches(encoded(t, texts), 0)))  # fmt: skip
    tell("healthy", healthy)
    human = list(load_validation("pydoc").documents)
    for kind in KINDS if given.only != "healthy" else ():
        runs = []
        for model in given.models:
            for rate in given.rates:
                print(f"{Path(model).name} {rate:g} {kind}", end="", flush=True)
                runs.append(run(model, rate, given.steps, human, lambda m, t, k=kind: collapsed(k, m, t, 0)))
        tell(kind, runs)


if __name__ == "__main__":
    main()
