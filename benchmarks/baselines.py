"""What an audit beside a baseline finds and how often it is wrong: ``python benchmarks/baselines.py`` writes the tables
of docs/baselines.md.

A baseline is measured on half of a human source (small corpora), or of several sources together (large ones). Then the
corpus changes: it is replaced by the other half, grows by other text of its source, by text of another source, or by
text that a word trigram wrote which was trained on the corpus, over and over. The source is left out of the null pairs.
Needs the shared development data; what was measured is kept under build/.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import sources

from contam.baseline.audited import LEAST_NEW
from contam.baseline.changes import signals
from contam.baseline.known import Known
from contam.baseline.measuring import Samples, at_size
from contam.baseline.record import Baseline
from contam.baseline.side import BaselineSide
from contam.experiments.recurse.backend import Name, unheard
from contam.experiments.recurse.ngram_backend import NgramBackend
from contam.experiments.recurse.options import RecurseOptions
from contam.gate.policy import LEAST_EFFECT
from contam.judging import CorpusFacts
from contam.pairing import judge_against
from contam.profile import Profile, builtin
from contam_metrics.batch import Batch
from contam_metrics.segments import Segments, document_hashes, segments_of_texts

BUILD = Path(__file__).parents[1] / "build" / "baselines"
DOCS = Path(__file__).parents[1] / "docs" / "baselines.md"
SIZES = (5_000, 10_000, 20_000)
GENERATIONS, SHARES = (1, 3, 5, 10), (0.1, 0.3, 0.5)
POOLED = {
    "reviews": ("movie reviews",), "news": ("abc ",), "novels": ("novel ",), "peps": ("peps ",),
    "essays": ("school ", "essays "), "brown": ("brown ",), "reports": ("reports ",), "everything": ("",),
}  # fmt: skip
LARGEST = 240_000
"""Words of a large baseline: twelve parts of 20,000."""


@dataclass(frozen=True)
class Case:
    """A baseline's documents, other documents of its source, and documents of another source."""

    name: str
    kind: str
    base: tuple[str, ...]
    more: tuple[str, ...]
    foreign: tuple[str, ...]
    without: tuple[str, ...]


def words(texts: Iterable[str]) -> int:
    """A rough count."""
    return sum(len(text.split()) for text in texts)


def first_of(texts: Sequence[str], count: float) -> tuple[str, ...]:
    """The first documents, until they have about ``count`` words."""
    sizes = np.cumsum([len(text.split()) for text in texts])
    return tuple(texts[: int(np.searchsorted(sizes, count)) + 1])


def cases(found: list[sources.Source], every: int) -> Iterator[Case]:
    """Pools of sources by halves, every ``every``-th source by halves, and the pools once more."""
    yield from pools(found, 0)
    yield from singles(found, every)
    yield from pools(found, 1)


def pools(found: list[sources.Source], turn: int) -> Iterator[Case]:
    """Sources together, divided anew at each turn."""
    for name, prefixes in POOLED.items():
        pool = [s for s in found if s.name.startswith(prefixes)]
        every_text = [text for s in pool for text in s.texts]
        others = [text for s in found if s not in pool for text in s.texts] or every_text
        rng = np.random.default_rng(turn)
        texts = [every_text[j] for j in rng.permutation(len(every_text))]
        base = first_of(texts, min(LARGEST, words(texts) / 2))
        foreign = tuple(others[j] for j in rng.permutation(len(others))[:3000])
        left_out = () if name == "everything" else tuple(s.name for s in pool)
        yield Case(f"{name} {turn}", "large", base, tuple(texts[len(base) :]), foreign, left_out)


def singles(found: list[sources.Source], every: int) -> Iterator[Case]:
    """Every ``every``-th source by itself."""
    for i, source in enumerate(found):
        if i % every == 0:
            order = np.random.default_rng(zlib.crc32(source.name.encode())).permutation(len(source.texts))
            texts = [source.texts[j] for j in order]
            base = first_of(texts, source.words / 2)
            other = found[(i + len(found) // 2) % len(found)].texts
            yield Case(source.name, "small", base, tuple(texts[len(base) :]), other, (source.name,))


@dataclass(frozen=True)
class Bench:
    """A baseline and its corpus, ready for changes."""

    case: Case
    segments: Segments
    side: BaselineSide

    @classmethod
    def of(cls, case: Case, profile: Profile) -> Bench:
        """Measure the baseline of a case."""
        left = profile.without(case.without)
        segments = segments_of_texts(case.base)
        sizes = SIZES if case.kind == "small" else SIZES[1:]
        found = {n: parts for n in sizes if (parts := at_size(Samples.of(segments), left, n)) is not None}
        facts = {"profile": left.name, "documents": len(case.base), "words": segments.words}
        return cls(case, segments, BaselineSide(Baseline(facts, found, {}), left))

    def seen(self, segments: Segments, texts: int) -> dict[str, Any]:
        """What an audit of some text says beside the baseline."""
        side = replace(self.side, words=segments.words)
        judged = judge_against(side, segments, CorpusFacts(segments.words, texts), spread=False)
        size = judged.reference.matched_tokens
        if size is None:
            return {"level": judged.verdict.level.value, "size": None, "effects": {}}
        values = {key: figure.value for key, figure in judged.signals.items() if figure.value is not None}
        moved = signals(side.baseline.sizes[size], values, side.profile, segments.words)
        effects = {key: [round(m.effect, 3), m.toward_collapse] for key, m in moved if m.effect is not None}
        return {"level": judged.verdict.level.value, "size": size, "tests": judged.verdict.tests, "effects": effects}

    def grown(self, extra: Sequence[str]) -> dict[str, Any]:
        """The corpus with more documents, and these by themselves where they are enough."""
        added = segments_of_texts(extra)
        whole = Segments.concatenate([self.segments, added])
        out = {"added_words": added.words, "whole": self.seen(whole, len(self.case.base) + len(extra))}
        if added.words >= LEAST_NEW:
            out["added"] = self.seen(added, len(extra))
        return out


def recursion(texts: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Generations of a word trigram that is trained on ``texts``, then on what it wrote, as much text each time."""
    backend = NgramBackend(RecurseOptions(order=3), list(texts))
    real = backend.encode(list(texts))
    out, current = {}, real
    for number in range(1, max(GENERATIONS) + 1):
        name = Name("replace-seed0", 0, number)
        written = backend.train(current, name, unheard).write(real, name, unheard)
        current = written.encoded
        out[number] = tuple(written.texts)
    return out


def measured(case: Case, profile: Profile) -> dict[str, Any]:
    """Everything that is done to one baseline, by what it is."""
    bench = Bench.of(case, profile)
    baseline = bench.side.baseline
    total = words(case.base)
    out: dict[str, Any] = {"other half": bench.grown(case.more) | {"whole": {}}}
    for share in (0.1, 0.3, 1.0):
        out[f"grown {share:.0%}"] = bench.grown(first_of(case.more, share * total))
    out["foreign 30%"] = bench.grown(first_of(case.foreign, 0.3 * total))
    for generation, texts in recursion(case.base).items():
        for share in SHARES if generation in GENERATIONS else ():
            out[f"g{generation} {share:.0%}"] = bench.grown(first_of(texts, share * total))
    parts = {str(n): len(p.parts) for n, p in baseline.sizes.items()}
    docs = document_hashes(Batch.of(case.base))
    fresh = document_hashes(Batch.of(case.more))
    wrong = 1 - float(Known.of(docs).new(fresh).mean()) if len(fresh) else 0.0
    return {"kind": case.kind, "words": bench.segments.words, "parts": parts, "mistaken": wrong, "found": out}


def collected(every: int) -> dict[str, Any]:
    """All cases, from the store where they are in it."""
    BUILD.mkdir(parents=True, exist_ok=True)
    profile, out = builtin(), {}
    for case in cases(sources.english(40_000), every):
        path = BUILD / f"{re.sub(r'[^A-Za-z0-9]+', '-', case.name)}-{case.kind}.json"
        if not path.exists():
            path.write_text(json.dumps(measured(case, profile)))
            print(case.name, case.kind, file=sys.stderr, flush=True)
        out[f"{case.name} {case.kind}"] = json.loads(path.read_text())
    return out


HUMAN = {
    "other half": "replaced by other text of its source",
    "grown 10%": "grown by 10 % of its source",
    "grown 30%": "grown by 30 %",
    "grown 100%": "grown by 100 %",
    "foreign 30%": "grown by 30 % of another source",
}


def _cases(found: dict[str, Any], kind: str, what: str, side: str) -> list[dict[str, Any]]:
    """What was seen of one side of one change, of every case of a kind that has it.

    Everything has no other source; additions to large corpora count from 10,000 words, the least size measured there.
    """
    kept = [d for name, d in found.items() if d["kind"] == kind and not (what[0] == "f" and name[:5] == "every")]
    least = SIZES[1] if kind == "large" and side == "added" else 0
    seen = [d["found"][what] for d in kept if d["found"][what]["added_words"] >= least]
    return [one[side] for one in seen if one.get(side)]


def _rates(seen: list[dict[str, Any]]) -> list[str]:
    """Cases, alarms, of them collapsing, and cases with a figure beyond the noise."""
    if not seen:
        return ["-"] * 4
    alarms = [s["level"] in ("at_risk", "collapsing") for s in seen]
    certain = [s["level"] == "collapsing" for s in seen]
    beyond = [any(abs(effect) > LEAST_EFFECT for effect, _ in s["effects"].values()) for s in seen]
    return [str(len(seen)), *(f"{np.mean(x):.2f}" for x in (alarms, certain, beyond))]


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *body))


def changes(found: dict[str, Any], named: dict[str, str]) -> str:
    """A line for each change and kind of corpus: the whole, and the new documents by themselves."""
    each = ("alarm", "collapsing", "a figure")
    head = ("corpus", "baseline", "whole: cases", *each, "new: cases", *each)
    body = [
        [told, kind, *_rates(_cases(found, kind, what, "whole")), *_rates(_cases(found, kind, what, "added"))]
        for what, told in named.items()
        for kind in ("small", "large")
    ]
    return table(head, body)


def put(name: str, text: str) -> None:
    """Replace what stands between the markers of one table in the documentation."""
    page = DOCS.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.S)
    if not pattern.search(page):
        raise SystemExit(f"docs/baselines.md has no place for {name}")
    DOCS.write_text(pattern.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page), encoding="utf-8")


def main(every: int) -> None:
    found = collected(every)
    put("human", changes(found, HUMAN))
    machine = {f"g{g} {s:.0%}": f"{s:.0%} of generation {g}".replace("%", " %") for s in SHARES for g in GENERATIONS}
    put("machine", changes(found, machine))
    mistaken = float(np.mean([d["mistaken"] for d in found.values()]))
    print(f"{len(found)} baselines; new documents taken for known ones: {mistaken:.4f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 8)
