"""Which moment of a motion is shown when: the ways in which edited and generated clips pass through a motion at an uneven pace.

Each function takes the times (T,) at which pictures are shown and gives the moments (T,) of the original to show there. Both are in
seconds and ascending. Moments outside ``span_s`` are as they were, moved so that nothing jumps. Pure functions of arrays.
"""

from __future__ import annotations

import numpy as np

WOBBLE_PERIOD_S = 0.5
"""Period of :func:`wobbled`, in seconds."""

Span = tuple[float, float]
"""The beginning and the end of a motion, in seconds."""


def eased(time_s: np.ndarray, amount: float, *, span_s: Span | None = None) -> np.ndarray:
    """A slow start and a slow end, as animation programs make them; the length stays.

    Args:
        time_s: (T,) ascending.
        amount: 0..1. The speed is 1 - ``amount`` at both ends and 1 + ``amount`` / 2 in the middle; 1 is the curve 3 u^2 - 2 u^3.
        span_s: the motion; None: all of ``time_s``.

    >>> eased(np.linspace(0, 1, 5), 1.0).round(3).tolist()
    [0.0, 0.156, 0.5, 0.844, 1.0]
    """
    start, length, u = _share_of_span(time_s, span_s)
    return np.where((u > 0) & (u < 1), start + length * ((1 - amount) * u + amount * (3 * u**2 - 2 * u**3)), time_s)


def ramped(time_s: np.ndarray, ratio: float, *, span_s: Span | None = None) -> np.ndarray:
    """A speed that changes steadily from beginning to end; the length stays.

    Args:
        time_s: (T,) ascending.
        ratio: speed at the end over speed at the beginning, above 0; their mean is 1.
        span_s: the motion; None: all of ``time_s``.

    >>> ramped(np.linspace(0, 1, 5), 3.0).round(3).tolist()
    [0.0, 0.156, 0.375, 0.656, 1.0]
    """
    start, length, u = _share_of_span(time_s, span_s)
    first = 2.0 / (1.0 + ratio)
    return np.where((u > 0) & (u < 1), start + length * (first * u + (1.0 - first) * u**2), time_s)


def wobbled(time_s: np.ndarray, depth: float, *, span_s: Span | None = None) -> np.ndarray:
    """A speed that goes up and down like a sine, once in :data:`WOBBLE_PERIOD_S`; the length stays to within a fraction of a period.

    Args:
        time_s: (T,) ascending.
        depth: 0..1. The speed lies between 1 - ``depth`` and 1 + ``depth``.
        span_s: the motion; None: all of ``time_s``.

    >>> wobbled(np.array([0.0, 0.125, 0.25, 0.5]), 0.5).round(3).tolist()
    [0.0, 0.165, 0.25, 0.5]
    """
    _, length, u = _share_of_span(time_s, span_s)
    turns = max(1.0, round(length / WOBBLE_PERIOD_S))
    return time_s + depth * length / (2 * np.pi * turns) * np.sin(2 * np.pi * turns * np.clip(u, 0, 1))


def paused(time_s: np.ndarray, pause_s: float, *, span_s: Span | None = None) -> np.ndarray:
    """A motion that stands still in the middle of ``span_s`` and then goes on; what was shown in the last ``pause_s`` seconds is lost.

    Args:
        time_s: (T,) ascending.
        pause_s: seconds.
        span_s: the motion; None: all of ``time_s``.

    >>> paused(np.arange(6.0), 2.0, span_s=(0.0, 4.0)).tolist()
    [0.0, 1.0, 2.0, 2.0, 2.0, 3.0]
    """
    start, length, _ = _share_of_span(time_s, span_s)
    return time_s - np.clip(time_s - (start + length / 2), 0.0, pause_s)


def cut_out(time_s: np.ndarray, missing_s: float, *, span_s: Span | None = None) -> np.ndarray:
    """A motion out of whose middle a part is cut; the result is shorter by that part.

    Args:
        time_s: (T,) ascending.
        missing_s: seconds.
        span_s: the motion; None: all of ``time_s``.

    Returns:
        At most T moments; at least one.

    >>> cut_out(np.arange(6.0), 2.0).tolist()
    [0.0, 1.0, 4.0, 5.0]
    """
    start, length, _ = _share_of_span(time_s, span_s)
    moved = np.where(time_s > start + (length - missing_s) / 2 + 1e-9, time_s + missing_s, time_s)
    kept = moved <= time_s[-1] + 1e-9
    kept[0] = True
    return np.asarray(moved[kept])


def nearest_pictures(time_s: np.ndarray, moments_s: np.ndarray) -> np.ndarray:
    """The picture nearest to each moment; the earlier of two equally near.

    Args:
        time_s: (T,) when pictures are shown, ascending.
        moments_s: (N,) moments to show.

    Returns:
        (N,) numbers from 0.

    >>> nearest_pictures(np.arange(4.0), np.array([-1.0, 0.4, 0.5, 0.6, 9.0])).tolist()
    [0, 0, 0, 1, 3]
    """
    middles = (time_s[1:] + time_s[:-1]) / 2
    return np.searchsorted(middles + 1e-9, moments_s, side="left")


def _share_of_span(time_s: np.ndarray, span_s: Span | None) -> tuple[float, float, np.ndarray]:
    """Beginning and length of the span, and the share of it (T,) that has passed at each time: below 0 before it, above 1 after it."""
    start, end = span_s if span_s is not None else (float(time_s[0]), float(time_s[-1]))
    length = end - start
    return start, length, (time_s - start) / length if length > 0 else np.zeros(len(time_s))
