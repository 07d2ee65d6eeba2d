"""A mixture as a page, and the folder that ``--out`` writes.

Verdict and advice first, then what was found: the synthetic share, the dose-response, the forecast.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contam.mixing.asked import LOWER_BOUND
from contam.mixing.dose.page import dose_sections
from contam.mixing.forecasting.page import forecast_sections
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, LABEL, Mix, ScoredDocument
from contam.mixing.wording import counted, of_regime, of_retained, of_share
from contam.reports import folders, write_whole
from contam.reports.page import Banner, Block, Excerpt, Excerpts, Page, Picture, Section, Sentences, Table
from contam.result import CorpusInfo, Level, RuleResult
from contam.rules import failing
from contam.synthetic.measuring import per_cent
from contam.wording import probability

REPORT, FIGURES, RESULT = "report.html", "figures", "mix.json"
_DOCUMENTS, _FULL, _EXCERPTS = 8, 20, 20
"""Documents that a terminal and a full page show, and those whose beginnings are read there."""
_LONGEST = 24
_NOT_IN_HEADS = re.compile(r"[^A-Za-z0-9.-]+")
"""What the head of a column, which renderers take as it is, may not hold."""
_OF_SHARE = "more like text of instruct models"
_NOT_DRAWN = "No pictures: matplotlib is not installed (pip install matplotlib)."


def draw_mix(result: Mix, full: bool = False) -> Page:
    """The page of a result, short for a terminal or ``full`` with pictures, all rows and the settings."""
    verdict = result.verdict
    drawn, undrawn = _pictures(result) if full else ({}, ())
    found, notes = result.dose_response, result.dose_response.notes if result.dose_response else ()
    sections = [
        _sentences("Why", verdict.reasons if verdict else ()),
        _sentences("What to do", verdict.advice if verdict else ()),
        _share(result, (*drawn.get("share", ()), *drawn.get("scores", ()))),
        *dose_sections(found, full, drawn.get("dose-response", ())),
        *forecast_sections(result.forecast, full, drawn.get("forecast", ())),
        _documents(result, full),
        _rules(result.rules, full),
        _read(result),
        _sentences("Notes", (*result.notes, *notes, *undrawn)),
        _settings(result.settings) if full else None,
    ]
    return Page(_title(result), banner_of(result), tuple(s for s in sections if s is not None), _footer(result))


def banner_of(result: Mix) -> Banner:
    """The verdict in one line: why the level is what it is where it is bad, then what else was found."""
    level = result.level
    told = [_short(result.verdict.reasons[0])] if result.verdict and level and level.severity > 0 else []
    if told and told[0].startswith(_OF_SHARE):
        told = []  # what was found says the same, and under which condition
    told += _found(result, forecast=not (told and told[0].startswith(LABEL)))
    limit = result.limits.get("share")
    if result.synthetic_share is not None and limit is not None and result.synthetic_share.proven > limit:
        told.insert(0, f"more than the limit of {of_share(limit)} is proven (--max-share)")
    floor = result.verdict.detection_floor if result.verdict else ""
    return Banner(level.value if level else "no_level", "; ".join(told) or "nothing was measured", floor)


def _found(result: Mix, forecast: bool) -> list[str]:
    """What was found, a phrase each; the forecast where it was not told yet."""
    made, told = result.forecast, []
    if result.synthetic_share is not None:
        told.append(_bound_told(result))
    if result.dose_response is not None and (harm := _harm_told(result)):
        told.append(harm)
    if made is not None and made.generations and forecast:
        last = made.generations[-1]
        most = "at best " if made.share_is == LOWER_BOUND else ""
        left = f"{most}{of_retained(last.vocabulary_retained)} of the vocabulary"
        told.append(f"{left} after {counted(last.generation, 'generation')} {of_regime(made)} ({made.label})")
    return told


def _short(reason: str) -> str:
    """A reason without what stands in brackets at its end."""
    return re.sub(r" \([^()]*\)$", "", reason)


def write_mix(folder: Path, result: Mix) -> None:
    """Into a folder: ``report.html``, ``figures/`` (SVG and PNG, where matplotlib is installed), ``mix.json``.

    Raises InputError where it cannot be written.
    """
    from contam.reports import html

    check_folder(folder)
    folders.make_folder(folder)
    _write_figures(folder / FIGURES, result)
    write_whole(folder / RESULT, json.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n")
    write_whole(folder / REPORT, html.render(draw_mix(result, full=True)))


def check_folder(folder: Path) -> None:
    """Raise InputError where `write_mix` could not write, before anything is read; nothing is made."""
    folders.check_folder(folder, (REPORT, RESULT), (FIGURES,))


def _write_figures(folder: Path, result: Mix) -> None:
    try:
        from contam.mixing.pictures import draw_pictures
        from contam.reports.plotting import write_pictures

        drawn = draw_pictures(result)
    except ImportError:
        return
    if drawn:
        write_pictures(folder, drawn)


def _title(result: Mix) -> str:
    real, synthetic = _named(result.real), _named(result.synthetic)
    if result.synthetic_share is not None:
        return f"contam mix --estimate {synthetic}" + (f" --reference {real}" if real else "")
    return " ".join(name for name in ("contam mix", real, synthetic) if name)


def _named(corpus: CorpusInfo | None) -> str:
    if corpus is None or not corpus.sources:
        return ""
    more = f" and {len(corpus.sources) - 1} more" if len(corpus.sources) > 1 else ""
    return f"{corpus.sources[0]}{more}"


def _footer(result: Mix) -> str:
    p = result.provenance
    return f"seed {p.seed}, {p.seconds:.1f} s, settings {p.config_digest}"


def _bound_told(result: Mix) -> str:
    share = result.synthetic_share
    if share is None or not share.measured:
        return "synthetic share not measured" + _declared_told(result)
    p = f"p = {probability(share.p_value)}".replace("= <", "<") if share.p_value is not None else "no p-value"
    if result.verdict is None:
        return f"no difference from the trusted text found ({p})"
    if not share.lower_bound:
        return f"synthetic share not bounded away from 0 ({p})"
    least = f"at least {per_cent(share.lower_bound)} of the documents"
    return f"{least} read like text of instruct models, if source and subject are those of the trusted text ({p})"


def _declared_told(result: Mix) -> str:
    """The estimate from labelled text, which needs no trusted text."""
    found = result.synthetic_share.declared if result.synthetic_share else None
    if found is None or found.estimate is None or found.interval is None or result.level is Level.AT_RISK:
        return ""  # at risk: by this estimate, which the reason tells
    span = " to ".join(of_share(round(end, 2)) for end in found.interval)
    told = f"about {of_share(round(found.estimate, 2))} ({span}) from labelled text"
    return f" beside trusted text; {told}, if the generator is {found.generator}"


def _harm_told(result: Mix) -> str:
    """From which share on synthetic text does harm, or else costs something in the place of real text."""
    found = result.dose_response.detectable if result.dose_response else {}
    harm, cost = found.get(FIXED_REAL), found.get(FIXED_TOTAL)
    if harm is not None:
        return f"harm detected from {of_share(harm)} on"
    if cost is not None:
        return f"a cost in the place of real text from {of_share(cost)} on"
    return "" if result.level is Level.INSUFFICIENT else "no harm detected"


def _sentences(title: str, items: Sequence[str]) -> Section | None:
    return Section(title, (Sentences(tuple(items)),)) if items else None


def _share(result: Mix, picture: Sequence[Picture]) -> Section | None:
    """What is said of the share, what it rests on, and the share among labelled text where there was any."""
    share = result.synthetic_share
    if share is None:
        return None
    told = list(share.sentences) or [share.reason or "Nothing can be said of the synthetic share."]
    limit = result.limits.get("share")
    if limit is not None and share.measured:
        above = "above" if share.proven > limit else "not above"
        told.append(f"the lower bound is {above} the limit of {of_share(limit)} (--max-share)")
    return Section("Synthetic share", (Sentences(tuple(told)), *picture))


def _pictures(result: Mix) -> tuple[dict[str, tuple[Picture, ...]], tuple[str, ...]]:
    """Pictures by name; or why there are none."""
    try:
        from contam.mixing.pictures import draw_pictures

        drawn = draw_pictures(result)
    except ImportError:
        return {}, (_NOT_DRAWN,)
    return {p.name: (Picture(p.svg, p.alt, p.caption, f"{FIGURES}/{p.name}.svg"),) for p in drawn}, ()


def _documents(result: Mix, full: bool) -> Section | None:
    """Documents of an estimate, the most machine-like first."""
    shown = result.documents[: _FULL if full else _DOCUMENTS]
    if not shown:
        return None
    names = tuple(dict.fromkeys(name for document in shown for name in document.detection))
    columns = ("score", "percentile", *(_NOT_IN_HEADS.sub(" ", name)[:_LONGEST] for name in names), "document")
    rows = tuple(_document(document, names) for document in shown)
    told = f"{len(shown):,} of {result.documents_total:,}; the percentile is the place among the trusted documents"
    if result.verdict is None:
        told += "; no difference was found, and the first of any text look so"
    table = Table(columns, rows, header=True)
    begun = tuple(Excerpt(d.id, f"score {d.score:.2f}", d.excerpt) for d in shown[:_EXCERPTS] if d.excerpt and full)
    blocks: tuple[Block, ...] = (Sentences((told,)), table, *((Excerpts(begun),) if begun else ()))
    return Section("Most machine-like documents", blocks)


def _document(document: ScoredDocument, names: Sequence[str]) -> tuple[str, ...]:
    place = "-" if document.percentile is None else f"{document.percentile:.1f}"
    found = (f"{document.detection[name]:.2f}" if name in document.detection else "-" for name in names)
    return (f"{document.score:.2f}", place, *found, document.id)


def _rules(rules: Sequence[RuleResult], full: bool) -> Section | None:
    """Rules that warn or fail; ``full`` with all that were applied."""
    shown = rules if full else failing(rules)
    if not shown:
        return None
    rows = tuple((rule.id, rule.status, rule.message) for rule in shown)
    return Section("Rules", (Table(("rule", "status", "what"), rows, tuple(rule.status for rule in shown)),))


def _read(result: Mix) -> Section | None:
    """What was read, and what could not be."""
    told = []
    roles = ("trusted", "audited") if result.synthetic_share is not None else ("real", "synthetic")
    for role, corpus in zip(roles, (result.real, result.synthetic)):
        if corpus is not None:
            told.append(f"{role}: {corpus.documents:,} documents, {corpus.tokens:,} words, {corpus.bytes:,} bytes")
            told += [f"skipped in the {role} text: {_where(s.path, s.line)}: {s.reason}" for s in corpus.skipped[:3]]
            if corpus.skipped_total > 3:
                told.append(f"skipped in the {role} text: {corpus.skipped_total:,} altogether")
    return _sentences("What was read", told)


def _where(path: str, line: int | None) -> str:
    return path if line is None else f"{path}:{line}"


def _settings(settings: Mapping[str, Any]) -> Section | None:
    rows = tuple((n.replace("_", " "), _setting(v)) for n, v in settings.items() if v not in (None, ""))
    return Section("Settings", (Table(("setting", "value"), rows, header=True),)) if rows else None


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_setting(one)}" for name, one in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value)) or "-"
    return "default" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
