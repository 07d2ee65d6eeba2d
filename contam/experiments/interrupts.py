"""Ctrl-C where it does no harm: held back while what is measured and what is saved do not belong together."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Raises KeyboardInterrupt at once, or, inside ``held``, at its end; a second Ctrl-C is never held back."""

    def __init__(self) -> None:
        self._holding = False
        self._pending = False

    @contextmanager
    def watched(self) -> Iterator[Interrupts]:
        """In force inside the block. Only the main thread can be interrupted; elsewhere nothing changes."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.default_int_handler:  # ignored, or somebody else's: not ours to change
            yield self
            return
        signal.signal(signal.SIGINT, self._arrived)
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)

    def hold(self) -> None:
        """From here on an interrupt waits."""
        self._holding = True

    def release(self) -> None:
        """Up to here; raises KeyboardInterrupt where one has come in the meantime."""
        self._holding = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self._holding and not self._pending:
            self._pending = True
            return
        raise KeyboardInterrupt
