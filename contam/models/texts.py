"""Human text to measure by, or to mix in: by name or path, and as one stream of tokens.

The names are the validation sets of Herel & Mikolov 2024, in the layout of the files that the authors encoded (their
published token files begin and end so, and have as many line breaks), and what needs no download.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contam.errors import InputError
from contam.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

PYDOC = "pydoc"
FILE_LIMIT = 1 << 30
"""Bytes of one plain-text file that are read as one text."""


@dataclass(frozen=True, slots=True)
class HubText:
    """A split on the hub: repository, revision, its parquet files and their column, and how rows become lines."""

    repository: str
    revision: str
    files: tuple[str, ...]
    column: str
    line: str = "{}"
    blank: str = " \n"


_WIKI, _PTB = "Salesforce/wikitext", "ptb-text-only/ptb_text_only"
_PTB_FILES = ("penn_treebank/*validation*.parquet", "penn_treebank/validation/*.parquet")
NAMED = {
    "wikitext2": HubText(_WIKI, "main", ("wikitext-2-v1/validation-*.parquet",), "text"),
    "wikitext2-raw": HubText(_WIKI, "main", ("wikitext-2-raw-v1/validation-*.parquet",), "text"),
    "ptb": HubText(_PTB, "refs/convert/parquet", _PTB_FILES, "sentence", " {} \n"),
}
"""The authors used the WikiText-2 in which rare words are ``<unk>`` (their file has 11,720 of them)."""


@dataclass(frozen=True, slots=True)
class ValidationText:
    """Human text. ``running``: one text from end to end, not documents; ``notes``: what could not be read."""

    name: str
    documents: tuple[str, ...]
    running: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenSet:
    """All of a text as one stream. ``starts``: int64, where each document's first token stands, its separator if it
    has one."""

    name: str
    stream: NDArray[np.int64]
    starts: NDArray[np.int64]
    documents: int = 1

    @property
    def tokens(self) -> int:
        """How long the stream is."""
        return len(self.stream)


def load_validation(name_or_path: str | os.PathLike[str], text_field: str | None = None) -> ValidationText:
    """``wikitext2``, ``wikitext2-raw``, ``ptb``, ``pydoc``, or a path that `contam.corpus` reads; ``text_field`` names
    the text of records where it is not the usual one.

    Raises ``InputError`` for a path or name that does not exist, text that is empty, and a hub out of reach.
    """
    given = os.fspath(name_or_path)
    if given == "-":
        raise InputError("standard input cannot be a validation set: it would be read once only; give a file")
    if given in NAMED:
        return ValidationText(given, (_joined(_rows(given), NAMED[given]),), running=True)
    if given == PYDOC:
        from contam.demo import human_documents

        return ValidationText(given, human_documents()[1])
    path = Path(given).expanduser()
    if "://" not in given and not path.exists():
        known = (*NAMED, PYDOC)
        near = get_close_matches(given, known, n=1, cutoff=0.6)
        hint = f"; did you mean {near[0]}?" if near else f"; sets known by name: {', '.join(known)}"
        raise InputError(f"{given}: no such file or folder{hint}")
    return _read(given, text_field)


def load_all(names: Sequence[str | os.PathLike[str]]) -> tuple[ValidationText, ...]:
    """Several texts with distinct names: equal ones get their folder's name in front, or else a number."""
    given = [os.fspath(n) for n in dict.fromkeys(names)]
    texts = [load_validation(n) for n in given]
    count = [t.name for t in texts]
    named = [
        replace(t, name=f"{Path(g).absolute().parent.name}-{t.name}") if count.count(t.name) > 1 and _is_path(g) else t
        for g, t in zip(given, texts)
    ]
    taken: set[str] = set()
    out = []
    for text in named:
        name = next(n for n in _numbered(text.name) if n not in taken)
        taken.add(name)
        out.append(replace(text, name=name))
    return tuple(out)


def _is_path(given: str) -> bool:
    return given not in NAMED and given != PYDOC


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


# --- files ----------------------------------------------------------------------------------------------------------


def _read(given: str, text_field: str | None = None) -> ValidationText:
    from contam.corpus import Corpus, ReadOptions

    reading = ReadOptions(text_field=text_field, part_bytes=FILE_LIMIT, max_document_bytes=FILE_LIMIT)
    corpus = Corpus.open([given], reading)
    documents: list[str] = []
    skipped = list(corpus.skipped)
    for task in corpus.tasks():
        chunk = task.decode()
        skipped += chunk.skipped
        documents += (chunk.batch.text(i).decode("utf-8", "replace") for i in range(len(chunk.batch)))
    notes = tuple(f"{s.path}{'' if s.line is None else f':{s.line}'}: {s.reason}" for s in skipped)
    kept = [d for d in documents if d.strip()]
    if not kept:
        why = f" ({notes[0]})" if notes else ""
        raise InputError(f"{given}: no text in it{why}; give a file with text")
    return ValidationText(_stem(given), tuple(kept), running=_plain(given) and len(kept) == 1, notes=notes)


def _plain(given: str) -> bool:
    """Whether a path is one file of plain text."""
    from contam.formats import format_of

    return Path(given).expanduser().is_file() and format_of(given)[0] in ("text", None)


def _stem(given: str) -> str:
    path = Path(given.rpartition("://")[2]).expanduser()
    name = path.absolute().name if path.is_dir() else path.name.partition(".")[0]
    return name or path.name


# --- the hub --------------------------------------------------------------------------------------------------------


def _joined(rows: Sequence[str], source: HubText) -> str:
    """The rows as the file they were made from: the hub's copies have blank lines emptied, or lines stripped."""
    text = "".join(source.line.format(row) if row.strip() else source.blank for row in rows)
    if not text.strip():
        raise InputError(f"{source.repository}: no text in its validation split")
    return text


def _rows(name: str) -> list[str]:
    """The rows of a named set: from the hub's cache, or from the hub."""
    from contam.models.finding import cached_snapshots

    source = NAMED[name]
    for folder in cached_snapshots(source.repository, "datasets", source.revision):
        if found := sorted(path for pattern in source.files for path in folder.glob(pattern)):
            from pyarrow import parquet

            tables = [parquet.read_table(path, columns=[source.column]) for path in found]
            return [row or "" for table in tables for row in table[source.column].to_pylist()]
    return _downloaded(name, source)


def _downloaded(name: str, source: HubText) -> list[str]:
    from contam.formats.hub import in_reach
    from contam.models.finding import offline

    variable = offline() or ("HF_DATASETS_OFFLINE" if os.environ.get("HF_DATASETS_OFFLINE") else None)
    if variable or not in_reach():
        why = f"{variable} is set" if variable else "the hub does not answer"
        raise InputError(
            f"{name}: not in the hub's cache, and {why}; give a file of your own, or use {PYDOC}, the documentation "
            "that comes with Python"
        )
    try:
        import datasets
    except ImportError:
        raise InputError(f"{name} needs the datasets library: pip install 'contam[models]'") from None
    try:
        return _loaded(datasets, source)
    except Exception as error:  # the library raises classes of half a dozen packages
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{name}: the download failed: {first[:300]}; --valid PATH reads a file of your own") from None


def _loaded(datasets: Any, source: HubText) -> list[str]:
    shown = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        files = {"validation": list(source.files)}
        data = datasets.load_dataset(source.repository, data_files=files, split="validation", revision=source.revision)
        return list(data[source.column])
    finally:
        if not shown:
            datasets.enable_progress_bars()


# --- tokens ---------------------------------------------------------------------------------------------------------


def tokenise(text: ValidationText, tokenizer: Tokenizer, window: int = 1) -> TokenSet:
    """All documents end to end, each after a separator: the tokenizer's beginning token, else its end token, else a
    newline. A running text is encoded as it stands.

    Raises ``InputError`` where there are not ``window`` + 1 tokens: no window of that length with its next tokens.
    """
    before = [] if text.running else [_separator(tokenizer)]
    parts: list[NDArray[np.int64]] = []
    starts: list[int] = []
    tokens = 0
    for ids in tokenizer.encode_many(text.documents):
        starts.append(tokens)
        parts += [*before, ids]
        tokens += len(ids) + sum(map(len, before))
    if tokens < window + 1:
        raise InputError(f"{text.name}: {tokens} tokens are too few for windows of {window}; give a longer text")
    stream = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return TokenSet(text.name, stream, np.array(starts, np.int64), len(text.documents))


def _separator(tokenizer: Tokenizer) -> NDArray[np.int64]:
    single = tokenizer.bos if tokenizer.bos is not None else tokenizer.eos
    return np.array(tokenizer.encode("\n") if single is None else [single], np.int64)
