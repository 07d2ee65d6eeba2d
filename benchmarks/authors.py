"""Who wrote what: human text by domain and machine text by generator, for the score of synthetic text and its rates.

Human text comes as domains of documents in their own order (a novel, a genre, a desk, a project, an essay prompt).
Machine text comes with the human text of the same source. What would give the label away for another reason than the
writing is taken out here: line breaks, shared openings, cut-off ends, salutations, titles, copies between the sets.
Loaded from the shared development data (see sources.py); nothing of it is kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from sources import L2R, PROMPTS, blocks, first_author, grouped, licences, parts, raw, rows
from sources import _masc as masc_sources

LEAST, PASSAGE, WHOLE, CUT = 80, 150, 225, 120
"""Words: of a document at least; of a passage; of a document that stays whole at most; of a continued text at most."""
FOREIGN_ENDS = re.compile(r"@-@|@,@|@\.@|<unk>|@[A-Z]+\d*")
SALUTATION = re.compile(r"^\s*(?:dear|to)\b[^,.:!?]{0,60}[,.:!]+\s*", re.IGNORECASE)
TITLE = re.compile(r"^\s*title:[^\n]*\n", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*$")
CLOSED = ("non-commercial", "none stated", "no licence stated", "no licence file; readme")
"""What a licence says that does not allow coefficients learned from the text to be given away, or may not."""
GENERATORS = {
    "GPT-3-Turbo": "gpt-3.5", "gpt-3.5-turbo": "gpt-3.5", "chatgpt-3.5": "gpt-3.5",
    "gpt-3.5 (simplification of human text)": "gpt-3.5", "gpt-4": "gpt-4", "chatgpt-4": "gpt-4",
    "gpt-4 (polish of human text)": "gpt-4", "GPT-4o": "gpt-4o", "Llama-3-70B": "llama-3-70b",
}  # fmt: skip
"""Instruct models under one name each; every other model of the data is a base model."""
NOVELS = (
    "Barclay_Rosary", "Bennet_Helen", "Burnett_Princess", "Chesterton_Thursday", "Conrad_Rover", "Corelli_Romance",
    "Ford_Post", "Forster_View", "Galsworthy_Saints", "Gissing_Warburton", "Haggard_She", "Kipling_Light",
    "Lawrence_Peacock", "Lee_Brown", "Morris_Wood", "Schreiner_Undine", "Stevenson_Treasure", "Trollope_Warden",
    "Wcollins_Basil", "Woolf_Lighthouse",
)  # fmt: skip
"""One novel of an author: more would make novels most of the domains."""
BROWN = {
    **dict.fromkeys("abc", "news"), "d": "religion", "e": "hobbies", **dict.fromkeys("fg", "essays"),
    "h": "official", "j": "learned", **dict.fromkeys("klnp", "stories"),
}  # fmt: skip
PEPS = ("Barry Warsaw", "Guido van Rossum", "Alyssa Coghlan", "Victor Stinner", "Eric Snow", "Nathaniel J. Smith",
        "Petr Viktorin", "Steve Dower")  # fmt: skip
MASC = {
    "mailing lists": "mail", "articles": "learned", "fiction": "stories", "debates": "transcripts",
    "talk": "transcripts", "court": "transcripts",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Domain:
    """Human documents of one origin, each of at least ``LEAST`` words, in document order; ``free``: coefficients that
    were learned from it may be given away."""

    name: str
    family: str
    texts: tuple[str, ...]
    licence: str
    free: bool


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
class TrainingRows:
    """Documents to train a score on: parallel tuples. ``sources`` is the dataset or the human domain, ``generators``
    is ``human`` for a human document, ``pairs`` ids that belong on one side of a split."""

    texts: tuple[str, ...]
    machine: tuple[bool, ...]
    families: tuple[str, ...]
    generators: tuple[str, ...]
    sources: tuple[str, ...]
    pairs: tuple[str, ...]


def free(licence: str) -> bool:
    """Whether a licence allows coefficients learned from the text to be given away."""
    return not any(closed in licence.lower() for closed in CLOSED)


def line(text: str) -> str:
    """A text as one line, without marks that only a preparation put there."""
    return " ".join(FOREIGN_ENDS.sub(" ", text.replace(" @-@ ", "-")).split())


def opening(text: str) -> str:
    """What two copies of a document share."""
    return re.sub(r"\W+", " ", text).casefold()[:200]


def passages(text: str) -> list[str]:
    """A long document in pieces of about ``PASSAGE`` words, each cut after the end of a sentence where one is near."""
    words = line(text).split()
    if len(words) <= WHOLE:
        return [" ".join(words)]
    count = round(len(words) / PASSAGE)
    edges = [0]
    for i in range(1, count):
        edge = i * len(words) // count
        near = (j for j in range(edge, min(edge + 40, len(words))) if SENTENCE_END.search(words[j - 1]))
        edges.append(next(near, edge))
    return [" ".join(words[a:b]) for a, b in zip(edges, [*edges[1:], len(words)])]


def whole(text: str) -> str:
    """A text up to its last sentence end, where that leaves most of it: an end may not tell who wrote the text."""
    words = text.split()
    for i in range(len(words), int(0.7 * len(words)), -1):
        if SENTENCE_END.search(words[i - 1]):
            return " ".join(words[:i])
    return " ".join(words)


def _long_enough(text: str) -> bool:
    return len(text.split()) >= LEAST


def _domain(name: str, family: str, texts: Iterable[str], path: str, cut: bool = True) -> Domain:
    licence = licences()[path]
    pieces = [p for t in texts for p in (passages(t) if cut else [line(t)])]
    return Domain(name, family, tuple(p for p in pieces if _long_enough(p)), licence, free(licence))


def _books() -> Iterator[Domain]:
    path = "human/english_novels.jsonl.zst"
    for work, texts in grouped(rows(path), lambda r: r["doc"]).items():
        if work.rsplit("_", 1)[0] in NOVELS:
            yield _domain(f"novel {work}", "novels", texts, path)
    path = "human/brown.jsonl.zst"
    for genre, texts in grouped(rows(path), lambda r: r["genre"]).items():
        if genre in BROWN:
            yield _domain(f"brown {genre}", BROWN[genre], texts, path)
    path = "human/tinyshakespeare.txt"
    for i, block in enumerate(blocks(parts(raw(path)), 2)):
        yield _domain(f"shakespeare {i + 1}", "drama", block, path)
    path = "human/inaugural.jsonl.zst"
    for i, block in enumerate(blocks([r["text"] for r in rows(path)], 2)):
        yield _domain(f"inaugural {i + 1}", "speeches", block, path)


def _desks() -> Iterator[Domain]:
    path = "human/abc_news.jsonl.zst"
    for desk, texts in grouped(rows(path), lambda r: r["doc"]).items():
        for i, block in enumerate(blocks(texts, 2)):
            yield _domain(f"abc {desk} {i + 1}", "news", block, path)
    path = "human/movie_reviews.jsonl.zst"
    for i, block in enumerate(blocks([r["text"] for r in rows(path)], 4)):
        yield _domain(f"movie reviews {i + 1}", "reviews", block, path, cut=False)
    path = "human/problem_reports.jsonl.zst"
    for project, texts in grouped(rows(path), lambda r: r["doc"]).items():
        yield _domain(f"reports {project}", "software reports", texts, path)
    path = "human/peps.jsonl.zst"
    for author, texts in grouped(rows(path), first_author).items():
        if author in PEPS:
            yield _domain(f"peps {author}", "technical", texts, path)


def _web() -> Iterator[Domain]:
    path = "human/wikipedia_abstracts.jsonl.zst"
    yield _domain("wikipedia abstracts", "encyclopedia", [r["text"] for r in rows(path)], path)
    yield _domain("wikitext", "encyclopedia", parts(raw("wikitext2/valid.txt")), "wikitext2/valid.txt")
    path = "human/reddit_eli5.jsonl.zst"
    yield _domain("reddit eli5", "forum", [r["text"] for r in rows(path)], path)
    path = "human/webtext_nltk.jsonl.zst"
    texts = [r["text"] for r in rows(path) if r["doc"] == "overheard"]
    yield _domain("overheard", "transcripts", texts, path)
    for source in masc_sources():
        name = source.name.removeprefix("masc ")
        if name in MASC:
            yield _domain(source.name, MASC[name], source.texts, "human/masc.jsonl.zst")


def _labelled_people() -> Iterator[Domain]:
    path = "labelled/fast_detect_gpt.jsonl.zst"
    human = [r for r in rows(path) if r["label"] == "human"]
    for name, family in (("xsum", "news"), ("writing", "stories")):
        yield _domain(f"fast_detect_gpt {name}", family, [r["text"] for r in human if r["domain"] == name], path)
    path = "labelled/school_essays.jsonl.zst"
    for prompt, texts in grouped((r for r in rows(path) if r["label"] == "human"), prompt_of).items():
        yield _domain(f"school {prompt}", "school essays", [unsigned(t) for t in texts], path)


def prompt_of(row: dict[str, str]) -> str | None:
    """The essay prompt that a school essay answers, by its words; None where none stands out."""
    text = row["text"].lower()
    counts = [(len(re.findall(pattern, text)), name) for name, pattern in PROMPTS]
    return max(counts)[1] if max(counts)[0] >= 2 else None


def unsigned(text: str) -> str:
    """A letter without its salutation, an essay without the line that names its title."""
    return SALUTATION.sub("", line(TITLE.sub("", text)), count=1)


@cache
def human_domains(least: int = 200) -> tuple[Domain, ...]:
    """Every English human domain with ``least`` documents or more; a document is in one domain only, and once."""
    seen: set[str] = set()
    found = []
    for make in (_books, _desks, _web, _labelled_people):
        for domain in make():
            fresh = []
            for text in domain.texts:
                if (key := opening(text)) not in seen:
                    seen.add(key)
                    fresh.append(text)
            if len(fresh) >= least:
                found.append(Domain(domain.name, domain.family, tuple(fresh), domain.licence, domain.free))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Side:
    """Documents of one author of a labelled source."""

    texts: tuple[str, ...]
    pairs: tuple[str, ...]


def _side(found: Iterable[tuple[str, str]]) -> _Side:
    """Documents long enough, each opening once."""
    kept: dict[str, tuple[str, str]] = {}
    for text, pair in found:
        if _long_enough(text):
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


def training_rows(
    without_families: Iterable[str] = (), without_generators: Iterable[str] = (), free_only: bool = True,
    without_origins: Iterable[str] = (), most: int = 200,
) -> TrainingRows:  # fmt: skip
    """Human text of all domains (``most`` documents of each, evenly spread) and of the labelled sets, and the text of
    instruct models: never that of a base model, which lies on the other side of human text. Origins are those of the
    labelled sets; a dataset's name leaves out all of them."""
    families, generators, origins = set(without_families), set(without_generators), set(without_origins)
    found: dict[str, tuple[str, bool, str, str, str, str]] = {}
    for s in machine_sets():
        if s.family in families or origins & {s.origin, s.dataset} or s.kind == "base" or (free_only and not s.free):
            continue
        for text, pair in zip(s.human, s.human_pairs):
            found.setdefault(opening(text), (text, False, s.family, "human", s.dataset, pair))
        for text, pair in zip(s.texts, s.pairs):
            if s.generator not in generators:
                found.setdefault(opening(text), (text, True, s.family, s.generator, s.dataset, pair))
    for d in human_domains():
        if d.family in families or (free_only and not d.free) or _labelled_in(d.name) is not None:
            continue
        for text in d.texts[:: max(1, len(d.texts) // most)][:most]:
            found.setdefault(opening(text), (text, False, d.family, "human", d.name, opening(text)))
    return TrainingRows(*zip(*found.values()))  # type: ignore[arg-type]


def _labelled_in(name: str) -> str | None:
    """The labelled set that a human domain is the human side of: its documents come with that set."""
    return next((s for s in ("fast_detect_gpt", "school") if name.startswith(s)), None)
