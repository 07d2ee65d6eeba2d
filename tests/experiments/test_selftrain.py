"""Whole runs on a small random model: what is logged, what a replica depends on, kills, resuming, errors."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import contam
from contam.errors import InputError, UsageError
from contam.experiments.run import read_lines
from contam.experiments.selftrain import running

SETTINGS = {
    "rates": (1e-3, 1e-2), "seeds": 2, "iterations": 8, "tokens": 60, "block": 16, "eval_windows": 6, "top_k": 50,
    "baseline": 4, "patience": 3, "stop_when_collapsed": False,
}  # fmt: skip
FILES = ("plan.json", "baseline.jsonl", "log.jsonl", "audit.json", "claims.json", "report.html")


def run(model, text, out, **changes):
    return contam.selftrain(str(model), valid=(str(text),), out=out, **{**SETTINGS, **changes})


def lasting(folder, name="log.jsonl"):
    """The records of a log by replica and iteration, without the time they took."""
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in read_lines(folder / name)]
    return {(r.get("learning_rate"), r.get("seed"), r.get("iteration"), r.get("draw")): r for r in rows}


@pytest.fixture(scope="module")
def undisturbed(small_model, human_text, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    return run(small_model, human_text, out), out


@pytest.fixture(autouse=True)
def no_report(request, monkeypatch):
    """Reports and audits take longer than these runs; `undisturbed` has them."""
    request.getfixturevalue("undisturbed")
    monkeypatch.setattr("contam.experiments.selftrain.outcome.write_report", lambda *_: None)
    monkeypatch.setattr("contam.experiments.selftrain.outcome.write_audits", lambda *_: [])


def test_the_folder_of_a_run(undisturbed):
    result, out = undisturbed
    assert all((out / name).stat().st_size for name in FILES)
    for kind in ("png", "svg"):
        assert list((out / "figures").glob(f"*.{kind}"))
    assert len(list((out / "samples").glob("*.jsonl"))) == 5
    assert result.exit_code() == 0
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["command"] == "selftrain"
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 2 and page.count("<script") <= 1


def test_a_line_of_the_log(undisturbed):
    _, out = undisturbed
    rows = list(read_lines(out / "log.jsonl"))
    assert len(rows) == 4 * 9
    named = {
        "iteration", "learning_rate", "seed", "train_loss", "validation", "entropy", "distinct_1", "distinct_2",
        "distinct_3", "distinct_4", "rep_4", "loop_cover", "tokens", "seconds", "signals", "step_loss", "grad_norm",
    }  # fmt: skip
    for row in rows:
        assert named <= set(row)
        assert set(row["validation"]) == {"harbour"}
        assert row["step_loss"] > 0 and row["grad_norm"] > 0
    firsts = [row for row in rows if row["iteration"] == 0]
    by_seed = {row["seed"]: (row["train_loss"], row["validation"]["harbour"]) for row in firsts}
    assert len(set(by_seed.values())) == 2  # seeds draw differently,
    for row in firsts:  # and the untouched model is the same at every rate
        assert by_seed[row["seed"]] == pytest.approx((row["train_loss"], row["validation"]["harbour"]), abs=1e-5)


def test_training_moves_the_model_and_a_higher_rate_moves_it_more(undisturbed):
    _, out = undisturbed
    rows = list(read_lines(out / "log.jsonl"))

    def moved(rate):
        last = [r["step_loss"] for r in rows if r["learning_rate"] == rate and r["iteration"] == 7]
        first = [r["step_loss"] for r in rows if r["learning_rate"] == rate and r["iteration"] == 0]
        return sum(first) - sum(last)

    assert moved(1e-2) > moved(1e-3) and moved(1e-2) > 1


@pytest.mark.parametrize("stack", [1, 3])
def test_a_replica_does_not_depend_on_its_stack(undisturbed, small_model, human_text, tmp_path, stack):
    _, out = undisturbed
    run(small_model, human_text, tmp_path / "run", stack=stack)
    expected, found = lasting(out), lasting(tmp_path / "run")
    assert set(expected) == set(found)
    for key, row in expected.items():
        if key[2] <= 4:  # later, rounding may choose another token somewhere
            assert found[key]["train_loss"] == pytest.approx(row["train_loss"], abs=1e-3), key
            assert found[key]["validation"]["harbour"] == pytest.approx(row["validation"]["harbour"], abs=1e-3), key


KILLED = """
import sys, contam
from contam.experiments.selftrain import loop
loop.SAVE_SECONDS = loop.SAVE_SHARE = float(sys.argv[4])
contam.selftrain(sys.argv[1], valid=(sys.argv[2],), out=sys.argv[3], **%r)
""" % SETTINGS  # noqa: UP031


@pytest.mark.parametrize("attempt", range(3))
def test_a_killed_run_goes_on_to_the_same_log(undisturbed, small_model, human_text, tmp_path, attempt):
    """SIGKILL once a random number of lines is written; checkpoints after every iteration, or hardly any."""
    _, out = undisturbed
    folder, lines = tmp_path / "run", random.Random(attempt).randint(1, 30)
    pause = ("0", "0.05", "3600")[attempt]
    command = [sys.executable, "-c", KILLED, str(small_model), str(human_text), str(folder), pause]
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
    log = folder / "log.jsonl"
    while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < lines):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = log.read_bytes() if log.exists() else b""
    result = contam.selftrain(resume=True, out=folder)
    assert result.differing == ()
    assert log.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    for name in ("log.jsonl", "baseline.jsonl", *(f"samples/{p.name}" for p in (out / "samples").iterdir())):
        assert lasting(folder, name) == lasting(out, name), name


def test_an_interrupt_keeps_everything(undisturbed, small_model, human_text, tmp_path):
    _, out = undisturbed

    def impatient(event):
        if event.phase == "iterating" and event.lines and event.iteration == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small_model, human_text, tmp_path / "run", watcher=impatient)
    assert len(list((tmp_path / "run" / "checkpoints").glob("*.safetensors"))) == 1
    contam.selftrain(resume=True, out=tmp_path / "run")
    assert lasting(tmp_path / "run") == lasting(out)


def test_ctrl_c_after_a_step_waits_until_its_line_is_logged(
    undisturbed, small_model, human_text, tmp_path, monkeypatch
):
    from contam.experiments.selftrain import group

    _, out = undisturbed
    measured, calls = group.log_fields, []

    def interrupted(text):
        calls.append(text)
        if len(calls) == 10:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        return measured(text)

    monkeypatch.setattr(group, "log_fields", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(small_model, human_text, tmp_path / "run")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len(list((tmp_path / "run" / "checkpoints").glob("*.safetensors"))) == 1
    monkeypatch.setattr(group, "log_fields", measured)
    contam.selftrain(resume=True, out=tmp_path / "run")
    assert lasting(tmp_path / "run") == lasting(out)


def test_an_interrupt_after_a_step_is_no_checkpoint(undisturbed, small_model, human_text, tmp_path, monkeypatch):
    """The weights are already those of the next iteration: going on from them would take the step twice."""
    from contam.experiments.selftrain import group

    _, out = undisturbed
    measured, calls = group.log_fields, []

    def interrupted(text):
        calls.append(text)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return measured(text)

    monkeypatch.setattr(group, "log_fields", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(small_model, human_text, tmp_path / "run")
    monkeypatch.setattr(group, "log_fields", measured)
    contam.selftrain(resume=True, out=tmp_path / "run")
    assert lasting(tmp_path / "run") == lasting(out)


def test_more_iterations_continue_a_finished_run(small_model, human_text, tmp_path):
    run(small_model, human_text, tmp_path / "short", iterations=3)
    contam.selftrain(resume=True, out=tmp_path / "short", iterations=6)
    run(small_model, human_text, tmp_path / "long", iterations=6)
    short, long = lasting(tmp_path / "short"), lasting(tmp_path / "long")
    assert set(short) == set(long)
    assert short == long


def test_resuming_with_other_settings_is_refused(undisturbed):
    _, out = undisturbed
    with pytest.raises(UsageError, match=r"begun with tokens 60; --resume goes on"):
        contam.selftrain(resume=True, out=out, tokens=70)
    with pytest.raises(UsageError, match="cannot be lowered"):
        contam.selftrain(resume=True, out=out, iterations=2)


def test_fresh_text_several_steps_and_sets(small_model, human_text, tmp_path):
    (tmp_path / "few.jsonl").write_text('{"text": "A small wind."}\n{"text": "The clock struck seven."}\n')
    changes = {"fresh_text": str(human_text), "fresh_share": 0.5, "steps": 2, "batch_size": 3, "iterations": 2}
    valid = (str(human_text), str(tmp_path / "few.jsonl"))
    contam.selftrain(str(small_model), valid=valid, out=tmp_path / "run", **{**SETTINGS, **changes})
    plan = json.loads((tmp_path / "run" / "plan.json").read_text())
    assert [s["mode"] for s in plan["validation"]["little"]] == ["windows", "documents"]
    rows = list(read_lines(tmp_path / "run" / "log.jsonl"))
    # A set that is measured whole has the same loss whatever is drawn.
    assert len({round(r["validation"]["few"], 5) for r in rows if r["iteration"] == 0}) == 1
    assert any("fresh share 0.5" in told for told in plan["departures"])


def test_evaluation_at_intervals_changes_nothing_else(undisturbed, small_model, human_text, tmp_path):
    _, out = undisturbed
    run(small_model, human_text, tmp_path / "run", eval_every=3)
    for key, row in lasting(tmp_path / "run").items():
        evaluated = key[2] % 3 == 0 or key[2] == 8
        assert (row["train_loss"] is not None) == (row["validation"]["harbour"] is not None) == evaluated
        assert row["step_loss"] == lasting(out)[key]["step_loss"]


def test_a_rate_that_is_too_high_is_told_and_the_log_kept(small_model, human_text, tmp_path):
    result = run(small_model, human_text, tmp_path / "run", rates=(10.0,), clip=0.0, iterations=40, temperature=0.0)
    states = {outcome.state for outcome in result.outcomes.values()}
    assert states <= {"diverged", "collapsing", "at_risk"} and list(read_lines(tmp_path / "run" / "log.jsonl"))


def test_weights_are_kept_on_request(small_model, human_text, tmp_path):
    from transformers import AutoModelForCausalLM

    run(small_model, human_text, tmp_path / "run", save_every=4, seeds=1, rates=(1e-3,))
    kept = sorted((tmp_path / "run" / "checkpoints" / "little-lr0.001-seed0").iterdir())
    assert [p.name for p in kept] == ["step-000001", "step-000005", "step-000009"]
    AutoModelForCausalLM.from_pretrained(kept[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"block": 65}, "sees 64 tokens"),
        ({"tokens": 10}, "less than a window"),
        ({"prompt": ""}, "prompt"),
        ({"rates": (1e-3, 1e-3)}, "twice"),
        ({"seeds": 0}, "--seeds must be between 1"),
        ({"decoder": "fast"}, "--decoder must be one of"),
        ({"betas": (0.9,)}, "--betas takes two numbers"),
        ({"betas": (0.9, 1.5)}, "--betas must be between"),
        ({"rates": (-1.0,)}, "--lr must be between"),
        ({"fresh_share": 0.1}, "--fresh-text"),
        ({"device": "cuda:7"}, "--device cuda:7"),
        ({"device": "mps"}, "known are auto, cpu"),
        ({"precision": "tf32"}, "needs a GPU"),
        ({"preset": "paper"}, "no preset 'paper'"),
    ],
)
def test_settings_that_cannot_be_leave_nothing_behind(small_model, human_text, tmp_path, changes, message):
    with pytest.raises((InputError, UsageError), match=message):
        run(small_model, human_text, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_resuming_by_name_takes_the_newest_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(("selftrain-tiny", "selftrain-tiny-2", "selftrain-tiny-half", "selftrain-tiny-half-3")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plan.json").write_text("{}")
        os.utime(tmp_path / name / "plan.json", (1e9 + i, 1e9 + i))
    assert running._newest("selftrain-tiny").name == "selftrain-tiny-2"
    assert running._newest("selftrain-tiny-half").name == "selftrain-tiny-half-3"
    assert running._newest("selftrain-*").name == "selftrain-tiny-half-3"
    with pytest.raises(UsageError, match="no run selftrain-gpt2"):
        running._newest("selftrain-gpt2")


def test_out_of_memory_is_told(small_model, human_text, tmp_path, monkeypatch):
    def greedy(*_args, **_kwargs):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("contam.experiments.selftrain.group.Group.iterate", greedy)
    with pytest.raises(InputError, match=r"out of memory with little; .*--resume --stack 2 \(now 4 replicas"):
        run(small_model, human_text, tmp_path / "run")


def test_a_smaller_stack_goes_on_where_the_larger_one_was(undisturbed, small_model, human_text, tmp_path):
    _, out = undisturbed

    def impatient(event):
        if event.phase == "iterating" and event.lines and event.iteration == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(small_model, human_text, tmp_path / "run", watcher=impatient)
    seen = []
    contam.selftrain(resume=True, out=tmp_path / "run", stack=1, watcher=lambda e: seen.append(e))
    computed = {e.iteration for e in seen if e.phase == "iterating" and e.note}
    assert min(computed) == 6
    expected, found = lasting(out), lasting(tmp_path / "run")
    assert set(expected) == set(found)
    for key, row in expected.items():
        assert found[key]["step_loss"] == pytest.approx(row["step_loss"], abs=0.02 if key[2] <= 6 else 5), key


def test_names_of_models_and_texts_survive_a_resume(small_model, human_text, tmp_path, monkeypatch):
    """Links keep their own names, relative paths are found again, and a set given twice is one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").symlink_to(small_model)
    (tmp_path / "held.txt").symlink_to(human_text)
    settings = {**SETTINGS, "iterations": 2, "seeds": 1, "fresh_text": "held.txt", "fresh_share": 0.2}
    given = {"valid": ("held.txt", "./held.txt"), "out": "run", **settings}
    contam.selftrain("./mine", **given)
    before = (tmp_path / "run" / "log.jsonl").read_bytes()
    (tmp_path / "elsewhere").mkdir()
    result = contam.selftrain("./mine", resume=True, **given)
    assert (tmp_path / "run" / "log.jsonl").read_bytes() == before and result.differing == ()
    rows = list(read_lines(tmp_path / "run" / "log.jsonl"))
    assert {r["model"] for r in rows} == {"mine"} and {tuple(r["validation"]) for r in rows} == {("held",)}


def test_the_tokenizer_of_another_model_is_told(small_model, human_text, tmp_path):
    import shutil

    from checkpoints import trained_tokenizer

    shutil.copytree(small_model, tmp_path / "mixed")
    trained_tokenizer(tmp_path / "mixed", size=360)
    with pytest.raises(InputError, match=r"gives token 3\d\d, but the model has 320"):
        run(tmp_path / "mixed", human_text, tmp_path / "run")


def test_a_full_disk_is_told(small_model, human_text, tmp_path, monkeypatch):
    class Full:
        def __getattr__(self, name):
            def fail(*_):
                raise OSError(28, "No space left on device")

            return fail

    from contam.experiments.run import RunFolder

    with RunFolder.start(tmp_path / "run", {}) as folder:
        folder.append("log.jsonl", {"iteration": 0})
        monkeypatch.setitem(folder._files, "log.jsonl", Full())
        with pytest.raises(InputError, match=r"log\.jsonl: No space left on device; what was measured so far is kept"):
            folder.append("log.jsonl", {"iteration": 1})
