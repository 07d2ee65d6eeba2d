"""contam: is this corpus, or this checkpoint, collapsing from training on model output?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from contam.auditing import audit as audit
    from contam.comparing import compare as compare
    from contam.experiments.recurse.running import recurse as recurse
    from contam.experiments.selftrain.running import selftrain as selftrain
    from contam.filtering.running import filter_corpus as filter_corpus
    from contam.mixing.estimating import estimate as estimate
    from contam.mixing.running import mix as mix
    from contam.monitoring.callback import CollapseMonitor as CollapseMonitor
    from contam.monitoring.monitor import check_model as check_model
    from contam.probing.running import probe as probe
    from contam.result import Audit as Audit
    from contam.result import Level as Level
    from contam.theory.running import simulate as simulate

_WHERE = {
    "audit": "contam.auditing",
    "compare": "contam.comparing",
    "estimate": "contam.mixing.estimating",
    "filter_corpus": "contam.filtering.running",
    "mix": "contam.mixing.running",
    "probe": "contam.probing.running",
    "recurse": "contam.experiments.recurse.running",
    "selftrain": "contam.experiments.selftrain.running",
    "simulate": "contam.theory.running",
    "Audit": "contam.result",
    "Level": "contam.result",
    "CollapseMonitor": "contam.monitoring.callback",
    "check_model": "contam.monitoring.monitor",
}

__all__ = [
    "Audit",
    "CollapseMonitor",
    "Level",
    "__version__",
    "audit",
    "check_model",
    "compare",
    "estimate",
    "filter_corpus",
    "mix",
    "probe",
    "recurse",
    "selftrain",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Names of the public interface, imported when first used (numpy and numba are slow to start)."""
    if name not in _WHERE:
        raise AttributeError(f"module 'contam' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    """The public names, those that are not imported yet among them."""
    return sorted({*globals(), *__all__})
