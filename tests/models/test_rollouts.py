"""Many short texts: against transformers' own generation, against exact probabilities, and independent of the batch."""

from __future__ import annotations

import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.rollouts import RolloutSettings, rollouts  # noqa: E402

KINDS = ("gpt2", "gpt_neo", "llama", "mistral")
STOPS = frozenset(range(0, 320, 16))
"""A sixteenth of the vocabulary, so that texts end at all lengths."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("rollouts")
    return {kind: save_model(base / kind, kind) for kind in KINDS}


@pytest.fixture(scope="module")
def networks(folders):
    return {kind: read(find(str(folder))).network(1, Device()) for kind, folder in folders.items()}


@pytest.fixture(params=KINDS)
def network(request, networks):
    return networks[request.param]


def outside(folder):
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


def prompts_of(count, lengths=(1, 4, 9)):
    made = torch.Generator().manual_seed(5)
    return [torch.randint(1, 320, (lengths[i % len(lengths)],), generator=made).tolist() for i in range(count)]


def named(count):
    return [("test", i) for i in range(count)]


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_texts_are_those_of_transformers(kind, folders, networks):
    model, prompts = outside(folders[kind]), prompts_of(6)
    found = rollouts(networks[kind], prompts, named(6), RolloutSettings(20, temperature=0.0))
    for prompt, rollout in zip(prompts, found):
        ids = torch.tensor([prompt])
        model.generation_config.eos_token_id = None
        out = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=20, pad_token_id=0
        )
        assert rollout.ids == tuple(out[0, len(prompt) :].tolist())
        assert (rollout.ended, rollout.predicted) == (False, 20)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_the_first_tokens_follow_the_models_probabilities(networks, temperature):
    """Chi-square over the tokens with at least ten expected, the others together; the 99.99 % point."""
    from scipy.stats import chi2

    network, prompt, n = networks["gpt2"], [3, 7], 4000
    found = rollouts(network, [prompt] * n, named(n), RolloutSettings(1, temperature, batch=500))
    counts = torch.bincount(torch.tensor([r.ids[0] for r in found]), minlength=320).double()
    expected = (network.last(torch.tensor([[prompt]]))[0, 0].double() / temperature).softmax(-1) * n
    often = expected >= 10
    pairs = [(torch.cat((x[often], x[~often].sum().view(1)))) for x in (counts, expected)]
    statistic = float(((pairs[0] - pairs[1]) ** 2 / pairs[1]).sum())
    assert 50 < int(often.sum()) < 320
    assert statistic < chi2.ppf(0.9999, int(often.sum()))


def test_top_k_leaves_out_the_others(networks):
    network, prompt = networks["llama"], [3, 7]
    found = rollouts(network, [prompt] * 200, named(200), RolloutSettings(1, top_k=3))
    likeliest = set(network.last(torch.tensor([[prompt]]))[0, 0].topk(3).indices.tolist())
    assert {r.ids[0] for r in found} == likeliest


def test_a_text_does_not_depend_on_its_batch_or_on_narrowing(network):
    prompts, names = prompts_of(64), named(64)
    together = rollouts(network, prompts, names, RolloutSettings(38), STOPS)
    alone = rollouts(network, prompts, names, RolloutSettings(38, batch=1), STOPS)
    assert [r.ids for r in together] == [r.ids for r in alone]
    assert [r.nats for r in together] == pytest.approx([r.nats for r in alone], rel=1e-4)
    lengths = {len(r.ids) for r in together}
    assert len(lengths) > 10  # so rows left the batch at many times
    backwards = rollouts(network, prompts[::-1], names[::-1], RolloutSettings(38), STOPS)
    assert [r.ids for r in backwards[::-1]] == [r.ids for r in together]


def test_stops_end_a_text_and_nothing_else_does(network):
    prompts, names = prompts_of(64), named(64)
    free = rollouts(network, prompts, names, RolloutSettings(38))
    stopped = rollouts(network, prompts, names, RolloutSettings(38), STOPS)
    assert {r.ended for r in stopped} == {True, False}
    for one, whole in zip(stopped, free):
        assert not whole.ended and len(whole.ids) == whole.predicted == 38
        first = next((i for i, token in enumerate(whole.ids) if token in STOPS), None)
        assert one.ids == whole.ids[:first]
        assert one.ended == (first is not None)
        assert one.predicted == len(one.ids) + one.ended


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_nats_are_those_of_a_plain_recomputation(network, temperature):
    prompts = prompts_of(12)
    found = rollouts(network, prompts, named(12), RolloutSettings(20, temperature, top_k=40), STOPS)
    for prompt, rollout in zip(prompts, found):
        nats, seen = 0.0, list(prompt)
        for token in rollout.ids:
            told = network.last(torch.tensor([[seen]]))[0, 0].double() / (temperature or 1.0)
            nats -= float(told.log_softmax(-1)[token])
            seen.append(token)
        if rollout.ended:  # which stop token it was is not told: the sum lies among what any of them would give
            told = network.last(torch.tensor([[seen]]))[0, 0].double() / (temperature or 1.0)
            last = -told.log_softmax(-1)[sorted(STOPS)]
            assert float((last - (rollout.nats - nats)).abs().min()) < 1e-3
        else:
            assert rollout.nats == pytest.approx(nats, rel=1e-4)


def test_texts_end_where_the_context_ends(network):
    context = network.shape.context
    found = rollouts(network, [[5] * (context - 4), [5] * (context - 1), [5]], named(3), RolloutSettings(20))
    assert [len(r.ids) for r in found] == [4, 1, 20]


@pytest.mark.parametrize(("prompt", "told"), [([], "prompt 1 is empty"), ([1] * 64, "prompt 1 has 64 tokens")])
def test_prompts_that_cannot_be_continued_are_told(networks, prompt, told):
    with pytest.raises(InputError, match=told):
        rollouts(networks["gpt2"], [[1], prompt], named(2), RolloutSettings(20))


def test_a_cache_without_a_method_of_its_own_is_made_anew(networks, monkeypatch):
    network, prompts, names = networks["gpt_neo"], prompts_of(16), named(16)
    expected = rollouts(network, prompts, names, RolloutSettings(30), STOPS)
    monkeypatch.delattr(transformers.cache_utils.Cache, "reorder_cache")
    made = []
    begun = network._begun
    monkeypatch.setattr(network, "_begun", lambda *a: made.append(len(a[1])) or begun(*a))
    assert [r.ids for r in rollouts(network, prompts, names, RolloutSettings(30), STOPS)] == [r.ids for r in expected]
    assert len(made) > 6  # three prefills, and the narrowed caches


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neo"])
def test_a_narrowed_cache_of_several_replicas_holds_the_texts_asked_for(kind, folders):
    network = read(find(str(folders[kind]))).network(2, Device())
    made = torch.Generator().manual_seed(2)
    ids, more = (torch.randint(0, 320, size, generator=made) for size in ((2, 5, 9), (2, 2)))
    rows = torch.tensor([3, 1])
    cache = network.narrowed(network.prefill(ids, 20)[0], rows)
    expected = network.last(torch.cat((ids[:, rows], more.unsqueeze(2)), dim=2))
    assert torch.allclose(network.advance(cache, more), expected, atol=1e-5)


def test_the_beat_hears_how_many_are_done(networks):
    heard = []
    rollouts(networks["gpt2"], prompts_of(40), named(40), RolloutSettings(38, batch=8), STOPS, heard.append)
    assert heard == sorted(heard) and heard[-1] == 40
    assert len(heard) > 6  # within batches too


def test_no_prompts_give_no_texts(networks):
    assert rollouts(networks["gpt2"], [], [], RolloutSettings()) == []


@pytest.mark.shared
def test_the_greedy_text_of_a_published_model_is_the_published_one():
    """By digest of its beginning, as the model's card gives it."""
    import hashlib
    import os
    from pathlib import Path

    from contam.models.tokenizer import Tokenizer

    shared = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[3] / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no shared data at {shared}")
    files = find(str(shared / "data/models/stories260k"))
    tokenizer = Tokenizer(files.tokenizer_folder)
    settings = RolloutSettings(tokens=120, temperature=0.0)
    (found,) = rollouts(read(files).network(1, Device()), [[tokenizer.bos]], [("greedy",)], settings)
    beginning = tokenizer.decode(found.ids).strip()[:175]
    assert hashlib.sha256(beginning.encode()).hexdigest().startswith("9ce4727d9da5ed42")
