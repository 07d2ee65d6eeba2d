"""Models before their first step: named shapes, configuration files, tokenizers of a text, random weights."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from checkpoints import KINDS, LINES

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError, UsageError  # noqa: E402
from contam.models.configurations import CONFIGURATIONS, configuration, fitted  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read, save  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.scratch import files_of, fresh, train_tokenizer  # noqa: E402
from contam.models.tokenizer import Tokenizer  # noqa: E402

TEXTS = list(LINES) * 3


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(TEXTS, 320, tmp_path_factory.mktemp("tokenizer"))


def config_of(kind: str) -> dict:
    return {"model_type": kind, **KINDS[kind]}


def network(kind_or_name, tokenizer, folder, seed=0, block=48):
    config = CONFIGURATIONS.get(kind_or_name) or config_of(kind_or_name)
    config = fitted(config, tokenizer.vocabulary, block, tokenizer.eos)
    files = files_of(config, tokenizer, folder / f"{kind_or_name}-{seed}", kind_or_name)
    return fresh(files, seed, Device()), files


# --- tokenizers -----------------------------------------------------------------------------------------------------


def test_any_text_can_be_written_and_the_end_token_is_piece_0(tokenizer):
    assert (tokenizer.bos, tokenizer.eos, tokenizer.vocabulary) == (0, 0, 320)
    for text in (*LINES, "", "\x00 <|endoftext|> \n\n 漢字 \U0001f600", "  x"):
        ids = tokenizer.encode(text)
        assert 0 not in ids
        assert tokenizer.decode(ids) == text


def test_transformers_reads_the_tokenizer(tokenizer):
    theirs = transformers.AutoTokenizer.from_pretrained(tokenizer.folder)
    assert (theirs.bos_token_id, theirs.eos_token_id) == (0, 0)
    for line in LINES:
        assert theirs(line, add_special_tokens=False)["input_ids"] == tokenizer.encode(line)
        assert theirs.decode(tokenizer.encode(line)) == line


def test_the_same_text_gives_the_same_pieces_in_another_process(tokenizer, tmp_path):
    program = (
        "import json, sys; from pathlib import Path; from contam.models.scratch import train_tokenizer\n"
        "train_tokenizer(json.loads(sys.stdin.read()), 320, Path(sys.argv[1]))"
    )
    told = [sys.executable, "-c", program, str(tmp_path)]
    subprocess.run(told, input=json.dumps(TEXTS), text=True, check=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (tokenizer.folder / name).read_bytes()


def test_merges_are_learned_from_the_text(tokenizer, tmp_path):
    other = train_tokenizer(["zqzqzqzq " * 50], 300, tmp_path)
    assert len(other.encode("zqzqzqzq")) < len(tokenizer.encode("zqzqzqzq"))
    assert other.vocabulary < 300  # the text has no more merges


def test_a_tokenizer_needs_text_and_room(tmp_path):
    with pytest.raises(InputError, match="empty"):
        train_tokenizer(["", ""], 300, tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match="taken"):
        train_tokenizer(TEXTS, 300, tmp_path / "taken")


# --- configurations -------------------------------------------------------------------------------------------------


def test_names_files_and_models(tmp_path):
    assert configuration("gpt2-mini") == CONFIGURATIONS["gpt2-mini"]
    path = tmp_path / "shape.json"
    path.write_text(json.dumps(config_of("llama")))
    assert configuration(str(path)) == config_of("llama")
    for model in ("gpt2", "tiny", "owner/gpt2-mini", str(tmp_path), "EleutherAI/gpt-neo-125m", "some-model"):
        assert configuration(model) is None


def test_a_configuration_is_a_copy():
    configuration("gptneo-mini")["attention_types"][0][1] = 7
    assert CONFIGURATIONS["gptneo-mini"]["attention_types"] == [[["global", "local"], 2]]


@pytest.mark.parametrize("given", ["gpt2-mimi", "GPT2-9M", "llama126m", "gptneo33m"])
def test_the_nearest_name_is_offered(given):
    with pytest.raises(UsageError, match=r"did you mean \w+-\w+\?"):
        configuration(given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "JSON"),
        ("[]", "model_type"),
        ('{"vocab_size": 3}', "model_type"),
        ('{"model_type": "gpt2", "n_embd": 32, "n_layer": 2}', "n_head is None"),
        ('{"model_type": "gpt2", "n_embd": 30, "n_layer": 2, "n_head": 4}', "shared by 4 heads"),
        ('{"model_type": "llama", "hidden_size": -3}', "hidden_size is -3"),
        ('{"model_type": "t5", "is_encoder_decoder": true}', "encoder-decoder"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, text, said):
    path = tmp_path / "shape.json"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        configuration(str(path))
    assert "shape.json" in str(caught.value)


def test_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"nowhere/config\.json"):
        configuration("nowhere/config.json")


def test_what_transformers_cannot_make_is_an_input_error(tokenizer, tmp_path):
    for config in ({"model_type": "no-such-kind"}, {"model_type": "gpt_neo", "hidden_size": 30, "num_heads": 4}):
        files = files_of(fitted(config, 320, 32, 0), tokenizer, tmp_path, "shape.json")
        with pytest.raises(InputError, match=r"shape\.json: transformers cannot make"):
            fresh(files, 0, Device())


@pytest.mark.parametrize(
    ("name", "vocabulary", "positions", "millions"),
    [
        ("gpt2-9m", 50257, 600, 8.89), ("gptneo-1m", 50257, 2048, 3.75), ("llama-12m", 32000, 512, 12.1),
        ("llama-42m", 32000, 512, 41.7), ("gpt2-mini", 2048, 128, 1.07), ("gptneo-mini", 2048, 128, 1.07),
        ("llama-mini", 2048, 128, 1.05),
    ],
)  # fmt: skip
def test_sizes_are_those_of_the_names(name, vocabulary, positions, millions, tokenizer, tmp_path):
    config = fitted(CONFIGURATIONS[name], vocabulary, positions, 0)
    made = fresh(files_of(config, tokenizer, tmp_path, name), 0, Device())
    assert made.shape.parameters / 1e6 == pytest.approx(millions, abs=0.05 if millions > 10 else 0.005)
    assert (made.shape.vocabulary, made.shape.context) == (vocabulary, positions)


# --- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpt2-mini", "gptneo-mini", "llama-mini", "gpt2", "gpt_neo", "llama", "qwen2"])
def test_a_saved_model_gives_the_same_logits_in_transformers(kind, tokenizer, tmp_path):
    made, files = network(kind, tokenizer, tmp_path)
    save(made, 0, files, tmp_path / "saved")
    transformers.utils.logging.disable_progress_bar()
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "saved").eval()
    ids = torch.randint(0, 320, (1, 3, 48), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = theirs(ids[0]).logits[:, -1]
    again = read(find(str(tmp_path / "saved"))).network(1, Device())
    for own in (made, again):
        assert float((own.last(ids)[0] - logits).abs().max()) < 1e-4
    assert Tokenizer(tmp_path / "saved").encode(LINES[0]) == tokenizer.encode(LINES[0])


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neo", "llama"])
def test_seeds_decide_and_nothing_else(kind, tokenizer, tmp_path):
    first = network(kind, tokenizer, tmp_path)[0].tensors(0)
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    again = network(kind, tokenizer, tmp_path)[0].tensors(0)
    assert torch.equal(before, torch.random.get_rng_state())
    other = network(kind, tokenizer, tmp_path, seed=1)[0].tensors(0)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in first if first[name].std() > 0)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen2"])
def test_weights_spread_as_transformers_initialises_them(kind, tokenizer, tmp_path):
    made, files = network(kind, tokenizer, tmp_path)
    torch.manual_seed(3)
    theirs = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**files.config))
    expected = theirs.state_dict()
    for name, tensor in made.tensors(0).items():
        reference = expected[name]
        assert reference.shape == tensor.shape
        assert float(tensor.mean()) == pytest.approx(float(reference.mean()), abs=0.004)
        assert float(tensor.std()) == pytest.approx(float(reference.std()), rel=0.1, abs=1e-9)
