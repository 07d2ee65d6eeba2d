"""A mixture from its texts to its level: what is refused, told and found, and that nothing moves a figure by chance."""

from __future__ import annotations

import json
import random

import pytest
from sentences import documents

import contam
from contam import demo
from contam.errors import InputError, UsageError
from contam.mixing.dose.texts import LEAST
from contam.mixing.options import MixOptions
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL
from contam.mixing.running import mix, mixed
from contam.result import Level

QUICK = {"seeds": 3, "rounds": 0, "shares": (0.0, 0.5), "size": 8_000}
REAL, GOOD = documents(200, seed=1), documents(200, seed=2)


def words(texts):
    return sum(len(text.split()) for text in texts)


def figures(result):
    """All that was found, without what may differ from run to run."""
    body = result.to_dict()
    facts = body["dose_response_facts"] or {}
    facts.pop("seconds", None)
    body["provenance"] = {name: body["provenance"][name] for name in ("config_digest", "seed")}
    for side in ("real", "synthetic"):
        if body[side] is not None:
            body[side] = {name: body[side][name] for name in ("documents", "tokens", "bytes", "digest")}
    return json.dumps(body, sort_keys=True)


def reasons(result):
    return " ".join(result.verdict.reasons)


@pytest.fixture(scope="module")
def good():
    """Two texts of one source."""
    return mix(REAL, GOOD, **QUICK)


@pytest.fixture(scope="module")
def human():
    """Paragraphs of human text, two halves of about 25,000 words."""
    paragraphs = [p for d in demo.human_documents()[1] for p in d.split("\n\n") if len(p.split()) > 30]
    random.Random(1).shuffle(paragraphs)
    return paragraphs[:480], paragraphs[480:960]


@pytest.fixture(scope="module")
def collapsed(human):
    """What is left of the first half, all of it, after six generations of a model and nothing else to learn from."""
    return demo.recursion(human[0], 6)


class TestLevels:
    def test_more_of_the_same_source_is_healthy(self, good):
        assert good.level is Level.HEALTHY and good.exit_code("at_risk") == 0
        assert good.forecast.share_is == "of the texts" and good.forecast.share == pytest.approx(0.5)
        assert good.synthetic_verdict.level is Level.HEALTHY and good.dose_response.kinds["0.5"] == "helpful"
        assert {(dose.design, dose.share) for dose in good.dose_response.doses} == {
            (design, share) for design in (FIXED_TOTAL, FIXED_REAL) for share in (0.0, 0.5)
        }

    def test_collapsed_text_is_at_risk_even_where_its_generator_read_the_held_out_text(self, human, collapsed):
        found = mix(human[0], collapsed, **QUICK)
        (added,) = [d for d in found.dose_response.of(FIXED_REAL) if d.share]
        assert added.effect_interval[1] < 0  # its loss on text that its generator knew by heart flatters it
        assert found.level.severity >= Level.AT_RISK.severity and found.exit_code("at_risk") == 1
        assert "rare words" in reasons(found) or "tail loss" in reasons(found)
        assert not any("keep it" in told for told in found.verdict.advice)

    def test_held_out_text_that_the_generator_never_saw_shows_what_it_is_worth(self, human, collapsed):
        own, apart = (mix(human[0], collapsed, **QUICK, valid=valid) for valid in (None, human[1]))
        loss = [next(d.effect_nats for d in one.dose_response.of(FIXED_REAL) if d.share) for one in (own, apart)]
        assert loss[1] > loss[0] + 0.05
        assert any("--valid" in note for note in own.dose_response.notes)
        assert not any("--valid" in note for note in apart.dose_response.notes)

    def test_the_last_model_alone_is_worse_than_a_mixture(self, human, collapsed):
        found = mix(human[0], collapsed, **QUICK, regime="replace")
        assert found.level is Level.COLLAPSING and found.exit_code() == 1 and found.exit_code("never") == 0
        assert 1.0 in {dose.share for dose in found.dose_response.of(FIXED_TOTAL)}

    def test_human_text_of_the_same_source_is_no_alarm(self, human):
        found = mix(*human, **QUICK)
        assert found.level.severity < Level.AT_RISK.severity


class TestSides:
    @pytest.mark.parametrize("other", [REAL, REAL[::-1]], ids=["same", "reordered"])
    @pytest.mark.parametrize("proxy", ["ngram", "none"])
    def test_one_text_on_both_sides_is_refused(self, other, proxy):
        with pytest.raises(InputError, match="the real and the synthetic text are the same documents"):
            mix(REAL, list(other), **QUICK, proxy=proxy)

    def test_held_out_text_that_is_one_of_the_others_is_refused(self):
        with pytest.raises(InputError, match="the same documents"):
            mix(REAL, GOOD, **QUICK, valid=list(GOOD))

    @pytest.mark.parametrize("sides", [(REAL, []), ([], GOOD), (REAL, ["", " "])])
    def test_an_empty_side_is_refused(self, sides):
        with pytest.raises(InputError, match="no documents"):
            mix(*sides, **QUICK)

    def test_documents_of_both_are_taken_out_and_told(self, good):
        found = mix(REAL, [*GOOD, *REAL[:40]], **QUICK)
        told = " ".join(found.dose_response.notes)
        assert "40 of 240 synthetic documents" in told and "are also in the real text" in told
        assert "repeat the real text word for word and were left out" in told
        assert found.dose_response.held_out_tokens == good.dose_response.held_out_tokens

    def test_another_language_is_no_mixture(self):
        for proxy in ("ngram", "none"):
            found = mix(REAL, documents(200, seed=2, language=5), **QUICK, proxy=proxy)
            assert found.level is Level.INSUFFICIENT and found.dose_response is None
            assert "another language" in reasons(found)
            assert found.exit_code() == 2 and found.exit_code(allow_insufficient=True) == 0

    def test_held_out_text_of_another_language_judges_nothing(self):
        found = mix(REAL, GOOD, **QUICK, valid=documents(60, seed=3, language=4))
        assert found.level is Level.INSUFFICIENT and found.dose_response is None
        assert "only 0 % of the held-out words" in reasons(found) and found.forecast is not None

    def test_few_documents_are_too_few(self):
        found = mix(REAL[:6], GOOD[:6], **QUICK)
        assert found.level is Level.INSUFFICIENT and found.dose_response is None and found.exit_code() == 2
        assert f"{LEAST:,} needed" in reasons(found) and "too small to judge" in reasons(found)

    def test_exact_copies_count_once_and_are_told(self):
        found = mix(REAL, GOOD[:40] * 4, **QUICK)
        assert any("75" in note and "exact copies" in note for note in found.notes)
        assert max(d.synthetic_tokens for d in found.dose_response.doses) <= words(GOOD[:40])


class TestShares:
    def test_a_share_that_is_not_measured_anyway_is_added(self):
        found = mix(REAL, GOOD, **QUICK, share=0.3)
        assert {dose.share for dose in found.dose_response.of(FIXED_REAL)} == {0.0, 0.3, 0.5}
        assert found.forecast.share == 0.3 and found.forecast.share_is == "given"
        assert "at 30 % synthetic text" in reasons(found)

    @pytest.mark.parametrize("synthetic", [GOOD, None], ids=["two texts", "alone"])
    def test_no_synthetic_text_loses_nothing(self, synthetic):
        found = mix(REAL, synthetic, **QUICK, share=0.0)
        assert found.forecast.share == 0.0 and found.forecast.share_is == "given"
        assert found.forecast.generations[-1].vocabulary_retained == pytest.approx(1.0)
        assert found.level.severity < Level.AT_RISK.severity

    def test_other_regimes_keep_the_share_that_was_given(self):
        own = {regime: mix(REAL, share=0.3, regime=regime) for regime in ("replace", "fresh", "reused")}
        for regime in ("fresh", "reused"):
            kept = own[regime].forecast.generations[-1].vocabulary_retained
            assert own["replace"].forecast.regimes[regime] == pytest.approx(kept)
        assert own["replace"].forecast.share == 1.0
        assert own["replace"].forecast.regimes == pytest.approx(own["fresh"].forecast.regimes)
        more = mix(REAL, share=0.8, regime="replace").forecast.regimes
        less = own["replace"].forecast.regimes
        assert more["fresh"] < less["fresh"] and more["replace"] == pytest.approx(less["replace"])

    @pytest.mark.parametrize("regime", ["replace", "accumulate", "accumulate-subsample"])
    def test_regimes_of_no_share_need_none(self, regime):
        assert mix(REAL, regime=regime).forecast.regime == regime

    @pytest.mark.parametrize("regime", ["fresh", "reused", "redrawn"])
    def test_regimes_of_a_share_need_one(self, regime):
        with pytest.raises(UsageError, match="give --share X, or the synthetic text"):
            mix(REAL, regime=regime)


class TestOptions:
    def test_without_a_proxy_nothing_is_trained(self):
        found = mix(REAL, GOOD, **(QUICK | {"proxy": "none"}))
        assert found.dose_response is None and found.forecast.share_is == "of the texts"
        assert found.synthetic_verdict is not None and "proxies" not in reasons(found)
        assert found.to_dict()["dose_response"] == [] and found.to_dict()["dose_response_facts"] is None

    def test_real_text_alone_is_a_forecast(self):
        found = mix(REAL, share=0.3, generations=4, tokens=20_000)
        assert found.synthetic is None and found.dose_response is None and found.synthetic_verdict is None
        assert found.forecast.tokens == 20_000 and found.forecast.generations[-1].generation == 4
        assert found.forecast.vocabulary == len(set(" ".join(REAL).split()))

    def test_an_option_that_is_none_is_named_with_those_there_are(self):
        with pytest.raises(UsageError, match=r"'colour' is no option of a mixture: it has .*temperature"):
            contam.mix(REAL, GOOD, colour="red")

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"share": 1.5}, "--share must be between 0 and 1"), ({"generations": 0}, "--generations must be"),
            ({"rate": 0.0}, "--rate must be above 0"), ({"temperature": 0.0}, "--temperature must be"),
            ({"seeds": 1}, "--seeds must be"), ({"size": 100}, "--size must be"), ({"rounds": 21}, "--rounds must be"),
            ({"tokens": 5}, "--tokens must be"), ({"ngram_order": 6}, "--ngram-order must be"),
            ({"workers": 0}, "--workers must be"), ({"seed": -1}, "--seed must be"),
            ({"regime": "mix"}, "--regime 'mix' is not known: replace"), ({"proxy": "gpt"}, "'gpt' is not known"),
            ({"shares": (0.0,)}, "at least one share above 0"), ({"shares": (0.5, 1.5)}, "a share is between 0 and 1"),
        ],
    )  # fmt: skip
    def test_what_cannot_be(self, changes, told):
        with pytest.raises(UsageError, match=told):
            MixOptions(**changes)

    def test_standard_input_is_one_of_the_texts_at_most(self):
        for given in ({"synthetic": "-"}, {"synthetic": GOOD, "valid": "-"}):
            with pytest.raises(UsageError, match="standard input can be one of the texts only"):
                mix("-", **given)

    def test_settings_name_held_out_text_and_do_not_hold_it(self, human):
        valid = documents(40, seed=3)
        found = [mix(REAL, GOOD, **QUICK, valid=one) for one in (valid, (text for text in valid))]
        assert "valid" in found[0].settings and valid[0] not in json.dumps(found[0].to_dict())
        assert figures(found[0]) == figures(found[1])

    def test_every_step_is_told(self):
        seen = []
        mixed(REAL, GOOD, MixOptions(**(QUICK | {"rounds": 1})), seen.append)
        assert {"reading", "training", "forecast", "judging"} <= {event.phase for event in seen}
        assert all(event.done <= event.total for event in seen if event.total)


class TestTheSame:
    def test_from_run_to_run(self, good):
        assert figures(mix(REAL, GOOD, **QUICK)) == figures(good)

    def test_in_any_order(self, good):
        real, synthetic = REAL[:], GOOD[:]
        random.Random(4).shuffle(real)
        random.Random(5).shuffle(synthetic)
        assert figures(mix(real, synthetic, **QUICK)) == figures(good)

    def test_from_any_number_of_files_and_readers(self, good, tmp_path):
        for side, texts in (("real", REAL), ("synthetic", GOOD)):
            (tmp_path / side).mkdir()
            for k in range(3):
                lines = [json.dumps({"text": text}) for text in texts[k::3]]
                (tmp_path / side / f"{2 - k}.jsonl").write_text("\n".join(lines) + "\n")
        folders = [str(tmp_path / side) for side in ("real", "synthetic")]
        found = [mix(*folders, **QUICK, workers=workers) for workers in (1, 2)]
        assert found[0].settings == found[1].settings
        assert found[0].provenance.config_digest == found[1].provenance.config_digest == good.provenance.config_digest
        for name in ("dose_response", "forecast", "verdict"):
            same = [json.loads(figures(one))[name] for one in (*found, good)]
            assert same[0] == same[1] == same[2]

    def test_another_seed_draws_other_text(self, good):
        other = mix(REAL, GOOD, **QUICK, seed=1)
        assert [d.loss_nats for d in other.dose_response.doses] != [d.loss_nats for d in good.dose_response.doses]
        assert other.forecast.generations == good.forecast.generations


def test_copies_in_the_real_text_do_not_make_the_forecast_better():
    alone = mix(REAL, share=0.5, regime="replace")
    several = mix([text for text in REAL for _ in range(3)], share=0.5, regime="replace")
    kept = [result.forecast.generations[-1].vocabulary_retained for result in (alone, several)]
    assert kept[0] == pytest.approx(kept[1], abs=0.02) and several.forecast.tokens < 1.1 * words(REAL)
    assert any("67 % of the real documents are exact copies" in note for note in several.notes)


def test_a_share_of_nothing_is_no_finding():
    found = mix(REAL, GOOD, share=0.0, **QUICK)
    assert found.level is Level.HEALTHY and found.forecast.generations[-1].vocabulary_retained == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [{"share": "x"}, {"generations": 2.5}, {"seeds": True}, {"shares": ("a",)}])
def test_what_is_no_number_is_told(wrong):
    with pytest.raises(UsageError, match="number"):
        MixOptions(**wrong)
