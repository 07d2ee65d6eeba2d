"""Claims about what is written: words that drift away (14), and the signature of collapse in the text (18)."""

from __future__ import annotations

from contam.claims import Claim
from contam.experiments.recurse.claim_rules import (
    FEWEST,
    FEWEST_JUDGED,
    Part,
    concluded,
    course_told,
    missing,
    rounded,
    steps,
    tau,
    too_short,
)
from contam.experiments.recurse.history import Group, Run
from contam.wording import written

CLOSE, CLOSE_AT_LEAST, GROWS = 0.2, 0.02, 0.5
RARE_OCCURRENCES = 30
"""A word is tracked by fewer places than that only as an anecdote."""
UNDER_FIRST = "under_generation_0.perplexity"
RARE, OTHER = "written.rare_kept", "written.other_kept"
_MOVES = (
    ("distinct-2", ("signals.diversity.distinct_2", "written.distinct_2"), False),
    ("rare words kept", (RARE,), False),
    ("rep-4", ("signals.repetition.seq_rep_4", "written.rep_4"), True),
)


def tracked_words_drift(run: Run) -> Claim:
    """14: tracked probabilities start close to those of human text and drift away under replace."""
    group = run.group("replace")
    if group is None:
        return concluded("14", run, [missing("No replace in this run")])
    parts = [_drift(run, group, pair) for pair in run.tracked]
    judged = [part for part in parts if part.held is not None]
    note = "; ".join(part.told for part in parts if part.held is None) if judged else ""
    return concluded("14", run, judged or parts or [missing("No word was tracked")], note)


def signature_of_collapse(run: Run) -> Claim:
    """18: the figures of the text move one way in every generation, rare words first."""
    group = run.group("replace")
    if group is None:
        return concluded("18", run, [missing("No replace in this run")])
    parts = [_moves(group, name, fields, up) for name, fields, up in _MOVES]
    return concluded("18", run, [*parts, _rare_first(group), _likelier(run, group)])


def pair_told(pair: str) -> str:
    """``there: was`` as the probability it stands for: ``p(was | there)``."""
    context, colon, word = pair.partition(":")
    return f"p({word.strip()} | {context.strip()})" if colon else pair


def _drift(run: Run, group: Group, pair: str) -> Part:
    """Close at generation 1, and a distance that grows from there: how often the word follows in the written text
    against how often it does in human text. The model's own probability is another quantity and is only shown."""
    human, places, name = run.human_tracked(pair), run.human_tracked(pair, "occurrences"), pair_told(pair)
    course, model = group.course(f"tracked.{pair}.text"), group.course(f"tracked.{pair}.model")
    short = too_short(group, course, FEWEST)
    if human is None or (places is not None and places < RARE_OCCURRENCES):
        return missing(f"{name}: {'too rare' if places != 0 else 'its first word does not occur'} in the human text")
    if short is not None or 1 not in course:
        return short or missing(f"{name} was not measured at generation 1")
    gaps = {g: abs(value - human) for g, value in course.items() if g}
    close, trend = gaps[1] <= max(CLOSE * human, CLOSE_AT_LEAST), tau([gaps[g] for g in sorted(gaps)])
    start = "close at generation 1" if close else "not close at generation 1"
    brief = f"{name} {start}, tau {trend:+.2f}"
    told = f"{name}: human text {written(human)}; written {course_told(course)}"
    told += f"; {start}, tau of the distance {trend:+.2f}"
    told += f"; the model's own {course_told(model)}" if model else ""
    figures = {pair: rounded(course), f"{pair} human": round(human, 5), f"{pair} tau": round(trend, 4)}
    figures |= {f"{pair} model": rounded(model)} if model else {}
    return Part(close and trend >= GROWS, told, figures, brief)


def _moves(group: Group, name: str, fields: tuple[str, ...], up: bool) -> Part:
    """A figure of the text that should move one way at every step; the first of ``fields`` that was measured."""
    course = next((found for field in fields if (found := group.course(field))), {})
    if not course:
        return missing(f"{name} was not measured")
    short = too_short(group, course, FEWEST_JUDGED)
    if short is not None:
        return short
    rises, all_steps = steps(course if up else {g: -value for g, value in course.items()})
    told = f"{name} {course_told(course)}: {'up' if up else 'down'} in {rises} of {all_steps} generations"
    brief = f"{name} {'rose' if up else 'fell'} in {rises} of {all_steps} generations"
    return Part(rises == all_steps, told, {name: rounded(course)}, brief)


def _rare_first(group: Group) -> Part:
    rare, other = group.relative(RARE), group.relative(OTHER)
    common = sorted(set(rare) & set(other) - {0})
    if not common:
        return missing("rare and other words were not measured")
    if common[-1] < FEWEST_JUDGED:
        return missing(f"rare and other words need {FEWEST_JUDGED} generations")
    last = common[-1]
    lost = {name: 1 - found[last] for name, found in (("rare", rare), ("other", other))}
    told = f"by generation {last} {100 * lost['rare']:.0f} % of the rare words kept at generation 0 are gone"
    told += f", {100 * lost['other']:.0f} % of the others"
    brief = f"lost of rare words {100 * lost['rare']:.0f} %, of others {100 * lost['other']:.0f} %"
    return Part(lost["rare"] > lost["other"], told, {f"{name}_lost": round(x, 5) for name, x in lost.items()}, brief)


def _likelier(run: Run, group: Group) -> Part:
    own, human = group.course(UNDER_FIRST), group.course(run.perplexity)
    common = sorted(set(own) & set(human))
    if len(common) < 2 or common[0] != 0:
        return missing("perplexity under generation 0 was not measured")
    if common[-1] < FEWEST_JUDGED:
        return missing(f"perplexity under generation 0 needs {FEWEST_JUDGED} generations")
    last = common[-1]
    told = f"perplexity of generated text under generation 0 {written(own[0])} to {written(own[last])}"
    told += f", of {run.held_out_text} under the latest {written(human[0])} to {written(human[last])}"
    figures = {"under_generation_0": rounded(own), "held_out": rounded(human)}
    brief = f"written text under generation 0 {written(own[0])} to {written(own[last])}"
    brief += f", human text {written(human[0])} to {written(human[last])}"
    return Part(own[last] < own[0] and human[last] > human[0], told, figures, brief)
