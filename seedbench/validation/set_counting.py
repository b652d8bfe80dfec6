"""From features to the figures of a set metric: which sets are compared, how often they are called different, whether generators rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from seedbench.plugins.set_footage import RankingFigures, Section, SetTrialFigures
from seedbench.plugins.shares import Proportion
from seedbench.plugins.validation import SetValidationProtocol
from seedbench.results.intervals import clopper_pearson
from seedbench.validation.set_draws import LEAST_PROMPTS, Compared, DrawResults, DrawTask, EmbeddedClip

Embedded = Mapping[str, Mapping[str, EmbeddedClip]]
"""The features of each copy: by variant, then by file."""
HALVES, EXCHANGED = "two halves", "two generators, clips exchanged"
SAME = 1e-9
"""Values that differ by less than this share of the larger are equal."""


def draw_tasks(metric: str, protocol: SetValidationProtocol, embedded: Embedded, kinds: Mapping[str, str]) -> list[DrawTask]:
    """All comparisons but those of the ranking.

    Args:
        metric: the name of the metric.
        protocol: its protocol.
        embedded: the features.
        kinds: the kind of each file.

    Returns:
        The tasks: equal sets, copies, kinds against kinds. Kinds of fewer than twice 4 prompts are not halved.
    """
    clean = list(embedded[protocol.variants[0].name].values())
    names = list(dict.fromkeys(kinds[clip.name] for clip in clean))
    tasks = []
    for kind in ["", *names] if len(names) > 1 else [""]:
        of_kind = [clip for clip in clean if kind in ("", kinds[clip.name])]
        tasks += _of_kind(metric, protocol, embedded, kind, of_kind)
    tasks += _exchanges(metric, protocol, clean)
    for first, second in combinations(names, 2):
        sides = [tuple(clip for clip in clean if kinds[clip.name] == kind) for kind in (first, second)]
        if min(len({clip.prompt for clip in side}) for side in sides) >= LEAST_PROMPTS:
            title = f"{first} against {second}"
            tasks.append(DrawTask(metric=metric, section="scenes", title=title, kind="", prompts=0, clips=sides[0], others=sides[1]))
    return tasks


def _of_kind(metric: str, protocol: SetValidationProtocol, embedded: Embedded, kind: str, clean: Sequence[EmbeddedClip]) -> list[DrawTask]:
    tasks: list[DrawTask] = []
    for variant in (None, *protocol.variants[1:]):
        copies = embedded[variant.name] if variant is not None else {clip.name: clip for clip in clean}
        both = tuple(clip for clip in clean if clip.name in copies)
        section: Section = "equal" if variant is None or variant.name in protocol.controls else "harm"
        tasks += [
            DrawTask(
                metric=metric,
                section=section,
                title=HALVES if variant is None else variant.name,
                kind=kind,
                prompts=size,
                clips=both,
                others=() if variant is None else tuple(copies[clip.name] for clip in both),
                draws=protocol.draws,
            )
            for size in sizes_of(protocol.sizes, len({clip.prompt for clip in both}))
        ]
    return tasks


def sizes_of(wanted: Sequence[int], prompts: int) -> list[int]:
    """Of how many prompts the sets are.

    Args:
        wanted: the numbers that the protocol names.
        prompts: how many prompts there are.

    Returns:
        Those that two disjoint sets can have, and half of all; none where half of all is less than 4.

    >>> sizes_of((5, 10, 20), 34), sizes_of((5, 10, 20), 9), sizes_of((5, 10, 20), 7)
    ([5, 10, 17], [4], [])
    """
    half = prompts // 2
    return [*(size for size in wanted if LEAST_PROMPTS <= size < half), half] if half >= LEAST_PROMPTS else []


def _exchanges(metric: str, protocol: SetValidationProtocol, clean: Sequence[EmbeddedClip]) -> list[DrawTask]:
    """The clips of every two generators exchanged at random, compared with all footage that is not of a generator."""
    reference = tuple(clip for clip in clean if not clip.generator)
    tasks = []
    for pair in combinations(_generators(clean), 2):
        clips = tuple(clip for clip in clean if clip.generator in pair)
        shared = set.intersection(*({clip.prompt for clip in clips if clip.generator == name} for name in pair))
        if len(shared) >= LEAST_PROMPTS and len(reference) >= LEAST_PROMPTS:
            tasks.append(
                DrawTask(
                    metric=metric,
                    section="equal",
                    title=EXCHANGED,
                    kind="",
                    prompts=len(shared),
                    clips=clips,
                    others=reference,
                    draws=protocol.draws,
                    exchange=pair,
                )
            )
    return tasks


def _generators(clips: Sequence[EmbeddedClip]) -> list[str]:
    return list(dict.fromkeys(clip.generator for clip in clips if clip.generator))


def figures_from(results: Sequence[tuple[DrawTask, DrawResults]]) -> list[SetTrialFigures]:
    """The figures of all comparisons. Those of one title, kind and size are counted together.

    Args:
        results: the tasks with what came of them.

    Returns:
        One for each title, kind, size and measure that has a value.
    """
    groups: dict[tuple[Section, str, str, int], list[tuple[DrawTask, DrawResults]]] = {}
    for task, given in results:
        size = task.prompts or min(len({clip.prompt for clip in side}) for side in (task.clips, task.others))
        groups.setdefault((task.section, task.title, task.kind, size), []).append((task, given))
    figures: list[SetTrialFigures] = []
    for (section, title, kind, size), of_group in groups.items():
        rows = [row for _, given in of_group for row in given.rows]
        effective = max(independent_draws(task) for task, _ in of_group)
        figures += [
            _figures(section, title, kind, size, [row for row in rows if row.measure == measure], effective)
            for measure in dict.fromkeys(row.measure for row in rows)
        ]
    return figures


def independent_draws(task: DrawTask) -> float:
    """How many independent comparisons the draws of a task are worth: their number is no evidence, the prompts are.

    Two halves: M prompts have M - 1 splits whose differences of means are uncorrelated (the rows of a Hadamard matrix but the constant
    one), and no more, however many are drawn; sets of fewer prompts have 2n - 1 in each of M / 2n disjoint parts. Clips exchanged within
    M prompts have M patterns of signs. Copies: M / n draws without a common prompt (Hoeffding 1948, U-statistics).
    """
    prompts = len({clip.prompt for clip in task.clips})
    if not task.prompts:
        return 1.0
    if task.exchange is not None:
        return float(task.prompts)
    if task.others:
        return prompts / task.prompts
    return float(prompts // (2 * task.prompts) * (2 * task.prompts - 1))


def _figures(section: Section, title: str, kind: str, size: int, rows: Sequence[Compared], effective: float) -> SetTrialFigures:
    bounds = [(row.low, row.high, row.moved is not None) for row in rows if row.low is not None and row.high is not None]
    nearer = [is_moved and above < 0 for _, above, is_moved in bounds]
    called = [below > 0 or (section == "equal" and no) for (below, _, _), no in zip(bounds, nearer, strict=True)]
    distances, moved = (
        [value for value in values if value is not None] for values in zip(*((r.distance, r.moved) for r in rows), strict=True)
    )
    low, high = (rows[0].low, rows[0].high) if len(rows) == 1 else np.percentile(moved or distances, [2.5, 97.5]).tolist()
    return SetTrialFigures(
        section=section,
        title=title,
        kind=kind,
        measure=rows[0].measure,
        prompts=size,
        distance=float(np.median(distances)) if distances else None,
        moved=float(np.median(moved)) if moved else None,
        low=low,
        high=high,
        sure=effective_share(sum(called), len(called), effective) if called else Proportion(count=0, total=0),
        nearer=0 if section == "equal" else sum(nearer),
        no_interval=len(rows) - len(bounds),
    )


def effective_share(count: int, total: int, effective: float) -> Proportion:
    """A share with the interval of Clopper and Pearson at an effective number of trials.

    Args:
        count: how many are true.
        total: of how many, at least 1.
        effective: how many independent trials they are worth.

    Returns:
        The count and the interval.

    >>> share = effective_share(50, 100, 4.0)
    >>> round(share.low, 4), round(share.high, 4)
    (0.0676, 0.9324)
    """
    worth = min(effective, total)
    bounds = clopper_pearson(min(count / total * worth, worth), worth)
    return Proportion(count=count, total=total, low=bounds.low, high=bounds.high)


def ranking_from(measure: str, reference: str, generators: Mapping[str, tuple[float, float]], prompts: int) -> RankingFigures:
    """Whether the better rated of two generators is nearer to the reference set.

    The interval is that of Clopper and Pearson at the number of independent pairs that has the variance of Kendall's tau of unrelated
    orders, 2 (2 k + 5) / (9 k (k - 1)) for k generators (Kendall 1938), so that a perfect order of four proves nothing.

    Args:
        measure: the measure.
        reference: the kind of footage of the reference set.
        generators: of each generator the mean rating and the distance.
        prompts: how many prompts these are of.

    Returns:
        The figures. Pairs of equal ratings are left out, and of equal distances every second one counts.

    >>> ranking = ranking_from("d", "filmed", {"a": (4.0, 1.0), "b": (3.0, 2.0), "c": (2.0, 3.0), "e": (1.0, 4.0)}, 12)
    >>> [round(value, 2) for value in ranking.tau]
    [1.0, -0.18, 1.0]
    """
    pairs = [
        (a, b) if a[0] > b[0] else (b, a)
        for a, b in combinations(generators.values(), 2)
        if abs(a[0] - b[0]) > SAME * max(abs(a[0]), abs(b[0]))
    ]
    nearer = [better[1] < worse[1] - SAME * abs(worse[1]) for better, worse in pairs]
    equal = [abs(better[1] - worse[1]) <= SAME * abs(worse[1]) for better, worse in pairs]
    k = len(generators)
    effective = 9 * k * (k - 1) / (2 * (2 * k + 5))
    ordered = sorted(((name, *values) for name, values in generators.items()), key=lambda entry: -entry[1])
    concordant = effective_share(sum(nearer) + sum(equal) // 2, len(pairs), effective) if pairs else Proportion(count=0, total=0)
    return RankingFigures(measure=measure, reference=reference, generators=tuple(ordered), prompts=prompts, concordant=concordant)
