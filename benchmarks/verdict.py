"""The study behind the verdict: ``python benchmarks/verdict.py`` writes its tables into docs/verdict.md.

False alarms with a source's whole domain left out, detection of recursion and mixtures, population and paired,
and what becomes of text that the references cannot vouch for. The rates that reports print go into the
profiles. Needs the shared development data; figures of collapsing text are kept under build/.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import others
import profiles
import rates
import sources
import vectors

import contam
from contam import judging, verdict
from contam.profile import Profile, builtin, save
from contam.profiling import halves
from contam_metrics.segments import segments_of_texts

DOCS = Path(__file__).parents[1] / "docs" / "verdict.md"
SIZES = (5_000, 10_000, 20_000)
KINDS = ("g1", "g3", "g10", "m10", "m25", "m50")
TITLES = ("gen. 1", "gen. 3", "gen. 10", "10 % of g5", "25 %", "50 %")

Row = Sequence[object]


def table(head: Row, body: Iterable[Row]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def put(name: str, text: str) -> None:
    """Replace what stands between the markers of one table in the documentation."""
    page = DOCS.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.S)
    if not pattern.search(page):
        raise SystemExit(f"docs/verdict.md has no place for {name}")
    DOCS.write_text(pattern.sub(lambda m: f"{m[1]}{text}\n{m[2]}", page), encoding="utf-8")


def made(found: list[sources.Source], profile: Profile) -> dict[str, vectors.Table]:
    """Figures of collapsing text of every source in the profile."""
    known = {s.name for s in profile.sources}
    out = {}
    for i, source in enumerate(s for s in found if s.name in known):
        out[source.name] = vectors.vectors(source, profile, tuple(n for n in SIZES if n in profile.sizes))
        print(f"\r{profile.name} {i + 1}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def shares(found: rates.Rates, level: int) -> list[str]:
    """Detection by kind: level 0 at risk or worse, 1 collapsing, 2 refused as out of scope."""
    return [f"{found.found[k][level]:.2f}" if k in found.found else "-" for k in KINDS]


def rows(by_size: dict[int, rates.Rates]) -> list[Row]:
    """Two lines a size: alarms, and collapsing."""
    out: list[Row] = []
    for size, found in by_size.items():
        n, false = found.judged, sum(found.alarms.values())
        certain = sum(found.collapsing.values())
        own = sum(found.own.values())
        power = max((v[3] for v in found.found.values()), default=0)
        out.append(
            [f"{size:,}", "at risk", n, f"{own / n:.3f}", f"{false / n:.3f} ({false})", power, *shares(found, 0)]
        )
        out.append(["", "collapsing", "", "", f"{certain / n:.3f} ({certain})", "", *shares(found, 1)])
        if found.refused:
            refused = len(found.refused)
            every = len(found.alarms)
            out.append(["", "refused", "", "", f"{refused / every:.3f} ({refused})", "", *shares(found, 2)])
    return out


HEAD = ("words", "level", "human judged", "source left out", "domain left out", "sources", *TITLES)


def domains(by_size: dict[int, rates.Rates]) -> str:
    """False alarms of each domain, sizes beside each other."""
    names = sorted({d for r in by_size.values() for d in r.by_domain()})
    body = []
    for name in names:
        cells = [r.by_domain().get(name) for r in by_size.values()]
        body.append([name, *(f"{c[0]} of {c[1]}" if c and c[1] else "-" for c in cells)])
    return table(("domain", *(f"{n:,}" for n in by_size)), body)


def failures(by_size: dict[int, rates.Rates]) -> str:
    """The human sources that raise an alarm, by name."""
    out = []
    for size, found in by_size.items():
        names = [f"{n}{' (collapsing)' if found.collapsing[n] else ''}" for n, a in found.alarms.items() if a]
        out.append(f"- {size:,} words: {', '.join(names) or 'none'}.")
        if found.refused:
            out.append(f"  Refused as out of scope with its domain left out: {', '.join(found.refused)}.")
    return "\n".join(out)


def ungated(source: sources.Source) -> Row:
    """Where a text would stand among the references if nobody asked whether it belongs."""
    profile = builtin()
    found = judging.matched(segments_of_texts(source.texts), profile, SIZES, source.words, spread=False)
    ranked = verdict.rank(found, profile)
    return [source.name, f"{found.size:,}", f"{ranked.p_value:.3f}", f"{ranked.score:.1f}"]


def outcome(source: sources.Source) -> Row:
    """What the audit says of a text, as a user would see it."""
    found = contam.audit(list(source.texts))
    p = f"{found.verdict.p_value:.3f}" if found.verdict.p_value is not None else "-"
    size = f"{found.reference.matched_tokens:,}" if found.reference.matched_tokens else "-"
    why = _SHORTER.sub("", found.verdict.reasons[0])
    return [source.name, found.level.value, p, size, found.reference.name.removeprefix("builtin:"), why]


_SHORTER = re.compile(
    r" beyond .*| what is usual among \d.*|these references cannot vouch for this text: |; the profile .*"
    r"|: its rare words were masked.*|; at most .*| \(distance .*?\)"
)


def reseeded(found: list[sources.Source], every: int = 4, seeds: int = 6) -> str:
    """How much the drawn words matter: the same sources judged with several seeds, each without itself."""
    profile, body, spread = builtin(), [], []
    long = [s for s in found if s.words >= 40_000][::every]
    for source in long:
        rest = profile.without([source.name])
        drawn = [segments_of_texts(source.texts, seed) for seed in range(seeds)]
        ranked = [verdict.rank(judging.matched(d, rest, (20_000,), d.words, spread=False), rest) for d in drawn]
        body.append([r.p_value <= verdict.AT_RISK for r in ranked])
        spread.append(float(np.std([r.score for r in ranked], ddof=1)))
    alarms = np.array(body)
    return (
        f"{len(long)} human sources of 40,000 words and more, each judged with {seeds} seeds at 20,000 words and "
        f"ranked among the others: {alarms.mean():.1%} of the judgements are alarms, {(alarms.any(1)).sum()} "
        f"sources raise one with some seed and {alarms.all(1).sum()} with every seed. The score of one source "
        f"moves by {np.median(spread):.1f} (median standard deviation) from seed to seed."
    )


def foreign(source: sources.Source) -> Row:
    """The halves of a text in another language as a pair, with null pairs of English; and its recursion."""
    first, second = (segments_of_texts(h) for h in halves([t.encode() for t in source.texts]))
    prepared, texts = vectors.collapsing(second, vectors.LARGEST, 1)
    found = [second, *(vectors.as_segments(texts[k], prepared) for k in ("g1", "g3", "m25", "m50"))]
    judged = [verdict.judge_paired(s, first, judging.CorpusFacts(s.words, 99), builtin()) for s in found]
    size = judged[0].reference.matched_tokens
    return [source.name, f"{size:,}" if size else "-", *(j.verdict.level.value for j in judged)]


def merged(body: Iterable[Row]) -> Iterable[Row]:
    """Neighbouring lines that say the same of texts that cannot be judged become one."""
    kept: list[tuple[list[str], list[object]]] = []
    for name, *rest in body:
        alike = kept and kept[-1][0][0].split()[0] == str(name).split()[0] and kept[-1][1] == rest
        if alike and rest[0] == "insufficient_evidence":
            kept[-1][0].append(str(name))
        else:
            kept.append(([str(name)], list(rest)))
    for names, rest in kept:
        yield [names[0] if len(names) == 1 else f"{names[0]} ... {names[-1]} ({len(names)} texts)", *rest]


OUTCOME = ("text", "level", "p", "words", "profile", "why")


def recorded(profile: Profile, found: dict[str, dict[int, rates.Rates]]) -> Profile:
    """The profile with the rates that its reports print."""
    kept = {}
    for prefix, by_size in found.items():
        for size, r in by_size.items():
            detected = {k: round(v[0], 3) for k, v in r.found.items()}
            kept[f"{prefix}{size}"] = {"false": round(r.false, 4), "sources": r.judged} | detected
    return replace(profile, rates=kept)


def studied(name: str, found: list[sources.Source]) -> None:
    """All tables of one profile."""
    profile = builtin(name)
    collapsing = made(found, profile)
    sizes = [n for n in SIZES if n in profile.sizes]
    single = {n: rates.population(profile, n, collapsing) for n in sizes}
    pairs = {n: rates.paired(profile, n, collapsing) for n in sizes if len(profile.sizes[n].pair_rows) > 39}
    put(f"{name} population", table(HEAD, rows(single)))
    put(f"{name} paired", table(HEAD, rows(pairs)))
    put(f"{name} failures", failures(single))
    put(f"{name} paired failures", failures(pairs))
    if name == "english":
        put("english domains", domains(single))
        put("english paired domains", domains(pairs))
        old = {n: rates.population(profile, n, collapsing, rates.first_scheme) for n in sizes}
        put("schemes", table(HEAD, rows(old)))
    save(recorded(profile, {"": single, "paired ": pairs}), profiles.FOLDER / f"{name}.profile")
    builtin.cache_clear()


def main(only: list[str]) -> None:
    """Everything, or the named parts: english, code, others."""
    if not only or "english" in only:
        studied("english", sources.english())
    if not only or "code" in only:
        studied("code", sources.python_code())
    if not only or "others" in only:
        long = [s for s in sources.other_languages() if s.words >= 25_000 and s.domain != "many"]
        head = ("text", "words", "second half", "gen. 1", "gen. 3", "25 % of g5", "50 %")
        put("seeds", reseeded(sources.english()))
        put("languages", table(head, map(foreign, long)))
        masked = table(("text", "words", "p", "score"), map(ungated, sources.masked()))
        put("masked", masked)
        put("outside", table(OUTCOME, merged(map(outcome, others.outside()))))
        put("machine", table(OUTCOME, map(outcome, others.machine())))


if __name__ == "__main__":
    main(sys.argv[1:])
