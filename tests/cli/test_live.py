"""The live view: what it shows, at any width, from any text; lines elsewhere; a clean terminal after Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from contam.experiments.selftrain.events import PHASES as ALL_PHASES
from contam.experiments.selftrain.events import Event
from contam_cli import live as module
from contam_cli.live import PHASES, Lines, Scene, live, paint, sparkline
from contam_cli.settings import Settings

EVIL = "the \x1b[2J\x1b]0;title\x07 \u202eevil\u202c \x00 日本 " + "x" * 5000


def line(rate: float = 0.003, seed: int = 0, iteration: int = 3, human=5.0, own=4.0, model="tiny") -> dict:
    place = {"iteration": iteration, "model": model, "learning_rate": rate, "seed": seed}
    return place | {"train_loss": own, "validation": {"pydoc": human}}


def shown(scene: Scene, width: int = 80, height: int = 24) -> str:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(paint(scene, console))
    return console.file.getvalue()


def scene_of(*events: Event, ascii: bool = False) -> Scene:
    scene = Scene(ascii=ascii)
    for event in events:
        scene.watch(event)
    return scene


def iterating(number: int, lines, **more) -> Event:
    return Event("iterating", number, 60, tuple(lines), **more)


def test_every_phase_has_words():
    assert set(PHASES) == set(ALL_PHASES)
    for phase in ALL_PHASES:
        assert PHASES[phase] in shown(scene_of(Event(phase)))
    assert "starting" in shown(Scene())


def test_rows_are_learning_rates_with_their_seeds_together():
    states = {"tiny-lr0.003-seed0": "healthy", "tiny-lr0.003-seed1": "collapsing", "tiny-lr0.01-seed0": "at_risk"}
    lines = [line(seed=0, human=5.0), line(seed=1, human=7.0), line(0.01, human=9.25, own=0.5)]
    text = shown(scene_of(iterating(12, lines, states=states, sample="a sample", seconds_left=75.0)))
    assert "iteration 12/60" in text and "75 s left" in text and "now writes: a sample" in text
    rows = {row.split()[1]: row for row in text.splitlines() if row.startswith("tiny")}
    assert set(rows) == {"0.003", "0.01"}
    assert "6.00" in rows["0.003"] and "collapsing 1/2" in rows["0.003"]
    assert "9.25" in rows["0.01"] and "0.50" in rows["0.01"] and "at risk" in rows["0.01"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_it_fits_any_width_and_shows_nothing_hostile(width, ascii_only):
    lines = [line(model="a model with a very long \x1b[31mname indeed", human=10.0**k) for k in range(6)]
    scene = scene_of(*(iterating(k, [lines[k]], sample=EVIL, note=EVIL) for k in range(6)), ascii=ascii_only)
    text = shown(scene, width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    cells = [sum(2 if char in "日本" else 1 for char in row) for row in text.splitlines()]
    assert max(cells) <= width and len(cells) <= 5
    assert not ascii_only or text.replace("…", "...").isascii()


def test_many_rows_are_summarised():
    scene = scene_of(iterating(1, [line(rate=k / 1000) for k in range(1, 31)]))
    assert "and 18 more" in shown(scene, height=50)
    small = shown(scene, height=10)
    assert len(small.splitlines()) <= 10 and "more" in small


def test_a_heartbeat_keeps_what_is_known():
    states = {"tiny-lr0.003-seed0": "at_risk"}
    first = iterating(4, [line()], sample="kept", states=states, seconds_left=3725.0)
    text = shown(scene_of(first, iterating(5, [], note="token 200")))
    assert (
        "kept" in text
        and "62:05 min left" in text
        and "at risk" in text
        and "token 200" in text
        and "iteration 5/60" in text
    )


def test_what_was_not_measured_is_a_dash():
    text = shown(scene_of(iterating(1, [line(human=None, own=float("nan"))])))
    row = next(row for row in text.splitlines() if row.startswith("tiny"))
    assert row.split()[2:] == ["-", "-"]


def test_a_sparkline_goes_from_low_to_high_and_keeps_the_newest():
    assert sparkline([1, 2, 3, 8], 10) == "▁▂▃█"
    assert sparkline([], 5) == "" and sparkline([2.0], 5) == "▁"
    long = sparkline([float(i) for i in range(1000)], 16)
    assert len(long) == 16 and long[-1] == "█" and list(long) == sorted(long)
    assert sparkline([9.0, *[1.0] * 500], 8)[-1] == "▁"
    assert sparkline([1, 2, 3], 5, ascii_only=True).isascii()


def test_noise_looks_like_noise():
    assert set(sparkline([4.60, 4.63, 4.58, 4.61], 10)) == {"▁"}


def test_quiet_shows_nothing(capsys):
    with live(Settings(quiet=True)) as watch:
        assert watch is None
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_a_line_a_phase_and_then_one_now_and_then(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with live(Settings()) as watch:
        watch(Event("loading"))
        for number in range(61):
            watch(iterating(number, [line(iteration=number, human=4.0 + number)], sample=EVIL))
            now[0] += 2.0
        watch(Event("drawing"))
    out, err = capsys.readouterr()
    told = err.splitlines()
    assert out == "" and all(row.startswith("contam: ") for row in told)
    assert told[0].endswith(PHASES["loading"]) and told[1].endswith(PHASES["iterating"])
    assert told[-1].endswith(PHASES["drawing"])
    places = [int(found[1]) for row in told if (found := re.search(r"iteration (\d+)/60", row))]
    assert places == [15, 30, 45, 60]
    assert "loss on human text: tiny 0.003 19.00" in told[2] and "evil" not in err


@pytest.mark.parametrize(("step", "seconds"), [(60, 0.001), (6, 1000.0)])
def test_lines_wait_for_the_later_of_half_a_minute_and_a_tenth(step, seconds, capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    lines = Lines()
    for number in range(step):
        lines.watch(Event("iterating", number, 6000, (line(),)))
        now[0] += seconds
    assert len(capsys.readouterr().err.splitlines()) == 1


SCRIPT = """
import time
from contam.experiments.selftrain.events import Event
from contam_cli.live import live
class Terminal:
    quiet, progress = False, True
line = {"iteration": 1, "model": "tiny", "learning_rate": 0.01, "seed": 0, "train_loss": 1.0, "validation": {"x": 2.0}}
with live(Terminal()) as watch:
    for number in range(1000):
        watch(Event("iterating", number, 1000, (line,), "text", {}, "", 9.0))
        time.sleep(0.02)
"""


def test_ctrl_c_leaves_a_clean_terminal():
    main, child = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stderr=child, stdout=child, env=environment)
    os.close(child)
    seen = b""
    while b"iteration" not in seen:
        seen += os.read(main, 4096)
    time.sleep(0.6)
    process.send_signal(signal.SIGINT)
    try:
        while part := os.read(main, 4096):
            seen += part
    except OSError:
        pass
    assert process.wait(30) != 0
    os.close(main)
    view, _, after = seen.decode("utf-8", "replace").rpartition("\x1b[?25h")
    assert "\x1b[?25l" in view and "\x1b[?25l" not in after
    assert "iteration" not in re.sub(r"Traceback.*", "", after, flags=re.DOTALL)
