"""The page of a mixture: verdict and advice, share, dose-response, forecast."""

from __future__ import annotations

from contam.mixing.result import Mix
from contam.reports.page import Banner, Page


def draw_mix(result: Mix, full: bool = False) -> Page:
    """The page of a result; ``full`` with pictures and settings."""
    level = result.level.value if result.level else "no_level"
    headline = result.verdict.reasons[0] if result.verdict and result.verdict.reasons else ""
    return Page("contam mix", Banner(level, headline), ())
