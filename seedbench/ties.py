"""Ties: which of several values is chosen that are equal except for rounding.

The last bits of a sum depend on the order in which a processor's kernels, or several threads, add. Where two values are equal by nature
(two models with the same record, a distance that is the same at all times), a plain argmin, argmax or sort chooses by the rounding, and
another processor chooses another one. The functions here count values within a stated tolerance as equal, and choose by index.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def first_least(values: Sequence[float] | np.ndarray, *, tolerance: float) -> int:
    """Index of the first of ``values`` (n,) that is within ``tolerance`` of the least. ValueError for none.

    >>> first_least([2.0, 1.0 + 1e-12, 1.0], tolerance=1e-9)
    1
    """
    array = np.asarray(values, np.float64)
    return int(np.argmax(array <= array.min() + tolerance))


def first_least_of_rows(values: np.ndarray, *, tolerance: float) -> np.ndarray:
    """For each row, the last axis of ``values`` (..., n), the place of the first value within ``tolerance`` of the row's least.

    >>> first_least_of_rows(np.array([[2.0, 1.0 + 1e-12, 1.0], [0.0, 1.0, 2.0]]), tolerance=1e-9).tolist()
    [1, 0]
    """
    return np.asarray(np.argmax(values <= values.min(-1, keepdims=True) + tolerance, axis=-1))


def first_greatest(values: Sequence[float] | np.ndarray, *, tolerance: float) -> int:
    """Index of the first of ``values`` (n,) that is within ``tolerance`` of the greatest. ValueError for none.

    >>> first_greatest([0.0, 1.0 - 1e-12, 1.0], tolerance=1e-9)
    1
    """
    return first_least(-np.asarray(values, np.float64), tolerance=tolerance)


def middle_least(values: Sequence[float] | np.ndarray, *, tolerance: float) -> int:
    """Index in the middle of the first run of neighbours in ``values`` (n,) within ``tolerance`` of the least. ValueError for none.

    >>> middle_least([3.0, 1.0, 1.0, 1.0, 3.0, 1.0], tolerance=1e-9)
    2
    """
    array = np.asarray(values, np.float64)
    near = array <= array.min() + tolerance
    start = int(np.argmax(near))
    length = int(np.argmin(np.append(near[start:], False)))
    return start + (length - 1) // 2


def rising_order(values: Sequence[float] | np.ndarray, *, tolerance: float) -> list[int]:
    """Indices of ``values`` (n,) from the least to the greatest. Neighbours in that order at most ``tolerance`` apart count as equal and
    keep their order.

    >>> rising_order([2.0, 1.0 + 1e-12, 1.0], tolerance=1e-9)
    [1, 2, 0]
    """
    array = np.asarray(values, np.float64)
    order = np.argsort(array, kind="stable")
    group = np.concatenate([[0], np.cumsum(np.diff(array[order]) > tolerance)])[: len(order)]
    return order[np.lexsort((order, group))].tolist()


def falling_order(values: Sequence[float] | np.ndarray, *, tolerance: float) -> list[int]:
    """Indices of ``values`` (n,) from the greatest to the least, ties as in :func:`rising_order`.

    >>> falling_order([1.0, 2.0, 2.0 + 1e-12], tolerance=1e-9)
    [1, 2, 0]
    """
    return rising_order(-np.asarray(values, np.float64), tolerance=tolerance)
