"""The published claims that a recursion can judge: whose, what was expected, and how parts become a status."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim
from contam.experiments.recurse.history import Group, Run
from contam.reports.audit_page import plural
from contam.wording import written

HELD, ALMOST = 0.02, 0.01
"""Shares of the value at generation 0: within which perplexity has not risen, below which a change is none."""
FEWEST = 5
"""Generations after generation 0 from which a course over generations can be judged."""
FEWEST_JUDGED = 2
"""Generations after generation 0 below which nothing is confirmed or contradicted."""
SHARE_WITHIN = 0.01
"""By how much the human share of a mix may stay below what it was to be."""
FILTERED_AT_LEAST = 0.01
"""Share of the documents that a filter must have removed for what followed to be its doing."""
_SHOWN = 5
_TRAINED = {"scratch": " trained from scratch", "base": ", fine-tuned every generation"}


@dataclass(frozen=True, slots=True)
class Published:
    """A claim as it was published; ``models`` are the names of its authors' models that contam has too, ``needs`` the
    options of a run that tests it."""

    source: str
    statement: str
    expected: str
    tolerance: str
    theirs: str
    needs: str
    models: tuple[str, ...] = ()

    @property
    def author(self) -> str:
        """The first name of the source: ``Gerstgrasser``, ``triposat``."""
        return self.source.split()[0].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that a claim says, as a run shows it: ``held`` None where the run cannot show it; ``brief`` is
    what was measured in a few words, for a line of a terminal."""

    held: bool | None
    told: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    brief: str = ""


@dataclass(frozen=True)
class JudgedClaim(Claim):
    """A claim of a recursion; ``brief`` says what failed or held in a few words."""

    brief: str = ""


_TINY = "GPT-2 of 9M parameters on TinyStories"
PUBLISHED = {
    "11": Published(
        "Gerstgrasser et al. 2024, Kazdan et al. 2024",
        "Under replace the perplexity of held-out human text rises with every generation.",
        "every step upwards; theirs: 6.14, 7.94, 9.07, 10.01, 10.96 at iterations 0 to 4",
        "none; every step of the median over seeds",
        _TINY,
        "--paradigm replace --generations 5",
        ("gpt2-9m",),
    ),
    "12": Published(
        "Gerstgrasser et al. 2024, Kazdan et al. 2024",
        "Accumulating keeps perplexity at its level; accumulate-subsample lies between replace and accumulate.",
        "accumulate at most 2 % above generation 0 over 5 generations or more; accumulate-subsample strictly between "
        "the others at the last generation",
        f"{100 * HELD:g} % above generation 0 at any generation; none for what lies between",
        _TINY,
        "--paradigm replace,accumulate,accumulate-subsample --generations 5",
        ("gpt2-9m",),
    ),
    "13": Published(
        "Kazdan et al. 2024",
        "After 20 generations of replace a larger model predicts held-out text better than smaller ones.",
        "lower loss for the larger model at generation 20; theirs: 126M below 42M and 12M",
        "none; medians over seeds",
        "Llama-2 of 12M, 42M and 126M parameters on TinyStories",
        "contam recurse --claims (orders of an n-gram model); for networks two runs such as contam recurse llama-12m "
        "and llama-42m with --paradigm replace --generations 20, then compare_sizes (docs/recurse.md)",
        ("llama-12m", "llama-42m", "llama-126m"),
    ),
    "14": Published(
        "Wang et al. 2024",
        "Under replace the probability of a word after a context starts close to the real one and drifts away.",
        "in the written text close at generation 1, and |p - p human| grows with the generations; theirs: "
        "p(was|there) = .76",
        "close: within 20 % of the human value, .02 at least; grows: Kendall's tau with the generation at least .5",
        "GPT-Neo of 1M and 33M parameters on TinyStories, 40 generations",
        '--paradigm replace --generations 40 --track "there: was, were"',
        ("gptneo-1m", "gptneo-33m"),
    ),
    "15": Published(
        "Shumailov et al. 2024",
        "Without original data every generation is worse than generation 0; with a tenth kept the end is better.",
        "replace above generation 0 at every generation (a spike and a plateau are allowed); a mix with 10 % of the "
        "original text below replace at the last generation",
        "none; medians over seeds",
        "OPT-125m fine-tuned on WikiText-2",
        "--paradigm replace,mix --real-share 0.1 --real-kind original --generations 9",
        ("opt-125m",),
    ),
    "18": Published(
        "Guo et al. 2023, triposat/model-collapse-web-data",
        "Under replace distinct-2 and rare words fall and rep-4 rises with every generation, rare words fall faster "
        "than others, and generated text gets likelier under generation 0 while human text gets unlikelier.",
        "every step; the share lost by the last generation is larger for rare words; perplexity under generation 0 "
        "falls (theirs: 22.6 to 10.3), on human text it rises (38 to 58)",
        "none; every step of the median over seeds, the rest at the last generation",
        "GPT-2 fine-tuned, 4 generations",
        "--paradigm replace --generations 5",
    ),
    "19": Published(
        "triposat/model-collapse-web-data",
        "With half of the training text real, perplexity and vocabulary hold; with a tenth they do not.",
        "at generation 4: perplexity within 7 % and types within 4 % of generation 0 with 50 % real text; one of the "
        "two further away with 10 % (theirs: perplexity + 31 %)",
        "7 % and 4 %, medians over seeds",
        "GPT-2 fine-tuned with fresh real text",
        "--paradigm mix --real-share 0.1,0.5 --real-kind fresh --generations 4",
    ),
    "21": Published(
        "Alemohammad et al. 2023, Drayson et al. 2025",
        "Writing at a lower temperature or from a truncated distribution loses diversity faster.",
        "types and distinct-2 lose a larger share between generation 0 and the last under the narrower sampling",
        "none; medians over seeds, both figures",
        "language models sampled with top-k, top-p, T = .9 or beams",
        "--claims",
    ),
    "W": Published(
        "Wang et al. 2024 against Gerstgrasser et al. 2024",
        "Under accumulate-subsample too perplexity goes on rising (Wang); it stays bounded (Gerstgrasser).",
        "median perplexity of the last generation above that of the middle one",
        f"{100 * ALMOST:g} %: less is no rise. A finite run cannot tell a slow rise without bound from one that ends",
        "GPT-Neo and GPT-2 on TinyStories",
        "--paradigm accumulate-subsample --generations 20",
    ),
    "filter": Published(
        "Drayson et al. 2025 (resampling); the other filters are contam's own",
        "Filtering the generated text lowers the rise of perplexity.",
        "a smaller multiple of generation 0 with the filter than without, at the last generation both have",
        f"{100 * ALMOST:g} % of generation 0: less is no difference; left out are groups that rose by {100 * HELD:g} % "
        f"or less, filters that removed less than {100 * FILTERED_AT_LEAST:g} % of the documents, and differences "
        "within the range over seeds",
        "GPT-2 and SmolLM2 with a ModernBERT detector",
        "--filter flagged,likely,resample --seeds 3",
    ),
}
"""By the name under which contam reports a claim (docs/recurse.md)."""


def concluded(which: str, run: Run, parts: Sequence[Part], note: str = "") -> JudgedClaim:
    """A claim from its parts: one that fails contradicts it, and it is confirmed where all were seen to hold.

    Where a part could not be seen and none fails, it is not tested, and ``measured`` has the run that would test it.
    """
    claim, seen = PUBLISHED[which], [part.held for part in parts]
    status = CONTRADICTED if False in seen else CONFIRMED if seen and None not in seen else NOT_TESTED
    told = [part.told for part in parts if part.told]
    remarks = [f"Tested by: {command_of(run, claim.needs)}"] if status == NOT_TESTED else [seeds_told(run)]
    remarks += [direction_only(run, claim)] if any(held is not None for held in seen) else []
    measured = ". ".join(part for part in ("; ".join(told), note, *remarks) if part) + "."
    figures = {name: value for part in parts for name, value in part.figures.items()}
    about = (which, claim.source, claim.statement, claim.expected, measured, claim.tolerance, status, figures)
    return JudgedClaim(*about, brief=_brief(parts))


def _brief(parts: Sequence[Part]) -> str:
    """What failed, and whether the rest holds; where nothing failed, what holds."""
    failed = [part.brief for part in parts if part.held is False]
    held = [part.brief for part in parts if part.held]
    if not failed:
        return "; ".join(held) if len(held) < 3 else f"{held[0]} (all {len(held)} parts hold)"
    unseen = len(parts) - len(failed) - len(held)
    rest = [f"{plural(len(held), 'other part')} hold{'s' if len(held) == 1 else ''}"] if held else []
    rest += [f"{unseen} not tested"] if unseen else []
    whole = "the other parts hold" if len(held) > 1 and not unseen else ", ".join(rest)
    return "; ".join(failed) + (f" ({whole})" if whole else "")


def command_of(run: Run, needs: str) -> str:
    """The command of a run that would test a claim: with this run's model and text, unless it names its own."""
    if needs.startswith("contam"):
        return needs
    real = " ".join(f"--real {path}" for path in run.plan.get("real") or ()) or "--real TEXT"
    return f"contam recurse {run.plan.get('model') or 'MODEL'} {real} {needs}"


def direction_only(run: Run, claim: Published) -> str:
    """A remark on how far figures can be compared: where the model or its size is not the authors', in direction."""
    name = str(run.plan.get("model") or "").rpartition("/")[2]
    if name not in claim.models or run.plan.get("scale", 1.0) != 1.0:
        return f"Direction only: {model_told(run)}, not {claim.theirs}"
    return "The model is theirs; what differs stands among the settings" if run.plan.get("departures") else ""


def model_told(run: Run) -> str:
    """``an n-gram model of order 3``, ``gpt2-9m trained from scratch``."""
    plan = run.plan
    if plan.get("backend") == "ngram":
        return f"a {plan.get('unit', 'word')} n-gram model of order {plan.get('order', '?')}"
    return f"{plan.get('model') or 'another model'}{_TRAINED.get(str(plan.get('backend')), '')}"


def seeds_told(run: Run) -> str:
    """How many seeds the medians are of."""
    counts = sorted({len(group.seeds) for group in run.groups})
    if counts == [1]:
        return "One seed"
    return f"Medians over {' to '.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} seeds"


def compared_told(run: Run, claims: Sequence[Claim]) -> str:
    """One line on judged claims whose authors' model is another than this run's; empty where there is none."""
    judged = [PUBLISHED[claim.id] for claim in claims if claim.status != NOT_TESTED and claim.id in PUBLISHED]
    if not any(direction_only(run, claim).startswith("Direction") for claim in judged):
        return ""
    return f"compared in direction only: {_model_in_short(run)}, not the authors' models"


def _model_in_short(run: Run) -> str:
    plan, order = run.plan, run.plan.get("order")
    if plan.get("backend") != "ngram":
        return model_told(run)
    grams = {1: "unigram", 2: "bigram", 3: "trigram"}
    return f"a {plan.get('unit', 'word')} {grams.get(order, f'{order}-gram') if isinstance(order, int) else 'n-gram'}"


def missing(what: str) -> Part:
    """A part that the run cannot show, and why."""
    return Part(None, what)


def too_short(group: Group, course: Mapping[int, float], fewest: int) -> Part | None:
    """The part of a group without enough generations: None where there are as many as are needed."""
    reached = max(course, default=0)
    if 0 in course and reached >= fewest:
        return None
    if not course:
        return missing(f"{group.name} was not measured")
    return missing(f"{group.name} has {plural(reached, 'generation')}; {fewest} are needed")


def out_of_text(group: Group, generation: int) -> str:
    """Where a mix had less human text than it was to have, how much that was; empty where it had its share."""
    share = group.course("real_share").get(generation)
    if group.real_share is None or share is None or share >= group.real_share - SHARE_WITHIN:
        return ""
    return f"{group.name} had {100 * share:.1f} % human text at generation {generation}: it had run out"


def steps(course: Mapping[int, float]) -> tuple[int, int]:
    """(how many steps from one measured generation to the next go up, how many there are)."""
    values = [course[generation] for generation in sorted(course)]
    return sum(b > a for a, b in pairwise(values)), max(len(values) - 1, 0)


def course_told(course: Mapping[int, float]) -> str:
    """``10.4, 11.9, 13.2, 17 and 23.3 at generations 0, 1, 2, 5 and 10``: at most so many, spread over all."""
    found = sorted(course)
    kept = found if len(found) <= _SHOWN else sorted({found[0], found[1], found[len(found) // 2], found[-1]})
    values, places = [written(course[g]) for g in kept], [str(g) for g in kept]
    return f"{_listed(values)} at generation{'s' if len(kept) > 1 else ''} {_listed(places)}"


def percent(multiple: float) -> str:
    """A multiple of generation 0 as a change: ``+3.1 %``."""
    return f"{100 * (multiple - 1):+.1f} %"


def tau(values: Sequence[float]) -> float:
    """Kendall's tau of values with their order (ties count as neither), nan for fewer than two."""
    pairs = [(b > a) - (b < a) for a, b in combinations(values, 2)]
    return sum(pairs) / len(pairs) if pairs else math.nan


def rounded(course: Mapping[int, float]) -> dict[str, float]:
    """A course as it stands in ``figures``."""
    return {str(generation): round(value, 5) for generation, value in course.items()}


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + f" and {items[-1]}" if len(items) > 1 else "".join(items)
