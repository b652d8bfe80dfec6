"""Runs from plan to summary: resume, workers, failures, reuse; with the toy plug-in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from toy_plugin import MeanDistance, ToyBatches
from typer.testing import CliRunner

import seedbench.clips.clip
from seedbench.cli import app
from seedbench.clips.clip import Clip
from seedbench.errors import GeneratorError, RunError, SeedBenchError, StorageError
from seedbench.files.locks import FileLocks, HeldError, Holder, run_lock
from seedbench.plugins import registry
from seedbench.plugins.generator import Generation, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import Features, Score
from seedbench.report.entries import summary_entry
from seedbench.report.export import export_run
from seedbench.report.findings import findings
from seedbench.results.load import load_report
from seedbench.results.table import tabulate
from seedbench.results.two_runs import changed_prompts, compare_runs
from seedbench.runs.executor import Done, LocalExecutor
from seedbench.runs.generate_task import GenerateTask, generate
from seedbench.runs.runner import execute
from seedbench.runs.score_task import ScoreTask, score
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, ScoreRow, SetDifferenceRow, Store
from seedbench.store.deletion import delete_run
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Character, Line, Prompt

PROMPTS = tuple(Prompt(id=f"p{index}", text="grey", task="sound", duration_s=0.4) for index in range(4))
SPEAKER = Character(id="a")
SPEECH = tuple(
    Prompt(id=name, text="talk", task="talking", duration_s=0.4, cast=(SPEAKER,), speech=(Line(character="a", text="hi"),))
    for name in ("soft", "loud")
)


class InProcess:
    """An executor without processes, for tests that count its tasks."""

    def __init__(self, stop_after: int | None = None, workers: int = 1) -> None:
        self.workers = workers
        self.queue: list[tuple[Callable[[Any], Any], Any]] = []
        self.left = stop_after

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to end."""

    def submit(self, function: Callable[[Any], Any], task: Any) -> None:
        self.queue.append((function, task))

    def results(self) -> Iterator[Done[Any]]:
        while self.queue:
            if self.left is not None:
                if self.left == 0:
                    raise KeyboardInterrupt
                self.left -= 1
            function, task = self.queue.pop(0)
            try:
                yield Done(task, function(task))
            except (SeedBenchError, ValueError) as error:
                yield Done(task, error=error)

    def close(self) -> None:
        self.queue.clear()


def spec_of(*generators: GeneratorSpec, **changes: Any) -> RunSpec:
    chosen = generators or (
        GeneratorSpec(label="dark", name="toy", options={"level": 50}),
        GeneratorSpec(label="light", name="toy", options={"level": 200}),
    )
    spec = RunSpec(
        suite="toy",
        suite_version="1",
        suite_sha256="0",
        prompts=PROMPTS,
        generators=chosen,
        metrics=("toy_brightness", "toy_speech", "toy_distance"),
        seeds=(0, 1),
        width=48,
        height=32,
        fps=10,
        reference=GeneratorSpec(label="reference", name="toy", options={"level": 60}),
    )
    return replace(spec, **changes)


def carry_out(spec: RunSpec, workspace: Workspace, executor: Any = None, name: str = "run") -> Any:
    store = Store(workspace.database_url)
    try:
        return execute(spec, name, store=store, workspace=workspace, executor=executor or InProcess())
    finally:
        store.close()


def numbers(workspace: Workspace, name: str = "run") -> tuple[Any, ...]:
    """All stored results of a run, without times."""
    report = load_report(Store(workspace.database_url), workspace, name)
    cells = [
        (
            cell.generator,
            cell.prompt_id,
            cell.seed,
            cell.status,
            cell.clip_sha256,
            [(s.metric, s.measure, s.value, s.reason) for s in cell.scores],
        )
        for cell in report.cells
    ]
    return cells, report.summary, report.comparisons


def test_a_run_scores_every_cell_and_compares_the_sets(workspace: Workspace) -> None:
    outcome = carry_out(spec_of(), workspace)
    assert (outcome.cells, outcome.failed) == (2 * 4 * 2 + 4, 0)
    report = load_report(Store(workspace.database_url), workspace, None)
    rows = {(row.generator, row.metric, row.measure): row for row in report.summary}
    light = rows["light", "toy_brightness", "mean"]
    assert light.value == pytest.approx(200.5, abs=2)
    assert (light.n_scored, light.n_unscored, light.n_failed) == (8, 0, 0)
    assert rows["light", "toy_brightness", "bright"].value == 1
    assert rows["light", "toy_brightness", "bright"].low < 1
    assert rows["dark", "toy_distance", "d"].value == pytest.approx(10, abs=3)
    assert rows["light", "toy_distance", "d"].value == pytest.approx(140, abs=3)
    speech = rows["light", "toy_speech", "level"]
    assert (speech.value, speech.reason, speech.n_not_applicable) == (None, "no prompt asks for what it measures", 8)


def test_two_sets_are_compared_over_their_prompts_and_none_is_called_better(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    report = load_report(Store(workspace.database_url), workspace, None)
    pair = next(row for row in report.comparisons if row.measure == "d")
    assert (pair.generator_a, pair.generator_b, pair.n_prompts, pair.of_sets) == ("dark", "light", 4, True)
    assert pair.difference == pytest.approx(-130, abs=5)
    assert pair.better == "dark"  # nearer to the reference set
    table = tabulate(report)
    column = next(column for column in table.columns if column.measure.name == "d")
    assert not table.standing("dark", column).leads
    sentences = [str(sentence) for sentence in findings(table).results]
    assert any(
        text.startswith("dark's clips are nearer to the reference set than those of light") and "not say that they are better" in text
        for text in sentences
    )


def test_clips_of_one_prompt_are_one_group_and_a_value_without_interval_says_why(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], list[str]]] = []

    def compare(self: MeanDistance, generated: Features, reference: Features) -> Score:
        seen.append((list(generated.groups), list(reference.groups)))
        return Score.of("d", 3.0, backend="toy", reason="there are too few prompts")

    monkeypatch.setattr(MeanDistance, "compare", compare)
    carry_out(spec_of(metrics=("toy_distance",)), workspace)
    prompts = [prompt.id for prompt in PROMPTS]
    assert [sorted(side) for pair in seen for side in pair] == [sorted(prompts * 2), sorted(prompts)] * 2
    table = tabulate(load_report(Store(workspace.database_url), workspace, "run"))
    column = next(column for column in table.columns if column.measure.name == "d")
    entry = summary_entry(table, "dark", column)
    assert (entry.value, entry.no_interval) == ("3.00", "no interval: there are too few prompts")
    assert entry.row is not None
    assert (entry.row.n_scored, entry.row.n_unscored) == (8, 0)  # clips, not prompts


def test_sets_that_do_not_differ_significantly_are_said_to_be_undecided(workspace: Workspace) -> None:
    carry_out(spec_of(metrics=("toy_distance",)), workspace)
    store = Store(workspace.database_url)
    with store.session() as session:
        session.scalars(select(SetDifferenceRow)).one().p = 0.4
    sentences = [str(sentence) for sentence in findings(tabulate(load_report(store, workspace, None))).results]
    assert sentences == ["No significant difference on distance (d) (4 prompts, paired); this does not show that they are equal."]


def test_a_difference_over_four_prompts_is_not_significant(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    report = load_report(Store(workspace.database_url), workspace, "run")
    comparison = next(row for row in report.comparisons if row.measure == "mean")
    assert comparison.difference == pytest.approx(-150, abs=3)
    assert comparison.better is None  # four prompts cannot reach p < .05 under sign flips: 2 / 2**4


def test_the_same_command_resumes_where_it_was_interrupted(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("TOY_LOG", str(log))
    spec = spec_of()
    for steps in (3, 7, 11):
        with pytest.raises(KeyboardInterrupt):
            carry_out(spec, workspace, InProcess(stop_after=steps))
    outcome = carry_out(spec, workspace)
    assert outcome.resumed > 0
    generated = log.read_text().splitlines()
    assert len(generated) == len(set(generated)) == 20
    monkeypatch.delenv("TOY_LOG")
    carry_out(spec, Workspace(_other_home(workspace)), name="run")
    assert numbers(workspace) == numbers(Workspace(_other_home(workspace)))


def _other_home(workspace: Workspace) -> Path:
    other = workspace.folder.parent / "other"
    other.mkdir(exist_ok=True)
    return other


@pytest.mark.slow
def test_one_worker_and_two_give_the_same_scores(workspace: Workspace) -> None:
    numbers_by_workers = []
    for workers in (1, 2):
        home = Workspace(workspace.folder.parent / f"w{workers}")
        home.folder.mkdir()
        executor = LocalExecutor(workers, home.cache)
        try:
            carry_out(spec_of(), home, executor)
        finally:
            executor.close()
        numbers_by_workers.append(numbers(home))
    assert numbers_by_workers[0] == numbers_by_workers[1]


@pytest.mark.slow
def test_a_killed_run_finishes_with_the_numbers_of_an_uninterrupted_one(workspace: Workspace, tmp_path: Path) -> None:
    log = tmp_path / "log"
    suite = tmp_path / "suite.yaml"
    prompts = "".join(f"  - {{id: p{index}, task: sound, text: grey, duration_s: 0.4}}\n" for index in range(8))
    suite.write_text(f"name: toy\ntitle: toy\nversion: '1'\nprompts:\n{prompts}")
    command = [sys.executable, "-c", "from seedbench.cli import main; main()", "run", "--suite", str(suite), "--name", "run", "-j", "2"]
    command += ["-g", "toy:level=90,delay_s=0.2", "-m", "toy_brightness", "--seeds", "0,1", "--size", "48x32"]
    toy = str(Path(__file__).parents[2] / "toy")

    def environment(home: Path) -> dict[str, str]:
        return {**os.environ, "SEEDBENCH_HOME": str(home), "PYTHONPATH": toy, "TOY_LOG": str(log) if home == workspace.folder else ""}

    process = subprocess.Popen(
        command, env=environment(workspace.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not log.exists() or len(log.read_text().splitlines()) < 5):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with Store(workspace.database_url).session() as session:
        before = {cell.id: cell.clip_sha256 for cell in session.scalars(select(CellRow).where(CellRow.status == "succeeded"))}
    assert 0 < len(before) < 16
    done = subprocess.run(command, env=environment(workspace.folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    other = _other_home(workspace)
    subprocess.run(command, env=environment(other), capture_output=True, check=True)
    assert numbers(workspace) == numbers(Workspace(other))
    with Store(workspace.database_url).session() as session:
        assert session.scalar(select(func.count()).select_from(CellRow)) == 16
        assert all(session.get_one(CellRow, cell_id).clip_sha256 == sha256 for cell_id, sha256 in before.items())
    generated = log.read_text().splitlines()
    assert len(set(generated)) == 16
    assert len(generated) <= 16 + 2  # at most the two clips in the making when it was killed are made again


def test_another_spec_under_the_same_name_is_refused_in_one_sentence(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    with pytest.raises(RunError, match=r"exists with another spec \(different: seeds\)"):
        carry_out(spec_of(seeds=(5,)), workspace)


def test_a_generator_that_fails_loses_its_cell_and_is_counted(workspace: Workspace) -> None:
    spec = spec_of(GeneratorSpec(label="g", name="toy", options={"fail_on": "p1", "refuse_on": "p2", "raise_on": "p3"}), seeds=(0,))
    outcome = carry_out(spec, workspace)
    assert outcome.failed == 2
    report = load_report(Store(workspace.database_url), workspace, "run")
    assert [(cell.status, cell.reason) for cell in report.cells] == [
        ("succeeded", ""),
        ("failed", "the service is down"),
        ("refused", "not this prompt"),
        ("failed", "ZeroDivisionError: a bug of the plug-in"),
    ]
    row = next(row for row in report.summary if row.measure == "mean")
    assert (row.n_scored, row.n_unscored, row.n_failed, row.n_refused) == (1, 0, 2, 1)
    assert row.worst_case is not None
    assert row.value is not None
    assert row.worst_case == pytest.approx(row.value / 4)


def test_a_metric_that_raises_gives_failed_scores_with_the_reason_and_the_rest_continues(workspace: Workspace) -> None:
    carry_out(spec_of(prompts=SPEECH, seeds=(0,)), workspace)
    report = load_report(Store(workspace.database_url), workspace, "run")
    speech_scores = {(cell.generator, cell.prompt_id): next(s for s in cell.scores if s.metric == "toy_speech") for cell in report.cells}
    assert speech_scores["dark", "soft"].status == "scored"
    assert speech_scores["dark", "loud"].status == "failed"
    assert "the metric has a bug" in speech_scores["dark", "loud"].reason


@pytest.mark.slow
def test_a_generator_that_kills_its_worker_loses_its_cell_only(workspace: Workspace) -> None:
    executor = LocalExecutor(2, workspace.cache)
    try:
        spec = spec_of(GeneratorSpec(label="g", name="toy", options={"crash_on": "p1"}), seeds=(0,), reference=None)
        outcome = carry_out(spec, workspace, executor)
    finally:
        executor.close()
    assert outcome.failed == 1
    report = load_report(Store(workspace.database_url), workspace, "run")
    assert [cell.status for cell in report.cells] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert "worker process failed" in report.cells[1].reason


BATCHED = GeneratorSpec(label="g", name="toy-batch")
#: Prompts whose clips differ, so that a clip in the wrong cell is noticed.
LENGTHS = tuple(Prompt(id=f"p{index}", text="grey", task="sound", duration_s=0.3 + index / 10) for index in range(5))


def batched(generator: GeneratorSpec = BATCHED, **changes: Any) -> RunSpec:
    return spec_of(generator, **{"prompts": LENGTHS, "metrics": ("toy_brightness",), "seeds": (0, 1), "reference": None, **changes})


def cells_of(workspace: Workspace, name: str = "run") -> list[CellRow]:
    with Store(workspace.database_url).session() as session:
        return list(session.scalars(select(CellRow).where(CellRow.run.has(name=name)).order_by(CellRow.position)))


@pytest.fixture
def batch_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the toy generator, which takes four requests at once, writes its batches."""
    monkeypatch.setenv("TOY_BATCH", "4")
    monkeypatch.setenv("TOY_BATCH_LOG", str(tmp_path / "batches"))
    return tmp_path / "batches"


def test_pending_cells_of_a_generator_are_made_in_batches(workspace: Workspace, batch_log: Path) -> None:
    carry_out(batched(), workspace)
    assert [line.split() for line in batch_log.read_text().splitlines()] == [
        ["p0/0", "p0/1", "p1/0", "p1/1"],
        ["p2/0", "p2/1", "p3/0"],
        ["p3/1", "p4/0", "p4/1"],
    ]
    cells = cells_of(workspace)
    assert [cell.facts["generator"]["batch"] for cell in cells] == [4] * 4 + [3] * 6
    assert [cell.seed_used for cell in cells] == [0, 1] * 5
    assert all(cell.status == "succeeded" and cell.scored for cell in cells)


def test_a_generator_that_takes_one_request_is_given_one_cell_a_task(workspace: Workspace) -> None:
    executor = InProcess(stop_after=0)
    with pytest.raises(KeyboardInterrupt):
        carry_out(spec_of(), workspace, executor)
    assert [(function, task.request.prompt.id) for function, task in executor.queue] == [
        (generate, cell.prompt_id) for cell in cells_of(workspace)
    ]


@pytest.mark.parametrize(("batch", "workers"), [("3", 1), ("4", 3), ("16", 1)])
def test_the_batch_changes_neither_clips_nor_keys(batch: str, workers: int, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(batched(), workspace)
    other = Workspace(_other_home(workspace))
    monkeypatch.setenv("TOY_BATCH", batch)
    carry_out(batched(), other, InProcess(workers=workers))
    assert all(cell.facts["generator"]["batch"] > 1 for cell in cells_of(other))
    assert not any("batch" in cell.facts["generator"] for cell in cells_of(workspace))
    assert [cell.key for cell in cells_of(workspace)] == [cell.key for cell in cells_of(other)]
    assert numbers(workspace) == numbers(other)


def test_a_request_that_fails_in_a_batch_loses_its_cell_only(workspace: Workspace, batch_log: Path) -> None:
    options = {"fail_on": "p1", "refuse_on": "p2"}
    outcome = carry_out(batched(replace(BATCHED, options=options), seeds=(0,), prompts=LENGTHS[:4]), workspace)
    assert outcome.failed == 1
    cells = cells_of(workspace)
    assert [(cell.status, cell.reason) for cell in cells] == [
        ("succeeded", ""),
        ("failed", "the service is down"),
        ("refused", "not this prompt"),
        ("succeeded", ""),
    ]
    assert all(cell.facts["generator"]["batch"] == 4 and cell.scored for cell in cells)
    assert len(batch_log.read_text().splitlines()) == 1


def test_the_requests_of_a_batch_that_raises_are_tried_again_one_by_one(workspace: Workspace, batch_log: Path) -> None:
    outcome = carry_out(batched(replace(BATCHED, options={"raise_on": "p1"}), seeds=(0,), prompts=LENGTHS[:4]), workspace)
    assert outcome.failed == 1
    cells = cells_of(workspace)
    assert [cell.status for cell in cells] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert cells[1].reason == "ZeroDivisionError: a bug of the plug-in"
    assert [cell.facts["batch_broke_down"] for cell in cells] == ["ZeroDivisionError: a bug of the plug-in"] * 4
    assert not any("batch" in cell.facts["generator"] for cell in cells)


@pytest.mark.slow
def test_a_batch_that_kills_its_worker_loses_one_cell_only(workspace: Workspace, batch_log: Path) -> None:
    executor = LocalExecutor(2, workspace.cache)
    try:
        outcome = carry_out(batched(replace(BATCHED, options={"crash_on": "p1"}), seeds=(0,)), workspace, executor)
    finally:
        executor.close()
    assert outcome.failed == 1
    cells = cells_of(workspace)
    assert [cell.status for cell in cells] == ["succeeded", "failed", "succeeded", "succeeded", "succeeded"]
    assert "worker process failed" in cells[1].reason
    assert "worker process failed" in cells[0].facts["batch_broke_down"]


def test_a_plug_in_without_generate_many_gets_its_requests_one_by_one(workspace: Workspace, batch_log: Path) -> None:
    options = {"fail_on": "p1"}
    carry_out(batched(GeneratorSpec(label="g", name="toy", options=options), seeds=(0,), prompts=LENGTHS[:4]), workspace)
    cells = cells_of(workspace)
    assert [cell.status for cell in cells] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert [cell.facts["generator"]["batch"] for cell in cells] == [4] * 4


def test_a_run_interrupted_between_and_within_batches_resumes(
    workspace: Workspace, batch_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    with pytest.raises(KeyboardInterrupt):
        carry_out(batched(), workspace, InProcess(stop_after=1))
    assert [cell.status for cell in cells_of(workspace)] == ["succeeded"] * 4 + ["planned"] * 6

    make = ToyBatches.generate

    def interrupted(self: ToyBatches, request: Request, directory: Path) -> Generation:
        if (request.prompt.id, request.seed) == ("p2", 1):
            raise KeyboardInterrupt
        return make(self, request, directory)

    with monkeypatch.context() as patch:
        patch.setattr(ToyBatches, "generate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            carry_out(batched(), workspace)
    cells = cells_of(workspace)
    assert [cell.status for cell in cells] == ["succeeded"] * 4 + ["planned"] * 6

    outcome = carry_out(batched(), workspace)
    assert (outcome.cells, outcome.failed, outcome.resumed) == (10, 0, 4)
    generated = (tmp_path / "log").read_text().splitlines()
    assert sorted(set(generated), key=generated.index) == [f"100 p{prompt} {seed}" for prompt in range(5) for seed in (0, 1)]
    assert [line for line in generated if generated.count(line) > 1] == ["100 p2 0"] * 2  # only what the broken batch had already made
    assert not list(workspace.scratch.glob("cell-*"))
    other = Workspace(_other_home(workspace))
    carry_out(batched(), other)
    assert numbers(workspace) == numbers(other)


def test_a_batch_holds_only_clips_that_no_other_run_has(workspace: Workspace, batch_log: Path) -> None:
    carry_out(batched(prompts=LENGTHS[:2]), workspace)
    batch_log.unlink()
    steps = Steps()
    store = Store(workspace.database_url)
    execute(batched(prompts=LENGTHS[:4]), "second", store=store, workspace=workspace, executor=InProcess(), progress=steps)
    store.close()
    assert batch_log.read_text().splitlines() == ["p2/0 p2/1 p3/0 p3/1"]
    assert steps.begun["generate"] == (8, 0)
    assert [step for step in steps.taken if step[0] == "generate"] == [
        ("generate", f"g p{prompt}{note}")
        for prompt, note in ((0, " (kept from another run)"), (1, " (kept from another run)"), (2, ""), (3, ""))
        for _ in range(2)
    ]


class Steps:
    """Progress that records its steps."""

    def __init__(self) -> None:
        self.waited: list[Holder | None] = []
        self.begun: dict[str, tuple[int, int]] = {}
        self.taken: list[tuple[str, str]] = []

    def wait(self, holder: Holder | None) -> None:
        self.waited.append(holder)

    def begin(self, stage: str, total: int, done: int) -> None:
        self.begun[stage] = (total, done)

    def step(self, stage: str, text: str) -> None:
        self.taken.append((stage, text))


def test_another_run_takes_over_clips_and_scores_with_the_same_key(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    carry_out(spec_of(), workspace)
    generated = (tmp_path / "log").read_text()
    carry_out(spec_of(seeds=(0,)), workspace, name="second")
    assert (tmp_path / "log").read_text() == generated
    with Store(workspace.database_url).session() as session:
        assert session.scalar(select(func.count()).select_from(ScoreRow)) == (16 + 8) * 2


def test_a_clip_is_decoded_once_however_many_metrics_run(make_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    reader = seedbench.clips.clip.PictureReader
    monkeypatch.setattr(seedbench.clips.clip, "PictureReader", lambda *given: calls.append(given[0]) or reader(*given))
    path = make_clip()
    task = ScoreTask(
        cell_id=1,
        path=path,
        sha256=Clip.open(path).sha256,
        prompt=None,
        generator="g",
        seed=0,
        metrics=("toy_brightness", "toy_speech"),
        set_metrics=("toy_distance",),
    )
    result = score(task)
    assert {name: [clip_score.status for clip_score in scores] for name, scores in result.scores.items()} == {
        "toy_brightness": ["scored", "scored"],
        "toy_speech": ["scored"],
    }
    assert calls == [path]


def test_a_file_that_changed_since_it_was_taken_in_is_not_scored(make_clip: Callable[..., Path]) -> None:
    task = ScoreTask(
        cell_id=1,
        path=make_clip(),
        sha256="0" * 64,
        prompt=None,
        generator="g",
        seed=0,
        metrics=("toy_brightness",),
        set_metrics=(),
    )
    assert all("has changed" in clip_score.reason for clip_score in score(task).scores["toy_brightness"])


def test_comparing_a_run_with_itself_finds_nothing(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    carry_out(spec_of(seeds=(0,)), workspace, name="second")
    rows = compare_runs(Store(workspace.database_url), workspace, "run", "run")
    brightness = [row for row in rows if row.measure == "toy_brightness.mean"]
    assert [row.difference for row in brightness] == ["+0 [-154, +154]"] * 2  # equal on four prompts: what that leaves open of 0..255
    other = compare_runs(Store(workspace.database_url), workspace, "run", "second")
    assert all(row.difference.startswith("-0.") for row in other if row.measure == "toy_brightness.mean")


def test_prompts_that_changed_between_two_runs_are_not_paired(workspace: Workspace) -> None:
    carry_out(spec_of(seeds=(0,)), workspace)
    changed = (PROMPTS[0].model_copy(update={"text": "grey, and a bell"}), PROMPTS[1].model_copy(update={"duration_s": 0.6}), *PROMPTS[2:])
    carry_out(spec_of(seeds=(0,), prompts=changed), workspace, name="second")
    store = Store(workspace.database_url)
    rows = compare_runs(store, workspace, "run", "second")
    assert [row.n_prompts for row in rows if row.measure == "toy_brightness.mean"] == [2, 2]
    assert changed_prompts(store, "run", "second") == ["p0", "p1"]


def test_seconds_per_output_second_use_only_clips_of_known_length(workspace: Workspace) -> None:
    carry_out(spec_of(seeds=(0,)), workspace)
    store = Store(workspace.database_url)
    with store.session() as session:
        for cell in session.scalars(select(CellRow).where(CellRow.generator == "dark")):
            cell.latency_s = 4.0
            if cell.prompt_id == "p0":
                cell.latency_s, cell.facts = 100.0, {}
    facts = next(generator for generator in load_report(store, workspace, "run").generators if generator.label == "dark")
    assert facts.seconds_per_output_second == pytest.approx(4.0 / 0.4)
    assert facts.latency_p50_s == 4.0


def test_scores_of_another_version_of_a_metric_are_kept_apart_and_noted(workspace: Workspace) -> None:
    """A version may give other numbers or the opposite sign: its scores are not pooled with, or described by, the installed version."""
    carry_out(spec_of(), workspace)
    store = Store(workspace.database_url)
    with store.session() as session:
        cells = select(CellRow.id).where(CellRow.prompt_id.in_(["p0", "p1"]))
        for row in session.scalars(select(ScoreRow).where(ScoreRow.metric == "toy_brightness", ScoreRow.cell_id.in_(cells))):
            row.metric_version = 0
    report = load_report(store, workspace, "run")
    scored_by_backend = {row.backend: row.n_scored for row in report.summary if (row.generator, row.measure) == ("dark", "mean")}
    assert scored_by_backend == {"toy": 4, "toy, version 0": 4}
    versions = {facts.backend: facts.version for facts in report.measures if facts.measure.name == "mean"}
    assert versions == {"toy": 1, "toy, version 0": 0}
    assert any(
        "toy_brightness under toy, version 0 are of version 0 of the metric; version 1 is installed" in note for note in report.notes
    )
    assert {score.backend for cell in report.cells for score in cell.scores if score.measure == "mean"} == set(scored_by_backend)


def test_the_installed_version_does_not_state_the_sign_of_another_one_s_scores(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(spec_of(), workspace)
    bright = registry.load("metrics", "toy_brightness")
    signed = tuple(replace(measure, sign="positive: brighter") for measure in bright.info.measures)
    store = Store(workspace.database_url)
    monkeypatch.setattr(bright, "info", replace(bright.info, measures=signed))
    assert {facts.measure.sign for facts in load_report(store, workspace, "run").measures if facts.metric == "toy_brightness"} == {
        "positive: brighter"
    }
    monkeypatch.setattr(bright, "info", replace(bright.info, measures=signed, version=2))
    signs = {facts.measure.sign for facts in load_report(store, workspace, "run").measures if facts.metric == "toy_brightness"}
    assert signs == {"as in version 1 of the metric; version 2 is installed, and its sign may be another"}


def test_deleting_a_run_keeps_what_another_one_uses(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    carry_out(spec_of(seeds=(0,)), workspace, name="second")
    store = Store(workspace.database_url)
    assert delete_run(store, workspace, "run") > 0
    report = load_report(store, workspace, "second")
    assert all(cell.clip_path is not None and cell.clip_path.exists() for cell in report.cells)
    delete_run(store, workspace, "second")
    assert not [path for path in workspace.folder.joinpath("artifacts").rglob("*") if path.is_file()]
    with pytest.raises(RunError, match="no run"):
        load_report(store, workspace, "second")


@pytest.mark.slow
def test_an_export_holds_everything(workspace: Workspace, tmp_path: Path) -> None:
    carry_out(spec_of(seeds=(0,)), workspace)
    out = export_run(Store(workspace.database_url), workspace, "run", tmp_path / "export")
    assert len((out / "samples.jsonl").read_text().splitlines()) == 12
    assert len(list((out / "media").iterdir())) == 3  # twelve clips of three different contents
    assert (out / "spec.json").exists()
    assert (out / "scores.parquet").exists()
    with pytest.raises(StorageError, match="exists already"):
        export_run(Store(workspace.database_url), workspace, "run", tmp_path / "export")


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Moving any file to its final path fails with a full disk."""
    with monkeypatch.context() as patch:

        def refuse(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "replace", refuse)
        yield


def test_a_full_disk_stops_the_run_with_one_sentence_and_loses_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry_out(spec_of(), workspace, InProcess(stop_after=2))
    with full_disk(monkeypatch), pytest.raises(StorageError, match="No space left"):
        carry_out(spec_of(), workspace)
    outcome = carry_out(spec_of(), workspace)
    assert (outcome.cells, outcome.failed) == (20, 0)
    assert outcome.resumed > 0


@pytest.mark.parametrize("stage", [0, 1], ids=["clips", "sets"])
def test_two_processes_without_a_lock_write_everything_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, stage: int) -> None:
    """As on a shared folder whose file system has no locks: work is done twice, nothing is lost, and no run fails."""
    spec = spec_of(prompts=PROMPTS[:2])

    class Between(InProcess):
        """After its first result, another process completes the whole run; its own later tasks fail."""

        stages = 0

        def results(self) -> Iterator[Done[Any]]:
            stage_now, self.stages = self.stages, self.stages + 1
            for number, done in enumerate(super().results()):
                if (stage_now, number) == (stage, 1):
                    carry_out(spec, workspace)
                late = stage_now == 0 == stage and number > 1 and isinstance(done.task, GenerateTask)
                yield Done(done.task, error=GeneratorError("too late")) if late else done

    monkeypatch.setattr(FileLocks, "hold", lambda *_, **__: nullcontext())
    outcome = carry_out(spec, workspace, Between())
    assert (outcome.cells, outcome.failed) == (10, 0)
    assert {cell.reason for cell in cells_of(workspace)} == {""}
    other = Workspace(_other_home(workspace))
    carry_out(spec, other)
    assert numbers(workspace) == numbers(other)


def test_another_spec_under_the_name_of_a_run_in_progress_is_refused_at_once(workspace: Workspace) -> None:
    carry_out(spec_of(), workspace)
    store = Store(workspace.database_url)
    with store.locks.hold(run_lock("run")), pytest.raises(RunError, match="another spec"):
        carry_out(spec_of(seeds=(5,)), workspace)


def test_a_run_being_recorded_does_not_keep_others_from_writing_while_it_hashes_or_starts_workers(workspace: Workspace) -> None:
    other = Store(workspace.database_url)

    class Writes(InProcess):
        """Writes to the database, as another process would, whenever a task is submitted."""

        def submit(self, function: Callable[[Any], Any], task: Any) -> None:
            with other.writing() as session:
                session.execute(select(func.count()).select_from(CellRow))
            super().submit(function, task)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seedbench.store.session.BUSY_S", 0)
        assert carry_out(spec_of(), workspace, Writes()).failed == 0
        assert carry_out(spec_of(seeds=(0,)), workspace, Writes(), name="second").failed == 0


def test_a_run_in_progress_is_shown_with_its_process_and_cannot_be_deleted(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry_out(spec_of(seeds=(0,)), workspace, InProcess(stop_after=6))
    store = Store(workspace.database_url)
    notice = f"This run is being worked on (process {os.getpid()}, since "
    messages: list[str] = []
    with store.locks.hold(run_lock("run")):
        assert load_report(store, workspace, "run").notes[0].startswith(notice)
        export_run(store, workspace, "run", tmp_path / "export", on_message=messages.append)
        listed = CliRunner().invoke(app, ["runs", "list"], env={"COLUMNS": "300"}).stdout
        assert f"being worked on (process {os.getpid()}, since " in listed
        with pytest.raises(HeldError, match="run 'run' is in use"):
            delete_run(store, workspace, "run")
    assert [text for text in messages if text.startswith(notice)] == messages[:1]
    assert not [note for note in load_report(store, workspace, "run").notes if "being worked on" in note]
    assert carry_out(spec_of(seeds=(0,)), workspace).failed == 0
