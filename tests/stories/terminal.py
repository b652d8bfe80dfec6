"""Commands in pseudo-terminals: keys, signals and a closed window reach them as from a real terminal."""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
SEEDBENCH = (sys.executable, "-c", "from seedbench.cli import main; main()")
#: Whatever has not happened by then never will.
HANGS_S = 120.0
MARK = "SEEDBENCH_TEST_MARK"
KINDS = ("Ctrl-C", "SIGTERM", "closed", "twice")
CODES = {"Ctrl-C": 130, "SIGTERM": 143, "closed": 129, "twice": 130}


class Terminal:
    """A command in a pseudo-terminal whose foreground it is. ``shown`` is all that it printed so far."""

    def __init__(self, command: Sequence[str], home: Path, *, cwd: Path | None = None, **environment: str) -> None:
        self.mark = uuid.uuid4().hex
        self.shown = b""
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
        given = {**os.environ, "SEEDBENCH_HOME": str(home), "TERM": "xterm", "PYTHONPATH": path_with_toy(), MARK: self.mark, **environment}
        for name in ("SEEDBENCH_DATABASE_URL", "SEEDBENCH_ARTIFACTS", "COLUMNS", "LINES"):
            given.pop(name, None)
        self.process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=given,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_as_from_a_shell,
        )
        os.close(slave)

    @property
    def text(self) -> str:
        """What was printed, as text."""
        return self.shown.decode(errors="replace")

    def read(self, seconds: float = 0.02) -> None:
        """Read the output of the next ``seconds``."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self.master >= 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.shown += os.read(self.master, 65536)
                except OSError:  # nobody has the other side open any more
                    time.sleep(min(left, 0.01))
                    return
        if self.master < 0:
            time.sleep(max(0.0, left))

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until ``holds()`` is true. AssertionError after ``HANGS_S``."""
        end = time.monotonic() + HANGS_S
        while not holds():
            assert time.monotonic() < end, f"never happened; shown so far: {self.text[-3000:]}"
            self.read()

    def until_listening(self) -> None:
        """Read until the command handles SIGTERM, or has ended: before, the interpreter is still starting."""
        self.until(lambda: self.process.poll() is not None or catches(self.process.pid, signal.SIGTERM))

    def type(self, keys: bytes) -> None:
        """Press keys; Ctrl-C is ``b"\\x03"`` and reaches all processes in the foreground."""
        os.write(self.master, keys)

    def close(self) -> None:
        """Close the terminal's window."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def end(self) -> int:
        """Wait for the command's end; its exit code. AssertionError if it hangs."""
        self.until(lambda: self.process.poll() is not None)
        self.read(0.05)
        return int(self.process.returncode)

    def left(self) -> list[psutil.Process]:
        """Processes that the command, or anything it started, has left behind."""
        return [process for process in psutil.process_iter() if is_marked(process, self.mark)]

    def kill(self) -> None:
        """End the command and all processes that it started, also after a failed test."""
        for process in [*self.left(), psutil.Process(self.process.pid)] if self.process.poll() is None else self.left():
            if process.is_running():
                process.kill()
        self.process.wait(HANGS_S)
        self.close()


def _as_from_a_shell() -> None:
    """Do what a shell does for a command in the foreground: give it the terminal and reset ignored signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for signum in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(signum, signal.SIG_DFL)


def path_with_toy() -> str:
    """PYTHONPATH with this checkout and the toy plug-in."""
    return os.pathsep.join([str(ROOT), str(ROOT / "tests" / "toy")])


def is_marked(process: psutil.Process, mark: str) -> bool:
    """Whether a process is alive and was started with the mark in its environment."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False


def catches(pid: int, signum: int) -> bool:
    """Whether a process has a handler of its own for a signal."""
    return signum_in(pid, "SigCgt", signum)


def signum_in(pid: int, field: str, signum: int) -> bool:
    """Whether a signal is in one of the sets of ``/proc/PID/status``: SigBlk, SigIgn, SigCgt."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    bits = next(int(line.split()[1], 16) for line in lines if line.startswith(f"{field}:"))
    return bool(bits >> (signum - 1) & 1)


@dataclass(frozen=True)
class Ending:
    """How a command ended that was sent a signal. ``sent`` is False where it had ended of itself before; ``done`` is True where it had
    printed its last line, or where that is not known since its terminal is closed."""

    kind: str
    moment: str
    after_s: float
    sent: bool
    code: int
    done: bool
    seconds: float
    text: str
    left: tuple[str, ...]

    def faults(self, sentences: Sequence[str]) -> list[str]:
        """The faults, in words; empty if the command ended as expected."""
        wrong = [f"left behind: {', '.join(self.left)}"] if self.left else []
        if "Traceback" in self.text or "Exception ignored" in self.text or "Warning" in self.text:
            wrong.append("a traceback or a warning")
        if self.sent and not (self.code == CODES[self.kind] or self.ended_before):
            wrong.append(f"exit code {self.code}")
        if not self.sent and self.code != 0:
            wrong.append(f"exit code {self.code} of itself")
        if self.sent and self.kind != "closed" and not self.ended_before and not any(sentence in self.text for sentence in sentences):
            wrong.append("no sentence")
        return [f"{self.when}: {fault}\n{self.text[-2000:]}" for fault in wrong]

    @property
    def when(self) -> str:
        """The kind and the time of the signal, in words."""
        return f"{self.kind} {self.after_s:.2f} s after " + (f"{self.moment!r} was shown" if self.moment else "it listened")

    @property
    def stopped(self) -> bool:
        """Whether the signal ended the command."""
        return self.sent and not self.ended_before

    @property
    def ended_before(self) -> bool:
        """Whether the work was done when the signal came: the interpreter was ending and no longer handled signals."""
        return self.done and self.code in (0, -signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP)


def interrupted(terminal: Terminal, kind: str, moment: str, after_s: float, chance: random.Random, last_line: str) -> Ending:
    """Send a command a signal so many seconds after it has shown ``moment``, and wait for its end. It prints ``last_line`` last."""
    try:
        terminal.until_listening()
        terminal.until(lambda: moment in terminal.text or terminal.process.poll() is not None)
        until = time.monotonic() + after_s
        while time.monotonic() < until and terminal.process.poll() is None:
            terminal.read(min(0.02, max(0.001, until - time.monotonic())))
        sent = terminal.process.poll() is None
        began = time.monotonic()
        if sent and kind == "SIGTERM":
            terminal.process.terminate()
        elif sent and kind == "closed":
            terminal.close()
        elif sent:
            terminal.type(b"\x03")
        if sent and kind == "twice":
            again = time.monotonic() + chance.uniform(0, 1.0)
            while time.monotonic() < again and terminal.process.poll() is None:
                terminal.read(0.01)
            if terminal.process.poll() is None:
                terminal.type(b"\x03")
        terminal.read(0.2)  # what was printed before the signal came
        done = last_line in terminal.text or kind == "closed"
        code = terminal.end()
        seconds = time.monotonic() - began
        gone = time.monotonic() + HANGS_S
        while (left := terminal.left()) and time.monotonic() < gone:
            terminal.read()
        return Ending(
            kind, moment, after_s, sent, code, done, seconds, terminal.text, tuple(" ".join(process.cmdline()) for process in left)
        )
    finally:
        terminal.kill()
