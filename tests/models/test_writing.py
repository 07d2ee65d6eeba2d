"""Documents: against transformers' greedy text, the same in every batch and at fixed places, and after a kill."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.experiments.recurse.backend import Name  # noqa: E402
from contam.models import batches, parts, writing  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.rollouts import RolloutSettings, rollouts  # noqa: E402
from contam.models.sampling import Sampling, choose, nucleus  # noqa: E402
from contam.models.writing import WritingSettings, write_documents  # noqa: E402

KINDS = ("gpt2", "gpt_neo", "llama")
NAME = Name("replace", 0, 1)
VOCABULARY, CONTEXT = 320, 64


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("writing")
    return {kind: save_model(base / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def networks(folders):
    return {kind: read(find(str(folder))).network(1, Device()) for kind, folder in folders.items()}


@pytest.fixture(params=KINDS)
def network(request, networks):
    return networks[request.param]


def prompts_of(count, lengths=(1, 4, 9)):
    made = torch.Generator().manual_seed(5)
    return [torch.randint(1, VOCABULARY, (lengths[i % len(lengths)],), generator=made).tolist() for i in range(count)]


def lists(writings):
    return [ids.tolist() for ids in writings.ids]


@cache
def frequent(network):
    """A stop token that ends documents early and late: one that this model writes often."""
    told = write_documents(network, prompts_of(40), WritingSettings(30, stop=-1), NAME)
    return int(np.bincount(np.concatenate(told.ids), minlength=VOCABULARY).argmax())


@pytest.mark.parametrize("penalty", [1.0, 1.4])
@pytest.mark.parametrize("kind", KINDS)
def test_greedy_documents_are_those_of_transformers(kind, penalty, folders, networks):
    model, prompts = transformers.AutoModelForCausalLM.from_pretrained(folders[kind]).eval(), prompts_of(6)
    told = WritingSettings(24, temperature=0.0, stop=7, repetition_penalty=penalty, batch=4)
    found = write_documents(networks[kind], prompts, told, NAME)
    model.generation_config.eos_token_id = 7
    for prompt, mine in zip(prompts, lists(found)):
        ids = torch.tensor([prompt])
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24, pad_token_id=0,
            repetition_penalty=penalty,
        )[0, len(prompt) :].tolist()  # fmt: skip
        assert mine == (out[: out.index(7)] if 7 in out else out)


@pytest.mark.parametrize("given", [{}, {"top_p": 0.8, "temperature": 0.9}, {"top_k": 12, "repetition_penalty": 1.3}])
def test_documents_do_not_depend_on_the_batch(network, given):
    prompts, told = prompts_of(24), WritingSettings(30, stop=frequent(network), **given)
    together = write_documents(network, prompts, told, NAME)
    for size in (1, 5) if network.shape.architecture == "gpt2" else (5,):
        apart = write_documents(network, prompts, replace(told, batch=size), NAME)
        assert lists(apart) == lists(together) and apart.ended == together.ended
    assert len({len(one) for one in together.ids}) > 1


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("given", [{}, {"repetition_penalty": 1.3, "top_p": 0.9}, {"temperature": 0.0}])
def test_documents_at_fixed_places_are_the_same(kind, given, networks, monkeypatch):
    network = networks[kind]
    prompts, told = prompts_of(30), WritingSettings(30, stop=frequent(network), batch=6, **given)
    expected = write_documents(network, prompts, told, NAME)
    taken = []
    plain = writing.Places.written
    monkeypatch.setattr(writing, "REFILL", True)
    monkeypatch.setattr(writing.Places, "written", lambda self, beat: taken.append(self) or plain(self, beat))
    found = write_documents(network, prompts, told, NAME)
    assert lists(found) == lists(expected) and found.ended == expected.ended
    assert len(taken) == 3 and all(len(places.members) == 6 for places in taken)  # one for each length of the prompts
    lengths = [i % 23 for i in range(30)]
    real = replace(told, lengths="real")
    assert [len(one) for one in write_documents(network, prompts, real, NAME, lengths).ids] == lengths


def test_what_outgrows_the_context_is_not_written_at_fixed_places(networks, monkeypatch):
    prompts, told = prompts_of(6, (1,)), WritingSettings(CONTEXT + 20, stop=-1, batch=4)
    expected = write_documents(networks["gpt2"], prompts, told, NAME)
    monkeypatch.setattr(writing, "REFILL", True)
    assert lists(write_documents(networks["gpt2"], prompts, told, NAME)) == lists(expected)


def test_the_stop_token_ends_a_document_and_nothing_else_does(network):
    prompts, stop = prompts_of(40), frequent(network)
    free = lists(write_documents(network, prompts, WritingSettings(50, stop=-1), NAME))
    found = write_documents(network, prompts, WritingSettings(50, stop=stop), NAME)
    expected = [one[: one.index(stop)] if stop in one else one for one in free]
    assert lists(found) == expected
    assert found.ended == sum(stop in one for one in free) / 40
    assert 0 < found.ended < 1


def test_documents_that_stop_at_once_are_empty(networks):
    network = networks["gpt2"]
    first = int(network.last(torch.tensor([[[3]]]))[0, 0].argmax())
    found = write_documents(network, [[3]] * 3, WritingSettings(9, temperature=0.0, stop=first), NAME)
    assert [(one.dtype, one.shape) for one in found.ids] == [(np.int32, (0,))] * 3
    assert found.ended == 1.0


@pytest.mark.parametrize("given", [{}, {"beams": 3}, {"temperature": 0.0}])
def test_real_lengths_are_met_and_the_stop_token_does_not_occur(network, given):
    stop, lengths = frequent(network), [0, 3, 90, 1, 17, 90, 0, 40]
    told = WritingSettings(5, stop=stop, lengths="real", batch=3, **given)
    found = write_documents(network, prompts_of(8), told, NAME, lengths)
    assert [len(one) for one in found.ids] == lengths
    assert stop not in np.concatenate(found.ids)
    assert np.isnan(found.ended)


def test_without_the_stop_token_the_others_keep_their_proportions(networks):
    """Chi-square over the tokens with at least ten expected; the 99.99 % point."""
    from scipy.stats import chi2

    network, n = networks["gpt2"], 3000
    expected = network.last(torch.tensor([[[3, 7]]]))[0, 0].double()
    stop = int(expected.argmax())
    expected[stop] = -torch.inf
    expected = expected.softmax(-1).numpy() * n
    told = WritingSettings(1, stop=stop, lengths="real", batch=1000)
    found = write_documents(network, [[3, 7]] * n, told, NAME, [1] * n)
    counts = np.bincount(np.concatenate(found.ids), minlength=VOCABULARY)
    often = expected >= 10
    observed, wanted = (np.append(x[often], x[~often].sum()) for x in (counts, expected))
    assert ((observed - wanted) ** 2 / wanted).sum() < chi2.ppf(0.9999, often.sum())


def test_a_long_document_goes_on_from_the_last_half_of_the_context(network):
    """Greedy, against the rule itself, from a prompt within the context and from one beyond it."""
    prompts = prompts_of(2, (5, CONTEXT + 9))
    told = WritingSettings(CONTEXT * 2, temperature=0.0, stop=-1)
    for prompt, mine in zip(prompts, lists(write_documents(network, prompts, told, NAME))):
        text, low = [*prompt, *mine], max(0, len(prompt) - CONTEXT)
        for t in range(len(prompt), len(text)):
            if t - low > CONTEXT:
                low = t - CONTEXT // 2
            logits = network.last(torch.tensor([[text[low:t]]]))[0, 0]
            assert float(logits.max() - logits[text[t]]) < 1e-4


def test_a_choice_is_made_by_the_number_of_its_document(networks):
    network, told = networks["gpt2"], WritingSettings(1, stop=-1)
    found = lists(write_documents(network, [[3, 7]] * 20, told, NAME))
    logits = network.last(torch.tensor([[[3, 7]]]))[0]
    for number, (token,) in enumerate(found):
        uniform = batches.uniforms(1, "writing", *NAME.parts, number)
        assert token == int(choose(logits, uniform, Sampling(top_k=0)))
    other = lists(write_documents(network, [[3, 7]] * 20, told, Name("replace", 1, 1)))
    assert other != found


@pytest.mark.parametrize("refill", [False, True])
def test_a_killed_job_is_taken_up_again_to_the_same_documents(networks, tmp_path, monkeypatch, refill):
    network, prompts = networks["gpt2"], prompts_of(40, (2,))
    told = WritingSettings(50, stop=frequent(network), batch=4)
    monkeypatch.setattr(parts, "SECONDS", 0.0)
    monkeypatch.setattr(writing, "REFILL", refill)
    monkeypatch.setattr(writing, "WAVE", 3)
    expected = lists(write_documents(network, prompts, told, NAME))
    written, plain = [], writing._documents

    def failing(job, beat):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(list(job.numbers))
        return plain(job, beat)

    monkeypatch.setattr(writing, "_documents", failing)
    with pytest.raises(KeyboardInterrupt):
        write_documents(network, prompts, told, NAME, folder=tmp_path / "new")
    assert len(list((tmp_path / "new").glob("written-*.npz"))) == 2
    again = []
    monkeypatch.setattr(writing, "_documents", lambda job, beat: again.append(list(job.numbers)) or plain(job, beat))
    assert lists(write_documents(network, prompts, told, NAME, folder=tmp_path / "new")) == expected
    assert sorted(number for numbers in written + again for number in numbers) == list(range(40))


def test_parts_of_other_work_and_damaged_ones_are_left_alone(networks, tmp_path, monkeypatch):
    network, prompts, told = networks["gpt2"], prompts_of(8), WritingSettings(12, stop=-1, batch=2)
    monkeypatch.setattr(parts, "SECONDS", 0.0)
    first = lists(write_documents(network, prompts, told, NAME, folder=tmp_path))
    other = Name("replace", 5, 1)
    assert lists(write_documents(network, prompts, told, other, folder=tmp_path)) == lists(
        write_documents(network, prompts, told, other)
    )
    for path in tmp_path.glob("written-*.npz"):
        path.write_bytes(path.read_bytes()[:-30])
    assert lists(write_documents(network, prompts, told, NAME, folder=tmp_path)) == first


def test_parts_are_not_written_before_it_is_time(networks, tmp_path):
    write_documents(networks["gpt2"], prompts_of(8), WritingSettings(4, batch=2), NAME, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_beat_hears_a_growing_share(network):
    heard = []
    told = WritingSettings(40, stop=frequent(network), batch=8)
    write_documents(network, prompts_of(24), told, NAME, beat=lambda phase, share: heard.append((phase, share)))
    shares = [share for _, share in heard]
    assert {phase for phase, _ in heard} == {"writing"}
    assert shares == sorted(shares) and shares[-1] == 1 and len(shares) > 3


def test_no_prompts_give_no_documents(networks):
    found = write_documents(networks["gpt2"], [], WritingSettings(), NAME)
    assert found.ids == [] and np.isnan(found.ended)


@pytest.mark.parametrize(
    ("prompts", "given", "said"),
    [
        ([[1], []], {}, "prompt 1 is empty"),
        ([[1]], {"top_p": 0.0}, "top_p"),
        ([[1]], {"max_tokens": 0}, "max_tokens"),
        ([[1]], {"stop": 320}, "outside the vocabulary of 320"),
        ([[1]], {"lengths": "reel"}, "known are model, real"),
    ],
)
def test_what_cannot_be_written_is_told(networks, prompts, given, said):
    with pytest.raises(InputError, match=said):
        write_documents(networks["gpt2"], prompts, WritingSettings(**given), NAME)


def test_rollouts_obey_the_penalty_and_the_nucleus(network):
    prompts = prompts_of(12)
    names = [("test", i) for i in range(12)]
    settings = RolloutSettings(20, temperature=0.0, repetition_penalty=1.4)
    told = WritingSettings(20, temperature=0.0, repetition_penalty=1.4, stop=-1)
    found = [list(one.ids) for one in rollouts(network, prompts, names, settings)]
    assert found == lists(write_documents(network, prompts, told, NAME))
    free = rollouts(network, prompts, names, RolloutSettings(20, temperature=0.0))
    assert found != [list(one.ids) for one in free]
    first = rollouts(network, [[3, 7]] * 200, [("test", i) for i in range(200)], RolloutSettings(1, top_p=0.5))
    logits = network.last(torch.tensor([[[3, 7]]]))[0]
    kept = (nucleus(logits, 0.5)[0] > -torch.inf).nonzero().squeeze(1).tolist()
    assert {one.ids[0] for one in first} <= set(kept)
