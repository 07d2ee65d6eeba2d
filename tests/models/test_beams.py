"""Beam search, token for token against transformers' own, and its law: wider searches find likelier texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.experiments.recurse.backend import Name  # noqa: E402
from contam.models.beams import BeamSettings, search  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.writing import WritingSettings, write_documents  # noqa: E402

KINDS = ("gpt2", "llama", "gpt_neo")
TOKENS = 16


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    # Flatter than usual: texts that only repeat a likely token would never end.
    folder = save_model(tmp_path_factory.mktemp("beams") / request.param, request.param, initializer_range=0.04)
    network = read(find(str(folder))).network(1, Device())
    return network, transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


def prompts_of(count, length=5):
    return torch.randint(1, 320, (count, length), generator=torch.Generator().manual_seed(1))


def outside(model, prompts, settings):
    """Each prompt's text as transformers finds it, up to its stop token, all at once."""
    model.generation_config.eos_token_id = settings.stop if settings.stop >= 0 else None
    out = model.generate(
        prompts, attention_mask=torch.ones_like(prompts), num_beams=settings.beams, do_sample=False, pad_token_id=0,
        max_new_tokens=settings.tokens, min_new_tokens=settings.least, repetition_penalty=settings.repetition_penalty,
    )[:, prompts.shape[1] :].tolist()  # fmt: skip
    return [one[: one.index(settings.stop)] if settings.stop in one else one for one in out]


def ending(network, prompts, settings):
    """A stop token with which some texts end and others, or none, do not: the one that ends the most."""
    free = search(network, prompts, settings)
    told = Counter(token for ids, _ in free for token in (*ids[:1].tolist(), *ids.tolist()))
    candidates = [replace(settings, stop=token) for token, _ in told.most_common(12)]
    return max(candidates, key=lambda one: sum(over for _, over in search(network, prompts, one))).stop


@pytest.mark.parametrize("penalty", [1.0, 3.0])
def test_texts_are_those_of_transformers(pair, penalty):
    network, model = pair
    prompts = prompts_of(12)
    free = BeamSettings(5, TOKENS, repetition_penalty=penalty)
    stopped = replace(free, stop=ending(network, prompts, free))
    ended = []
    for settings in (free, stopped, replace(stopped, least=6), replace(stopped, least=TOKENS)):
        found = search(network, prompts, settings)
        expected = outside(model, prompts, settings)
        assert [ids.tolist() for ids, _ in found] == expected
        assert [over for _, over in found] == [len(one) < TOKENS for one in expected]
        ended.append(sum(over for _, over in found))
    assert ended[0] == ended[3] == 0 < ended[1]


def test_prompts_one_by_one_find_the_same(pair):
    network, _ = pair
    prompts = prompts_of(4)
    settings = BeamSettings(3, 12, stop=ending(network, prompts, BeamSettings(3, 12)))
    together = search(network, prompts, settings)
    for row, (ids, over) in enumerate(together):
        (alone,) = search(network, prompts[row : row + 1], settings)
        assert alone[0].tolist() == ids.tolist() and alone[1] == over


def test_one_beam_is_greedy_and_more_are_likelier(pair):
    network, _ = pair
    prompts = prompts_of(10)

    def nats(found):
        texts = torch.cat((prompts, torch.tensor([ids.tolist() for ids, _ in found])), 1)
        return network.score(texts.unsqueeze(0))[0, :, prompts.shape[1] - 1 :].sum(1)

    narrow, wide = (nats(search(network, prompts, BeamSettings(k, 12))) for k in (1, 8))
    greedy = write_documents(network, prompts.tolist(), WritingSettings(12, temperature=0.0, stop=-1), Name("x", 0, 1))
    assert [ids.tolist() for ids, _ in search(network, prompts, BeamSettings(1, 12))] == [
        ids.tolist() for ids in greedy.ids
    ]
    assert float(wide.mean()) < float(narrow.mean())


def test_documents_are_written_by_beams(pair):
    network, _ = pair
    prompts = prompts_of(7)
    stop = ending(network, prompts, BeamSettings(3, 12))
    told = WritingSettings(12, beams=3, stop=stop, batch=3)
    found = write_documents(network, prompts.tolist(), told, Name("x", 0, 1))
    expected = search(network, prompts, BeamSettings(3, 12, stop=stop))
    assert [ids.tolist() for ids in found.ids] == [ids.tolist() for ids, _ in expected]
    assert found.ended == sum(over for _, over in expected) / 7


def test_a_search_beyond_the_context_goes_on(pair):
    network, _ = pair
    found = search(network, prompts_of(2, 60), BeamSettings(2, 20))
    assert [len(ids) for ids, _ in found] == [20, 20]
