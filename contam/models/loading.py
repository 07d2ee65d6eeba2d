"""From a model's files to a network of replicas, and back to a folder that transformers loads."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contam.errors import InputError
from contam.models.finding import TOKENIZER_MARKS, ModelFiles
from contam.models.network import PRECISIONS, Device, Network

LLAMA = ("llama", "mistral", "qwen2")
_COPIED = ("config.json", "generation_config.json", "special_tokens_map.json", "merges.txt", *TOKENIZER_MARKS)


@dataclass(frozen=True)
class Checkpoint:
    """A model read into memory: its files and, for the architectures computed here, its tensors by name."""

    files: ModelFiles
    tensors: dict[str, Tensor]
    kind: str

    def network(self, replicas: int, device: Device) -> Network:
        """That many equal replicas; GPT-2 and the Llama family are stacked, transformers computes the others."""
        config = self.files.config
        if self.kind == "gpt2":
            from contam.models import gpt2
            from contam.models.stacked import stack

            return gpt2.GPT2(config, stack([gpt2.weights_of(config, self.tensors)] * replicas), device)
        if self.kind == "llama":
            from contam.models import llama
            from contam.models.stacked import stack

            return llama.Llama(config, stack([llama.weights_of(config, self.tensors)] * replicas), device)
        from contam.models.anything import Anything

        return Anything(self.files, replicas, device)


def kind_of(config: dict[str, Any]) -> str:
    """Which module computes a model: ``gpt2``, ``llama`` or ``anything``."""
    from contam.models import gpt2, llama

    if config.get("model_type") == "gpt2" and gpt2.readable(config):
        return "gpt2"
    return "llama" if config.get("model_type") in LLAMA and llama.readable(config) else "anything"


def read(files: ModelFiles) -> Checkpoint:
    """Read a model's weights; InputError for files that are damaged or incomplete."""
    kind = kind_of(files.config)
    return Checkpoint(files, {} if kind == "anything" else _tensors(files), kind)


def _tensors(files: ModelFiles) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    out: dict[str, Tensor] = {}
    for path in files.weights:
        try:
            out |= load_file(path)
        except Exception as error:  # safetensors raises a class of its own
            raise InputError(f"{path}: the weights cannot be read ({error}); fetch the file again") from error
    return out


def device_of(name: str, precision: str) -> Device:
    """The device asked for; ``auto`` is the GPU where there is one. InputError where it is not there."""
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: known are {', '.join(PRECISIONS)}")
    if name != "auto" and not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise InputError(f"--device {name}: known are auto, cpu, cuda and cuda:N")
    available = torch.cuda.is_available()
    if name == "auto":
        name = "cuda" if available else "cpu"
    if name.startswith("cuda") and not available:
        raise InputError(f"--device {name}: torch finds no GPU here; use --device cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {name}: {str(error).splitlines()[0]}") from error
    if precision == "tf32" and not name.startswith("cuda"):
        raise InputError("--precision tf32 needs a GPU; on a CPU use fp32 or bf16")
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    return Device(name, precision)


def hardware(device: Device) -> dict[str, Any]:
    """What is computed on, for the record of a run."""
    gpu = torch.cuda.get_device_name(device.name) if device.name.startswith("cuda") else None
    return {"device": gpu or "cpu", "threads": torch.get_num_threads(), "torch": torch.__version__}


def save(network: Network, replica: int, files: ModelFiles, folder: Path) -> None:
    """One replica as a folder with weights, configuration and tokenizer; written beside it first, then renamed."""
    from safetensors.torch import save_file

    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        save_file(network.tensors(replica), fresh / "model.safetensors", metadata={"format": "pt"})
        for name in _COPIED:
            for source in {files.folder, files.tokenizer_folder}:
                if (source / name).is_file():
                    shutil.copyfile(source / name, fresh / name)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    except Exception as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise InputError(f"cannot save the model in {folder}: {error}") from error
