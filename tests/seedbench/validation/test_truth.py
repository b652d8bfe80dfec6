"""Truth files: what is read, what is refused with which sentence, and the draft."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbench.plugins.validation import TruthColumn
from seedbench.validation.truth import TruthError, read_truth, write_draft

COLUMNS = (
    TruthColumn(name="expect", meaning="what is known", values=("in-sync", "apart")),
    TruthColumn(name="offset_ms", meaning="the offset", number=True),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.mp4", "talk/b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"clip")
    return tmp_path


def test_rows_have_file_kind_and_facts_in_any_dialect(folder: Path) -> None:
    (folder / "truth.csv").write_text("file;kind;expect;offset_ms;source\na.mp4;filmed;In Sync;12,5;mine\ntalk/b.mp4;;;;\n")
    first, second = read_truth(folder, COLUMNS, "lipsync")
    assert (first.file, first.kind) == (folder / "a.mp4", "filmed")
    assert first.facts == {"source": "mine", "expect": "in-sync", "offset_ms": "12.5"}
    assert (second.name, second.kind, second.facts) == ("talk/b.mp4", "footage", {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,kind\nc.mp4,filmed\n", "truth.csv:2: file: there is no file"),
        ("file,expect\na.mp4,maybe\n", "'maybe' is none of: in-sync, apart"),
        ("file,offset_ms\na.mp4,much\n", "truth.csv:2: offset_ms"),
        ("file\na.mp4\na.mp4\n", "truth.csv:3: file: a.mp4 is named a second time"),
        ("file,expekt\na.mp4,apart\n", "there is no column 'expekt' (did you mean 'expect'?)"),
        ("kind\nfilmed\n", "file"),
        ("file,kind\n", "has no rows"),
    ],
)
def test_a_mistake_is_named_with_its_line(folder: Path, text: str, says: str) -> None:
    (folder / "truth.csv").write_text(text)
    with pytest.raises(TruthError) as error:
        read_truth(folder, COLUMNS, "lipsync")
    assert says in str(error.value)


def test_a_missing_truth_file_is_an_error_that_says_what_to_write(folder: Path) -> None:
    with pytest.raises(TruthError) as error:
        read_truth(folder, COLUMNS, "lipsync")
    assert "expect (what is known)" in str(error.value)
    assert "--write-truth" in str(error.value)
    with pytest.raises(TruthError, match="there is no such folder"):
        read_truth(folder / "none", COLUMNS, "lipsync")


def test_the_draft_lists_every_clip_and_can_be_read(folder: Path) -> None:
    file = write_draft(folder, COLUMNS)
    assert file.read_text().splitlines()[0] == "file,kind,source,licence,expect,offset_ms"
    assert [(row.name, row.kind) for row in read_truth(folder, COLUMNS, "lipsync")] == [("a.mp4", "footage"), ("talk/b.mp4", "talk")]
    with pytest.raises(TruthError, match="is there already and was not changed"):
        write_draft(folder, COLUMNS)
