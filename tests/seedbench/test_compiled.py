"""Each process has a place of its own for compiled code, and a free one is taken over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TAKE = (
    "import sys; from pathlib import Path; from seedbench.compiled import own_place; print(own_place(Path(sys.argv[1])).name, flush=True)"
)


def started(folder: Path) -> subprocess.Popen[str]:
    held = TAKE + "; sys.stdin.read()"
    return subprocess.Popen([sys.executable, "-c", held, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_at_a_time_have_two_places_and_the_next_takes_over_a_free_one(tmp_path: Path) -> None:
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
