"""Carrying out a run: plan, generate, score, compare sets; resumable at any point, and the only writer of the database.

Every finished cell is committed at once. The same spec under the same name goes on where it stopped; another spec is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, StorageError
from seedbench.files.locks import run_lock
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.instances import make_metrics
from seedbench.plugins.metric import Metric, MetricInfo, Score, SetMetric, applies, prompt_for_metrics
from seedbench.plugins.metric_records import add_records, metric_records
from seedbench.runs import set_comparison
from seedbench.runs.batching import batches
from seedbench.runs.executor import Done, Executor
from seedbench.runs.generate_task import GenerateBatch, Generated, GenerateTask, generate, generate_many
from seedbench.runs.make_spec import check_run_name
from seedbench.runs.plan import plan, request_of
from seedbench.runs.progress import NoProgress, Progress
from seedbench.runs.reasons import failure_reason
from seedbench.runs.records import FAILED, open_run, record_generated, record_taken_over, score_row, stored_run, stored_scores
from seedbench.runs.score_task import Scored, ScoreTask, score, score_key
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, Store
from seedbench.store.damaged_clips import cells_without_clip, plan_regeneration, reconcile_scores
from seedbench.store.models import now
from seedbench.store.queries import checked_clip, clip_path
from seedbench.store.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What came of a run: how many cells there are, how many have no clip because of an outage, and how many were finished before."""

    run: str
    cells: int
    failed: int
    resumed: int


def execute(
    spec: RunSpec,
    name: str,
    *,
    store: Store,
    workspace: Workspace,
    executor: Executor,
    progress: Progress | None = None,
) -> Outcome:
    """Carry out a run, or the rest of it. While another process works on the run, wait; if that is killed, go on where it was.

    Args:
        spec: what to run.
        name: the run's name.
        store: the database.
        workspace: where clips, analyses and features are kept.
        executor: where the work is done.
        progress: receives progress updates.

    Raises:
        RunError: a run of that name has another spec, or the name of a new run is none that a folder can have.
        StorageError: the database or the store of clips cannot be used.
        SeedBenchError: a generator or a metric cannot be used. A cell that fails is recorded, and the run goes on.
    """
    progress = progress or NoProgress()
    with store.session() as session:
        if stored_run(session, name, spec) is None:  # another spec is refused at once, not after a wait
            check_run_name(name)  # a run of an earlier version goes on under whatever name it has
    make_metrics(spec.metrics)  # an error here comes before anything is written
    with store.locks.hold(run_lock(name), wait=progress.wait):
        progress.wait(None)
        run_id = open_run(store, name, spec, list(plan(spec)))
        return Runner(spec, run_id, name, store, workspace, executor, progress).run()


class Runner:
    """One execution of one run. Tasks go to the executor, results come back here and are written one by one."""

    def __init__(
        self, spec: RunSpec, run_id: int, name: str, store: Store, workspace: Workspace, executor: Executor, progress: Progress
    ) -> None:
        self.spec = spec
        self.run_id = run_id
        self.name = name
        self.store = store
        self.workspace = workspace
        self.executor = executor
        self.progress = progress
        self.prompts = {prompt.id: prompt for prompt in spec.prompts}
        self._regenerated: set[int] = set()
        self._deferred: list[Callable[[], None]] = []
        metrics = make_metrics(spec.metrics)
        self.records = metric_records(metrics)
        self.codes = {name: code_digest(type(metric)) for name, metric in metrics.items()}
        self.clip_metrics: dict[str, MetricInfo] = {name: metric.info for name, metric in metrics.items() if isinstance(metric, Metric)}
        self.set_metrics: dict[str, SetMetric] = {name: metric for name, metric in metrics.items() if isinstance(metric, SetMetric)}

    def run(self) -> Outcome:
        """Generate and score what is missing, then compare the sets."""
        with self._writing() as session:
            run = session.get_one(RunRow, self.run_id)
            run.provenance = add_records(run.provenance, self.records)
        resumed = self._submit_missing()
        for done in self.executor.results():
            if isinstance(done.error, StorageError) or (done.error is not None and not isinstance(done.error, Exception)):
                raise done.error
            self._record(done)
        set_comparison.compare_sets(self.spec, self.run_id, self.set_metrics, self.store, self.workspace, self.executor, self.progress)
        with self._writing() as session:
            run = session.get_one(RunRow, self.run_id)
            if run.finished_at is None:
                run.finished_at = now()
            return Outcome(self.name, len(run.cells), sum(cell.status in FAILED for cell in run.cells), resumed)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A short session that keeps other processes from writing; what was left to :meth:`_defer` is done once it has committed."""
        self._deferred.clear()
        with self.store.writing() as session:
            yield session
        calls, self._deferred = self._deferred, []
        for call in calls:
            call()

    def _defer(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function once the session has ended: starting a process or writing to a terminal must not keep others from writing."""
        self._deferred.append(functools.partial(function, *arguments))

    # -- what is missing -------------------------------------------------------------------------------------------------------

    def _submit_missing(self) -> int:
        """Submit what is neither generated nor scored yet, and return how many cells were finished before."""
        for name, info in self.clip_metrics.items():
            score_key(info, self.codes[name], "", None)  # weights are hashed here, once, and not while others wait to write
        self._plan_lost_clips_again()
        mine = CellRow.run_id == self.run_id
        with self.store.reading() as session:
            cells = list(session.scalars(select(CellRow).where(mine).order_by(CellRow.position)))
            others = CellRow.key.in_(select(CellRow.key).where(mine)) & (CellRow.status == "succeeded") & ~mine
            elsewhere = set(session.scalars(select(CellRow.key).where(others)))
        pending = [cell for cell in cells if cell.status == "planned"]
        unscored = [cell for cell in cells if cell.status == "succeeded" and not cell.scored]
        scorable = [cell for cell in cells if cell.status in {"planned", "succeeded"}]
        self.progress.begin("generate", len(cells), len(cells) - len(pending))
        self.progress.begin("score", len(scorable), len(scorable) - len(pending) - len(unscored))
        for cell in unscored:
            with self._writing() as session:
                self._submit_score(session, session.get_one(CellRow, cell.id))
        tasks = [self._generate_task(cell) for cell in pending if cell.key not in elsewhere or not self._take_over(cell.id)]
        for group in batches(tasks, self.executor.workers):
            if len(group) == 1:
                self.executor.submit(generate, group[0])
            else:
                self.executor.submit(generate_many, GenerateBatch(cells=group))
        return len(cells) - len(pending) - len(unscored)

    def _plan_lost_clips_again(self) -> None:
        with self.store.reading() as session:
            cells = list(session.scalars(select(CellRow).where(CellRow.run_id == self.run_id).order_by(CellRow.position)))
        lost = {cell.id: reason for cell, reason in cells_without_clip(cells, self.workspace)}
        if lost:
            with self._writing() as session:
                for cell_id, reason in lost.items():
                    plan_regeneration(session.get_one(CellRow, cell_id), reason)

    def _take_over(self, cell_id: int) -> bool:
        """Whether a cell of another run with the same key already has the clip; then it is this cell's too, and goes to be scored."""
        with self.store.reading() as session:
            self._same_elsewhere(
                session, session.get_one(CellRow, cell_id)
            )  # hashes its clip, which is not done while others wait to write
        with self._writing() as session:
            cell = session.get_one(CellRow, cell_id)
            source = self._same_elsewhere(session, cell)
            if source is None:
                return False
            reconcile_scores(session, cell, source.clip_sha256, "")
            record_taken_over(cell, source)
            session.flush()
            self._defer(self.progress.step, "generate", f"{cell.generator} {cell.prompt_id} (kept from another run)")
            self._submit_score(session, cell)
            return True

    def _same_elsewhere(self, session: Session, cell: CellRow) -> CellRow | None:
        """A cell of another run with the same key whose clip is there and undamaged."""
        same = select(CellRow).where(CellRow.key == cell.key, CellRow.status == "succeeded", CellRow.run_id != self.run_id)
        return next((other for other in session.scalars(same.order_by(CellRow.id)) if self._has_clip(other)), None)

    def _has_clip(self, cell: CellRow) -> bool:
        try:
            checked_clip(cell, self.workspace)
        except ArtifactError:
            return False
        return True

    def _generate_task(self, cell: CellRow) -> GenerateTask:
        generators = {item.label: item for item in self.spec.generators}
        generator = self.spec.reference if cell.role == "reference" and self.spec.reference else generators[cell.generator]
        return GenerateTask(
            cell_id=cell.id,
            generator=generator,
            request=request_of(self.spec, self.prompts[cell.prompt_id], cell.seed),
            scratch=self.workspace.scratch,
            artifacts=self.workspace.artifacts,
        )

    def _regenerate(self, cell: CellRow, reason: str) -> None:
        """Ask once more for a clip that was lost between being made and being scored. Raises StorageError when it is lost again."""
        if cell.id in self._regenerated:
            raise StorageError(f"{reason}, for the second time: the store does not keep what is put into it")
        self._regenerated.add(cell.id)
        plan_regeneration(cell, reason)
        self._defer(self.executor.submit, generate, self._generate_task(cell))

    def _submit_score(self, session: Session, cell: CellRow) -> None:
        """Score a clip with the metrics whose scores are not already in the database under the same key."""
        if cell.clip_sha256 is None:
            raise StorageError(f"cell {cell.generator}/{cell.prompt_id} succeeded without a clip")
        try:
            path = clip_path(cell, self.workspace)
        except ArtifactError as error:
            self._regenerate(cell, str(error))
            return
        prompt = prompt_for_metrics(self.prompts[cell.prompt_id])
        sets = tuple(name for name, metric in self.set_metrics.items() if applies(metric.info, prompt)) if self.spec.reference else ()
        task = ScoreTask(
            cell_id=cell.id,
            path=path,
            sha256=cell.clip_sha256,
            prompt=prompt,
            generator=cell.generator,
            seed=cell.seed,
            metrics=tuple(self._missing_metrics(session, cell)),
            set_metrics=sets,
        )
        self._defer(self.executor.submit, score, task)

    def _missing_metrics(self, session: Session, cell: CellRow) -> Iterator[str]:
        """The metrics to score a cell with; what the database holds under the same key is copied into the cell instead."""
        prompt = prompt_for_metrics(self.prompts[cell.prompt_id])
        for name, info in self.clip_metrics.items() if cell.role != "reference" else ():
            if not applies(info, prompt) or any(row.metric == name for row in cell.scores):
                continue
            if copies := stored_scores(session, info, score_key(info, self.codes[name], str(cell.clip_sha256), prompt)):
                cell.scores.extend(copies)
            else:
                yield name

    # -- what comes back -------------------------------------------------------------------------------------------------------

    def _record(self, done: Done[Any]) -> None:
        if isinstance(done.task, GenerateBatch):
            self._record_batch(done)
            return
        if isinstance(done.result, Generated) and done.result.sha256 is not None and done.result.path is None:
            with suppress(ArtifactError):  # fetched here, not while others wait to write; one that is gone is made again below
                self.workspace.artifacts.local(done.result.sha256, done.result.suffix)
        with self._writing() as session:
            cell = session.get_one(CellRow, done.task.cell_id)
            if isinstance(done.task, GenerateTask):
                generated = done.result if done.error is None else Generated(status="failed", reason=failure_reason(done.error))
                self._record_generation(session, cell, generated)
            else:
                self._record_scores(cell, done.task, done.result if done.error is None else self._failed_scores(done.task, done.error))

    def _record_batch(self, done: Done[Any]) -> None:
        """Record each cell of a batch; a batch that failed as a whole is asked again cell by cell, and its cells' facts say so."""
        if done.error is None:
            for task, generated in zip(done.task.cells, done.result, strict=True):
                self._record(Done(task, generated))
            return
        with self._writing() as session:
            for task in done.task.cells:
                cell = session.get_one(CellRow, task.cell_id)
                cell.facts = {**cell.facts, "batch_broke_down": failure_reason(done.error)}
        for task in done.task.cells:
            self.executor.submit(generate, task)

    def _record_generation(self, session: Session, cell: CellRow, generated: Generated) -> None:
        """Write down what came of a cell, unless a process did that which the lock of the run did not keep out."""
        if cell.status != "planned":
            return
        if not reconcile_scores(session, cell, generated.sha256, f"{generated.status}: {generated.reason}"):
            self._defer(self.progress.step, "generate", f"{cell.generator} {cell.prompt_id} ({cell.reason})")
            return
        record_generated(cell, generated)
        reason = f" ({generated.status}: {generated.reason})" if generated.reason else ""
        self._defer(self.progress.step, "generate", f"{cell.generator} {cell.prompt_id}{reason}")
        session.flush()
        if generated.status == "succeeded":
            self._submit_score(session, cell)
        else:
            self._defer(self.progress.step, "score", f"{cell.generator} {cell.prompt_id}: no clip")

    def _failed_scores(self, task: ScoreTask, error: BaseException) -> Scored:
        """The scores of a task that raised ``error``: every measure failed."""
        reason = failure_reason(error)
        infos = {name: self.clip_metrics[name] for name in task.metrics}
        scores = {name: [Score.failed(measure.name, reason) for measure in info.measures] for name, info in infos.items()}
        keys = {name: score_key(info, self.codes[name], task.sha256, task.prompt) for name, info in infos.items()}
        return Scored(scores=scores, keys=keys, facts={}, seconds={})

    def _record_scores(self, cell: CellRow, task: ScoreTask, scored: Scored) -> None:
        """Write down the scores of a cell, each metric's once."""
        recorded = {row.metric for row in cell.scores}
        for name in task.metrics:
            if name not in recorded:
                cell.scores.extend(score_row(self.clip_metrics[name], scored.keys[name], item) for item in scored.scores[name])
        cell.facts = {**cell.facts, "clip": dict(scored.facts), "seconds": dict(scored.seconds)}
        cell.scored = True
        self._defer(self.progress.step, "score", f"{cell.generator} {cell.prompt_id}")
