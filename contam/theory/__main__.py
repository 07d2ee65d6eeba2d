"""``python -m contam.theory MODULE FUNCTION``: one claim judged, as JSON, for `contam.theory.running`."""

from __future__ import annotations

import json
import sys
from importlib import import_module

from contam.experiments.run import finite

if __name__ == "__main__":
    claim = getattr(import_module(sys.argv[1]), sys.argv[2])()
    print(json.dumps(finite(claim.to_dict()), allow_nan=False))
