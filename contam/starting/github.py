"""Names as GitHub Actions reads them: what it would take for an expression or a pattern is written as itself."""

from __future__ import annotations

import re


def verbatim(text: str) -> str:
    """Text in which no expression is evaluated."""
    return text.replace("${{", "${{ '${{' }}")


def one_path(path: str) -> str:
    """A path for an input that takes patterns: those of ``actions/cache`` and ``actions/upload-artifact``.

    ``*``, ``?`` and ``[`` stand in brackets; a first ``!``, ``#`` or ``~`` would exclude, comment or name a home.
    """
    escaped = re.sub(r"[*?\[]", r"[\g<0>]", path.replace("\\", r"\\"))
    return verbatim(f"./{escaped}" if escaped.startswith(("!", "#", "~")) else escaped)


def one_branch(name: str) -> str:
    """A branch for ``on.push.branches``, which takes patterns; git itself allows only these two of their marks."""
    return re.sub(r"\+|^!", r"\\\g<0>", name)
