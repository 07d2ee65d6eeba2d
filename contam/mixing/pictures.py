"""The pictures of a mixture: dose-response, forecast by generation, scores of an audited text beside trusted text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from contam.mixing.asked import LOWER_BOUND
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose, DoseResponse, Forecast, Mix, Retained
from contam.mixing.wording import PROXIES, of_nats, of_retained, of_share
from contam.reports.charts import Chart, Line, draw_charts
from contam.reports.plotting import Drawn
from contam.synthetic.ranking import QUANTILE
from contam.synthetic.share import SyntheticShare

DESIGN_NAMES = {FIXED_TOTAL: "in the place of real text", FIXED_REAL: "added to the same real text"}
_PARTS = (
    ("vocabulary", "vocabulary_retained"),
    ("tail (words used once)", "tail_retained"),
    ("head (frequent words)", "head_retained"),
    ("next words", "contexts_retained"),
)


def draw_pictures(result: Mix) -> tuple[Drawn, ...]:
    """What there is to draw of a result.

    Raises ImportError where matplotlib is not installed.
    """
    drawn = []
    if result.dose_response is not None and any(dose.effect_nats is not None for dose in result.dose_response.doses):
        drawn.append(_doses(result.dose_response))
    if result.forecast is not None and result.forecast.generations:
        drawn.append(_forecast(result.forecast))
    scores = result.compared
    if isinstance(scores, dict) and scores.get("audited") and scores.get("trusted"):
        drawn.append(_scores(scores))
    share = result.synthetic_share
    if share is not None and (spans := _spans(share)):
        drawn.append(_share(spans))
    return tuple(drawn)


def _doses(found: DoseResponse) -> Drawn:
    lines = tuple(_effects(found, design, place) for place, design in enumerate(DESIGN_NAMES))
    name = f"effect on held-out real text (nats a {found.unit})"
    chart = Chart(name, tuple(line for line in lines if line.x), level=0.0, level_name="no synthetic text")
    svg, png = draw_charts([chart], "synthetic share (%)")
    alt = f"Dose-response of {PROXIES.get(found.proxy, found.proxy)}. " + "; ".join(
        told for design in DESIGN_NAMES if (told := _course(found.of(design), DESIGN_NAMES[design]))
    )
    caption = "Loss less that of the same seed without synthetic text, mean over seeds; above 0 is worse."
    if any(line.low for line in lines):
        caption += " Bands are 95 % intervals."
    return Drawn("dose-response", svg, png, alt, caption)


def _effects(found: DoseResponse, design: str, place: int) -> Line:
    doses = [dose for dose in found.of(design) if dose.effect_nats is not None or not dose.share]
    x = tuple(100 * dose.share for dose in doses)
    y = tuple(dose.effect_nats or 0.0 for dose in doses)
    if len(x) < 2:
        return Line(DESIGN_NAMES[design], (), (), place=place)
    whole = all(dose.effect_interval for dose in doses if dose.share)
    spans = [dose.effect_interval or (0.0, 0.0) for dose in doses]
    low, high = (tuple(ends) for ends in zip(*spans)) if whole else ((), ())
    return Line(DESIGN_NAMES[design], x, y, low, high, place)


def _course(doses: Sequence[Dose], name: str) -> str:
    known = [dose for dose in doses if dose.effect_nats is not None]
    told = ", ".join(f"{of_nats(dose.effect_nats)} at {of_share(dose.share)}" for dose in known)
    return f"{name}: {told}" if told else ""


def _forecast(found: Forecast) -> Drawn:
    lines = [line for place, (name, key) in enumerate(_PARTS) if (line := _part(found, name, key, place)).x]
    title = f"{found.label}: retained (% of a real corpus of the same size)"
    svg, png = draw_charts([Chart(title, tuple(lines), span=(0.0, 104.0))], "generation")
    alt = f"{title}, regime {found.regime}. " + "; ".join(_told(line) for line in lines)
    least = "at least " if found.share_is == LOWER_BOUND else ""
    caption = f"Regime {found.regime}, {least}{of_share(found.share)} synthetic text."
    if any(line.low for line in lines):
        caption += " The band is the stated error of the vocabulary."
    return Drawn("forecast", svg, png, alt, caption)


def _part(found: Forecast, name: str, key: str, place: int) -> Line:
    """A retained part by generation; generation 0 is the real text."""
    known = [(r, value) for r in found.generations if (value := getattr(r, key)) is not None and math.isfinite(value)]
    if known and known[0][0].generation > 0:
        known.insert(0, (Retained(0, 1.0, 1.0, 1.0, interval=(1.0, 1.0)), 1.0))
    x, y = tuple(float(r.generation) for r, _ in known), tuple(100 * value for _, value in known)
    spans = [r.interval or (value, value) for r, value in known]
    if key != "vocabulary_retained" or all(low == high for low, high in spans):
        return Line(name, x, y, place=place)
    low, high = zip(*((100 * a, 100 * b) for a, b in spans))
    return Line(name, x, y, low, high, place)


def _told(line: Line) -> str:
    return f"{line.label}: {of_retained(line.y[-1] / 100)} at generation {line.x[-1]:g}"


def _scores(scores: dict[str, Any]) -> Drawn:
    """How the scores of both texts are distributed: two curves that part where one is more machine-like."""
    both = {name: sorted(float(x) for x in scores[name]) for name in ("trusted", "audited")}
    lines = [_rising(f"{name} text", values, place) for place, (name, values) in enumerate(both.items())]
    threshold = float(np.quantile(both["trusted"], QUANTILE))
    lines.append(Line("where they are compared", (threshold, threshold), (0.0, 100.0), expected=True))
    svg, png = draw_charts([Chart("documents with at most this score (%)", tuple(lines), from_zero=True)], "score")
    middle = {name: values[len(values) // 2] for name, values in both.items()}
    alt = f"Scores of {len(both['audited'])} audited and {len(both['trusted'])} trusted documents: medians "
    alt += f"{middle['audited']:.2f} and {middle['trusted']:.2f}"
    below = {name: sum(x <= threshold for x in values) / len(values) for name, values in both.items()}
    alt += f"; at most {threshold:.2f} have {of_share(below['audited'])} and {of_share(below['trusted'])}"
    caption = "Larger scores are more like text of instruct models. The more of it, the lower the audited text's curve."
    return Drawn("scores", svg, png, f"{alt}.", caption)


def _spans(share: SyntheticShare) -> list[tuple[str, float, float]]:
    """What the share lies in, by each way that it was measured: (name, low, high)."""
    spans = []
    if share.measured and share.lower_bound:
        spans.append(("by the rank among human pairs", share.lower_bound, 1.0))
    if share.measured and share.exact_bound:
        spans.append(("by the random block", share.exact_bound, 1.0))
    if share.declared is not None and share.declared.interval is not None:
        spans.append((f"by labelled text of {share.declared.generator}", *share.declared.interval))
    return spans


def _share(spans: list[tuple[str, float, float]]) -> Drawn:
    """The intervals of the share, one below the other."""
    lines = tuple(
        Line(name, (100 * low, 100 * high), (float(-place), float(-place)), place=place)
        for place, (name, low, high) in enumerate(spans)
    )
    edges = Line(spans[0][0], (0.0, 100.0), (-10.0, -10.0))  # out of sight: it makes the axis go from 0 to 100
    chart = Chart("where the synthetic share lies", (*lines, edges), span=(-len(spans) + 0.4, 0.6), nameless_y=True)
    svg, png = draw_charts([chart], "share of the documents (%)")
    told = "; ".join(f"{name}: {of_share(low)} to {of_share(high)}" for name, low, high in spans)
    return Drawn("share", svg, png, f"The synthetic share lies, {told}.", "A bound leaves everything above it open.")


def _rising(name: str, values: list[float], place: int) -> Line:
    """The empirical distribution as steps."""
    x = tuple(value for value in values for _ in (0, 1))
    y = tuple(100 * (i + step) / len(values) for i in range(len(values)) for step in (0, 1))
    return Line(name, x, y, place=place)
