"""The rules: one table of what each reads, its limit and why; metrics measure, rules judge.

Ids never change their meaning. A *reference* rule warns where a figure lies beyond the 1 % quantile of the
reference population in the direction of collapse, so its limit is the population's own. An *absolute* rule
has a stated limit. No rule decides the verdict alone but REP001, whose limit is the verdict's loop rule too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from contam.errors import UsageError
from contam.result import Figure, RuleResult
from contam.wording import name_of, written

QUANTILE = 0.01


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which figure it reads, which way collapse moves it, and where its limit comes from.

    ``limit`` is a quantile of the reference population for kind ``reference``, and in the figure's own unit for the
    others: ``absolute``, where the value itself is compared; ``floor``, where it may not fall below; ``drift``, where
    the whole 95 % interval has to lie at or above it; ``null``, where the value also has to exceed what splits of the
    trusted text give. Below ``fail_limit`` a floor rule fails. ``least`` is how many documents must be concerned before
    an absolute rule speaks; ``absent`` is said where there is no such figure. ``subject`` is ``corpus``, ``checkpoint``
    or ``mixture``.
    """

    id: str
    name: str
    family: str
    scope: str
    reads: str
    direction: str
    what: str
    why: str
    source: str
    kind: str = "reference"
    limit: float = QUANTILE
    status: str = "warn"
    least: int = 0
    absent: str = "not measured in this audit"
    subject: str = "corpus"
    fail_limit: float | None = None

    def breached(self, value: float, limit: float) -> bool:
        """Whether ``value`` is beyond ``limit`` on the side of collapse; a stated limit counts itself."""
        if self.kind in ("absolute", "drift"):
            return value >= limit
        return value < limit if self.direction == "falls" else value > limit


_POPULATION = (
    "The limit is the most extreme 1 % of the reference sources at the same matched size: a source like "
    "them trips this rule about once in a hundred. It moves with the reference, so it is printed with "
    "every result."
)
_SURPRISE = (
    "The limits are the most extreme 1 % of the reference sources on either side, measured with the same model; "
    "with trusted text, the most extreme 1 % of the differences between halves of human sources, which is the better "
    "limit: of human sources of a domain that the embedded model does not know, one in ten lies outside in bits per "
    "byte."
)
_MODEL = "needs a language model (--model)"
_SHARE = "signals"

RULES: tuple[Rule, ...] = (
    Rule(
        "DIV001", "window-entropy", "entropy", _SHARE, "entropy.window", "falls",
        "Mean Shannon entropy of the words in windows of 1,000 words (nats a word). It is local: copying "
        "between documents does not move it, a shrinking or looping vocabulary does.",
        _POPULATION, "Shannon 1948; fixed windows so that the size of the corpus does not matter",
    ),
    Rule(
        "DIV002", "conditional-entropy", "entropy", _SHARE, "entropy.conditional", "falls",
        "Entropy of the next word given the one before, H(w2|w1), at matched size (nats a word). It falls "
        "when word sequences are copied from one document to the next.",
        _POPULATION, "Shannon 1951; plug-in estimate, comparable only at equal size",
    ),
    Rule(
        "DIV003", "distinct-2", "diversity", _SHARE, "diversity.distinct_2", "falls",
        "Different word pairs over all word pairs, at matched size.",
        _POPULATION, "Li et al. 2016 (distinct-n), at matched size because it falls with length",
    ),
    Rule(
        "DIV004", "distinct-3", "diversity", _SHARE, "diversity.distinct_3", "falls",
        "Different word triples over all word triples, at matched size.",
        _POPULATION, "Li et al. 2016 (distinct-n), at matched size because it falls with length",
    ),
    Rule(
        "DIV005", "types", "diversity", _SHARE, "diversity.types", "falls",
        "Different words in the matched sample: the size of the vocabulary in use.",
        _POPULATION, "Hurlbert 1971 (rarefaction); Shumailov et al. 2024: rare events vanish first",
    ),
    Rule(
        "DIV006", "hapax-share", "tail", _SHARE, "tail.hapax_share", "falls",
        "Words used exactly once over all words, f1/N: what the corpus would still add to its vocabulary "
        "with the next word. Training on one's own output removes the rarest words first, so this falls "
        "early and most.",
        _POPULATION, "Good 1953 (unseen mass); Shumailov et al. 2024: the tails go first",
    ),
    Rule(
        "DIV007", "tail-survival", "tail", _SHARE, "tail.type_survival", "falls",
        "Of the words that are rare in the trusted text, how many are still in use, against a second "
        "sample of the trusted text. Measured only where trusted text is given (--reference).",
        _POPULATION, "Shumailov et al. 2024; measured against a held-out half, without the winner's curse",
        absent="needs trusted text (--reference)",
    ),
    Rule(
        "REP001", "looped-documents", "repetition", "whole", "repetition.looped_documents", "rises",
        "Documents that fall into a loop: a quarter or more of their words, or of their last characters, "
        "is one piece repeated at least three times.",
        "10 % of the documents and at least 5 of them, or half of the text of fewer. No source of the "
        "built-in English profile comes near; a language model that always takes the likeliest word does. "
        "It is not applied to text that is mostly numbers and symbols (tables, rulers, code). This rule "
        "alone makes the verdict collapsing.",
        "Holtzman et al. 2020 (degenerate repetition); Main & Lorentz 1984 (repetitions in strings)",
        kind="absolute", limit=0.10, status="fail", least=5,
    ),
    Rule(
        "REP002", "seq-rep-4", "repetition", _SHARE, "repetition.seq_rep_4", "rises",
        "Share of repeated 4-grams within the first 200 words of a document, averaged over documents.",
        _POPULATION, "Welleck et al. 2019 (seq-rep-n)",
    ),
    Rule(
        "REP003", "loop-cover", "repetition", "whole", "repetition.loop_cover", "rises",
        "Share of all words that lie in a piece repeated at least three times in a row.",
        "5 % of the words: a working limit, about twice what any source of the built-in English profile "
        "reaches (a script with sung refrains). Verse, lists and tables can pass it.",
        "Main & Lorentz 1984 (repetitions in strings)",
        kind="absolute", limit=0.05,
    ),
    Rule(
        "REP004", "gopher-repetition", "repetition", "whole", "repetition.gopher_documents", "rises",
        "Documents over at least one of the repetition limits that were used to clean Gopher's training "
        "text (duplicate lines and paragraphs, most frequent 2- to 4-grams, repeated 5- to 10-grams).",
        "Half of the documents and at least 5. It only warns: manuals and speeches pass single limits "
        "often, and collapsed text that does not loop can trip fewer of them than its human source.",
        "Rae et al. 2021, table A1; coverage counts every occurrence and each character once",
        kind="absolute", limit=0.50, least=5,
    ),
    Rule(
        "DUP001", "exact-duplicates", "duplicates", "whole", "duplicates.exact", "rises",
        "Documents that are an exact copy of another, over all documents (the first copy is not counted).",
        "5 % of the documents and at least 5: a working limit. Collected human text holds few exact "
        "copies, and so many change what a model trained on it repeats. Duplication is a finding, not a "
        "level: the verdict is taken on text without copies.",
        "Lee et al. 2022 (de-duplication of training data)",
        kind="absolute", limit=0.05, least=5,
    ),
    Rule(
        "DUP002", "near-duplicates", "duplicates", "whole", "duplicates.near", "rises",
        "Documents that nearly copy another (MinHash over 5-word pieces), exact copies included.",
        "10 % of the documents and at least 5: a working limit, wider than that of DUP001 because "
        "templates, licences and reprints are ordinary in human collections.",
        "Broder 1997 (MinHash); Lee et al. 2022",
        kind="absolute", limit=0.10, least=5,
    ),
    Rule(
        "DUP003", "shared-4-grams", "duplicates", _SHARE, "repetition.cover_4", "rises",
        "Share of the 4-grams, counted by position, that occur in another segment too, at matched size. "
        "(The share of segments with any such 4-gram is nearly one in human text of this size and could "
        "not rise.)",
        _POPULATION, "Salkar et al. 2022 (self-repetition), as a share of positions at matched size",
    ),
    Rule(
        "DUP004", "block-compression", "duplicates", _SHARE, "compression.block", "rises",
        "How many times smaller the matched sample gets when it is compressed in fixed blocks.",
        _POPULATION, "Shaib et al. 2024 (compression ratio as a measure of repetition)",
    ),
    Rule(
        "PPL001", "bits-per-byte", "perplexity", _SHARE, "perplexity.bits_per_byte", "both",
        "How surprising the text is to a language model (--model), in bits for every byte of it, at matched size. "
        "Both sides count: what a model writes at a low temperature is easier to predict than what people write, "
        "n-gram recursion and shuffled words are harder. A small model, which does not copy, finds loops no easier.",
        _SURPRISE, "Jelinek et al. 1977 (perplexity); bits per byte do not depend on the tokenizer",
        absent=_MODEL,
    ),
    Rule(
        "PPL002", "perplexity-drift", "perplexity", _SHARE, "perplexity.drift", "rises",
        "How much worse a word-trigram model trained on this text predicts held-out human text than one trained on "
        "as many words of trusted text (nats a token). It answers whether a model trained on this text would be "
        "worse on real text; another topic makes it rise as well.",
        "Above all drifts between two parts of the trusted text itself, and at least 0.05 nats a token. Other human "
        "text of the same source passes that limit in 0 to 6 %, human text of another source nearly always. The "
        "neural proxy has no such splits: there the whole interval has to lie at or above 0.05.",
        "Shumailov et al. 2024 (perplexity on real text rises with the generation); Witten & Bell 1991",
        kind="null", limit=0.05, absent="needs held-out human text (--valid)",
    ),
    Rule(
        "PPL003", "spread-of-surprise", "perplexity", _SHARE, "perplexity.spread", "both",
        "How much the segments of the text differ in bits per byte under the model (--model): their standard "
        "deviation. Human text has easy and hard passages; one model's text can be more even, and a corpus of unlike "
        "parts is more uneven. It moves late: under the embedded model it was rarely seen to tell recursion.",
        _SURPRISE, "Hans et al. 2024 and Bao et al. 2024 read machine text from its evenness under a model",
        absent=_MODEL,
    ),
    Rule(
        "SYN001", "synthetic-share", "synthetic", _SHARE, "synthetic.share_low", "rises",
        "A lower bound of the share of documents that are generated text, beside trusted text of the same source "
        "(--reference): how many fewer documents than among human pairs have scores that four fifths of the trusted "
        "text have. It sees text of models that were taught to answer, not of base models.",
        "10 % of the documents: the few bounds above 0 that halves of human sources got, ranked among those of other "
        "families, were all below it. It rests on both texts being of one source and one mix of subjects. A pass only "
        "says that no such share was shown.",
        "Vovk et al. 2005 (ranks among exchangeable rows); the score, the null pairs and the bound are ours",
        kind="absolute", limit=0.10, absent="needs trusted text of the same source (--reference)",
    ),
    Rule(
        "SYN002", "declared-share", "synthetic", _SHARE, "synthetic.share", "rises",
        "The share of generated text by adjusted classify and count, from labelled text of the same source and of a "
        "named generator that you give (contam mix --estimate --human --machine): approximate, and only if that is "
        "the generator.",
        "The whole interval at or above 10 %, as much as SYN001 asks of a bound.",
        "Gart & Buck 1966; Forman 2008 (adjusted count); Saerens et al. 2002 (the second estimate)",
        kind="drift", limit=0.10,
        absent="needs labelled text of the source and of a named generator (contam mix --estimate)",
    ),
    Rule(
        "CKP001", "generation-diversity", "checkpoint", _SHARE, "diversity.types", "falls",
        "Different words in what the checkpoint writes, at matched size, against its baseline's samples or human "
        "text of the same kind.",
        _POPULATION, "Herel & Mikolov 2024; Shumailov et al. 2024: rare events vanish first",
        subject="checkpoint",
    ),
    Rule(
        "CKP002", "entropy-gap", "checkpoint", _SHARE, "checkpoint.entropy_gap_drift", "rises",
        "How much the gap between the loss on human text and the model's own uncertainty about it has widened since "
        "the baseline (nats a token): 0 in a calibrated model, and it grows as a model gets sure of what is wrong.",
        "The whole interval at or above 0.1 nats: as much as the loss may drift.",
        "Braverman et al. 2020 (calibration of entropy rates)",
        kind="drift", limit=0.10, absent="needs a baseline (--baseline)", subject="checkpoint",
    ),
    Rule(
        "CKP003", "validation-drift", "checkpoint", _SHARE, "checkpoint.validation_drift", "rises",
        "How much worse the checkpoint predicts human text than its baseline does (nats a token, document by "
        "document).",
        "The whole interval at or above 0.1 nats: a perplexity 10.5 % higher.",
        "Herel & Mikolov 2024; Shumailov et al. 2024",
        kind="drift", limit=0.10, absent="needs a baseline (--baseline)", subject="checkpoint",
    ),
    Rule(
        "MIX001", "forecast-vocabulary", "mixture", "whole", "mixture.vocabulary_retained", "falls",
        "The share of the vocabulary of a real corpus of the same size that the last generation of a recursion with "
        "this mixture still has, by the forecast of `contam mix` (a model forecast, not a measurement).",
        "90 %, and 60 % below which it fails. In recursions of n-gram models (three corpora at 30,000 words, two at "
        "300,000; replace and mixes) the loss on held-out human text rose 0.8 to 1.5 times -ln(retained): 0.1 nats a "
        "token, the drift at which CKP003 warns, at about 90 %, and 0.5 nats at 56 to 71 %.",
        "Suresh et al. 2024 (the words a recursion loses); the formulas are ours",
        kind="floor", limit=0.90, absent="no forecast was made", subject="mixture", fail_limit=0.60,
    ),
)


def find_rule(rule_id: str) -> Rule:
    """The rule of that id or name; an unknown one is a usage error that names the nearest."""
    wanted = rule_id.strip().lower()
    for rule in RULES:
        if wanted in (rule.id.lower(), rule.name):
            return rule
    known = [rule.id for rule in RULES] + [rule.name for rule in RULES]
    spelled = {name.lower(): name for name in known}
    near = [spelled[name] for name in get_close_matches(wanted, spelled, n=1, cutoff=0.4)]
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"no rule {rule_id!r}{hint} (`contam rule` lists them all)")


def apply_rules(
    signals: Mapping[str, Figure],
    whole: Mapping[str, Figure],
    loops: bool | None = None,
    subject: str = "corpus",
) -> tuple[RuleResult, ...]:
    """Every rule for a ``corpus`` or ``checkpoint`` applied to its figures, in the order of the table.

    ``loops`` is what the verdict's loop rule found, which sees more than the share of documents (how much
    text loops, how much of it is no words); REP001 then says the same. None leaves REP001 to its own limit.
    """
    scopes = {"signals": signals, "whole": whole}
    wanted = (rule for rule in RULES if rule.subject == subject)
    results = (_judge(rule, scopes[rule.scope].get(rule.reads)) for rule in wanted)
    return tuple(result if loops is None else _agreeing(result, loops) for result in results)


def failing(results: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """The rules that warn or fail, failures first."""
    loud = [result for result in results if result.status in ("warn", "fail")]
    return tuple(sorted(loud, key=lambda result: result.status != "fail"))


def _judge(rule: Rule, figure: Figure | None) -> RuleResult:
    if figure is None:
        return _skipped(rule, None, rule.absent)
    if figure.value is None:
        return _skipped(rule, None, figure.reason or "could not be measured")
    limit = _limit(rule, figure)
    if limit is None:
        return _skipped(rule, figure.value, figure.reason or "no reference population to compare with")
    if rule.kind == "drift" and figure.interval is None:
        return _skipped(rule, figure.value, "too little text for an interval")
    breached = _breached(rule, figure, limit) and _concerned(rule, figure) >= rule.least
    status = rule.status if breached else "pass"
    if rule.fail_limit is not None and rule.breached(figure.value, rule.fail_limit):
        status, limit = "fail", rule.fail_limit
    message = _sentence(rule, figure, limit, breached)
    return RuleResult(rule.id, rule.name, status, figure.value, limit, message)


def _breached(rule: Rule, figure: Figure, limit: float) -> bool:
    """Whether the value, or the lower end of a drift's interval, is beyond the limit on the side that it is of."""
    if figure.value is None:
        return False
    if rule.direction == "both":
        return figure.value < limit if _below(rule, figure) else figure.value > limit
    whole = rule.kind == "drift" or _without_null(rule, figure)
    return rule.breached(figure.interval[0] if whole and figure.interval else figure.value, limit)


def _agreeing(result: RuleResult, loops: bool) -> RuleResult:
    """REP001 as the verdict sees it; every other rule as it is."""
    if result.id != "REP001" or result.status == "skipped" or (result.status == "fail") == loops:
        return result
    if loops:
        return replace(result, status="fail", message=f"{result.message}; they are half of the text or more")
    why = f"{result.message}, but over 45 % of the other tokens are numbers and signs, where repetition is ordinary"
    return replace(result, status="skipped", limit=None, message=f"skipped: {why}")


def _skipped(rule: Rule, value: float | None, reason: str) -> RuleResult:
    return RuleResult(rule.id, rule.name, "skipped", value, None, f"skipped: {reason}")


def _limit(rule: Rule, figure: Figure) -> float | None:
    """The limit on the side that matters; of two-sided rules the one on the value's side."""
    if rule.kind in ("absolute", "drift", "floor") or _without_null(rule, figure):
        return rule.limit
    if figure.limits is None or figure.value is None:
        return None
    if rule.kind == "null":
        return max(rule.limit, figure.limits[1])
    return figure.limits[0] if _below(rule, figure) else figure.limits[1]


def _without_null(rule: Rule, figure: Figure) -> bool:
    """Whether a drift was measured without splits that it could exceed: its interval has to do."""
    return rule.kind == "null" and figure.limits is None and figure.interval is not None


def _below(rule: Rule, figure: Figure) -> bool:
    """Whether it is the lower limit that counts."""
    if rule.direction != "both" or figure.limits is None or figure.value is None:
        return rule.direction == "falls"
    return figure.value < sum(figure.limits) / 2


def _concerned(rule: Rule, figure: Figure) -> float:
    """How many documents a share of documents stands for; unlimited where the rule sets no least number."""
    if rule.least == 0 or figure.documents is None or figure.value is None:
        return float("inf")
    return round(figure.value * figure.documents)


def _sentence(rule: Rule, figure: Figure, limit: float, breached: bool) -> str:
    value = written(figure.value, rule.reads)
    whose = "the references' 1 % limit" if rule.kind == "reference" else "the limit"
    whole = rule.kind == "drift" or _without_null(rule, figure)
    ranked = rule.kind in ("reference", "null", "floor") and not whole
    side = ("below" if _below(rule, figure) else "above") if ranked else "at or above"
    few = ""
    if not breached and rule.kind == "absolute" and figure.value is not None and rule.breached(figure.value, limit):
        breached, few = True, f", but in fewer than {rule.least} documents"
    if whole and figure.interval is not None:
        value += f" ({written(figure.interval[0])} to {written(figure.interval[1])})"
        whose = "the limit" if breached else "the limit with its whole interval"
    verb = f"{side} {whose}" if breached else f"not {side} {whose}"
    return f"{name_of(rule.reads)} {value} is {verb} of {written(limit, rule.reads)}{few}"
