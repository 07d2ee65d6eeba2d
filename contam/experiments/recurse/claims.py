"""What others published about retraining on generated text, judged by what one run measured.

A status comes from the figures of the log alone, by medians over seeds. Where a run cannot show what a claim is about
it is ``not_tested``, with the reason and a run that would show it. The figures stand in ``measured`` and ``figures``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from contam.claims import Claim
from contam.experiments.recurse.claim_rules import (
    ALMOST,
    FEWEST,
    FEWEST_JUDGED,
    HELD,
    Part,
    concluded,
    course_told,
    missing,
    out_of_text,
    percent,
    rounded,
    steps,
    too_short,
)
from contam.experiments.recurse.filter_claim import filters_help
from contam.experiments.recurse.history import Group, Run
from contam.experiments.recurse.text_claims import signature_of_collapse, tracked_words_drift

TYPES = "signals.diversity.types"
HALF, TENTH = 0.5, 0.1
AT, PERPLEXITY_WITHIN, TYPES_WITHIN = 4, 0.07, 0.04
_LONG = 8


def judge_claims(run: Run) -> tuple[Claim, ...]:
    """Every claim, judged for a run, finished or not."""
    seconds = sum(float(line.get("seconds") or 0) for lineage in run.lineages for line in lineage.lines)
    return tuple(replace(judge(run), seconds=round(seconds, 3)) for judge in _JUDGES)


def rises_under_replace(run: Run) -> Claim:
    """11: every generation of replace predicts held-out text worse than the one before."""
    return concluded("11", run, [_rises(run, run.group("replace"))])


def accumulating_holds(run: Run) -> Claim:
    """12: accumulate holds the level of generation 0; accumulate-subsample lies between it and replace."""
    held = run.group("accumulate")
    part = missing("no accumulate in this run") if held is None else _holds(run, held)
    return concluded("12", run, [part, _between(run)])


def larger_stays_better(run: Run) -> Claim:
    """13: needs runs of two sizes; see `contam.experiments.recurse.across.compare_sizes`."""
    return concluded("13", run, [missing("A run has one model; this needs two sizes")])


def a_tenth_kept_helps(run: Run) -> Claim:
    """15: without original data worse than generation 0 throughout; with a tenth kept better in the end."""
    replaced, kept = run.group("replace"), run.group("mix", TENTH)
    if replaced is None:
        return concluded("15", run, [missing("No replace in this run")])
    parts = [_worse(run, replaced)]
    if kept is None:
        parts.append(missing("no mix with 10 % real text in this run"))
    elif run.plan.get("real_kind", "original") != "original":
        parts.append(missing("the mix takes fresh text, not the original"))
    else:
        parts.append(_better(run, kept, replaced))
    return concluded("15", run, parts)


def half_real_holds(run: Run) -> Claim:
    """19: with half real text perplexity and vocabulary stay near generation 0, with a tenth they do not."""
    parts = []
    for share, expected in ((HALF, True), (TENTH, False)):
        group = run.group("mix", share)
        none = f"no mix with {100 * share:g} % real text in this run"
        parts.append(missing(none) if group is None else _near(run, group, expected))
    fresh = run.plan.get("real_kind") == "fresh"
    seen = any(part.held is not None for part in parts)
    return concluded("19", run, parts, "" if fresh or not seen else "The real text is the original, theirs was fresh")


def narrow_loses_faster(run: Run) -> Claim:
    """21: needs two runs; see `contam.experiments.recurse.across.compare_sampling`."""
    return concluded("21", run, [missing("A run samples in one way; this needs two")])


def still_rising(run: Run) -> Claim:
    """W: whether accumulate-subsample has levelled off or is still rising at the end of the run."""
    groups = [group for group in run.groups if group.paradigm == "accumulate-subsample" and group.filter == "none"]
    parts = [_still(run, group) for group in groups] or [missing("No accumulate-subsample in this run")]
    return concluded("W", run, parts)


def gains(count: int, rate: float) -> tuple[float, float]:
    """How much of an error made in every generation has gathered after ``count`` generations of accumulate-subsample:
    (a bias, which grows like ln(1 + rate x count); the variance of independent errors, which stays bounded).

    The sums over j of k/(1 + jk) and of its square: a derivation of ours from p' = q + e, no author's formula.
    """
    weights = [rate / (1 + rate * j) for j in range(1, count + 1)]
    return sum(weights), sum(weight**2 for weight in weights)


def _rises(run: Run, group: Group | None) -> Part:
    if group is None:
        return missing("No replace in this run")
    course = group.course(run.perplexity)
    short = too_short(group, course, FEWEST_JUDGED)
    if short is not None:
        return short
    up, all_steps = steps(course)
    told = f"Perplexity of {run.held_out_text} {course_told(course)}; up in {up} of {all_steps} generations"
    figures = {"perplexity": rounded(course), "rises": up, "generations": all_steps}
    return Part(up == all_steps, told, figures, f"perplexity rose in {up} of {all_steps} generations")


def _holds(run: Run, group: Group) -> Part:
    multiples = group.relative(run.perplexity)
    short = too_short(group, multiples, FEWEST)
    if short is not None:
        return short
    top = max((g for g in multiples if g), key=multiples.__getitem__)
    told = f"accumulate at most {percent(multiples[top])} against generation 0 (at generation {top})"
    brief = f"accumulate at most {percent(multiples[top])}"
    held = multiples[top] <= 1 + HELD
    brief += "" if held else f", {100 * HELD:g} % allowed"
    return Part(held, told, {"accumulate_highest": round(multiples[top], 5)}, brief)


def _between(run: Run) -> Part:
    groups = [run.group(name) for name in ("accumulate", "accumulate-subsample", "replace")]
    found = [group.relative(run.perplexity) for group in groups if group is not None]
    common = sorted(set.intersection(*(set(multiples) - {0} for multiples in found))) if len(found) == 3 else []
    if not common:
        absent = [n for n, g in zip(("accumulate", "accumulate-subsample", "replace"), groups) if g is None]
        return missing(f"no {' and no '.join(absent)} in this run" if absent else "no generation in common")
    if common[-1] < FEWEST_JUDGED:
        return missing(f"{FEWEST_JUDGED} generations in common are needed")
    low, middle, high = ([multiples[g] for g in common] for multiples in found)
    inside = [a < b < c for a, b, c in zip(low, middle, high)]
    told = (
        f"at generation {common[-1]} accumulate {percent(low[-1])}, accumulate-subsample {percent(middle[-1])}, "
        f"replace {percent(high[-1])}; in between in {sum(inside)} of {len(inside)} generations"
    )
    last = {"accumulate": low[-1], "accumulate-subsample": middle[-1], "replace": high[-1]}
    brief = f"accumulate {percent(low[-1])}, its subsample {percent(middle[-1])}, replace {percent(high[-1])}"
    return Part(inside[-1], told, {name: round(value, 5) for name, value in last.items()}, brief)


def _worse(run: Run, group: Group) -> Part:
    multiples = group.relative(run.perplexity)
    short = too_short(group, multiples, FEWEST_JUDGED)
    if short is not None:
        return short
    after = {g: value for g, value in multiples.items() if g}
    least = min(after, key=after.__getitem__)
    told = f"replace {percent(after[least])} at the least (generation {least}), {percent(after[max(after)])} at the end"
    brief = f"replace {percent(after[least])} at the least"
    return Part(after[least] > 1, told, {"replace_least": round(after[least], 5)}, brief)


def _better(run: Run, kept: Group, replaced: Group) -> Part:
    ours, theirs = kept.relative(run.perplexity), replaced.relative(run.perplexity)
    common = sorted(set(ours) & set(theirs) - {0})
    if not common or common[-1] < FEWEST_JUDGED:
        return missing("too few generations in common")
    last = common[-1]
    if out := out_of_text(kept, last):
        return missing(out)
    told = f"at generation {last} {percent(ours[last])} with a tenth kept, {percent(theirs[last])} with none"
    figures = {"kept": round(ours[last], 5), "none_kept": round(theirs[last], 5)}
    brief = f"{percent(ours[last])} with a tenth kept, {percent(theirs[last])} with none"
    return Part(ours[last] < theirs[last], told, figures, brief)


def _near(run: Run, group: Group, expected: bool) -> Part:
    """Whether a mix is near generation 0 at the generation of the source, as ``expected`` or not."""
    perplexity, types = group.relative(run.perplexity), group.relative(TYPES)
    if AT not in perplexity or AT not in types:
        return missing(f"{group.name} was not measured at generation {AT}")
    if out := out_of_text(group, AT):
        return missing(out)
    near = abs(perplexity[AT] - 1) <= PERPLEXITY_WITHIN and abs(types[AT] - 1) <= TYPES_WITHIN
    brief = f"{group.name}: perplexity {percent(perplexity[AT])}, types {percent(types[AT])}"
    told = f"{brief} at generation {AT}"
    allowed = f", {100 * PERPLEXITY_WITHIN:g} % and {100 * TYPES_WITHIN:g} % allowed"
    brief += allowed if expected and not near else ""
    last = max(set(perplexity) & set(types))
    if last > AT:
        told += f" ({percent(perplexity[last])} and {percent(types[last])} at {last})"
    figures = {f"{group.name} perplexity": round(perplexity[AT], 5), f"{group.name} types": round(types[AT], 5)}
    return Part(near == expected, told, figures, brief)


def _still(run: Run, group: Group) -> Part:
    course = group.course(run.perplexity)
    short = too_short(group, course, _LONG)
    if short is not None:
        return short
    last = max(course)
    middle = min(course, key=lambda g: abs(g - last / 2))
    change = course[last] / course[middle] - 1
    told = f"{group.name}: {course_told(course)}, {100 * change:+.1f} % since generation {middle}"
    whole = course[last] - course[0]
    if whole > 0:
        told += f", {_late(whole, course[last] - course[middle], (middle, last), group.rate or 1.0)}"
    held = change > ALMOST
    way = "still rising" if held else "levelled off" if change > -ALMOST else "falling"
    figures = {f"{group.name} since_middle": round(change, 5), f"{group.name}": rounded(course)}
    brief = f"{group.name} {way}, {100 * change:+.1f} % since generation {middle}"
    return Part(held, f"{told}: {way}", figures, brief)


def _late(whole: float, since: float, between: tuple[int, int], rate: float) -> str:
    """How much of the whole rise came late, beside what a bias and bounded noise would show (`gains`)."""
    (bias, noise), (early, early_noise) = gains(between[1], rate), gains(between[0], rate)
    return (
        f"{100 * since / whole:.0f} % of the whole rise (a bias that gathers without bound would show "
        f"{100 * (1 - early / bias):.0f} %, bounded noise {100 * (1 - early_noise / noise):.0f} %)"
    )


_JUDGES: Sequence[Callable[[Run], Claim]] = (
    rises_under_replace,
    accumulating_holds,
    larger_stays_better,
    tracked_words_drift,
    a_tenth_kept_helps,
    signature_of_collapse,
    half_real_holds,
    narrow_loses_faster,
    still_rising,
    filters_help,
)
