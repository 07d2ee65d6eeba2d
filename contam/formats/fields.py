"""Where a record keeps its text: a field by its usual name, a conversation, a prompt and its answer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contam.errors import InputError

TEXT = (
    *(
        "text",
        "content",
        "body",
        "document",
        "raw_content",
        "article",
        "story",
        "essay",
        "passage",
        "paragraph",
    ),
    *("sentence", "markdown", "transcript", "review", "comment", "abstract", "code"),
)
CHAT = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns", "chosen")
PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "input", "output"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("question", "answer"),
    ("input", "output"),
    ("source", "target"),
)
ANSWERS = (
    *(
        "completion",
        "response",
        "output",
        "answer",
        "generation",
        "generated_text",
        "generated",
        "prediction",
    ),
    *("target", "summary"),
)
SPEAKERS = ("role", "from", "speaker", "author")
SPOKEN = ("content", "value", "text", "utterance", "message")
UNHEARD = ("system", "developer", "tool", "function")
"""Roles left out of a conversation: the same instructions in every record are no copying, and no prose."""

SAMPLE = 64
"""Records looked at to find the field of a file."""

SURROGATES = re.compile("[\ud800-\udfff]")


class FieldProblem(ValueError):
    """A record without usable text; the message is the reason, for people."""


def kind_of(value: Any) -> str:
    """A JSON value's type, for people."""
    names = ((bool, "true or false"), (str, "a string"), ((int, float), "a number"), (Mapping, "an object"))
    if value is None:
        return "null"
    return next((name for types, name in names if isinstance(value, types)), "a list")


def _said(message: Any) -> str:
    """The text of one message of a conversation: its content, or the text parts of it."""
    if isinstance(message, str):
        return message
    if not isinstance(message, Mapping):
        return ""
    content = next((message[k] for k in SPOKEN if message.get(k) is not None), "")
    if isinstance(content, str):
        return content
    parts = [content] if isinstance(content, Mapping) else content if isinstance(content, Sequence) else []
    return "\n".join(filter(None, (_said(part) for part in parts)))


def _speaker(message: Any) -> Any:
    return next((message[k] for k in SPEAKERS if k in message), None) if isinstance(message, Mapping) else None


def conversation(messages: Sequence[Any]) -> str:
    """The texts of a list of messages (or plain strings) in order, one below the other, without role names.

    System prompts and tool output are left out, unless there is nothing else.
    """
    heard = [m for m in messages if _speaker(m) not in UNHEARD]
    return "\n".join(filter(None, (_said(m) for m in heard or messages)))


def is_conversation(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, Sequence) and not isinstance(value, str) and any(_said(m) for m in value)


@dataclass(frozen=True, slots=True)
class Field:
    """Where the text of a record is: ``paths`` of keys whose texts are joined by a newline.

    No path: the record itself is the text. ``chat``: the values are conversations.
    """

    paths: tuple[tuple[str, ...], ...]
    chat: bool = False

    @property
    def name(self) -> str:
        """The field as a person writes it."""
        return " + ".join(".".join(path) for path in self.paths)

    @property
    def columns(self) -> tuple[str, ...]:
        """The top-level names that are read."""
        return tuple(path[0] for path in self.paths)

    @property
    def plain(self) -> bool:
        """Whether the text is in top-level strings, so that a scanner may pick it out."""
        return bool(self.paths) and not self.chat and all(len(path) == 1 for path in self.paths)

    def text(self, record: Any) -> str:
        """The text of a record; raises ``FieldProblem`` where it has none."""
        if not self.paths:
            if isinstance(record, str):
                return record
            raise FieldProblem(f"{kind_of(record)}, where the other records are strings")
        if not isinstance(record, Mapping):
            raise FieldProblem(f"{kind_of(record)}, not an object with a field {self.name!r}")
        if len(self.paths) == 1:
            return _text_at(record, self.paths[0])
        parts = []
        for path in self.paths:
            if _lookup(record, path) is not None:
                parts.append(_text_at(record, path))
        if not parts:
            raise FieldProblem(f"none of the fields {self.name}")
        return "\n".join(filter(None, parts))


_MISSING = object()


def _lookup(record: Any, path: Iterable[str], default: Any = None) -> Any:
    """The value at a path of keys."""
    for key in path:
        if not isinstance(record, Mapping) or key not in record:
            return default
        record = record[key]
    return record


def _text_at(record: Any, path: tuple[str, ...]) -> str:
    value = _lookup(record, path, _MISSING)
    if isinstance(value, str):
        return value
    name = ".".join(path)
    if value is _MISSING:
        raise FieldProblem(f"no field {name!r}")
    if isinstance(value, Sequence) and (not value or is_conversation(value)):
        return conversation(value)
    raise FieldProblem(f"the field {name!r} is {kind_of(value)}, not text")


def encode(text: str) -> tuple[bytes, int]:
    """UTF-8 of a text, and how many lone surrogates became U+FFFD."""
    try:
        return text.encode(), 0
    except UnicodeEncodeError:
        mended, count = SURROGATES.subn("\N{REPLACEMENT CHARACTER}", text)
        return mended.encode(), count


def find_field(records: Sequence[Any], wanted: str | None = None) -> Field:
    """The field of a file, decided from its first records.

    Raises ``InputError`` naming the fields there are, where ``wanted`` is missing or none holds text.
    """
    objects = [r for r in records if isinstance(r, Mapping)]
    if wanted is not None:
        return _given(objects, wanted)
    if not objects:
        if records and all(isinstance(r, str) for r in records):
            return Field(())
        return Field((("text",),))
    names = list(dict.fromkeys(str(k) for r in objects for k in r))
    for found in _candidates(objects, names):
        return found
    raise InputError(f"no field holds text; there are {listed(names)} (choose one with --text-field)")


def _given(objects: Sequence[Mapping[str, Any]], wanted: str) -> Field:
    """The field a person asked for; a dotted name is a path unless a field has just that name."""
    path = (wanted,) if "." not in wanted or any(wanted in r for r in objects) else tuple(wanted.split("."))
    values = [v for r in objects if (v := _lookup(r, path, _MISSING)) is not _MISSING]
    if objects and not values:
        names = list(dict.fromkeys(str(k) for r in objects for k in r))
        raise missing(wanted, names)
    return Field((path,), chat=any(is_conversation(v) for v in values))


def missing(wanted: str, names: Sequence[str]) -> InputError:
    """The error for a field that a file lacks."""
    near = difflib.get_close_matches(wanted, names, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return InputError(f"no field {wanted!r}{hint}; there are {listed(names)}")


def listed(names: Sequence[str], most: int = 20) -> str:
    """Field names for people, the first of them where there are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(repr(n[:60]) for n in names[:most]) or "none") + more


def _candidates(objects: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Iterator[Field]:
    """Fields that hold text, the likeliest first: usual names, conversations, pairs, answers, the longest."""
    lower = {n.lower(): n for n in reversed(names)}
    lengths = {n: _mean_length(objects, n) for n in names}
    chats = [n for n in names if any(is_conversation(r.get(n)) for r in objects)]
    yield from (_field(lower[n]) for n in TEXT if lengths.get(lower.get(n, "")))
    yield from (Field(((lower[n],),), chat=True) for n in CHAT if lower.get(n) in chats)
    for pair in PAIRS:
        if all(n in lower for n in pair) and any(lengths[lower[n]] for n in pair):
            yield _field(*(lower[n] for n in pair))
    yield from (_field(lower[n]) for n in ANSWERS if lengths.get(lower.get(n, "")))
    longest = max(names, key=lambda n: lengths[n], default="")
    if lengths.get(longest):
        yield _field(longest)
    yield from (Field(((n,),), chat=True) for n in chats)
    yield from (_field(lower[n]) for n in TEXT if n in lower)


def _field(*names: str) -> Field:
    return Field(tuple((n,) for n in names))


def _mean_length(objects: Sequence[Mapping[str, Any]], name: str) -> float:
    """Mean length of the strings in a field; 0 where it holds none."""
    lengths = [len(v) for r in objects if isinstance(v := r.get(name), str)]
    return sum(lengths) / len(lengths) if lengths else 0.0
