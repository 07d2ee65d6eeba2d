"""The JSONL scanner against ``json.loads``: whatever a line holds, the outcome is the parser's."""

from __future__ import annotations

import hashlib
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contam.errors import InputError
from contam.formats import jsonl
from contam.formats.blocks import PADDING, Block
from contam.formats.fields import Field
from contam.formats.task import ReadOptions, Source

TEXT = Field((("text",),))
PAIR = Field((("prompt",), ("completion",)))
GENEROUS = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.one_of(
    st.text(max_size=30),
    st.text(alphabet='ab"\\/\n\t\r\b\f\x00\x1f\x7fé€😀\ud800\udc00\ufeff ', max_size=200),
    st.integers(0, 150).map(lambda n: "x" * n + "é"),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars, lambda v: st.one_of(st.lists(v, max_size=4), st.dictionaries(texts, v, max_size=4)), max_leaves=8
)
names = st.sampled_from(["text", "prompt", "completion", "id", "Text", "té", "te\nxt", ""])
members = st.lists(st.tuples(names, st.one_of(texts, values)), max_size=5)
blanks = st.text(alphabet=" \t\r", max_size=2)


@st.composite
def objects(draw: Any) -> bytes:
    """An object written by hand: keys twice, white space anywhere, escapes or raw characters."""
    parts = []
    for name, value in draw(members):
        key, item = (json.dumps(v, ensure_ascii=draw(st.booleans())) for v in (name, value))
        if draw(st.integers(0, 9)) == 0:
            key = key.replace("e", "\\u0065")
        parts.append(f"{draw(blanks)}{key}{draw(blanks)}:{draw(blanks)}{item}{draw(blanks)}")
    return ("{" + ",".join(parts) + "}" + draw(blanks)).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: Any) -> bytes:
    """An object with bytes cut out, changed or put in."""
    line = bytearray(draw(objects()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(line)))
        junk = draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b",", b"}", b"[", b"0", b"\\ud83d"]))
        )
        line[at : at + draw(st.integers(0, 3))] = junk
    return bytes(line).replace(b"\n", b"")


lines_of = st.lists(st.one_of(objects(), damaged(), blanks.map(str.encode), values.map(json.dumps).map(str.encode)))


def expected(line: bytes, field: Field) -> bytes | None:
    """What ``json.loads`` makes of a line: the text, or None where there is none."""
    try:
        record = json.loads(line.decode("utf-8", "replace"), parse_int=float)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    parts = [record.get(path[0]) for path in field.paths]
    if len(parts) == 1 and not isinstance(parts[0], str):
        messages = parts[0] if isinstance(parts[0], list) else []
        parts = [m for m in messages if isinstance(m, str)] if all(isinstance(m, str) for m in messages) else ["?"]
        if parts == ["?"]:
            return b"?"
    text = "\n".join(p for p in parts if isinstance(p, str) and p)
    data = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode()
    return data if data.strip() else None


TRICKY = [
    *(
        rb'{"text":"a","t\u0065xt":"b"}',
        rb'{"t\u0065xt":"b"}',
        rb'{"text":"a","text":"b"}',
        rb'{"text":"a","text":null}',
    ),
    *(
        rb'{"text":"\udc00\udc00"}',
        rb'{"text":"\ud83d\ude00"}',
        rb'{"text":"\ud83d\ud83d\ude00"}',
        rb'{"text":"\ud83dx"}',
    ),
    *(
        rb'{"text":"\ud83d\n"}',
        rb'{"text":"\uD83D\uDE0"}',
        rb'{"text":"\u00zz"}',
        rb'{"text":"\u+123"}',
        rb'{"text":"\x41"}',
    ),
    *(
        b'{"n":%s,"text":"a"}' % n
        for n in (b"01", b"-0", b"-01", b"1.", b".5", b"1e", b"1e+", b"1E-07", b"--1", b"+1", b"-")
    ),
    *(
        b'{"n":%s,"text":"a"}' % n
        for n in (b"NaN", b"-Infinity", b"nul", b"nulll", b"True", b"9" * 5000, b"0.0e0", b"'a'")
    ),
    *(
        b'{"n":%s,"text":"a"}' % n
        for n in (b"[]", b"{}", b"[ ]", b"[1,]", b"[,1]", b'{"a"}', b'{"a":}', b"[1 2]", b"[1}", b"{]")
    ),
    *(b'{"n":%s,"text":"a"}' % n for n in (b"[" * 47 + b"]" * 47, b"[" * 49 + b"]" * 49, b"[" * 900 + b"]" * 900)),
    *(b'{"n":%s,"text":"a"}' % n for n in (b'[{"text":"b"}]', b'{"text":"b"}', b'"text"', b'"\\"', b'"\\""')),
    *(
        b'{"text":"%s"}' % t
        for t in (b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xc3")
    ),
    *(
        b'{"text":"%s"}' % t
        for t in (
            b"\xed\x9f\xbf",
            b"\xee\x80\x80",
            b"\xf4\x8f\xbf\xbf",
            b"\xf5\x80\x80\x80",
            b"\xff",
            b"\x80",
            b"\x7f",
            b"\t",
        )
    ),
    *(b'{"text":"a"}' + t for t in (b",", b"}", b" ", b"\r", b"\x0b", b"\xa0", b"\0", b"x", b'{"text":"b"}')),
    *(
        b'{,"text":"a"}',
        b'{"text":"a",}',
        b'{"text" "a"}',
        b"{text:1}",
        b"{}",
        b"{",
        b'{"text":"a"',
        b'{"text":"a',
        b'"text":"a"}',
    ),
    *(
        b' \t{ "text" \r:\t"a" } \r',
        b'\xef\xbb\xbf{"text":"a"}',
        b'{"text":"a"}\xc2\xa0',
        b'{"te\nxt":"a"}'.replace(b"\n", b"\t"),
    ),
    *(b'{"text":"a","b\xff":1}', b'{"b":"\xff","text":"a"}', b'{"":"","text":"a"}', b'{"text":"\xe2\x80\xa8"}'),
]


def block_of(data: bytes) -> Block:
    return Block(data + PADDING, len(data), 1, data.count(b"\n"))


def scanned(data: bytes, field: Field = TEXT) -> dict[int, bytes]:
    chunk = jsonl.JsonLines("x", block_of(data), field, ReadOptions()).decode()
    assert (chunk.batch.data[chunk.batch.offsets[-1] :][:64] == 0).all()
    return {int(n): chunk.batch.text(i) for i, n in enumerate(chunk.lines)}


@GENEROUS
@given(lines_of)
def test_scanner_and_parser_agree_on_every_line(lines: list[bytes]) -> None:
    got = scanned(b"\n".join(lines))
    for number, line in enumerate(lines, 1):
        want = expected(line, TEXT)
        if want != b"?":
            assert got.get(number) == want, line


@pytest.mark.parametrize("line", TRICKY, ids=range(len(TRICKY)))
def test_tricky_lines(line: bytes) -> None:
    want = expected(line, TEXT)
    assert scanned(b'{"text":"before"}\n' + line + b'\n{"text":"after"}').get(2) == want
    assert scanned(line).get(1) == want
    out, offsets, numbers, _ = jsonl.scan(block_of(line), ("text",))
    assert not len(numbers) or out[: offsets[1]].tobytes() == want


def only_strings(line: bytes) -> bool:
    """Whether a line's joined fields are strings or missing (other values have reasons of their own)."""
    try:
        record = json.loads(line.decode("utf-8", "replace"), parse_int=float)
    except (ValueError, RecursionError):
        return True
    return not isinstance(record, dict) or all(
        (record.get(n) is None or isinstance(record[n], str)) for n in ("prompt", "completion")
    )


@GENEROUS
@given(lines_of)
def test_joined_fields_agree_too(lines: list[bytes]) -> None:
    lines = [line for line in lines if only_strings(line)]
    got = scanned(b"\n".join(lines), PAIR)
    for number, line in enumerate(lines, 1):
        assert got.get(number) == expected(line, PAIR), line


@GENEROUS
@given(lines_of)
def test_the_kernel_itself_never_disagrees(lines: list[bytes]) -> None:
    """What the kernel takes is right, without help: the odd lines are left out here."""
    out, offsets, numbers, odd = jsonl.scan(block_of(b"\n".join(lines)), ("text",))
    for i, number in enumerate(numbers):
        assert out[offsets[i] : offsets[i + 1]].tobytes() == expected(lines[number], TEXT)
    blank = {i for i, line in enumerate(lines) if not line.strip(b" \t\r")}
    assert sorted([*numbers.tolist(), *odd[:, 2].tolist(), *blank]) == [*range(max(1, len(lines)))][: len(lines) or 0]


def test_the_kernel_takes_ordinary_lines_by_itself() -> None:
    record = {
        "id": 3,
        "text": 'two\n"lines" \\ é 😀 \u2028',
        "meta": {"a": [1, -2.5e3, None, True, {"b": []}], "c": {}},
    }
    lines = [json.dumps(record, ensure_ascii=ascii) for ascii in (True, False)] * 40
    out, offsets, numbers, odd = jsonl.scan(block_of("\n".join(lines).encode()), ("text",))
    assert len(odd) == 0 and len(numbers) == 80
    assert {out[a:b].tobytes() for a, b in pairwise(offsets)} == {record["text"].encode()}  # type: ignore[attr-defined]


@pytest.mark.parametrize("length", [*range(70), 127, 128, 129, 500])
def test_strings_of_any_length_at_any_alignment(length: int) -> None:
    for indent in range(3):
        for end in ("", "\\n", "é", "\\u00e9", '\\"'):
            body = "a" * length + end
            line = " " * indent + '{"text":"' + body + 'z"}'
            assert scanned(line.encode()) == {1: json.loads(f'"{body}z"').encode()}


def collected(raw: bytes, options: ReadOptions) -> tuple[dict[int, bytes], list[tuple[int | None, str]], int]:
    source = Source("x.jsonl", len(raw), lambda: io.BytesIO(raw), "jsonl")
    found, skipped, consumed = {}, [], 0
    for task in jsonl.tasks(source, options):
        chunk = task.decode()
        found |= {int(n): chunk.batch.text(i) for i, n in enumerate(chunk.lines)}
        skipped += [(s.line, s.reason) for s in chunk.skipped]
        consumed += chunk.consumed
    return found, sorted(skipped, key=str), consumed


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines_of.filter(lambda lines: any(line.strip() for line in lines)), st.data())
def test_cutting_anywhere_changes_nothing(lines: list[bytes], data: Any) -> None:
    raw = b"\n".join(lines)
    limit = data.draw(st.sampled_from([40, 200, 1 << 20]))
    size = data.draw(st.integers(1, len(raw) + 1))
    outcomes = []
    for block in (size, 1 << 21):
        options = ReadOptions(text_field="text", block_bytes=block, max_document_bytes=limit)
        try:
            outcomes.append(collected(raw, options))
        except InputError as error:  # no such field, binary: decided from the beginning of the file
            outcomes.append(str(error))  # type: ignore[arg-type]
    assert outcomes[0] == outcomes[1]
    if isinstance(outcomes[0], tuple):
        assert outcomes[0][2] == len(raw)


def test_lines_are_numbered_across_blocks() -> None:
    lines = [json.dumps({"text": f"document {i}"}) if i % 3 else "" for i in range(1, 400)]
    raw = "\n".join(lines).encode()
    found, skipped, _ = collected(raw, ReadOptions(block_bytes=97))
    assert not skipped
    assert found == {i: f"document {i}".encode() for i in range(1, 400) if i % 3}
    assert np.all(np.diff(sorted(found)) >= 1)


def test_compiled_code_is_renewed_when_the_grammar_changes() -> None:
    """Compiled kernels are kept by the digest of their own file, which therefore holds that of its helpers."""
    from contam.formats import json_grammar, json_machine, jsonl_kernel

    digest = hashlib.sha256()
    for module in (json_grammar, json_machine):
        digest.update(Path(module.__file__).read_bytes())
    assert digest.hexdigest().startswith(jsonl_kernel.GRAMMAR) and len(jsonl_kernel.GRAMMAR) == 16
