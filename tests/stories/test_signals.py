"""The story of stopped commands: real signals to real commands in a terminal, at any moment. None hangs, loses data or leaves processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.writing import write_clip
from tests.stories.disturbed_run import disturbed
from tests.stories.terminal import CODES, HANGS_S, KINDS, SEEDBENCH, Terminal, interrupted, path_with_toy

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads in /proc whether a process listens to signals")
SEED = 15
N_SIGNALS = 16
#: A command that says when it has begun (the file ``begun``) and then does what a test wants.
BEGINS = """
import sys, time
from pathlib import Path
from seedbench.cli import complain
from seedbench.processes.stopping import set_stop_message
def command():
    set_stop_message("stopped; as it should be")
    Path("begun").touch()
{body}
complain(command)
"""


def begun(tmp_path: Path, body: str) -> Terminal:
    """A terminal with a command whose body is ``body``, when it has begun."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    terminal = Terminal([sys.executable, "-c", BEGINS.format(body=lines)], tmp_path / "home", cwd=tmp_path)
    terminal.until((tmp_path / "begun").exists)
    return terminal


@pytest.mark.slow
def test_a_run_stopped_at_any_moment_ends_with_the_sentence_leaves_nothing_and_resumes(tmp_path: Path) -> None:
    endings = []
    for ending, wrong in disturbed(tmp_path, N_SIGNALS, SEED):
        print(f"{ending.when}: {ending.seconds:.2f} s to end, exit code {ending.code}")
        assert not wrong, f"seed {SEED}, signal {len(endings) + 1}: " + "\n".join(wrong)
        endings.append(ending)
    assert {ending.kind for ending in endings} == set(KINDS)
    assert sum(ending.stopped for ending in endings) > N_SIGNALS // 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "clip.mp4", "-m", "physics", "-j", "1"),
        ("report", "nothing"),
        ("degrade", "clip.mp4", "late.mp4", "blur=2"),
        ("bench", "--quick"),
        ("arena", "studies"),
        ("lipsync", "evaluate", "."),
        ("weights", "verify"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_every_command_can_be_stopped(arguments: tuple[str, ...], tmp_path: Path) -> None:
    pictures = [np.full((32, 48, 3), shade, np.uint8) for shade in range(0, 200, 4)]
    write_clip(tmp_path / "clip.mp4", pictures, 25, np.zeros(96_000, np.float32))
    chance = random.Random(arguments[0])
    kind = chance.choice(KINDS)
    terminal = Terminal([*SEEDBENCH, *arguments], tmp_path / "home", cwd=tmp_path)
    ending = interrupted(terminal, kind, "", chance.uniform(0, 0.5), chance, "")
    assert not [fault for fault in ending.faults(["stopped"]) if "exit code 2" not in fault], ending


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_never_ends_by_itself_is_ended(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    terminal = begun(tmp_path, "while True:\n    try:\n        time.sleep(1000)\n    except BaseException: pass")
    ending = interrupted(terminal, kind, "", 0.0, chance, "never")
    assert not ending.faults(["stopped; as it should be"])


WITHOUT_TIME_LIMIT = """
import signal
from seedbench.processes import stopping
asked = []
with stopping.no_time_limit():
    signal.signal(signal.SIGINT, lambda *_: asked.append(1))
    Path("waiting").touch()
    while not asked: time.sleep(0.01)
    time.sleep(stopping.CLOSING_S - 0.5)
time.sleep(1.5)
Path("closed").touch()
raise stopping.Stopped(signal.SIGINT)
"""


def test_a_block_without_time_limit_leaves_time_to_close(tmp_path: Path) -> None:
    terminal = begun(tmp_path, WITHOUT_TIME_LIMIT.strip())
    terminal.until((tmp_path / "waiting").exists)
    ending = interrupted(terminal, "Ctrl-C", "", 0.0, random.Random(0), "never")
    assert not ending.faults(["stopped; as it should be"])
    assert (tmp_path / "closed").exists()


TRACKER = """
from multiprocessing import resource_tracker
from seedbench.runs.executor import LocalExecutor
executor = LocalExecutor(1)
process = f"/proc/{resource_tracker._resource_tracker._pid}"
while "resource_tracker" not in open(f"{process}/cmdline").read(): pass
print(open(f"{process}/environ").read())
executor.close()
"""


def test_a_pool_ignores_warnings_about_leaked_objects() -> None:
    ran = subprocess.run([sys.executable, "-c", TRACKER], capture_output=True, text=True, check=True)
    assert "PYTHONWARNINGS=ignore:resource_tracker" in ran.stdout


def test_an_end_of_the_interpreter_that_hangs_is_ended(tmp_path: Path) -> None:
    terminal = begun(tmp_path, "import atexit\natexit.register(time.sleep, 1000)\natexit.register(Path('ending').touch)")
    terminal.until((tmp_path / "ending").exists)
    ending = interrupted(terminal, "Ctrl-C", "", 0.0, random.Random(0), "never")
    assert not ending.faults(["stopped; as it should be"])


def test_a_terminal_that_nobody_reads_does_not_block_a_command(tmp_path: Path) -> None:
    terminal = begun(tmp_path, "print('x' * 10_000_000, flush=True)")
    try:
        terminal.process.terminate()
        assert terminal.process.wait(HANGS_S) == CODES["SIGTERM"]
    finally:
        terminal.kill()


def test_a_failure_that_a_signal_has_caused_is_reported_as_the_signal(tmp_path: Path) -> None:
    body = "try:\n    time.sleep(1000)\nexcept KeyboardInterrupt as error:\n    raise ImportError('initialization failed') from error"
    ending = interrupted(begun(tmp_path, body), "Ctrl-C", "", 0.0, random.Random(0), "never")
    assert not ending.faults(["stopped; as it should be"])


def test_a_process_that_was_forked_off_obeys_signals_as_any_other(tmp_path: Path) -> None:
    body = (
        "import os, signal\npid = os.fork()\nif not pid:\n    Path('child').touch(); time.sleep(1000)\nPath('pid').write_text(str(pid))\n"
    )
    body += "print('child:', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)"
    terminal = begun(tmp_path, body)
    try:
        terminal.until(lambda: (tmp_path / "child").exists() and (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
        assert terminal.end() == 0
        assert terminal.text == "child: -15\r\n"
    finally:
        terminal.kill()


def test_a_hang_up_that_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    lines = "    while not Path('go').exists(): time.sleep(0.01)\n"
    command = ["nohup", sys.executable, "-c", BEGINS.format(body=lines)]
    given = {**os.environ, "PYTHONPATH": path_with_toy()}
    with subprocess.Popen(command, cwd=tmp_path, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + HANGS_S
        while not (tmp_path / "begun").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGHUP)
        (tmp_path / "go").touch()
        assert process.wait(HANGS_S) == 0


@pytest.mark.parametrize("arguments", [("suites",), ("run", "--help"), ("degrade", "--list")], ids=lambda arguments: arguments[0])
def test_output_that_nobody_reads_ends_a_command_without_a_message(arguments: tuple[str, ...], tmp_path: Path) -> None:
    given = {**os.environ, "SEEDBENCH_HOME": str(tmp_path / "home"), "PYTHONPATH": path_with_toy()}
    process = subprocess.Popen([*SEEDBENCH, *arguments], env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=HANGS_S)
    assert (process.returncode, errors) == (141, "")
