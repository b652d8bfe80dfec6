"""A validation from a folder to its page, with the toy metric, whose right answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seedbench import api
from seedbench.cli import app
from seedbench.clips.writing import write_clip
from seedbench.errors import SeedBenchError, StorageError, TooManyFailuresError
from seedbench.plugins.real_footage import badge, from_json
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from seedbench.validation.page import write_pages
from seedbench.validation.run import Validation, validate_metric
from tests.seedbench.runs.test_runner import InProcess

FILES = {
    "dim.mp4": ("indoors", 70, 70),
    "grey.mp4": ("indoors", 120, 120),
    "bright.mp4": ("outside", 200, 200),
    "wrong.mp4": ("outside", 90, 180),
}


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Four grey clips; the truth file is wrong about the level of the last one."""
    folder = tmp_path / "footage"
    folder.mkdir()
    rows = ["file,kind,level,source,licence"]
    for name, (kind, level, stated) in FILES.items():
        write_clip(folder / name, [np.full((32, 48, 3), level, np.uint8)] * 5, 25)
        rows.append(f"{name},{kind},{stated},own recordings,CC0")
    (folder / "truth.csv").write_text("\n".join(rows) + "\n")
    return folder


def validate(footage: Path, workspace: Workspace, **more: int) -> Validation:
    use_cache(workspace.cache)
    return validate_metric("toy_brightness", footage, InProcess(), workspace.scratch, **more)


def test_answers_errors_and_areas_are_counted_by_copy_and_kind(footage: Path, workspace: Workspace) -> None:
    record = validate(footage, workspace).record
    figures = {(entry.variant, entry.kind): entry for entry in record.variants}
    together = figures["as it is", ""]
    assert (together.files, together.answered.count, together.wrong.count, together.wrong.total) == (4, 4, 1, 4)
    assert together.error_largest == pytest.approx(-90, abs=3)
    assert figures["as it is", "indoors"].wrong.count == 0
    assert figures["as it is", "outside"].wrong.count == 1
    black = figures["black", ""]
    assert (black.answered.total, black.wrong.count, black.wrong.total) == (0, 0, 4)  # no answer is due
    assert figures["followed by a brighter one", ""].files == 3  # nothing is brighter than the brightest
    assert figures["half as bright", "indoors"].error_mean == pytest.approx(0, abs=2)
    [area] = [entry for entry in record.separations if not entry.kind]
    assert (area.n_higher, area.n_lower, area.n_without) == (4, 4, 4)
    assert area.auc == pytest.approx(14 / 16)  # 70 and 90 lie below half of 200
    assert record.footage == ("indoors: 2 files; own recordings (CC0): 2", "outside: 2 files; own recordings (CC0): 2")


def test_a_second_validation_scores_nothing_again_and_gives_the_same(
    footage: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = validate(footage, workspace)
    monkeypatch.setattr("seedbench.validation.trials.score", lambda task: pytest.fail("scored again"))
    assert validate(footage, workspace).record == first.record


def test_a_changed_fact_of_the_truth_file_is_scored_again_and_a_changed_source_is_not(
    footage: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate(footage, workspace)
    truth = footage / "truth.csv"
    monkeypatch.setattr("seedbench.validation.trials.score", lambda task: pytest.fail("scored again"))
    truth.write_text(truth.read_text().replace("own recordings", "a friend"))
    validate(footage, workspace)
    truth.write_text(truth.read_text().replace(",70,", ",71,"))
    with pytest.raises(pytest.fail.Exception, match="scored again"):
        validate(footage, workspace)


def test_a_limit_takes_the_first_files_of_each_kind(footage: Path, workspace: Workspace) -> None:
    record = validate(footage, workspace, limit=1).record
    assert record.as_it_is.files == 2


def test_a_file_that_is_no_clip_is_named_and_the_others_are_counted(footage: Path, workspace: Workspace) -> None:
    (footage / "dim.mp4").write_bytes(b"no clip")
    finished = validate(footage, workspace)
    assert finished.record.as_it_is.files == 3
    [problem] = finished.problems
    assert finished.record.not_counted == 4
    assert badge(finished.record, 1).endswith(", 4 failed")
    assert problem.startswith("dim.mp4, as it is and 3 more: ")
    assert not any(str(footage) in problem for problem in finished.problems)


def test_a_problem_that_may_pass_is_tried_again(footage: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("seedbench.validation.trials.write_arrays", full)
    with pytest.raises(TooManyFailuresError, match=r"11 of 15 copies could not be made or scored: .* and 10 more: the disk is full"):
        validate(footage, workspace)
    monkeypatch.undo()
    assert validate(footage, workspace).problems == ()


def test_the_files_of_a_validation(footage: Path, workspace: Workspace, tmp_path: Path) -> None:
    finished = validate(footage, workspace)
    files = write_pages(finished, tmp_path / "out")
    names = [file.relative_to(tmp_path / "out").as_posix() for file in files]
    assert names[:4] == ["validation.html", "validation.md", "validation.json", "trials.csv"]
    assert names[4] == "wrong/001-wrong-as-it-is.mp4"
    assert files[4].read_bytes() == (footage / "wrong.mp4").read_bytes()
    assert from_json(files[2].read_text()) == finished.record
    assert 'src="wrong/001-wrong-as-it-is.mp4"' in files[0].read_text()
    page = files[1].read_text()
    assert "| as it is | the level of the truth file | all | 4 | 4 of 4 (100%, 40 to 100%) | 1 of 4 (25%, 1 to 81%) |" in page
    assert "| wrong.mp4 | as it is |" in page
    assert str(footage) not in page + files[0].read_text() + files[2].read_text()


def test_the_command_writes_the_page(footage: Path, workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["validate", "toy_brightness", "--footage", str(footage), "--out", str(out), "--limit", "1", "-j", "1", "--no-clips"]
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, given)
    assert done.exit_code == 0, done.output
    assert "as it is" in done.output
    assert json.loads((out / "validation.json").read_text())["metric"] == "toy_brightness"
    assert not (out / "wrong").exists()


def test_the_command_drafts_a_truth_file(footage: Path, workspace: Workspace) -> None:
    (footage / "truth.csv").unlink()
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["validate", "toy_brightness", "--footage", str(footage), "--write-truth"])
    assert done.exit_code == 0, done.output
    assert "light: where it was filmed (indoors, out-of-doors); may be empty" in done.output
    assert (footage / "truth.csv").read_text().startswith("file,kind,source,licence,level,light\nbright.mp4,footage,")


def test_a_metric_without_a_protocol_is_refused_with_those_that_have_one(footage: Path, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SeedBenchError, match=r"does not say how it is validated .*toy_brightness"):
        api.validate("toy_speech", footage, out=tmp_path / "out", workspace=workspace)
