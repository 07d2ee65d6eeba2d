"""How a mixture was judged: the digest of its settings, seed, time."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from contam.result import CorpusInfo, Provenance

_NO_SETTING = ("scores", "device", "workers")


def provenance(settings: Mapping[str, Any], seed: int, begin: float, *read: CorpusInfo) -> Provenance:
    """``begin``: the clock (`time.perf_counter`) at the start; ``read``: the corpora."""
    kept = {name: value for name, value in settings.items() if name not in _NO_SETTING}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()[:16]
    seconds = time.perf_counter() - begin
    return Provenance(digest, seed, seconds, sum(info.bytes for info in read) / max(seconds, 1e-9))
