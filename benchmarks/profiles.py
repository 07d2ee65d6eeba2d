"""Builds the profiles that contam ships: ``python benchmarks/profiles.py [english] [code]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import function_words
import sources

from contam.profile import Profile, save
from contam.profiling import Settings, build_profile

FOLDER = Path(__file__).parents[1] / "contam" / "profiles"


def _told(found: list[sources.Source]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for source in found:
        yield source.name, source.domain, source.texts


def _progress(name: str) -> None:
    print(name, file=sys.stderr, flush=True)


def english() -> Profile:
    """English prose: authors, genres, prompts, sites."""
    found = sources.english()
    settings = Settings(
        name="english",
        language="English",
        description="English prose of many kinds, 1789 to 2024: novels, news, reviews, essays, technical "
        "text, transcripts, speeches, verse.",
        words=function_words.english(),
        nonletter=0.45,
        templated=0.30,
        sizes=(5_000, 10_000, 20_000, 50_000),
        licences={s.name: s.licence for s in found},
    )
    return build_profile(_told(found), settings, _progress)


def code() -> Profile:
    """Program text: the modules of CPython's standard library, in groups."""
    found = sources.python_code()
    settings = Settings(
        name="code",
        language="Python",
        description="Python source: groups of modules of the CPython 3.11 standard library, one project.",
        nonletter=0.75,
        sizes=(5_000, 10_000, 20_000),
        licences={s.name: s.licence for s in found},
    )
    return build_profile(_told(found), settings, _progress)


def main(names: list[str]) -> None:
    """Build and save."""
    for name in names or ["english", "code"]:
        save({"english": english, "code": code}[name](), FOLDER / f"{name}.profile")


if __name__ == "__main__":
    main(sys.argv[1:])
