"""The study's numbers: the profile's, the documentation's, and the data's are the same."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from contam.profile import builtin
from contam.profiling import Settings, measure_source
from contam.scope import DISTANCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "verdict.md").read_text(encoding="utf-8")
KINDS = ("g1", "g3", "g10", "m10", "m25", "m50")

sys.path.append(str(ROOT / "benchmarks"))


def cells(name: str) -> dict[str, list[str]]:
    """The `at risk` lines of a table of the page, by size."""
    block = PAGE.partition(f"<!-- begin {name} -->")[2].partition("<!-- end")[0]
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in block.splitlines() if "at risk" in line]
    return {line[0].replace(",", ""): line for line in lines}


@pytest.mark.parametrize(
    ("profile", "design", "prefix"),
    [("english", "population", ""), ("english", "paired", "paired "), ("code", "population", "")],
)
def test_the_page_and_the_reports_print_the_same_rates(profile: str, design: str, prefix: str) -> None:
    table, rates = cells(f"{profile} {design}"), builtin(profile).rates
    assert len(table) == 3
    for size, line in table.items():
        kept = rates[f"{prefix}{size}"]
        assert int(line[2]) == kept["sources"]
        assert float(line[4].split()[0]) == pytest.approx(kept["false"], abs=5.1e-4)
        assert [float(c) for c in line[6:]] == pytest.approx([kept[k] for k in KINDS], abs=5.1e-3)


def test_acceptance() -> None:
    """False alarms with the domain left out stay within two standard errors of 5 %, power at its floor."""
    rates = builtin().rates
    for size in (5_000, 10_000, 20_000):
        for key in (f"{size}", f"paired {size}"):
            n = rates[key]["sources"]
            assert rates[key]["false"] <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / n)
    floors = {"5000": (0.20, 0.50), "10000": (0.45, 0.89), "20000": (0.89, 1.0)}
    for size, (first, third) in floors.items():
        se = np.sqrt(0.25 / rates[size]["sources"])
        assert rates[size]["g1"] >= first and rates[size]["g3"] >= third - se / 2


def test_the_page_states_the_limits_of_scope() -> None:
    limits = re.sub(r"\s+", " ", PAGE)
    assert f"over {builtin().templated:.0%}".replace("%", " %") in limits
    assert f"{DISTANCE:.2f}"[1:] in limits


@pytest.mark.shared
def test_the_profile_is_made_from_the_shared_data() -> None:
    import sources

    if not sources.SHARED.is_dir():
        pytest.skip(f"no shared data at {sources.SHARED}")
    english = builtin()
    novel = next(s for s in sources._novels() if s.name == "novel Haggard_She_1887")
    made = measure_source(novel.name, novel.domain, novel.texts, Settings("one", sizes=(20_000,)))
    row = [s.name for s in english.sources].index(novel.name)
    at = english.sizes[20_000].rows.tolist().index(row)
    assert made.info.digest == english.sources[row].digest
    for key in ("diversity.types", "tail.hapax_types", "tail.dis_types", "repetition.cover_4", "text.window_ttr"):
        assert made.whole[20_000].values[key] == pytest.approx(english.column(20_000, key)[at], rel=1e-5)
