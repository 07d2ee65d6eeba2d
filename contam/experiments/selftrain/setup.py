"""What a run needs, looked up before anything heavy is loaded, so that what is missing is said within a second."""

from __future__ import annotations

from dataclasses import dataclass

from contam.errors import InputError
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.replicas import labels_of
from contam.models.finding import ModelFiles, find
from contam.models.texts import ValidationText, load_all, load_validation

_CONTEXTS = ("n_positions", "max_position_embeddings", "n_ctx", "seq_length")
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
    for name, found in zip(options.models, files):
        check_window(name, context_of(found), options)
    texts = load_all(options.valid)
    fresh = load_validation(options.fresh_text) if options.fresh_text else None
    return Setup(options, tuple(labels_of(options.models)), files, texts, fresh)


def width_of(files: ModelFiles) -> int:
    """The width of the residual stream by a model's configuration."""
    found = [files.config[key] for key in _WIDTHS if isinstance(files.config.get(key), int)]
    return found[0] if found else 1


def context_of(files: ModelFiles) -> int | None:
    """How many tokens a model sees by its configuration, None where that does not say."""
    return next((files.config[key] for key in _CONTEXTS if isinstance(files.config.get(key), int)), None)


def check_window(name: str, context: int | None, options: SelfTrainOptions) -> None:
    """InputError where the window is longer than what the model can see, or the text is shorter than a window."""
    if context is not None and options.block > context:
        raise InputError(
            f"{name} sees {context} tokens, but the window is {options.block}: give --block {context} or less"
        )
    if options.tokens < options.block + 1:
        raise InputError(
            f"--tokens {options.tokens} is less than a window and its next token (--block {options.block})"
        )
