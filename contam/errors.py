"""The errors a person can do something about; anything else is a bug in contam."""

from __future__ import annotations


class ContamError(Exception):
    """Something the user can mend: the message says what was wrong, where, and what to do (exit code 2)."""


class UsageError(ContamError):
    """An option or argument that cannot be used as given."""


class InputError(ContamError):
    """A path, file or field that cannot be read, or a corpus without documents."""


class LimitError(InputError):
    """An input passed a safety limit, such as a compressed file that expands without bound."""
