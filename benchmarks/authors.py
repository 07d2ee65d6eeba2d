"""Who wrote what: human text by domain and machine text by generator, for the score of synthetic text and its rates.

Human text comes as domains of documents in their own order (a novel, a genre, a desk, a project, an essay prompt).
Machine text is in generators.py. Loaded from the shared development data (see sources.py); nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from documents import LEAST, PASSAGE, free, line, long_enough, opening, passages, prompt_of, unsigned
from generators import MachineSet, machine_sets
from sources import _masc as masc_sources
from sources import blocks, first_author, grouped, licences, parts, raw, rows

__all__ = ["LEAST", "PASSAGE", "Domain", "MachineSet", "TrainingRows", "human_domains", "machine_sets", "training_rows"]


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
class TrainingRows:
    """Documents to train a score on: parallel tuples. ``sources`` is the dataset or the human domain, ``generators``
    is ``human`` for a human document, ``pairs`` ids that belong on one side of a split."""

    texts: tuple[str, ...]
    machine: tuple[bool, ...]
    families: tuple[str, ...]
    generators: tuple[str, ...]
    sources: tuple[str, ...]
    pairs: tuple[str, ...]


def _domain(name: str, family: str, texts: Iterable[str], path: str, cut: bool = True) -> Domain:
    licence = licences()[path]
    pieces = [p for t in texts for p in (passages(t) if cut else [line(t)])]
    return Domain(name, family, tuple(p for p in pieces if long_enough(p)), licence, free(licence))


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


def training_rows(
    without_families: Iterable[str] = (), without_generators: Iterable[str] = (), free_only: bool = True,
    without_origins: Iterable[str] = (), most: int = 200,
) -> TrainingRows:  # fmt: skip
    """Human text of all domains and of the labelled sets, and the text of instruct models: never that of a base model,
    which lies on the other side of human text. Origins are those of the labelled sets; a dataset's name leaves out all
    of them.

    Of a domain the first ``most`` of every k-th document, k the whole part of its documents over ``most``: of 399
    documents and ``most`` = 200 the first 200.
    """
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
