"""``contam mix`` of two texts, or of real text alone: exit codes, refusals, what is printed and written."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mixes import make_mix
from sentences import documents

from contam import demo
from contam.mixing import estimating, running
from contam_cli.mix import EPILOG
from contam_cli.mix import mix as command

FAST = ("--seeds", "3", "--rounds", "0", "--shares", "0,.5", "--size", "8000")
DOCS = Path(__file__).parents[2] / "docs"


def saved(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="module")
def real(folder):
    return saved(folder / "real.jsonl", documents(200, seed=1))


@pytest.fixture(scope="module")
def good(folder):
    return saved(folder / "good.jsonl", documents(200, seed=2))


@pytest.fixture
def unread(monkeypatch):
    """Nothing may be read or measured."""
    for module, name in ((running, "mixed"), (estimating, "estimated")):
        monkeypatch.setattr(module, name, lambda *given, **more: pytest.fail("read"))


@pytest.fixture
def fake(monkeypatch):
    """A result that was made by hand stands for every other; what was asked is kept."""
    asked = []

    def found(*given, **more):
        asked.append((given, more))
        return make_mix("full")

    monkeypatch.setattr(running, "mixed", found)
    monkeypatch.setattr(estimating, "estimated", found)
    return asked


class TestExitCodes:
    def test_a_healthy_mixture_is_0(self, cli, real, good):
        told = cli("mix", real, good, *FAST, "--fail-on", "at_risk")
        assert told.code == 0 and "HEALTHY" in told.out and "Dose-response" in told.out and "Traceback" not in told.err
        assert "real.jsonl" in told.out and "good.jsonl" in told.out and "\x1b" not in told.out

    def test_a_forecast_of_collapse_is_1_but_where_it_never_fails(self, cli, folder):
        human = saved(folder / "human.jsonl", demo.human_documents()[1])
        asked = ("mix", human, "--regime", "replace")
        told = cli(*asked)
        assert told.code == 1 and "COLLAPSING" in told.out and "model forecast" in told.out
        assert cli(*asked, "--fail-on", "never").code == 0
        assert cli("mix", human, "--regime", "accumulate").code == 0

    def test_at_risk_is_as_the_user_wants_it(self, cli, real):
        asked = ("mix", real, "--regime", "replace", "--generations", "10", "-q")
        assert [cli(*asked, "--fail-on", level).code for level in ("at_risk", "collapsing", "never")] == [1, 0, 0]

    def test_thin_evidence_is_2_unless_it_is_allowed(self, cli, folder):
        few = saved(folder / "few.jsonl", documents(6, seed=1)), saved(folder / "also.jsonl", documents(6, seed=2))
        told = cli("mix", *few, *FAST)
        assert told.code == 2 and "INSUFFICIENT EVIDENCE" in told.out and "too few words" in told.out
        assert cli("mix", *few, *FAST, "--allow-insufficient", "-q").code == 0

    def test_a_mixture_of_two_languages_is_not_healthy(self, cli, folder, real):
        foreign = saved(folder / "foreign.jsonl", documents(120, seed=2, language=5))
        for proxy in ("ngram", "none"):
            told = cli("mix", real, foreign, "--proxy", proxy)
            assert told.code == 2 and "another language" in " ".join(told.out.split()) and "HEALTHY" not in told.out

    def test_ctrl_c_is_130(self, cli, real, good, monkeypatch):
        def interrupted(*given):
            raise KeyboardInterrupt

        monkeypatch.setattr(running, "dose_response", interrupted)
        told = cli("mix", real, good, *FAST)
        assert (told.code, told.out, told.err) == (130, "", "interrupted\n")

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    def test_ctrl_c_while_proxies_are_trained(self, real, good, tmp_path):
        many = ("--seeds", "100", "--rounds", "20", "--out", str(tmp_path / "out"))
        process = subprocess.Popen(
            [sys.executable, "-m", "contam_cli.main", "mix", real, good, *many],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"CI": "1"},
        )  # fmt: skip
        maps = Path(f"/proc/{process.pid}/maps")
        if not maps.exists():
            process.kill()
            pytest.skip("needs /proc to know when the training has begun")
        while process.poll() is None and "llvmlite" not in maps.read_text():
            time.sleep(0.05)
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, out) == (130, "") and "interrupted" in err and "Traceback" not in err
        assert not (tmp_path / "out").exists()


class TestRefusals:
    @pytest.mark.parametrize(
        ("args", "told"),
        [
            ((), "give REAL and SYNTHETIC text, or --estimate CORPUS"),
            (("a", "b", "c"), "c: give two texts, REAL and SYNTHETIC (a folder can have many files)"),
            (("a",), "without SYNTHETIC text give the synthetic share: --share X"),
            (("a", "--regime", "reused"), "without SYNTHETIC text give the synthetic share"),
            (("a", "--share", "0.3", "--valid", "v"), "--valid needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--proxy", "none"), "--proxy needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--shares", "0,.5"), "--shares needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--seeds", "3"), "--seeds needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--size", "9000"), "--size needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--rounds", "1"), "--rounds needs SYNTHETIC text too"),
            (("a", "--share", "0.3", "--ngram-order", "2"), "--ngram-order needs SYNTHETIC text too"),
            *(
                (("a", "b", f"--{name}", value), f"--{name} goes with --estimate CORPUS")
                for name, value in (
                    ("reference", "t"), ("order", "known"), ("human", "h"), ("machine", "m"), ("generator", "g"),
                    ("model", "tiny"), ("observer", "tiny"), ("scores", "s.csv"), ("max-share", "0.1"),
                    ("max-share", "0"),
                )
            ),
            (("a", "--estimate", "c"), "--estimate c goes without a: it has its own --reference TRUSTED"),
            *(
                (("--estimate", "c", f"--{name}", value), f"--{name} is for mixtures of REAL and SYNTHETIC")
                for name, value in (
                    ("valid", "v"), ("proxy", "ngram"), ("shares", "0,.5"), ("seeds", "3"), ("size", "9000"),
                    ("rounds", "0"), ("ngram-order", "2"), ("share", "0"),
                )
            ),
            (("a", "b", "--shares", "0,many"), "many"),
            (("a", "b", "--share", "2"), "--share must be between 0 and 1, not 2"),
            (("a", "b", "--regime", "mixed"), "--regime 'mixed' is not known: replace, fresh"),
            (("a", "b", "--proxy", "gpt"), "--proxy 'gpt' is not known: ngram, neural, none"),
            (("a", "b", "--seeds", "1"), "--seeds must be between 2 and 100, not 1"),
            (("a", "b", "--fail-on", "healthy"), "'healthy' is not one of"),
            (("a", "b", "--max-share", "2", "--estimate", "c"), "--max-share"),
            (("a", "b", "-o", "pdf:x.pdf"), "expected FORMAT:PATH"),
            (("a", "b", "--no-such"), "--no-such"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
    )  # fmt: skip
    def test_what_does_not_go_together_is_told_before_anything_is_read(self, cli, unread, args, told):
        found = cli("mix", *args)
        assert found.code == 2 and found.out == "" and told in " ".join(found.err.split())
        assert "Traceback" not in found.err

    @pytest.mark.parametrize(
        "args", [("a", "b", "\x1b[31mc"), ("\x1b[31ma", "--estimate", "c"), ("a", "--estimate", "\x1b[31mc")]
    )
    def test_hostile_names_are_escaped_in_refusals(self, cli, unread, args):
        told = cli("mix", *args)
        assert told.code == 2 and "\\x1b[31m" in told.err and "\x1b" not in told.err

    def test_a_folder_that_cannot_be_written_is_told_before_anything_is_read(self, cli, unread, tmp_path):
        (tmp_path / "file").write_text("")
        for out in (tmp_path / "file", tmp_path / "file" / "out"):
            told = cli("mix", "a", "b", "--out", str(out))
            assert told.code == 2 and "is not a folder" in " ".join(told.err.split())

    def test_the_same_file_and_a_copy_of_it(self, cli, real, tmp_path):
        copy = tmp_path / "copy.jsonl"
        copy.write_bytes(Path(real).read_bytes())
        for other in (real, str(copy)):
            told = cli("mix", real, other, *FAST)
            assert told.code == 2 and told.out == "" and "are the same documents" in told.err

    def test_an_empty_or_missing_side(self, cli, real, tmp_path):
        (tmp_path / "empty.jsonl").write_text("")
        (tmp_path / "none").mkdir()
        for name in ("empty.jsonl", "none", "missing.jsonl"):
            for texts in ((real, str(tmp_path / name)), (str(tmp_path / name), real)):
                told = cli("mix", *texts, *FAST)
                assert told.code == 2 and name in told.err and "bug" not in told.err and told.out == ""

    def test_a_text_field_that_no_document_has(self, cli, real, good):
        told = cli("mix", real, good, "--text-field", "body")
        assert told.code == 2 and "body" in told.err and told.out == "" and "bug" not in told.err


class TestOptions:
    def test_every_option_arrives(self, cli, fake):
        asked = (
            "--share", "0.4", "--regime", "reused", "--generations", "5", "--tokens", "9000", "--temperature", "0.9",
            "--rate", "2", "--proxy", "none", "--shares", ".1,.2", "--seeds", "4", "--size", "7000", "--rounds", "2",
            "--ngram-order", "2", "--valid", "v", "--text-field", "body", "--split-lines", "--strict", "--workers", "1",
            "--seed", "7", "--device", "cpu", "--precision", "bf16",
        )  # fmt: skip
        assert cli("mix", "a", "b", *asked, "--fail-on", "never").code == 0
        real, synthetic, options, _ = fake[0][0]
        assert (real, synthetic) == ("a", "b")
        found = {name: getattr(options, name) for name in options.__dataclass_fields__}
        assert found == {
            "share": 0.4, "regime": "reused", "generations": 5, "tokens": 9000, "temperature": 0.9, "rate": 2.0,
            "proxy": "none", "shares": (0.0, 0.1, 0.2), "seeds": 4, "size": 7000, "rounds": 2, "ngram_order": 2,
            "valid": "v", "text_field": "body", "split": "lines", "strict": True, "workers": 1, "seed": 7,
            "device": "cpu", "precision": "bf16",
        }  # fmt: skip

    def test_a_share_of_0_is_a_share(self, cli, real):
        told = json.loads(cli("mix", real, "--share", "0", "--format", "json").out)
        assert told["forecast"]["share"] == 0 and told["forecast"]["share_is"] == "given"
        assert told["forecast"]["generations"][-1]["vocabulary_retained"] == pytest.approx(1.0)

    def test_replace_keeps_the_share_for_other_regimes(self, cli, real):
        found = {}
        for regime in ("replace", "fresh"):
            told = cli("mix", real, "--share", "0.3", "--regime", regime, "--format", "json")
            found[regime] = json.loads(told.out)["forecast"]["regimes"]
        assert found["replace"] == pytest.approx(found["fresh"])

    def test_without_a_proxy(self, cli, real, good):
        told = cli("mix", real, good, "--proxy", "none")
        assert told.code == 0 and "Model forecast" in told.out and "Dose-response" not in told.out

    @pytest.mark.parametrize("side", ["real", "synthetic"])
    def test_standard_input_is_a_text(self, real, good, side):
        texts = {"real": ("-", good), "synthetic": (real, "-")}[side]
        with Path(real if side == "real" else good).open("rb") as given:
            told = subprocess.run(
                [sys.executable, "-m", "contam_cli.main", "mix", *texts, *FAST, "--format", "json"],
                stdin=given, capture_output=True, text=True,
            )  # fmt: skip
        found = json.loads(told.stdout)
        assert told.returncode == 0 and found[side]["documents"] == 200 and "Traceback" not in told.stderr

    def test_standard_input_twice_is_refused(self, cli):
        told = cli("mix", "-", "-")
        assert told.code == 2 and "standard input can be one of the texts only" in told.err


class TestOutputs:
    def test_all_that_was_found_is_printed_and_written(self, cli, real, good, tmp_path):
        pytest.importorskip("matplotlib")
        files = {form: tmp_path / f"r.{form}" for form in ("html", "json", "markdown")}
        out = tmp_path / "deep" / "mix"
        asked = [part for form, path in files.items() for part in ("-o", f"{form}:{path}")]
        told = cli("mix", real, good, *FAST, "--out", str(out), *asked, "--format", "json")
        found = json.loads(told.out)
        assert told.code == 0 and found["command"] == "mix" and found["schema_version"] == 1
        assert found == json.loads(files["json"].read_text()) == json.loads((out / "mix.json").read_text())
        names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
        figures = [f"figures/{name}.{kind}" for name in ("dose-response", "forecast") for kind in ("png", "svg")]
        assert names == [*figures, "mix.json", "report.html"]
        assert (out / "report.html").read_text() == files["html"].read_text()
        assert "<svg" in files["html"].read_text() and "## Dose-response" in files["markdown"].read_text()

    def test_quiet_is_the_verdict_alone(self, cli, real, good):
        told = cli("mix", real, good, *FAST, "-q")
        assert "HEALTHY" in told.out and "Why" not in told.out and "Dose-response" not in told.out and told.err == ""

    def test_the_same_figures_from_run_to_run_and_with_any_number_of_readers(self, cli, real, good):
        def figures(*more):
            found = json.loads(cli("mix", real, good, *FAST, "--format", "json", *more).out)
            found["dose_response_facts"].pop("seconds")
            found["provenance"] = found["provenance"]["config_digest"]
            return found

        assert figures("--workers", "1") == figures("--workers", "2")

    def test_hostile_names_and_lines_are_escaped(self, cli, good, tmp_path):
        name = "re\x1b[31mal <script>alert(1)<:script>\u202e.jsonl"
        path = tmp_path / name
        lines = [json.dumps({"text": text}) for text in documents(200, seed=1)]
        path.write_text("\n".join(['{"\x1b[2J<script>alert(2)</script>', *lines]) + "\n", encoding="utf-8")
        pages = {form: tmp_path / f"page.{form}" for form in ("html", "markdown", "json")}
        asked = [part for form, page in pages.items() for part in ("-o", f"{form}:{page}")]
        told = cli("mix", str(path), good, *FAST, *asked)
        assert told.code == 0 and "skipped in the real text" in told.out
        for text in (told.out, told.err, *(page.read_text(encoding="utf-8") for page in pages.values())):
            assert "\x1b" not in text and "\u202e" not in text
        for form in ("html", "markdown"):
            assert "<script>alert" not in pages[form].read_text(encoding="utf-8")
        assert "&lt;script&gt;" in pages["html"].read_text(encoding="utf-8")
        assert json.loads(pages["json"].read_text(encoding="utf-8"))["real"]["sources"] == [str(path)]


def examples():
    section = (DOCS / "cli.md").read_text(encoding="utf-8").partition("\n## contam mix\n")[2].partition("\n## ")[0]
    return [line.strip() for line in (section + EPILOG).splitlines() if re.match(r"\s*contam mix ", line)]


@pytest.mark.parametrize("line", dict.fromkeys(examples()))
def test_every_example_is_a_command_that_runs(cli, fake, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = cli(*shlex.split(line)[1:], "--fail-on", "never")
    assert told.code == 0 and told.err == "" and len(fake) == 1


def test_the_examples_of_the_help_are_those_of_the_documents():
    assert len(examples()) == 2 * len(dict.fromkeys(examples())) >= 10


def test_every_option_is_in_the_help_and_says_what_it_is(cli):
    told = cli("mix", "--help").out
    for option in command.params[1:]:
        assert option.opts[-1] in told and option.help
    assert "130 interrupted" in " ".join(told.split())
