"""Sets drawn at random from footage, and what a set metric says of them. Features are given: here is no media file.

A draw takes two disjoint sets of prompts. Prompts stay together, since clips of one prompt are not independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from seedbench.plugins.metric import Features, SetMetric
from seedbench.plugins.output_checks import checked_differences, checked_scores
from seedbench.plugins.set_footage import Section
from seedbench.runs.score_task import loaded_metric

SEED = 20_261_128
LEAST_PROMPTS = 4
"""Smaller sets are not drawn: an interval of three prompts says nothing (the metrics of this project give none)."""


@dataclass(frozen=True)
class EmbeddedClip:
    """The features of one clip.

    Attributes:
        name: of the file.
        prompt: what it shows; clips of one prompt are drawn together.
        values: (n, D).
        generator: what made it; "" for footage that is not generated.
    """

    name: str
    prompt: str
    values: np.ndarray
    generator: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawTask:
    """Comparisons of one sort.

    Attributes:
        metric: the name of the metric.
        section, title, kind: see :class:`seedbench.plugins.set_footage.SetTrialFigures`.
        prompts: of how many prompts each drawn set is; 0: nothing is drawn, ``clips`` are compared with ``others``.
        clips: the clips as they are.
        others: the copies of the same clips, by their names; or another set, where nothing is drawn or clips are exchanged.
        draws: how often sets are drawn.
        exchange: the clips of two generators are exchanged at random within each prompt; ``others`` is the reference set.
    """

    metric: str
    section: Section
    title: str
    kind: str
    prompts: int
    clips: tuple[EmbeddedClip, ...]
    others: tuple[EmbeddedClip, ...] = ()
    draws: int = 1
    exchange: tuple[str, str] | None = None


class Compared(NamedTuple):
    """One comparison under one measure: a value with its 95% interval; ``distance`` beside a difference of distances."""

    measure: str
    distance: float | None
    moved: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class DrawResults:
    """What came of a task: a row for each draw and measure, and why others have no value, by reason."""

    rows: tuple[Compared, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)


def compare_draws(task: DrawTask) -> DrawResults:
    """Draw sets and compare them. Called in worker processes.

    Args:
        task: what to compare.

    Returns:
        The comparisons. The same task gives the same draws, and tasks of the same clips and size draw the same prompts.
    """
    metric = loaded_metric(task.metric)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{task.metric} is no set metric")
    rng = np.random.default_rng([SEED, task.prompts])
    rows: list[Compared] = []
    reasons: dict[str, int] = {}
    for _ in range(task.draws):
        for row, reason in _one_draw(metric, task, rng):
            if reason:
                reasons[reason] = reasons.get(reason, 0) + 1
            else:
                rows.append(row)
    return DrawResults(tuple(rows), reasons)


def _one_draw(metric: SetMetric, task: DrawTask, rng: np.random.Generator) -> list[tuple[Compared, str]]:
    if task.exchange is not None:
        first, second = exchanged(task.clips, task.exchange, rng)
        return _differences(metric, first, second, task.others, {})
    if not task.prompts:
        return _distances(metric, task.clips, task.others)
    prompts = rng.permutation(np.array(list(dict.fromkeys(clip.prompt for clip in task.clips)), dtype=object))
    half = len(prompts) // 2
    drawn, reference = (
        [clip for prompt in chosen for clip in task.clips if clip.prompt == prompt]
        for chosen in (prompts[: task.prompts], prompts[half : half + task.prompts])
    )
    if not task.others:
        return _distances(metric, drawn, reference)
    by_name = {clip.name: clip for clip in task.others}
    copies = [by_name[clip.name] for clip in drawn]
    distances = _distances(metric, copies, reference)
    if type(metric).difference is SetMetric.difference:
        return distances
    return _differences(metric, copies, drawn, reference, {row.measure: row.distance for row, _ in distances})


def exchanged(
    clips: Sequence[EmbeddedClip], generators: tuple[str, str], rng: np.random.Generator
) -> tuple[list[EmbeddedClip], list[EmbeddedClip]]:
    """Two sets of the same prompts, each with the clips of either generator, chosen by a coin for each prompt.

    Args:
        clips: clips of both generators; prompts of one of them alone are left out.
        generators: their names.
        rng: tosses the coins.

    Returns:
        Both sets. Neither is better than the other, whatever the generators are.
    """
    shared = set.intersection(*({clip.prompt for clip in clips if clip.generator == name} for name in generators))
    coins = dict(zip(sorted(shared), rng.integers(0, 2, len(shared)).tolist(), strict=True))
    own = [clip for clip in clips if clip.prompt in coins]
    sets = [[clip for clip in own if clip.generator == generators[coins[clip.prompt] ^ side]] for side in (0, 1)]
    return sets[0], sets[1]


def features_of(clips: Sequence[EmbeddedClip]) -> Features:
    """The features of a set.

    Args:
        clips: the clips, at least one.

    Returns:
        All rows, grouped by prompt as in a run.
    """
    return Features(np.concatenate([clip.values for clip in clips]), [clip.prompt for clip in clips for _ in clip.values])


def _distances(metric: SetMetric, first: Sequence[EmbeddedClip], second: Sequence[EmbeddedClip]) -> list[tuple[Compared, str]]:
    scores = checked_scores(metric.info, metric.compare(features_of(first), features_of(second)))
    rows = []
    for score in scores:
        if not _headline(metric, score.measure):
            continue
        low, high = score.interval or (None, None)
        rows.append((Compared(score.measure, score.value, None, low, high), score.reason if score.value is None else ""))
    return rows


def _differences(
    metric: SetMetric,
    first: Sequence[EmbeddedClip],
    second: Sequence[EmbeddedClip],
    reference: Sequence[EmbeddedClip],
    distances: Mapping[str, float | None],
) -> list[tuple[Compared, str]]:
    given = metric.difference(features_of(first), features_of(second), features_of(reference))
    return [
        (Compared(item.measure, distances.get(item.measure), item.value, item.low, item.high), item.reason if item.value is None else "")
        for item in checked_differences(metric.info, given)
        if _headline(metric, item.measure)
    ]


def _headline(metric: SetMetric, name: str) -> bool:
    return any(measure.headline for measure in metric.info.measures if measure.name == name)
