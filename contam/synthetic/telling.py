"""A synthetic share in sentences that promise no more than its tests do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from contam.synthetic.share import Declared, SyntheticShare
from contam.wording import probability

FEW = 125
"""Documents of each side below which less is found (docs/share.md, "A quarter, by the number of documents")."""
POWER = {
    "known": "50 % would have been found in nearly all sources, 25 % in most where models wrote or continued and in "
    "about half of rewrites and essays, 10 % not",
    "unknown": "50 % would have been found in most sources, 25 % in about a third, 10 % not",
}
"""What is found, by order, in the words of the tables of docs/share.md."""
FEWER = f"with fewer than {FEW} documents of each side less"
_NOT_COVERED = "text of base models and paraphrased text are not covered"


def per_cent(share: float) -> str:
    """A lower bound as per cent, rounded down: it must not promise more than was found."""
    return f"{math.floor(1000 * share) / 10:.1f} %"


def told(share: SyntheticShare) -> tuple[str, ...]:
    """What was found, then what it rests on."""
    return (*_found(share), *_listed(share))


def _found(share: SyntheticShare) -> list[str]:
    out = []
    if not share.measured:
        out.append(f"share: not measured ({share.reason})")
    elif share.p_value is not None and share.lower_bound is not None:
        out.append(_alarm(share, share.p_value) if share.alarmed else _no_alarm(share, share.p_value))
        out += _bounds(share)
    if share.declared is not None:
        out.append(_declared(share.declared))
    return out


def _alarm(share: SyntheticShare, p: float) -> str:
    rate = _rate(share, share.false_alarms, "such alarms on human halves")
    return f"more instruct-like than its trusted text (p = {probability(p)}{rate})".replace("= <", "<")


def _no_alarm(share: SyntheticShare, p: float) -> str:
    power = POWER["known" if share.order == "known" else "unknown"]
    fewer = f"; {FEWER}" if (share.documents or 0) < FEW else ""
    order = f"no difference found in {share.order} order"
    return f"{order} (p = {probability(p)}): {power}{fewer}; {_NOT_COVERED}".replace("= <", "<")


def _bounds(share: SyntheticShare) -> list[str]:
    """The lower bounds: the one from the null pairs, and the exact one of a random block."""
    out = []
    low, compared = share.lower_bound or 0.0, share.lower_bound_compared or 0.0
    if compared >= 0.001:
        rate = _rate(share, share.false_bounds, "a bound on human halves")
        whole = per_cent(low) == per_cent(compared)
        whose = "documents" if whole else "different documents of at least 80 words"
        of_all = "" if whole else f", which is at least {per_cent(low)} of all{_by_sample(share)}"
        told = f"at least {per_cent(compared)} of the {whose}{of_all}, if both share source and subject mix"
        out.append(f"{told}{rate}")
    elif share.alarmed:
        out.append("the share is not bounded away from 0")
    if share.exact_bound is not None and share.exact_bound >= 0.001:
        told = f"at least {per_cent(share.exact_bound)} of all documents{_by_sample(share)}"
        out.append(f"{told}, by the exact bound of a trusted text drawn at random")
    return out


def _by_sample(share: SyntheticShare) -> str:
    """Where the part of all documents that is compared is an estimate."""
    counts = share.excluded.get("audited", {})
    return f" (by a sample of {counts['looked_at']:,})" if _sampled(counts) else ""


def _sampled(counts: Mapping[str, int]) -> bool:
    return counts.get("looked_at", 0) < counts.get("of", 0) - counts.get("short", 0)


def _rate(share: SyntheticShare, rate: float | None, what: str) -> str:
    """A false rate as it was counted, on human pairs of families left out; none seen is told as such."""
    if rate is None or not share.false_pairs:
        return ""
    seen = f"{round(rate * share.false_pairs)}" if rate else "none"
    either = ", either half first" if share.order != "known" else ""
    return f"; {what}: {seen} of {share.false_pairs} pairs{either}"


def _declared(found: Declared) -> str:
    """The estimate from labelled text, or why there is none."""
    left = f"; {found.shared:,} labelled documents that are in the text were left out" if found.shared else ""
    if found.estimate is None or found.interval is None:
        return f"declared share: not measured ({found.reason}){left}"
    low, high = (f"{100 * x:.0f}" for x in found.interval)
    second = "" if found.emq is None else f"; a second estimate {100 * found.emq:.0f} %"
    much = f"about {100 * found.estimate:.0f} %" if found.estimate >= 0.005 else "none found"
    told = f"{much} ({low} to {high} %, approximate, if the generator is {found.generator}"
    called = (f"{100 * (rate or 0.0):.0f} %" for rate in (found.true_positive, found.false_positive))
    rates = "the score calls {} of its labelled text machine text, and {} of the human text".format(*called)
    return f"declared share: {told}){second}; {rates}{left}"


# --- what it rests on -----------------------------------------------------------------------------------------------


def _listed(share: SyntheticShare) -> list[str]:
    out = []
    if share.measured:
        pairs = f"{share.null_pairs} pairs of halves of human sources of {share.null_families} families"
        out.append(f"compared: {share.documents:,} documents of each side, beside {pairs}")
    if share.excluded:
        out.append("left out " + "; ".join(_left_out(whose, counts) for whose, counts in share.excluded.items()))
    if share.trained_on:
        human, machine = _names(share.trained_on.get("human", ())), ", ".join(share.trained_on.get("generators", ()))
        out.append(f"the score was trained on human text ({human}) and on text by models ({machine})")
    return out


def _left_out(whose: str, counts: Mapping[str, int]) -> str:
    """Counts of one side; those of a sample as such."""
    sample = f"of a sample of {counts['looked_at']:,} of the others " if _sampled(counts) else ""
    shared = f", {counts['shared']:,} that are in the trusted text" if counts.get("shared") else ""
    copies = f"{sample}{counts['copies']:,} that begin as another{shared}"
    return f"of {counts['of']:,} {whose} documents: {counts['short']:,} under 80 words, {copies}"


def _names(names: Sequence[str]) -> str:
    """Names in a row; those that begin with one word as what they have in common and their number."""
    groups: dict[str, list[list[str]]] = {}
    for name in names:
        groups.setdefault(name.split()[0], []).append(name.split())
    out = []
    for group in groups.values():
        common = [words[0] for words in zip(*group) if len(set(words)) == 1]
        out.append(" ".join(common) + (f" ({len(group)})" if len(group) > 1 else ""))
    return ", ".join(out) or "none"
