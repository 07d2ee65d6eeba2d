"""Names and folders: what is found, and what the errors say."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from checkpoints import write_files, write_safetensors

from contam.errors import InputError
from contam.formats import hub
from contam.models import finding
from contam.models.finding import cache_folder, cached_snapshots, embedded, find


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No hub, an empty cache, an empty working folder."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HOME", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "in_reach", lambda: False)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)


def cached(tmp_path: Path, repository: str, revision: str = "abc", current: bool = True) -> Path:
    base = tmp_path / "cache" / f"models--{repository.replace('/', '--')}"
    if current:
        (base / "refs").mkdir(parents=True)
        (base / "refs" / "main").write_text(revision)
    return write_files(base / "snapshots" / revision)


def test_a_folder_is_found(tmp_path):
    folder = write_files(tmp_path / "model")
    found = find(str(folder))
    assert found.folder == found.tokenizer_folder == folder
    assert found.weights == (folder / "model.safetensors",)
    assert found.config["model_type"] == "gpt2"


def test_embedded_models_win_over_folders_of_their_name(tmp_path, monkeypatch):
    write_files(tmp_path / "own" / "little")
    (tmp_path / "here" / "little").mkdir()
    monkeypatch.setattr(finding, "TINY", tmp_path / "own")
    assert embedded() == ("little",)
    assert find("little").folder == tmp_path / "own" / "little"
    with pytest.raises(InputError, match="no config"):
        find("./little")


def test_embedded_models_may_share_a_tokenizer(tmp_path, monkeypatch):
    (write_files(tmp_path / "own" / "little") / "tokenizer.json").rename(tmp_path / "own" / "tokenizer.json")
    monkeypatch.setattr(finding, "TINY", tmp_path / "own")
    assert find("little").tokenizer_folder == tmp_path / "own"


@pytest.mark.parametrize("asked", ["gpt2", "openai-community/gpt2"])
@pytest.mark.parametrize("stored", ["gpt2", "openai-community/gpt2"])
def test_the_hubs_cache_is_read_without_the_hub(tmp_path, asked, stored):
    folder = cached(tmp_path, stored)
    assert find(asked).folder == folder


def test_the_current_revision_comes_first_and_half_a_download_is_passed_over(tmp_path):
    good = cached(tmp_path, "me/model", "old", current=False)
    new = cached(tmp_path, "me/model", "new")
    assert find("me/model").folder == new
    assert cached_snapshots("me/model")[0] == new
    (new / "model.safetensors").unlink()
    assert find("me/model").folder == good


def test_the_cache_follows_the_hubs_variables(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hub"


def test_out_of_reach_is_one_message_that_says_what_to_do():
    with pytest.raises(InputError) as told:
        find("me/model")
    message = str(told.value)
    assert "\n" not in message and "does not answer" in message
    assert "local folder" in message and all(name in message for name in embedded())


def test_forbidden_is_said(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "in_reach", lambda: pytest.fail("must not ask"))
    with pytest.raises(InputError, match="HF_HUB_OFFLINE is set"):
        find("me/model")


def test_a_name_that_leads_nowhere_imports_no_model_library():
    code = (
        "import sys\nfrom contam.formats import hub\nhub.in_reach = lambda: False\n"
        "from contam.models.finding import find\nfrom contam.errors import InputError\n"
        "try: find('nobody/nothing')\nexcept InputError as e: print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
    assert "contam.models.finding" in found
    assert not found & {"torch", "transformers", "huggingface_hub", "datasets"}


@pytest.mark.parametrize(("given", "near"), [("gpt-2", "gpt2"), ("openai-comunity/gpt2", "openai-community/gpt2")])
def test_the_nearest_name_is_offered(given, near):
    with pytest.raises(InputError, match=f"did you mean {near}"):
        find(given)


@pytest.mark.parametrize("given", ["./nothing", "/no/such/folder", "a/b/c", "", "what is this", "~/none"])
def test_what_cannot_be_a_hub_name_is_a_missing_folder(given, monkeypatch):
    monkeypatch.setattr(hub, "in_reach", lambda: pytest.fail("must not ask"))
    with pytest.raises(InputError, match="no such folder"):
        find(given)


class Refused:
    """How a folder is spoiled, and what the message must say."""

    @staticmethod
    def no_config(folder: Path) -> None:
        (folder / "config.json").unlink()

    @staticmethod
    def broken_config(folder: Path) -> None:
        (folder / "config.json").write_text("{")

    @staticmethod
    def nameless_config(folder: Path) -> None:
        (folder / "config.json").write_text("[1]")

    @staticmethod
    def pickled(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    @staticmethod
    def no_weights(folder: Path) -> None:
        (folder / "model.safetensors").unlink()

    @staticmethod
    def no_tokenizer(folder: Path) -> None:
        (folder / "tokenizer.json").unlink()

    @staticmethod
    def half_a_tokenizer(folder: Path) -> None:
        (folder / "tokenizer.json").rename(folder / "vocab.json")

    @staticmethod
    def cut_off(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-5])

    @staticmethod
    def too_long(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(path.read_bytes() + b"x")

    @staticmethod
    def garbage(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"\x10" + bytes(7) + b"no header at all")

    @staticmethod
    def nothing(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"")

    @staticmethod
    def pointer(folder: Path) -> None:
        (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")

    @staticmethod
    def adapter(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")

    @staticmethod
    def two_files(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "a.safetensors")
        write_safetensors(folder / "b.safetensors", {"x": 1})

    @staticmethod
    def missing_shard(folder: Path) -> None:
        index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    @staticmethod
    def shard_elsewhere(folder: Path) -> None:
        (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.safetensors"}}')

    @staticmethod
    def broken_index(folder: Path) -> None:
        (folder / "model.safetensors.index.json").write_text('{"weight_map": [1]}')


SAID = {
    "no_config": "no config.json",
    "broken_config": "not readable as JSON",
    "nameless_config": "names no model_type",
    "pickled": r"pickled \(pytorch_model.bin\).*safetensors only.*save_pretrained",
    "no_weights": "no \\*.safetensors",
    "no_tokenizer": "no tokenizer",
    "half_a_tokenizer": "no tokenizer",
    "cut_off": "damaged or cut off",
    "too_long": "damaged or cut off",
    "garbage": "not a safetensors file",
    "nothing": "not a safetensors file",
    "pointer": "git lfs pull",
    "adapter": "adapter",
    "two_files": "several files of weights",
    "missing_shard": "model-2.safetensors of the 2 files",
    "shard_elsewhere": "not a file beside it",
    "broken_index": "not readable as an index",
}


@pytest.mark.parametrize("how", SAID)
def test_what_is_wrong_with_a_folder_is_said(how, tmp_path):
    folder = write_files(tmp_path / "model")
    getattr(Refused, how)(folder)
    with pytest.raises(InputError, match=SAID[how]):
        find(str(folder))


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "bert", "architectures": ["BertForMaskedLM"]},
        {"model_type": "t5", "architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True},
        {"model_type": "t5", "architectures": None, "is_encoder_decoder": True},
        {"model_type": "gpt2", "architectures": ["GPT2ForSequenceClassification"]},
        {"model_type": "gpt2", "architectures": ["GPT2DoubleHeadsModel"]},
    ],
)
def test_other_kinds_of_models_are_refused(config, tmp_path):
    with pytest.raises(InputError, match="no causal language model"):
        find(str(write_files(tmp_path / "model", **config)))


@pytest.mark.parametrize("made", [["GPT2Model"], None, ["GPT2LMHeadModel"]])
def test_a_body_without_its_head_is_enough_where_it_is_known(made, tmp_path):
    assert find(str(write_files(tmp_path / "model", architectures=made))).weights


def test_code_that_comes_with_a_model_is_not_run(tmp_path, monkeypatch):
    auto = {"AutoModelForCausalLM": "modeling_own.Own"}
    folder = write_files(tmp_path / "model", model_type="own", architectures=["OwnForCausalLM"], auto_map=auto)
    monkeypatch.setattr(finding, "_native", lambda kind: False)
    with pytest.raises(InputError, match="auto_map"):
        find(str(folder))
    monkeypatch.setattr(finding, "_native", lambda kind: True)
    assert find(str(folder)).config["auto_map"] == auto


def test_quantised_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match="quantised"):
        find(str(write_files(tmp_path / "model", quantization_config={"bits": 4})))


def test_transformers_is_asked_which_types_it_implements():
    pytest.importorskip("transformers")
    assert finding._native("falcon") and not finding._native("own")


def test_shards_are_listed_in_order(tmp_path):
    folder = write_files(tmp_path / "model")
    names = ["model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors"]
    for name in names:
        write_safetensors(folder / name, {"x": 2})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": dict(zip("ab", names))}))
    assert [p.name for p in find(str(folder)).weights] == sorted(names)


def test_a_folder_of_models_says_where_they_are(tmp_path):
    write_files(tmp_path / "run" / "checkpoints" / "last")
    with pytest.raises(InputError, match="checkpoints/last"):
        find(str(tmp_path / "run"))


def test_a_file_is_not_a_model(tmp_path):
    folder = write_files(tmp_path / "model")
    with pytest.raises(InputError, match="give the folder"):
        find(str(folder / "model.safetensors"))


class Hub:
    """Stands for ``huggingface_hub``: one repository, and what was asked of it."""

    def __init__(self, folder: Path, files: list[str]) -> None:
        self.folder, self.files, self.asked = folder, files, []
        self.utils = types.SimpleNamespace(disable_progress_bars=lambda: None)

    def HfApi(self) -> Hub:
        return self

    def list_repo_files(self, repository: str) -> list[str]:
        if repository.startswith("nobody"):
            raise type("RepositoryNotFoundError", (Exception,), {})("404")
        return self.files

    def snapshot_download(self, repository: str, allow_patterns: list[str]) -> str:
        self.asked.append((repository, allow_patterns))
        return str(write_files(self.folder))


@pytest.fixture
def online(monkeypatch, tmp_path):
    files = ["config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "merges.txt", "README.md"]
    made = Hub(tmp_path / "downloaded", [*files, "consolidated.safetensors", "onnx/decoder_model.onnx"])
    monkeypatch.setattr(hub, "in_reach", lambda: True)
    monkeypatch.setitem(sys.modules, "huggingface_hub", made)
    return made


def test_a_download_fetches_what_is_needed(online):
    assert find("gpt2").folder == online.folder
    ((repository, files),) = online.asked
    assert repository == "openai-community/gpt2"
    assert sorted(files) == ["config.json", "merges.txt", "model.safetensors", "tokenizer.json"]


def test_pickled_weights_are_not_downloaded(online):
    online.files = ["config.json", "pytorch_model.bin", "tokenizer.json"]
    with pytest.raises(InputError, match="pickled"):
        find("me/model")
    assert not online.asked


def test_an_unknown_repository_is_named(online):
    with pytest.raises(InputError, match="no such model on the hub"):
        find("nobody/nothing")


def test_a_failed_download_is_told_in_one_line(online, monkeypatch):
    monkeypatch.setattr(online, "list_repo_files", lambda repository: 1 / 0)
    with pytest.raises(InputError, match=r"failed: division by zero; a local folder can be given instead$"):
        find("me/model")
