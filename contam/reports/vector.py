"""Drawn pictures (SVG) made fit to stand inside an HTML page.

A picture that stands alone may have a prolog, a style sheet and ids of its own; inside a page these would clash with
the page and with other pictures. Only drawing elements and attributes survive: no script, no link, no comment.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

INK = "#1f2328"
FAINT = "#d0d7de"
PAPER = "#ffffff"
_TO_PAGE = {INK: "currentColor", FAINT: "var(--line)", PAPER: "var(--paper)"}
_ELEMENTS = re.compile(
    "svg|g|path|use|defs|clipPath|rect|line|circle|ellipse|polyline|polygon|text|tspan|linearGradient|stop"
)
_ATTRIBUTES = re.compile(
    "id|d|x|y|x1|y1|x2|y2|cx|cy|r|rx|ry|width|height|points|transform|viewBox|style|fill|stroke|stroke-width|opacity|"
    "clip-path|clip-rule|fill-rule|stroke-linecap|stroke-linejoin|stroke-dasharray|text-anchor|offset|href"
)
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_REFERENCE = re.compile(r"url\(\s*#([^)\s]+)\s*\)")
_OUTSIDE = re.compile(r"url\((?!\s*#)|@import|expression|javascript:", re.IGNORECASE)


def inline(svg: str, prefix: str, alt: str) -> str:
    """An SVG document as an element for a page: ids under ``prefix``, ``alt`` as its title, page colours.

    ``INK``, ``FAINT`` and ``PAPER`` become the page's own colours, so that the picture follows a dark page.
    Raises ``ValueError`` where the text is no SVG.
    """
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"not an SVG picture: {error}") from error
    if _local(root.tag) != "svg":
        raise ValueError(f"not an SVG picture: the outermost element is {_local(root.tag)}")
    label = f"{prefix}title"
    title = f'<title id="{label}">{escape(alt)}</title>'
    box = escape(root.get("viewBox") or f"0 0 {_length(root, 'width')} {_length(root, 'height')}")
    opening = f'<svg role="img" aria-labelledby="{label}" viewBox="{box}" stroke-linejoin="round">'
    return opening + title + "".join(_element(child, prefix) for child in root) + "</svg>"


def _element(node: ElementTree.Element, prefix: str) -> str:
    name = _local(node.tag)
    if not _ELEMENTS.fullmatch(name):
        return ""
    given = "".join(_attribute(_local(key), value, prefix) for key, value in node.attrib.items())
    inside = escape(node.text or "") if name in ("text", "tspan") else ""
    for child in node:
        inside += _element(child, prefix)
        inside += escape(child.tail or "") if name in ("text", "tspan") else ""
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"


def _attribute(name: str, value: str, prefix: str) -> str:
    """One attribute, or nothing where it could reach beyond the picture."""
    if not _ATTRIBUTES.fullmatch(name) or _OUTSIDE.search(value) or (name == "href" and not value.startswith("#")):
        return ""
    if name == "id":
        value = prefix + value
    elif name == "d":
        value = _DECIMALS.sub(r"\1", " ".join(value.split()))
    elif name == "href":
        value = "#" + prefix + value[1:]
    value = _REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
    for colour, of_page in _TO_PAGE.items():
        value = value.replace(colour, of_page)
    return f' {name}="{escape(value)}"'


def _length(root: ElementTree.Element, name: str) -> str:
    found = re.match(r"[\d.]+", root.get(name, ""))
    return found[0] if found else "100"


def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
