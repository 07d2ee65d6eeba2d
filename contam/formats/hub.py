"""Datasets of the Hugging Face hub, streamed: ``hf://datasets/NAME[/CONFIG][:SPLIT]``."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from contam.errors import InputError
from contam.formats.memory import dataset_tasks
from contam.formats.task import Problem, ReadOptions, Task

PREFIX = "hf://"
PATIENCE = 0.8
"""Seconds for the hub to answer a connection; the library alone tries for half a minute."""

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class HubName:
    """A dataset of the hub: repository, configuration and split, None where not given."""

    repository: str
    config: str | None = None
    split: str | None = None

    @classmethod
    def parse(cls, url: str) -> HubName:
        """From ``hf://datasets/NAME[/CONFIG][:SPLIT]``; NAME is ``owner/name``, or a name without owner
        before ``:``.
        """
        body, _, split = url.removeprefix(PREFIX).partition(":")
        parts = [p for p in body.removeprefix("datasets/").split("/") if p]
        if not parts or len(parts) > 3 or body.startswith("models/"):
            raise InputError("write hf://datasets/OWNER/NAME[/CONFIG][:SPLIT]")
        config = parts[2] if len(parts) == 3 else None
        return cls("/".join(parts[:2]), config, split or None)


def _address() -> tuple[str, int]:
    """What must answer for the hub to be in reach: the proxy if there is one, the hub otherwise."""
    proxy = next((os.environ[k] for k in PROXIES if os.environ.get(k)), None)
    url = urlsplit(proxy or os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    return url.hostname or "huggingface.co", url.port or (80 if url.scheme == "http" else 443)


def in_reach() -> bool:
    """Whether the hub accepts a connection; looking up its name is in the time too."""
    answered = threading.Event()

    def knock() -> None:
        try:
            socket.create_connection(_address(), PATIENCE).close()
            answered.set()
        except OSError:
            pass

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answered.is_set()


def load(url: str) -> tuple[Any, str]:
    """A streamed split and its name; raises ``InputError`` where the library or the hub is missing."""
    name = HubName.parse(url)
    set_offline = next((k for k in OFFLINE if os.environ.get(k, "").upper() in ("1", "ON", "YES", "TRUE")), None)
    if set_offline:
        raise InputError(f"{set_offline} is set; unset it, or download the dataset and give its folder")
    try:
        import datasets
    except ImportError:
        raise InputError("needs the datasets library: pip install 'contam[models]'") from None
    if not in_reach():
        host = _address()[0]
        raise InputError(f"{host} does not answer; check the network, or give a folder saved on disk")
    try:
        return _split(datasets, name)
    except InputError:
        raise
    except Exception as error:  # the library raises classes of half a dozen packages
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{first[:300]}") from None


def _split(datasets: Any, name: HubName) -> tuple[Any, str]:
    if name.split is not None:
        return datasets.load_dataset(name.repository, name.config, split=name.split, streaming=True), name.split
    found = datasets.load_dataset(name.repository, name.config, streaming=True)
    if not len(found):
        raise InputError(f"{PREFIX}datasets/{name.repository}: no split")
    split = "train" if "train" in found else next(iter(found))
    return found[split], split


def tasks(url: str, options: ReadOptions) -> Iterator[Task]:
    """Tasks of a dataset of the hub, as it streams in."""
    data, split = load(url)
    if HubName.parse(url).split is None:
        yield Problem(url, notes=(f"{url}: the split {split!r} was read",))
    try:
        yield from dataset_tasks(data, options, url)
    except InputError:
        raise
    except Exception as error:  # anything between the hub and here; what has arrived is audited
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"the stream broke off: {first[:300]}") from None
