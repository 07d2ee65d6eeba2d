"""What an audit reads and writes beside the corpus: baselines, reports, a cache. None of it is text of the corpus."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from contam.errors import UsageError

SHOWN = 5
"""Files that are named at most."""


def own_files(names: Iterable[str], own: Iterable[Path]) -> frozenset[str]:
    """Those of some files of a corpus that are contam's own: in ``own``, below a folder of it, or a baseline by their
    first bytes."""
    from contam.baseline.files import looks_like

    ours = frozenset(path.resolve() for path in own)

    def is_own(name: str) -> bool:
        if name == "-" or "://" in name:
            return False
        place = Path(name).resolve()
        return not ours.isdisjoint((place, *place.parents)) or (place.suffix == ".json" and looks_like(place))

    return frozenset(name for name in names if is_own(name))


def told_of_own(names: frozenset[str]) -> tuple[str, ...]:
    """A note of the files that were left out; none where there are none."""
    if not names:
        return ()
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (f"not audited, because it is contam's own: {', '.join(sorted(names)[:SHOWN])}{more}",)


def check_targets(targets: Iterable[str | Path | None]) -> None:
    """UsageError where one of some baselines cannot be written, or two of them would be one file."""
    from contam.baseline.files import check_target

    seen: set[Path] = set()
    for target in targets:
        if target is None:
            continue
        check_target(target)
        place = Path(target).resolve()
        if place in seen:
            raise UsageError(f"two parts of the corpus would write their baseline to {target}; name one for each")
        seen.add(place)


def check_reports(targets: Iterable[str | Path], inputs: Iterable[str]) -> None:
    """UsageError where a report would take the place of text that is to be read, or of another report."""
    read = [Path(name).resolve() for name in inputs if name != "-" and "://" not in name]
    seen: set[Path] = set()
    for target in targets:
        place = Path(target).resolve()
        if place in seen:
            raise UsageError(f"two reports would be written to {target}; name one file for each")
        seen.add(place)
        if place in read and place.is_file():
            raise UsageError(f"{target} is to be read and is not overwritten; write the report elsewhere")
        inside = any(folder in place.parents for folder in read)
        if inside and place.is_file() and place.stat().st_size and not _ours(place):
            raise UsageError(f"{target} lies in the corpus and is no report of contam; write the report elsewhere")


def _ours(place: Path) -> bool:
    """Whether a file begins like a report of any format."""
    try:
        with place.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return b"contam" in head or b'"level_name"' in head


def root_of(glob: str) -> str:
    """The folder that a glob begins with, as far as it has no pattern: ``data/x`` of ``data/x/**``."""
    fixed = []
    for part in glob.split("/"):
        if any(sign in part for sign in "*?["):
            break
        fixed.append(part)
    return "/".join(fixed)
