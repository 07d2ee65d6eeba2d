"""On which line a key is: against texts whose lines are known, and written ones."""

from __future__ import annotations

import json
import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from contam.configuration.lines import line_of, lines_of

TEXT = '''# x = 1
a = 1  # b = 2
"q.q" = [
  "]", # c = 3
  "d = 4",
]
e.f = """
g = 5
[h]
"""

[ i . "j.k" ]   # [l]
m = { n = 1, o = [2, 3] }
'p q' = \'\'\'
[r]\'\'\'
s = "a\\"b = \\\\"
t = "\'\'\'"

[[u]]
v = 1979-05-27T07:32:00Z
'''


def test_keys_are_found_and_nothing_that_only_looks_like_one():
    tomllib.loads(TEXT)
    wanted = {
        ("a",): 2, ("q.q",): 3, ("e", "f"): 7, ("i", "j.k"): 12, ("i", "j.k", "m"): 13, ("i", "j.k", "p q"): 14,
        ("i", "j.k", "s"): 16, ("i", "j.k", "t"): 17, ("u",): 19, ("u", "v"): 20,
    }  # fmt: skip
    assert lines_of(TEXT) == wanted


def test_what_an_inline_table_holds_is_on_the_line_of_the_table():
    lines = lines_of(TEXT)
    assert line_of(("i", "j.k", "m", "n"), lines) == 13
    assert line_of(("i",), lines) == 12
    assert line_of(("nothing",), lines) == 1


names = st.text(min_size=1, max_size=6)
values = st.one_of(
    st.integers(), st.booleans(), st.text(max_size=12), st.lists(st.text(max_size=5), max_size=3)
)  # fmt: skip


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    escaped = json.dumps(text, ensure_ascii=True)
    return escaped.replace("\x7f", "\\u007f")


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[\n" + "".join(f"  {quoted(item)},  # ]\n" for item in value) + "]"
    return quoted(value) if isinstance(value, str) else str(value)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, st.dictionaries(names, values, max_size=4), max_size=4))
def test_written_tables(tables):
    text, wanted = "", {}
    for name, table in tables.items():
        wanted[(name,)] = text.count("\n") + 1
        text += f"[{quoted(name)}]\n"
        for key, value in table.items():
            wanted[(name, key)] = text.count("\n") + 1
            text += f"{quoted(key)} = {written(value)}\n\n"
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # surrogates, which json writes and TOML does not read
        return
    assert lines_of(text) == wanted
