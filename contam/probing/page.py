"""A probe as a page: the verdict, the checkpoints in order, what turned first, human texts, what the model writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from contam.probing.course_page import checkpoints_section, turns_section
from contam.probing.result import Checkpoint, Generation, Probe
from contam.probing.text_page import all_texts_section, texts_section
from contam.probing.trajectory import brief, samples_of
from contam.probing.wording import (
    moved_told,
    named,
    of,
    p_told,
    reference_told,
    sentences,
)
from contam.reports.audit_page import bar_of, plural, unmeasured
from contam.reports.page import Banner, Bars, Block, Excerpt, Excerpts, Page, Picture, Section, Sentences, Table
from contam.result import Figure, Level
from contam.rules import failing

_BARS = 8
"""Figures of the samples that a terminal has room for."""
_NOT_DRAWN = "no pictures: matplotlib is not installed (pip install matplotlib)"
_AGAINST_BASELINE = (
    "The arrow is where collapse moves a figure. The bar is where 5 to 95 % of second samples of the baseline would "
    "lie, going by halves of human sources; the last column is the share of them below."
)
_AGAINST_TEXT = (
    "The arrow is where collapse moves a figure. The bar is where 5 to 95 % of texts of the human source would lie, "
    "going by halves of human sources; the last column is the share of them below."
)
_AGAINST_SOURCES = (
    "The arrow is where collapse moves a figure. The bar is the references' 5 to 95 % with the median, the last "
    "column the share of references below."
)


def draw_probe(probe: Probe, full: bool) -> Page:
    """The page of a probe, short for a terminal or ``full`` with pictures, all figures and all samples.

    Of several checkpoints, the last one of the worst level is shown in detail.
    """
    shown = shown_of(probe)
    series = series_of(probe)
    sections = [
        sentences("Why", probe.verdict.reasons),
        sentences("What to do", probe.verdict.advice),
        checkpoints_section(series, probe.trajectory, full),
        turns_section(probe.trajectory, full),
        *(_pictures(probe) if full else ()),
        texts_section(probe, shown, full),
        all_texts_section(series) if full and len(series) > 1 else None,
        _samples(probe, shown, full),
        _excerpts(probe, shown, full),
        _rules(probe, shown),
        sentences("How it was measured", declared(probe.settings, full)),
        sentences("What this cannot show", _limits(probe, shown)),
        sentences("Notes", probe.notes),
    ]
    kept = tuple(section for section in sections if section is not None)
    return Page(_title(probe), banner_of(probe), kept, _footer(probe))


def shown_of(probe: Probe) -> Checkpoint:
    """The checkpoint that is shown in detail: the last one of the probe's level."""
    alike = [checkpoint for checkpoint in probe.checkpoints if checkpoint.level is probe.level]
    return (alike or probe.checkpoints)[-1]


def series_of(probe: Probe) -> tuple[Checkpoint, ...]:
    """The checkpoints with the baseline first, where that is not the first of them anyway."""
    base = probe.baseline
    if base is None or base in probe.checkpoints:
        return probe.checkpoints
    return (base, *probe.checkpoints)


def banner_of(probe: Probe) -> Banner:
    """The verdict in one line: drift on the first human text, and what the test of the samples said."""
    shown = shown_of(probe)
    told = [named(shown)] if len(probe.checkpoints) > 1 else []
    text = shown.texts[0] if shown.texts else None
    if text is not None and text.drift is not None:
        told.append(f"drift {moved_told(text.drift.nats, 2)} nats")
    elif text is not None:
        told.append(f"{text.nats.value:.2f} nats a token on {brief(text.name)}")
    told.append(p_told(shown.generation))
    return Banner(probe.level.value, ", ".join(told), probe.verdict.detection_floor)


def declared(settings: Mapping[str, Any], full: bool = True) -> tuple[str, ...]:
    """How human text was read, how samples were drawn, and (``full``) every other setting, in sentences."""
    given = dict(settings)
    parts = (_reading(given), _sampling(given))
    left = "; ".join(f"{name.replace('_', ' ')}: {_setting(value)}" for name, value in given.items())
    return tuple(part for part in (*parts, left if full else "") if part)


def _pictures(probe: Probe) -> tuple[Section | None, ...]:
    """The pictures; where they cannot be drawn, why."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return (sentences("Pictures", (_NOT_DRAWN,)),)
    from contam.probing.pictures import draw_pictures

    drawn = tuple(Picture(p.svg, p.alt, p.caption) for p in draw_pictures(probe))
    return (Section("Pictures", drawn) if drawn else None,)


# --- what it writes -------------------------------------------------------------------------------------------------


def _samples(probe: Probe, shown: Checkpoint, full: bool) -> Section | None:
    """Figures of the samples: all of them, or those that stand out first."""
    written_by = shown.generation
    figures = samples_of(shown)
    measured = {key: figure for key, figure in figures.items() if figure.value is not None}
    bars = [bar_of(key, figure) for key, figure in measured.items()]
    rows = bars if full else sorted(bars, key=lambda bar: not bar.outside)[:_BARS]
    told = list(_counts(written_by))
    if len(rows) < len(bars):
        outside = sum(bar.outside for bar in bars)
        beyond = f"{outside} lie beyond the bar on the side of collapse"
        told.append(f"{len(rows)} of {len(bars)} figures are shown; of all, {beyond}")
    blocks: list[Block] = [Sentences(tuple(told))]
    if rows:
        pairwise = _AGAINST_TEXT if probe.baseline is None else _AGAINST_BASELINE
        caption = pairwise if written_by.reference.paired else _AGAINST_SOURCES
        blocks.append(Bars(tuple(rows), caption if any(bar.band for bar in rows) else ""))
    missing = unmeasured(figures) if full else ()
    if missing:
        blocks.append(Sentences(missing))
    return Section(f"{_samples_title(measured)}{of(probe, shown)}", tuple(blocks))


def _samples_title(figures: Mapping[str, Figure]) -> str:
    matched = next((figure.matched_tokens for figure in figures.values() if figure.matched_tokens), None)
    return f"What it writes, at {matched:,} matched words" if matched else "What it writes"


def _counts(made: Generation) -> tuple[str, ...]:
    size = f"{plural(made.samples, 'sample')}, {plural(made.tokens, 'token')}, {plural(made.words, 'word')}"
    drift = "" if made.own_drift is None else f"; against the baseline {moved_told(made.own_drift, 3)}"
    ends = made.own.interval
    within = f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
    return (
        f"{size}; {made.ended:,} came to an end, {made.looped:,} fell into a loop, {made.wordless:,} hold no word",
        f"entropy of own text: {made.own.value:.3f} nats a token{within}{drift}",
        f"compared with {reference_told(made)}" if made.reference.name else "compared with nothing",
    )


def _excerpts(probe: Probe, shown: Checkpoint, full: bool) -> Section | None:
    """Some of what it wrote: one sample, or all that were kept, the baseline's beside them."""
    kept = shown.generation.examples if full else shown.generation.examples[:1]
    items = [Excerpt(f"sample {i}", named(shown), text) for i, text in enumerate(kept, 1)]
    base = probe.baseline
    if full and base is not None and base is not shown:
        own = enumerate(base.generation.examples, 1)
        items += [Excerpt(f"sample {i}", f"{named(base)}, the baseline", text) for i, text in own]
    title = "Some of what it wrote" if len(items) > 1 else "A sample of what it wrote"
    return Section(title, (Excerpts(tuple(items)),)) if items else None


def _rules(probe: Probe, shown: Checkpoint) -> Section | None:
    """The rules of the shown checkpoint."""
    rules = shown.rules or probe.rules
    if not rules:
        return None
    loud = failing(rules)
    counts = Counter(rule.status for rule in rules)
    told = ", ".join(f"{counts[s]} {s}" for s in ("pass", "warn", "fail", "skipped") if counts[s])
    skips = tuple(f"{rule.id} {rule.message}" for rule in rules if rule.status == "skipped")
    blocks: list[Block] = []
    if loud:
        rows = tuple((rule.id, rule.status, rule.message) for rule in loud)
        blocks.append(Table(("rule", "status", "finding"), rows, tuple(rule.status for rule in loud)))
    blocks.append(Sentences((f"{len(rules)} rules: {told} (contam rule ID explains one)", *skips)))
    return Section(f"Rules{of(probe, shown)}", tuple(blocks))


# --- how, and how far -----------------------------------------------------------------------------------------------


def _reading(given: dict[str, Any]) -> str:
    """How human text was read; takes its settings out of ``given``."""
    if "window" not in given:
        return ""
    window, stride, begins = given.pop("window"), given.pop("stride", 0), given.pop("bos", None)
    seen = f"{window:,} tokens" if window else "the model's own context"
    moved = f"{stride:,} tokens" if stride else "half of it"
    told = f"human text: read in windows of {seen}, moved by {moved}"
    if begins is None:
        return told
    return f"{told}, {'after' if begins else 'without'} the token that begins a text (BOS)"


def _sampling(given: dict[str, Any]) -> str:
    """How samples were drawn; takes its settings out of ``given``."""
    if "samples" not in given:
        return ""
    samples, tokens = given.pop("samples"), given.pop("tokens", None)
    share, prompt = given.pop("prompted_share", None), given.pop("prompt_tokens", None)
    heat, top, seed = given.pop("temperature", None), given.pop("top_k", None), given.pop("seed", None)
    size = f" of at most {plural(tokens, 'token')}" if tokens else ""
    told = [f"samples: {plural(samples, 'text')}{size} (more where these hold few words)"]
    if share:
        told.append(f"{100 * share:.0f} % of them going on from {plural(prompt or 0, 'token')} of human text")
    elif share is not None:
        told.append("all from nothing")
    told += [f"temperature {heat:g}"] if heat is not None else []
    told += [f"top-k {top}" if top else "no top-k"] if top is not None else []
    told += [f"seed {seed}"] if seed is not None else []
    return ", ".join(told)


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_setting(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def _limits(probe: Probe, shown: Checkpoint) -> tuple[str, ...]:
    """What these figures leave open."""
    told = []
    if probe.baseline is None:
        told.append("whether it has got worse: without a baseline (--baseline) there is nothing to compare it with")
    else:
        told.append("why it differs: learning another kind of text moves the same figures as collapse does")
        told.append("what a second training would give: intervals hold the noise of the text, not that of training")
    heat, top = probe.settings.get("temperature", 1.0), probe.settings.get("top_k", 0)
    if heat < 1 or top:
        told.append("collapse apart from sampling: drawn below temperature 1 or from the top k, text is poorer anyway")
    if shown.generation.verdict.level is Level.INSUFFICIENT:
        told.append("what the samples are like beside others: there was too little to judge them")
    return tuple(told)


def _title(probe: Probe) -> str:
    shown, count = shown_of(probe), len(probe.checkpoints)
    from contam.experiments.selftrain.pictures import size_of as parameters_told

    size = f"{shown.architecture}, {parameters_told(shown.parameters)} parameters, context {shown.context:,}"
    if count == 1:
        base = f"; baseline {probe.baseline.name}" if probe.baseline and probe.baseline is not shown else ""
        return f"contam probe: {shown.name} ({size}{base})"
    return f"contam probe: {count} checkpoints, {probe.checkpoints[0].name} to {probe.checkpoints[-1].name} ({size})"


def _footer(probe: Probe) -> str:
    from contam import __version__

    made = probe.provenance
    parts = [f"contam {__version__}", f"seed {made.seed}", f"{made.seconds:.1f} s", f"config {made.config_digest}"]
    parts += [f"text {probe.corpus.digest}", f"weights {shown_of(probe).revision}"]
    return ", ".join(part for part in parts if not part.endswith(" "))
