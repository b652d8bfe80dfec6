"""Temporary folders: those of living processes stay, those of dead processes are removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from seedbench.errors import StorageError
from seedbench.files.scratch import process_folder, remove_process_folder
from seedbench.plugins.generator import Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.runs.generate_task import GenerateTask, _scratch_folder
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Prompt

STAY = "import sys; from pathlib import Path; from seedbench.files.scratch import process_folder\n"
STAY += "print(process_folder(Path(sys.argv[1])), flush=True); sys.stdin.read()"


@contextmanager
def another_process(root: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a folder in ``root``, which stays until its standard input is closed; and that folder."""
    command = [sys.executable, "-c", STAY, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def test_a_process_removes_its_own_folder_and_no_other(tmp_path: Path) -> None:
    mine = process_folder(tmp_path)
    with another_process(tmp_path) as (_, theirs):
        assert mine.is_dir()
        assert theirs.is_dir()
        remove_process_folder(tmp_path)
        again = process_folder(tmp_path)
        assert theirs.is_dir()
        assert not mine.exists()
    assert not theirs.exists()
    remove_process_folder(tmp_path)
    assert not again.exists()


def test_a_wait_for_another_process_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lock = FileLock(tmp_path / "lock", thread_local=False)
    with ThreadPoolExecutor(1) as pool:
        with lock:
            waiting = pool.submit(process_folder, tmp_path)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=3)
        assert waiting.result().is_dir()
    assert [record.getMessage() for record in caplog.records] == [
        f"waiting for another process, which removes temporary files in {tmp_path}"
    ]
    remove_process_folder(tmp_path)


def test_folders_of_killed_processes_are_removed_when_no_living_process_uses_them(tmp_path: Path) -> None:
    scratch, cache = tmp_path / "scratch", tmp_path / "cache"
    unfinished = cache / "ab" / "abc.123.part"
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"half")
    with another_process(scratch) as (living, there), another_process(scratch) as (killed, left):
        (left / "cell-1-aa").mkdir()
        (scratch / "cell-7").mkdir()  # as earlier versions named them: its process is not known
        killed.kill()
        killed.wait()
        process_folder(scratch, [cache])
        assert [there.exists(), left.exists(), (scratch / "cell-7").exists(), unfinished.exists()] == [True, False, True, True]
        remove_process_folder(scratch)
        living.kill()
        living.wait()
        mine = process_folder(scratch, [cache])
        assert sorted(scratch.iterdir()) == sorted([mine, scratch / "lock"])
        assert not unfinished.exists()
    remove_process_folder(scratch)


def test_two_simultaneous_attempts_at_a_cell_have_folders_of_their_own(workspace: Workspace) -> None:
    request = Request(prompt=Prompt(id="p", text="grey", task="sound", duration_s=0.4), seed=0)
    toy = GeneratorSpec(label="toy", name="toy")
    task = GenerateTask(cell_id=1, generator=toy, request=request, scratch=workspace.scratch, artifacts=workspace.artifacts)
    with _scratch_folder(task) as first:
        (first / "clip.mp4").write_bytes(b"x")
        with _scratch_folder(task) as second:
            assert not list(second.iterdir())
        assert (first / "clip.mp4").exists()
    assert not list(workspace.scratch.glob("cell-*"))


def test_an_unwritable_workspace_is_an_error_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SEEDBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(StorageError, match=r"cannot be written .*; set SEEDBENCH_HOME"):
        Workspace.current()
