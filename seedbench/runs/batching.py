"""Which cells are made together: groups for generators that take several requests at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice

from seedbench.files.hashing import digest_of
from seedbench.plugins.instances import make_generator
from seedbench.runs.generate_task import GenerateTask


def batch_sizes(pending: int, batch: int, workers: int) -> list[int]:
    """Sizes of the groups that ``pending`` requests are cut into: at most ``batch`` each, at least a group a worker, all about as large.

    >>> batch_sizes(9, batch=8, workers=2)
    [5, 4]
    >>> batch_sizes(9, batch=4, workers=1)
    [3, 3, 3]
    >>> batch_sizes(3, batch=8, workers=16)
    [1, 1, 1]
    """
    groups = max(-(-pending // batch), min(pending, workers))
    return [pending // groups + (index < pending % groups) for index in range(groups)]


def batches(tasks: Sequence[GenerateTask], workers: int) -> list[tuple[GenerateTask, ...]]:
    """Tasks grouped by generator, each group at most as large as its generator's ``batch``, in the order of the groups' first tasks.

    Each generator gets workers in proportion to its tasks, so that all workers are busy and no batch is smaller than it has to be.
    """
    by_generator: dict[str, list[GenerateTask]] = {}
    for task in tasks:
        by_generator.setdefault(digest_of(asdict(task.generator)), []).append(task)
    groups: list[tuple[GenerateTask, ...]] = []
    for mine in by_generator.values():
        batch = make_generator(mine[0].generator).capabilities().batch
        share = -(-workers * len(mine) // len(tasks))
        rest = iter(mine)
        groups += [tuple(islice(rest, size)) for size in batch_sizes(len(mine), batch, share)]
    position = {task.cell_id: number for number, task in enumerate(tasks)}
    return sorted(groups, key=lambda group: position[group[0].cell_id])
