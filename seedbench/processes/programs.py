"""Running a program to its end, and ending with it whatever it has started: its group, its session, and what has left both."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

#: What every process that a program starts inherits in its environment, and is found by when it has left the program's session.
MARK = "SEEDBENCH_PROGRAM"
_GRACE_S = 3.0
_ROUNDS = 5


def run_program(argv: Sequence[str], stderr: IO[bytes], timeout_s: float) -> tuple[int | None, float]:
    """Run a program without input or output; its error output goes to the file ``stderr``.

    Args:
        argv: the program and its arguments; no shell is involved.
        stderr: an open file (not a pipe, which a child that stays behind could hold open).
        timeout_s: when to end it, in seconds.

    Returns:
        The exit code (negative: the signal that killed it), None when the time was up, and the seconds it ran. However it ended, no process
        that it started is left running.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    mark = secrets.token_hex(16)
    start = time.monotonic()
    with subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        start_new_session=True,
        env={**os.environ, MARK: mark},
    ) as process:
        try:
            code: int | None = process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            lasted_s = time.monotonic() - start
            end_all(process, mark)
    return code, lasted_s


def end_all(process: subprocess.Popen[bytes], mark: str) -> None:
    """Ask a program, its session and all that carry its mark to stop; three seconds later make them.

    What they start meanwhile is looked for again and ended at once. A process that has left the session and dropped its environment is
    nobody's any more and is not found.
    """
    how = signal.SIGTERM
    for _ in range(_ROUNDS):
        others = _started_by(process.pid, mark)
        if process.poll() is None:
            process.send_signal(how)
        elif not others:
            return
        for one in others:
            _signal(one, how)
        if not _all_gone(process, others, _GRACE_S):
            process.kill()  # does nothing where it has ended
            for one in others:
                _signal(one, signal.SIGKILL)
            _all_gone(process, others, _GRACE_S)
        how = signal.SIGKILL


def _signal(one: psutil.Process, how: signal.Signals) -> None:
    import psutil

    with suppress(psutil.Error):  # it has ended by itself
        one.send_signal(how)


def _all_gone(process: subprocess.Popen[bytes], others: Sequence[psutil.Process], timeout_s: float) -> bool:
    """Whether all have ended within a time. Only the program itself is ours to collect; of the others a dead one may never be collected."""
    until = time.monotonic() + timeout_s
    while process.poll() is None or any(_is_alive(one) for one in others):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _is_alive(one: psutil.Process) -> bool:
    import psutil

    try:
        return bool(one.is_running() and one.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.Error:
        return False


def _started_by(leader: int, mark: str) -> list[psutil.Process]:
    """The living processes of a session, and those whose environment carries a mark, without the leader.

    Processes of other users cannot be looked into and are not ours.
    """
    import psutil

    found = []
    for pid in psutil.pids():
        try:
            one = psutil.Process(pid)
            if pid != leader and (os.getsid(pid) == leader or one.environ().get(MARK) == mark) and _is_alive(one):
                found.append(one)
        except (psutil.Error, OSError):
            continue
    return found
