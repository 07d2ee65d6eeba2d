"""The command table: help, exit codes, errors for people."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contam import __version__
from contam.errors import InputError
from contam_cli.main import COMMANDS


def test_version(cli):
    outcome = cli("--version")
    assert (outcome.code, outcome.out) == (0, f"contam {__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command_with_an_example(cli, flag):
    outcome = cli(flag)
    assert outcome.code == 0 and "Examples:" in outcome.out
    for name, text in COMMANDS.items():
        assert name in outcome.out and text in " ".join(outcome.out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(cli, name):
    outcome = cli(name, "--help")
    assert outcome.code == 0 and "Examples:" in outcome.out and f"contam {name}" in outcome.out


def test_without_a_command_the_help_is_shown_and_nothing_was_judged(cli):
    outcome = cli()
    assert outcome.code == 2 and "Commands:" in outcome.out + outcome.err


@pytest.mark.parametrize(("wrong", "right"), [("audti", "audit"), ("rules", "rule"), ("profil", "profile")])
def test_an_unknown_command_names_the_nearest(cli, wrong, right):
    outcome = cli(wrong)
    assert outcome.code == 2 and f"Did you mean '{right}'?" in outcome.err


def test_an_unknown_option_is_usage(cli):
    outcome = cli("audit", "x", "--no-such")
    assert outcome.code == 2 and "--no-such" in outcome.err and outcome.out == ""


def test_a_mendable_error_is_one_message_without_traceback(cli, measurement):
    measurement.result = InputError("data/x.jsonl:3: no text field; fields: \x1b[31mbody, title")
    outcome = cli("audit", "x")
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err == "contam: data/x.jsonl:3: no text field; fields: \\x1b[31mbody, title\n"


def test_an_unexpected_error_is_called_a_bug(cli, measurement):
    measurement.result = ZeroDivisionError("division by zero")
    outcome = cli("audit", "x")
    assert outcome.code == 2 and "ZeroDivisionError" in outcome.err and "bug in contam" in outcome.err
    assert "Traceback" not in outcome.err
    assert "Traceback" in cli("audit", "x", "-v").err


@pytest.mark.parametrize(("package", "extra"), [("torch", "models"), ("sklearn", "stats")])
def test_a_package_that_is_missing_is_named_with_its_extra(cli, measurement, package, extra):
    measurement.result = ModuleNotFoundError(f"No module named {package!r}", name=package)
    outcome = cli("audit", "x")
    assert outcome.code == 2 and f"pip install 'contam[{extra}]'" in outcome.err and "bug" not in outcome.err
    measurement.result = ModuleNotFoundError("No module named 'contam.lost'", name="contam.lost")
    assert "bug in contam" in cli("audit", "x").err


@pytest.mark.parametrize("error", [EOFError(), MemoryError(), RecursionError(), OSError(5, "Input/output")])
def test_no_error_ever_exits_as_a_verdict(cli, measurement, error):
    measurement.result = error
    assert cli("audit", "x").code == 2


def test_an_interrupt_is_130(cli, measurement):
    measurement.result = KeyboardInterrupt()
    outcome = cli("audit", "x")
    assert outcome.code == 130 and "interrupted" in outcome.err


def start(*args: str, **more) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "contam_cli.main", *args], text=True, **more)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_while_reading_is_130():
    process = start("audit", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write("one line\n")
    process.stdin.flush()
    wait_for_reading(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "") and "interrupted" in err and "Traceback" not in err


def wait_for_reading(pid: int) -> None:
    """Until the measuring code is loaded and the process waits for its input."""
    maps = Path(f"/proc/{pid}/maps")
    if not maps.exists():
        pytest.skip("needs /proc to know when the audit has begun")
    for _ in range(600):
        if "llvmlite" in maps.read_text() and "sleep" in Path(f"/proc/{pid}/status").read_text():
            return time.sleep(1.0)
        time.sleep(0.1)
    pytest.fail("the audit did not begin")


def test_a_reader_that_leaves_early_makes_no_noise():
    read, write = os.pipe()
    os.close(read)
    process = start("rule", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, err = process.communicate()
    assert err == "" and process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", [["rule"], ["--help"], ["simulate", "gaussian", "--format", "json"]])
def test_an_output_without_room_is_no_bug(command, tmp_path):
    with Path("/dev/full").open("w") as full:
        process = start(*command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path)
        _, err = process.communicate()
    assert process.returncode == 2 and err == "contam: the output could not be written: No space left on device\n"


def test_an_output_that_is_closed_leaves_the_exit_code():
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'contam', *sys.argv[1:]])"
    for command, expected in (("rule", 0), ("rulez", 2)):
        done = subprocess.run([sys.executable, "-c", code, command], capture_output=True, text=True)
        assert done.returncode == expected and "bug" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_output_encoding_works(encoding):
    env = os.environ | {"PYTHONIOENCODING": encoding}
    process = start("rule", "DIV006", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    out, err = process.communicate()
    assert process.returncode == 0 and err == "" and "hapax" in out
    assert out.isascii() == (encoding != "utf-8")
