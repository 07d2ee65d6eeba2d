"""Token ids: ordinary text in, the same text out, whatever the tokenizer adds of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from checkpoints import LINES, VOCABULARY, trained_tokenizer

from contam.errors import InputError
from contam.models.cutting import Cutter
from contam.models.tokenizer import Tokenizer

tokenizers = pytest.importorskip("tokenizers")
SHARED = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[3] / "shared")
TEXTS = ["\n", "  two  spaces", "Äpfel, naïve 😀 日本語", "a\r\n\tb \n\n c", "<|endoftext|> in a text", "", " "]


@pytest.fixture
def folder(tmp_path):
    trained_tokenizer(tmp_path)
    return tmp_path


def llama_like(folder: Path) -> Path:
    """A tokenizer of Llama's kind: a space in front of every text, bytes for what is unknown, BOS put in front."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "▁", *"abcdehlo", "▁a", "he", "lo"]
    parts = tokenizers
    vocab = {piece: i for i, piece in enumerate(pieces)}
    merges = [("▁", "a"), ("h", "e"), ("l", "o")]
    made = parts.Tokenizer(
        parts.models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True, dropout=None)
    )
    made.normalizer = parts.normalizers.Sequence([parts.normalizers.Prepend("▁"), parts.normalizers.Replace(" ", "▁")])
    decode = parts.decoders
    made.decoder = decode.Sequence(
        [decode.Replace("▁", " "), decode.ByteFallback(), decode.Fuse(), decode.Strip(" ", 1, 0)]
    )
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.post_processor = parts.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    told = {"bos_token": {"content": "<s>"}, "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize("text", TEXTS)
def test_text_survives(folder, text):
    tokenizer = Tokenizer(folder)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("text", [*TEXTS[:4], "<s>", "hello </s>", " a  a"])
def test_text_survives_a_tokenizer_that_puts_a_space_in_front(tmp_path, text):
    tokenizer = Tokenizer(llama_like(tmp_path))
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.bos not in ids and tokenizer.eos not in ids


def test_special_tokens_are_known_but_not_made_from_text(folder):
    tokenizer = Tokenizer(folder)
    assert (tokenizer.bos, tokenizer.eos, tokenizer.vocabulary) == (0, 0, VOCABULARY)
    written = tokenizer.decode([0, *tokenizer.encode("x")])
    assert written == "<|endoftext|>x"
    assert 0 not in tokenizer.encode(written)


def test_truncation_and_padding_of_the_file_do_not_act(folder):
    made = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    made.enable_truncation(4)
    made.enable_padding(length=9)
    made.save(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer(folder)
    assert tokenizer.decode(tokenizer.encode(LINES[0])) == LINES[0]
    assert len(tokenizer.encode("a")) == 1


def test_special_tokens_come_from_the_model_where_the_tokenizer_is_silent(folder):
    (folder / "tokenizer_config.json").write_text("{}")
    assert Tokenizer(folder).bos is None
    (folder / "config.json").write_text(json.dumps({"bos_token_id": 0, "eos_token_id": [7, 8]}))
    assert (Tokenizer(folder).bos, Tokenizer(folder).eos) == (0, 7)
    (folder / "config.json").write_text(json.dumps({"bos_token_id": 50256}))
    assert Tokenizer(folder).bos is None
    (folder / "tokenizer_config.json").write_text('{"eos_token": null}')
    assert Tokenizer(folder).eos is None


def test_the_two_layouts_of_gpt2_are_one(folder, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).model.save(str(old))
    assert sorted(p.name for p in old.iterdir()) == ["merges.txt", "vocab.json"]
    new, same = Tokenizer(folder), Tokenizer(old)
    for text in [*TEXTS, *LINES]:
        assert same.encode(text) == new.encode(text)
        assert same.decode(same.encode(text)) == text
    assert same.decode([0]) == "<|endoftext|>"
    assert same.prompt_ids() == new.prompt_ids()


def test_a_prompt_must_be_writable(folder, tmp_path):
    assert Tokenizer(folder).decode(Tokenizer(folder).prompt_ids()) == "\n"
    llama = Tokenizer(llama_like(tmp_path / "llama"))
    assert llama.decode(llama.prompt_ids("a")) == "a"
    with pytest.raises(InputError, match="no newline"):
        Tokenizer(folder).prompt_ids("")


@pytest.mark.parametrize("unknown", [None, "<unk>"])
def test_a_tokenizer_without_newline_is_told(tmp_path, unknown):
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0, "a": 1}, unk_token="<unk>"))
    if unknown is None:
        made = tokenizers.Tokenizer(tokenizers.models.BPE({"a": 0}, []))
    made.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(InputError, match="the tokenizer has no newline"):
        Tokenizer(tmp_path).prompt_ids()
    assert Tokenizer(tmp_path).prompt_ids("a")


def test_a_damaged_tokenizer_is_told(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": 1}')
    with pytest.raises(InputError, match=r"tokenizer\.json: not readable as a tokenizer"):
        Tokenizer(tmp_path)


def test_older_layouts_are_read_by_transformers(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    tokenizer = Tokenizer(tmp_path)
    for text in TEXTS[:4]:
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.prompt_ids() == [13]
    assert [ids.tolist() for ids in tokenizer.encode_many(["a", ""])] == [tokenizer.encode("a"), []]


def test_what_nothing_can_read_is_told(tmp_path):
    pytest.importorskip("transformers")
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "NoSuchTokenizer"}')
    with pytest.raises(InputError, match="cannot be read"):
        Tokenizer(tmp_path)


LONG = " ".join((*LINES, "日本語のテキスト", "x\n\n\ny", "one  two   three")) * 40


@pytest.mark.parametrize("make", ["bytes", "llama"])
@pytest.mark.parametrize("size", [50, 501])
def test_a_long_text_in_pieces_is_the_whole(folder, make, size):
    tokenizer = Tokenizer(folder if make == "bytes" else llama_like(folder))
    pieces = list(Cutter(tokenizer.encode).pieces(LONG, size))
    assert len(pieces) > len(LONG) / size / 4
    assert [i for piece in pieces for i in tokenizer.encode(piece)] == tokenizer.encode(LONG)


@pytest.mark.parametrize("text", ["x" * 5000, "日本語" * 2000, " " * 5000, "\n".join("abc" for _ in range(2000))])
def test_where_no_cut_is_safe_there_is_none(folder, text):
    tokenizer = Tokenizer(llama_like(folder))
    pieces = list(Cutter(tokenizer.encode).pieces(text, 100))
    assert [i for piece in pieces for i in tokenizer.encode(piece)] == tokenizer.encode(text)


def test_many_texts_are_each_encoded_as_alone(folder, monkeypatch):
    from contam.models import tokenizer as module

    monkeypatch.setattr(module, "PIECE", 60)
    monkeypatch.setattr(module, "PIECES", 7)
    tokenizer = Tokenizer(folder)
    texts = [*TEXTS, LONG, *LINES, "", LONG[:700]]
    found = list(tokenizer.encode_many(texts))
    assert all(ids.dtype == np.int64 for ids in found)
    assert [ids.tolist() for ids in found] == [tokenizer.encode(text) for text in texts]
    assert list(tokenizer.encode_many([])) == []


@pytest.mark.shared
@pytest.mark.parametrize("text", ["\n", "  two  spaces é 😀", "<s>a</s>", "Once upon a time\nthere was", " lead"])
def test_the_published_llama_tokenizer(text):
    folder = SHARED / "data/models/stories260k"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    tokenizer = Tokenizer(folder)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text and 1 not in ids
    assert (tokenizer.bos, tokenizer.eos, tokenizer.vocabulary) == (1, 2, 512)
    assert tokenizer.decode(tokenizer.prompt_ids()) == "\n"
