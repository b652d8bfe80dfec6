"""The pool of workers when one of them dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest

from seedbench.execution import LocalExecutor


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def begin_sleeping(file: str) -> None:
    """Start a program in a session of its own, as generators do, write its process down, and wait for it."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True) as program:
        Path(file).with_suffix(".part").write_text(str(program.pid))
        Path(file).with_suffix(".part").rename(file)
        program.wait()


def test_closing_ends_the_programs_that_workers_have_started(tmp_path: Path) -> None:
    executor = LocalExecutor(1)
    executor.submit(begin_sleeping, str(tmp_path / "program"))
    until((tmp_path / "program").exists)
    program = psutil.Process(int((tmp_path / "program").read_text()))
    executor.close()
    until(lambda: not program.is_running() or program.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_who_started_them(how: signal.Signals) -> None:
    starts = "import time; from seedbench.execution import LocalExecutor\nif __name__ == '__main__':\n    pool = LocalExecutor(1)\n"
    starts += "    pool.submit(abs, 1); [*pool.results()]; print(*pool._pool._processes, flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            worker = psutil.Process(int(parent.stdout.readline()))
            assert worker.is_running()
        finally:
            parent.send_signal(how)
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_a_task_submitted_after_a_worker_died_unnoticed_is_run_all_the_same() -> None:
    executor = LocalExecutor(1)
    try:
        executor.submit(os._exit, 7)
        deadline = time.monotonic() + 60
        while not executor._pool._broken and time.monotonic() < deadline:
            time.sleep(0.01)
        assert executor._pool._broken
        executor.submit(abs, -3)
        found = {done.task: done for done in executor.results()}
    finally:
        executor.close()
    assert found[-3].result == 3
    assert isinstance(found[7].error, BrokenProcessPool)
