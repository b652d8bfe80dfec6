"""Carrying out a run: plan, generate, score, compare sets; resumable at any point, and the only writer of the database.

Every finished cell is committed at once. The same spec under the same name goes on where it stopped; another spec is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.errors import ArtifactError, StorageError
from seedbench.files.locks import run_lock
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.instances import make_metrics
from seedbench.plugins.metric import Metric, MetricInfo, Score, SetMetric, applies, prompt_for_metrics
from seedbench.plugins.metric_records import add_records, metric_records
from seedbench.runs.batching import batches
from seedbench.runs.executor import Done, Executor
from seedbench.runs.plan import plan, request_of
from seedbench.runs.progress import Progress, Silent
from seedbench.runs.records import copied_score, failure_reason, open_run, score_row, stored_run
from seedbench.runs.spec import RunSpec
from seedbench.runs.tasks import (
    CompareTask,
    GenerateBatch,
    Generated,
    GenerateTask,
    Scored,
    ScoreTask,
    compare,
    generate,
    generate_many,
    score,
    score_key,
)
from seedbench.store import CellRow, RunRow, ScoreRow, SetScoreRow, Store
from seedbench.store.damaged_clips import REGENERATED, cells_without_clip, plan_regeneration, reconcile_scores
from seedbench.store.models import now
from seedbench.store.queries import checked_clip, clip_path
from seedbench.store.workspace import Workspace


@dataclass(frozen=True)
class Outcome:
    """What came of a run: how many cells there are, how many have no clip because of an outage, and how many were resumed."""

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

    Raises RunError, StorageError; a cell that fails is recorded and the run goes on.
    """
    progress = progress or Silent()
    with store.session() as session:
        stored_run(session, name, spec)  # another spec is refused at once, not after a wait
    make_metrics(spec.metrics)  # one that cannot be made is told before anything is written
    with store.locks.hold(run_lock(name), wait=progress.wait):
        progress.wait(None)
        run_id = open_run(store, name, spec, list(plan(spec)))
        return Harness(spec, run_id, name, store, workspace, executor, progress).carry_out()


class Harness:
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
        self._asked_again: set[int] = set()
        self._left: list[Callable[[], None]] = []
        loaded = make_metrics(spec.metrics)
        self.records = metric_records(loaded)
        self.codes = {n: code_digest(type(m)) for n, m in loaded.items()}
        self.clip_metrics: dict[str, MetricInfo] = {n: m.info for n, m in loaded.items() if isinstance(m, Metric)}
        self.set_metrics: dict[str, MetricInfo] = {n: m.info for n, m in loaded.items() if isinstance(m, SetMetric)}

    def carry_out(self) -> Outcome:
        """Generate and score what is missing, then compare the sets."""
        with self._writing() as session:
            run = session.get_one(RunRow, self.run_id)
            run.provenance = add_records(run.provenance, self.records)
        resumed = self._submit_missing()
        for done in self.executor.results():
            if done.error is not None and not isinstance(done.error, Exception):
                raise done.error
            if isinstance(done.error, StorageError):
                raise done.error
            self._take(done)
        self._compare_sets()
        with self._writing() as session:
            run = session.get_one(RunRow, self.run_id)
            if run.finished_at is None:
                run.finished_at = now()
            failed = sum(cell.status in {"failed", "expired", "unknown"} for cell in run.cells)
            return Outcome(self.name, len(run.cells), failed, resumed)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A short session that keeps other processes from writing; what was left to :meth:`_afterwards` is done when it has committed."""
        self._left.clear()
        with self.store.writing() as session:
            yield session
        left, self._left = self._left, []
        for act in left:
            act()

    def _afterwards(self, function: Callable[..., None], *arguments: Any) -> None:
        """Leave a call until the session has ended: a process to be started, or a terminal that stands still, is not to hold up others."""
        self._left.append(functools.partial(function, *arguments))

    # -- generating and scoring ------------------------------------------------------------------------------------------------

    def _submit_missing(self) -> int:
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
        lost = {cell.id: why for cell, why in cells_without_clip(cells, self.workspace)}
        if lost:
            with self._writing() as session:
                for cell_id, why in lost.items():
                    plan_regeneration(session.get_one(CellRow, cell_id), why)

    def _take_over(self, cell_id: int) -> bool:
        """Whether a cell of another run with the same key already has the clip; then it is this cell's too, and goes to be scored."""
        with self.store.reading() as session:
            self._twin(session, session.get_one(CellRow, cell_id))  # its clip is hashed here, and not while others wait to write
        with self._writing() as session:
            cell = session.get_one(CellRow, cell_id)
            twin = self._twin(session, cell)
            if twin is None:
                return False
            reconcile_scores(session, cell, twin.clip_sha256, "")
            for field in ("clip_sha256", "clip_suffix", "clip_path", "truth_sha256", "seed_used", "latency_s", "cost_usd", "facts"):
                setattr(cell, field, getattr(twin, field))
            cell.status, cell.reason = "succeeded", ""
            cell.facts = {name: fact for name, fact in cell.facts.items() if name != REGENERATED}
            session.flush()
            self._afterwards(self.progress.step, "generate", f"{cell.generator} {cell.prompt_id} (kept from another run)")
            self._submit_score(session, cell)
            return True

    def _twin(self, session: Session, cell: CellRow) -> CellRow | None:
        """A cell of another run with the same key whose clip is there and undamaged."""
        same = select(CellRow).where(CellRow.key == cell.key, CellRow.status == "succeeded", CellRow.run_id != self.run_id)
        return next((one for one in session.scalars(same.order_by(CellRow.id)) if self._still_there(one)), None)

    def _generate_task(self, cell: CellRow) -> GenerateTask:
        everyone = [*self.spec.generators, *([self.spec.reference] if self.spec.reference else [])]
        chosen = [item for item in everyone if item.label == cell.generator]
        generator = self.spec.reference if cell.role == "reference" and self.spec.reference else chosen[0]
        return GenerateTask(
            cell_id=cell.id,
            generator=generator,
            request=request_of(self.spec, self.prompts[cell.prompt_id], cell.seed),
            scratch=self.workspace.scratch,
            artifacts=self.workspace.artifacts,
        )

    def _still_there(self, cell: CellRow) -> bool:
        try:
            checked_clip(cell, self.workspace)
        except ArtifactError:
            return False
        return True

    def _make_again(self, cell: CellRow, why: str) -> None:
        """Ask once more for a clip that was lost between being made and being scored. Raises StorageError when it is lost again."""
        if cell.id in self._asked_again:
            raise StorageError(f"{why}, for the second time: the store does not keep what is put into it")
        self._asked_again.add(cell.id)
        plan_regeneration(cell, why)
        self._afterwards(self.executor.submit, generate, self._generate_task(cell))

    def _submit_score(self, session: Session, cell: CellRow) -> None:
        """Score a clip with the metrics whose scores are not already in the database under the same key."""
        if cell.clip_sha256 is None:
            raise StorageError(f"cell {cell.generator}/{cell.prompt_id} succeeded without a clip")
        try:
            path = clip_path(cell, self.workspace)
        except ArtifactError as error:
            self._make_again(cell, str(error))
            return
        prompt = prompt_for_metrics(self.prompts[cell.prompt_id])
        wanted: list[str] = []
        for name, info in self.clip_metrics.items() if cell.role != "reference" else ():
            if not applies(info, prompt) or any(row.metric == name for row in cell.scores):
                continue
            key = score_key(info, self.codes[name], cell.clip_sha256, prompt)
            known = list(session.scalars(select(ScoreRow).where(ScoreRow.key == key).order_by(ScoreRow.id)))
            first = [row for row in known if row.cell_id == known[0].cell_id] if known else []
            if len(first) == len(info.measures) and all(row.status != "failed" for row in first):
                cell.scores.extend(copied_score(row) for row in first)
            else:
                wanted.append(name)
        sets = tuple(name for name, info in self.set_metrics.items() if applies(info, prompt)) if self.spec.reference else ()
        task = ScoreTask(
            cell_id=cell.id,
            path=path,
            sha256=cell.clip_sha256,
            prompt=prompt,
            generator=cell.generator,
            seed=cell.seed,
            metrics=tuple(wanted),
            set_metrics=sets,
        )
        self._afterwards(self.executor.submit, score, task)

    def _take(self, done: Done[Any]) -> None:
        if isinstance(done.task, GenerateBatch):
            self._take_batch(done)
            return
        if isinstance(done.result, Generated) and done.result.sha256 is not None and done.result.path is None:
            with suppress(ArtifactError):  # fetched here, not while others wait to write; one that is gone is made again below
                self.workspace.artifacts.local(done.result.sha256, done.result.suffix)
        with self._writing() as session:
            cell = session.get_one(CellRow, done.task.cell_id)
            if isinstance(done.task, GenerateTask):
                made = done.result if done.error is None else Generated(status="failed", reason=failure_reason(done.error))
                self._record_generation(session, cell, made)
            else:
                self._record_scores(cell, done)

    def _take_batch(self, done: Done[Any]) -> None:
        """Record each cell of a batch; a batch that broke down as a whole is asked again cell by cell, and its cells' facts say so."""
        if done.error is None:
            for task, made in zip(done.task.cells, done.result, strict=True):
                self._take(Done(task, made))
            return
        with self._writing() as session:
            for task in done.task.cells:
                cell = session.get_one(CellRow, task.cell_id)
                cell.facts = {**cell.facts, "batch_broke_down": failure_reason(done.error)}
        for task in done.task.cells:
            self.executor.submit(generate, task)

    def _record_generation(self, session: Session, cell: CellRow, made: Generated) -> None:
        """Write down what came of a cell; not where that was done already, by a process that the lock of the run did not keep out."""
        if cell.status != "planned":
            return
        if not reconcile_scores(session, cell, made.sha256, f"{made.status}: {made.reason}"):
            self._afterwards(self.progress.step, "generate", f"{cell.generator} {cell.prompt_id} ({cell.reason})")
            return
        cell.status, cell.reason = made.status, made.reason
        cell.clip_sha256, cell.clip_suffix, cell.clip_path = made.sha256, made.suffix, made.path
        cell.truth_sha256, cell.seed_used = made.truth_sha256, made.seed_used
        cell.latency_s, cell.cost_usd, cell.facts = made.latency_s, made.cost_usd, {**cell.facts, "generator": dict(made.facts)}
        told = f"{cell.generator} {cell.prompt_id}" + (f" ({made.status}: {made.reason})" if made.reason else "")
        self._afterwards(self.progress.step, "generate", told)
        session.flush()
        if made.status == "succeeded":
            self._submit_score(session, cell)
        else:
            cell.scored = True
            self._afterwards(self.progress.step, "score", f"{cell.generator} {cell.prompt_id}: no clip")

    def _record_scores(self, cell: CellRow, done: Done[Any]) -> None:
        """Write down the scores of a cell, each metric's once."""
        prompt = prompt_for_metrics(self.prompts[cell.prompt_id])
        if done.error is not None:
            scores = {
                name: [Score.failed(measure.name, failure_reason(done.error)) for measure in self.clip_metrics[name].measures]
                for name in done.task.metrics
            }
            keys = {name: score_key(self.clip_metrics[name], self.codes[name], done.task.sha256, prompt) for name in scores}
            found = Scored(scores=scores, keys=keys, facts={}, seconds={})
        else:
            found = done.result
        there = {row.metric for row in cell.scores}
        for name, given in found.scores.items():
            cell.scores.extend(score_row(self.clip_metrics[name], found.keys[name], one) for one in given if name not in there)
        cell.facts = {**cell.facts, "clip": dict(found.facts), "seconds": dict(found.seconds)}
        cell.scored = True
        self._afterwards(self.progress.step, "score", f"{cell.generator} {cell.prompt_id}")

    # -- sets ------------------------------------------------------------------------------------------------------------------

    def _compare_sets(self) -> None:
        if not self.set_metrics:
            return
        with self.store.reading() as session:
            cells = list(session.scalars(select(CellRow).where(CellRow.run_id == self.run_id).order_by(CellRow.position)))
            there = {(row.generator, row.metric) for row in session.scalars(select(SetScoreRow).where(SetScoreRow.run_id == self.run_id))}
        clips = {cell.id: (self._path_or_name(cell), str(cell.clip_sha256)) for cell in cells if cell.status == "succeeded"}
        reference = [clips[cell.id] for cell in cells if cell.role == "reference" and cell.id in clips]
        wanted = [(item.label, name) for item in self.spec.generators for name in self.set_metrics if (item.label, name) not in there]
        self.progress.begin("compare", len(self.spec.generators) * len(self.set_metrics), len(there))
        for label, name in wanted:
            mine = [clips[cell.id] for cell in cells if cell.role != "reference" and cell.generator == label and cell.id in clips]
            total = sum(cell.role != "reference" and cell.generator == label for cell in cells)
            shared = {sha256 for _, sha256 in mine} & {sha256 for _, sha256 in reference}
            if self.spec.reference is None or shared:
                reason = f"{len(shared)} of its clips are in the reference set" if shared else "no reference set was given (--reference)"
                self._record_set(label, name, [Score.none(m.name, reason) for m in self.set_metrics[name].measures], 0, total)
            else:
                task = CompareTask(generator=label, metric=name, generated=tuple(mine), reference=tuple(reference))
                self.executor.submit(compare, task)
        for done in self.executor.results():
            if isinstance(done.error, StorageError):
                raise done.error
            task = done.task
            info = self.set_metrics[task.metric]
            scores = done.result if done.error is None else [Score.failed(m.name, failure_reason(done.error)) for m in info.measures]
            total = sum(cell.role != "reference" and cell.generator == task.generator for cell in cells)
            self._record_set(task.generator, task.metric, scores, len(task.generated), total)

    def _path_or_name(self, cell: CellRow) -> Path:
        """Where a clip of a set can be read. One that is lost is given by its name alone: the set is compared without it, and says so."""
        try:
            return clip_path(cell, self.workspace)
        except ArtifactError:
            return Path(f"{cell.clip_sha256}{cell.clip_suffix}")

    def _record_set(self, label: str, name: str, scores: list[Score], n_clips: int, total: int) -> None:
        """Write down the scores of a set, once."""
        info = self.set_metrics[name]
        mine = (SetScoreRow.run_id == self.run_id, SetScoreRow.generator == label, SetScoreRow.metric == name)
        with self.store.writing() as session:
            there = set(session.scalars(select(SetScoreRow.measure).where(*mine)))
            for one in scores:
                if one.measure in there:
                    continue
                low, high = one.interval or (None, None)
                session.add(
                    SetScoreRow(
                        run_id=self.run_id,
                        generator=label,
                        metric=name,
                        measure=one.measure,
                        metric_version=info.version,
                        value=one.value,
                        status=one.status,
                        reason=one.reason,
                        backend=one.backend,
                        n_used=one.n_used if one.n_used is not None else n_clips,
                        n_total=one.n_total if one.n_total is not None else total,
                        low=low,
                        high=high,
                        details=dict(one.details),
                    )
                )
        self.progress.step("compare", f"{label} {name}")
