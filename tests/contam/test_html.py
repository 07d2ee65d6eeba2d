"""The HTML report: text stays text, nothing is asked for from outside, everything said is there, all can read it."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from examples import NASTY, figure, make_audit, nasty_audit, signals
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.reports import Style, render
from contam.reports.drawing import draw
from contam.reports.escape import visible
from contam.reports.findings import Gate
from contam.reports.html import render as render_page
from contam.reports.html_script import SCRIPT
from contam.reports.html_style import STYLE
from contam.reports.page import Banner, Bar, Bars, Excerpt, Excerpts, Page, Picture, Section, Sentences, Table
from contam.reports.vector import FAINT, INK, PAPER, inline
from contam.result import DocumentFinding, Documents, Level, RuleResult

VOID = {"meta", "link", "br", "hr", "img", "input"}
ALLOWED = re.compile(
    "html|head|meta|title|link|style|body|a|main|header|h1|h2|p|span|div|section|nav|ul|li|strong|table|thead|tbody|"
    "tr|th|td|figure|figcaption|footer|svg|path|circle|g|defs|use|clippath|rect|text|tspan|line|script"
)
HOSTILE = (
    "<script>alert(1)</script>",
    "</p></main><script src=//x.example/a.js></script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "</style><style>body{display:none}</style>",
    "</title><svg onload=alert(1)>",
    "<!-- comment --><![CDATA[ x ]]>",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\u202eevil\u202c \u2066x\u2069",
    "\x00\x01\x7f\x85",
    "lone \ud800 surrogate",
    "&lt;b&gt; &amp;amp; &#60;script&#62;",
    "javascript:alert(1)",
)
SVG = (
    '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10" onload="alert(1)"><!-- <script> -->'
    "<style>*{display:none}</style><script>alert(1)</script><metadata>2024</metadata>"
    f'<defs><path id="a" d="M0 0" style="fill: {INK}; stroke: {FAINT}"/></defs>'
    f'<g clip-path="url(#c)"><use xlink:href="#a" fill="{PAPER}"/><use href="http://x.example/#b"/>'
    '<path onclick="alert(1)" d="M1 1" style="fill:url(http://x.example/p)"/><text>a &lt;b&gt; c</text></g></svg>'
)


class Reader(HTMLParser):
    """What a browser would find: elements in order, their attributes, the text, and whether tags match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert ALLOWED.fullmatch(tag), tag
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif self.open and self.open[-1] != "style":
            self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(text: str) -> Reader:
    """The report as a browser reads it, with everything checked that holds for every report."""
    found = Reader(text)
    assert found.open == [], "elements left open"
    ids = [a["id"] for _, a in found.elements if "id" in a]
    assert len(ids) == len(set(ids)), "an id twice"
    for tag, attributes in found.elements:
        assert tag != "script" or not attributes
        assert tag not in ("iframe", "object", "embed", "form", "base", "img")
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        for name in ("href", "xlink:href"):
            assert attributes.get(name, "#")[:1] == "#" or attributes[name] == "data:,"
            if attributes.get(name, "").startswith("#") and tag == "a":
                assert attributes[name][1:] in ids, "a link to nowhere"
        assert "url(h" not in attributes.get("style", "").lower()
    assert found.scripts in ([], [SCRIPT])
    policy = next(a["content"] for a in found.named("meta") if "http-equiv" in a)
    digest = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy and "unsafe-inline' 'u" not in policy
    assert "default-src 'none'" in text and "url(" not in STYLE and "@import" not in STYLE
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text) is None
    return found


def page_of(raw: str) -> Page:
    """A page that carries one string wherever a string can stand."""
    bars = Bars((Bar(raw, 0.1, raw, "falls", (0.2, 0.3, 0.4), (0.05, 0.15), raw, True),), raw)
    table = Table((raw, raw, raw), ((raw, raw, raw),), ("fail",))
    documents = Excerpts((Excerpt(raw, raw, raw, raw, 0.5),))
    blocks = (Sentences((raw,)), bars, table, documents, Picture(SVG, raw, raw, raw))
    section = Section(raw, blocks)
    return Page(raw, Banner(raw, raw, raw, raw), (section, section, section, section), raw)


@pytest.mark.parametrize("raw", [*HOSTILE, NASTY, "".join(HOSTILE)], ids=lambda raw: repr(raw)[:30])
def test_hostile_text_stays_text(raw):
    found = read(render_page(page_of(raw)))
    assert found.text.count(visible(raw)) >= 4 * 12


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("<>\"'&;/=-! onsrcript\x00\x1b\u202e\n`"), max_size=60))
def test_no_text_becomes_an_element(raw):
    plain = [tag for tag, _ in read(render_page(page_of("x"))).elements]
    assert [tag for tag, _ in read(render_page(page_of(raw or "x"))).elements] == plain


def test_a_huge_line_is_cut_and_wraps():
    text = render_page(page_of("<b>" + "x" * 1_000_000))
    assert len(text) < 500_000
    assert "..." in read(text).text and "overflow-wrap:anywhere" in STYLE


@pytest.mark.parametrize("level", list(Level))
def test_the_verdict_comes_first_and_every_section_is_there(level):
    text = read(render(make_audit(level), "html")).text
    word = level.value.replace("_", " ").capitalize()
    headings = ["Why", "What to do", "Figures at 20,000", "Rules", "Whole corpus"]
    body = text[text.rindex("Skip to the findings") :]
    after_navigation = body.rindex("Why")
    places = [body.index(word), after_navigation, *(body.index(h, after_navigation) for h in headings[1:])]
    assert places == sorted(places)


def test_everything_the_terminal_says_is_in_the_html():
    audit = nasty_audit()
    text = read(render(audit, "html")).text
    for line in render(audit, "rich", Style(4000)).splitlines():
        for part in re.split(r"\s{2,}|[├┤┼●·─•✗↓↑]+", line):
            assert not re.search(r"\w{3}", part) or part.strip().lower() in text.lower()


def test_a_comparison_has_a_html_page():
    from contam.comparing import compare_audits

    found = read(render(compare_audits(make_audit(), make_audit()), "html"))
    assert found.named("table") and "difference" in found.text


def test_headings_go_down_one_by_one_and_tables_have_headers():
    found = read(render(nasty_audit(), "html"))
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and max(levels) == 2
    assert all(a.get("scope") in ("col", "row") for a in found.named("th"))
    assert len(found.named("thead")) == len(found.named("table")) > 0
    assert found.named("html")[0]["lang"] == "en"
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in found.named("div") if a.get("class") == "wide")


def test_pictures_and_bars_have_a_text_for_those_who_cannot_see_them():
    low = signals() | {"tail.hapax_share": figure(0.01, (0.06, 0.085, 0.12))}
    found = read(render(make_audit(signals=low), "html"))
    drawn = [a for a in found.named("svg") if a.get("aria-hidden") != "true"]
    assert drawn and all(a["role"] == "img" for a in drawn)
    assert len(found.named("title")) == 1 + len(drawn)
    assert "0.01000; references 5 % 0.06, median 0.085, 95 % 0.12" in found.text
    assert "outside the band" in found.text


def test_an_inlined_picture_keeps_its_drawing_and_loses_the_rest():
    shown = inline(SVG, "p1-", 'alt "<b>"')
    found = Reader(shown)
    assert [tag for tag, _ in found.elements] == ["svg", "title", "defs", "path", "g", "use", "use", "path", "text"]
    assert 'id="p1-a"' in shown and 'href="#p1-a"' in shown and "url(#p1-c)" in shown
    assert "example" not in shown and "alert" not in shown and "2024" not in shown
    assert "currentColor" in shown and "var(--line)" in shown and "var(--paper)" in shown
    assert found.text == 'alt "<b>"a <b> c'


def test_two_pictures_do_not_share_ids():
    pictures = (Picture(SVG, "one"), Picture(SVG, "two"))
    text = render_page(Page("x", None, (Section("a", pictures), Section("b", pictures))))
    assert len(read(text).named("figure")) == 4


@pytest.mark.parametrize("raw", ["", "no svg", "<html/>", "<svg><g></svg>"])
def test_what_is_no_picture_is_refused(raw):
    with pytest.raises(ValueError, match="not an SVG picture"):
        inline(raw, "p", "x")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAIRS = [(ink, paper) for ink in ("ink", "soft", "link") for paper in ("paper", "raised")]
PAIRS += [(name, f"{name}-paper") for name in ("good", "warn", "bad", "odd")]
PAIRS += [(ink, f"{name}-paper") for ink in ("ink", "soft") for name in ("good", "warn", "bad", "odd")]
PAIRS += [(name, "paper") for name in ("good", "warn", "bad")]


@pytest.mark.parametrize(("ink", "paper"), PAIRS)
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough_to_read(ink, paper, scheme):
    colours = {name: re.findall(rf"--{name}:(#\w+)", STYLE)[scheme] for name in (ink, paper)}
    high, low = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_the_style_serves_dark_pages_phones_and_print():
    for condition in ("prefers-color-scheme:dark", "max-width:40rem", "@media print"):
        assert condition in STYLE
    assert 'name="viewport"' in render(make_audit(), "html")


def broken(rule_id: str = "DUP001", status: str = "fail") -> RuleResult:
    return RuleResult(rule_id, "exact-duplicates", status, 0.2, 0.1, "20 % copies", enforced=True)


@pytest.mark.parametrize("form", ["html", "rich", "markdown"])
def test_what_failed_the_gate_is_said_first_though_the_corpus_is_healthy(form):
    shown = render(make_audit(rules=(broken(),)), form)
    text = read(shown).text if form == "html" else shown
    places = [text.lower().index("healthy"), text.index("Gate failed by DUP001"), text.rindex("What the gate asks for")]
    assert places == sorted(places) and places[-1] < text.rindex("Why")
    assert "gate" not in render(make_audit(), form).replace("navigate", "").lower().split("<body>")[-1]


def test_an_enforced_rule_that_could_not_be_applied_is_said():
    assert "Gate could not judge DUP001" in read(render(make_audit(rules=(broken(status="skipped"),)), "html")).text


def test_parts_stand_one_under_another_the_deciding_one_first():
    good, bad = replace(make_audit(), name="prose"), replace(make_audit(Level.COLLAPSING), name="code")
    audit = replace(bad, parts=(good, bad))
    titles = [section.title for section in draw(audit, True).sections]
    assert titles[0].startswith("Parts") and titles[1] == "code: Why" and "prose: Rules" in titles
    assert titles.index("code: Rules") < titles.index("prose: Why")
    assert "prose: Whole corpus" not in " ".join(section.title for section in draw(audit).sections)
    assert read(render(audit, "html")).named("table")


def test_documents_are_a_table_with_rule_place_value_and_beginning():
    worst = (DocumentFinding("a:b.jsonl:3", "REP001", 0.93, "x x x"), DocumentFinding("c:1", "DUP001", 7.0, "copy"))
    shown = render(make_audit(Level.COLLAPSING, documents=Documents(2, worst)), "html")
    found = read(shown)
    assert {"0.93", "7"} <= {a.get("data-value") for a in found.named("td")}
    for part in ("a:b.jsonl:3", "REP001", "looped-documents, 93 %", "x x x", "7 times"):
        assert part in found.text


def test_a_drawing_has_interval_limit_and_baseline_beside_band_and_value():
    row = Bar("x", 0.5, "0.5", "falls", (0.6, 0.7, 0.8), (0.45, 0.55), "1 %", True, (0.55, 0.85), 0.72)
    shown = render_page(Page("x", None, (Section("y", (Bars((row,), "z"),)),)))
    assert all(f'class="{kind}"' in shown for kind in ("band", "median", "range", "rule", "base", "value", "end"))
    assert shown.count('class="rule"') == 2, "one in the drawing, on the side of collapse, one in the legend"
    assert "limit 0.55; baseline 0.72" in read(shown).text and "limit 0.85" not in shown
    plain = render_page(Page("x", None, (Section("y", (Bars((replace(row, base=None, limits=None),), "z"),)),)))
    assert 'class="base"' not in plain and 'class="rule"' not in plain


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=7))
def test_every_drawing_stays_inside_its_frame(numbers):
    band = tuple(sorted(numbers[:3])) if not any(x != x for x in numbers[:3]) else tuple(numbers[:3])
    row = Bar("x", numbers[3], "x", "both", band, None, "", False, tuple((numbers[4:] * 2)[:2]) or None, numbers[-1])
    shown = render_page(Page("x", None, (Section("y", (Bars((row,), "z"),)),)))
    drawing = shown[shown.index('<td class="bar">') : shown.index("</td>", shown.index('<td class="bar">'))]
    places = [float(x) for x in re.findall(r'(?:[MH]|cx="|<text class="end" x=")(-?[\d.]+)', drawing)]
    assert all(0 <= place <= 300 for place in places) and "nan" not in drawing.split("</title>")[-1]


def test_a_page_that_draws_itself_has_the_gate_too():
    from probes import checkpoint, probe_of

    probe = probe_of([checkpoint(0)])
    page = draw(replace(probe, rules=(broken("CKP001"),)))
    assert page.banner.gate == "Gate failed by CKP001 exact-duplicates"
    assert page.sections[0].title == "What the gate asks for" and page.sections[1].title == "Why"
    assert draw(probe).banner.gate == ""


def test_the_table_of_parts_says_what_of_each_fails_the_gate():
    given = {"a": make_audit(Level.AT_RISK), "b": make_audit(Level.COLLAPSING),
             "c": make_audit(rules=(broken("DUP001"),)), "d": make_audit(Level.INSUFFICIENT)}  # fmt: skip
    parts = tuple(replace(audit, name=name) for name, audit in given.items())

    def told(gate):
        (table,) = draw(replace(parts[1], parts=parts), gate=gate).sections[1].blocks
        return {row[0]: row[-1] for row in table.rows}

    assert told(None) == {"a": "", "b": "its level", "c": "DUP001", "d": "could not be judged"}
    strict = told(Gate("at_risk", allow_insufficient=True))
    assert strict == {"a": "its level", "b": "its level", "c": "DUP001", "d": ""}
    assert set(told(Gate("never", allow_insufficient=True)).values()) == {""}
    long = replace(parts[1], name="data/**/" + "x" * 60)
    assert "its level" in render(replace(long, parts=(long,)), "rich", Style(60))
