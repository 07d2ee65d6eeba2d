"""The forecast on a page: by generation, what more real text would keep, other regimes, and what is assumed."""

from __future__ import annotations

from collections.abc import Sequence

from contam.mixing.asked import LOWER_BOUND
from contam.mixing.result import Forecast, Retained
from contam.mixing.wording import counted, of_regime, of_retained, of_share
from contam.reports.page import Picture, Section, Sentences, Table

_SHOWN = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500)
_FULL = 60
"""Generations up to which a full page has all."""


def forecast_sections(found: Forecast | None, full: bool, picture: Sequence[Picture] = ()) -> tuple[Section, ...]:
    """The tables and sentences of a forecast, with its picture where there is one; nothing where none was made."""
    if found is None or not found.generations:
        return ()
    title = f"{found.label[:1].upper()}{found.label[1:]}"
    what = Sentences((f"retained, generation after generation, training {of_regime(found)}",))
    sections = [Section(title, (what, *picture, _by_generation(found, full), Sentences(_told(found))))]
    sections += [_regimes(found)] if len(found.regimes) > 1 and full else []
    sections.append(Section(f"Assumptions of the {found.label}", (Sentences(_assumed(found, full)),)))
    return tuple(sections)


def _by_generation(found: Forecast, full: bool) -> Table:
    last = found.generations[-1].generation
    every = full and len(found.generations) <= _FULL
    shown = [r for r in found.generations if every or r.generation in _SHOWN or r.generation == last]
    contexts = any(r.contexts_retained is not None for r in shown)
    heads = ("generation", "vocabulary", "tail", "head", *(("next words",) if contexts else ()))
    return Table(heads, tuple(_row(r, contexts) for r in shown), header=True)


def _row(r: Retained, contexts: bool) -> tuple[str, ...]:
    vocabulary = of_retained(r.vocabulary_retained)
    if r.interval is not None:
        vocabulary += f" ({100 * r.interval[0]:.0f} to {100 * r.interval[1]:.0f})"
    more = (of_retained(r.contexts_retained),) if contexts else ()
    return (str(r.generation), vocabulary, of_retained(r.tail_retained), of_retained(r.head_retained), *more)


def _told(found: Forecast) -> tuple[str, ...]:
    """What the table cannot show."""
    told = [
        "of what a real corpus of the same size has; tail: words that the real text has once; head: "
        "frequent words, which say nothing of collapse"
    ]
    if found.regime == "fresh":
        told.append("new text brings other rare words for those of the tail that go: the vocabulary says what is lost")
    if found.fresh_share_for:
        told.append(f"fresh real text in every generation: {_fresh(found)}")
    if halves := _halves(found):
        told.append(f"half is lost: {halves}")
    if found.limit is not None:
        told.append(f"after endless generations {of_retained(found.limit)} of the vocabulary is left")
    if len(found.regimes) > 1:
        ranked = sorted(found.regimes.items(), key=lambda item: -item[1])
        last = counted(found.generations[-1].generation, "generation")
        named = ", ".join(f"{name} {of_retained(kept)}" for name, kept in ranked)
        told.append(f"vocabulary after {last} under every regime, all else equal: {named}")
    if found.share_is == LOWER_BOUND:
        told.append("the synthetic share is a lower bound, so this is the best case")
    return tuple(told)


def _fresh(found: Forecast) -> str:
    parts = []
    for kept, share in sorted(found.fresh_share_for.items(), key=lambda item: float(item[0])):
        parts.append(f"{'no share' if share is None else of_share(share)} keeps {of_share(float(kept))}")
    return ", ".join(parts)


def _halves(found: Forecast) -> str:
    """When half is lost, of what is ever lost by half."""
    shown = {"vocabulary", *(("tail",) if found.regime != "fresh" else ())}
    known = [(name, after) for name, after in found.half_lives.items() if name in shown and after is not None]
    return ", ".join(f"{name} after {counted(after, 'generation')}" for name, after in known)


def _regimes(found: Forecast) -> Section:
    """The vocabulary at the last generation under every regime."""
    rows = []
    for name, kept in sorted(found.regimes.items(), key=lambda item: -item[1]):
        rows.append((name, of_retained(kept), "this forecast" if name == found.regime else ""))
    last = counted(found.generations[-1].generation, "generation")
    table = Table(("regime", "vocabulary", ""), tuple(rows), header=True)
    return Section("Other regimes", (Sentences((f"retained after {last}, all else equal",)), table))


def _assumed(found: Forecast, full: bool) -> tuple[str, ...]:
    sizes = f"{found.tokens:,} words in a generation, {found.vocabulary:,} different words in the real text"
    share = "no share" if found.share_is == "none" else f"{of_share(found.share)} synthetic ({found.share_is})"
    how = f"{found.method}; {sizes}; text written at temperature {found.temperature:g}; {share}"
    error = (found.error,) if found.error else ()
    if not full:
        return (" ".join(found.assumptions), how, *error, *found.notes)
    return (*found.assumptions, how, *error, *found.notes)
