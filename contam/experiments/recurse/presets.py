"""The published set-ups of recursive training, and how to run one of them smaller without hiding it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any

from contam.errors import UsageError
from contam.experiments.recurse.options import RecurseOptions, flag_of

SMALL = 0.05
"""Scales up to here put a small model of the same architecture in the place of the published one."""
LEAST_WORDS, LEAST_BATCH, LEAST_GENERATIONS = 20_000, 8, 5
_SMALL_MODELS = {
    "gptneo-1m": "gptneo-mini", "gptneo-33m": "gptneo-mini", "gpt2-9m": "gpt2-mini", "llama-12m": "llama-mini",
    "facebook/opt-125m": "gpt2-mini",
}  # fmt: skip
_SMALL_TRAINING = {"learning_rate": 2e-3, "block": 128}
"""A small model learns little at the rates of large ones."""


@dataclass(frozen=True)
class Preset:
    """A published set-up: the ``settings`` that its text or code names, what is ``open`` or done otherwise."""

    source: str
    settings: Mapping[str, Any]
    open: tuple[str, ...] = field(default=())
    published: Mapping[str, Any] = field(default_factory=dict)
    """What was published where this command has no such setting and ``settings`` has the nearest."""


def _of(source: str, *open_: str, **settings: Any) -> Preset:
    precision = {"precision": "fp16"} if settings.get("precision") == "bf16" else {}
    return Preset(source, MappingProxyType(settings), open_, MappingProxyType(precision))


_TINYSTORIES = "hf://datasets/roneneldan/TinyStories/data/train-*.parquet"
_WANG = {
    "real": (_TINYSTORIES,), "paradigms": ("replace",), "generations": 40, "seeds": 1, "seed": 42,
    "most_documents": 1_000_000, "temperature": 1.0, "top_k": 0, "top_p": 1.0, "max_tokens": 600, "write_batch": 2000,
    "lengths": "model", "epochs": 3.0, "learning_rate": 5e-4, "schedule": "constant", "betas": (0.9, 0.95),
    "weight_decay": 0.1, "batch_size": 320, "block": 512, "vocabulary": 50_257, "precision": "bf16",
    "track": ("there: was, were",),
}  # fmt: skip
_WANG_OPEN = (
    "stories are packed into windows of 512 tokens, about as many in a step as 320 padded stories have at most",
    "the model has 512 positions (published: 2,048); longer stories go on from their last 256 tokens, and held-out "
    "text is read in windows of 512 by half (published: 2,048 by 512)",
    "generation 0 is trained here with the same settings (published: the authors' released TinyStories model)",
    "the tokenizer is trained on the real text (published: GPT-Neo's)",
)
PRESETS: dict[str, Preset] = {
    "wang2024-1m": _of("Wang et al. 2024 (arXiv 2412.14872), code", *_WANG_OPEN, model="gptneo-1m", **_WANG),
    "wang2024-33m": _of("Wang et al. 2024 (arXiv 2412.14872), code", *_WANG_OPEN, model="gptneo-33m", **_WANG),
    "kazdan2024-tinystories": _of(
        "Kazdan et al. 2024 (arXiv 2410.16713), notebooks",
        "learning rate, batch, window and epochs were not in the text at hand: defaults of this command",
        "the notebooks train for 66,234 steps an iteration; here training is counted in epochs",
        model="gpt2-9m", real=(_TINYSTORIES,), paradigms=("replace", "accumulate", "accumulate-subsample"),
        rates=(1.0,), generations=50, seeds=1, temperature=1.0, top_k=0, top_p=1.0, lengths="model",
        vocabulary=10_000, max_tokens=512, block=512, epochs=1.0, learning_rate=5e-4, batch_size=64,
    ),
    "gerstgrasser2024": _of(
        "Gerstgrasser et al. 2024 (arXiv 2404.01413)",
        "learning rate, batch, window and epochs were not in the text at hand: defaults of this command",
        "the paper also trains Llama-2 of 12M, 42M and 126M parameters: give llama-12m and so on as MODEL",
        model="gpt2-9m", real=(_TINYSTORIES,), paradigms=("replace", "accumulate"), generations=5, seeds=1,
        temperature=1.0, top_k=0, top_p=1.0, lengths="model", vocabulary=10_000, max_tokens=512, block=512,
        epochs=1.0, learning_rate=5e-4, batch_size=64,
    ),
    "shumailov2024-opt125m": _of(
        "Shumailov et al. 2024 (Nature 631:755-759), text and code",
        "5 epochs in every lineage (published: 10 where a tenth of the original text is kept)",
        "the last weights are kept (published: the best on the validation text)",
        "plain beam search, as in the paper (the published script has a repetition penalty of 3.0)",
        model="facebook/opt-125m", real=("hf://datasets/Salesforce/wikitext/wikitext-2-raw-v1/train-*.parquet",),
        paradigms=("replace", "mix"), real_shares=(0.1,), real_kind="original", generations=9, seeds=5, chunk=64,
        prompt_tokens=64, max_tokens=64, lengths="real", beams=5, epochs=5.0, learning_rate=2e-5,
        schedule="constant", betas=(0.9, 0.999), weight_decay=0.01, clip=0.0, batch_size=128, block=64,
    ),
}  # fmt: skip
"""Settings by their published values; ``open`` says where a set-up leaves something open or this command departs."""


def settled(given: Mapping[str, Any]) -> RecurseOptions:
    """Options from what was given, over the preset's (made smaller by ``scale``), over the defaults; filters stand
    beside ``none``.

    Raises UsageError for an unknown preset, a model or text that is missing, and a scale without a preset.
    """
    asked = {k: _plural(k, v) for k, v in given.items() if v not in (None, (), "", [])}
    name = asked.get("preset")
    if name is None and asked.get("scale", 1.0) != 1.0:
        raise UsageError("--scale makes a preset smaller: give one with --preset")
    settings: dict[str, Any] = {}
    if name is not None:
        settings = scaled(dict(_preset(name).settings), float(asked.get("scale", 1.0)))
    if "filters" in asked:
        asked["filters"] = ("none", *(name for name in asked["filters"] if name != "none"))
    options = replace(RecurseOptions(), **{**settings, **asked})
    if not options.model:
        raise UsageError(
            "name a model (ngram, gpt2-mini, a folder, a hub name) or a --preset; the shortest: contam recurse ngram "
            "--real pydoc"
        )
    _check_effect(asked, options)
    if not options.real:
        raise UsageError("--real PATH: the human text that generation 0 is trained on")
    return replace(options, real=tuple(_absolute(path) for path in options.real), valid=_absolute(options.valid))


_SEVERAL = ("real", "paradigms", "real_shares", "rates", "filters", "track", "betas")
_NEURAL = (
    "beams", "repetition_penalty", "prompt_tokens", "max_tokens", "lengths", "vocabulary", "block", "batch_size",
    "epochs", "learning_rate", "schedule", "warmup", "betas", "weight_decay", "clip", "precision", "device",
)  # fmt: skip
_COUNTED = ("order", "unit")


def _plural(name: str, value: Any) -> Any:
    """Fields with several values as tuples: a list is one, a single value a list of one."""
    if name not in RecurseOptions.__dataclass_fields__:
        near = get_close_matches(name, RecurseOptions.__dataclass_fields__, n=1)
        raise UsageError(f"no setting {name!r}" + (f": did you mean {near[0]}?" if near else ""))
    if name not in _SEVERAL:
        return value
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _check_effect(asked: Mapping[str, Any], options: RecurseOptions) -> None:
    """What is given is to have an effect."""
    ngram = options.model == "ngram"
    for name in (n for n in asked if n in (_NEURAL if ngram else _COUNTED)):
        whose = "neural models: an n-gram model counts, and writes documents as long as real ones" if ngram else "ngram"
        raise UsageError(f"{flag_of(name)} is for {whose}; leave it out")
    for name, paradigm in (("real_shares", "mix"), ("real_kind", "mix"), ("rates", "accumulate-subsample")):
        if name in asked and paradigm not in options.paradigms:
            raise UsageError(f"{flag_of(name)} belongs to {paradigm}, which is not among --paradigm")


def _absolute(path: Any) -> Any:
    """A path so that any working folder finds it; a name or an address as it is."""
    if path is None or "://" in str(path):
        return path
    found = Path(str(path)).expanduser()
    return str(found.absolute()) if found.exists() else str(path)


def _preset(name: str) -> Preset:
    if name not in PRESETS:
        near = get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(PRESETS)}"
        raise UsageError(f"no preset {name!r}: {hint}")
    return PRESETS[name]


def scaled(settings: dict[str, Any], scale: float) -> dict[str, Any]:
    """A set-up made smaller: documents (or words) in proportion, batch and generations with them down to a least; at
    small scales a small model of the same architecture with a rate and a vocabulary that suit it."""
    if scale >= 1.0:
        return settings
    out = dict(settings)
    if "most_documents" in out:
        out["most_documents"] = max(round(out["most_documents"] * scale), 200)
    else:
        out["size"] = max(round(_PUBLISHED_WORDS.get(out["model"], 10**8) * scale), LEAST_WORDS)
    out["batch_size"] = max(round(out["batch_size"] * scale), LEAST_BATCH)
    out["write_batch"] = max(round(out.get("write_batch", 256) * scale), 64)
    out["generations"] = max(round(out["generations"] * scale), min(LEAST_GENERATIONS, out["generations"]))
    if scale <= SMALL and out["model"] in _SMALL_MODELS:
        out |= _SMALL_TRAINING | {"model": _SMALL_MODELS[out["model"]], "vocabulary": 1024, "max_tokens": 192}
        out |= {"precision": "fp32"}
        if "chunk" in out:
            out |= {"block": settings["block"], "max_tokens": settings["max_tokens"]}
    return out


_PUBLISHED_WORDS = {"facebook/opt-125m": 2_000_000, "gpt2-9m": 370_000_000}
"""WikiText-2's training part has about 2 million words, TinyStories about 370 million."""


def departures(options: RecurseOptions) -> tuple[str, ...]:
    """What in a run differs from the published set-up of its preset, in words."""
    if options.preset is None:
        return ()
    preset, usual = _preset(options.preset), RecurseOptions()
    changed = [
        f"{flag_of(name)} {told(getattr(options, name))} (published: {told(value)})"
        for name, value in ({**preset.settings, **preset.published}).items()
        if getattr(options, name) != value
    ]
    others = (n for n in RecurseOptions.__dataclass_fields__ if n not in preset.settings and n not in _NO_DEPARTURE)
    added = [
        f"{flag_of(name)} {told(getattr(options, name))} ({_ADDED.get(name, 'not named in the published set-up')})"
        for name in others
        if getattr(options, name) != getattr(usual, name)
    ]
    if "/" in preset.settings["model"] and options.model in _SMALL_MODELS.values():
        added.append("every generation is trained from scratch (published: fine-tuned)")
    return (*changed, *added, *preset.open)


_NO_DEPARTURE = ("preset", "scale", "track", "device", "workers", "keep", "text_field", "write_batch", "valid_share")
_ADDED = {"size": "words; published: the whole text", "valid": "published: the set's own validation text"}


def told(value: Any) -> str:
    """A setting as a person would write it."""
    if isinstance(value, tuple):
        return ",".join(map(told, value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
