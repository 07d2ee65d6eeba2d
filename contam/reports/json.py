"""JSON of schema version 1, for scripts: every figure, nothing rounded, NaN as null."""

from __future__ import annotations

import json
from typing import Any


def render(result: Any) -> str:
    """An audit or a comparison as JSON; characters beyond ASCII and lone surrogates are escaped."""
    return json.dumps(result.to_dict(), indent=2, ensure_ascii=True, allow_nan=False) + "\n"
