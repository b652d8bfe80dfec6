"""The pool of workers when one of them dies."""

from __future__ import annotations

import os
import time
from concurrent.futures.process import BrokenProcessPool

from seedbench.execution import LocalExecutor


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
