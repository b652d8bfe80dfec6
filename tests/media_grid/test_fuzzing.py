"""Damage is drawn from seeds, and the fuzzing sees each kind of failure it is there for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.media_grid.fuzz_sources import make_fuzz_sources
from tests.media_grid.fuzzing import FuzzReport, fuzz
from tests.media_grid.media_parts import parts
from tests.media_grid.mutations import mutate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")

Report = Callable[..., FuzzReport]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_fuzz_sources(tmp_path_factory.mktemp("fuzz") / "sources")


@pytest.fixture
def report_of(tmp_path: Path) -> Report:
    """Fuzz a reader of :mod:`tests.media_grid.faulty_readers` with two files."""

    def run(reader: str, **options: float) -> FuzzReport:
        (tmp_path / "sources").mkdir()
        (tmp_path / "sources" / "a.mp4").write_bytes(bytes(range(256)) * 4)
        return fuzz(tmp_path, 2, reader=f"tests.media_grid.faulty_readers:{reader}", **options)  # type: ignore[arg-type]

    return run


def test_a_reader_that_refuses_in_a_sentence_has_no_fault(report_of: Report) -> None:
    report = report_of("refuses")
    assert report.faults == []
    assert report.answers == {"refused": 2}


@pytest.mark.parametrize(
    ("reader", "faults"),
    [
        ("raises", ["mutation-0: Traceback", "ZeroDivisionError", "mutation-1: Traceback"]),
        ("rambles", ["mutation-0: more than a line", "characters", "does not name the file"]),
        ("hoards", ["mutation-0: took 1", "mutation-1: took 1"]),
    ],
)
def test_what_a_reader_does_wrong_is_reported_for_each_file(reader: str, faults: list[str], report_of: Report) -> None:
    text = "\n".join(report_of(reader).faults)
    assert [fault for fault in faults if fault not in text] == []


def test_a_file_that_never_ends_is_named_and_the_others_are_read(report_of: Report) -> None:
    report = report_of("hangs", longest_s=1.0)
    assert report.faults == ["mutation-1: does not end in 1 s"]
    assert report.answers == {"clip": 1}


def test_a_file_that_ends_the_process_is_named(report_of: Report, tmp_path: Path) -> None:
    report = report_of("crashes")
    assert report.faults == ["mutation-1: the process ended with -6"]
    assert (tmp_path / "mutation-1.mp4").exists()


def test_parts_are_known_of_each_container_but_bare_sound(sources: list[Path]) -> None:
    known = {path.suffix[1:]: parts(path.read_bytes(), path.suffix[1:]) for path in sources}
    assert {suffix for suffix, listed in known.items() if len(listed) < 3} == {"mp3", "flac"}
    timed = {suffix for suffix, listed in known.items() if any(part.times for part in listed)}
    assert timed == {"mp4", "mov", "mkv", "webm", "avi", "flv", "ts", "mpg", "ogg"}
    for path in sources:
        length = path.stat().st_size
        assert all(0 <= part.begin < part.payload <= part.end <= length for part in parts(path.read_bytes(), path.suffix[1:]))


def test_equal_seeds_do_equal_damage_and_different_ones_differ(sources: list[Path]) -> None:
    for path in sources:
        data, container = path.read_bytes(), path.suffix[1:]
        damaged = [mutate(data, container, seed) for seed in range(40)]
        assert damaged == [mutate(data, container, seed) for seed in range(40)]
        assert len(set(damaged)) > 35
        assert sum(other == data for other in damaged) < 4
