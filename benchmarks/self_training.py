"""Does the paired audit see a small language model collapse on its own output?

    CONTAM_SHARED=../shared python benchmarks/self_training.py [--rounds 8] [--seeds 3]

Takes the stories260k model of the shared data, samples from it, trains it on its own samples over and over at a
high rate, samples again, and audits the later samples with the first ones as `--reference`. Needs torch and
transformers. Prints one line a round: loss on the model's own text, level, p-values, and how the signals moved.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import contam

SHARED = Path(os.environ.get("CONTAM_SHARED", Path(__file__).parent.parent.parent / "shared"))
LENGTH = 256


def sample(model: Any, tokenizer: Any, count: int, seed: int) -> tuple[Any, list[str]]:
    """Samples from the start token at temperature 1, nothing cut off: (token ids, texts)."""
    import torch

    torch.manual_seed(seed)
    ids = []
    for _ in range(0, count, 64):
        start = torch.full((64, 1), tokenizer.bos_token_id or 1)
        with torch.no_grad():
            # No end token: stopping early would leave samples of other lengths behind.
            settings = {"do_sample": True, "top_k": 0, "temperature": 1.0, "eos_token_id": None, "pad_token_id": 0}
            out = model.generate(start, max_new_tokens=LENGTH - 1, **settings)
        ids.append(out)
    tokens = torch.cat(ids)[:count]
    return tokens, tokenizer.batch_decode(tokens, skip_special_tokens=True)


def train(model: Any, tokens: Any, rate: float, steps: int, seed: int) -> float:
    """Train on the tokens; the mean loss of the last steps."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        rows = tokens[torch.randint(0, len(tokens), (16,), generator=generator)]
        loss = model(rows, labels=rows).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses[-10:]) / len(losses[-10:])


def run(seed: int, rounds: int, rate: float) -> None:
    """One lineage, printed round by round."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, logging

    logging.set_verbosity_error()
    folder = SHARED / "data" / "models" / "stories260k"
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens, trusted = sample(model, tokenizer, 256, seed)
    again = sample(model, tokenizer, 256, seed + 1)[1]
    report(seed, 0, float("nan"), contam.audit(again, reference=trusted))
    for i in range(1, rounds + 1):
        loss = train(model, tokens, rate, 60, seed + i)
        tokens, texts = sample(model, tokenizer, 256, 1000 * seed + i)
        report(seed, i, loss, contam.audit(texts, reference=trusted))


def report(seed: int, i: int, loss: float, audit: contam.Audit) -> None:
    """One line: what the audit said, and what its main figures were."""
    keys = ("diversity.types", "tail.hapax_share", "entropy.window", "repetition.cover_4")
    figures = "  ".join(f"{k.split('.')[1]} {audit.signals[k].value or float('nan'):.4g}" for k in keys)
    p = "-" if audit.verdict.p_value is None else f"{audit.verdict.p_value:.3f}"
    print(f"seed {seed} round {i}: loss {loss:.2f}  {audit.level}  p {p}  {figures}", flush=True)


def main() -> None:
    """Run the lineages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    options = parser.parse_args()
    for seed in range(options.seeds):
        run(seed, options.rounds, options.rate)


if __name__ == "__main__":
    main()
