"""The pool of workers when one of them dies."""

from __future__ import annotations

import gc
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from pathlib import Path

import psutil
import pytest

from seedbench.runs.executor import LocalExecutor
from tests.stories.terminal import signum_in


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def begin_sleeping(file: str) -> None:
    """Start a program in a session of its own, as generators do, write its process id to a file, and wait for it."""
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
def test_workers_end_with_the_process_that_started_them(how: signal.Signals) -> None:
    starts = "import time; from seedbench.runs.executor import LocalExecutor\nif __name__ == '__main__':\n    pool = LocalExecutor(1)\n"
    starts += "    pool.submit(abs, 1); [*pool.results()]; print(*pool._pool._processes, flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True) as parent:
        try:
            assert parent.stdout is not None
            worker = psutil.Process(int(parent.stdout.readline()))
            assert worker.is_running()
        finally:
            parent.send_signal(how)
    until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_a_task_submitted_after_an_unnoticed_death_of_a_worker_is_still_run() -> None:
    executor = LocalExecutor(1)
    try:
        executor.submit(os._exit, 7)
        deadline = time.monotonic() + 60
        while not executor._pool._broken and time.monotonic() < deadline:
            time.sleep(0.01)
        assert executor._pool._broken
        executor.submit(abs, -3)
        finished = {done.task: done for done in executor.results()}
    finally:
        executor.close()
    assert finished[-3].result == 3
    assert isinstance(finished[7].error, BrokenProcessPool)


def begin_daemon(file: str) -> None:
    """Start a program that detaches from its parents, as daemons do, write its process id to a file, and wait for ever."""
    daemon = f"import os, time; from pathlib import Path\nif os.fork(): os._exit(0)\nos.setsid(); part = Path({file!r} + '.part')\n"
    daemon += f"part.write_text(str(os.getpid())); part.rename({file!r}); time.sleep(1000)"
    subprocess.run([sys.executable, "-c", daemon], check=True)
    time.sleep(1000)


def die_with_a_program(file: str) -> None:
    """Start a program, then die as if killed for lack of memory."""
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)
    with Path(file).open("a") as stream:
        stream.write(f"{program.pid}\n")
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_result(file: str) -> None:
    """Write only the beginning of a result to the result pipe, like a worker that is killed while it writes."""
    writers = {queue._writer for queue in gc.get_objects() if isinstance(queue, SimpleQueue)}
    for writer in writers:
        os.write(writer.fileno(), struct.pack("!i", 1000) + b"half")
    Path(file).touch()
    time.sleep(1000)


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_closing_ends_daemons_too(tmp_path: Path) -> None:
    executor = LocalExecutor(1)
    executor.submit(begin_daemon, str(tmp_path / "daemon"))
    until((tmp_path / "daemon").exists)
    daemon = psutil.Process(int((tmp_path / "daemon").read_text()))
    executor.close()
    until(lambda: gone(daemon))


def test_the_programs_of_a_worker_that_died_end_before_its_task_is_tried_again(tmp_path: Path) -> None:
    executor = LocalExecutor(1)
    try:
        executor.submit(die_with_a_program, str(tmp_path / "programs"))
        (done,) = executor.results()
        programs = [int(line) for line in (tmp_path / "programs").read_text().split()]
        assert isinstance(done.error, BrokenProcessPool)
        assert len(programs) > 1
        assert not [pid for pid in programs if psutil.pid_exists(pid) and not gone(psutil.Process(pid))]
    finally:
        executor.close()


def test_programs_of_workers_end_with_the_process_that_started_the_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time; from seedbench.runs.executor import LocalExecutor\n"
        "from tests.seedbench.runs.test_executor import begin_sleeping\n"
        "if __name__ == '__main__':\n    pool = LocalExecutor(1); pool.submit(begin_sleeping, sys.argv[1]); time.sleep(1000)"
    )
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen([sys.executable, str(script), str(tmp_path / "program")], env=given) as parent:
        try:
            until((tmp_path / "program").exists)
        finally:
            parent.kill()
    program = psutil.Process(int((tmp_path / "program").read_text()))
    until(lambda: gone(program))


@pytest.mark.parametrize("task", ["time.sleep, 1000", "half_a_result, sys.argv[1]"], ids=["full queue", "half a result"])
def test_an_interpreter_ends_after_its_workers_were_killed_at_work(task: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time; from seedbench.runs.executor import LocalExecutor\n"
        "from tests.seedbench.runs.test_executor import half_a_result, until; from pathlib import Path\n"
        "if __name__ == '__main__':\n    pool = LocalExecutor(2); pool.submit(Path.touch, Path(sys.argv[1]))\n    next(pool.results())\n"
        f"    if {'half' in task}: Path(sys.argv[1]).unlink()\n"
        f"    for _ in range(8): pool.submit({task})\n"
        "    until(lambda: Path(sys.argv[1]).exists() and any(future.running() for future in pool._running)); pool.close(); print('closed')"
    )
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), str(tmp_path / "file")]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "closed\n", "")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the signals of a process in /proc")
def test_workers_ignore_ctrl_c_from_the_start() -> None:
    executor = LocalExecutor(2)
    try:
        for _ in range(2):
            executor.submit(time.sleep, 0)
            for pid in executor._pool._processes:
                for signum in (signal.SIGINT, signal.SIGHUP):
                    assert signum_in(pid, "SigBlk", signum) or signum_in(pid, "SigIgn", signum)
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
        assert [done.error for done in executor.results()] == [None, None]
    finally:
        executor.close()
