"""The metrics of the streaming pass, one kind a module; a new one is added to ``METRICS``."""

from contam_metrics.metric import Metric
from contam_metrics.streaming.copies import Copies
from contam_metrics.streaming.loops import Loops
from contam_metrics.streaming.near_copies import NearCopies
from contam_metrics.streaming.ngram_types import NgramTypes
from contam_metrics.streaming.repetition import Repetition
from contam_metrics.streaming.vocabulary import Vocabulary
from contam_metrics.streaming.volume import Volume
from contam_metrics.streaming.windows import Windows

METRICS: tuple[type[Metric], ...] = (
    Volume,
    Vocabulary,
    NgramTypes,
    Windows,
    Repetition,
    Loops,
    Copies,
    NearCopies,
)
"""Every streaming metric, in the order of the report."""

__all__ = ["METRICS"]
