"""How a command ends before its work is done: Ctrl-C, SIGTERM, or a terminal that was closed.

The first signal raises :class:`Stopped` in the main thread, so that what is open is closed and workers are ended. A second signal, or an
end that takes longer than :data:`END_S`, ends the process at once. Either way one sentence says what became of the work, and the exit
code is 128 plus the number of the signal. A signal that was ignored when the command began (nohup, a job in the background) stays ignored.
"""

from __future__ import annotations

import atexit
import errno
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

#: How long closing may take. Workers are killed, and programs that they started get two seconds to end; the rest is quick.
END_S = 4.0
#: Signals that follow the first so closely are the same wish: a closed terminal sends two, and so does `timeout`.
SAME_S = 0.3
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGTERM") if hasattr(signal, name))
_SIGPIPE, _SIGHUP = 13, 1
_HELD_S = 1.0
_WRITE_S = 0.2


class Stopped(KeyboardInterrupt):
    """The command was asked to stop, by the signal ``signum``."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


class _End:
    """What is known of this process's end."""

    def __init__(self) -> None:
        self.before: dict[int, Any] = {}  # handlers found by listen(); empty where nobody listens
        self.signum: int | None = None  # the first signal
        self.since = 0.0
        self.held = 0
        self.patient = False
        self.command_ended = False
        self.code: int | None = None
        self.said = False
        self.sentence = "stopped; nothing was begun"
        self.at_once: list[Callable[[], None]] = []


_end = _End()


def when_stopped(sentence: str) -> None:
    """What is printed if the command is stopped from here on: that it was, what is left of the work, and how to go on."""
    _end.sentence = sentence


def at_once(callback: Callable[[], None]) -> None:
    """Have ``callback`` called, in any thread, when the process ends without closing anything: it must be quick and wait for nothing."""
    _end.at_once.append(callback)


@contextmanager
def held() -> Iterator[None]:
    """A short block that a signal does not break off: it is obeyed after the block."""
    _end.held += 1
    try:
        yield
    finally:
        _end.held -= 1
        if not _end.held and _end.signum is not None and not isinstance(sys.exc_info()[1], Stopped):
            raise Stopped(_end.signum)


@contextmanager
def patient() -> Iterator[None]:
    """A block whose own signal handlers end it when they can; only a second signal ends the process at once."""
    _end.patient = True
    try:
        yield
    finally:
        _end.patient = False


def listening() -> bool:
    """Whether this process has called :func:`listen`."""
    return bool(_end.before)


def listen() -> None:
    """Let signals end this process as this module says. For commands only: a library leaves signals to whoever uses it."""
    if _end.before or threading.current_thread() is not threading.main_thread():
        return
    for signum in SIGNALS:
        before = signal.getsignal(signum)
        if before in (signal.SIG_DFL, signal.default_int_handler):
            _end.before[signum] = signal.signal(signum, _on_signal)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="stopping", daemon=True).start()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    atexit.register(_leave_at_once)  # the first to be registered is the last to be called
    others = sys.unraisablehook
    sys.unraisablehook = lambda found: None if isinstance(found.exc_value, Stopped) else others(found)


def _leave_at_once() -> None:
    """The last step of a stopped command: past here the interpreter takes its time, and a second signal would change the exit code."""
    if _end.code is not None:
        _flush()
        os._exit(_end.code)


def _forget() -> None:
    """A process forked off this one has signals of its own."""
    signal.set_wakeup_fd(-1)
    atexit.unregister(_leave_at_once)
    for signum, handler in _end.before.items():
        if signal.getsignal(signum) is _on_signal:
            signal.signal(signum, handler)


def _on_signal(signum: int, _frame: object) -> None:
    """Runs in the main thread, between two of its steps."""
    if _end.signum is None:
        _end.signum, _end.since = signum, time.monotonic()
        if _end.command_ended:
            end_at_once(signum)
        if not _end.held:
            raise Stopped(signum)
    elif time.monotonic() - _end.since > SAME_S and not _end.held:
        end_at_once(_end.signum)


def _watch(reader: int) -> None:
    """Ends the process where the main thread does not, whatever that is busy with. Runs in a thread of its own."""
    first: int | None = None
    since = 0.0
    while True:
        patient = _end.patient
        if patient:
            since = time.monotonic()
        left = None if first is None else max(0.0, since + END_S - time.monotonic())
        ready, _, _ = select.select([reader], [], [], left)
        if not ready and first is not None:
            if not patient:
                end_at_once(first)
            since = time.monotonic()  # a patient block that has ended meanwhile is followed by as much time for closing
        for number in os.read(reader, 64) if ready else b"":
            if number not in SIGNALS:
                continue
            if first is None:
                first, since = number, time.monotonic()
                began = since
            elif time.monotonic() - began > SAME_S:
                end_at_once(first)


def end_at_once(signum: int) -> NoReturn:
    """End this process without closing anything, after the sentence and whatever :func:`at_once` was given."""
    until = time.monotonic() + _HELD_S
    while _end.held and threading.current_thread() is not threading.main_thread() and time.monotonic() < until:
        time.sleep(0.01)
    try:
        for callback in _end.at_once:
            callback()
        _say()
    finally:
        os._exit(128 + signum)


def _say() -> None:
    """The sentence, once, past all buffers and locks; nothing where nobody can read it, or reads no more."""
    if _end.said:
        return
    _end.said = True
    with suppress(OSError, ValueError):  # the terminal is gone, and nobody is left to tell
        error = sys.stderr.fileno() if sys.stderr is not None else 2
        terminal = os.isatty(error)
        shown = "\x1b[?25h\n" if terminal and os.environ.get("TERM", "dumb") != "dumb" else "\n" if terminal else ""
        if select.select([], [error], [], _WRITE_S)[1]:
            os.write(error, f"{shown}{_end.sentence}\n".encode())


@contextmanager
def obeying() -> Iterator[None]:
    """A command: when it is stopped, or nobody reads what it prints, it ends with the sentence and the exit code for that.

    Raises SystemExit then; everything else is as the command left it.
    """
    try:
        listen()
        yield
    except BaseException as error:
        _end.command_ended = _end.signum is None
        if _end.signum is None and not isinstance(error, KeyboardInterrupt):
            gone = _unread(error)
            if gone is None:
                raise
            _flush()
            sys.exit(128 + gone)
        _leave(_end.signum or (error.signum if isinstance(error, Stopped) else signal.SIGINT))
    _end.command_ended = _end.signum is None
    if _end.signum is not None:  # some library took the signal for an error of its own, and went on
        _leave(_end.signum)


def _leave(signum: int) -> NoReturn:
    _flush()
    _say()
    _end.code = 128 + signum
    sys.exit(_end.code)


def _flush() -> None:
    """Print what is still to be printed; a stream that takes it no more goes nowhere, or the interpreter would complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # a stream without a file
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unread(error: BaseException) -> int | None:
    """The signal that stands for output nobody reads: SIGPIPE for a closed pipe, SIGHUP for a closed terminal. None for other errors."""
    causes = (error, error.__context__) if isinstance(error, SystemExit) else (error,)  # click and rich end the process themselves
    if any(isinstance(cause, BrokenPipeError) for cause in causes):
        return _SIGPIPE
    if isinstance(error, OSError) and error.errno == errno.EIO and _terminal_gone():
        return _SIGHUP
    return None


def _terminal_gone() -> bool:
    import termios

    for stream in (sys.stdout, sys.stderr):
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error as error:
            if error.args[0] == errno.EIO:
                return True
    return False
