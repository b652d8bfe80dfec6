"""Programs: the processes that they start are found by their mark and ended, even when their parent has changed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from seedbench.processes.programs import MARKS, end_processes, marked_environment, marked_processes, new_mark, run_program

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads the environment of processes in /proc")
SLEEP = "import time; time.sleep(1000)"
#: Starts a process in a session of its own, which ignores SIGTERM and writes its number to a file.
LEAVE_BEHIND = """
import subprocess, sys
child = 'import os, pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); '
child += 'pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(1000)'
subprocess.Popen([sys.executable, '-c', child, sys.argv[1]], start_new_session=True)
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


def is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_mark_is_added_to_those_that_this_process_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MARKS, raising=False)
    assert marked_environment("inner") == {MARKS: "inner"}
    monkeypatch.setenv(MARKS, "pool:program")
    assert marked_environment("inner") == {MARKS: "pool:program:inner"}


def test_processes_are_found_by_any_of_their_marks_and_by_no_other() -> None:
    outer, inner = new_mark(), new_mark()
    with subprocess.Popen([sys.executable, "-c", SLEEP], env={**os.environ, MARKS: f"{outer}:{inner}"}) as process:
        try:
            until(lambda: [marked.pid for marked in marked_processes(outer)] == [process.pid])
            assert [marked.pid for marked in marked_processes(inner)] == [process.pid]
            assert marked_processes(new_mark()) == []
        finally:
            end_processes(marked_processes(inner), grace_s=10)


def test_what_a_program_leaves_behind_is_ended_even_if_it_ignores_the_request(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    program = LEAVE_BEHIND + f"import os, time\nwhile not os.path.exists({str(file)!r}): time.sleep(0.01)\ntime.sleep(0.2)\n"
    with tempfile.TemporaryFile() as stderr:
        code, duration_s = run_program([sys.executable, "-c", program, str(file)], stderr, 60.0)
    assert (code, duration_s < 60) == (0, True)
    assert not is_alive(int(file.read_text()))


def test_a_program_inside_a_worker_is_found_by_the_mark_of_the_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pool = new_mark()
    monkeypatch.setenv(MARKS, pool)
    file = tmp_path / "marks"
    program = f"import os, pathlib; pathlib.Path({str(file)!r}).write_text(os.environ[{MARKS!r}])"
    with tempfile.TemporaryFile() as stderr:
        assert run_program([sys.executable, "-c", program], stderr, 60.0)[0] == 0
    marks = file.read_text().split(":")
    assert (marks[0], len(marks)) == (pool, 2)
