"""The callback in a real trainer: collapse is told, healthy training is not disturbed, nothing else changes."""

from __future__ import annotations

import importlib.util
import json
import logging
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from contam.demo import human_documents  # noqa: E402
from contam.errors import UsageError  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.monitoring import callback  # noqa: E402
from contam.monitoring.callback import KEPT, CollapseMonitor  # noqa: E402
from contam.result import Level  # noqa: E402

STEPS, WINDOW = 24, 32
SMALL = {"every": 4, "samples": 12, "tokens": 28}


@pytest.fixture(scope="module")
def tokenizer():
    return transformers.AutoTokenizer.from_pretrained(find("tiny-half").tokenizer_folder)


@pytest.fixture(scope="module")
def documents():
    return [text for text in human_documents()[1] if len(text) < 3000]


@pytest.fixture(scope="module")
def windows(tokenizer, documents):
    """Training windows of human text, and of a loop."""

    def cut(text):
        ids = tokenizer.encode(text, add_special_tokens=False)
        rows = [ids[i : i + WINDOW] for i in range(0, len(ids) - WINDOW, WINDOW)]
        return [{"input_ids": torch.tensor(row), "labels": torch.tensor(row)} for row in rows[: STEPS * 8]]

    learned = "\n".join(text for i, text in enumerate(documents) if i % 8)
    return {"human": cut(learned[:60_000]), "loop": cut("and then the king said to the queen that " * 2000)}


@pytest.fixture(scope="module")
def held_out(documents):
    return documents[::8][:6]


class Recorder(transformers.TrainerCallback):
    def __init__(self):
        self.heard = []

    def on_log(self, args, state, control, logs=None, **given):
        self.heard.append(dict(logs))


def trained(folder, data, *callbacks, steps=STEPS, rate=5e-4, first=(), resume=None, **options):
    """A trainer that has finished; ``first``: callbacks registered before the others."""
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(find("tiny-half").folder, resid_pdrop=0.1)
    options = {"save_strategy": "no", "report_to": [], **options}
    args = transformers.TrainingArguments(
        str(folder), max_steps=steps, per_device_train_batch_size=8, learning_rate=rate, logging_steps=3,
        use_cpu=True, disable_tqdm=True, seed=0, lr_scheduler_type="constant", **options,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model, args, train_dataset=data, callbacks=[*first, *callbacks],
        data_collator=transformers.default_data_collator,
        processing_class=transformers.AutoTokenizer.from_pretrained(find("tiny-half").tokenizer_folder),
    )  # fmt: skip
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train(resume_from_checkpoint=resume)
    return trainer


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


class Heard(logging.Handler):
    """Warnings of the package, for fixtures that live longer than ``caplog``."""

    def __enter__(self):
        self.messages = []
        logging.getLogger("contam").addHandler(self)
        return self

    def __exit__(self, *_):
        logging.getLogger("contam").removeHandler(self)

    def emit(self, record):
        self.messages.append(record.getMessage())


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory, windows, held_out):
    """A model trained on a loop, with loggers registered before and after the monitor."""
    monitor, before, after = CollapseMonitor(held_out, **SMALL), Recorder(), Recorder()
    folder = tmp_path_factory.mktemp("collapsed")
    with Heard() as heard:
        reported = ["tensorboard"] if importlib.util.find_spec("tensorboard") else []
        trainer = trained(folder, windows["loop"], monitor, after, first=[before], rate=2e-3, report_to=reported)
    return SimpleNamespace(
        trainer=trainer, monitor=monitor, before=before, after=after, warnings=heard.messages, folder=folder
    )


@pytest.fixture(scope="module")
def healthy(tmp_path_factory, windows, held_out):
    monitor = CollapseMonitor(held_out, **SMALL)
    with Heard() as heard:
        trainer = trained(tmp_path_factory.mktemp("healthy"), windows["human"], monitor)
    return SimpleNamespace(trainer=trainer, monitor=monitor, warnings=heard.messages)


def test_training_on_a_loop_is_told_before_the_end(collapsed):
    assert collapsed.monitor.level is Level.COLLAPSING
    first = next(c for c in collapsed.monitor.checks if c.level is Level.COLLAPSING)
    assert first.step < STEPS
    assert [c.step for c in collapsed.monitor.checks] == list(range(4, STEPS + 1, 4))
    assert 1 <= len(collapsed.warnings) <= 2  # once a level
    assert "collapsing" in collapsed.warnings[-1] and "nats a token" in collapsed.warnings[-1]
    assert collapsed.trainer.state.global_step == STEPS  # nobody asked to stop


def test_training_on_human_text_is_left_alone(healthy):
    assert healthy.warnings == []
    assert {c.level for c in healthy.monitor.checks[1:]} == {Level.HEALTHY}
    assert healthy.monitor.checks[-1].signals["validation"] < healthy.monitor.monitor.started.validation


def test_every_logger_hears_of_every_check(collapsed):
    levels = [c.level.severity for c in collapsed.monitor.checks]
    for recorder in (collapsed.before, collapsed.after):
        assert [logs["contam/level"] for logs in recorder.heard if "contam/level" in logs] == levels
        assert sum("loss" in logs for logs in recorder.heard) == STEPS // 3
    told = [entry for entry in collapsed.trainer.state.log_history if "contam/level" in entry]
    assert [entry["step"] for entry in told] == [c.step for c in collapsed.monitor.checks]
    last, check = told[-1], collapsed.monitor.checks[-1]
    assert last["contam/own_entropy_rate"] == check.signals["own_entropy_rate"]
    assert last["contam/validation"] == check.signals["validation"]
    assert last["contam/turned"] == len(check.turned)


def test_tensorboard_has_the_values(collapsed):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = next(collapsed.folder.rglob("events.out.tfevents*"))
    read = accumulator.EventAccumulator(str(events))
    read.Reload()
    points = [(e.step, e.value) for e in read.Scalars("train/contam/level")]
    assert points == [(c.step, c.level.severity) for c in collapsed.monitor.checks]


def test_the_training_is_the_same_without_it(healthy, tmp_path, windows):
    """Dropout is on, so a random number drawn from torch's own would show."""
    alone = trained(tmp_path, windows["human"])
    assert losses(alone) == losses(healthy.trainer)


def test_it_stops_where_that_is_asked_for(tmp_path, windows):
    monitor = CollapseMonitor(**SMALL, stop=True)
    trainer = trained(tmp_path, windows["loop"], monitor, rate=2e-3)
    assert monitor.level is Level.COLLAPSING
    assert trainer.state.global_step == monitor.checks[-1].step < STEPS


@pytest.mark.parametrize("method", ["baseline", "check"])
def test_a_measurement_that_fails_is_told_once_and_training_goes_on(method, tmp_path, windows, monkeypatch, caplog):
    def broken(*given):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(callback.ModelMonitor, method, broken)
    monitor = CollapseMonitor(every=1, samples=4, tokens=4)
    trainer = trained(tmp_path, windows["human"], monitor, steps=3)
    assert trainer.state.global_step == 3 and monitor.checks == []
    assert [r.getMessage() for r in caplog.records if r.name == "contam"] == [
        "the collapse monitor could not measure the model: out of luck"
    ]


def test_a_trainer_without_a_tokenizer_is_told(caplog):
    state = SimpleNamespace(is_world_process_zero=True, global_step=0, log_history=[])
    CollapseMonitor().on_train_begin(None, state, None, model=None, processing_class=None)
    assert "CollapseMonitor(tokenizer=...)" in caplog.text


def test_a_resumed_run_goes_on_from_the_first_baseline(tmp_path, windows):
    first = CollapseMonitor(every=2, samples=4, tokens=8)
    trained(tmp_path, windows["loop"], first, steps=4, save_strategy="steps", save_steps=4)
    history = json.loads((tmp_path / "checkpoint-4/trainer_state.json").read_text())["log_history"]
    assert sum(KEPT in entry for entry in history) == 1
    for settings, same in (({}, True), ({"seed": 1}, False)):
        again = CollapseMonitor(every=2, samples=4, tokens=8, **settings)
        trained(tmp_path, windows["loop"], again, steps=6, resume=str(tmp_path / "checkpoint-4"))
        assert (again.monitor.started.own_rate == first.monitor.started.own_rate) is same
        assert [c.step for c in again.checks] == [6]


def test_the_baseline_can_be_drawn_later_and_checks_default_to_ten(tmp_path, windows):
    monitor = CollapseMonitor(samples=4, tokens=4, start=5)
    trained(tmp_path, windows["human"], monitor, steps=11)
    assert [c.step for c in monitor.checks] == [6, 7, 8, 9, 10, 11]


def test_other_processes_measure_nothing():
    state = SimpleNamespace(is_world_process_zero=False, global_step=4, max_steps=40, log_history=[])
    monitor, control = CollapseMonitor(every=4, stop=True), SimpleNamespace(should_training_stop=False)
    monitor.on_train_begin(None, state, control, model=None)
    monitor.on_step_end(None, state, control, model=None)
    assert monitor.checks == [] and not control.should_training_stop


def test_all_processes_stop_together(tmp_path):
    """A group of one, over the same calls as many."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    try:
        args = SimpleNamespace(device="cpu")
        assert callback._anywhere(True, args) is True
        assert callback._anywhere(False, args) is False
    finally:
        torch.distributed.destroy_process_group()


def test_without_a_handler_values_travel_with_the_next_log(monkeypatch):
    monkeypatch.setattr(callback, "_handler", lambda: None)
    monitor, logs = CollapseMonitor(), {"loss": 1.0}
    state = SimpleNamespace(log_history=[], epoch=0.5, global_step=3)
    found = callback.Check(3, {"looped": 0.25, "entropy.plug_in": None}, Level.HEALTHY)
    monitor._report(found, None, state, SimpleNamespace(should_log=False))
    monitor.on_log(None, state, None, logs)
    assert logs == {"loss": 1.0, "contam/looped": 0.25, "contam/turned": 0.0, "contam/level": 0.0}
    later = {"loss": 0.9}
    monitor.on_log(None, state, None, later)
    assert later == {"loss": 0.9}


def test_numbers_that_cannot_be_are_told():
    with pytest.raises(UsageError, match="every=0"):
        CollapseMonitor(every=0)
