"""The HTML report in a real browser: it asks for nothing, runs nothing but its own sorting, and shows text as text."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from examples import make_audit, nasty_audit

from contam.reports import render
from contam.result import CorpusInfo, DocumentFinding, Documents, Level, Skipped, Verdict

BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "")
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium or Chrome on this machine")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
)  # fmt: skip
TRICK = "document.title='owned'"
HOSTILE = (
    f"<script>{TRICK}</script>", f'"><img src=http://x.example/a.png onerror="{TRICK}">',
    f"' onfocus='{TRICK}' autofocus='",
    f"</style></title></textarea><script>{TRICK}</script>", f"<svg/onload={TRICK}>", f"javascript:{TRICK}",
    f"<a href=javascript:{TRICK}>x</a>", "<iframe src=http://x.example></iframe>", "<base href=http://x.example/>",
    '<meta http-equiv=refresh content="0;url=http://x.example/">', "<link rel=stylesheet href=http://x.example/a.css>",
    "\x1b[31mred\x1b[0m\x1b]0;owned\x07", "\u202eevil\u202c\u2066x\u2069", "a\x00b", "\ud800",
    "<!--", "]]>", "<![CDATA[", "&#60;script&#62;", "{{7*7}}", "`${alert(1)}`", "x" * 10_000_000,
)  # fmt: skip


def hostile_audit():
    """Every place of an audit that data reaches, with every trick."""
    worst = tuple(DocumentFinding(f"{raw[:200]}:{i}", "REP001", i / 30, raw) for i, raw in enumerate(HOSTILE, 1))
    every = " ".join(raw[:200] for raw in HOSTILE)
    skipped = tuple(Skipped(raw[:200], f"invalid: {raw[:200]}", 3) for raw in HOSTILE)
    corpus = CorpusInfo(tuple(raw[:200] for raw in HOSTILE), 1, 1, 1, 1, skipped, len(skipped))
    verdict = Verdict(Level.COLLAPSING, 0.01, 3.0, HOSTILE, every, HOSTILE)
    rules = tuple(replace(rule, message=f"{rule.message} {every}") for rule in nasty_audit().rules)
    return make_audit(
        Level.COLLAPSING, corpus=corpus, verdict=verdict, rules=rules, documents=Documents(9, worst), notes=HOSTILE
    )  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.found]


def browse(page: Path, *more: str) -> str:
    """The document as it is after loading."""
    profile = f"--user-data-dir={page.parent / 'profile'}"
    done = subprocess.run(
        [BROWSER, *FLAGS, profile, *more, page.as_uri()], capture_output=True, timeout=120, check=True
    )  # fmt: skip
    return done.stdout.decode("utf-8", "replace")


def requests(log: Path) -> set[str]:
    """The addresses that the network log names as asked for by anything."""
    text = log.read_text(encoding="utf-8")
    try:
        events = json.loads(text)["events"]
    except json.JSONDecodeError:
        events = json.loads(text.rstrip().rstrip(",") + "]}")["events"]
    return {event["params"]["url"] for event in events if "url" in event.get("params", {})}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The hostile report, the browser's document of it, and what was asked for."""
    folder = tmp_path_factory.mktemp("browser")
    page, log = folder / "report.html", folder / "net.json"
    page.write_text(render(hostile_audit(), "html"), encoding="utf-8")
    return page, browse(page, f"--log-net-log={log}", "--dump-dom"), requests(log)


def of_the_page(asked: set[str]) -> set[str]:
    """What is not asked for by the browser itself, which asks its maker for the time and for its own updates."""
    own = re.compile(r"(data|chrome|devtools|about|blob):|https?://([a-z0-9-]+\.)*(google|googleapis|gvt[12])\.com[/:]")
    return {address for address in asked if not own.match(address)}


def test_nothing_is_asked_for(loaded):
    page, _, asked = loaded
    assert of_the_page(asked) <= {page.as_uri()}


def test_a_request_of_a_page_would_be_seen(tmp_path):
    page, log = tmp_path / "page.html", tmp_path / "net.json"
    page.write_text('<!doctype html><title>x</title><img src="http://x.example/a.png">', encoding="utf-8")
    browse(page, f"--log-net-log={log}", "--dump-dom")
    assert "http://x.example/a.png" in of_the_page(requests(log))


def test_no_text_has_become_an_element_and_no_trick_ran(loaded):
    page, document, _ = loaded
    before, after = Elements(page.read_text(encoding="utf-8")), Elements(document)
    kept = [tag for tag in after.tags if tag not in ("button", "tbody")]
    assert kept == [tag for tag in before.tags if tag != "tbody"]
    assert after.tags.count("script") == 1 and not {"img", "iframe", "base", "object", "form"} & set(after.tags)
    assert not [a for _, given in after.found for a in given if a.startswith("on") or a in ("src", "autofocus")]
    title = re.search(r"<title>(.*?)</title>", document, re.S)[1]
    assert title != "owned" and title.startswith("contam audit")


def test_tables_can_be_sorted_in_the_browser(loaded):
    document = loaded[1]
    heads = [given for tag, given in Elements(document).found if tag == "button"]
    assert heads and all(given["type"] == "button" for given in heads)


def places(document: str) -> list[int]:
    """The line numbers of the documents in their order on the page."""
    table = document[document.index('class="stacked documents"') :]
    return [int(n) for n in re.findall(r'<th scope="row">[^<]*?:(\d+)</th>', table[: table.index("</table>")])]


def sorted_by(folder: Path, script: str) -> tuple[list[int], str]:
    """The documents after a script has worked the heads, with the policy taken off for it."""
    worst = [DocumentFinding(f"x.jsonl:{n}", "REP001", value, "text") for n, value in ((3, 0.1), (20, 0.9), (100, 0.5))]
    shown = render(make_audit(Level.COLLAPSING, documents=Documents(3, tuple(worst))), "html")
    free = re.sub(r"<meta http-equiv=[^>]*>", "", shown).replace("</body>", f"<script>{script}</script></body>")
    page = folder / "sorted.html"
    page.write_text(free, encoding="utf-8")
    document = browse(page, "--dump-dom")
    return places(document), document


HEAD = "const b=[...document.querySelectorAll('.documents button')];"


@pytest.mark.parametrize(
    ("script", "order", "way"),
    [
        ("", [3, 20, 100], ""),
        ("b[2].click()", [3, 100, 20], "ascending"),
        ("b[2].click();b[2].click()", [20, 100, 3], "descending"),
        ("b[2].click();b[0].click()", [3, 20, 100], "ascending"),
        ("b[0].click();b[0].click()", [100, 20, 3], "descending"),
    ],
)
def test_a_click_sorts_by_value_and_by_name(tmp_path, script, order, way):
    found, document = sorted_by(tmp_path, HEAD + script)
    assert found == order
    sorts = [given["aria-sort"] for tag, given in Elements(document).found if tag == "th" and "aria-sort" in given]
    assert sorts == ([way] if way else [])


def test_a_foreign_script_is_refused_by_the_page(tmp_path):
    page = tmp_path / "page.html"
    foreign = f"<script>{TRICK}</script></body>"
    page.write_text(render(make_audit(), "html").replace("</body>", foreign), encoding="utf-8")
    assert "<title>owned" not in browse(page, "--dump-dom")


def test_the_report_prints(tmp_path):
    page, printed = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render(nasty_audit(), "html"), encoding="utf-8")
    browse(page, f"--print-to-pdf={printed}", "--no-pdf-header-footer")
    assert printed.read_bytes().startswith(b"%PDF-")
