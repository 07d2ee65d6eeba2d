"""``python -m contam`` is the command ``contam``."""

from __future__ import annotations

from contam_cli.main import main

if __name__ == "__main__":
    main("python -m contam")
