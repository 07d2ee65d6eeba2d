"""A name becomes a folder with a configuration, safetensors weights and a tokenizer, or an error that says what to do.

Looked for in this order: the models that come with contam, a folder, the hub's cache, the hub. Nothing here
imports a model library: a name that leads nowhere is refused at once.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from contam.errors import InputError
from contam.models.weight_files import INDEX, check_header, weight_files, without_weights

TINY = Path(__file__).parent / "tiny"
"""The models that come with contam, a folder each."""

ALIASES = {name: f"openai-community/{name}" for name in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")} | {
    "distilgpt2": "distilbert/distilgpt2"
}
"""The hub's names without an owner, and where these models are now."""

COMMON = ("EleutherAI/gpt-neo-125m", "EleutherAI/pythia-160m", "roneneldan/TinyStories-33M", "Qwen/Qwen2.5-0.5B")
"""Names offered to somebody who nearly wrote one of them, besides the aliases."""

CAUSAL = ("ForCausalLM", "LMHeadModel")
OWN = ("gpt2", "gpt_neo", "llama", "mistral", "qwen2")
"""Model types that are known to be causal without asking transformers."""

TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "tokenizer.model", "spiece.model", "vocab.txt")
TOKENIZER_MARKS = (*TOKENIZER_FILES, "tokenizer_config.json")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A causal language model on this machine.

    ``name``: as asked for. ``config``: the parsed ``config.json``. ``weights``: safetensors files, in order, each
    with a header that fits its size. ``tokenizer_folder``: where the tokenizer's files are.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]
    tokenizer_folder: Path


def embedded() -> tuple[str, ...]:
    """The names of the models that come with contam."""
    return tuple(sorted(p.parent.name for p in TINY.glob("*/config.json")))


def find(name: str) -> ModelFiles:
    """The model of that name: an embedded one (``tiny``), a folder, or one of the hub (``gpt2``, ``owner/name``).

    A folder of the name of an embedded model is meant by ``./tiny``. Raises ``InputError`` where there is none, where
    the hub does not answer, or where the files are not a causal language model in safetensors with a tokenizer.
    """
    given = name.strip()
    if given in embedded():
        return _checked(given, TINY / given)
    path = Path(given).expanduser()
    if given and path.is_dir():
        return _checked(given, path)
    if path.is_file():
        raise InputError(f"{given}: a file; give the folder that holds it, with its config.json and tokenizer")
    if not _hub_like(given):
        names = f"; models that come with contam: {', '.join(embedded())}"
        raise InputError(f"{given!r}: no such folder{_nearest(given) or names}")
    repository = ALIASES.get(given, given)
    either = dict.fromkeys((repository, given, *(short for short, full in ALIASES.items() if full == given)))
    for cached in (folder for one in either for folder in cached_snapshots(one)):
        if _complete(cached):
            return _checked(given, cached)
    return _checked(given, _downloaded(given, repository))


def _hub_like(name: str) -> bool:
    parts = name.split("/")
    plain = all(p and not p.startswith(".") and all(c.isalnum() or c in "-_." for c in p) for p in parts)
    return plain and len(parts) <= 2


def _nearest(name: str) -> str:
    """``; did you mean ...?`` where a known name is near, nothing where the name itself is known."""
    spelled = {k.lower(): k for k in (*embedded(), *ALIASES, *ALIASES.values(), *COMMON)}
    near = get_close_matches(name.lower(), spelled, n=1, cutoff=0.7)
    return f"; did you mean {spelled[near[0]]}?" if near and spelled[near[0]] != name else ""


# --- the hub's cache and the hub ------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Where the hub's libraries keep what they have downloaded."""
    if given := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def cached_snapshots(repository: str, kind: str = "models", revision: str = "main") -> list[Path]:
    """Folders of a repository's downloaded files: the one of the revision first, then the others, newest first."""
    folder = cache_folder() / "--".join((kind, *repository.split("/")))
    found = sorted((folder / "snapshots").glob("*/"), key=lambda p: p.stat().st_mtime, reverse=True)
    try:
        current = (folder / "refs" / revision).read_text(encoding="utf-8").strip()
    except OSError:
        current = ""
    return sorted(found, key=lambda p: p.name != current)


def _complete(folder: Path) -> bool:
    """Whether a download was finished: configuration, tokenizer and every file of weights."""
    config = (folder / "config.json").is_file()
    try:
        return config and bool(weight_files(folder)) and _tokenizer_folder(folder) is not None
    except InputError:
        return False


def offline() -> str | None:
    """The environment variable that forbids asking the hub, or None."""
    return next((k for k in OFFLINE if os.environ.get(k, "").upper() in ("1", "ON", "YES", "TRUE")), None)


def _downloaded(given: str, repository: str) -> Path:
    from contam.formats.hub import in_reach

    variable = offline()
    if variable or not in_reach():
        why = f"{variable} is set" if variable else "the hub does not answer"
        own = f"use what comes with contam ({', '.join(embedded())})"
        raise InputError(
            f"{given}: no such folder, not in the hub's cache, and {why}; give a local folder that holds config.json, "
            f"*.safetensors and a tokenizer, or {own}{_nearest(given)}"
        )
    try:
        import huggingface_hub
    except ImportError:
        raise InputError("models of the hub need huggingface_hub: pip install 'contam[models]'") from None
    try:
        return _fetched(huggingface_hub, given, repository)
    except InputError:
        raise
    except Exception as error:  # the library raises classes of several packages
        if type(error).__name__ in ("RepositoryNotFoundError", "HFValidationError"):
            raise InputError(f"{given}: no such folder, and no such model on the hub{_nearest(given)}") from None
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{given}: the download failed: {first[:300]}; a local folder can be given instead") from None


def _fetched(hub: Any, given: str, repository: str) -> Path:
    """Only what is needed, and nothing where the weights are pickled."""
    files = [f for f in hub.HfApi().list_repo_files(repository) if "/" not in f]
    wanted = _wanted(files)
    if not any(f.endswith(".safetensors") for f in wanted):
        raise InputError(f"{given}: {without_weights(files, repository)}")
    hub.utils.disable_progress_bars()
    return Path(hub.snapshot_download(repository, allow_patterns=wanted))


def _wanted(files: list[str]) -> list[str]:
    """Configuration, tokenizer and one set of weights: some repositories hold the same weights twice."""
    whole = [f for f in files if f == "model.safetensors"]
    parts = [f for f in files if f.startswith("model-") and f.endswith(".safetensors")]
    others = [f for f in files if f.endswith(".safetensors")]
    weights = parts if INDEX in files else whole or others
    tokenizer = [f for f in files if f in TOKENIZER_FILES or f.endswith(".tiktoken")]
    texts = [f for f in files if f.endswith(".json") or f == "merges.txt"]
    return [*weights, *dict.fromkeys((*tokenizer, *texts))]


# --- a folder's files -----------------------------------------------------------------------------------------------


def _checked(name: str, folder: Path) -> ModelFiles:
    config = _config(name, folder)
    _causal(name, config)
    weights = weight_files(folder)
    if not weights:
        raise InputError(f"{name}: {without_weights([p.name for p in folder.iterdir()], name)}")
    for path in weights:
        check_header(path)
    tokenizer = _tokenizer_folder(folder)
    if tokenizer is None:
        raise InputError(f"{folder}: no tokenizer; expected tokenizer.json, or vocab.json with merges.txt, beside the "
                         "weights")  # fmt: skip
    return ModelFiles(name, folder, config, weights, tokenizer)


def _config(name: str, folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder}: no config.json, so no model{_beneath(folder)}{_hidden(name)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise InputError(f"{path}: names no model_type; expected a configuration as transformers saves it")
    return config


def _beneath(folder: Path) -> str:
    """Models deeper in the folder, such as the checkpoints of a run."""
    found = sorted(p.parent for pattern in ("*/config.json", "*/*/config.json") for p in folder.glob(pattern))
    return f"; there are models in {', '.join(map(str, found[:3]))}" if found else ""


def _hidden(name: str) -> str:
    return f"; for the hub's model write {ALIASES[name]}" if name in ALIASES else ""


def _causal(name: str, config: dict[str, Any]) -> None:
    """Refuses what does not predict the next token from the ones before, what cannot be trained, what brings code."""
    kind, made = config["model_type"], [str(a) for a in config.get("architectures") or ()]
    headless = kind in OWN and all(a.endswith("Model") and not a.endswith("DoubleHeadsModel") for a in made)
    if config.get("is_encoder_decoder") or not (headless or not made or any(a.endswith(CAUSAL) for a in made)):
        what = ", ".join(made) or f"an encoder-decoder ({kind})"
        raise InputError(
            f"{name}: {what} is no causal language model; expected a ...ForCausalLM such as GPT-2 or Llama"
        )
    if config.get("quantization_config"):
        raise InputError(
            f"{name}: quantised weights cannot be trained; give the model as it was before, in fp32 or bf16"
        )
    if config.get("auto_map") and kind not in OWN and not _native(kind):
        raise InputError(f"{name}: {kind} runs code that comes with the model (auto_map in config.json), which contam "
                         "does not do; choose a model that transformers itself implements")  # fmt: skip


def _native(kind: str) -> bool:
    """Whether transformers implements that type; the code that the model brings is then not used."""
    try:
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as known
    except ImportError:
        return False
    return kind in known


def _tokenizer_folder(folder: Path) -> Path | None:
    """The folder itself; the models that come with contam may share one a level up."""
    around = (folder, TINY) if folder.parent == TINY else (folder,)
    for place in around:
        if (place / "vocab.json").is_file() and not any(
            (place / f).is_file() for f in ("merges.txt", "tokenizer.json", "tokenizer_config.json")
        ):
            continue
        if any((place / f).is_file() for f in TOKENIZER_MARKS) or any(place.glob("*.tiktoken")):
            return place
    return None
