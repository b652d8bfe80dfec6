"""Running programs, and ending all processes that a program or a worker has started.

A process is found again by a random mark in its environment, which its own children inherit: so it is found even when it has left the
session of its parent, or when its parent is dead.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import IO

import psutil

#: The environment variable that holds the marks of a process, joined by colons: its own, after those of the processes around it.
MARKS = "SEEDBENCH_MARKS"
_GRACE_S = 3.0
_ROUNDS = 5
_POLL_S = 0.02


def run_program(argv: Sequence[str], stderr: IO[bytes], timeout_s: float) -> tuple[int | None, float]:
    """Run a program without input or output; its error output goes to the file ``stderr``.

    Args:
        argv: the program and its arguments; no shell is involved.
        stderr: an open file (not a pipe: a child that is left behind could hold it open).
        timeout_s: the time limit, in seconds.

    Returns:
        The exit code (negative: the signal that killed it; None: the time limit was reached), and the seconds it ran. In every case, no
        process that it started is left running.

    Raises:
        OSError, ValueError: the program cannot be started.
    """
    mark = new_mark()
    start = time.monotonic()
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        env={**os.environ, **marked_environment(mark)},
    ) as process:
        try:
            code: int | None = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            duration_s = time.monotonic() - start
            _end_session(process.pid, mark)
    return code, duration_s


def new_mark() -> str:
    """A random mark: 32 hexadecimal digits."""
    return secrets.token_hex(16)


def marked_environment(mark: str) -> dict[str, str]:
    """The environment variable for a process to be found by ``mark``. It keeps the marks that this process carries itself."""
    return {MARKS: ":".join(filter(None, (os.environ.get(MARKS), mark)))}


def marked_processes(mark: str) -> list[psutil.Process]:
    """All living processes, other than this one, that were started with ``mark`` in their environment, whoever started them.

    A process that has removed the variable from the environment of its children loses these. Processes of other users are not seen.
    """
    marked = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended by now, or belongs to another user
            if process.pid != os.getpid() and mark in process.environ().get(MARKS, "").split(":"):
                marked.append(process)
    return marked


def end_processes(processes: Collection[psutil.Process], grace_s: float) -> None:
    """Ask processes to end (SIGTERM), and kill those that are still alive ``grace_s`` seconds later."""
    for process in processes:
        _send(process, signal.SIGTERM)
    for process in _alive_after(processes, grace_s):
        _send(process, signal.SIGKILL)


def kill_marked(mark: str) -> None:
    """Kill all other processes that carry ``mark``, without waiting for their end."""
    for process in marked_processes(mark):
        _send(process, signal.SIGKILL)


def _end_session(leader: int, mark: str) -> None:
    """End a program, its session and all processes that carry its mark: by request at first, by force three seconds later.

    What they start meanwhile is looked for again and killed.
    """
    grace_s = _GRACE_S
    for _ in range(_ROUNDS):
        processes = {*_session(leader), *marked_processes(mark)}
        if not processes:
            return
        end_processes(processes, grace_s)
        _alive_after(processes, _GRACE_S)
        grace_s = 0.0


def _session(leader: int) -> list[psutil.Process]:
    """The living processes of a session."""
    members = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == leader and _is_alive(process):
                members.append(process)
    return members


def _alive_after(processes: Collection[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """The processes that are still alive after ``timeout_s`` seconds; returns as soon as there are none."""
    until = time.monotonic() + timeout_s
    while (alive := [process for process in processes if _is_alive(process)]) and time.monotonic() < until:
        time.sleep(_POLL_S)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended counts as dead even where its parent never asks for its exit code."""
    try:
        return bool(process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.Error:
        return False


def _send(process: psutil.Process, signum: signal.Signals) -> None:
    with suppress(psutil.Error):  # it has ended by itself
        process.send_signal(signum)
