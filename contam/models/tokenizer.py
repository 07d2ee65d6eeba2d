"""Text to token ids and back, as the authors of the self-training experiment do it: nothing added, nothing special.

A string that looks like a special token (``<|endoftext|>``) is ordinary text when encoded; a special id is written
out when decoded. So decoding and encoding again is a function of the text alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contam.errors import InputError
from contam.models.cutting import Cutter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

PIECE = 1 << 16
"""Characters encoded at a time: an encoding takes some hundred bytes a token until its ids are taken out."""
PIECES = 64
"""Pieces handed over at once, for the library's own threads."""


class Tokenizer:
    """The tokenizer in a model's folder. ``bos``, ``eos``: ids, or None; ``vocabulary``: the largest id plus one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fast: Any = _fast(folder)
        self._slow: Any = None if self._fast else _slow(folder)
        either: Any = self._fast or self._slow
        ids = either.get_vocab().values()
        self.vocabulary: int = max(ids, default=-1) + 1
        self.bos, self.eos = self._special(folder, "bos"), self._special(folder, "eos")
        self._unknown = self._id(_unknown(folder))
        self._cutter: Cutter | None = None

    def encode(self, text: str) -> list[int]:
        """The ids of a text: no beginning or end token, special tokens in it spelled out."""
        if self._fast:
            return self._fast.encode(text, add_special_tokens=False).ids
        return self._slow.encode(text, add_special_tokens=False, split_special_tokens=True)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, special tokens as text; bytes that are no UTF-8 become U+FFFD."""
        plain = [int(i) for i in ids]
        if self._fast:
            return self._fast.decode(plain, skip_special_tokens=False)
        return self._slow.decode(plain, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def encode_many(self, texts: Sequence[str]) -> Iterator[Ids]:
        """The ids of each text, int64[tokens]; long texts are cut where that changes nothing, so memory is bounded."""
        self._cutter = self._cutter or Cutter(self.encode)
        held: list[list[str]] = []
        count = 0
        for text in texts:
            pieces = list(self._cutter.pieces(text, PIECE))
            held.append(pieces)
            count += len(pieces)
            if count >= PIECES:
                yield from self._encoded(held)
                held, count = [], 0
        yield from self._encoded(held)

    def prompt_ids(self, text: str = "\n") -> list[int]:
        """The ids a generation begins with; ``InputError`` where the tokenizer cannot write that text."""
        ids = self.encode(text)
        lost = "\n" in text and "\n" not in self.decode(ids)
        if not ids or lost or self._unknown in ids:
            why = "has no newline" if lost or not text.strip() else "has no tokens for it"
            raise InputError(f"{self.folder}: the tokenizer {why}, so the prompt {text!r} cannot be used; give another")
        return ids

    def _encoded(self, texts: list[list[str]]) -> Iterator[Ids]:
        """The ids of texts that come in pieces, a batch of pieces at a time."""
        parts: list[Ids] = []
        flat = [piece for pieces in texts for piece in pieces]
        for first in range(0, len(flat), PIECES):
            parts += self._batch(flat[first : first + PIECES])
        start = 0
        for pieces in texts:
            own = parts[start : start + len(pieces)]
            start += len(pieces)
            yield np.concatenate(own) if own else np.zeros(0, np.int64)

    def _batch(self, pieces: list[str]) -> list[Ids]:
        if not self._fast:
            return [np.array(self.encode(piece), np.int64) for piece in pieces]
        encode = getattr(self._fast, "encode_batch_fast", self._fast.encode_batch)
        return [np.array(e.ids, np.int64) for e in encode(pieces, add_special_tokens=False)]

    def _special(self, folder: Path, kind: str) -> int | None:
        """The id of the beginning or end token: by the tokenizer's own files, else by the model's."""
        known, text = _named(folder, f"{kind}_token")
        if known:
            return self._id(text) if text else None
        found = _read(folder / "config.json").get(f"{kind}_token_id")
        found = found[0] if isinstance(found, list) and found else found
        return found if isinstance(found, int) and 0 <= found < self.vocabulary else None

    def _id(self, text: str | None) -> int | None:
        if text is None:
            return None
        found = self._fast.token_to_id(text) if self._fast else self._slow.get_vocab().get(text)
        return found if found is None else int(found)


def _fast(folder: Path) -> Any:
    """The ``tokenizers`` object of a folder, None where only transformers can read it."""
    try:
        import tokenizers
    except ImportError:
        raise InputError("language models need the tokenizers library: pip install 'contam[models]'") from None
    path = folder / "tokenizer.json"
    try:
        if path.is_file():
            made = tokenizers.Tokenizer.from_file(str(path))
        elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            path = folder / "vocab.json"
            made = _byte_level(tokenizers, folder)
        else:
            return None
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"{path}: not readable as a tokenizer ({str(error)[:200]})") from None
    made.no_truncation()
    made.no_padding()
    made.encode_special_tokens = True
    return made


def _byte_level(tokenizers: Any, folder: Path) -> Any:
    """GPT-2's own layout: pieces of bytes, merges in order, the last piece the end of a text."""
    model = tokenizers.models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt"))
    made = tokenizers.Tokenizer(model)
    prefix = bool(_read(folder / "tokenizer_config.json").get("add_prefix_space", False))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    made.decoder = tokenizers.decoders.ByteLevel()
    named = {_named(folder, f"{kind}_token")[1] for kind in ("bos", "eos", "unk", "pad")} | {"<|endoftext|>"}
    special = [text for text in sorted(filter(None, named)) if model.token_to_id(text) is not None]
    made.add_special_tokens(special)
    return made


def _slow(folder: Path) -> Any:
    """transformers' own reading of a tokenizer that has no ``tokenizer.json``."""
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise InputError(f"{folder}: no tokenizer.json; pip install 'contam[models]' reads older layouts") from None
    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a package that is missing, a damaged file, a class that is not known
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{folder}: the tokenizer cannot be read ({first[:200]}); a tokenizer.json would do") from None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _named(folder: Path, key: str) -> tuple[bool, str | None]:
    """Whether the tokenizer's files speak of a special token, and its text."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        settings = _read(folder / name)
        if key in settings:
            token = settings[key]
            text = token.get("content") if isinstance(token, dict) else token
            return True, text if isinstance(text, str) else None
    return False, None


def _unknown(folder: Path) -> str | None:
    """The token for what cannot be written; GPT-2's files name a piece that never stands for that."""
    model = _read(folder / "tokenizer.json").get("model")
    if isinstance(model, dict):
        return model.get("unk_token") if isinstance(model.get("unk_token"), str) else None
    return None if (folder / "merges.txt").is_file() else _named(folder, "unk_token")[1]
