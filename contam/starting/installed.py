"""How contam was installed here, and so how another machine can install the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from contam import __version__


@dataclass(frozen=True, slots=True)
class Requirement:
    """What ``pip install`` takes, and whether another machine can reach it; ``note`` says where it is from."""

    text: str
    reachable: bool
    note: str


def requirement() -> Requirement:
    """The running contam as a requirement, by the record that pip keeps of an installation (PEP 610).

    From an index it is that version; from a repository its address at the commit. Where contam was installed from a
    folder or a file of this machine, nothing can be said that holds elsewhere: the version is named, not reachable.
    """
    pinned = f"contam=={__version__}"
    try:
        record = distribution("contam").read_text("direct_url.json")
    except PackageNotFoundError:
        return Requirement(pinned, False, "this contam is not installed, it runs from its source")
    if record is None:
        return Requirement(pinned, True, "the version that runs here")
    found = json.loads(record)
    vcs, url = found.get("vcs_info"), str(found.get("url", ""))
    if vcs and url.startswith(("https://", "http://", "ssh://")):
        return Requirement(f"contam @ {vcs['vcs']}+{url}@{vcs['commit_id']}", True, "the commit that runs here")
    if url.startswith(("https://", "http://")):
        return Requirement(f"contam @ {url}", True, "the file that was installed here")
    return Requirement(pinned, False, "this contam was installed from a folder or file of this machine")
