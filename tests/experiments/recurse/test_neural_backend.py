"""Neural models as a recursion sees them: trained, predicted, written, kept."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checkpoints import KINDS, LINES, save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError, UsageError  # noqa: E402
from contam.experiments.recurse.backend import Name  # noqa: E402
from contam.experiments.recurse.documents import Encoded  # noqa: E402
from contam.experiments.recurse.neural_backend import NeuralBackend  # noqa: E402
from contam.experiments.recurse.options import RecurseOptions  # noqa: E402
from contam.models import training  # noqa: E402

TEXTS = [f"{line} {i}." for i in range(12) for line in LINES]
KINDS_HERE = ("gpt2", "gpt_neo", "llama")


def options(**changes) -> RecurseOptions:
    given = RecurseOptions(
        model="gpt2-mini", vocabulary=300, block=32, batch_size=8, epochs=1.0, learning_rate=3e-3, max_tokens=20,
        write_batch=8, device="cpu",
    )  # fmt: skip
    return replace(given, **changes)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    for kind in KINDS_HERE:
        (folder / f"{kind}.json").write_text(json.dumps({"model_type": kind, **KINDS[kind]}))
    return folder


@pytest.fixture(scope="module", params=KINDS_HERE)
def trained(request, shapes, tmp_path_factory):
    """A backend and a model of it."""
    folder = tmp_path_factory.mktemp("scratch")
    backend = NeuralBackend(options(model=str(shapes / f"{request.param}.json")), TEXTS, folder / "base")
    return backend, backend.train(backend.encode(TEXTS), Name("replace-seed0", 0, 0))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "little", "gpt2")


def bits(model) -> list:
    return [t.clone() for t in model.network.tensors(0).values()]


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(bits(a), bits(b)))


def outside(folder):
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


def test_what_training_tells(trained):
    backend, model = trained
    tokens = backend.encode(TEXTS).tokens
    assert backend.unit == "piece"
    assert model.facts["tokens"] == tokens + len(TEXTS)
    assert model.facts["loss"] < 5.0 < np.log(300)
    assert model.facts["parameters"] == model.network.shape.parameters
    assert (model.network.shape.context, model.network.shape.vocabulary) == (32, 300)


def test_a_model_overfits_a_little_text(shapes, tmp_path):
    backend = NeuralBackend(options(model=str(shapes / "gpt2.json"), epochs=150), LINES, tmp_path)
    corpus = backend.encode(LINES)
    assert backend.train(corpus, Name("a", 0, 0)).predicted(corpus).loss < 0.5


def test_predictions_are_those_of_transformers(trained, tmp_path):
    """Documents that fit a window: every token given the end token and those before it."""
    backend, model = trained
    documents = backend.encode([t[:20] for t in TEXTS[:7]] + ["", "x"])
    found = model.predicted(documents)
    model.save(tmp_path / "kept")
    theirs = outside(tmp_path / "kept")
    assert found.tokens.tolist() == documents.lengths.tolist()
    for i in range(len(documents)):
        ids = torch.tensor([[backend.end, *documents.document(i).tolist()]])
        with torch.no_grad():
            logs = torch.log_softmax(theirs(ids).logits[0, :-1], -1)
        nats = -logs.gather(1, ids[0, 1:, None]).sum()
        assert found.nats[i] == pytest.approx(float(nats), abs=1e-3)
        assert found.correct[i] == int((logs.argmax(-1) == ids[0, 1:]).sum())
    assert found.nats[7] == found.tokens[7] == 0


def test_long_documents_are_read_in_windows(trained):
    backend, model = trained
    documents = backend.encode([" ".join(TEXTS[:5]), TEXTS[0]])
    found = model.predicted(documents)
    assert found.tokens.tolist() == documents.lengths.tolist()
    assert documents.lengths[0] > 100
    assert 0 < found.loss < 10
    assert np.isnan(model.predicted(Encoded.of([])).loss)


def test_following_is_the_product_over_pieces(trained, tmp_path):
    backend, model = trained
    contexts, words = ["The harbour was", "", "Nobody spoke " * 20], ["quiet", "in", "unheard-of"]
    found = model.following(contexts, words)
    assert found.shape == (3, 3)
    model.save(tmp_path / "kept")
    theirs, tokenizer = outside(tmp_path / "kept"), backend.tokenizer
    for c, context in enumerate(contexts):
        for w, word in enumerate(words):
            ids, expected = [backend.end, *tokenizer.encode(context)], 1.0
            for piece in tokenizer.encode(f" {word}"):
                with torch.no_grad():
                    logits = theirs(torch.tensor([ids[-32:]])).logits[0, -1]
                expected *= float(torch.softmax(logits, -1)[piece])
                ids.append(piece)
            assert found[c, w] == pytest.approx(expected, rel=1e-3)
    assert model.following([], words).shape == (0, 3)
    assert model.following(contexts, []).shape == (3, 0)


def test_what_follows_sums_to_at_most_one(trained):
    backend, model = trained
    one_piece = [t for i in range(300) if (t := backend.tokenizer.decode([i])).startswith(" ") and t.strip()]
    assert 0 < model.following(["She counted"], [t[1:] for t in one_piece]).sum() <= 1


def test_writing(trained):
    backend, model = trained
    backend.options = replace(backend.options, lengths="model")
    like = backend.encode(TEXTS[:9])
    name, heard = Name("replace-seed0", 0, 1), []
    found = model.write(like, name, lambda *told: heard.append(told))
    again = model.write(like, name)
    assert len(found.texts) == len(found.encoded) == 9
    assert found.texts == again.texts
    assert found.texts != model.write(like, Name("replace-seed0", 0, 2)).texts
    assert len(set(found.texts)) > 1
    encoded = backend.encode(found.texts)
    assert np.array_equal(found.encoded.ids, encoded.ids)
    assert np.array_equal(found.encoded.bounds, encoded.bounds)
    assert 0 <= found.ended <= 1
    assert heard[-1][0] == "writing"


def test_lengths_prompts_and_greedy_writing(shapes, tmp_path):
    shape = str(shapes / "gpt2.json")
    backend = NeuralBackend(options(model=shape, lengths="real", temperature=0.0), TEXTS, tmp_path)
    model, like = backend.train(backend.encode(TEXTS), Name("a", 0, 0)), backend.encode([*TEXTS[:4], "", "a"])
    decoded = model.write(like, Name("a", 0, 1))
    assert np.isnan(decoded.ended)
    assert decoded.texts[4] == ""
    shortest = min(decoded.texts[:4], key=len)  # greedy from nothing: one text, cut at several lengths
    assert len(shortest) > 1
    assert all(t.startswith(shortest[:-1]) for t in decoded.texts[:4])
    backend.options = replace(backend.options, prompt_tokens=4)
    begun = model.write(like, Name("a", 0, 1))
    assert len(set(begun.texts[:4])) > 1
    assert len(begun.encoded) == 6


def test_generations_begin_anew(shapes, tmp_path):
    backend = NeuralBackend(options(model=str(shapes / "gpt2.json")), TEXTS, tmp_path)
    corpus = backend.encode(TEXTS)
    names = [Name("replace-seed0", 0, 0), Name("mix-0.1-seed0", 0, 0), Name("replace-seed0", 0, 1),
             Name("replace-seed1", 1, 0)]  # fmt: skip
    first, base_too, next_one, other_seed = (backend.train(corpus, name) for name in names)
    assert same(first, base_too)  # generation 0 is the same model in every lineage
    assert not same(first, next_one)
    assert not same(first, other_seed)
    begun = [backend.begun(n.parts).tensors(0)["transformer.wte.weight"] for n in names]
    assert torch.equal(begun[0], begun[1])
    assert not torch.equal(begun[0], begun[2])


def test_the_tokenizer_is_taken_up(shapes, tmp_path):
    made = options(model=str(shapes / "gpt2.json"))
    before = NeuralBackend(made, TEXTS, tmp_path).tokenizer.encode(TEXTS[0])
    assert NeuralBackend(made, ["something else"], tmp_path).tokenizer.encode(TEXTS[0]) == before


def test_saved_models_are_read_and_probed(trained, tmp_path):
    from contam.models.finding import find

    backend, model = trained
    model.save(tmp_path / "kept")
    again = backend.read(tmp_path / "kept")
    documents = backend.encode(TEXTS[:5])
    assert again.predicted(documents).nats == pytest.approx(model.predicted(documents).nats, abs=1e-5)
    assert again.write(documents, Name("a", 0, 1)).texts == model.write(documents, Name("a", 0, 1)).texts
    assert find(str(tmp_path / "kept")).tokenizer_folder == tmp_path / "kept"
    with pytest.raises(InputError):
        backend.read(tmp_path / "nothing")


def test_a_base_is_fine_tuned_anew_each_time(base, tmp_path):
    backend = NeuralBackend(options(model=str(base), epochs=3), TEXTS, tmp_path)
    corpus = backend.encode(TEXTS)
    untouched = backend.read(base)
    first = backend.train(corpus, Name("replace-seed0", 0, 0))
    assert first.predicted(corpus).loss < untouched.predicted(corpus).loss - 0.5
    backend.train(corpus.take(range(9)), Name("replace-seed0", 0, 1))
    assert same(first, backend.train(corpus, Name("replace-seed0", 0, 0)))
    assert not any(tmp_path.iterdir())  # it brings its own tokenizer


def test_what_cannot_work_says_why(base, shapes, tmp_path):
    with pytest.raises(UsageError, match="did you mean gpt2-mini"):
        NeuralBackend(options(model="gpt2-mimi"), TEXTS, tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        NeuralBackend(options(model="nowhere/at/all"), TEXTS, tmp_path)
    backend = NeuralBackend(options(model=str(shapes / "gpt2.json")), TEXTS, tmp_path)
    with pytest.raises(InputError, match="--block"):
        backend.train(backend.encode(["short"]), Name("a", 0, 0))
    with pytest.raises(InputError, match="--block"):
        backend.train(Encoded.of([]), Name("a", 0, 0))
    wide = NeuralBackend(options(model=str(base), block=512), TEXTS, tmp_path)
    with pytest.raises(InputError, match="the model sees 64"):
        wide.train(wide.encode(TEXTS), Name("a", 0, 0))


def test_a_kill_between_training_and_writing_costs_no_training(shapes, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    backend = NeuralBackend(options(model=str(shapes / "gpt2.json")), TEXTS, tmp_path)
    name = Name("replace-seed0", 0, 1, tmp_path / "work")
    corpus = backend.encode(TEXTS)
    first = backend.train(corpus, name)
    monkeypatch.setattr(training._Run, "step", lambda *_: pytest.fail("a step was made"))
    again = backend.train(corpus, name)
    assert same(first, again)
    assert first.facts == again.facts


TOGETHER = """
import json, sys
from pathlib import Path
sys.path[:0] = json.loads(sys.argv[1])
import test_neural_backend as t
from contam.models import processes
shape, folder = sys.argv[2:]
first = processes.rank() == 0
backend = t.NeuralBackend(t.options(model=shape), t.TEXTS if first else [], Path(folder))
if first:
    corpus = backend.encode(t.TEXTS)
    models = [backend.train(corpus, t.Name("a", 0, g)) for g in (0, 1)]
    backend.close()
    print(json.dumps([m.predicted(corpus).loss for m in models]))
else:
    backend.help()
    print(json.dumps("helped"))
"""


def test_the_first_process_works_and_the_others_help(shapes, tmp_path):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    paths = json.dumps([str(Path(__file__).parent), str(Path(__file__).parents[2] / "support")])
    command = [sys.executable, "-c", TOGETHER, paths, str(shapes / "gpt2.json"), str(tmp_path)]
    started = [
        subprocess.Popen(command, env=os.environ | shared | {"RANK": rank}, stdout=subprocess.PIPE, text=True)
        for rank in ("0", "1")
    ]
    losses, helped = (json.loads(p.communicate(timeout=120)[0].splitlines()[-1]) for p in started)
    backend = NeuralBackend(options(model=str(shapes / "gpt2.json")), TEXTS, tmp_path)
    corpus = backend.encode(TEXTS)
    alone = [backend.train(corpus, Name("a", 0, g)).predicted(corpus).loss for g in (0, 1)]
    assert helped == "helped"
    assert losses == pytest.approx(alone, abs=1e-4)
