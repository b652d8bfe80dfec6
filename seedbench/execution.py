"""Where work is done: one interface, a local pool of processes behind it.

Workers import their models once and keep them. A worker that dies (killed, out of memory) costs its task one more try, not the run.
"""

from __future__ import annotations

import multiprocessing.connection
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar

from seedbench.artifacts import DiskCache

Task = TypeVar("Task")
#: What a worker takes at its fullest: models, one decoded clip, features.
WORKER_BYTES = 2_500_000_000


@dataclass(frozen=True)
class Done(Generic[Task]):
    """A finished task: its result, or the error that kept it from one."""

    task: Task
    result: Any = None
    error: BaseException | None = None


class Executor(Protocol):
    """Runs functions of one task somewhere, ``workers`` at a time, and hands the results back as they come."""

    workers: int

    def submit(self, function: Callable[[Any], Any], task: Any) -> None: ...

    def results(self) -> Iterator[Done[Any]]: ...

    def close(self) -> None: ...


def sensible_workers(cpus: int | None = None, free_bytes: int | None = None) -> int:
    """How many workers this machine bears: one a core, as far as memory goes, at least one.

    >>> sensible_workers(8, 6_000_000_000)
    2
    >>> sensible_workers(2, 1_000_000)
    1
    """
    if cpus is None:
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if free_bytes is None:
        import psutil

        free_bytes = int(psutil.virtual_memory().available)
    return max(1, min(cpus, free_bytes // WORKER_BYTES))


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, however it went: nobody would stop it then, or read its results."""
    parent = parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _start_worker(cache_folder: str | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    if cache_folder is not None:
        from pathlib import Path

        from seedbench.analysis import use_cache
        from seedbench.compiled import own_place

        with suppress(OSError):  # a folder that cannot be written is complained of, in a sentence, by whoever must write there
            own_place(Path(os.environ.get("NUMBA_CACHE_DIR") or Path(cache_folder) / "compiled") / "workers")
        use_cache(DiskCache(Path(cache_folder)))


#: One thread a worker: the pool is the parallelism, and sums come out the same whatever the number of cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@contextmanager
def _one_thread() -> Iterator[None]:
    """The environment that workers spawned meanwhile inherit; they read it before they import numpy."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class LocalExecutor:
    """A pool of ``workers`` processes on this machine. Results come in the order in which they are ready."""

    def __init__(self, workers: int, cache: DiskCache | None = None, tries: int = 2) -> None:
        self.workers = workers
        self.tries = tries
        self._cache_folder = str(cache.folder) if cache is not None else None
        self._pool = self._fresh_pool()
        self._running: dict[Future[Any], tuple[Callable[[Any], Any], Any, int]] = {}

    def _fresh_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self.workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(self._cache_folder,))

    def submit(self, function: Callable[[Any], Any], task: Any) -> None:
        """Queue ``function(task)``; both must be importable and picklable."""
        self._submit(function, task, 1)

    def _submit(self, function: Callable[[Any], Any], task: Any, attempt: int) -> None:
        try:
            with _one_thread():
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
                yield from self._mend()
                continue
            for future in ready:
                _, task, _ = self._running.pop(future)
                error = future.exception()
                yield Done(task, error=error) if error is not None else Done(task, future.result())

    def _mend(self) -> Iterator[Done[Any]]:
        """A worker died and took the pool with it: nobody knows whose task it was, so each is tried again, alone if it comes to it."""
        lost = list(self._running.items())
        self._running.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._fresh_pool()
        for future, (function, task, attempt) in lost:
            error = future.exception() if future.done() else None
            if future.done() and error is None:
                yield Done(task, future.result())
            elif attempt >= self.tries:
                yield self._alone(function, task)
            else:
                self._submit(function, task, attempt + 1)

    def _alone(self, function: Callable[[Any], Any], task: Any) -> Done[Any]:
        with (
            _one_thread(),
            ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(self._cache_folder,)) as pool,
        ):
            try:
                return Done(task, pool.submit(function, task).result())
            except Exception as error:  # noqa: BLE001 - whatever the task raised is its result
                return Done(task, error=error)
            except BaseException:  # Ctrl-C: leaving the block would wait for the task
                _kill(pool)
                raise

    def close(self) -> None:
        """Stop the workers, and the programs they have started; tasks not begun are dropped."""
        _kill(self._pool)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool's processes and all that they started: asked first, made to then. Programs in sessions of their own hear no Ctrl-C."""
    import psutil

    processes: list[psutil.Process] = []
    for worker in (pool._processes or {}).values():
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(worker.pid)
            processes += [found, *found.children(recursive=True)]
    pool.shutdown(wait=False, cancel_futures=True)
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.terminate()
    for one in psutil.wait_procs(processes, timeout=5)[1]:
        with suppress(psutil.NoSuchProcess):
            one.kill()
