"""Detection scores: by hand, against definitions, and from pairs of models."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from checkpoints import LINES, save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.models import anything, network, predictions, stacked  # noqa: E402
from contam.models.detection import binoculars, crossed, detection_scores, fast_detect, pair_scores  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.tokenizer import Tokenizer  # noqa: E402

P = [[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]
Q = [[0.6, 0.3, 0.1], [0.4, 0.4, 0.2]]
LABELS = [0, 2]
DOCUMENTS = (LINES[0], "", " ".join(LINES * 2), LINES[5])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("detection")
    kinds = {"gpt2": "gpt2", "llama": "llama", "neo": "gpt_neo"}
    made = {name: save_model(base / name, kind, seed) for seed, (name, kind) in enumerate(kinds.items())}
    return made | {"long": save_model(base / "long", "llama", 9, max_position_embeddings=128)}


def test_known_values():
    one, two = crossed(Q, Q, LABELS), crossed(P, Q, LABELS)
    assert one.cross_entropy.mean() == pytest.approx(0.976433, abs=1e-6)
    assert one.nats.mean() == pytest.approx(1.060132, abs=1e-6)
    assert one.nats.mean() - one.cross_entropy.mean() == pytest.approx(0.083699, abs=1e-6)
    assert fast_detect(two.nats, two.cross_entropy, two.variance) == pytest.approx(-0.377592, abs=1e-6)
    assert binoculars(two.nats, two.cross_entropy) == pytest.approx(1.125673, abs=1e-6)


def test_nothing_has_no_score():
    assert math.isnan(fast_detect([], [], [])) and math.isnan(binoculars([], []))
    assert math.isnan(fast_detect([1.0], [1.0], [0.0]))  # a uniform model says nothing


def test_text_drawn_from_the_model_is_standard_normal():
    """Sums of ln q over 60 tokens, each drawn from p: mean 0 and deviation 1 over 2000 documents."""
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.full(8, 0.7), size=60), rng.dirichlet(np.full(8, 0.7), size=60) + 1e-3
    q /= q.sum(axis=1, keepdims=True)
    scores = []
    for _ in range(2000):
        labels = (p.cumsum(axis=1) < rng.uniform(size=(60, 1))).sum(axis=1).clip(max=7)
        found = crossed(p, q, labels)
        scores.append(fast_detect(found.nats, found.cross_entropy, found.variance))
    assert np.mean(scores) == pytest.approx(0, abs=0.08)
    assert np.std(scores) == pytest.approx(1, abs=0.06)


def rows_of(folder, ids) -> Any:
    """Probabilities by transformers, float64[T, V], after every token but the last."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        return torch.softmax(model(torch.tensor([ids[:-1]])).logits[0].double(), -1).numpy()


@pytest.mark.parametrize("observer", ["llama", "neo", None])
def test_scores_are_those_of_their_definitions(folders, observer):
    name = str(folders["gpt2"])
    found = detection_scores(DOCUMENTS, name, observer and str(folders[observer]), device="cpu")
    tokenizer = Tokenizer(folders["gpt2"])
    for document, score in zip(DOCUMENTS, found):
        ids = [tokenizer.bos, *tokenizer.encode(document)]
        if len(ids) == 1:
            assert score.tokens == 0 and math.isnan(score.fast_detect)
            continue
        if len(ids) > 64:  # read in windows: test_scoring
            assert score.tokens == len(ids) - 1
            continue
        q = rows_of(folders["gpt2"], ids)
        p = rows_of(folders[observer], ids) if observer else q
        expected = crossed(p, q, ids[1:])
        assert score.tokens == len(expected.nats)
        d = fast_detect(expected.nats, expected.cross_entropy, expected.variance)
        assert score.fast_detect == pytest.approx(d, abs=1e-4)
        b = binoculars(expected.nats, expected.cross_entropy)
        assert score.binoculars == (pytest.approx(b, abs=1e-5) if observer else None)
    assert sum(score.tokens > 0 for score in found) == 3


def test_a_model_that_observes_itself_is_one_model(folders):
    name = str(folders["gpt2"])
    alone = detection_scores(DOCUMENTS, name, device="cpu")
    itself = detection_scores(DOCUMENTS, name, name, device="cpu")
    for one, two in zip(alone, itself):
        assert one.tokens == two.tokens
        assert one.fast_detect == pytest.approx(two.fast_detect, abs=1e-3, nan_ok=True)


def test_pieces_of_two_networks_fit(folders, monkeypatch):
    """A stacked network and one of transformers, of different widths of memory and contexts."""
    networks = tuple(read(find(str(folders[n]))).network(1, Device()) for n in ("long", "neo"))
    rows = list(Tokenizer(folders["neo"]).encode_many(DOCUMENTS))
    whole = pair_scores(networks, rows, 0)
    monkeypatch.setattr(network, "LEAST_CPU", 1)
    monkeypatch.setattr(stacked, "TOKENS_CPU", 50)
    monkeypatch.setattr(anything, "ROWS_CPU", 320 * 90)
    monkeypatch.setattr(predictions, "BLOCK_CPU", 320 * 3)
    for size in (320, 320 * 5, 320 * 40, 320 * 64):
        monkeypatch.setattr(network, "PIECE_CPU", size)
        ids = torch.randint(0, 320, (1, 7, 21))
        cuts = [[piece.shape[1] for piece in n.chunks(ids, 3)] for n in networks]
        assert cuts[0] == cuts[1] and sum(cuts[0]) == 7 * 17 and max(cuts[0]) * 320 <= size
        for one, two in zip(whole, pair_scores(networks, rows, 0)):
            assert one.fast_detect == pytest.approx(two.fast_detect, abs=1e-4, nan_ok=True)
            assert one.binoculars == pytest.approx(two.binoculars, abs=1e-4, nan_ok=True)


def test_models_of_different_vocabularies_are_refused(folders, tmp_path):
    larger = save_model(tmp_path / "larger", "gpt2", vocab_size=330)
    with pytest.raises(InputError, match=r"has 320 tokens, .*larger has 330; detection with an observer needs"):
        detection_scores(DOCUMENTS, str(folders["gpt2"]), str(larger), device="cpu")
    other = save_model(tmp_path / "other", "gpt2")
    told = json.loads((other / "tokenizer.json").read_text())
    pieces = told["model"]["vocab"]
    pieces["a"], pieces["b"] = pieces["b"], pieces["a"]
    (other / "tokenizer.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match="their tokenizers differ"):
        detection_scores(DOCUMENTS, str(folders["gpt2"]), str(other), device="cpu")


def test_what_a_model_writes_scores_higher_than_chance(folders):
    """Text drawn from the model itself against tokens drawn evenly, under the same model."""
    model = read(find(str(folders["gpt2"]))).network(1, Device())
    made = torch.Generator().manual_seed(1)
    ids = torch.zeros((1, 40, 1), dtype=torch.int64)
    for _ in range(30):
        chosen = torch.multinomial(torch.softmax(model.last(ids)[0], -1), 1, generator=made)
        ids = torch.cat((ids, chosen.unsqueeze(0)), dim=2)
    even = torch.randint(1, 320, (40, 30), generator=made)
    own = [s.fast_detect for s in pair_scores((model, model), list(ids[0, :, 1:].numpy()), 0)]
    random = [s.fast_detect for s in pair_scores((model, model), list(even.numpy()), 0)]
    assert abs(np.mean(own)) < 0.5 and np.std(own) < 2
    assert np.mean(random) < np.mean(own) - 2
