"""Two thousand damaged files: each is read, or refused in a sentence that names it, in bounded time and memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.media_grid.fuzz_sources import make_fuzz_sources
from tests.media_grid.fuzzing import COPY_READER, fuzz

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small files of ten containers, to be damaged in bytes, parts, sizes, time stamps and ends; what fails stays in the folder."""
    make_fuzz_sources(tmp_path / "sources")
    return tmp_path


def test_no_damaged_file_breaks_the_reading_of_clips(folder: Path) -> None:
    count = 2000
    report = fuzz(folder, count)
    assert report.faults == []
    assert sum(report.answers.values()) == count
    assert report.answers["clip"] > count / 4  # most damage is small: what is read is decoded to its end
    assert report.answers["refused"] > count / 10


def test_no_damaged_file_breaks_the_copies_that_people_are_shown(folder: Path) -> None:
    """A hundred of them: `python -m tests.benchmarks.damaged_files` goes on."""
    report = fuzz(folder, 100, reader=COPY_READER)
    assert report.faults == []
    assert sum(report.answers.values()) == 100
