"""The pictures of a recursion: perplexity, tracked words and the figures of the text, by generation.

A picture that would have nothing to show is not drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from contam.experiments.recurse.history import Group, Run
from contam.experiments.recurse.text_claims import RARE, UNDER_FIRST, pair_told
from contam.pairing import COLLAPSING_SCORE
from contam.reports.charts import Chart, Line, draw_charts
from contam.reports.plotting import Drawn, file_name
from contam.wording import name_of, written
from contam_metrics.conformal import HIGHEST

SIGNALS = (
    "signals.diversity.types",
    "signals.tail.hapax_share",
    "signals.diversity.distinct_2",
    "signals.entropy.window",
    "signals.repetition.seq_rep_4",
    RARE,
    UNDER_FIRST,
    "verdict.score",
)
"""What the grid of figures shows, in reading order."""
Curve = tuple[Group, str, int]
"""What a line is drawn of: the group, what it is called, and its number among its like, for its colour."""
_TITLES = {
    RARE: "rare words kept",
    "written.other_kept": "other words kept",
    UNDER_FIRST: "perplexity under generation 0",
    "verdict.score": "score of the audit",
}
_UNITS = {
    "signals.diversity.types": "words",
    "signals.tail.hapax_share": "share",
    "signals.diversity.distinct_2": "share",
    "signals.entropy.window": "bits",
    "signals.repetition.seq_rep_4": "share",
    RARE: "share",
}
_HUMAN = "human text"
_SCORE = "verdict.score"
_MOST_TOGETHER, _MOST_PANELS = 2, 12
"""Groups from which bands that overlap get panels of their own, and panels at most that this may take."""
_BANDS = "Lines are medians over seeds, bands their range"
_LOG_FROM = 5.0
"""Multiples between the lowest and the highest value from which an axis is logarithmic."""


def draw_pictures(run: Run) -> tuple[Drawn, ...]:
    """Every picture that this run has something for; filtered groups have the last two pictures of their own.

    Raises ImportError where matplotlib is not installed.
    """
    drawn = [_perplexity(run)]
    for sieve in dict.fromkeys(group.filter for group in run.groups):
        drawn += [_tracked(run, sieve), _signals(run, sieve)]
    return tuple(picture for picture in drawn if picture is not None)


def title_of(field: str) -> str:
    """What a field of the log is called for people."""
    return _TITLES.get(field) or name_of(field.removeprefix("signals."))


def _perplexity(run: Run) -> Drawn | None:
    """Held-out perplexity, a line a group; where there are filters, a further panel for every group that has them."""
    plain = [group for group in run.groups if group.filter == "none"]
    found = [_chart(f"Perplexity of {run.held_out_text}", [(g, g.base, _place(run, g)) for g in plain], run.perplexity)]
    for base in dict.fromkeys(group.base for group in run.groups if group.filter != "none"):
        found.append(_chart(f"{base}, filtered", _sieved(run, base), run.perplexity))
    charts = [chart for chart in found if chart is not None]
    if not charts:
        return None
    svg, png = draw_charts(charts, "generation", columns=1 if len(charts) < 3 else 2)
    alt = f"Perplexity of held-out human text by generation. {_told(charts)}"
    caption = (
        "How well each generation predicts human text that no model was trained on, as in the figures of "
        f"Kazdan et al. (2024) and Wang et al. (2024). {_BANDS}."
    )
    return Drawn("perplexity", svg, png, alt, caption)


def _tracked(run: Run, sieve: str) -> Drawn | None:
    """Wang's Figure 2: how often a word follows another in the written text, a panel a pair, or a panel a group where
    bands hide each other; human text as a level."""
    found = (
        _chart(pair_told(pair), _with(run, sieve), f"tracked.{pair}.text", run.human_tracked(pair))
        for pair in run.tracked
    )
    charts = [replace(chart, y_name="share") for chart in found if chart is not None]
    if not charts:
        return None
    panels = _apart(charts)
    svg, png = draw_charts(panels, "generation", columns=1 if len(panels) == 1 else 2)
    alt = f"Tracked probabilities by generation{_filtered(sieve)}. {_told(charts)}"
    caption = f"How often a word follows{_filtered(sieve)} in the written text; Figure 2 of Wang et al. (2024) has "
    caption += f"such probabilities. {_BANDS}; the dotted line is human text."
    return Drawn(_stem("tracked", sieve), svg, png, alt, caption)


def _signals(run: Run, sieve: str) -> Drawn | None:
    """The important figures of the generated text in a grid, with the value of as much human text."""
    found = ((field, _chart(title_of(field), _with(run, sieve), field, _level(run, field))) for field in SIGNALS)
    charts = [_explained(field, chart) for field, chart in found if chart is not None]
    if not charts:
        return None
    svg, png = draw_charts(charts, "generation", columns=2)
    alt = f"Figures of the generated text by generation{_filtered(sieve)}. {_told(charts)}"
    caption = (
        f"What the generated text is like{_filtered(sieve)}, measured at one size. {_BANDS}; a dotted line is as much "
        "human text, and for the perplexity under generation 0 the held-out text under that model."
    )
    if _SCORE in SIGNALS and any(chart.limits for chart in charts):
        caption += (
            f" The audit's score counts tail loss up to {HIGHEST:g} and copying up to {HIGHEST / 2:g} more; below "
            f"{COLLAPSING_SCORE:g} no text is judged collapsing by it."
        )
    caption += _smoothing_told(run)
    return Drawn(_stem("signals", sieve), svg, png, alt, caption)


def _explained(field: str, chart: Chart) -> Chart:
    """A panel of the grid with its unit, and the score with what it is judged by."""
    limits = ((COLLAPSING_SCORE, f"collapsing from {COLLAPSING_SCORE:g}"),) if field == _SCORE else ()
    return replace(chart, y_name=_UNITS.get(field, ""), limits=limits)


def _smoothing_told(run: Run) -> str:
    """Why an n-gram model's text gets more varied as its corpus grows."""
    if run.plan.get("backend") != "ngram" or not any(group.paradigm == "accumulate" for group in run.groups):
        return ""
    return (
        " Under accumulate distinct-2 may rise: an n-gram model smooths more as its corpus grows, so it writes more "
        "pairs of words that it has not seen. That is this kind of model, not the recursion."
    )


def _apart(charts: Sequence[Chart]) -> list[Chart]:
    """A panel a line where bands overlap and there are more than two, all of a chart over one span."""
    apart = [len(c.lines) > _MOST_TOGETHER and _overlap(c) for c in charts]
    count = sum(len(chart.lines) if alone else 1 for chart, alone in zip(charts, apart))
    if count > _MOST_PANELS:
        return list(charts)
    found: list[Chart] = []
    for chart, alone in zip(charts, apart):
        found += [_alone(chart, line) for line in chart.lines] if alone else [chart]
    return found


def _alone(chart: Chart, line: Line) -> Chart:
    ends = [y for one in chart.lines for y in (*one.y, *one.low, *one.high)]
    ends += [chart.level] if chart.level is not None else []
    room = 0.05 * (max(ends) - min(ends)) or 0.01
    span = (min(ends) - room, max(ends) + room)
    return replace(chart, title=line.label, y_name=chart.title, lines=(line,), span=span)


def _overlap(chart: Chart) -> bool:
    """Whether the bands of two lines cover each other at a generation that both have."""
    bands: dict[float, list[tuple[float, float]]] = {}
    for line in chart.lines:
        for x, low, high in zip(line.x, line.low, line.high):
            bands.setdefault(x, []).append((low, high))
    after = (sorted(found) for x, found in bands.items() if x)
    return any(below[1] > above[0] for found in after for below, above in pairwise(found))


def _with(run: Run, sieve: str) -> list[Curve]:
    """The groups of one filter, called and coloured as their unfiltered twins."""
    return [(group, group.base, _place(run, group)) for group in run.groups if group.filter == sieve]


def _sieved(run: Run, base: str) -> list[Curve]:
    """A group with and without filters; a filter has one colour in all panels."""
    sieves = [s for s in dict.fromkeys(group.filter for group in run.groups) if s != "none"]
    found: list[Curve] = []
    for group in run.groups:
        if group.base == base and group.filter == "none":
            found.append((group, base, _place(run, group)))
        elif group.base == base:
            place = len(_bases(run)) + sieves.index(group.filter)
            found.append((group, f"filter {group.filter}", place))
    return found


def _place(run: Run, group: Group) -> int:
    return _bases(run).index(group.base)


def _bases(run: Run) -> list[str]:
    return list(dict.fromkeys(group.base for group in run.groups))


def _stem(name: str, sieve: str) -> str:
    return name if sieve == "none" else file_name(f"{name}-{sieve}")


def _filtered(sieve: str) -> str:
    return "" if sieve == "none" else f" with the filter {sieve}"


def _level(run: Run, field: str) -> float | None:
    """The value of human text: of the size-matched sample, or of the held-out text under generation 0."""
    if field != UNDER_FIRST:
        return run.human(field)
    starts = [start for group in run.groups if (start := group.course(run.perplexity).get(0)) is not None]
    return starts[0] if starts else None


def _chart(title: str, curves: Sequence[Curve], field: str, level: float | None = None) -> Chart | None:
    """One panel of a field, None where nothing was measured."""
    lines = []
    for group, label, place in curves:
        series = group.series(field)
        if series.generations:
            bands = (series.low, series.high) if len(group.seeds) > 1 else ((), ())
            lines.append(Line(label, tuple(map(float, series.generations)), series.middle, *bands, place))
    values = [value for line in lines for value in line.y]
    if not values:
        return None
    wide = field.endswith("perplexity") and max(values) > _LOG_FROM * min(values)
    return Chart(title, tuple(lines), log=wide, level=level, level_name=_HUMAN)


def _told(charts: Sequence[Chart]) -> str:
    """The curves in words: from where to where."""
    parts = []
    for chart in charts:
        ends = [f"{line.label} from {written(line.y[0])} to {written(line.y[-1])}" for line in chart.lines]
        human = f" (human text {written(chart.level)})" if chart.level is not None else ""
        parts.append(f"{chart.title}{human}: {'; '.join(ends)}.")
    return " ".join(parts)
