from __future__ import annotations

import pytest

from contam.errors import UsageError
from contam.experiments.recurse.options import FILTERS, Lineage, RecurseOptions, flag_of
from contam.experiments.recurse.presets import PRESETS, departures, settled


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_at_full_scale_departs_only_where_it_says(name):
    options = settled({"preset": name})
    stand_ins = PRESETS[name].published
    assert departures(options)[len(stand_ins) :] == PRESETS[name].open
    assert len(departures(options)) == len(stand_ins) + len(PRESETS[name].open)
    assert all(getattr(options, key) == value for key, value in PRESETS[name].settings.items())


@pytest.mark.parametrize("name", PRESETS)
def test_a_smaller_preset_tells_everything_that_changed(name):
    options = settled({"preset": name, "scale": 0.001, "real": ("text.txt",)})
    told = " ".join(departures(options))
    for key, value in PRESETS[name].settings.items():
        changed = getattr(options, key) != value
        flag = flag_of(key)
        assert changed == (f"{flag} " in told and "published" in told), key
    assert options.paradigms == PRESETS[name].settings["paradigms"]
    assert "mini" in options.model


def test_what_is_given_beats_the_preset_and_is_a_departure():
    options = settled({"preset": "wang2024-1m", "generations": 3})
    assert options.generations == 3
    assert "--generations 3 (published: 40)" in departures(options)


def test_wang_is_wang():
    options = settled({"preset": "wang2024-33m"})
    assert (options.model, options.most_documents, options.generations) == ("gptneo-33m", 10**6, 40)
    assert (options.batch_size, options.learning_rate, options.schedule) == (320, 5e-4, "constant")
    assert (options.top_k, options.temperature, options.max_tokens, options.epochs) == (0, 1.0, 600, 3.0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"preset": "wang2024"}, "did you mean wang2024-1m"),
        ({"model": "ngram", "real": ("x",), "scale": 0.1}, "--scale makes a preset smaller"),
        ({"real": ("x",)}, "name a model"),
        ({"model": "ngram"}, "--real PATH"),
        ({"model": "ngram", "real": ("x",), "paradigms": ("replacing",)}, "--paradigm must be one of replace"),
        ({"model": "ngram", "real": ("x",), "real_shares": (0.1, 0.1)}, "--real-share names something twice"),
        ({"model": "ngram", "real": ("x",), "generations": 0}, "--generations must be between 1"),
        ({"model": "ngram", "real": ("x",), "top_p": 0.0}, "--top-p must be between"),
        ({"model": "x", "real": ("x",), "beams": 5, "top_k": 3}, "--beams searches"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_their_flag(given, told):
    with pytest.raises(UsageError, match=told):
        settled(given)


def test_every_setting_makes_its_lineages():
    options = RecurseOptions(real_shares=(0.1, 0.5), rates=(0.1, 1.0), filters=("none", "flagged"), seeds=2, seed=7)
    lineages = options.lineages()
    assert len(lineages) == len({x.name for x in lineages}) == 6 * 2 * 2
    assert [x.seed for x in lineages[:2]] == [7, 8]
    names = {x.group for x in lineages}
    assert {"replace", "accumulate-subsample", "accumulate-subsample-0.1", "mix-0.5+flagged"} <= names


def test_a_filter_is_always_beside_none():
    options = settled({"model": "ngram", "real": ("x",), "filters": ("resample",)})
    assert options.filters == ("none", "resample")


def test_names_of_lineages():
    assert Lineage("mix", 2, real_share=0.5, filter=FILTERS[1]).name == "mix-0.5+flagged-seed2"
    assert Lineage("accumulate-subsample", 0, rate=1.0).name == "accumulate-subsample-seed0"
