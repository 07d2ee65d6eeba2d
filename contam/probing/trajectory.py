"""Checkpoints in order: which of them give alarm, which figures have turned, and how far ahead of the loss.

Everything is compared with the first checkpoint, the baseline.

Alarms: with G later checkpoints each may give a false alarm, so each is held to .05 / G (Bonferroni). A p-value of the
paired judgement is twice the smaller of two ranks among R null pairs (`contam.pairing.Paired`), so it is never below
2 / (R + 1): where that is more than .05 / G, it is the limit, and the series may raise a false alarm more often than
in .05 of cases; 40 G - 1 pairs avoid that.

Turns: a figure has turned at the first checkpoint from which it is beyond its limit there and at the next two
measured ones, or at all that are left. The last checkpoint alone therefore counts when it is the first one beyond,
because nothing later could take it back: such a turn is not confirmed yet (`unconfirmed`). A checkpoint at which a
figure could not be measured neither takes a turn back nor confirms it.

Limits, all against the baseline and towards collapse:

    validation, entropy gap     the whole 95 % interval of the drift at or above .10 nats
    next-token entropy          the same on either side
    own entropy                 the whole interval of the drift at or below -.10 of the baseline's value
    calibration error (ECE)     .05 higher; it has no interval
    signals of the samples      beyond 1 % of the null pairs, moved to the baseline's value

False alarms, measured by ``python benchmarks/trajectory.py`` (8,000 series of made-up normal noise, all checkpoints
against one baseline). With 106 pairs a series of 2, 5, 12 unchanged checkpoints raises an alarm in 3 %, 7 %, 13 % of
cases (bounds: 5 %, 9 %, 22 %), with 479 pairs in 5 %, 4 %, 4 %. A signal that nothing moves turns in 2 % of series,
mostly at the last checkpoint alone; in .4 %, .4 %, .8 % before it; any of twenty independent ones before it in 7 %,
8 %, 15 %. The sign-flip test at .05 calls a random walk risen in 3 % (6 values) and 4 % (10), mere noise in .1 % or
less. It needs increments that are symmetric about 0: a walk of many small rises and few deep falls (lognormal) is
called risen in 16 % to 21 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from contam.probing.result import Checkpoint, Drift, Estimate, TextScore, Trajectory, Turn
from contam.reports.escape import visible
from contam.result import Figure
from contam.wording import name_of

FAMILY_RATE = 0.05
DRIFT_LIMIT = 0.10
"""Nats a token: a perplexity 10.5 % higher."""
OWN_LIMIT = 0.10
"""Share of the baseline's own entropy."""
ECE_LIMIT = 0.05
VALIDATION, OWN = "validation.", "own_entropy"
FEWEST = 4
"""Values that the sign-flip test asks for."""
EXACT = 16
"""Increments up to which every pattern of signs is tried."""
DRAWS = 100_000
_CHUNK = 10_000
_LATER = 2
_OF_MODEL = "checkpoint."
_LONGEST = 28
_NAMES = {
    "validation": "loss on {}",
    "entropy_gap": "entropy gap on {}",
    "next_token_entropy": "next-token entropy on {}",
    "ece": "calibration error on {}",
}


@dataclass(frozen=True, slots=True)
class Course:
    """One figure over the checkpoints: its values, and on which side beyond its limit each one is.

    ``sides``: 0 within, 1 above, -1 below, None where it could not be judged; the baseline is within by definition.
    """

    key: str
    direction: str
    values: tuple[float | None, ...]
    sides: tuple[int | None, ...]

    @property
    def judged(self) -> bool:
        """Whether any later checkpoint could be judged."""
        return any(side is not None for side in self.sides[1:])

    @property
    def turned(self) -> int | None:
        """Since which checkpoint it is beyond its limit: see the module."""
        for index, side in enumerate(self.sides):
            stays = [later for later in self.sides[index:] if later is not None][: _LATER + 1]
            if side and all(later == side for later in stays):
                return index
        return None


def trajectory(checkpoints: Sequence[Checkpoint], pairs: int | None) -> Trajectory | None:
    """The trajectory of checkpoints in order, the baseline first; None below two.

    ``pairs``: among how many null pairs the p-values of the samples are ranked, None where they are not p-values of a
    comparison with the baseline: then none of them gives alarm.
    """
    if len(checkpoints) < 2:
        return None
    later = len(checkpoints) - 1
    p_values = (None, *(checkpoint.generation.verdict.p_value for checkpoint in checkpoints[1:]))
    level = alarm_level(later, pairs)
    found = courses(checkpoints)
    turns = _turns([course for course in found if course.judged], checkpoints[0])
    return Trajectory(
        names=tuple(checkpoint.name for checkpoint in checkpoints),
        steps=tuple(checkpoint.step for checkpoint in checkpoints),
        levels=tuple(checkpoint.level.value for checkpoint in checkpoints),
        p_values=p_values,
        alarm_level=level,
        family_rate=min(1.0, later * level) if pairs else 1.0,
        alarms=tuple(i for i, p in enumerate(p_values) if pairs and p is not None and p <= level * (1 + 1e-9)),
        failed=_failed(checkpoints),
        turns=turns,
        notes=(*_alarm_notes(later, pairs), *_size_notes(checkpoints), *_turn_notes(found, turns, len(checkpoints))),
    )


def alarm_level(checkpoints: int, pairs: int | None) -> float:
    """The p-value at which one of so many later checkpoints gives alarm: .05 shared out, or the smallest there is."""
    return max(FAMILY_RATE / checkpoints, 2.0 / (pairs + 1) if pairs else 0.0)


def pairs_needed(checkpoints: int) -> int:
    """How many null pairs keep the rate of any false alarm among so many later checkpoints at .05."""
    return round(2 * checkpoints / FAMILY_RATE) - 1


def first_signatures(found: Trajectory) -> tuple[Turn, ...]:
    """The figures that turned first, losses on human text left out; none where nothing turned."""
    turns = [turn for turn in found.turns if turn.turned is not None and not turn.key.startswith(VALIDATION)]
    return tuple(turn for turn in turns if turn.turned == turns[0].turned)


def unconfirmed(found: Trajectory) -> tuple[Turn, ...]:
    """The figures that are beyond their limits at the last checkpoint only."""
    return tuple(turn for turn in found.turns if turn.turned == len(found.names) - 1)


def place_of(found: Trajectory, index: int) -> str:
    """``step 200``, or the name of a checkpoint whose step is not known."""
    return called(found.names[index], found.steps[index])


def called(name: str, step: int | None) -> str:
    """``step 200``, or (the end of) the name where no step is known."""
    return brief(name) if step is None else f"step {step:,}"


def brief(name: str) -> str:
    """A name that is short enough for a sentence: of a path its end, which tells it from its neighbours."""
    shown = visible(name)
    return shown if len(shown) <= _LONGEST else f"...{shown[3 - _LONGEST :]}"


def title_of(key: str) -> str:
    """What a figure of a trajectory is called."""
    kind, _, text = key.partition(".")
    if kind in _NAMES:
        return _NAMES[kind].format(brief(text))
    return "entropy of own text" if key == OWN else name_of(key)


def sign_flip(values: Sequence[float | None], direction: str) -> float | None:
    """The p-value of the sign-flip test: has a series moved more than increments of random sign would move it?

    The statistic is the sum of the increments; p is the share of all patterns of signs whose sum is at least as large
    in the ``direction`` of collapse (``both``: in absolute value), so never below 2^-(n - 1). Above 16 increments,
    100,000 random patterns and the observed one stand for all. Exact where the increments are independent and
    symmetric about 0. None below four values or where one is missing.
    """
    known = [value for value in values if value is not None]
    if len(known) < FEWEST or len(known) < len(values):
        return None
    steps = np.diff(np.asarray(known, dtype=np.float64))
    reach = float(np.abs(steps).sum())
    found = steps.sum() * (-1.0 if direction == "falls" else 1.0)
    least = (abs(found) if direction == "both" else found) - 1e-9 * reach
    if len(steps) <= EXACT:
        sums = np.zeros(1)
        for step in steps:
            sums = np.concatenate([sums + step, sums - step])
        return float(_as_large(sums, least, direction) / len(sums))
    chance = np.random.default_rng(0)
    larger = 0
    for _ in range(DRAWS // _CHUNK):
        signs = 2.0 * chance.integers(0, 2, (_CHUNK, len(steps)), dtype=np.int8) - 1.0
        larger += _as_large(signs @ steps, least, direction)
    return (1 + larger) / (DRAWS + 1)


def _as_large(sums: np.ndarray, least: float, direction: str) -> int:
    return int(np.count_nonzero((np.abs(sums) if direction == "both" else sums) >= least))


def courses(checkpoints: Sequence[Checkpoint]) -> tuple[Course, ...]:
    """Every figure over the checkpoints: those of human texts, the entropy of own text, the signals of the samples."""
    names = dict.fromkeys(text.name for checkpoint in checkpoints for text in checkpoint.texts)
    found = [course for name in names for course in _of_text(name, checkpoints)]
    found += [_own(checkpoints)]
    keys = dict.fromkeys(key for checkpoint in checkpoints for key in samples_of(checkpoint))
    found += [_of_signal(key, checkpoints) for key in keys if _direction(key, checkpoints) in ("falls", "rises")]
    return tuple(course for course in found if any(value is not None for value in course.values))


def samples_of(checkpoint: Checkpoint) -> dict[str, Figure]:
    """The figures of the samples alone; those of the model, which the rules read beside them, are told elsewhere."""
    signals = checkpoint.generation.signals
    return {key: figure for key, figure in signals.items() if not key.startswith(_OF_MODEL)}


def _of_text(name: str, checkpoints: Sequence[Checkpoint]) -> list[Course]:
    """The four figures of one human text."""
    texts = [next((text for text in checkpoint.texts if text.name == name), None) for checkpoint in checkpoints]
    drifts = [text.drift if text else None for text in texts[1:]]
    floor = DRIFT_LIMIT
    nats = [_side(drift.nats if drift else None, None, floor) for drift in drifts]
    gaps = [_side(drift.gap if drift else None, None, floor) for drift in drifts]
    entropies = [_side(drift.entropy if drift else None, -floor, floor) for drift in drifts]
    errors = [_error_side(drift) for drift in drifts]
    same = [text if text and _same_tokens(text) else None for text in texts]
    entropy = _finite(text.entropy.value if text else None for text in same)
    return [
        Course(VALIDATION + name, "rises", _losses(texts), (0, *nats)),
        Course(f"entropy_gap.{name}", "rises", _finite(text.gap.value if text else None for text in same), (0, *gaps)),
        Course(f"next_token_entropy.{name}", "both", entropy, (0, *entropies)),
        Course(f"ece.{name}", "rises", _finite(text.ece if text else None for text in same), (0, *errors)),
    ]


def _losses(texts: Sequence[TextScore | None]) -> tuple[float | None, ...]:
    """The loss in nats a token of the baseline's tokenizer: with another one, the baseline's loss and the drift."""
    base = texts[0].nats.value if texts and texts[0] else None
    found: list[float | None] = []
    for text in texts:
        if text is None or text.drift is None or text.drift.same_tokens:
            found.append(text.nats.value if text else None)
        else:
            found.append(None if base is None else base + text.drift.nats.value)
    return _finite(found)


def _same_tokens(text: TextScore) -> bool:
    return text.drift is None or text.drift.same_tokens


def _own(checkpoints: Sequence[Checkpoint]) -> Course:
    written = [checkpoint.generation for checkpoint in checkpoints]
    floor = -OWN_LIMIT * abs(written[0].own.value)
    sides = [_side(generation.own_drift, floor, None) for generation in written[1:]]
    # Without a drift the tokens are of another kind, and nats a token no longer the same figure.
    known = [written[0].own.value, *(g.own.value if g.own_drift else None for g in written[1:])]
    return Course(OWN, "falls", _finite(known), (0, *sides))


def _of_signal(key: str, checkpoints: Sequence[Checkpoint]) -> Course:
    figures = [checkpoint.generation.signals.get(key) for checkpoint in checkpoints]
    paired = [checkpoint.generation.reference.paired for checkpoint in checkpoints]
    sides = [_beyond(figure) if pair else None for figure, pair in zip(figures[1:], paired[1:])]
    values = _finite(_same_sized(figures))
    return Course(key, _direction(key, checkpoints), values, (0, *sides))


def _same_sized(figures: Sequence[Figure | None]) -> list[float | None]:
    """The values at the most usual matched size (the larger of equals): figures of other sizes are other figures. Each
    one's limits are of its own size, so whether it lies beyond them is not touched."""
    sizes = Counter(figure.matched_tokens for figure in figures if figure and figure.matched_tokens)
    usual = max(sizes, key=lambda size: (sizes[size], size), default=None)
    return [figure.value if figure and figure.matched_tokens == usual else None for figure in figures]


def _direction(key: str, checkpoints: Sequence[Checkpoint]) -> str:
    figures = (checkpoint.generation.signals.get(key) for checkpoint in checkpoints)
    return next(figure.direction for figure in figures if figure is not None)


def _beyond(figure: Figure | None) -> int | None:
    """On which side beyond its limits a figure is; only the side of collapse counts."""
    if figure is None or figure.value is None or figure.limits is None:
        return None
    if figure.direction == "falls":
        return -int(figure.value < figure.limits[0])
    return int(figure.value > figure.limits[1])


def _side(drift: Estimate | None, low: float | None, high: float | None) -> int | None:
    """1 where the whole interval is at or above ``high``, -1 where at or below ``low``; None without an interval."""
    if drift is None or drift.interval is None or any(math.isnan(end) for end in drift.interval):
        return None
    if high is not None and drift.interval[0] >= high:
        return 1
    return -int(low is not None and drift.interval[1] <= low)


def _error_side(drift: Drift | None) -> int | None:
    if drift is None or drift.ece is None or math.isnan(drift.ece):
        return None
    return int(drift.ece >= ECE_LIMIT)


def _finite(values: Iterable[float | None]) -> tuple[float | None, ...]:
    """Values as they are, those that are no number as None."""
    return tuple(value if value is not None and math.isfinite(value) else None for value in values)


def _turns(found: Sequence[Course], baseline: Checkpoint) -> tuple[Turn, ...]:
    """The turns, the earliest first."""
    first = VALIDATION + baseline.texts[0].name if baseline.texts else ""
    failure = next((course.turned for course in found if course.key == first), None)
    turns = []
    for course in found:
        at = course.turned
        lead = failure - at if failure is not None and at is not None else None
        p = sign_flip(course.values, course.direction)
        turns.append(Turn(course.key, course.direction, course.values, at, lead, p))
    return tuple(sorted(turns, key=lambda turn: (math.inf if turn.turned is None else turn.turned, turn.key)))


def _failed(checkpoints: Sequence[Checkpoint]) -> int | None:
    """The first checkpoint whose drift on the first text is .10 nats or more, interval or not."""
    for index, checkpoint in enumerate(checkpoints[1:], 1):
        drift = checkpoint.texts[0].drift if checkpoint.texts else None
        if drift is not None and drift.nats.value >= DRIFT_LIMIT:
            return index
    return None


def _alarm_notes(later: int, pairs: int | None) -> tuple[str, ...]:
    if not pairs:
        return ("no alarms: the samples have no p-value of a comparison with the baseline",)
    if pairs >= pairs_needed(later):
        return ()
    level = alarm_level(later, pairs)
    return (
        f"{pairs:,} null pairs give no p-value below {2 / (pairs + 1):.3f}, so alarms of {later} checkpoints are held "
        f"to {level:.3f} each: up to {100 * min(1.0, later * level):.0f} % of series without any change would raise "
        f"one; {pairs_needed(later):,} pairs would keep that at {100 * FAMILY_RATE:.0f} %",
    )


def _size_notes(checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """A remark where the samples reached different matched sizes."""
    sizes = sorted({c.generation.reference.matched_tokens or 0 for c in checkpoints} - {0})
    if len(sizes) < 2:
        return ()
    told = " and ".join(f"{size:,}" for size in sizes)
    return (f"samples reached {told} matched words: figures of them are shown at the most usual size only",)


def _turn_notes(found: Sequence[Course], turns: Sequence[Turn], length: int) -> tuple[str, ...]:
    notes = []
    if silent := [title_of(course.key) for course in found if not course.judged]:
        named = ", ".join(silent[:3]) + (f" and {len(silent) - 3} more" if len(silent) > 3 else "")
        notes.append(f"without a limit to turn at (no interval, or not compared with the baseline): {named}")
    last = [turn for turn in turns if turn.turned == length - 1]
    if last and length > 2:
        count = "1 figure is" if len(last) == 1 else f"{len(last)} figures are"
        notes.append(f"{count} beyond the limit at the last checkpoint only; a later one has to confirm it")
    if length >= FEWEST and 0.5 ** (length - 1) > FAMILY_RATE:
        notes.append(
            f"with {length} checkpoints the sign-flip test cannot give less than {0.5 ** (length - 1):.3f}; "
            "six can show .05"
        )
    return tuple(notes)
