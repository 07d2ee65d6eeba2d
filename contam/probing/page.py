"""A probe as a page: the verdict, the checkpoints in order, what turned first, human texts, what the model writes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from contam.probing.result import Checkpoint, Drift, Estimate, Generation, Probe, TextScore, Trajectory, Turn
from contam.probing.trajectory import VALIDATION, brief, called, first_signatures, place_of, samples_of, title_of
from contam.reports.audit_page import bar_of, plural, size_of, unmeasured
from contam.reports.escape import shorten
from contam.reports.page import Banner, Bars, Block, Excerpt, Excerpts, Page, Picture, Section, Sentences, Table
from contam.result import Figure, Level
from contam.rules import failing
from contam.wording import probability, written

_BARS, _ROWS, _TURNS, _TEXTS, _NAMED = 8, 12, 8, 3, 3
_NAME = 20
_MARKS = {"collapsing": "fail", "at_risk": "warn", "healthy": "pass", "insufficient_evidence": "skipped"}
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
        _sentences("Why", probe.verdict.reasons),
        _sentences("What to do", probe.verdict.advice),
        _checkpoints(series, probe.trajectory, full),
        _first_turns(probe.trajectory, full),
        *(_pictures(probe) if full else ()),
        _texts(probe, shown, full),
        _texts_of_all(series) if full and len(series) > 1 else None,
        _samples(probe, shown, full),
        _excerpts(probe, shown, full),
        _rules(probe, shown),
        _sentences("How it was measured", declared(probe.settings, full)),
        _sentences("What this cannot show", _limits(probe, shown)),
        _sentences("Notes", probe.notes),
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
    told = [_named(shown)] if len(probe.checkpoints) > 1 else []
    text = shown.texts[0] if shown.texts else None
    if text is not None and text.drift is not None:
        told.append(f"drift {_moved(text.drift.nats, 2)} nats")
    elif text is not None:
        told.append(f"{text.nats.value:.2f} nats a token on {brief(text.name)}")
    told.append(_p_told(shown.generation))
    return Banner(probe.level.value, ", ".join(told), probe.verdict.detection_floor)


def declared(settings: Mapping[str, Any], full: bool = True) -> tuple[str, ...]:
    """How human text was read, how samples were drawn, and (``full``) every other setting, in sentences."""
    given = dict(settings)
    parts = (_reading(given), _sampling(given))
    left = "; ".join(f"{name.replace('_', ' ')}: {_setting(value)}" for name, value in given.items())
    return tuple(part for part in (*parts, left if full else "") if part)


def first_told(found: Trajectory) -> str:
    """``turned first: entropy of own text (step 20), 2 checkpoints before the loss on news``."""
    loss = next((turn for turn in found.turns if turn.key.startswith(VALIDATION) and turn.lead == 0), None)
    when = f"{title_of(loss.key)} turned at {place_of(found, loss.turned)}" if loss and loss.turned is not None else ""
    first = first_signatures(found)
    if not first or first[0].turned is None:
        return f"only the {when}" if when else "no figure has turned"
    names = [title_of(turn.key) for turn in first]
    named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    told = f"{named} ({place_of(found, first[0].turned)})"
    lead = first[0].lead
    if not loss or lead is None:
        return f"turned first: {told}; the loss on human text has not turned"
    if lead < 0:
        return f"the {when}, before every other figure; then {told}"
    ahead = f"{plural(lead, 'checkpoint')} before" if lead else "together with"
    return f"turned first: {told}, {ahead} the {title_of(loss.key)}"


# --- checkpoints in order -------------------------------------------------------------------------------------------


def _checkpoints(series: Sequence[Checkpoint], found: Trajectory | None, full: bool) -> Section | None:
    if found is None or len(series) != len(found.names) or len(series) < 3:
        return None
    kept = range(len(series)) if full else _some(found)
    rows = tuple(_checkpoint(series[i], found, i, full) for i in kept)
    marks = tuple(_MARKS.get(found.levels[i], "") for i in kept)
    columns = ("checkpoint", "level", "human", "drift", "own", "p", "alarm")
    text = series[0].texts[0].name if series[0].texts else "no text"
    read = (
        f"human: nats a token on {brief(text)}; drift: that less the baseline's; own: entropy of own text, nats a "
        f"token; p: what it writes against the baseline's samples; alarm: p of {probability(found.alarm_level)} or less"
    )
    rate = f"any false alarm in such a series: at most {100 * found.family_rate:.0f} %"
    said = any(f"{100 * found.family_rate:.0f} %" in note for note in found.notes)
    told = [read, *([] if said or found.family_rate >= 1 else [rate]), *found.notes]
    if len(kept) < len(series):
        told.insert(0, f"{len(kept)} of {len(series)} checkpoints; the full report has all")
    return Section("Checkpoints", (Table(columns, rows, marks, True), Sentences(tuple(told))))


def _checkpoint(checkpoint: Checkpoint, found: Trajectory, index: int, full: bool) -> tuple[str, ...]:
    text = checkpoint.texts[0] if checkpoint.texts else None
    drift = text.drift.nats if text and text.drift else None
    p = found.p_values[index]
    name = place_of(found, index) + (" (baseline)" if index == 0 else "")
    return (
        shorten(name, 60 if full else _NAME),
        _level(found.levels[index]),
        f"{text.nats.value:.3f}" if text else "-",
        "-" if drift is None else _moved(drift, 3) if full else signed(drift.value, 3),
        f"{checkpoint.generation.own.value:.3f}",
        "-" if p is None else probability(p),
        "alarm" if index in found.alarms else "",
    )


def _some(found: Trajectory) -> Sequence[int]:
    """At most so many checkpoints as a terminal has room for: ends, first alarm, failure, others evenly spread."""
    count = len(found.names)
    if count <= _ROWS:
        return range(count)
    kept = {0, count - 1, *found.alarms[:1], *([] if found.failed is None else [found.failed])}
    spread = [round(i * (count - 1) / (_ROWS - 1)) for i in range(_ROWS)]
    for index in spread[1:-1]:
        if len(kept) < _ROWS:
            kept.add(index)
    return sorted(kept)


def _first_turns(found: Trajectory | None, full: bool) -> Section | None:
    """What turned first, and the order in which all did; of one checkpoint, what is beyond its limit."""
    if found is None or not found.turns:
        return None
    turned = [turn for turn in found.turns if turn.turned is not None]
    still = [title_of(turn.key) for turn in found.turns if turn.turned is None]
    if len(found.names) == 2:
        names = [title_of(turn.key) for turn in turned]
        told = [f"beyond the limit: {_some_of(names, full)}" if names else "no figure is beyond its limit"]
        told += [f"within: {_some_of(still, full)}"] if still else []
        return Section("Against the baseline", (Sentences((*told, *found.notes)),))
    shown = turned if full else turned[:_TURNS]
    told = [first_told(found)]
    told += [f"{len(turned) - len(shown)} more turned later"] if len(shown) < len(turned) else []
    told += [f"not turned: {_some_of(still, full)}"] if still else []
    blocks: list[Block] = [Sentences(tuple(told))]
    if shown:
        columns = ("figure", "turned", "lead", "p", "from", "to")
        blocks.append(Table(columns, tuple(_turn(turn, found) for turn in shown), header=True))
        blocks.append(Sentences(_how_to_read(found)))
    return Section("Which figure turned first", tuple(blocks))


def _turn(turn: Turn, found: Trajectory) -> tuple[str, ...]:
    known = [value for value in turn.values if value is not None]
    ends = (written(known[0], turn.key), written(known[-1], turn.key)) if known else ("-", "-")
    at = "-" if turn.turned is None else shorten(place_of(found, turn.turned), 12)
    lead = "-" if turn.lead is None else f"{turn.lead:+d}"
    return shorten(title_of(turn.key), 30), at, lead, _or_dash(turn.sign_flip), *ends


def _how_to_read(found: Trajectory) -> tuple[str, ...]:
    return (
        "turned: beyond its limit there and at the next two checkpoints, or at all that are left; lead: checkpoints "
        "ahead of the loss; p: sign-flip test of the whole series",
        f"{len(found.turns)} figures had as many chances to be first: a lead of one checkpoint over the next is none; "
        "in simulated series without any change, one of twenty turned in about a tenth of cases",
    )


def _some_of(names: Sequence[str], full: bool) -> str:
    if full or len(names) <= _TURNS:
        return ", ".join(names)
    return f"{', '.join(names[: _TURNS - 1])} and {len(names) - _TURNS + 1} more"


def _pictures(probe: Probe) -> tuple[Section | None, ...]:
    """The pictures; where they cannot be drawn, why."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return (_sentences("Pictures", (_NOT_DRAWN,)),)
    from contam.probing.pictures import draw_pictures

    drawn = tuple(Picture(p.svg, p.alt, p.caption) for p in draw_pictures(probe))
    return (Section("Pictures", drawn) if drawn else None,)


# --- human texts ----------------------------------------------------------------------------------------------------


def _texts(probe: Probe, shown: Checkpoint, full: bool) -> Section | None:
    """Every human text as the shown checkpoint predicts it."""
    texts = shown.texts if full else shown.texts[:_TEXTS]
    blocks: list[Block] = []
    for text in texts:
        blocks += [Sentences(_text_told(text, probe)), _text_table(text)]
    if len(texts) < len(shown.texts):
        blocks.append(Sentences((f"{len(shown.texts) - len(texts)} more texts in the full report",)))
    return Section(f"Human text{_of(probe, shown)}", tuple(blocks)) if blocks else None


def _text_told(text: TextScore, probe: Probe) -> tuple[str, ...]:
    size = f"{plural(text.documents, 'document')}, {plural(text.tokens, 'token')}, {size_of(text.bytes)}"
    told = [f"{brief(text.name)}: {size}; intervals resample {text.units}"]
    if text.drift is not None and probe.baseline is not None:
        told.append(f"drift: from {brief(probe.baseline.name)}, the same text on both sides, pair by pair")
        if not text.drift.same_tokens:
            told.append("another tokenizer than the baseline's: its drift in nats is computed from bits a byte")
    return (*told, *text.notes)


def _text_table(text: TextScore) -> Table:
    drift = text.drift
    ratio, low_high = _perplexity(text)
    rows = [
        ("nats a token", *_value(text.nats, 3), _change(drift.nats if drift else None)),
        ("bits a byte", *_value(text.bits, 3), _change(drift.bits if drift else None)),
        ("perplexity", written(text.perplexity), low_high, ratio),
        ("next-token entropy", *_value(text.entropy, 3), _change(drift.entropy if drift else None)),
        ("entropy gap", *_value(text.gap, 3), _change(drift.gap if drift else None)),
        ("calibration error (ECE)", f"{text.ece:.3f}", "-", _ece_change(drift)),
    ]
    columns = ("figure", "value", "95 % interval", "drift")
    width = len(columns) if drift else len(columns) - 1
    return Table(columns[:width], tuple(row[:width] for row in rows), header=True)


def _perplexity(text: TextScore) -> tuple[str, str]:
    """By which factor the perplexity has moved, and its interval: those of the nats, to the power of e."""
    ends = text.nats.interval
    low_high = " to ".join(written(_exp(end)) for end in ends) if ends else "-"
    if text.drift is None:
        return "-", low_high
    moved = text.drift.nats
    within = f" ({' to '.join(f'{_exp(end):.2f}' for end in moved.interval)})" if moved.interval else ""
    return f"x {_exp(moved.value):.2f}{within}", low_high


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700.0))


def _texts_of_all(series: Sequence[Checkpoint]) -> Section:
    """A row for every text at every checkpoint."""
    columns = ("checkpoint", "text", "nats a token", "bits a byte", "perplexity", "entropy", "gap", "ECE", "drift")
    rows = []
    for checkpoint in series:
        for text in checkpoint.texts:
            figures = (text.nats, text.bits), (text.entropy, text.gap)
            before, after = (tuple(f"{estimate.value:.3f}" for estimate in pair) for pair in figures)
            drift = _change(text.drift.nats if text.drift else None)
            cells = (*before, written(text.perplexity), *after, f"{text.ece:.3f}", drift)
            rows.append((_named(checkpoint), brief(text.name), *cells))
    return Section("Human text at every checkpoint", (Table(columns, tuple(rows), header=True),))


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
        told.append(f"{len(rows)} of {len(bars)} figures, of all {outside} outside the bar; the full report has all")
    blocks: list[Block] = [Sentences(tuple(told))]
    if rows:
        pairwise = _AGAINST_TEXT if probe.baseline is None else _AGAINST_BASELINE
        caption = pairwise if written_by.reference.paired else _AGAINST_SOURCES
        blocks.append(Bars(tuple(rows), caption if any(bar.band for bar in rows) else ""))
    missing = unmeasured(figures) if full else ()
    if missing:
        blocks.append(Sentences(missing))
    return Section(f"{_samples_title(measured)}{_of(probe, shown)}", tuple(blocks))


def _samples_title(figures: Mapping[str, Figure]) -> str:
    matched = next((figure.matched_tokens for figure in figures.values() if figure.matched_tokens), None)
    return f"What it writes, at {matched:,} matched words" if matched else "What it writes"


def _counts(made: Generation) -> tuple[str, ...]:
    size = f"{plural(made.samples, 'sample')}, {plural(made.tokens, 'token')}, {plural(made.words, 'word')}"
    drift = "" if made.own_drift is None else f"; against the baseline {_moved(made.own_drift, 3)}"
    ends = made.own.interval
    within = f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else ""
    return (
        f"{size}; {made.ended:,} came to an end, {made.looped:,} fell into a loop, {made.wordless:,} hold no word",
        f"entropy of own text: {made.own.value:.3f} nats a token{within}{drift}",
        f"compared with {_reference(made)}" if made.reference.name else "compared with nothing",
    )


def _excerpts(probe: Probe, shown: Checkpoint, full: bool) -> Section | None:
    """Some of what it wrote: one sample, or all that were kept, the baseline's beside them."""
    kept = shown.generation.examples if full else shown.generation.examples[:1]
    items = [Excerpt(f"sample {i}", _named(shown), text) for i, text in enumerate(kept, 1)]
    base = probe.baseline
    if full and base is not None and base is not shown:
        own = enumerate(base.generation.examples, 1)
        items += [Excerpt(f"sample {i}", f"{_named(base)}, the baseline", text) for i, text in own]
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
    return Section(f"Rules{_of(probe, shown)}", tuple(blocks))


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


# --- wording --------------------------------------------------------------------------------------------------------


def _sentences(title: str, items: tuple[str, ...]) -> Section | None:
    return Section(title, (Sentences(items),)) if items else None


def _named(checkpoint: Checkpoint) -> str:
    return called(checkpoint.name, checkpoint.step)


def _of(probe: Probe, shown: Checkpoint) -> str:
    """Whose figures these are, where several checkpoints were asked about."""
    return f" ({_named(shown)})" if len(probe.checkpoints) > 1 else ""


def _level(level: str) -> str:
    return "not judged" if level == Level.INSUFFICIENT else level.replace("_", " ")


def _reference(made: Generation) -> str:
    reference = made.reference
    count = plural(reference.sources, "null pair" if reference.paired else "source")
    size = f", {reference.matched_tokens:,} matched words" if reference.matched_tokens else ""
    return f"{reference.name} ({count}{size})"


def _p_told(made: Generation) -> str:
    p = made.verdict.p_value
    if p is None:
        return "samples not judged" if made.verdict.level is Level.INSUFFICIENT else "samples without a p-value"
    count = plural(made.reference.sources, "pair" if made.reference.paired else "source")
    return f"samples p = {probability(p)} against {count}".replace("= <", "<")


def _value(estimate: Estimate, digits: int) -> tuple[str, str]:
    """The value and its interval."""
    ends = estimate.interval
    return f"{estimate.value:.{digits}f}", f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}" if ends else "-"


def _moved(estimate: Estimate, digits: int) -> str:
    """A difference with its sign, and its interval."""
    ends = estimate.interval
    within = f" ({ends[0]:.{digits}f} to {ends[1]:.{digits}f})" if ends else ""
    return f"{signed(estimate.value, digits)}{within}"


def signed(value: float, digits: int) -> str:
    """A difference with its sign, never ``-0.00``."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def _change(estimate: Estimate | None) -> str:
    return "-" if estimate is None else _moved(estimate, 3)


def _ece_change(drift: Drift | None) -> str:
    return "-" if drift is None or drift.ece is None else signed(drift.ece, 3)


def _or_dash(p: float | None) -> str:
    return "-" if p is None else probability(p)
