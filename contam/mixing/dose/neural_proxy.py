"""Dose-response by small neural models: GPT-2-shaped, trained from scratch on each mixture, several seeds each.

Every model takes the same number of steps on windows drawn from its own text, so compute is matched and passes are not:
in the design of fixed real text, an arm with more text reads each token fewer times. What such an arm tells is whether
new synthetic text is worth more or less than reading the real text once more. How many steps there are follows from the
largest text of the fixed-total design (`PASSES`): models of little text would otherwise learn it by heart, and any
other text would help against that.

Seed s of all arms begins with the same weights, draws its documents in the same order and writes with the same random
numbers. A model's text, for its signals and for the next generation, is streams of `STREAM` tokens that begin as a
document does and go through as many documents as the model ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import Words
from contam.mixing.dose.ngram_proxy import signals_of_words
from contam.mixing.dose.response import REAL, SYNTHETIC, Arm, Measured, drawn
from contam.mixing.dose.texts import Texts
from contam.mixing.options import SHARES, Event, MixOptions, Watch
from contam.mixing.result import FIXED_TOTAL
from contam.models.decode import generate
from contam.models.gpt2 import GPT2
from contam.models.loading import device_of
from contam.models.noise import uniforms
from contam.models.sampling import Sampling
from contam.perplexity.proxy import ProxySettings, Replica, Tell, scored, tokenizer, trained

Ids = NDArray[np.int64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SETTINGS = ProxySettings(spread=0.1)
"""Of the models. Their first weights lie wider apart than those of the drift: from small ones it is learned late and
all of a sudden which word follows which, by some seeds within the steps there are and not by others."""
END = 0
"""The token that ends a document."""
USUAL_SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
USUAL_TOKENS, USUAL_ROUNDS, MOST_ROUNDS = 30_000, 1, 2
PASSES = 5.0
"""Times that a model reads a text of the fixed total, on average, where `ProxySettings.steps` allow it."""
LEAST_STEPS = 50
STREAM = 512
"""Tokens that are written in one go."""
OUTPUT, WORDS = 20_000, 10_000
"""Tokens that each model writes to be measured, and how many words of them are."""
MOST_SEEDS = 1000
ROWS_CPU, ROWS_GPU = 512, 1 << 14
"""Streams that are written side by side, over all replicas."""
GROUP_CPU, GROUP_GPU = 4, 256
"""Replicas that are trained side by side. A CPU's caches hold no more, and each would take longer
(`benchmarks/neural_doses.py`)."""


def neural_settings(options: MixOptions) -> MixOptions:
    """The options with sizes that take minutes instead of hours: where the user has left a setting as it was, fewer
    shares, tokens and further generations than n-grams get, of which there are never more than `MOST_ROUNDS`. Seeds are
    not saved: the interval of an effect at five of them is little more than half as wide as at three."""
    usual = MixOptions()
    return replace(
        options,
        shares=USUAL_SHARES if options.shares == SHARES else options.shares,
        size=USUAL_TOKENS if options.size == usual.size else options.size,
        rounds=USUAL_ROUNDS if options.rounds == usual.rounds else min(options.rounds, MOST_ROUNDS),
    )


@dataclass(frozen=True, slots=True)
class Side:
    """The documents of a side as tokens, each with its end token: ``ids`` int64[tokens], ``bounds`` int64[D + 1]."""

    ids: Ids
    bounds: Ints

    @property
    def lengths(self) -> Ints:
        """Tokens of each document."""
        return np.diff(self.bounds)

    def draw(self, tokens: int, side: str, seed: int) -> Ids:
        """So many tokens of documents in the order of a seed."""
        rows, _ = drawn(self.lengths, tokens, side, seed)
        parts = [self.ids[self.bounds[row] : self.bounds[row + 1]] for row in rows]
        return np.concatenate([np.zeros(0, np.int64), *parts])[:tokens]


@dataclass(frozen=True, slots=True)
class Mixture:
    """Tokens of both sides in a training text; ``writes``: whether its models write and have later generations."""

    real: int
    synthetic: int
    writes: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is to be trained: the number of its seed, its text, and how many tokens it is to write after."""

    seed: int
    text: Ids
    writes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a model: nats of each held-out document, float64[documents], and the tokens that it wrote."""

    nats: Floats
    written: Ids


@dataclass(slots=True)
class Plan:
    """All that is to be trained: every mixture with every seed, then ``rounds`` generations of those that write.
    ``done`` models are finished."""

    mixtures: tuple[Mixture, ...]
    seeds: int
    rounds: int
    settings: ProxySettings
    watch: Watch
    done: int = 0

    @property
    def going(self) -> tuple[int, ...]:
        """The mixtures that have later generations."""
        return tuple(i for i, one in enumerate(self.mixtures) if one.writes and one.synthetic and self.rounds)

    @property
    def total(self) -> int:
        """Models altogether."""
        return self.seeds * (len(self.mixtures) + self.rounds * len(self.going))

    def tell(self, phase: str, done: float) -> None:
        """Tell how many models are done."""
        self.watch(Event(phase, done, self.total, "models"))

    def told(self, models: int) -> Tell:
        """How a group of models tells of its training."""
        tokens = self.settings.steps * self.settings.batch * self.settings.context
        return lambda phase, seen: self.tell(phase, self.done + min(seen / tokens, models))


class NeuralProxy:
    """A `contam.mixing.dose.response.Proxy` of small networks over the pieces of the embedded tokenizer, which can
    write any text. ``settings``: of the models; their ``steps`` are the most taken, their ``seeds`` do not count.
    InputError where the device or the precision that the options ask for is not there."""

    name, unit = "neural", "token"

    def __init__(self, texts: Texts, options: MixOptions, settings: ProxySettings | None = None) -> None:
        self.options, self.settings = options, settings or SETTINGS
        self.device = device_of(options.device, options.precision)
        self.pieces = tokenizer()
        self._sides = {REAL: self._side(texts.real), SYNTHETIC: self._side(texts.synthetic)}
        self._held = list(self.pieces.encode_many(texts.held_out))

    @property
    def sizes(self) -> tuple[int, int]:
        """Tokens of the real and of the synthetic text, ends of documents counted."""
        return len(self._sides[REAL].ids), len(self._sides[SYNTHETIC].ids)

    @property
    def held_out(self) -> Ints:
        """Tokens of each held-out document, without its end."""
        return np.array([len(ids) for ids in self._held], np.int64)

    def measure(self, arms: Sequence[Arm], seeds: int, rounds: int, watch: Watch) -> Measured:
        """Train every arm with every seed and predict the held-out text; arms of the fixed total write and go on.

        Arms of equal tokens are trained once. ValueError for arms that the texts do not reach, and for those that are
        no longer than a window of the model.
        """
        plan, rows = planned(arms, seeds, min(rounds, MOST_ROUNDS), self.settings, watch)
        found = self._trained(plan, self._first(plan), 0)
        nats = np.stack([one.nats for one in found]).reshape(len(plan.mixtures), seeds, -1)
        output = [self._signals(found[i * seeds : (i + 1) * seeds]) for i in range(len(plan.mixtures))]
        later = self._later(plan, found)
        own = [output[row] if arm.design == FIXED_TOTAL else {} for row, arm in zip(rows, arms)]
        later = np.where([[arm.design == FIXED_TOTAL] for arm in arms], later[rows], np.nan)
        return Measured(nats[rows], tuple(own), later, self._notes(plan, rounds))

    def _side(self, texts: Sequence[str]) -> Side:
        parts = [np.append(ids, END) for ids in self.pieces.encode_many(texts)]
        bounds = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
        return Side(np.concatenate([np.zeros(0, np.int64), *parts]), bounds)

    def _text(self, one: Mixture, seed: int, written: Ids | None = None) -> Ids:
        """The training text of a mixture; ``written`` takes the place of the synthetic side."""
        name = self.options.seed * MOST_SEEDS + seed
        real = self._sides[REAL].draw(one.real, REAL, name)
        if written is not None:
            return np.concatenate([real, written[: one.synthetic]])
        return np.concatenate([real, self._sides[SYNTHETIC].draw(one.synthetic, SYNTHETIC, name)])

    def _first(self, plan: Plan) -> list[Model]:
        """Every mixture with every seed."""
        out = []
        for i, one in enumerate(plan.mixtures):
            least = one.synthetic if i in plan.going else 0
            writes = max(OUTPUT, least) if one.writes else 0
            out += [Model(seed, self._text(one, seed), writes) for seed in range(plan.seeds)]
        return out

    def _later(self, plan: Plan, found: list[Found]) -> Floats:
        """Nats a token of each later generation, float64[mixtures, rounds], mean over seeds."""
        out, total = np.full((len(plan.mixtures), plan.rounds), np.nan), float(self.held_out.sum())
        before = {(i, seed): found[i * plan.seeds + seed].written for i in plan.going for seed in range(plan.seeds)}
        for number in range(plan.rounds):
            last = number + 1 == plan.rounds
            models = []
            for (i, seed), written in before.items():
                one = plan.mixtures[i]
                models.append(Model(seed, self._text(one, seed, written), 0 if last else one.synthetic))
            ended = dict(zip(before, self._trained(plan, models, number + 1)))
            for i in plan.going:
                own = [ended[i, seed].nats.sum() / total for seed in range(plan.seeds)]
                out[i, number] = float(np.mean(own))
            before = {key: one.written for key, one in ended.items()}
        return out

    def _trained(self, plan: Plan, models: Sequence[Model], generation: int) -> list[Found]:
        """Train, predict and write, a group of models at a time."""
        out: list[Found] = []
        size = GROUP_CPU if self.device.name == "cpu" else GROUP_GPU
        for first in range(0, len(models), size):
            group = models[first : first + size]
            replicas = [Replica(one.text, one.seed) for one in group]
            network = trained(
                replicas, self.pieces.vocabulary, plan.settings, seed=self.options.seed, device=self.device,
                tell=plan.told(len(group)),
            )  # fmt: skip
            plan.done += len(group)
            nats = scored(network, self._held, plan.settings.context)
            written = self._written(plan, network, group, generation)
            out += [Found(own, text) for own, text in zip(nats, written)]
        return out

    def _written(self, plan: Plan, network: GPT2, group: Sequence[Model], generation: int) -> list[Ids]:
        """What each model of a group writes; those that write nothing leave the network first."""
        writing = [r for r, one in enumerate(group) if one.writes]
        out = [np.zeros(0, np.int64)] * len(group)
        if not writing:
            return out
        own = GPT2(
            plan.settings.config(self.pieces.vocabulary),
            {name: value.detach()[writing] for name, value in network.master.items()}, self.device,
        )  # fmt: skip
        seeds = [group[r].seed for r in writing]
        most = max(group[r].writes for r in writing)
        plan.tell("writing", plan.done)
        streams = self._streams(own, seeds, -(-most // STREAM), generation)
        for place, r in enumerate(writing):
            out[r] = streams[place, : group[r].writes]
        return out

    def _streams(self, network: GPT2, seeds: Sequence[int], count: int, generation: int) -> Ids:
        """Streams of each replica end to end, int64[replicas, count * STREAM]; the first ones of a longer count are
        those of a shorter one."""
        how = Sampling(STREAM, temperature=self.options.temperature, top_k=0, decoder="context")
        wide = max(1, (ROWS_CPU if self.device.name == "cpu" else ROWS_GPU) // len(seeds))
        parts = []
        for first in range(0, count, wide):
            numbers = range(first, min(first + wide, count))
            draws = [
                torch.stack([uniforms(STREAM, "mix", self.options.seed, seed, generation, n) for n in numbers])
                for seed in seeds
            ]
            prompt = torch.full((len(seeds), len(numbers), 1), END, device=self.device.name)
            text = generate(network, prompt, torch.stack(draws).to(self.device.name), how)
            parts.append(text[:, :, 1:].reshape(len(seeds), -1).cpu().numpy())
        return np.concatenate(parts, axis=1)

    def _signals(self, models: Sequence[Found]) -> Mapping[str, float]:
        """Signals of what models write, mean over seeds; none where they wrote nothing."""
        wrote = [self._documents(one.written[:OUTPUT]) for one in models if len(one.written)]
        found = [signals_of_words(_first_words(Words(texts).encode(texts))) for texts in wrote]
        known = [name for name in (found[0] if found else ()) if all(name in one for one in found)]
        return {name: float(np.mean([one[name] for one in found])) for name in known}

    def _documents(self, ids: Ids) -> list[str]:
        """The documents of a stream."""
        edges = [-1, *np.flatnonzero(ids == END).tolist(), len(ids)]
        return [self.pieces.decode(ids[a + 1 : b].tolist()) for a, b in pairwise(edges) if b > a + 1]

    def _notes(self, plan: Plan, rounds: int) -> tuple[str, ...]:
        given = plan.settings
        seen = given.steps * given.batch * given.context
        notes = [
            f"every model takes {given.steps:,} steps and reads {seen:,} tokens, whatever the length of its text: with "
            "the same real text, more synthetic text means that the real text is read less often"
        ]
        if rounds > plan.rounds:
            notes.append(f"small networks are followed for {plan.rounds} further generations, not {rounds}")
        return tuple(notes)


def _first_words(text: Encoded) -> Encoded:
    """The first `WORDS` words: signals of texts of different lengths cannot be compared."""
    bounds = np.unique(np.minimum(text.bounds, WORDS))
    return Encoded(text.ids[: bounds[-1]], bounds)


def planned(
    arms: Sequence[Arm], seeds: int, rounds: int, settings: ProxySettings, watch: Watch
) -> tuple[Plan, list[int]]:
    """What is to be trained, and which of its mixtures each arm is."""
    sizes = [(arm.real_tokens, arm.synthetic_tokens) for arm in arms]
    total = {size for size, arm in zip(sizes, arms) if arm.design == FIXED_TOTAL}
    different = list(dict.fromkeys(sizes))
    mixtures = tuple(Mixture(*size, size in total) for size in different)
    longest = max(map(sum, total or different))
    wanted = round(PASSES * longest / (settings.batch * settings.context))
    steps = min(settings.steps, max(LEAST_STEPS, wanted))
    return Plan(mixtures, seeds, rounds, replace(settings, steps=steps), watch), [different.index(s) for s in sizes]
