"""What happens when a command is stopped before its work is done: by Ctrl-C, by SIGTERM, or by closing its terminal.

The first signal raises :class:`Stopped` in the main thread, so that open files are closed and workers are ended. A second signal ends the
process immediately, and so does closing that takes longer than :data:`CLOSING_S`. In each case one message says what became of the work,
and the exit code is 128 plus the number of the signal. A signal that was ignored when the command began (nohup, a background job) stays
ignored.
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

#: How long closing may take, in seconds: workers are killed, and the programs that they started get two seconds to end.
CLOSING_S = 4.0
#: Signals that follow the first within this time, in seconds, count as the same one: a closed terminal sends two, and so does `timeout`.
_SAME_SIGNAL_S = 0.3
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGHUP", "SIGTERM") if hasattr(signal, name))
_SIGPIPE, _SIGHUP = 13, 1
#: How long an immediate exit waits for a block of :func:`defer_signals`, and for a terminal that takes the message, in seconds.
_DEFERRED_S = 1.0
_WRITE_S = 0.2


class Stopped(KeyboardInterrupt):
    """The command was asked to stop, by the signal ``signum``."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.signum = signum


class _State:
    """What is known of this process's end."""

    def __init__(self) -> None:
        self.previous_handlers: dict[int, Any] = {}  # those that handle_signals() replaced; empty before it is called
        self.signum: int | None = None  # the first signal
        self.signal_time = 0.0
        self.deferring = 0  # how many blocks of defer_signals() are open
        self.no_time_limit = False
        self.command_ended = False
        self.exit_code: int | None = None
        self.message = "stopped; nothing was begun"
        self.message_printed = False
        self.callbacks: list[Callable[[], None]] = []


_state = _State()


def set_stop_message(message: str) -> None:
    """Set the message that is printed if the command is stopped from now on: what is left of its work, and how to go on."""
    _state.message = message


def on_immediate_exit(callback: Callable[[], None]) -> None:
    """Register a function to be called when the process exits without closing anything.

    Args:
        callback: called in any thread. It must be quick, and wait for nothing.
    """
    _state.callbacks.append(callback)


@contextmanager
def defer_signals() -> Iterator[None]:
    """A short block that no signal interrupts: :class:`Stopped` is raised after the block instead."""
    _state.deferring += 1
    try:
        yield
    finally:
        _state.deferring -= 1
        if not _state.deferring and _state.signum is not None and not isinstance(sys.exc_info()[1], Stopped):
            raise Stopped(_state.signum)


@contextmanager
def no_time_limit() -> Iterator[None]:
    """A block that has signal handlers of its own and may take any time to end; a second signal still ends the process immediately."""
    _state.no_time_limit = True
    try:
        yield
    finally:
        _state.no_time_limit = False


def signals_are_handled() -> bool:
    """Whether this process has called :func:`handle_signals`."""
    return bool(_state.previous_handlers)


def handle_signals() -> None:
    """Install the signal handlers of this module. For commands only: a library leaves signals to the program that uses it."""
    if _state.previous_handlers or threading.current_thread() is not threading.main_thread():
        return
    for signum in SIGNALS:
        handler = signal.getsignal(signum)
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            _state.previous_handlers[signum] = signal.signal(signum, _on_signal)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader,), name="stopping", daemon=True).start()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_restore_in_fork)
    atexit.register(_exit_stopped)  # the first to be registered is the last to be called
    previous_hook = sys.unraisablehook
    sys.unraisablehook = lambda error: None if isinstance(error.exc_value, Stopped) else previous_hook(error)


def _exit_stopped() -> None:
    """The last step of a stopped command, which ends here: the interpreter may be slow, and a second signal would change the exit code."""
    if _state.exit_code is not None:
        _flush()
        os._exit(_state.exit_code)


def _restore_in_fork() -> None:
    """Give a process that is forked from this one the handlers back that were there before."""
    signal.set_wakeup_fd(-1)
    atexit.unregister(_exit_stopped)
    for signum, handler in _state.previous_handlers.items():
        if signal.getsignal(signum) is _on_signal:
            signal.signal(signum, handler)


def _on_signal(signum: int, _frame: object) -> None:
    """The signal handler. Python runs it in the main thread, between two of its instructions."""
    if _state.signum is None:
        _state.signum, _state.signal_time = signum, time.monotonic()
        if _state.command_ended:
            exit_immediately(signum)
        if not _state.deferring:
            raise Stopped(signum)
    elif time.monotonic() - _state.signal_time > _SAME_SIGNAL_S and not _state.deferring:
        exit_immediately(_state.signum)


def _watch(reader: int) -> None:
    """End the process when the main thread does not, whatever keeps it busy. Runs in a thread of its own.

    Args:
        reader: the end of a pipe into which the interpreter writes the number of each signal as it arrives.
    """
    first: int | None = None
    first_time = closing_since = 0.0
    while True:
        no_time_limit = _state.no_time_limit
        if no_time_limit:
            closing_since = time.monotonic()
        left_s = None if first is None else max(0.0, closing_since + CLOSING_S - time.monotonic())
        ready, _, _ = select.select([reader], [], [], left_s)
        if not ready and first is not None:
            if not no_time_limit:
                exit_immediately(first)
            closing_since = time.monotonic()  # if the block has ended meanwhile, closing may take the usual time from now on
        for number in os.read(reader, 64) if ready else b"":
            if number not in SIGNALS:
                continue
            if first is None:
                first, first_time = number, time.monotonic()
                closing_since = first_time
            elif time.monotonic() - first_time > _SAME_SIGNAL_S:
                exit_immediately(first)


def exit_immediately(signum: int) -> NoReturn:
    """End this process without closing anything: call what :func:`on_immediate_exit` was given, print the message, exit."""
    until = time.monotonic() + _DEFERRED_S
    while _state.deferring and threading.current_thread() is not threading.main_thread() and time.monotonic() < until:
        time.sleep(0.01)
    try:
        for callback in _state.callbacks:
            callback()
        _print_message()
    finally:
        os._exit(128 + signum)


def _print_message() -> None:
    """Print the message once, without buffers or locks; skip it when the terminal is closed or does not take it."""
    if _state.message_printed:
        return
    _state.message_printed = True
    with suppress(OSError, ValueError):  # the terminal is closed
        error = sys.stderr.fileno() if sys.stderr is not None else 2
        terminal = os.isatty(error)
        before = "\x1b[?25h\n" if terminal and os.environ.get("TERM", "dumb") != "dumb" else "\n" if terminal else ""
        if select.select([], [error], [], _WRITE_S)[1]:
            os.write(error, f"{before}{_state.message}\n".encode())


@contextmanager
def exit_when_stopped() -> Iterator[None]:
    """A block that is a whole command: when it is stopped, or nobody reads what it prints, it ends with the message and the exit code.

    Raises:
        SystemExit: the command was stopped (128 plus the signal's number), or its output is no longer read (141, or 129 for a closed
            terminal). All other exceptions pass through.
    """
    try:
        handle_signals()
        yield
    except BaseException as error:
        _state.command_ended = _state.signum is None
        if _state.signum is None and not isinstance(error, KeyboardInterrupt):
            signum = _signal_for_unread_output(error)
            if signum is None:
                raise
            _flush()
            sys.exit(128 + signum)
        _exit(_state.signum or (error.signum if isinstance(error, Stopped) else signal.SIGINT))
    _state.command_ended = _state.signum is None
    if _state.signum is not None:  # a library caught the exception as an error of its own, and went on
        _exit(_state.signum)


def _exit(signum: int) -> NoReturn:
    _flush()
    _print_message()
    _state.exit_code = 128 + signum
    sys.exit(_state.exit_code)


def _flush() -> None:
    """Write what is still buffered. A stream that no longer takes it goes to the null device, or the interpreter would complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # a stream without a file
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _signal_for_unread_output(error: BaseException) -> int | None:
    """The signal that stands for output nobody reads: SIGPIPE for a closed pipe, SIGHUP for a closed terminal. None for other errors."""
    causes = (error, error.__context__) if isinstance(error, SystemExit) else (error,)  # click and rich end the process themselves
    if any(isinstance(cause, BrokenPipeError) for cause in causes):
        return _SIGPIPE
    if isinstance(error, OSError) and error.errno == errno.EIO and _terminal_is_closed():
        return _SIGHUP
    return None


def _terminal_is_closed() -> bool:
    import termios

    for stream in (sys.stdout, sys.stderr):
        try:
            termios.tcgetattr(stream.fileno())
        except termios.error as error:
            if error.args[0] == errno.EIO:
                return True
    return False
