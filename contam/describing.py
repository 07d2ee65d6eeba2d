"""Profiles as pages: what is built in, and what one is made of."""

from __future__ import annotations

from collections import Counter

from contam.profile import Profile
from contam.reports.page import Page, Section, Sentences, Table


def list_page(profiles: tuple[Profile, ...]) -> Page:
    """The built-in profiles in one line each."""
    columns = ("profile", "language", "sources", "domains", "matched sizes")
    rows = tuple(_line(profile) for profile in profiles)
    note = Sentences(("contam profile show NAME tells what one is made of",))
    return Page("Built-in profiles", None, (Section("", (Table(columns, rows, header=True), note)),))


def _line(profile: Profile) -> tuple[str, ...]:
    sizes = ", ".join(f"{size:,}" for size in sorted(profile.sizes))
    domains = {source.domain for source in profile.sources}
    return profile.name, profile.language, f"{len(profile.sources)}", f"{len(domains)}", sizes


def profile_page(profile: Profile) -> Page:
    """One profile: sizes, domains, sources, how it was made."""
    sections = (
        _sizes(profile),
        _domains(profile),
        _sources(profile),
        Section("Made with", (Sentences(tuple(f"{k}: {v}" for k, v in profile.provenance.items())),)),
    )
    title = f"{profile.name}: {profile.description or profile.language or 'a reference profile'}"
    return Page(title, None, sections)


def _sizes(profile: Profile) -> Section:
    columns = ("words", "sources", "domains", "pairs of halves", "smallest p")
    rows = tuple(
        (
            f"{size:,}",
            f"{len(matched)}",
            f"{len(set(profile.domains(size)))}",
            f"{len(matched.pair_rows)}",
            f"{1 / (len(matched) + 1):.3f}",
        )
        for size, matched in sorted(profile.sizes.items())
    )
    return Section("Matched sizes", (Table(columns, rows, header=True),))


def _domains(profile: Profile) -> Section:
    counts = Counter(source.domain for source in profile.sources)
    total = counts.total()
    rows = tuple((name, f"{count}", f"{100 * count / total:.0f} %") for name, count in counts.most_common())
    return Section("Domains", (Table(("domain", "sources", "share"), rows, header=True),))


def _sources(profile: Profile) -> Section:
    """Every source, and once each licence that its publisher stated."""
    rows = tuple((f"{source.words:,}", source.name) for source in profile.sources)
    licences = Counter(source.licence for source in profile.sources if source.licence)
    stated = tuple(f"{licence} ({count} sources)" for licence, count in licences.most_common())
    blocks = (Table(("words", "source"), rows, header=True), Sentences(stated))
    return Section("Sources, and the licences stated for their texts (a profile holds no text)", blocks)
