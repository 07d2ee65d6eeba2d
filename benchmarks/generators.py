"""Machine text by generator, with the human text of the same source; what else gives the label away is taken out.

Line breaks, the opening that a continuation shares with its human text, ends that were cut off, salutations, titles and
copies between the sets. Loaded from the shared development data (see sources.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from documents import CUT, free, line, long_enough, opening, unsigned, whole
from sources import L2R, licences, rows

GENERATORS = {
    "GPT-3-Turbo": "gpt-3.5", "gpt-3.5-turbo": "gpt-3.5", "chatgpt-3.5": "gpt-3.5",
    "gpt-3.5 (simplification of human text)": "gpt-3.5", "gpt-4": "gpt-4", "chatgpt-4": "gpt-4",
    "gpt-4 (polish of human text)": "gpt-4", "GPT-4o": "gpt-4o", "Llama-3-70B": "llama-3-70b",
}  # fmt: skip
"""Instruct models under one name each; every other model of the data is a base model."""


@dataclass(frozen=True, slots=True)
class MachineSet:
    """Documents of one generator and the human ones of the same source. A document of ``texts`` answers, continues or
    rewrites the human one with the same id in ``human_pairs``; ids are unique to a document where the data names none.
    ``dataset`` is the file both come from, ``origin`` the part of it that is one source of human text; ``kind``
    instruct, rewrite, essay or base."""

    name: str
    dataset: str
    origin: str
    generator: str
    kind: str
    family: str
    texts: tuple[str, ...]
    pairs: tuple[str, ...]
    human: tuple[str, ...]
    human_pairs: tuple[str, ...]
    licence: str
    free: bool


@dataclass(frozen=True, slots=True)
class _Side:
    """Documents of one author of a labelled source."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...]


def _side(found: Iterable[tuple[str, str]]) -> _Side:
    """Documents long enough, each opening once."""
    kept: dict[str, tuple[str, str]] = {}
    for text, pair in found:
        if long_enough(text):
            kept.setdefault(opening(text), (text, pair))
    return _Side(tuple(t for t, _ in kept.values()), tuple(p for _, p in kept.values()))


def shared_words(a: list[str], b: list[str]) -> int:
    """How many words two texts begin with alike."""
    count = 0
    for x, y in zip(a, b):
        if x != y:
            break
        count += 1
    return count


def _continued() -> Iterator[MachineSet]:
    """Continuations of a human opening: the opening is cut off on both sides, and both end after ``CUT`` words."""
    path = "labelled/fast_detect_gpt.jsonl.zst"
    found: dict[tuple[str, str], list[tuple[list[str], str]]] = defaultdict(list)
    for row in rows(path):
        found[row["domain"], row["model"]].append((line(row["text"]).split(), row["pair"]))
    for (domain, model), documents in found.items():
        if model == "human":
            continue
        people = {pair: words for words, pair in found[domain, "human"]}
        cuts = {pair: shared_words(words, people[pair]) for words, pair in documents}
        usual = sorted(cuts.values())[len(cuts) // 2]
        machine = _side((" ".join(w[cuts[p] :][:CUT]), p) for w, p in documents)
        human = _side((" ".join(w[cuts.get(p, usual) :][:CUT]), p) for p, w in people.items())
        generator = GENERATORS.get(model, model)
        kind, family = "instruct" if model in GENERATORS else "base", "news" if domain == "xsum" else "stories"
        yield _machine_set(f"{domain} {model}", (generator, kind, family), (machine, human), path)


def _machine_set(name: str, what: tuple[str, str, str], sides: tuple[_Side, _Side], path: str) -> MachineSet:
    generator, kind, family = what
    machine, human = sides
    dataset, licence = path.removeprefix("labelled/").removesuffix(".jsonl.zst"), licences()[path]
    origin = f"{dataset} {name.rsplit(' ', 1)[0] if dataset in ('l2r', 'fast_detect_gpt') else ''}".strip()
    return MachineSet(
        f"{dataset} {name}", dataset, origin, generator, kind, family, machine.texts, machine.pairs, human.texts,
        human.pairs, licence, free(licence),
    )  # fmt: skip


def _rewritten() -> Iterator[MachineSet]:
    """Paragraphs and what a model made of them; pairs whose human text another set has are left out."""
    path = "labelled/l2r.jsonl.zst"
    others = {opening(r["text"]) for r in rows("labelled/fast_detect_gpt.jsonl.zst") if r["label"] == "human"}
    everything = rows(path)
    known = {r["pair"] for r in everything if r["label"] == "human" and opening(r["text"]) in others}
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in everything:
        if row["pair"] not in known:
            found[row["domain"], row["model"]].append((whole(line(row["text"])), row["pair"]))
    for (domain, model), documents in found.items():
        if model != "human" and domain in L2R:
            sides = _side(documents), _side(found[domain, "human"])
            what = GENERATORS[model], "rewrite", L2R[domain].removesuffix(" and lore")
            yield _machine_set(f"{domain} {model}", what, sides, path)


def _essays() -> Iterator[MachineSet]:
    """Essays of people and of models; those of one set that stand in another are in the first only."""
    seen: set[str] = set()
    for dataset, column in (("student_essays", "source"), ("school_essays", "domain"),
                            ("essays_toefl_hewlett", "domain")):  # fmt: skip
        path = f"labelled/{dataset}.jsonl.zst"
        found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        for i, row in enumerate(rows(path)):
            text = whole(unsigned(row["text"]))
            if opening(text) not in seen:
                pair = f"{dataset} {row.get('pair', f'row {i}')}"
                found[row[column], row["model"]].append((text, pair))
        if dataset == "essays_toefl_hewlett":
            found = _paired(found)
        seen.update(opening(text) for documents in found.values() for text, _ in documents)
        for (name, model), documents in found.items():
            if model != "human":
                sides = _side(documents), _side(found[name, "human"])
                yield _machine_set(f"{name} {model}", (GENERATORS[model], "essay", "school essays"), sides, path)


def _paired(found: dict[tuple[str, str], list[tuple[str, str]]]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Rewritten essays under the id of the human essay whose words they share most of: the data does not name it."""
    out = {}
    for (name, model), documents in found.items():
        people = [(set(text.casefold().split()), pair) for text, pair in found[name, "human"]]
        out[name, model] = [(text, _nearest(set(text.casefold().split()), people)) for text, _ in documents]
    return out


def _nearest(words: set[str], people: list[tuple[set[str], str]]) -> str:
    return max(people, key=lambda other: len(words & other[0]) / len(words | other[0]))[1]


@cache
def machine_sets() -> tuple[MachineSet, ...]:
    """Every labelled set, by source and generator; sets without a document that is long enough are left out."""
    sets = (s for make in (_continued, _rewritten, _essays) for s in make())
    return tuple(s for s in sets if s.texts and s.human)
