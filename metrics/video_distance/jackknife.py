"""The delete-block jackknife of a distance of two sets: it removes the 1/N bias and gives an interval.

A percentile bootstrap of a Fréchet distance is invalid (resampled sets repeat rows, which increases the same bias), so blocks of whole
prompts are left out instead (of whole clips, where prompts are not known), the same share of both sets at a time. Clips of one prompt are
not independent: in different blocks, they would make the interval too narrow. A prompt of both sets is in the same block on both sides, so
that what the sets have in common cancels (two equal sets are at distance 0 with an interval of width 0).
Quenouille 1956, Tukey 1958; unequal blocks after Busing et al. 1999.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

BLOCKS = 16
MIN_CLIPS = 4


@dataclass(frozen=True)
class JackknifeEstimate:
    """A jackknife estimate with its interval.

    Attributes:
        value: The estimate; with the first-order bias removed where that was asked for.
        low: The lower bound of the two-sided interval.
        high: Its upper bound.
        standard_error: The standard error of the estimate.
        plug_in: The statistic of all rows.
        blocks: The number of blocks.
        method: The name of the method, with the number of blocks and the level.
    """

    value: float
    low: float
    high: float
    standard_error: float
    plug_in: float
    blocks: int
    method: str


def group_index(groups: Sequence[Hashable]) -> np.ndarray:
    """Number (N,) of the group of each row, counted by first appearance.

    Args:
        groups: The prompt, or the clip, of each of N rows.

    Returns:
        (N,) integers from 0.

    >>> group_index(["b", "b", "a", "b"])
    array([0, 0, 1, 0])
    """
    order: dict[Hashable, int] = {}
    return np.array([order.setdefault(name, len(order)) for name in groups], dtype=np.intp)


def block_indices(groups_x: Sequence[Hashable], groups_y: Sequence[Hashable], blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of the block of each row of two sets: a group of both sets is in one block, and blocks are as equal as that allows.

    Args:
        groups_x: The prompt, or the clip, of each of N rows of one set.
        groups_y: The same of M rows of the other set.
        blocks: The number of blocks, at most that of the groups of either set.

    Returns:
        (N,) and (M,) integers 0..blocks-1, in the order of the groups. No block is empty in a set.

    >>> block_indices(["b", "a", "c", "d"], ["u", "v", "w", "x"], 2)
    (array([0, 0, 1, 1]), array([0, 0, 1, 1]))
    >>> block_indices(["b", "c", "d"], ["a", "b", "c", "d"], 3)
    (array([0, 1, 2]), array([0, 0, 1, 2]))
    """
    in_y = set(groups_y)
    shared = [group for group in dict.fromkeys(groups_x) if group in in_y]
    block_of = {group: index * blocks // len(shared) for index, group in enumerate(shared)}
    return _with_own_groups(groups_x, block_of, blocks), _with_own_groups(groups_y, block_of, blocks)


def _with_own_groups(groups: Sequence[Hashable], block_of: Mapping[Hashable, int], blocks: int) -> np.ndarray:
    """The block of each row of a set, whose groups that the other set lacks fill up the smallest blocks."""
    own = [group for group in dict.fromkeys(groups) if group not in block_of]
    sizes = np.bincount(np.array([*block_of.values()], dtype=np.intp), minlength=blocks)
    places = []
    for _ in own:
        places.append(int(sizes.argmin()))
        sizes[places[-1]] += 1
    blocks_of = {**block_of, **dict(zip(own, sorted(places), strict=True))}
    return np.array([blocks_of[group] for group in groups], dtype=np.intp)


def jackknife(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    groups_x: Sequence[Hashable],
    groups_y: Sequence[Hashable],
    *,
    correct_bias: bool = True,
    level: float = 0.95,
) -> JackknifeEstimate:
    """Jackknife a statistic of two sets.

    At most 16 blocks, at most as many as the smaller set has groups (:func:`jackknife_of_blocks`).

    Args:
        statistic: A function of the row numbers that are kept of each set.
        groups_x: The prompt, or the clip, of each row of one set.
        groups_y: The same for the other set.
        correct_bias: Whether to remove the bias; False for statistics without bias.
        level: Coverage of the interval.

    Returns:
        The estimate and its interval (Quenouille 1956, Tukey 1958; Busing et al. 1999 for unequal blocks).

    Raises:
        ValueError: If a set has fewer than 4 groups.

    >>> x = np.array([1.0, 2.0, 3.0, 4.0]); y = np.zeros(4)
    >>> result = jackknife(lambda i, j: float((x[i].mean() - y[j].mean()) ** 2), range(4), range(4))
    >>> result.plug_in, round(result.value, 4)       # 6.25 minus the variance of the mean, 5/12
    (6.25, 5.8333)
    """
    groups = min(len(set(groups_x)), len(set(groups_y)))
    if groups < MIN_CLIPS:
        raise ValueError(f"the jackknife needs at least {MIN_CLIPS} clips or prompts in each set")
    count = min(BLOCKS, groups)
    block_x, block_y = block_indices(groups_x, groups_y, count)
    share = (np.bincount(block_x) / len(block_x) + np.bincount(block_y) / len(block_y)) / 2

    def without(block: int | None) -> float:
        return statistic(np.flatnonzero(block_x != block), np.flatnonzero(block_y != block))

    return jackknife_of_blocks(without, share, correct_bias=correct_bias, level=level)


def jackknife_of_blocks(
    without: Callable[[int | None], float], share: np.ndarray, *, correct_bias: bool = True, level: float = 0.95
) -> JackknifeEstimate:
    """Jackknife a statistic from its values without each block.

    With B blocks, f_b the share of the data that block b holds, T the plug-in value and T_b the value without the block:
    value = B T - sum (1 - f_b) T_b, and with pseudo-values P_b = T / f_b - (1 / f_b - 1) T_b the variance is
    mean (P_b - value)^2 / (1 / f_b - 1). The interval is Student's on B - 1 degrees of freedom (Busing et al. 1999).

    Args:
        without: The statistic of all data but one block, by the number of the block; of all data for None.
        share: (B,) share 0..1 of the data in each block.
        correct_bias: Whether to remove the bias; False for statistics without bias.
        level: Coverage of the interval.

    Returns:
        The estimate and its interval.

    >>> x = np.array([1.0, 2.0, 3.0, 6.0])
    >>> mean = jackknife_of_blocks(lambda block: float(np.delete(x, [] if block is None else block).mean()), np.full(4, 0.25))
    >>> mean.value, round(mean.standard_error, 3), round(float(x.std(ddof=1) / 2), 3)
    (3.0, 1.08, 1.08)
    """
    count = len(share)
    plug_in = without(None)
    left = np.array([without(block) for block in range(count)])
    corrected = count * plug_in - float(((1 - share) * left).sum())
    pseudo = plug_in / share - (1 / share - 1) * left
    error = math.sqrt(float(np.mean((pseudo - corrected) ** 2 / (1 / share - 1))))
    half = float(stdtrit(count - 1, 0.5 + level / 2)) * error
    value = corrected if correct_bias else plug_in
    return JackknifeEstimate(value, value - half, value + half, error, plug_in, count, f"delete-block-jackknife{count}/t{100 * level:g}")
