"""Locks: one process at a time, an error or a wait for the others, and no lock remains held by a killed process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seedbench.files.locks import FileLocks, HeldError, Holder, run_lock

WHAT = run_lock("mine")
HOLD = "import sys; from pathlib import Path; from seedbench.files.locks import FileLocks\n"
HOLD += "with FileLocks(Path(sys.argv[1])).hold(sys.argv[2]): print('held', flush=True); sys.stdin.read()"


@contextmanager
def held_elsewhere(locks: FileLocks) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(locks.folder), WHAT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_lock_that_another_process_holds_is_refused_with_the_name_of_that_process(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    with held_elsewhere(locks) as process:
        with (
            pytest.raises(HeldError, match=rf"run 'mine' is in use \(process {process.pid}, since 20.* UTC\); wait") as raised,
            locks.hold(WHAT),
        ):
            pass
        assert raised.value.holder == locks.holder(WHAT)
    with locks.hold(run_lock("theirs")):
        assert locks.holder(run_lock("theirs")).pid == os.getpid()  # type: ignore[union-attr]


def test_waiting_names_the_holder_and_ends_when_that_process_is_killed(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    holders: list[Holder] = []
    with held_elsewhere(locks) as process:

        def hear(holder: Holder) -> None:
            holders.append(holder)
            process.kill()

        with locks.hold(WHAT, wait=hear):
            assert locks.holder(WHAT).pid == os.getpid()  # type: ignore[union-attr]
    assert [holder.pid for holder in holders] == [process.pid]
    assert locks.holder(WHAT) is None


def test_a_record_left_by_a_killed_process_names_no_holder(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    with held_elsewhere(locks) as process:
        process.kill()
        process.wait()
        (record,) = locks.folder.glob("*.json")
        left_behind = record.read_text()
    with locks.hold(WHAT):
        record.write_text(left_behind)  # as it is for the instant before its successor has written
        assert str(locks.holder(WHAT)) == "another process"


def test_an_interrupted_wait_leaves_the_lock_unchanged(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")

    def leave(_holder: Holder) -> None:
        raise KeyboardInterrupt

    with held_elsewhere(locks) as process:
        with pytest.raises(KeyboardInterrupt), locks.hold(WHAT, wait=leave):
            pass
        assert locks.holder(WHAT).pid == process.pid  # type: ignore[union-attr]
