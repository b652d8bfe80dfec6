"""Two sets of clips of the same prompts, each compared with one reference set: which of them is further away, and is that chance?

Both sets are asked for the same scenes, so what a scene does to a distance falls on both sides and largely cancels. The prompts are what
was drawn, so blocks of prompts are left out of both sets at once (and of the reference set, where it holds them too), and the difference
has the interval of the jackknife (:mod:`seedbench.metrics.video_distance.jackknife`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import stdtr

from seedbench.metrics.video_distance.frechet import frechet_distance
from seedbench.metrics.video_distance.jackknife import BLOCKS, MIN_CLIPS, JackknifeEstimate, jackknife_of_blocks
from seedbench.metrics.video_distance.kernel import from_different_groups, polynomial_kernel
from seedbench.plugins.metric import Features
from seedbench.plugins.set_difference import SetDifference

MOST_PROMPTS = 1000
"""Beyond this number of prompts the remark says only that it would take more."""

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Numbers of the rows that are kept of the first set, of the second, and of the reference set."""


def distance_differences(first: Features, second: Features, reference: Features, *, backend: str) -> list[SetDifference]:
    """The Fréchet and the kernel distance of one set to the reference set less that of another, over the prompts of both.

    Args:
        first: The features (N, D) of one generator's clips, and the prompt of each row.
        second: The same of another generator.
        reference: The features (M, D) of the reference clips, and the prompt of each row, which may be others.
        backend: The name of the network that made the features.

    Returns:
        The differences of ``fd`` and ``kd``, with intervals and p-values, or with the reason why there is none.

    Raises:
        ValueError: If the features have different widths.
    """
    in_second = set(second.groups)
    prompts = [prompt for prompt in dict.fromkeys(first.groups) if prompt in in_second]
    n = len(prompts)
    finite = all(np.isfinite(side.values).all() for side in (first, second, reference))
    reason = "" if finite else "the features contain values that are not finite"
    if n < MIN_CLIPS:
        reason = f"{n} prompts have clips of both; a comparison needs at least {MIN_CLIPS}"
    elif len(set(reference.groups)) < MIN_CLIPS:
        reason = f"a reference set of {len(set(reference.groups))} clips is too small; at least {MIN_CLIPS} are needed"
    if reason:
        return [SetDifference(measure=measure, value=None, n_prompts=n, backend=backend, reason=reason) for measure in ("fd", "kd")]
    first, second = (_of_prompts(side, prompts) for side in (first, second))
    count = min(BLOCKS, n)
    blocks = [_blocks(side.groups, prompts, count) for side in (first, second, reference)]
    share = np.mean([np.bincount(of_side, minlength=count) / len(of_side) for of_side in blocks], axis=0)
    differences = []
    statistics = (("fd", _frechet_difference(first, second, reference)), ("kd", _kernel_difference(first, second, reference)))
    for measure, statistic in statistics:
        estimate = jackknife_of_blocks(_without(statistic, blocks), share, correct_bias=measure == "fd")
        differences.append(_difference(measure, estimate, n, backend))
    return differences


def _of_prompts(side: Features, prompts: Sequence[str]) -> Features:
    """The rows of some prompts."""
    wanted = set(prompts)
    kept = [row for row, prompt in enumerate(side.groups) if prompt in wanted]
    return Features(side.values[kept], [side.groups[row] for row in kept])


def _blocks(groups: Sequence[str], prompts: Sequence[str], count: int) -> np.ndarray:
    """The block (N,) of each row: that of its prompt; rows of other prompts are divided evenly, in their order."""
    own = {prompt: index * count // len(prompts) for index, prompt in enumerate(prompts)}
    others = list(dict.fromkeys(group for group in groups if group not in own))
    own |= {group: index * count // len(others) for index, group in enumerate(others)}
    return np.array([own[group] for group in groups], dtype=np.intp)


def _without(statistic: Callable[[Rows], float], blocks: Sequence[np.ndarray]) -> Callable[[int | None], float]:
    def value(block: int | None) -> float:
        first, second, reference = (np.flatnonzero(of_side != block) for of_side in blocks)
        return statistic((first, second, reference))

    return value


def _frechet_difference(first: Features, second: Features, reference: Features) -> Callable[[Rows], float]:
    a, b, r = first.values, second.values, reference.values
    return lambda rows: frechet_distance(a[rows[0]], r[rows[2]]) - frechet_distance(b[rows[1]], r[rows[2]])


def _kernel_difference(first: Features, second: Features, reference: Features) -> Callable[[Rows], float]:
    """The difference of two unbiased squared MMDs as a function of the rows that are kept. What is within the reference set cancels."""
    index = {prompt: number for number, prompt in enumerate(dict.fromkeys([*first.groups, *second.groups, *reference.groups]))}
    sides = [(side.values, np.array([index[group] for group in side.groups])) for side in (first, second)]
    values_r, prompts_r = reference.values, np.array([index[group] for group in reference.groups])
    terms = [
        (
            polynomial_kernel(values, values),
            from_different_groups(of_rows, of_rows),
            polynomial_kernel(values, values_r),
            from_different_groups(of_rows, prompts_r),
        )
        for values, of_rows in sides
    ]

    def difference(rows: Rows) -> float:
        parts = []
        for (within, use_within, across, use_across), kept in zip(terms, rows[:2], strict=True):
            inside, cross = np.ix_(kept, kept), np.ix_(kept, rows[2])
            parts.append(within[inside][use_within[inside]].mean() - 2.0 * across[cross][use_across[cross]].mean())
        return float(parts[0] - parts[1])

    return difference


def _difference(measure: str, estimate: JackknifeEstimate, n_prompts: int, backend: str) -> SetDifference:
    error = estimate.standard_error
    p = float(2 * stdtr(estimate.blocks - 1, -abs(estimate.value) / error)) if error > 0 else None
    return SetDifference(
        measure=measure,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        p=p,
        n_prompts=n_prompts,
        backend=backend,
        method=f"by-prompt/{estimate.method}",
        remark=_prompts_needed(estimate, n_prompts),
    )


def _prompts_needed(estimate: JackknifeEstimate, n_prompts: int) -> str:
    """From about how many prompts a difference of this size would show: the width of an interval falls with the root of their number."""
    half = estimate.high - estimate.value
    if abs(estimate.value) > half or half == 0:
        return ""
    needed = n_prompts * (half / abs(estimate.value)) ** 2 if estimate.value else float("inf")
    if needed > MOST_PROMPTS:
        return f"a difference as small as this would take more than {MOST_PROMPTS} prompts to show"
    return f"a difference of this size would show from about {2 * round(needed / 2 + 0.5)} prompts"
