"""Tables of known offsets beside talking clips."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbench.metrics.lipsync import corpus
from seedbench.metrics.lipsync.commands import app
from seedbench.metrics.lipsync.known_offsets import CorpusError, known_offsets


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    (tmp_path / "ben").mkdir()
    paths = [tmp_path / "ana.mp4", tmp_path / "ben" / "take 2.mp4"]
    for path in paths:
        path.touch()
    return paths


def offsets(folder: Path, clips: list[Path], text: str, name: str = "offsets.csv", encoding: str = "utf-8") -> dict[Path, float]:
    (folder / name).write_bytes(text.encode(encoding))
    return known_offsets(folder, clips)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("file,offset_frames\nana.mp4,0.5\nben/take 2.mp4,-3\n", "offsets.csv"),
        ("file;offset_frames\r\nana.mp4;0,5\r\nben\\take 2.mp4;-3\r\n;;\r\n", "offsets.csv"),
        ('offset_frames,file,note\n"0,5",./ana.mp4,x\n-3.0, ben/take 2.mp4 ,\n', "Offsets.CSV"),
        ("file\toffset_frames\r\nana.mp4\t0,5\r\nben\\take 2.mp4\t-3\r\n", "offsets.txt"),
        ("file\toffset_frames\nana.mp4\t0,5\nben/take 2.mp4\t-3\n", "offsets.tsv"),
        ('{"file": "ana.mp4", "offset_frames": 0.5}\n{"file": "ben/take 2.mp4", "offset_frames": "-3"}\n', "offsets.jsonl"),
    ],
)
def test_offsets_are_read_in_every_dialect(tmp_path: Path, clips: list[Path], text: str, name: str, encoding: str) -> None:
    assert offsets(tmp_path, clips, text, name, encoding) == {clips[0]: 0.5, clips[1]: -3.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,offset\nana.mp4,0\n", "offsets.csv:1: no column 'file'; the columns are name, offset; needed are file, offset_frames"),
        ("file,offset_frames\nana.mp4,\n", "offsets.csv:2: offset_frames is missing"),
        ("file,offset_frames\nana.mp4,one\n", "offsets.csv:2: offset_frames: 'one' is not a number"),
        ("file,offset_frames\nana,0\n", "offsets.csv:2: file: 'ana' is not there (did you mean 'ana.mp4'?): name the file as it stands in"),
        ("file,offset_frames\nana.mp4,0\noffsets.csv,1\n", "offsets.csv:3: file: 'offsets.csv' is no media file: name the file"),
        ("file,offset_frames\nana.mp4,0\n./ana.mp4,1\n", "offsets.csv:3: file: './ana.mp4' has an offset on line 2 already: keep one"),
        ("file,offset_frames\nC:\\ana.mp4,0\n", "offsets.csv:2: file: 'C:\\\\ana.mp4' is a path of a Windows computer"),
    ],
)
def test_a_row_that_cannot_be_used_is_an_error_with_its_line(tmp_path: Path, clips: list[Path], text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=re.escape(message)):
        offsets(tmp_path, clips, text)


def test_a_table_that_is_not_read_is_an_error(tmp_path: Path, clips: list[Path]) -> None:
    (tmp_path / "offsets.xlsx").touch()
    with pytest.raises(CorpusError, match=r"offsets\.xlsx: spreadsheets are not read: save it as offsets\.csv with the columns file"):
        known_offsets(tmp_path, clips)
    (tmp_path / "offsets.csv").touch()
    with pytest.raises(CorpusError, match=r"has offsets\.csv and offsets\.xlsx: keep one table of offsets"):
        known_offsets(tmp_path, clips)


def test_clips_without_a_row_get_a_warning(tmp_path: Path, clips: list[Path]) -> None:
    with pytest.warns(UserWarning, match=r"offsets\.csv names no offset for 1 of 2 clips \(ben/take 2\.mp4\); they are taken"):
        assert offsets(tmp_path, clips, "file,offset_frames\nana.mp4,1\n") == {clips[0]: 1.0}


def test_a_folder_without_a_table_states_no_offsets(tmp_path: Path, clips: list[Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (tmp_path / "offsets").mkdir()
        (tmp_path / "offsets.py").touch()
        assert known_offsets(tmp_path, clips) == {}


def test_files_that_are_left_out_get_a_warning(tmp_path: Path, clips: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "media_example", lambda path, name, offset: None if name == "ana.mp4" else (name, offset))
    with pytest.warns(UserWarning, match=r"1 of 2 files are left out \(ana\.mp4\): less than .* s of speech, or no face"):
        assert corpus.media_folder(tmp_path) == [("ben/take 2.mp4", 0.0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file;offset\n1.npz;[0]\n", "published.csv:1: no column 'offsets_frames_at_25fps'; the columns are file, offset"),
        ("file;offsets_frames_at_25fps\n1.npz;0\n", "published.csv:2: offsets_frames_at_25fps: '0' is not a list of numbers such as [0]"),
        ("file;offsets_frames_at_25fps\n1.npz;[0]\n", "published.csv:2: file: '1.npz' is not there"),
    ],
)
def test_a_table_of_published_offsets_has_errors_with_lines(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "published.csv").write_text(text)
    with pytest.raises(CorpusError, match=re.escape(message)):
        corpus.examples_of(tmp_path)


def test_too_few_clips_to_cross_validate_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "examples_of", lambda folder: [None])
    error = CliRunner().invoke(app, ["evaluate", str(tmp_path)]).exception
    assert isinstance(error, CorpusError)
    assert str(error).startswith("1 talking clip to cross-validate on: it needs 10")
