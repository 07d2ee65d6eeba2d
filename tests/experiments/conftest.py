"""A small model and human text of the tests' own, for whole runs."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """A random GPT-2 of two layers, in a folder."""
    from checkpoints import save_model

    return save_model(tmp_path_factory.mktemp("small") / "little", "gpt2")


@pytest.fixture(scope="session")
def human_text(tmp_path_factory):
    """A file of plain text, long enough for windows to be drawn from it."""
    from checkpoints import LINES

    path = tmp_path_factory.mktemp("human") / "harbour.txt"
    path.write_text("\n".join(f"{i}. {line}" for i in range(40) for line in LINES), encoding="utf-8")
    return path
