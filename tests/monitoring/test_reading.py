"""What is measured of texts, and of human text."""

from __future__ import annotations

import math

import pytest
from checkpoints import LINES, save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError, UsageError  # noqa: E402
from contam.models.rollouts import Rollout  # noqa: E402
from contam.models.tokenizer import Tokenizer  # noqa: E402
from contam.monitoring import reading  # noqa: E402
from contam.monitoring.monitor import ModelMonitor, check_model  # noqa: E402
from contam.monitoring.reading import Speller, beginnings, human_texts, is_looped, read_texts, windows  # noqa: E402
from contam.result import Level  # noqa: E402
from contam_metrics.one_text import signals_of  # noqa: E402

HUMAN = "The harbour was quiet in the morning, and the boats lay side by side while nobody spoke of the rain."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("reading") / "little", "gpt2")


@pytest.fixture(scope="module")
def tokenizer(folder):
    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder):
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder)


@pytest.mark.parametrize(
    ("text", "loops"),
    [(HUMAN, False), (HUMAN + " of the rain" * 20, True), ("la la la la la la la la", True), ("!" * 60, True),
     ("\n" * 60, True), ("", False), ("!?", False), ("    x", False)],
)  # fmt: skip
def test_loops_are_seen(text, loops):
    assert is_looped(text) is loops


def test_signals_are_means_over_texts_and_figures_of_all():
    told = [Rollout((1,) * 10, False, 30.0, 10), Rollout((1,) * 4, True, 10.0, 5)]
    other = "A small wind came over the hill; it smelled of rain and of cut grass."
    found = read_texts([HUMAN, other], told)
    one, two = signals_of(HUMAN), signals_of(other)
    name = "entropy.plug_in"
    assert found.signals[name] == pytest.approx((one[name] + two[name]) / 2)
    assert found.signals["pooled.entropy"] == signals_of(HUMAN + "\n" + other)[name]
    assert found.signals["own_entropy_rate"] == pytest.approx(40 / 15)
    assert found.signals["tokens"] == 7.5
    assert "pooled.distinct_2" in found.complete


def test_signals_that_few_texts_have_are_not_complete_or_missing():
    told = [Rollout((), True, 0.1, 1)] * 5
    half, few = read_texts([HUMAN] * 3 + [""] * 2, told), read_texts([HUMAN] + [""] * 4, told)
    assert half.signals["entropy.plug_in"] is not None and "entropy.plug_in" not in half.complete
    assert few.signals["entropy.plug_in"] is None


def test_human_text_comes_as_strings_or_from_a_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(HUMAN)
    assert human_texts(path) == human_texts(str(path)) == (HUMAN,)
    assert human_texts([HUMAN, ""]) == (HUMAN, "") and human_texts(None) == ()
    for wrong in ([], ["", " "], [3]):
        with pytest.raises(InputError, match="expected human texts"):
            human_texts(wrong)
    with pytest.raises(InputError, match="no such file"):
        human_texts(str(tmp_path / "nowhere.txt"))


def test_windows_hold_the_text_without_gaps(tokenizer, monkeypatch):
    monkeypatch.setattr(reading, "TEXT_WINDOW", 16)
    speller = Speller(tokenizer)
    stream = [i for line in LINES for i in [0, *speller.encode(line)]]
    cut = windows(speller, LINES, 64)
    assert cut.shape[1] == 17 and len(stream) - 17 < cut.shape[0] * 16 < len(stream)
    assert cut[:, :-1].flatten().tolist() == stream[: cut.shape[0] * 16]
    assert cut[:-1, -1].tolist() == cut[1:, 0].tolist()
    assert windows(speller, LINES, 8).shape[1] == 9
    with pytest.raises(InputError, match="too few"):
        windows(speller, [], 64)


def test_both_kinds_of_tokenizer_begin_and_end_alike(folder, tokenizer, model):
    for speller in (Speller(tokenizer), Speller(Tokenizer(folder))):
        assert speller.beginning() == [0] and speller.stops(model) == {0}
        ids = speller.encode(HUMAN)
        assert 0 not in ids and speller.decode(ids) == HUMAN
        assert beginnings(speller, ["It is"]) == [[0], [0, *speller.encode("It is")]]
    with pytest.raises(InputError, match="no tokenizer"):
        Speller(object())


def test_a_look_at_one_model_judges_loops_alone(model, tokenizer):
    found = check_model(model, tokenizer, text=LINES, samples=8, tokens=30)
    assert found.level is Level.INSUFFICIENT
    assert 0 < found.signals["own_entropy_rate"] < math.log(320)
    assert found.signals["validation"] > 3
    assert found == check_model(model, tokenizer, text=LINES, samples=8, tokens=30)

    class Stuck(type(model)):
        def forward(self, *given, **named):
            out = super().forward(*given, **named)
            out.logits = torch.zeros_like(out.logits)
            out.logits[..., 40] = 100.0
            return out

    stuck = Stuck(model.config).eval()
    looped = check_model(stuck, tokenizer, samples=8, tokens=40)
    assert looped.level is Level.COLLAPSING and looped.signals["looped"] == 1.0
    assert looped.signals["own_entropy_rate"] == pytest.approx(0, abs=1e-6)


def test_prompts_begin_a_share_of_the_samples(model, tokenizer):
    plain = check_model(model, tokenizer, samples=8, tokens=20)
    prompted = check_model(model, tokenizer, samples=8, tokens=20, prompts=["The harbour"])
    assert plain.signals["own_entropy_rate"] != prompted.signals["own_entropy_rate"]


def test_wrong_use_is_told(model, tokenizer):
    with pytest.raises(UsageError, match="at least 4 samples"):
        ModelMonitor(samples=3)
    with pytest.raises(UsageError, match="baseline"):
        ModelMonitor().check(model, 1)
    with pytest.raises(InputError, match="no tokenizer"):
        check_model(model, None)


def test_names_of_the_package_are_loaded_on_use(monkeypatch):
    import sys

    import contam

    assert contam.check_model is check_model
    assert issubclass(contam.CollapseMonitor, transformers.TrainerCallback)
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.delitem(sys.modules, "contam.monitoring.callback")
    with pytest.raises(InputError, match="pip install"):
        contam.CollapseMonitor  # noqa: B018
