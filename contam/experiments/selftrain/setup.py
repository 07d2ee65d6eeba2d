"""What a run needs, looked up before anything heavy is loaded, so that what is missing is said within a second."""

from __future__ import annotations

from dataclasses import dataclass

from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.replicas import labels_of
from contam.experiments.selftrain.texts import ValidationText, load_all, load_validation
from contam.models.finding import ModelFiles, find

_WIDTHS = ("n_embd", "hidden_size", "d_model", "dim", "word_embed_proj_dim")


@dataclass(frozen=True)
class Setup:
    """Everything that was looked up before anything heavy is loaded."""

    options: SelfTrainOptions
    labels: tuple[str, ...]
    files: tuple[ModelFiles, ...]
    texts: tuple[ValidationText, ...]
    fresh: ValidationText | None


def looked_up(options: SelfTrainOptions) -> Setup:
    """The models and texts that options name; InputError says what is not there."""
    files = tuple(find(name) for name in options.models)
    texts = load_all(options.valid)
    fresh = load_validation(options.fresh_text) if options.fresh_text else None
    return Setup(options, tuple(labels_of(options.models)), files, texts, fresh)


def width_of(files: ModelFiles) -> int:
    """The width of the residual stream by a model's configuration."""
    found = [files.config[key] for key in _WIDTHS if isinstance(files.config.get(key), int)]
    return found[0] if found else 1
