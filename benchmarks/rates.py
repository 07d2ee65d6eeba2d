"""Error rates of the verdict: every source judged as if it came from a domain the references do not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from vectors import Figures, Table

from contam import pairing, rows, scope, verdict
from contam.profile import Profile
from contam_metrics import conformal

Matrix = np.ndarray


@dataclass
class Rates:
    """What a test did: ``alarms`` and ``collapsing`` by source name (True where raised), ``refused`` the sources
    that the scope gate turned away, and the shares found by kind of collapsing text."""

    domains: dict[str, str]
    alarms: dict[str, bool] = field(default_factory=dict)
    collapsing: dict[str, bool] = field(default_factory=dict)
    own: dict[str, bool] = field(default_factory=dict)
    """Alarms where only the source itself is left out, its domain not."""
    refused: list[str] = field(default_factory=list)
    found: dict[str, tuple[float, float, float, int]] = field(default_factory=dict)
    """kind -> (share at risk or worse, share collapsing, share refused, sources)."""

    @property
    def false(self) -> float:
        """Share of the human sources that are judged, and raise an alarm, with their domain left out."""
        return sum(self.alarms.values()) / self.judged

    @property
    def judged(self) -> int:
        """How many human sources were not refused."""
        return len(self.alarms) - len(self.refused)

    def by_domain(self) -> dict[str, tuple[int, int]]:
        """(alarms, sources judged) of each domain."""
        out: dict[str, list[int]] = {}
        for name, alarm in self.alarms.items():
            entry = out.setdefault(self.domains[name], [0, 0])
            entry[0] += alarm
            entry[1] += name not in self.refused
        return {d: (a, n) for d, (a, n) in sorted(out.items())}


Scheme = Callable[[list[Figures]], conformal.Ranked]


def chosen(texts: list[Figures]) -> conformal.Ranked:
    """The population test as it is: the last text among the others."""
    table = rows.population_rows(texts)
    return conformal.directed(table[:, :1], table[:, 1], table[:, 2:], rows.COPYING_WEIGHT)


def first_scheme(texts: list[Figures]) -> conformal.Ranked:
    """The scheme that was started from: T = -f1/V, half of the copying, six covariates."""
    table = np.array([_first_row(f) for f in texts])
    return conformal.directed(table[:, :1], table[:, 1], table[:, 2:], 0.5)


def _first_row(f: Figures) -> list[float]:
    style = rows.style_row(f)
    return [-f["tail.hapax_types"], rows.copying(f), -np.log(f["diversity.types"]), *style]


def _texts(profile: Profile, values: Matrix) -> list[Figures]:
    return [dict(zip(profile.columns, row)) for row in values.tolist()]


def population(profile: Profile, size: int, collapsing: dict[str, Table], scheme: Scheme = chosen) -> Rates:
    """False alarms and detection of the population test at one size."""
    matched = profile.sizes[size]
    names = [profile.sources[i].name for i in matched.rows]
    domains = np.array(profile.domains(size))
    human = _texts(profile, matched.values)
    vouching = scope.vouching(profile, size)
    out = Rates(dict(zip(names, domains)))
    for i, name in enumerate(names):
        others = _unknown(domains, i) & vouching
        ranked = scheme([*(human[k] for k in np.flatnonzero(others)), human[i]])
        near = np.sort(scope.distances(matched.words[i], matched.words[others]))[scope.NEIGHBOUR - 1]
        inside = bool(vouching[i] and near <= scope.DISTANCE)
        if not inside:
            out.refused.append(name)
        out.alarms[name], out.collapsing[name] = _levels(ranked, inside, others.sum())
    scores = np.full(len(human), np.inf)
    scores[vouching] = scheme([h for h, v in zip(human, vouching) if v]).scores
    out.own = {
        n: bool(v and (scores[vouching] >= s).mean() <= verdict.AT_RISK) for n, s, v in zip(names, scores, vouching)
    }
    for kind in _kinds(collapsing, "one", size):
        texts = [collapsing.get(name, {}).get(f"one/{kind}/{size}") for name in names]
        out.found[kind] = _detected(texts, human, vouching, scheme, profile.templated)
    return out


def _unknown(domains: Matrix, row: int) -> Matrix:
    """The rows of other domains; of all other sources where there is only one domain."""
    far = domains != domains[row]
    return far if far.any() else np.arange(len(domains)) != row


def _detected(
    texts: list[Figures | None], human: list[Figures], vouching: Matrix, scheme: Scheme, templated: float
) -> tuple[float, float, float, int]:
    """Shares of the collapsing texts that are found, surely found, and refused, each without its own source."""
    results = []
    for i, text in enumerate(texts):
        if text:
            others = [human[k] for k in np.flatnonzero(vouching) if k != i]
            inside = text["scope"] <= scope.DISTANCE and text["duplicates.cross_13"] <= templated
            results.append((*_levels(scheme([*others, text]), inside, len(others)), not inside))
    return (*(float(x) for x in np.mean(results, axis=0)), len(results))


def _levels(ranked: conformal.Ranked, inside: bool, references: int) -> tuple[bool, bool]:
    certain = ranked.p_value <= verdict.COLLAPSING and ranked.score >= verdict.COLLAPSING_SCORE
    return (
        bool(inside and ranked.p_value <= verdict.AT_RISK),
        bool(inside and certain and references >= verdict.COLLAPSING_SOURCES),
    )


def _kinds(collapsing: dict[str, Table], design: str, size: int) -> list[str]:
    keys = {key.split("/")[1] for table in collapsing.values() for key in table if key.startswith(f"{design}/")}
    return sorted(keys, key=lambda k: (k[0], int(k[1:])))


def paired(profile: Profile, size: int, collapsing: dict[str, Table]) -> Rates:
    """False alarms and detection of the paired test at one size."""
    matched = profile.sizes[size]
    names = [profile.sources[i].name for i in matched.pair_rows]
    domains = np.array([profile.sources[i].domain for i in matched.pair_rows])
    first, second = _texts(profile, matched.first), _texts(profile, matched.second)
    out = Rates(dict(zip(names, domains)))

    def judged(others: Iterable[int], before: Figures, after: Figures) -> tuple[bool, bool]:
        keep = list(others)
        ranked = pairing.pair_ranks([*(first[k] for k in keep), before], [*(second[k] for k in keep), after])
        level = pairing._level(ranked, len(keep), size)
        return level.severity >= 1, level.severity == 2

    for i, name in enumerate(names):
        own = [k for k in range(len(names)) if k != i]
        far = np.flatnonzero(_unknown(domains, i))
        out.alarms[name], out.collapsing[name] = judged(far, first[i], second[i])
        out.own[name] = judged(own, first[i], second[i])[0]
    for kind in _kinds(collapsing, "pair", size):
        results = []
        for i, name in enumerate(names):
            text = collapsing.get(name, {}).get(f"pair/{kind}/{size}")
            if text:
                own = [k for k in range(len(names)) if k != i]
                results.append((*judged(own, first[i], text), False))
        out.found[kind] = (*(float(x) for x in np.mean(results, axis=0)), len(results))
    return out
