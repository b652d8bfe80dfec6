"""Each process has a folder of its own for compiled code, and reuses a free one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbench.runs import numba_cache

TAKE = "import sys; from pathlib import Path; from seedbench.runs.numba_cache import take_cache_folder\n"
TAKE += "print(take_cache_folder(Path(sys.argv[1])).name, flush=True)"


def started(folder: Path) -> subprocess.Popen[str]:
    held = TAKE + "; sys.stdin.read()"
    return subprocess.Popen([sys.executable, "-c", held, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_have_two_folders_and_the_next_reuses_a_free_one(tmp_path: Path) -> None:
    first, second = started(tmp_path), started(tmp_path)
    try:
        places = {name_of(first), name_of(second)}
        assert places == {"0", "1"}
    finally:
        for process in (first, second):
            process.communicate()
    third = started(tmp_path)
    try:
        assert name_of(third) == "0"
    finally:
        third.communicate()


COMPILES = """
import os, sys
from pathlib import Path
from seedbench.runs.numba_cache import take_cache_folder, record_compiled
place = take_cache_folder(Path(sys.argv[1]))
sys.path.insert(0, sys.argv[2])
import summing
print(summing.total(10), sum(summing.total.stats.cache_hits.values()))
if sys.argv[3:] == ["recorded"]:
    record_compiled()
sys.stdout.flush()
os._exit(0)  # as a worker that is ended
"""


def test_only_recorded_and_undamaged_code_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "summing.py").write_text(
        "import numba\n\n\n@numba.njit(cache=True)\ndef total(n):\n    t = 0\n    for i in range(n):\n        t += i\n    return t\n"
    )

    def compiles(*arguments: str) -> str:
        """The value of a compiled function in a process of its own, and how many of its forms numba found numba_cache."""
        command = [sys.executable, "-c", COMPILES, str(tmp_path / "places"), str(tmp_path / "source"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert [compiles(), compiles("recorded"), compiles("recorded")] == ["45 0", "45 0", "45 1"]
    [index] = (tmp_path / "places" / "0").glob("*/*.nbi")
    index.write_bytes(b"")
    assert compiles("recorded") == "45 0"


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def flipped(file: Path) -> None:
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_link(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.with_name("nowhere"))


def unrecorded(file: Path) -> None:
    (file.parents[1] / "contents.json").write_bytes(b"[]")


@pytest.mark.parametrize("damage", [emptied, flipped, a_folder, a_link, unrecorded], ids=lambda damage: damage.__name__)
def test_damaged_code_is_removed_and_the_rest_stays(
    damage: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba_cache, "_folder", tmp_path)
    monkeypatch.setattr(numba_cache, "_recorded", {})
    files = [tmp_path / "package" / name for name in ("a.nbi", "a.1.nbc")]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(file.name.encode())
    numba_cache.record_compiled()
    numba_cache.remove_unrecorded(tmp_path)
    assert all(file.is_file() for file in files)
    damage(files[1])
    numba_cache.remove_unrecorded(tmp_path)
    assert [os.path.lexists(file) for file in files] == [damage is not unrecorded, False]
