"""What a model predicts of documents, against a plain computation with transformers."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from checkpoints import LINES, save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError, UsageError  # noqa: E402
from contam.models import anything, network, predictions, scoring, stacked  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device, pieces  # noqa: E402
from contam.models.scoring import Scored, Windowing, score_documents, score_ids  # noqa: E402
from contam.models.tokenizer import Tokenizer  # noqa: E402
from contam_metrics.perplexity import document_bootstrap  # noqa: E402

SHARED = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[3] / "shared")
KINDS = ("gpt2", "llama", "gpt_neo")
DOCUMENTS = (LINES[0], "", " ".join(LINES), "x", " ".join(LINES * 3)[5:], "\n".join(LINES[:3]), LINES[5])
FIGURES = ("nats", "entropy", "variance", "confidence")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("scoring")
    return {kind: save_model(base / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def tokenizer(folders):
    return Tokenizer(folders["gpt2"])


@pytest.fixture(params=KINDS)
def folder(request, folders) -> Path:
    return folders[request.param]


def opened(folder: Path, device: Device | None = None) -> Any:
    return read(find(str(folder))).network(1, device or Device())


def figures(logits: Any, target: int) -> tuple[float, ...]:
    """The five figures of one prediction in float64, by their definitions."""
    log_q = logits.double() - logits.double().logsumexp(0)
    q = log_q.exp()
    entropy = -(q * log_q).sum()
    variance = (q * (log_q + entropy) ** 2).sum()
    return -log_q[target].item(), entropy.item(), variance.item(), q.max().item(), int(q.argmax()) == target


def plainly(folder: Path, documents, window: int, stride: int, bos: bool) -> list[list[tuple[float, ...]]]:
    """Token by token: which window predicts it first, and what that window alone says of it."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    out = []
    for document in documents:
        ids = tokenizer(document, add_special_tokens=False)["input_ids"]
        ids = [tokenizer.bos_token_id, *ids] if bos else ids
        held: dict[int, Any] = {}
        found = []
        for i in range(1, len(ids)):
            start = 0
            while i > start + window:
                start += stride
            if start not in held:
                with torch.no_grad():
                    held[start] = model(torch.tensor([ids[start : start + window]])).logits[0]
            found.append(figures(held[start][i - 1 - start], ids[i]))
        out.append(found)
    return out


def assert_same(scored: Scored, expected, tolerance: float = 1e-4) -> None:
    assert scored.tokens.tolist() == [len(document) for document in expected]
    flat = [token for document in expected for token in document]
    for name, column in zip((*FIGURES, "hit"), zip(*flat)):
        assert getattr(scored, name) == pytest.approx(np.array(column), abs=tolerance), name


@pytest.mark.parametrize(("window", "stride", "bos"), [(0, 0, True), (24, 8, True), (24, 24, False), (7, 3, False)])
def test_it_is_what_transformers_says(folder, tokenizer, window, stride, bos):
    sizes = (window or 64, stride or (window or 64) // 2)
    expected = plainly(folder, DOCUMENTS, *sizes, bos)
    assert max(map(len, expected)) > 64  # more than the model sees at once
    found = score_documents(opened(folder), tokenizer, DOCUMENTS, Windowing(window, stride, bos))
    assert_same(found, expected)
    # The bytes of a first token that is not predicted do not count either.
    seen = [0 if bos else len(tokenizer.decode(tokenizer.encode(d)[:1]).encode()) for d in DOCUMENTS]
    assert found.bytes.tolist() == [len(d.encode()) - s for d, s in zip(DOCUMENTS, seen)]
    sums = [sum(token[0] for token in document) for document in expected]
    assert found.document_nats() == pytest.approx(np.array(sums), abs=1e-3)
    assert found.document_entropy().sum() == pytest.approx(float(found.entropy.sum()), rel=1e-5)


def test_the_batch_makes_no_difference(folder, tokenizer):
    model = opened(folder)
    one, many = (score_documents(model, tokenizer, DOCUMENTS, Windowing(32, 8), batch=b) for b in (1, 32))
    for name in FIGURES:
        assert getattr(one, name) == pytest.approx(getattr(many, name), abs=1e-4)
    assert (one.offsets == many.offsets).all() and (one.hit == many.hit).all()


def test_pieces_of_any_size_give_the_same(folder, tokenizer, monkeypatch):
    model = opened(folder)
    whole = score_documents(model, tokenizer, DOCUMENTS, Windowing(32, 8))
    monkeypatch.setattr(network, "PIECE_CPU", 320 * 5)
    monkeypatch.setattr(network, "LEAST_CPU", 1)
    monkeypatch.setattr(stacked, "TOKENS_CPU", 40)
    monkeypatch.setattr(anything, "ROWS_CPU", 320 * 40)
    monkeypatch.setattr(predictions, "BLOCK_CPU", 320 * 2)
    ids = torch.randint(0, 320, (1, 3, 12))
    assert [p.shape[1] for p in model.chunks(ids, 1)] == [5, 5] * 3
    cut = score_documents(model, tokenizer, DOCUMENTS, Windowing(32, 8))
    for name in FIGURES:
        assert getattr(cut, name) == pytest.approx(getattr(whole, name), abs=1e-4)


@pytest.mark.parametrize("first", [0, 5])
def test_chunks_are_the_logits_in_order(folder, first, monkeypatch):
    monkeypatch.setattr(network, "LEAST_CPU", 1)
    model, ids = opened(folder), torch.randint(0, 300, (1, 4, 21), generator=torch.Generator().manual_seed(2))
    outside = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        expected = outside(ids[0, :, :-1]).logits[:, first:].flatten(0, 1)
    for size in (1 << 18, 320 * 20, 320 * 7, 320):
        monkeypatch.setattr(network, "PIECE_CPU", size)
        found = [piece.clone() for piece in model.chunks(ids, first)]
        assert all(piece.dtype == torch.float32 and piece.numel() <= size for piece in found)
        assert float((torch.cat(found, dim=1)[0] - expected).abs().max()) < 1e-4
    if isinstance(model, anything.Anything):  # as with a module that gives the logits of all positions only
        monkeypatch.setattr(model, "_keeps", False)
        assert float((torch.cat(list(model.chunks(ids, first)), dim=1)[0] - expected).abs().max()) < 1e-4


def test_replicas_have_chunks_of_their_own(folder):
    model = read(find(str(folder))).network(2, Device())
    with torch.no_grad():
        for parameter in model.masters(1).values():
            parameter.mul_(0.5)
    model.refresh()
    ids = torch.randint(0, 300, (1, 2, 9)).repeat(2, 1, 1)
    (both,) = (piece.clone() for piece in model.chunks(ids))
    (alone,) = opened(folder).chunks(ids[:1])
    assert float((both[0] - alone[0]).abs().max()) < 1e-4 < float((both[1] - alone[0]).abs().max())
    with pytest.raises(ValueError, match="one replica"):
        score_ids(model, [np.arange(4)], 0, Windowing())


@pytest.mark.parametrize(("rows", "length", "most"), [(5, 7, 100), (5, 7, 15), (5, 7, 4), (1, 1, 1), (3, 10, 10)])
def test_pieces_cover_everything_once(rows, length, most):
    places = np.arange(rows * length).reshape(rows, length)
    cut = [places[rectangle].ravel() for rectangle in pieces(rows, length, most)]
    assert np.concatenate(cut).tolist() == list(range(rows * length))
    assert max(map(len, cut)) <= max(most, 1)


def test_every_token_is_predicted_once_after_enough_others():
    for length, window, stride in [(1, 8, 4), (8, 8, 4), (9, 8, 4), (100, 8, 4), (100, 8, 8), (100, 8, 1), (31, 8, 3)]:
        seen: dict[int, int] = {}
        for view in scoring._views([length], window, stride):
            assert view.length <= window
            for token in range(view.skip, view.length):
                assert seen.setdefault(view.start + token, token + 1) == token + 1
        assert sorted(seen) == list(range(length))
        assert all(count == position + 1 or count > window - stride for position, count in seen.items())


def test_bf16_is_close(folder, tokenizer):
    exact = score_documents(opened(folder), tokenizer, DOCUMENTS, Windowing())
    rough = score_documents(opened(folder, Device("cpu", "bf16")), tokenizer, DOCUMENTS, Windowing())
    assert 0 < np.abs(rough.nats - exact.nats).max() < 0.3
    assert np.abs(rough.nats - exact.nats).mean() < 0.03
    assert np.abs(rough.entropy - exact.entropy).max() < 0.1


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0])
def test_the_figures_are_those_of_float64(scale):
    made = torch.Generator().manual_seed(3)
    logits = scale * torch.randn(1, 40, 1000, generator=made) - 100
    targets = torch.randint(0, 1000, (1, 40), generator=made)
    expected = np.array([figures(row, int(t)) for row, t in zip(logits[0], targets[0])])
    found = predictions.joined(logits.clone().split(7, dim=1), targets)
    for i, name in enumerate(FIGURES):
        assert getattr(found, name)[0].numpy() == pytest.approx(expected[:, i], abs=1e-4, rel=1e-5), name
    if scale:
        assert (found.hit[0].numpy() == expected[:, 4]).all()
    assert float(found.variance.min()) >= 0


def test_documents_without_tokens(folders, tokenizer):
    model = opened(folders["llama"])
    nothing = score_documents(model, tokenizer, [], Windowing())
    assert len(nothing.nats) == len(nothing.bytes) == 0 and nothing.offsets.tolist() == [0]
    single = score_documents(model, tokenizer, ["", "x", ""], Windowing(bos=False))
    assert single.tokens.tolist() == [0, 0, 0] and single.bytes.tolist() == [0, 0, 0]
    assert single.document_nats().tolist() == [0, 0, 0]


def test_where_there_is_no_beginning_the_end_stands_for_it(folders, tokenizer, monkeypatch):
    model, documents = opened(folders["gpt2"]), DOCUMENTS[:3]
    usual = score_documents(model, tokenizer, documents, Windowing())
    monkeypatch.setattr(tokenizer, "bos", None)
    assert (score_documents(model, tokenizer, documents, Windowing()).nats == usual.nats).all()
    monkeypatch.setattr(tokenizer, "eos", None)
    without = score_documents(model, tokenizer, documents, Windowing())
    assert without.tokens.tolist() == [usual.tokens[0] - 1, 0, usual.tokens[2] - 1]


def test_parts_are_put_together(folders, tokenizer):
    model = opened(folders["llama"])
    whole = score_documents(model, tokenizer, DOCUMENTS, Windowing(16, 4))
    parts = [score_documents(model, tokenizer, d, Windowing(16, 4)) for d in (DOCUMENTS[:2], [], DOCUMENTS[2:])]
    joined = Scored.concatenate(parts)
    for name in ("offsets", "bytes", "hit"):
        assert (getattr(joined, name) == getattr(whole, name)).all()
    assert joined.nats == pytest.approx(whole.nats, abs=1e-4)
    assert joined.nats.dtype == np.float32
    assert Scored.concatenate([]).offsets.tolist() == [0]


def test_progress_is_told(folders, tokenizer):
    told: list[int] = []
    found = score_documents(opened(folders["llama"]), tokenizer, DOCUMENTS, Windowing(), batch=2, beat=told.append)
    assert told == sorted(told) and len(told) > 2 and told[-1] == len(found.nats)


def test_damaged_weights_are_told(folder, tokenizer):
    model = opened(folder)
    with torch.no_grad():
        next(iter(model.masters(0).values())).fill_(math.nan)
    model.refresh()
    with pytest.raises(InputError, match=r"gpt2: the model gives no finite loss: its weights are damaged"):
        score_documents(model, tokenizer, DOCUMENTS, Windowing())


def test_another_models_tokenizer_is_told(folders, tokenizer, monkeypatch):
    model = opened(folders["llama"])
    monkeypatch.setattr(model, "shape", replace(model.shape, vocabulary=200))
    with pytest.raises(InputError, match="but the model has 200; the folder holds the tokenizer of another model"):
        score_documents(model, tokenizer, DOCUMENTS, Windowing())


@pytest.mark.parametrize(
    ("windowing", "told"),
    [(Windowing(65), "the model sees 64 tokens"), (Windowing(8, 9), "wider than the window"), (Windowing(-1), "negat")],
)
def test_windows_that_do_not_fit_are_told(folders, tokenizer, windowing, told):
    with pytest.raises(UsageError, match=told):
        score_documents(opened(folders["gpt2"]), tokenizer, DOCUMENTS, windowing)


def stories(name: str) -> list[str]:
    path = SHARED / "data/tinystories" / name
    if not path.is_file():
        pytest.skip(f"no shared data at {SHARED}")
    text = path.read_bytes()
    if name.endswith(".zst"):
        import zstandard

        text = zstandard.ZstdDecompressor().decompressobj().decompress(text)
    return [json.loads(line)["text"] for line in text.decode().splitlines()]


def on_stories(documents: list[str]) -> Scored:
    files = find(str(SHARED / "data/models/stories260k"))
    return score_documents(read(files).network(1, Device()), Tokenizer(files.tokenizer_folder), documents, Windowing())


@pytest.mark.shared
def test_known_losses_are_found_again():
    """1.266 nats a token on five stories, as measured when the model was converted; the model is calibrated there."""
    found = on_stories(stories("tinystories_v2_sample.jsonl"))
    assert (len(found.offsets) - 1, len(found.nats)) == (5, 1804)
    assert float(found.nats.mean()) == pytest.approx(1.266, abs=0.01)
    assert float(found.entropy.mean()) == pytest.approx(1.266, abs=0.02)


@pytest.mark.shared
def test_a_known_loss_is_inside_the_interval_of_a_sample():
    """1.439 nats a token on all 926 stories that are plain ASCII; here every twentieth of them."""
    sample = [s for s in stories("tinystories_v1_sample.jsonl.zst") if s.isascii()][::20]
    found = on_stories(sample)
    low, high = document_bootstrap(found.document_nats(), found.tokens, level=0.99)
    assert low < 1.439 < high < low + 0.25
