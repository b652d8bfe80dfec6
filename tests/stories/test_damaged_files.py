"""Two thousand damaged files: each is read, or refused in a sentence that names it, in bounded time and memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.media_grid.fuzz_sources import make_fuzz_sources
from tests.media_grid.fuzzing import fuzz

COUNT = 2000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_no_damaged_file_breaks_the_reading_of_clips(tmp_path: Path) -> None:
    """Bytes, parts, sizes, time stamps and ends of small files of ten containers; a file that fails stays in the folder of the test."""
    make_fuzz_sources(tmp_path / "made")
    (tmp_path / "sources").mkdir()
    for source in sorted((tmp_path / "made").iterdir()):
        if source.is_file():
            source.rename(tmp_path / "sources" / source.name)
    report = fuzz(tmp_path, COUNT)
    assert report.faults == []
    assert sum(report.answers.values()) == COUNT
    assert report.answers["clip"] > COUNT / 4  # most damage is small: what is read is decoded to its end
    assert report.answers["refused"] > COUNT / 10
