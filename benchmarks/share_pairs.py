"""Pairs of human text for the synthetic share: ``python benchmarks/share_pairs.py``.

Each human domain is cut in two in document order, and both halves are scored by a score that was fitted without the
domain's family. Writes ``contam/synthetic/scores/english_pairs.json``: figures, no text.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import authors
import numpy as np
from numpy.typing import NDArray
from refits import Left, Pool, pool

from contam.synthetic.null import FOLDER, NullPairs, NullRow
from contam.synthetic.ranking import Pair, bound, pair_of, rank_test

TARGET = FOLDER / "english_pairs.json"
SCORE = FOLDER / "english.npz"
SIZES = (100, 125, 150, 175, 200)
ALARM = 0.05
DIGITS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What a human pair got: the p-value of the rank test and the bound (0 without an alarm), at ``n`` documents a
    side."""

    domain: str
    family: str
    n: int
    p: float
    bound: float
    exchanged: bool


def halves(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Documents in their order, cut in two."""
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def by_hash(rows: NDArray[np.int64], keys: NDArray[np.uint64], n: int) -> NDArray[np.int64]:
    """The ``n`` documents with the smallest keys."""
    return rows[np.argsort(keys[rows], kind="stable")[:n]]


def _rounded(pair: Pair) -> Pair:
    return Pair(round(pair.auc, DIGITS), round(pair.left, DIGITS))


def rows_of(domain: authors.Domain, texts: Pool, scores: NDArray[np.float64]) -> list[NullRow]:
    """The rows of one domain: one for each size that both halves reach."""
    first, second = halves(texts.rows(domain.texts))
    found = []
    for n in SIZES:
        if min(len(first), len(second)) >= n:
            a, b = (scores[by_hash(half, texts.keys, n)] for half in (first, second))
            found.append(NullRow(domain.name, domain.family, n, _rounded(pair_of(a, b)), _rounded(pair_of(b, a))))
    return found


def measured(domains: Iterable[authors.Domain], texts: Pool) -> tuple[NullRow, ...]:
    """The rows of all domains, each by a score that did not know its family."""
    rows: list[NullRow] = []
    for domain in domains:
        rows += rows_of(domain, texts, texts.scores(Left(families=frozenset({domain.family}))))
    return tuple(rows)


def told(null: NullPairs, order: str) -> list[Told]:
    """What each human pair gets among the pairs of the other families, at the most documents it has. In unknown order
    either half may be the block, and both are told."""
    largest = {row.domain: row for row in sorted(null.rows, key=lambda r: r.n)}
    out = []
    for row in largest.values():
        u, r = null.without(row.family).values(row.n, order)
        for exchanged in (False,) if order == "known" else (False, True):
            pair = row.second if exchanged else row.first
            p = rank_test(pair.auc, u)
            low = bound(pair.left, r).share if p <= ALARM else 0.0
            out.append(Told(row.domain, row.family, row.n, p, low, exchanged))
    return out


def rates(found: Iterable[Told]) -> dict[str, int]:
    """How many human pairs alarm, and how many get a bound above 0, of how many."""
    items = list(found)
    return {"alarms": sum(t.p <= ALARM for t in items), "bounds": sum(t.bound > 0 for t in items), "pairs": len(items)}


def digest(path: Path = SCORE) -> str | None:
    """A name for the shipped score that changes with its content; None where it was not made yet."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else None


def null_pairs(texts: Pool) -> NullPairs:
    """The rows, the rates they give among each other, and what they were made of."""
    null = NullPairs(measured(authors.human_domains(), texts))
    said = {
        "documents": f"at least {authors.LEAST} words; long works in passages of about {authors.PASSAGE} words",
        "block": "first: the first half in document order is the block; second: the second half is",
        "score": "fitted again without the family of the row",
        "rates": "each pair among those of the other families, at the largest n of its domain",
    }
    found = {order: rates(told(null, order)) for order in ("known", "unknown")}
    return replace(null, rates=found, score_digest=digest(), provenance=said)


def written(null: NullPairs) -> str:
    """The file's text, one row a line."""
    plain = null.to_dict()
    rows = ",\n".join("  " + json.dumps(row) for row in plain.pop("rows"))
    head = json.dumps(plain, indent=1)
    return head[: head.rindex("}")].rstrip() + ',\n "rows": [\n' + rows + "\n ]\n}\n"


def main() -> None:
    """Measure, write, and say what came out."""
    null = null_pairs(pool())
    TARGET.write_text(written(null), encoding="utf-8")
    for n in SIZES:
        print(f"n = {n}: {len(null.at(n))} pairs of {len(null.families(n))} families",
              dict(Counter(r.family for r in null.at(n))))  # fmt: skip
    for order in ("known", "unknown"):
        print(order, null.rates[order])
        for t in sorted(told(null, order), key=lambda t: t.p):
            if t.p <= ALARM or t.bound > 0:
                print(f"  {t.domain} ({t.n}{', exchanged' if t.exchanged else ''}): p {t.p:.3f}, bound {t.bound:.2f}")


if __name__ == "__main__":
    main()
