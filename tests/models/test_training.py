"""Training from scratch: windows, rates, the same bits after a kill, several processes against one."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checkpoints import KINDS

torch = pytest.importorskip("torch")

from contam.errors import InputError  # noqa: E402
from contam.models import training  # noqa: E402
from contam.models.configurations import fitted  # noqa: E402
from contam.models.finding import ModelFiles  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.scratch import fresh  # noqa: E402
from contam.models.states import load_state, save_state  # noqa: E402
from contam.models.stream import Windows, packed_stream  # noqa: E402
from contam.models.training import TrainingSettings, train  # noqa: E402

VOCABULARY = 60
SMALL = TrainingSettings(block=16, batch_size=4, epochs=2.0, learning_rate=3e-3, clip=1.0)


def network(kind="gpt2", seed=0, device=None):
    if kind == "gpt_neo":
        pytest.importorskip("transformers")
    config = fitted({"model_type": kind, **KINDS[kind]}, VOCABULARY, 32, 0)
    return fresh(ModelFiles(kind, Path(), config, (), Path()), seed, device or Device())


def text(count, seed=1):
    """A stream in which the next token is nearly always 3 x + 1 modulo the vocabulary."""
    made = np.random.default_rng(seed)
    out = [1]
    while len(out) < count:
        jump = made.random() < 0.05
        out.append(int(made.integers(1, VOCABULARY)) if jump else (3 * out[-1] + 1) % VOCABULARY)
    return np.array(out, np.int64)


def weights(net):
    return {name: p.detach().clone() for name, p in net.masters(0).items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- streams and windows --------------------------------------------------------------------------------------------


def test_documents_stand_between_end_tokens():
    ids, bounds = np.array([5, 6, 7, 8], np.int32), np.array([0, 2, 2, 4])
    assert packed_stream(ids, bounds, 0).tolist() == [0, 5, 6, 0, 0, 7, 8, 0]
    assert packed_stream(ids[:0], np.array([0]), 9).tolist() == [9]


@pytest.mark.parametrize("length", [17, 18, 32, 33, 34, 200, 1001])
def test_every_cut_predicts_every_token_once(length):
    windows = Windows(length, 16)
    for shift in range(min(16, length - 1)):
        seen = np.zeros(length, int)
        for start, low, high in windows.cut(shift):
            assert 0 <= start <= length - 17
            assert 0 <= low < high <= 16
            seen[start + 1 + low : start + 1 + high] += 1
        assert seen.tolist() == [0] + [1] * (length - 1)
        if shift:
            assert windows.cut(shift)[0].tolist() == [0, 0, shift]


@pytest.mark.parametrize("length", [17, 100, 641])
@pytest.mark.parametrize("batch", [1, 5])
def test_an_epoch_is_one_cut_in_another_order(length, batch):
    windows = Windows(length, 16)
    steps = list(windows.steps(3.0, batch, ("a",)))
    assert len(steps) == windows.count(3.0, batch, ("a",))
    assert all(len(step) <= batch for step in steps)
    rows = np.concatenate(steps)
    assert (rows[:, 2] - rows[:, 1]).sum() == 3 * (length - 1)
    if length == 641:
        assert len({start % 16 for start in rows[:, 0].tolist()} - {0}) > 1
        assert (np.diff(rows[:40, 0]) < 0).any()
        other = np.concatenate(list(windows.steps(1.0, 4, ("b",))))
        assert rows[: len(other)].tolist() != other.tolist()


@pytest.mark.parametrize(("epochs", "share"), [(0.5, 0.5), (0.001, 1 / 41), (1.25, 1.25), (2.999, 3.0)])
def test_epochs_may_be_parts(epochs, share):
    windows = Windows(16 * 40 + 1, 16)
    steps = list(windows.steps(epochs, 4, ("a",)))
    assert sum(map(len, steps)) == pytest.approx(share * 41, abs=3)
    assert len(steps) == windows.count(epochs, 4, ("a",))


def test_rates():
    constant = replace(SMALL, warmup=0.1)
    assert [constant.rate(s, 50) / 3e-3 for s in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1])
    cosine = replace(SMALL, schedule="cosine", warmup=0.1)
    expected = [0.5 * (1 + math.cos(math.pi * (s - 5) / 45)) for s in range(5, 50)]
    assert [cosine.rate(s, 50) / 3e-3 for s in range(5, 50)] == pytest.approx(expected)
    assert replace(SMALL, schedule="cosine").rate(0, 1) == 3e-3


# --- training -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gpt_neo"])
def test_a_small_model_learns_a_rule(kind):
    heard = []
    net = network(kind)
    found = train(net, text(2000), replace(SMALL, epochs=4), ("test",), lambda *told: heard.append(told))
    assert found.losses[0] == pytest.approx(math.log(VOCABULARY), abs=0.2)
    assert found.loss < 1.0  # the rule's own entropy is about 0.4
    assert found.steps == len(found.losses) == Windows(2000, 16).count(4, 4, ("test",))
    assert found.tokens == 4 * 1999
    assert heard[-1] == ("training", 1.0)
    assert [share for _, share in heard] == sorted(share for _, share in heard)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neo"])
def test_equal_seeds_give_equal_bits(kind):
    made = []
    for seed, names in ((0, ("a",)), (0, ("a",)), (0, ("b",)), (1, ("a",))):
        net = network(kind, seed)
        made.append((train(net, text(300), SMALL, names).losses.tolist(), weights(net)))
    assert made[0][0] == made[1][0]
    assert equal(made[0][1], made[1][1])
    for other in made[2:]:
        assert made[0][0] != other[0]
        assert not equal(made[0][1], other[1])


def test_steps_are_those_of_torch_on_the_same_windows():
    """Against a plain loop with autograd on transformers' module, partial windows and batches included."""
    transformers = pytest.importorskip("transformers")
    settings, stream = replace(SMALL, schedule="cosine", warmup=0.2, clip=0.5), text(16 * 9 + 6)
    net = network()
    config = fitted({"model_type": "gpt2", **KINDS["gpt2"], "attn_pdrop": 0}, VOCABULARY, 32, 0)
    module = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config)).eval()
    module.load_state_dict(net.tensors(0), strict=False)
    wide, thin = ([p for p in module.parameters() if (p.dim() > 1) == w] for w in (True, False))
    adam = torch.optim.AdamW(
        [{"params": wide, "weight_decay": 0.1}, {"params": thin, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    found = train(net, stream, settings, ("x",))
    windows, expected = Windows(len(stream), 16), []
    for number, step in enumerate(windows.steps(2.0, 4, ("x",))):
        rows = torch.tensor(np.stack([stream[s : s + 17] for s in step[:, 0]]))
        logits = module(rows[:, :-1]).logits
        nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), rows[:, 1:], reduction="none")
        loss = torch.cat([row[low:high] for row, (_, low, high) in zip(nats, step.tolist())]).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 0.5)
        for group in adam.param_groups:
            group["lr"] = settings.rate(number, found.steps)
        adam.step()
        expected.append(float(loss.detach()))
    assert found.losses.tolist() == pytest.approx(expected, abs=2e-5)


def test_parts_of_a_batch_add_up(monkeypatch):
    whole = train(network(), text(300), SMALL, ("a",)).losses
    monkeypatch.setattr(training, "LOGITS_CPU", 16 * VOCABULARY)
    assert train(network(), text(300), SMALL, ("a",)).losses == pytest.approx(whole, abs=1e-5)


def test_bf16_trains_fp32_masters():
    net = network(device=Device("cpu", "bf16"))
    assert train(net, text(2000), replace(SMALL, epochs=4), ("test",)).loss < 1.0
    assert {p.dtype for p in net.masters(0).values()} == {torch.float32}


def test_the_network_can_be_read_after_training():
    """The compute copy is that of the last step."""
    for kind in ("gpt2", "llama"):
        net, ids = network(kind), torch.tensor(text(18)[None, None])
        train(net, text(300), SMALL, ("a",))
        assert torch.allclose(net.score(ids), net.losses(ids), atol=1e-5)


def test_what_cannot_be_trained_says_why():
    with pytest.raises(InputError, match=r"12 tokens.*needs 17.*--block"):
        train(network(), text(12), SMALL, ())
    with pytest.raises(InputError, match=r"64 tokens, but the model sees 32"):
        train(network(), text(300), replace(SMALL, block=64), ())
    with pytest.raises(InputError, match=r"token 60.*the model has 60"):
        train(network(), np.append(text(300), 60), SMALL, ())


@pytest.mark.filterwarnings("ignore")
def test_a_training_that_diverges_says_where(tmp_path):
    net = network()
    with torch.no_grad():
        net.masters(0)["wte.weight"][7] = float("nan")
    with pytest.raises(InputError, match=r"loss is nan at step 1 of .*--lr 0\.001"):
        train(net, text(300), SMALL, (), folder=tmp_path)
    assert not any(tmp_path.iterdir())


# --- killed and taken up --------------------------------------------------------------------------------------------


class Killed(Exception):
    pass


def killed_after(steps, total):
    def beat(_, share):
        if share * total >= steps:
            raise Killed

    return beat


@pytest.fixture
def hasty(monkeypatch):
    """States are saved and beats are heard after every step."""
    monkeypatch.setattr(training, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(training, "BEAT_SECONDS", 0.0)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gpt_neo"])
def test_a_killed_training_ends_with_the_same_bits(kind, hasty, tmp_path):
    stream, settings = text(400), replace(SMALL, schedule="cosine", warmup=0.1)
    whole = network(kind)
    undisturbed = train(whole, stream, settings, ("a",))
    for steps in (3, 9):  # killed twice
        with pytest.raises(Killed):
            train(network(kind), stream, settings, ("a",), killed_after(steps, undisturbed.steps), tmp_path)
    done = load_state(tmp_path / training.STATE)[1]["done"]
    assert done == 8  # the state of the step at which it was killed was not saved any more
    again = network(kind, seed=5)  # its weights are those of the state
    found = train(again, stream, settings, ("a",), folder=tmp_path)
    assert found.losses.tolist() == undisturbed.losses.tolist()
    assert (found.steps, found.tokens) == (undisturbed.steps, undisturbed.tokens)
    assert equal(weights(again), weights(whole))


def test_a_finished_training_is_not_repeated(hasty, tmp_path, monkeypatch):
    net = network()
    found = train(net, text(300), SMALL, ("a",), folder=tmp_path)
    monkeypatch.setattr(training._Run, "step", lambda *_: pytest.fail("a step was made"))
    other = network(seed=3)
    assert train(other, text(300), SMALL, ("a",), folder=tmp_path).losses.tolist() == found.losses.tolist()
    assert equal(weights(net), weights(other))


def test_a_state_of_something_else_is_not_taken_up(hasty, tmp_path):
    train(network(), text(300), SMALL, ("a",), folder=tmp_path)
    for stream, settings, names in (
        (text(300, seed=2), SMALL, ("a",)), (text(300), replace(SMALL, clip=0.7), ("a",)), (text(300), SMALL, ("b",)),
    ):  # fmt: skip
        alone = train(network(), stream, settings, names)
        assert train(network(), stream, settings, names, folder=tmp_path).losses.tolist() == alone.losses.tolist()


def test_a_short_training_leaves_nothing(tmp_path):
    train(network(), text(100), SMALL, ("a",), folder=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_damaged_state_is_begun_anew(hasty, tmp_path):
    found = train(network(), text(300), SMALL, ("a",), folder=tmp_path)
    (tmp_path / training.STATE).write_bytes(b"torn")
    assert train(network(), text(300), SMALL, ("a",), folder=tmp_path).losses.tolist() == found.losses.tolist()


def test_a_state_that_cannot_be_written_is_an_input_error(hasty, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*training\.safetensors"):
        train(network(), text(300), SMALL, ("a",), folder=tmp_path / "file")
    save_state(tmp_path / "whole", {"x": torch.ones(2)}, {"n": 1})

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(InputError, match="No space left"):
        save_state(tmp_path / "whole", {"x": torch.zeros(2)}, {"n": 2})
    assert load_state(tmp_path / "whole")[1] == {"n": 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "whole"]


# --- several processes ----------------------------------------------------------------------------------------------

TOGETHER = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import test_training as t
from contam.models import processes
for kind in sys.argv[2:]:
    losses, total = t.shared_training(kind)
    print(json.dumps([kind, processes.rank(), losses, total]))
"""


def shared_training(kind):
    """One process has two rows of a batch and the other three; of the last batch, with one row, one has none."""
    net, stream = network(kind), text(161)
    assert [len(step) for step in Windows(161, 16).steps(1.0, 5, ("a",))] == [5, 5, 1]
    found = train(net, stream, replace(SMALL, batch_size=5), ("a",))
    return found.losses.tolist(), sum(float(w.double().abs().sum()) for w in weights(net).values())


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def launched(program, *arguments, size=2):
    """What processes print that are started as a launcher starts them."""
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE, text=True,
        )
        for rank in range(size)
    ]  # fmt: skip
    told = [p.communicate(timeout=120)[0].splitlines() for p in started]
    assert all(p.returncode == 0 for p in started)
    return [[json.loads(line) for line in lines if line.startswith("[")] for lines in told]


def test_two_processes_train_as_one():
    pytest.importorskip("transformers")
    paths = json.dumps([str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")])
    kinds = ("gpt2", "gpt_neo")
    first, second = launched(TOGETHER, paths, *kinds)
    assert [told[:2] for told in first + second] == [[kind, rank] for rank in (0, 1) for kind in kinds]
    assert [told[2:] for told in first] == [told[2:] for told in second]
    for kind, _, losses, total in first:
        alone, expected = shared_training(kind)
        assert losses == pytest.approx(alone, abs=1e-5)
        assert total == pytest.approx(expected, rel=1e-5)
