"""Where work is done: one interface, a local pool of processes behind it.

Workers import their models once and keep them. A worker that dies (killed, out of memory) costs its task one more try, not the run.
"""

from __future__ import annotations

import multiprocessing.connection
import multiprocessing.process
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from threading import Thread
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from weakref import WeakSet

import psutil

from seedbench.errors import SeedBenchError
from seedbench.processes import stopping
from seedbench.processes.programs import end_processes, kill_marked, marked_environment, marked_processes, new_mark
from seedbench.store.cache import DiskCache

Task = TypeVar("Task")
#: What a worker takes at its fullest: models, one decoded clip, features.
WORKER_BYTES = 2_500_000_000
#: How long programs may take to end when they are asked to, and killed processes to be gone.
GRACE_S = 2.0


@dataclass(frozen=True)
class Done(Generic[Task]):
    """A finished task: its result, or the error that kept it from one."""

    task: Task
    result: Any = None
    error: BaseException | None = None


class Executor(Protocol):
    """Runs functions of one task somewhere, ``workers`` at a time. A context manager: leaving the block ends its processes."""

    workers: int

    def submit(self, function: Callable[[Any], Any], task: Any) -> None:
        """Queue ``function(task)``."""

    def results(self) -> Iterator[Done[Any]]:
        """Each finished task, in the order in which they finish, until none is left; those submitted meanwhile are included."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


def require_main_guard() -> None:
    """Raise SeedBenchError in a worker that is importing the script that started it: the script would start workers again, for ever."""
    if getattr(multiprocessing.process.current_process(), "_inheriting", False):
        raise SeedBenchError(
            'worker processes import the script that starts them: put the calls of SeedBench in it under `if __name__ == "__main__":`'
        )


def sensible_workers(cpus: int | None = None, free_bytes: int | None = None) -> int:
    """How many workers this machine can run: one a core, as far as memory goes, at least one.

    >>> sensible_workers(8, 6_000_000_000)
    2
    >>> sensible_workers(2, 1_000_000)
    1
    """
    if cpus is None:
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if free_bytes is None:
        free_bytes = int(psutil.virtual_memory().available)
    return max(1, min(cpus, free_bytes // WORKER_BYTES))


def _end_with_parent(mark: str) -> None:
    """End this worker when the process that started it is gone, however it went: nobody would stop it then, or read its results."""
    parent = parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        kill_marked(mark)
        os._exit(1)


def _start_worker(cache_folder: str | None, mark: str) -> None:
    """Set a worker up. It ignores the terminal's signals: its parent handles them and ends it. They were blocked since it began."""
    for signum in _TERMINAL_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINAL_SIGNALS)
    Thread(target=_end_with_parent, args=(mark,), daemon=True).start()
    if cache_folder is not None:
        from pathlib import Path

        from seedbench.runs.numba_cache import take_cache_folder
        from seedbench.store.cache import use_cache

        with suppress(OSError):  # whoever must write into the folder reports that it cannot be written
            take_cache_folder(Path(os.environ.get("NUMBA_CACHE_DIR") or Path(cache_folder) / "compiled") / "workers")
        use_cache(DiskCache(Path(cache_folder)))


_TERMINAL_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]


#: One thread a worker: the pool is the parallelism, and sums come out the same whatever the number of cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """The environment that processes started meanwhile inherit; workers read it before they import numpy."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _starting_workers(mark: str) -> Iterator[None]:
    """A block that may start workers: it is not interrupted, and they ignore the terminal's signals from the start."""
    with stopping.defer_signals(), _environment(ONE_THREAD | marked_environment(mark)):
        if not hasattr(signal, "pthread_sigmask"):
            yield
            return
        _start_resource_tracker()  # which unblocks signals when it starts
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINAL_SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_resource_tracker() -> None:
    """Start multiprocessing's resource tracker, unless it runs, so that it keeps quiet of what it clears away after an end at once."""
    with _environment({"PYTHONWARNINGS": "ignore:resource_tracker"}):
        resource_tracker.ensure_running()


class LocalExecutor:
    """A pool of ``workers`` processes on this machine. Results come in the order in which they are ready."""

    def __init__(self, workers: int, cache: DiskCache | None = None, tries: int = 2) -> None:
        require_main_guard()
        self.workers = workers
        self.tries = tries
        self._cache_folder = str(cache.folder) if cache is not None else None
        self._pool = self._fresh_pool(workers)
        self._running: dict[Future[Any], tuple[Callable[[Any], Any], Any, int]] = {}

    def _fresh_pool(self, workers: int) -> _Pool:
        mark = new_mark()
        if hasattr(signal, "pthread_sigmask"):
            _start_resource_tracker()  # a pool's queues would start it otherwise
        pool = _Pool(workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(self._cache_folder, mark))
        pool.mark = mark
        _pools.add(pool)
        return pool

    def submit(self, function: Callable[[Any], Any], task: Any) -> None:
        """Queue ``function(task)``; both must be importable and picklable."""
        self._submit(function, task, 1)

    def _submit(self, function: Callable[[Any], Any], task: Any, attempt: int) -> None:
        try:
            with _starting_workers(self._pool.mark):
                future = self._pool.submit(function, task)
        except BrokenProcessPool as error:  # a worker died, and results() has not noticed yet; there it gets the try it was meant to have
            future, attempt = Future(), attempt - 1
            future.set_exception(error)
        self._running[future] = (function, task, attempt)

    def results(self) -> Iterator[Done[Any]]:
        """Each finished task, until none is left; tasks submitted meanwhile are included."""
        while self._running:
            ready, _ = wait(self._running, return_when=FIRST_COMPLETED)
            broken = [self._running[future] for future in ready if isinstance(future.exception(), BrokenProcessPool)]
            if broken:
                yield from self._restart_pool()
                continue
            for future in ready:
                _, task, _ = self._running.pop(future)
                error = future.exception()
                yield Done(task, error=error) if error is not None else Done(task, future.result())

    def _restart_pool(self) -> Iterator[Done[Any]]:
        """A worker died and took the pool with it: nobody knows whose task it was, so each is tried again, alone if it comes to it."""
        lost = list(self._running.items())
        self._running.clear()
        _kill(self._pool)
        self._pool = self._fresh_pool(self.workers)
        for future, (function, task, attempt) in lost:
            done = future.done() and not future.cancelled()
            error = future.exception() if done else None
            if done and error is None:
                yield Done(task, future.result())
            elif attempt >= self.tries:
                yield self._run_alone(function, task)
            else:
                self._submit(function, task, attempt + 1)

    def _run_alone(self, function: Callable[[Any], Any], task: Any) -> Done[Any]:
        pool = self._fresh_pool(1)
        try:
            with _starting_workers(pool.mark):
                future = pool.submit(function, task)
            return Done(task, future.result())
        except Exception as error:  # noqa: BLE001 - whatever the task raised is its result
            return Done(task, error=error)
        finally:
            _kill(pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers, and the programs they have started; tasks not begun are dropped."""
        _kill(self._pool)


class _Pool(ProcessPoolExecutor):
    """A pool whose workers, and what they start, carry a mark in their environment."""

    mark = ""


_pools: WeakSet[_Pool] = WeakSet()


def _kill(pool: _Pool) -> None:
    """End a pool's workers and all that they started, which hears no Ctrl-C in sessions of its own. Programs are asked first, killed then.

    Only multiprocessing may collect what its processes leave behind: it takes one that somebody else has collected for alive, for ever.
    """
    with stopping.defer_signals():
        workers = list((pool._processes or {}).values())
        thread: Any = pool._executor_manager_thread
        results: Any = pool._result_queue
        started = _descendants(worker.pid for worker in workers)
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.join(GRACE_S)
        if workers:
            end_processes({*started, *marked_processes(pool.mark)}, GRACE_S)
        if results is not None and thread is not None:
            results._writer.close()  # a worker killed within a result leaves half of it, for whose rest the thread would wait
            thread.join(GRACE_S)
        _pools.discard(pool)


def _descendants(pids: Iterable[int | None]) -> list[psutil.Process]:
    """What the processes ``pids`` have started, and what that has, as far as it is still theirs."""
    descendants: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            descendants += psutil.Process(pid).children(recursive=True)
    return descendants


def _kill_all_at_once() -> None:
    """For a process that ends without closing its pools."""
    for pool in list(_pools):
        kill_marked(pool.mark)


stopping.on_immediate_exit(_kill_all_at_once)
