"""How cells are grouped into batches, and how a worker processes a batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.errors import GeneratorError
from seedbench.plugins.generator import Capabilities, Generation, Generator, Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.runs.batching import batch_sizes, batches
from seedbench.runs.generate_task import GenerateBatch, GenerateTask, generate_many
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Prompt

MANY = GeneratorSpec(label="many", name="toy-batch")
ALSO = GeneratorSpec(label="also", name="toy-batch", options={"level": 50})


def tasks_of(workspace: Workspace, *generators: GeneratorSpec) -> tuple[GenerateTask, ...]:
    """One task for each generator named, in that order."""
    request = Request(prompt=Prompt(id="p", text="grey", task="sound", duration_s=0.4), seed=0)
    return tuple(
        GenerateTask(cell_id=number, generator=item, request=request, scratch=workspace.scratch, artifacts=workspace.artifacts)
        for number, item in enumerate(generators)
    )


@given(st.integers(1, 200), st.integers(1, 40), st.integers(1, 40))
def test_groups_are_even_keep_to_the_batch_and_leave_no_worker_idle(pending: int, batch: int, workers: int) -> None:
    sizes = batch_sizes(pending, batch, workers)
    assert sum(sizes) == pending
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) >= min(pending, workers)


def test_no_batch_mixes_generators(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_BATCH", "2")
    groups = batches(tasks_of(workspace, MANY, ALSO, MANY, ALSO, MANY), 1)
    assert [[task.cell_id for task in group] for group in groups] == [[0, 2], [1, 3], [4]]


def test_workers_busy_with_one_generator_do_not_split_the_batches_of_another(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_BATCH", "4")
    tasks = tasks_of(workspace, *[MANY] * 4, *[ALSO] * 4)
    assert [len(group) for group in batches(tasks, 2)] == [4, 4]
    assert [len(group) for group in batches(tasks, 4)] == [2, 2, 2, 2]


class Slow(Generator):
    """Answers without a file of its own after a while; ``results`` are its answers."""

    name = "slow"

    def __init__(self, results: Sequence[dict[str, Any]]) -> None:
        self.results = results

    def generate_many(self, requests: Sequence[Request], directories: Sequence[Path]) -> list[Generation]:
        assert [list(directory.iterdir()) for directory in directories] == [[]] * len(requests)
        time.sleep(0.2)
        generations = []
        for number, stated in enumerate(self.results):
            file = directories[0] / f"{number}.mp4"
            file.write_bytes(bytes([number]))
            generations.append(Generation(status="succeeded", file=file, **stated))
        return generations


def test_latency_is_the_share_of_the_batch_unless_the_generator_states_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.runs.generate_task.make_generator", lambda _: Slow([{}, {"latency_s": 7.0, "facts": {"steps": 9}}]))
    start = time.perf_counter()
    first, second = generate_many(GenerateBatch(cells=tasks_of(workspace, MANY, MANY)))
    wall_s = time.perf_counter() - start
    assert first.latency_s is not None
    assert 0.1 <= first.latency_s <= wall_s / 2
    assert second.latency_s == 7.0
    assert (first.facts, second.facts) == ({"batch": 2}, {"steps": 9, "batch": 2})


def test_a_batch_with_another_number_of_answers_is_no_answer(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.runs.generate_task.make_generator", lambda _: Slow([{}]))
    with pytest.raises(GeneratorError, match="answered 2 requests with 1 results"):
        generate_many(GenerateBatch(cells=tasks_of(workspace, MANY, MANY)))
    assert not list(workspace.scratch.glob("cell-*"))


def test_a_generator_takes_at_least_one_request() -> None:
    with pytest.raises(ValueError, match="batch is 0; it must be 1 or more"):
        Capabilities(batch=0)
