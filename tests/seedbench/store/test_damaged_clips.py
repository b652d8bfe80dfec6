"""Runs whose clips, features or programs were changed or damaged: nothing hangs, nothing is lost, no number changes, and it is reported."""

from __future__ import annotations

import errno
import importlib.metadata
import json
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from toy_plugin import Brightness, MeanDistance, ToyGenerator

from seedbench.cli import demo
from seedbench.clips.clip import Clip
from seedbench.errors import ClipUnavailableError, RunError, StorageError, WeightsAbsentError, WeightsError
from seedbench.files.hashing import _sha256_of_state, file_sha256
from seedbench.metrics.lipsync import model as lipsync_model
from seedbench.plugins import registry
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.weights import package_file, sha256_of
from seedbench.plugins.weights import path as weights_path
from seedbench.report.export import export_run
from seedbench.results.load import load_report
from seedbench.runs import runner
from seedbench.runs.compare_task import CompareTask, compare
from seedbench.runs.generate_task import Generated
from seedbench.runs.score_task import ScoreTask, features, score, score_key
from seedbench.store import CellRow, ScoreRow, SetDifferenceRow, SetScoreRow, Store
from seedbench.store.artifacts import Artifacts
from seedbench.store.cache import use_cache
from seedbench.store.damaged_clips import REGENERATED
from seedbench.store.deletion import delete_run
from seedbench.store.queries import find_run
from seedbench.store.workspace import Workspace
from tests.seedbench.runs.test_runner import PROMPTS, InProcess, carry_out, cells_of, numbers, spec_of
from tests.seedbench.store.test_artifacts import DAMAGES, a_folder, emptied, failing, flipped, gone, no_folder, random_bytes, truncated

ONE = spec_of(GeneratorSpec(label="g", name="toy", options={"level": 90}), prompts=PROMPTS[:2], seeds=(0, 1))


def first(workspace: Workspace) -> CellRow:
    """The first cell that is not a reference."""
    return next(cell for cell in cells_of(workspace) if cell.role != "reference")


def artifact(workspace: Workspace, cell: CellRow) -> Path:
    return workspace.artifacts.local(str(cell.clip_sha256), cell.clip_suffix)


def command(program: str, tmp_path: Path) -> GeneratorSpec:
    """An external program: what it does with ``out``, the path it is to write to."""
    script = tmp_path / f"{uuid.uuid4().hex}.py"
    script.write_text(f"import os, shutil, sys\nout = sys.argv[1]\n{program}\n")
    return GeneratorSpec(label="g", name="command", options={"argv": [sys.executable, str(script), "{out}", "{prompt}"]})


# -- what a program leaves at {out} ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["os.symlink(mine, out)", "os.link(mine, out)"])
def test_a_link_at_out_is_taken_as_its_content(how: str, workspace: Workspace, tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    mine = make_clip("mine.mp4", frames=10)
    content = mine.read_bytes()
    carry_out(spec_of(command(f"mine = {str(mine)!r}\n{how}", tmp_path), prompts=PROMPTS[:1], seeds=(0,), reference=None), workspace)
    [cell] = cells_of(workspace)
    assert (cell.status, cell.clip_sha256) == ("succeeded", file_sha256(mine))
    mine.write_bytes(b"changed by its owner")
    assert artifact(workspace, cell).read_bytes() == content
    delete_run(Store(workspace.database_url), workspace, "run")
    assert mine.read_bytes() == b"changed by its owner"


@pytest.mark.parametrize("how", ["os.symlink('/nowhere/at/all', out)", "os.mkdir(out)", "os.mkfifo(out)", "os.symlink(out, out)"])
def test_a_program_that_leaves_no_file_at_out_fails_its_cell(how: str, workspace: Workspace, tmp_path: Path) -> None:
    outcome = carry_out(spec_of(command(how, tmp_path), prompts=PROMPTS[:1], seeds=(0,), reference=None), workspace)
    [cell] = cells_of(workspace)
    assert (outcome.failed, cell.status) == (1, "failed")
    assert "nothing at {out}" in cell.reason


class LeavesNoFile(ToyGenerator):
    """A generator of another package that returns a folder instead of a clip."""

    def generate(self, request: Request, directory: Path) -> Generation:
        (directory / "clip.mp4").mkdir()
        return Generation(status="succeeded", file=directory / "clip.mp4")


def test_a_generator_that_returns_a_folder_fails_its_cell(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToyGenerator, "generate", LeavesNoFile.generate)
    carry_out(replace(ONE, reference=None, seeds=(0,)), workspace)
    for cell in cells_of(workspace):
        assert (cell.status, cell.reason) == ("failed", "the clip that was made cannot be taken: clip.mp4 is a folder, not a file")


# -- artifacts that are damaged ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [flipped, a_folder, gone, no_folder], ids=lambda damage: damage.__name__)
def test_a_damaged_clip_is_noted_and_generated_again(damage: Callable[[Path], None], workspace: Workspace) -> None:
    carry_out(ONE, workspace)
    before = numbers(workspace)
    cell = first(workspace)
    damage(artifact(workspace, cell))
    damaged_report = load_report(Store(workspace.database_url), workspace, "run")
    assert any("damaged, changed or gone since they were scored; their scores stand" in note for note in damaged_report.notes)
    assert all(shown.reason for shown in damaged_report.cells if shown.clip_path is None)
    assert numbers(workspace) == before

    carry_out(ONE, workspace)
    assert numbers(workspace) == before
    assert artifact(workspace, cell).is_file()
    again = [row for row in cells_of(workspace) if REGENERATED in row.facts]
    assert cell.id in {row.id for row in again}
    report = load_report(Store(workspace.database_url), workspace, "run")
    assert any("generated a second time" in note for note in report.notes)
    assert all(shown.clip_path is not None for shown in report.cells)


def test_a_clip_damaged_before_it_was_scored_gets_the_scores_of_an_undamaged_one(workspace: Workspace) -> None:
    carry_out(ONE, workspace)
    before = numbers(workspace)
    other = Workspace(workspace.folder.parent / "other")
    other.folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        carry_out(ONE, other, InProcess(stop_after=2))
    flipped(artifact(other, first(other)))
    carry_out(ONE, other)
    assert numbers(other) == before


class DamagedBetween(InProcess):
    """Damages each clip once, after it was made and before it is scored."""

    def __init__(self, workspace: Workspace, times: int) -> None:
        super().__init__()
        self.workspace, self.times = workspace, times

    def results(self) -> Any:
        for done in super().results():
            if done.error is None and getattr(done.result, "sha256", None) and self.times:
                self.times -= 1
                flipped(self.workspace.artifacts.local(done.result.sha256, done.result.suffix))
            yield done


def test_a_clip_lost_between_making_and_scoring_is_made_again_once(workspace: Workspace) -> None:
    carry_out(ONE, workspace, DamagedBetween(workspace, 1))
    assert all(cell.status == "succeeded" for cell in cells_of(workspace))
    assert {row.status for row in load_report(Store(workspace.database_url), workspace, "run").cells[0].scores} == {"scored"}
    with pytest.raises(StorageError, match="for the second time"):
        carry_out(
            replace(ONE, generators=(GeneratorSpec(label="g", name="toy", options={"level": 7}),)), workspace, _Always(workspace), "two"
        )


class _Always(DamagedBetween):
    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, 10**6)


def test_scores_remain_when_a_lost_clip_cannot_be_made_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(ONE, workspace)
    before = numbers(workspace)
    cell = first(workspace)
    artifact(workspace, cell).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(ToyGenerator, "generate", lambda *_: Generation(status="failed", reason="the service is down"))
        outcome = carry_out(ONE, workspace)
    assert outcome.failed == 0
    assert numbers(workspace) == before
    assert "could not be made again (failed: the service is down), its scores stand" in first(workspace).reason
    carry_out(ONE, workspace)
    assert (first(workspace).reason, numbers(workspace)) == ("", before)


@pytest.mark.parametrize("how", ["not there", "empty", "too many open files"])
def test_clips_that_cannot_be_read_now_are_reported_without_and_never_made_again(
    how: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, drive = Store(workspace.database_url), tmp_path / "drive"
    monkeypatch.setenv("SEEDBENCH_ARTIFACTS", str(drive))
    carry_out(ONE, workspace)
    before = numbers(workspace)
    _sha256_of_state.cache_clear()
    with monkeypatch.context() as patch:
        if how == "too many open files":
            patch.setattr(Path, "open", failing(Path.open, errno.EMFILE))
        else:
            drive.rename(tmp_path / "unplugged")
        if how == "empty":
            drive.mkdir()
        report = load_report(store, workspace, "run")
        assert {cell.clip_path for cell in report.cells} == {None}
        [note] = [note for note in report.notes if "clips" in note]
        assert note.startswith("4 of 4 clips cannot be read now and are not shown; their scores stand (the artifact")
        with pytest.raises(StorageError):
            carry_out(ONE, workspace)
        with pytest.raises(StorageError):
            export_run(store, workspace, "run", tmp_path / "out")
        assert not (tmp_path / "out").exists()
        if how != "too many open files":
            with pytest.raises(StorageError, match="is its drive connected"):
                delete_run(store, workspace, "run")
        assert {cell.status for cell in cells_of(workspace)} == {"succeeded"}
        assert numbers(workspace) == before
    if how == "empty":  # what the sentence tells whoever deleted the store to do
        (drive / "00").mkdir()
        carry_out(ONE, workspace)
        assert numbers(workspace) == before
        assert any(REGENERATED in cell.facts for cell in cells_of(workspace))


def test_an_unreachable_service_is_asked_once_for_a_report(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBENCH_ARTIFACTS", f"memory://{uuid.uuid4().hex}")
    carry_out(ONE, workspace)
    asked = []

    def away(_: Artifacts, sha256: str, suffix: str) -> Path:
        asked.append(sha256 + suffix)
        raise StorageError("an artifact cannot be read from the service (no answer)")

    monkeypatch.setattr(Artifacts, "local", away)
    report = load_report(Store(workspace.database_url), workspace, "run")
    assert len(asked) == 1
    assert any(note.startswith("4 of 4 clips cannot be read now") for note in report.notes)


@pytest.mark.parametrize("role", ["generated", "reference"])
def test_a_set_keeps_its_score_when_the_same_clip_is_made_again(role: str, workspace: Workspace) -> None:
    carry_out(ONE, workspace)
    store = Store(workspace.database_url)
    lost = next(cell for cell in cells_of(workspace) if (cell.role == "reference") == (role == "reference"))

    of_d = select(SetScoreRow).where(SetScoreRow.measure == "d")
    with store.session() as session:
        row = session.scalars(of_d).one()
        other = {"measure": "other", "status": "unscored", "reason": "too few clips", "n_used": 4, "n_total": 4}
        names = ("run_id", "generator", "metric", "metric_version", "backend", "details")
        session.add(SetScoreRow(**{name: getattr(row, name) for name in names}, **other))

    def again(**stored: Any) -> float | None:
        """The set's score after a clip was made again, when the database had ``stored``."""
        with store.session() as session:
            row = session.scalars(of_d).one()
            for name, value in stored.items():
                setattr(row, name, value)
        artifact(workspace, lost).unlink()
        carry_out(ONE, workspace)
        with store.session() as session:
            return session.scalars(of_d).one().value

    def measures() -> set[str]:
        with store.session() as session:
            return set(session.scalars(select(SetScoreRow.measure)))

    assert again(value=1234.0) == 1234
    assert measures() == {"d", "other"}
    assert again(value=1234.0, details={"remarks": ["1 of 2 reference clips left out (there is no such file)"]}) != 1234
    assert again(value=1234.0, n_used=1) != 1234
    assert again(value=None, status="unscored", reason="there is no such file") is not None
    assert measures() == {"d"}


def test_a_difference_of_two_sets_is_measured_again_when_a_clip_of_one_was_lost(workspace: Workspace) -> None:
    generators = [GeneratorSpec(label=label, name="toy", options={"level": level}) for label, level in (("dark", 50), ("light", 200))]
    spec = replace(ONE, generators=tuple(generators))
    carry_out(spec, workspace)
    store = Store(workspace.database_url)
    with store.session() as session:
        row = session.scalars(select(SetDifferenceRow)).one()
        before, row.value = row.value, 1234.0
    lost = next(cell for cell in cells_of(workspace) if cell.generator == "light")
    artifact(workspace, lost).unlink()
    carry_out(spec, workspace)
    with store.session() as session:
        assert session.scalars(select(SetDifferenceRow)).one().value == before


def test_a_different_clip_that_replaces_a_lost_one_is_scored_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(ONE, workspace)
    artifact(workspace, first(workspace)).unlink()
    make = ToyGenerator.generate

    def brighter(self: ToyGenerator, request: Request, directory: Path) -> Generation:
        self.level = 150
        return make(self, request, directory)

    monkeypatch.setattr(ToyGenerator, "generate", brighter)
    carry_out(ONE, workspace)
    report = load_report(Store(workspace.database_url), workspace, "run")
    means = [next(measured.value for measured in cell.scores if measured.measure == "mean") for cell in report.cells]
    assert max(means) == pytest.approx(150, abs=3)
    assert min(means) == pytest.approx(91, abs=3)
    [distance] = [row.value for row in report.summary if row.measure == "d"]
    assert distance == pytest.approx(np.mean(means) - 60, abs=3)


def test_another_run_does_not_take_over_a_damaged_clip(workspace: Workspace) -> None:
    carry_out(ONE, workspace)
    for file in {artifact(workspace, cell) for cell in cells_of(workspace)}:
        flipped(file)
    carry_out(ONE, workspace, name="second")
    assert [cell[4:] for cell in numbers(workspace)[0]] == [cell[4:] for cell in numbers(workspace, "second")[0]]
    assert all(artifact(workspace, cell).is_file() for cell in cells_of(workspace, "second"))


# -- the user's own clips ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def imported(tmp_path: Path, make_clip: Callable[..., Path], workspace: Workspace) -> tuple[Any, Path]:
    """A run of two clips of the user's, and their folder."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for index, prompt in enumerate(PROMPTS[:2]):
        make_clip("x.mp4", frames=10 + index).rename(folder / f"{prompt.id}.mp4")
    spec = spec_of(GeneratorSpec(label="g", name="import", options={"path": str(folder)}), prompts=PROMPTS[:2], seeds=(0,), reference=None)
    return replace(spec, metrics=("toy_brightness",)), folder


def test_a_changed_file_of_the_users_is_not_shown_or_taken_over(imported: tuple[Any, Path], workspace: Workspace) -> None:
    spec, folder = imported
    carry_out(spec, workspace)
    before = numbers(workspace)
    whole = (folder / "p0.mp4").read_bytes()
    (folder / "p0.mp4").write_bytes(whole + b"more")
    report = load_report(Store(workspace.database_url), workspace, "run")
    assert (report.cells[0].clip_path, report.cells[0].reason) == (None, "p0.mp4 has changed since it was taken into the run")
    assert report.cells[1].clip_path is not None
    assert numbers(workspace) == before
    (folder / "p0.mp4").write_bytes(whole)
    assert load_report(Store(workspace.database_url), workspace, "run").cells[0].clip_path == folder / "p0.mp4"


def test_a_file_that_was_missing_for_a_while_is_scored_by_the_next_run(imported: tuple[Any, Path], workspace: Workspace) -> None:
    spec, folder = imported
    with pytest.raises(KeyboardInterrupt):
        carry_out(spec, workspace, InProcess(stop_after=2))
    (folder / "p0.mp4").rename(folder / "away")
    store = Store(workspace.database_url)
    with store.session() as session:
        run_id = session.scalar(select(CellRow.run_id))
    runner.Runner(spec, run_id, "run", store, workspace, InProcess(), runner.NoProgress()).run()
    with store.session() as session:
        rows = list(session.scalars(select(ScoreRow).where(ScoreRow.reason != "")))
        assert {(row.status, row.reason) for row in rows} == {("failed", "there is no such file")}
    (folder / "away").rename(folder / "p0.mp4")
    carry_out(spec, workspace, name="second")
    assert all(measured.status == "scored" for cell in load_report(store, workspace, "second").cells for measured in cell.scores)


# -- features and sets -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(5, "Input/output error"),
        WeightsError("not there"),
        ClipUnavailableError("x: away"),
        RuntimeError("out of memory"),
    ],
    ids=repr,
)
def test_a_temporary_error_is_not_cached_as_absence_of_features(
    error: Exception, make_clip: Callable[..., Path], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(workspace.cache)
    clip = Clip.open(make_clip(frames=5))

    def fail(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(MeanDistance, "embed", fail)
        embedding, reason = features(MeanDistance(), clip)
        assert len(embedding) == 0
        assert reason
    assert len(features(MeanDistance(), clip)[0]) == 1


def scored_with(error: Exception, clip: Path, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Status and reason of the scores of a metric over weights which raises ``error``."""

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(Brightness, "info", replace(Brightness.info, weights=("syncnet", "arcface")))
    monkeypatch.setattr(Brightness, "score", fail)
    task = ScoreTask(
        cell_id=1, path=clip, sha256=file_sha256(clip), prompt=None, generator="", seed=None, metrics=("toy_brightness",), set_metrics=()
    )
    return {(row.status, row.reason) for row in score(task).scores["toy_brightness"]}


def test_weights_that_cannot_be_read_now_give_failed_scores_without_folders(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "weights"))
    file = tmp_path / "weights" / "syncnet" / "syncnet_v2.model"
    error = WeightsError(f"the weights {file}: cannot be read (Too many open files)")
    outcomes = scored_with(error, make_clip(), monkeypatch)
    assert outcomes == {("failed", "the weights syncnet_v2.model: cannot be read (Too many open files)")}


def test_absent_weights_leave_scores_unscored_only_while_the_key_has_them_absent(
    make_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "weights"))
    with pytest.raises(WeightsAbsentError) as raised:
        weights_path("syncnet")
    message = str(raised.value)
    assert scored_with(raised.value, make_clip(), monkeypatch) == {("unscored", message)}
    monkeypatch.setattr("seedbench.runs.score_task.sha256_of", lambda _: "installed meanwhile")
    assert scored_with(raised.value, make_clip(), monkeypatch) == {("failed", message)}


@pytest.mark.parametrize("name", ["lipsync", "syncnet"])
def test_the_file_that_finds_speech_is_part_of_the_keys(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    info = registry.load("metrics", name).info
    before = score_key(info, "code", "clip", None)
    assert score_key(info, "code", "clip", None) == before
    real = sha256_of
    monkeypatch.setattr("seedbench.runs.score_task.sha256_of", lambda name: "absent" if name == "silero-vad" else real(name))
    assert score_key(info, "code", "clip", None) != before


def test_the_listed_file_that_finds_speech_is_the_one_that_is_read() -> None:
    assert weights_path("silero-vad") == package_file("silero-vad", "data/silero_vad_16k.safetensors")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StorageError("the disk is full")], ids=repr)
def test_an_error_that_must_stop_a_run_is_not_taken_for_absence_of_features(
    error: BaseException, make_clip: Callable[..., Path], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(workspace.cache)

    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(MeanDistance, "embed", fail)
    with pytest.raises(type(error)):
        features(MeanDistance(), Clip.open(make_clip(frames=5)))


def test_the_fact_that_a_clip_has_no_picture_is_cached(
    make_clip: Callable[..., Path], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cache(workspace.cache)
    clip = Clip.open(make_clip(frames=5))
    clip.facts = replace(clip.facts, has_video=False)
    assert features(MeanDistance(), clip)[1] == "the file has no picture"
    monkeypatch.setattr(MeanDistance, "embed", None)
    assert features(MeanDistance(), Clip.open(clip.path))[1] == "the file has no picture"


@pytest.fixture
def sets(make_clip: Callable[..., Path]) -> CompareTask:
    clips = [make_clip(f"{index}.mp4", frames=5 + index) for index in range(4)]
    given = tuple((clip, file_sha256(clip), f"p{index}") for index, clip in enumerate(clips))
    return CompareTask(generator="g", metric="toy_distance", generated=given[:3], reference=given[3:])


@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if damage is not no_folder], ids=lambda damage: damage.__name__)
def test_a_set_is_scored_over_the_clips_that_can_be_read(damage: Callable[[Path], None], sets: CompareTask) -> None:
    path = sets.generated[0][0]
    damage(path)
    [score] = compare(sets)
    assert (score.status, score.n_used) == ("scored", 2)
    [remark] = score.details["remarks"]
    assert remark.startswith("1 of 3 clips of g left out (")
    assert str(path.parent) not in remark


def test_a_clip_whose_features_are_not_numbers_is_left_out_of_its_set(sets: CompareTask, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = MeanDistance.embed
    monkeypatch.setattr(MeanDistance, "embed", lambda self, clip: np.array([[np.nan]]) if clip.path.name == "1.mp4" else embed(self, clip))
    [score] = compare(sets)
    assert (score.status, score.n_used) == ("scored", 2)
    assert score.details["remarks"] == ["1 of 3 clips of g left out (its features hold values that are no numbers)"]


def test_a_set_without_a_readable_clip_has_a_reason_instead_of_a_score(sets: CompareTask) -> None:
    for path, _, _ in sets.reference:
        path.unlink()
    [score] = compare(sets)
    assert (score.status, score.reason) == ("unscored", "there is no such file")


def test_clips_left_out_of_a_set_are_counted_in_the_report(imported: tuple[Any, Path], workspace: Workspace) -> None:
    spec, folder = imported
    spec = replace(spec, metrics=("toy_distance",), reference=GeneratorSpec(label="reference", name="toy"))

    class Damages(InProcess):
        def submit(self, function: Callable[[Any], Any], task: Any) -> None:
            if isinstance(task, CompareTask):
                flipped(folder / "p0.mp4")
            super().submit(function, task)

    carry_out(spec, workspace, Damages())
    report = load_report(Store(workspace.database_url), workspace, "run")
    [row] = report.summary
    assert (row.n_scored, row.n_unscored) == (1, 1)
    assert row.value is not None
    [note] = [note for note in report.notes if "left out" in note]
    assert "1 of 2 clips of g left out (has changed since it was taken into the run" in note
    assert str(folder) not in note


# -- deleting and exporting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["memory", "file", ""])
def test_deleting_a_run_removes_its_clips_and_counts_them(
    scheme: str, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    url = {"memory": f"memory://{uuid.uuid4().hex}", "file": (tmp_path / "bucket").as_uri(), "": str(tmp_path / "bucket")}[scheme]
    monkeypatch.setenv("SEEDBENCH_ARTIFACTS", url)
    carry_out(ONE, workspace)
    filesystem, root = fsspec.core.url_to_fs(url)
    clips = [path for path in filesystem.find(root) if path.endswith(".mp4")]
    assert len(clips) == len({cell.clip_sha256 for cell in cells_of(workspace)}) == 3
    filesystem.rm(clips[0])
    assert delete_run(Store(workspace.database_url), workspace, "run") == 2
    assert filesystem.find(root) == []
    assert not [file for file in workspace.folder.rglob("*.mp4") if file.is_file()]


def test_deleting_keeps_what_another_run_takes_over_meanwhile(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(ONE, workspace)
    store = Store(workspace.database_url)
    lock = store.locks.hold

    def hold(what: str, **more: Any) -> Any:
        carry_out(ONE, workspace, name="second")  # between the look at the run and the removal of its clips
        return lock(what, **more)

    with monkeypatch.context() as patch:
        patch.setattr(store.locks, "hold", hold)
        assert delete_run(store, workspace, "run") == 0
    report = load_report(store, workspace, "second")
    assert all(cell.clip_path is not None for cell in report.cells)


def test_a_run_whose_clips_cannot_be_removed_can_be_deleted_later(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(ONE, workspace)
    store = Store(workspace.database_url)

    unlink = Path.unlink

    def refuse(path: Path, **more: Any) -> None:
        if path.suffix == ".mp4" and "artifacts" in path.parts:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(StorageError, match="cannot be removed from"):
            delete_run(store, workspace, "run")
    assert len(cells_of(workspace)) > 0
    assert delete_run(store, workspace, "run") == 3
    assert cells_of(workspace) == []


def test_an_export_leaves_out_damaged_clips_and_reports_them(workspace: Workspace, tmp_path: Path) -> None:
    carry_out(replace(ONE, reference=None), workspace)
    cells = cells_of(workspace)
    flipped(artifact(workspace, cells[0]))
    messages: list[str] = []
    out = export_run(Store(workspace.database_url), workspace, "run", tmp_path / "out", on_message=messages.append)
    lines = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    bad = [cell.clip_sha256 == cells[0].clip_sha256 for cell in cells]
    assert [line["media"] is None for line in lines] == bad
    assert ["is damaged" in line["media_missing"] for line in lines] == bad
    assert len(messages) == sum(bad)
    assert messages[0].startswith("g, p0, seed 0: its clip is left out: the artifact")
    assert {file_sha256(file) for file in (out / "media").iterdir()} == {
        cell.clip_sha256 for cell, no in zip(cells, bad, strict=True) if not no
    }


def test_an_export_checks_what_it_copied(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(replace(ONE, reference=None), workspace)
    monkeypatch.setattr("shutil.copyfile", lambda source, copy: Path(copy).write_bytes(Path(source).read_bytes()[:-1]))
    messages: list[str] = []
    out = export_run(Store(workspace.database_url), workspace, "run", tmp_path / "out", on_message=messages.append)
    assert list((out / "media").iterdir()) == []
    assert len(messages) == len(cells_of(workspace))


# -- what else is read back --------------------------------------------------------------------------------------------------------


def test_a_spec_that_was_changed_in_the_database_is_an_error(workspace: Workspace) -> None:
    carry_out(replace(ONE, reference=None), workspace)
    store = Store(workspace.database_url)
    assert not any("spec of this run" in note for note in load_report(store, workspace, "run").notes)
    with store.session() as session:
        run = find_run(session, "run")
        run.spec = {**run.spec, "fps": 11}
    assert any("The spec of this run was changed in the database" in note for note in load_report(store, workspace, "run").notes)
    with store.session() as session:
        find_run(session, "run").spec = {"suite": "toy"}
    with pytest.raises(RunError, match="the spec of run 'run' is damaged in the database"):
        load_report(store, workspace, "run")


@pytest.mark.parametrize("damage", [emptied, flipped, gone], ids=lambda damage: damage.__name__)
def test_clips_of_the_demo_are_made_again_when_one_has_changed(
    damage: Callable[[Path], None], workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = []
    monkeypatch.setattr("seedbench.runs.executor.LocalExecutor", lambda *_: InProcess())
    monkeypatch.setattr(
        "seedbench.clips.degradations.degrade_clip", lambda clip, out, how: generations.append(out) or out.write_bytes(clip.read_bytes())
    )
    monkeypatch.setattr("seedbench.runs.generate_task.generate", lambda task: Generated(status="succeeded", sha256=sha256, suffix=".mp4"))
    sha256 = workspace.artifacts.put_bytes(b"a clip", ".mp4")
    folder = demo.compressed_clips(workspace, PROMPTS[:2], tmp_path)
    assert demo.compressed_clips(workspace, PROMPTS[:2], tmp_path) == folder
    assert len(generations) == 2
    damage(folder / "p1.mp4")
    demo.compressed_clips(workspace, PROMPTS[:2], tmp_path)
    assert (folder / "p1.mp4").read_bytes() == b"a clip"
    assert len(generations) == 4


@pytest.mark.parametrize("damage", [emptied, truncated, flipped, random_bytes], ids=lambda damage: damage.__name__)
def test_a_damaged_file_of_a_package_is_an_error_in_one_sentence(damage: Callable[[Path], None], tmp_path: Path) -> None:
    copy = tmp_path / "model.npz"
    shutil.copyfile(lipsync_model.SHIPPED, copy)
    damage(copy)
    with pytest.raises(ValueError, match=r"model.npz is damaged, or belongs to another version: install the package again"):
        lipsync_model.load(copy)


def test_a_damaged_file_of_an_installed_package_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    member = "data/silero_vad_16k.safetensors"
    file = package_file("silero-vad", member)
    copy = tmp_path / "silero_vad" / member
    copy.parent.mkdir(parents=True)
    shutil.copyfile(file, copy)
    listed = [entry for entry in importlib.metadata.files("silero-vad") or [] if entry.as_posix().endswith(member)]
    monkeypatch.setattr(importlib.metadata, "files", lambda _: listed)
    monkeypatch.setattr(type(listed[0]), "locate", lambda _: copy)
    assert package_file("silero-vad", member) == copy
    flipped(copy)
    with pytest.raises(WeightsError, match="is damaged; install it again: pip install --force-reinstall silero-vad"):
        package_file("silero-vad", member)
    copy.unlink()
    with pytest.raises(WeightsError, match="is missing"):
        package_file("silero-vad", member)


# -- many at once ------------------------------------------------------------------------------------------------------------------


def test_a_workspace_with_all_files_damaged_gives_the_same_numbers(workspace: Workspace) -> None:
    rng = np.random.default_rng(12)
    use_cache(workspace.cache)
    carry_out(ONE, workspace)
    before = numbers(workspace)
    use_cache(None)
    for _ in range(2):
        for file in [path for part in ("artifacts", "cache") for path in (workspace.folder / part).rglob("*") if path.is_file()]:
            if file.exists() and file.suffix != ".json":
                DAMAGES[int(rng.integers(len(DAMAGES) - 1))](file)
        with Store(workspace.database_url).session() as session:
            for row in session.scalars(select(SetScoreRow)):
                session.delete(row)
            for cell in session.scalars(select(CellRow)):
                cell.scores.clear()
                cell.scored = False
        use_cache(workspace.cache)
        carry_out(ONE, workspace)
        use_cache(None)
        assert numbers(workspace) == before
    assert {metric.info.name for metric in (Brightness, MeanDistance)} <= {s[0] for cell in before[0] for s in cell[5]} | {"toy_distance"}
