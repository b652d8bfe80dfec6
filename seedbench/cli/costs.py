"""What scoring costs on this machine: per metric, for the default set, and how it grows with clips and workers.

CPU seconds are of the worker process (``time.process_time``), one thread; wall seconds are of the whole pool. No cache is used.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seedbench.errors import SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.plugins.generator import Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import applies
from seedbench.plugins.registry import load
from seedbench.runs.executor import LocalExecutor
from seedbench.runs.generate_task import GenerateTask, generate
from seedbench.runs.plan import request_of
from seedbench.runs.score_task import ScoreTask, score
from seedbench.runs.spec import RunSpec
from seedbench.store.workspace import Workspace
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Prompt


@dataclass(frozen=True)
class MetricCost:
    """CPU seconds for each second of clip: ``warm`` with the models loaded, ``cold_s`` for the first clip of a process, whole.

    ``prompts`` is what was scored.
    """

    metric: str
    prompts: str
    cold_s: float
    warm_per_clip_second: float


@dataclass(frozen=True)
class Growth:
    """Wall seconds for ``clips`` clips on ``workers`` workers, start of the processes included."""

    clips: int
    workers: int
    wall_s: float


def _timed(task: ScoreTask) -> tuple[float, dict[str, Any]]:
    """CPU seconds of scoring in this process, and the facts of the clip."""
    start = time.process_time()
    scored = score(task)
    return time.process_time() - start, dict(scored.facts)


def clips_of(workspace: Workspace, prompts: Sequence[Prompt], root: Path, seeds: Sequence[int]) -> list[ScoreTask]:
    """Simulator clips of the prompts under the seeds, as score tasks without metrics."""
    spec = RunSpec(suite="", suite_version="", suite_sha256="", prompts=tuple(prompts), generators=(), metrics=(), root=str(root))
    tasks: list[ScoreTask] = []
    with LocalExecutor(1) as executor:
        for number, (prompt, seed) in enumerate((prompt, seed) for seed in seeds for prompt in prompts):
            task = GenerateTask(
                cell_id=-1000 - number,
                generator=GeneratorSpec(label="simulator", name="simulator"),
                request=request_of(spec, prompt, seed),
                scratch=workspace.scratch,
                artifacts=workspace.artifacts,
            )
            executor.submit(generate, task)
        for done in executor.results():
            if done.error is not None:
                raise done.error
            if done.result.sha256 is None:
                raise SeedBenchError(f"the simulator made no clip to measure with: {done.result.reason}")
            path = workspace.artifacts.local(done.result.sha256, done.result.suffix)
            tasks.append(_score_task(-done.task.cell_id, path, done.result.sha256, done.task.request))
    return sorted(tasks, key=lambda task: task.cell_id)


def _score_task(number: int, path: Path, sha256: str, request: Request) -> ScoreTask:
    return ScoreTask(
        cell_id=number,
        path=path,
        sha256=sha256,
        prompt=request.prompt,
        generator="simulator",
        seed=request.seed,
        metrics=(),
        set_metrics=(),
    )


def metric_costs(tasks: Sequence[ScoreTask], metrics: Sequence[str]) -> list[MetricCost]:
    """Cost of each metric in a process of its own, then of all together: the first clip cold, the others warm."""
    measured = []
    for names in [*[(name,) for name in metrics], tuple(metrics)]:
        kinds = _split(names)
        fitting = [task for task in tasks if any(applies(load("metrics", name).info, task.prompt) for name in names)]
        if len(fitting) < 2:
            continue
        with LocalExecutor(1) as executor:
            for task in fitting:
                wanted = tuple(name for name in kinds[0] if applies(load("metrics", name).info, task.prompt))
                executor.submit(_timed, replace(task, metrics=wanted, set_metrics=kinds[1]))
            costs = [done.result for done in executor.results() if done.error is None]
        if len(costs) != len(fitting):
            raise SeedBenchError(f"measuring {', '.join(names)} broke down on {len(fitting) - len(costs)} of {len(fitting)} clips")
        warm = sum(cpu for cpu, _ in costs[1:]) / sum(float(facts["duration_s"]) for _, facts in costs[1:])
        title = names[0] if len(names) == 1 else "all together"
        measured.append(MetricCost(title, f"{len(fitting)} clips", costs[0][0], warm))
    return measured


def _split(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from seedbench.plugins.metric import SetMetric

    sets = tuple(name for name in names if issubclass(load("metrics", name), SetMetric))
    return tuple(name for name in names if name not in sets), sets


def growth(tasks: Sequence[ScoreTask], metrics: Sequence[str], clips: Sequence[int], workers: Sequence[int]) -> list[Growth]:
    """Wall time of the whole set on growing numbers of clips and workers; clips repeat when there are fewer."""
    kinds = _split(metrics)
    measured = []
    for number in clips:
        for count in workers:
            start = time.perf_counter()
            with LocalExecutor(count) as executor:
                for index in range(number):
                    task = tasks[index % len(tasks)]
                    wanted = tuple(name for name in kinds[0] if applies(load("metrics", name).info, task.prompt))
                    executor.submit(score, replace(task, metrics=wanted, set_metrics=kinds[1]))
                for done in executor.results():
                    if done.error is not None:
                        raise done.error
            measured.append(Growth(number, count, time.perf_counter() - start))
    return measured


def wheel_costs(clip: Path, frames: int) -> dict[str, Any] | None:
    """CPU seconds of the ``syncnet-python`` wheel's own pipeline on the clip; None outside a checkout, where its script is not there."""
    script = Path(__file__).parents[2] / "tests" / "benchmarks" / "syncnet_wheel.py"
    if not script.exists():
        return None
    command = [sys.executable, str(script), str(clip), "--frames", str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SeedBenchError(
            f"the syncnet-python wheel could not be measured: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def lip_sync_cost(clip: Path) -> float:
    """CPU seconds of our lip sync on one clip: models loaded, clip not yet opened."""
    task = ScoreTask(
        cell_id=1, path=clip, sha256=file_sha256(clip), prompt=None, generator="", seed=None, metrics=("lipsync",), set_metrics=()
    )
    with LocalExecutor(1) as executor:
        executor.submit(_timed, task)
        list(executor.results())
        executor.submit(_timed, task)
        done = next(iter(executor.results()))
        if done.error is not None:
            raise done.error
        return float(done.result[0])


def talking_prompt(duration_s: float) -> tuple[Prompt, Path]:
    """The first talking prompt of the suite ``quick`` stretched to a length, and where its assets lie."""
    suite = load_suite("quick")
    prompt = next(item for item in suite.prompts if item.task == "talking")
    shots = tuple(shot.model_copy(update={"end_s": duration_s}) for shot in prompt.shots[-1:])
    shots = tuple(shot.model_copy(update={"start_s": 0.0}) for shot in shots)
    return prompt.model_copy(update={"duration_s": duration_s, "shots": shots}), suite.root
