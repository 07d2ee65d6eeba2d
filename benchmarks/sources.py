"""The shared development data cut into independent sources: an author, a genre, a prompt, a site, a project.

``CONTAM_SHARED`` names the folder (default: ``../shared`` beside the repository). Nothing of it is kept here.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import zstandard

SHARED = Path(os.environ.get("CONTAM_SHARED", Path(__file__).parents[1].parent / "shared")) / "data"
PART = 8000
"""Characters of the parts into which a long single text is cut, like the long works of the data."""


@dataclass(frozen=True)
class Source:
    """Text of one origin: its documents in their own order."""

    name: str
    domain: str
    texts: tuple[str, ...]
    licence: str = ""

    @property
    def words(self) -> int:
        """A rough count, for choosing."""
        return sum(len(t.split()) for t in self.texts)


def raw(path: str) -> str:
    """A file of the shared data as text."""
    data = (SHARED / path).read_bytes()
    if path.endswith(".zst"):
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return data.decode("utf-8")


def rows(path: str) -> list[dict[str, str]]:
    """The objects of a JSON-lines file."""
    return [json.loads(line) for line in raw(path).split("\n") if line.strip()]


def licences() -> dict[str, str]:
    """What the manifest says of each file."""
    lines = (SHARED / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()
    return {f[0]: f[6] for f in (line.split("\t") for line in lines[1:])}


def grouped(items: Iterable[dict[str, str]], key: Callable[[dict[str, str]], str | None]) -> dict[str, list[str]]:
    """Texts by key, in their order; rows whose key is None are left out."""
    groups: dict[str, list[str]] = defaultdict(list)
    for row in items:
        name = key(row)
        if name is not None:
            groups[name].append(row["text"])
    return dict(groups)


def blocks(texts: list[str], count: int) -> list[list[str]]:
    """``count`` contiguous blocks of about equal length in characters."""
    edges, total, sizes = [0], 0, [len(t) for t in texts]
    for i, size in enumerate(sizes):
        if total + size / 2 > len(edges) * sum(sizes) / count and len(edges) < count:
            edges.append(i)
        total += size
    return [texts[a:b] for a, b in zip(edges, [*edges[1:], len(texts)])]


def parts(text: str, size: int = PART) -> list[str]:
    """A long text in parts of about ``size`` characters, cut at blank lines."""
    out: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        if out and len(out[-1]) < size:
            out[-1] += "\n\n" + paragraph
        else:
            out.append(paragraph)
    return out


BROWN = {
    **dict.fromkeys("abc", "news"),
    **dict.fromkeys("defg", "essays and lore"),
    "h": "official",
    "j": "learned",
    **dict.fromkeys("klmnpr", "stories"),
}
L2R = {
    "NewsArticle": "news",
    "LiteratureCreativeWriting": "stories",
    "AcademicResearch": "learned",
    "EducationMaterial": "learned",
    "TechnicalWriting": "technical",
    "GovernmentPublic": "official",
    "Entertainment": "web",
    "OnlineContent": "web",
    "Environmental": "essays and lore",
    "FoodCusine": "web",
    "Business": "web",
    "ArtCulture": "essays and lore",
}
MASC = (
    ("jokes", "web", r"jokes\d+"),
    ("twitter", "web", r"tweets\d"),
    ("travel", "essays and lore", r"History|Intro|WhatTo|WhereTo|Italy"),
    (
        "letters",
        "letters and mail",
        r"1\d\d[CW][YWUV-]?L|110CYL|112C-L|114CUL|alumni|appal|aspca|audubon|defend|guided|hsus"
        r"|IFAW|littleshel|lw1|marine|NWF|united|warner|wildel|wwf|602CZL|att2|detroit",
    ),
    ("mailing lists", "letters and mail", r"lists-|ENRON|enron|\d{4,6}$"),
    ("newswire", "news", r"NYT|\d{8}_?|wsj_|20020731"),
    ("fiction", "stories", r"captured|Nathans|hotel|Madame|The_Black|cable_s|Ant_R|vampires|easy_m|chZ"),
    ("articles", "learned", r"14\d\d-|journal\.|pmed|ch5|chapter-10|CUP|ryb"),
    ("government", "official", r"Env_|Postal|fcic|rr166|LSC"),
    ("debates", "transcripts", r"[23][nr]d_"),
    ("court", "transcripts", r"Day3|Lessig-court"),
    ("talk", "transcripts", r"Bed|Bmr|interview|Napier|Polk|Reid|Rindner|sw2"),
)
PROMPTS = (
    ("computers", r"computer"),
    ("censorship", r"librar|censor|shel[fv]"),
    ("cyclist", r"cycl|bike|desert"),
    ("hibiscus", r"hibiscus|saeng"),
    ("memoir", r"narciso|cuba"),
    ("dirigibles", r"dirigible|mooring|empire state"),
    ("patience", r"patien"),
    ("laughter", r"laugh"),
)
ERAS = ((1789, 1829), (1830, 1864), (1865, 1904), (1905, 1940), (1941, 1976), (1977, 2100))


def _brown() -> Iterator[Source]:
    for genre, texts in grouped(rows("human/brown.jsonl.zst"), lambda r: r["genre"]).items():
        yield Source(f"brown {genre}", BROWN[genre], tuple(texts), "human/brown.jsonl.zst")


def _novels() -> Iterator[Source]:
    for work, texts in grouped(rows("human/english_novels.jsonl.zst"), lambda r: r["doc"]).items():
        yield Source(f"novel {work}", "novels", tuple(texts), "human/english_novels.jsonl.zst")


def first_author(row: dict[str, str]) -> str | None:
    """The first author that a PEP names."""
    found = re.search(r"^Author:\s*([^<,\n(]+)", row["text"], re.M)
    return found.group(1).strip() if found else None


def _peps() -> Iterator[Source]:
    for author, texts in grouped(rows("human/peps.jsonl.zst"), first_author).items():
        source = Source(f"peps {author}", "technical", tuple(texts), "human/peps.jsonl.zst")
        if source.words >= 6_500:  # the many small authors would make this domain more than a third
            yield source


def _split(path: str, name: str, domain: str, count: int, texts: list[str] | None = None) -> Iterator[Source]:
    texts = [r["text"] for r in rows(path)] if texts is None else texts
    for i, block in enumerate(blocks(texts, count)):
        yield Source(f"{name} {i + 1}" if count > 1 else name, domain, tuple(block), path)


def _sites() -> Iterator[Source]:
    abc = grouped(rows("human/abc_news.jsonl.zst"), lambda r: r["doc"])
    for desk, texts in abc.items():
        yield from _split("human/abc_news.jsonl.zst", f"abc {desk}", "news", 6, texts)
    yield from _split("human/movie_reviews.jsonl.zst", "movie reviews", "reviews", 20)
    yield from _split("human/wikipedia_abstracts.jsonl.zst", "wikipedia abstracts", "encyclopedia", 2)
    yield from _split("human/reddit_eli5.jsonl.zst", "reddit eli5", "web", 1)
    plays = parts(raw("human/tinyshakespeare.txt"))
    yield from _split("human/tinyshakespeare.txt", "shakespeare", "verse and drama", 8, plays)
    for project, texts in grouped(rows("human/problem_reports.jsonl.zst"), lambda r: r["doc"]).items():
        yield Source(f"reports {project}", "software reports", tuple(texts), "human/problem_reports.jsonl.zst")
    web = {
        "overheard": "transcripts",
        "wine": "web",
        "pirates": "verse and drama",
        "grail": "verse and drama",
    }
    for name, texts in grouped(rows("human/webtext_nltk.jsonl.zst"), lambda r: r["doc"]).items():
        if name in web:
            yield Source(f"webtext {name}", web[name], tuple(texts), "human/webtext_nltk.jsonl.zst")


def _inaugural() -> Iterator[Source]:
    def era(row: dict[str, str]) -> str:
        year = int(row["doc"][:4])
        return next(f"{a}-{b}" for a, b in ERAS if a <= year <= b)

    for name, texts in grouped(rows("human/inaugural.jsonl.zst"), era).items():
        yield Source(f"inaugural {name}", "speeches", tuple(texts), "human/inaugural.jsonl.zst")


def _masc() -> Iterator[Source]:
    def category(row: dict[str, str]) -> str | None:
        if row["doc"] == "pirates":  # the same film script as in webtext_nltk
            return None
        return next((name for name, _, pattern in MASC if re.match(pattern, row["doc"])), None)

    domains = {name: domain for name, domain, _ in MASC}
    for name, texts in grouped(rows("human/masc.jsonl.zst"), category).items():
        yield Source(f"masc {name}", domains[name], tuple(texts), "human/masc.jsonl.zst")


def _prompt(row: dict[str, str]) -> str | None:
    text = row["text"].lower()
    counts = [(len(re.findall(pattern, text)), name) for name, pattern in PROMPTS]
    return max(counts)[1] if max(counts)[0] >= 2 else None


def _labelled() -> Iterator[Source]:
    human = [r for r in rows("labelled/l2r.jsonl.zst") if r["label"] == "human"]
    for name, texts in grouped(human, lambda r: r["domain"]).items():
        if name in L2R:
            yield Source(f"l2r {name}", L2R[name], tuple(texts), "labelled/l2r.jsonl.zst")
    fast = [r for r in rows("labelled/fast_detect_gpt.jsonl.zst") if r["label"] == "human"]
    for name, domain in (("xsum", "news"), ("writing", "stories")):
        texts = [r["text"] for r in fast if r["domain"] == name]
        yield from _split("labelled/fast_detect_gpt.jsonl.zst", f"fast_detect_gpt {name}", domain, 2, texts)
    for path, column in (("student_essays", "source"), ("essays_toefl_hewlett", "domain")):
        file = f"labelled/{path}.jsonl.zst"
        human = [r | {"key": r[column]} for r in rows(file) if r["label"] == "human"]
        for name, texts in grouped(human, lambda r: r["key"]).items():
            yield Source(f"essays {name}", "school essays", tuple(texts), file)
    file = "labelled/school_essays.jsonl.zst"
    for name, texts in grouped((r for r in rows(file) if r["label"] == "human"), _prompt).items():
        yield Source(f"school {name}", "school essays", tuple(texts), file)


def english(least: int = 5000) -> list[Source]:
    """Every English source of at least ``least`` white-space words; a document occurs in one source only."""
    said, seen, out = licences(), set(), []
    for make in (_brown, _novels, _peps, _sites, _inaugural, _masc, _labelled):
        for source in make():
            fresh = []
            for text in source.texts:
                opening = re.sub(r"\W+", " ", text).casefold()[:200]
                if opening not in seen:
                    seen.add(opening)
                    fresh.append(text)
            source = replace(source, texts=tuple(fresh), licence=said.get(source.licence, ""))
            if source.words >= least:
                out.append(source)
    return out


TABLES = re.compile(r"(cp|iso|mac_|koi|hp_|tis|ptcp|kz|big5|euc|gb|utf_|_sysconfigdata)\w*")
"""Modules that hold a table of characters or settings, and next to no program."""


def python_code(words: int = 18200) -> list[Source]:
    """CPython's standard library: groups of modules that stand side by side by name, without tables."""
    out: list[Source] = []
    group: list[str] = []
    first, size, said = "", 0, licences()["human/python_stdlib_source.jsonl.zst"]
    for row in rows("human/python_stdlib_source.jsonl.zst"):
        if TABLES.match(row["doc"]):
            continue
        first = first or row["doc"]
        group.append(row["text"])
        size += len(row["text"].split())
        if size >= words:
            out.append(Source(f"modules {first} to {row['doc']}", "python standard library", tuple(group), said))
            group, first, size = [], "", 0
    return out


def other_languages() -> list[Source]:
    """Text that the English population cannot vouch for."""
    out = []
    for language, file in (("french", "french_novels"), ("german", "german_novels")):
        for work, texts in grouped(rows(f"human/{file}.jsonl.zst"), lambda r: r["doc"]).items():
            out.append(Source(f"{language} {work}", language, tuple(texts)))
    for name, file in (("portuguese news", "portuguese_news"), ("spanish news", "spanish_news")):
        texts = [r["text"] for r in rows(f"human/{file}.jsonl.zst")]
        out += [Source(f"{name} {i + 1}", name.split()[0], tuple(b)) for i, b in enumerate(blocks(texts, 6))]
    for name, texts in grouped(rows("human/indian_hindi_telugu.jsonl.zst"), lambda r: r["doc"]).items():
        out.append(Source(name, name, tuple(texts)))
    udhr = [r["text"] for r in rows("human/udhr_many_languages.jsonl.zst")]
    return [*out, Source("udhr, 252 languages", "many", tuple(udhr))]


def masked() -> list[Source]:
    """Text whose rare words were replaced by ``<unk>`` before it was published."""
    tail = [
        ("ptb valid", "ptb/valid.txt"),
        ("ptb test", "ptb/test.txt"),
        ("wikitext2 valid", "wikitext2/valid.txt"),
        ("wikitext2 test", "wikitext2/test.txt"),
        ("wikitext2 train slice", "wikitext2/train_slice.txt.zst"),
    ]
    return [Source(name, "masked", tuple(parts(raw(path)))) for name, path in tail]
