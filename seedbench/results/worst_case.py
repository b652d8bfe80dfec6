"""The second aggregate of a measure: the mean with every missing answer counted as the worst possible value."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from seedbench.results.intervals import Estimate, mean_interval


def worst_value(direction: str, low: float | None, high: float | None, observed: Sequence[float]) -> float | None:
    """The value that a missing answer counts as: the worst possible one, or the worst one observed where the measure is unbounded.

    Args:
        direction: That of the measure: ``up``, ``down``, ``zero`` or ``none``.
        low: The least value possible, None for no bound.
        high: The largest value possible, None for no bound.
        observed: The values of the clips that have an answer.

    Returns:
        The worst value; for ``zero`` its distance from 0. None for ``none``, and where there are neither bounds nor values.

    Raises:
        ValueError: ``direction`` is none of the four.

    >>> worst_value("up", 0.0, None, [0.7, 0.9]), worst_value("down", 0.0, None, [0.7, 0.9]), worst_value("zero", None, None, [-80.0, 40.0])
    (0.0, 0.9, 80.0)
    """
    seen = list(observed)
    if direction == "up":
        return low if low is not None else min(seen, default=None)
    if direction == "down":
        return high if high is not None else max(seen, default=None)
    if direction == "zero":
        bounds = [abs(bound) for bound in (low, high) if bound is not None]
        return max(bounds) if len(bounds) == 2 else max((abs(value) for value in seen), default=None)
    if direction == "none":
        return None
    raise ValueError(f"{direction!r} is not the direction of a measure: up, down, zero or none")


def worst_case_mean(
    values: Sequence[float | None], clusters: Sequence[Hashable], *, worst: float | None, direction: str = "", level: float = 0.95
) -> Estimate:
    """The mean over prompts in which every missing answer counts as the worst value, so that giving no answer never helps.

    Args:
        values: One for each clip; None where there is no answer.
        clusters: The prompt of each clip.
        worst: What a missing answer counts as (see :func:`worst_value`); None: there is no mean where an answer is missing.
        direction: For ``zero`` the absolute values are averaged, since signed ones would cancel.
        level: The confidence level of the interval, 0..1.

    Returns:
        The mean with the interval of :func:`seedbench.results.intervals.mean_interval`.

    Raises:
        ValueError: A value is not finite, or ``values`` and ``clusters`` differ in length.

    >>> worst_case_mean([0.8, None], ["a", "b"], worst=0.0).value
    0.4
    """
    missing = any(value is None for value in values)
    if missing and worst is None:
        return Estimate(None, None, None, len(values), len(set(clusters)), "no-answer-is-worst/mean-over-prompts")
    charged = [worst if value is None else value for value in values]
    numbers = [value for value in charged if value is not None]
    if direction == "zero":
        numbers = [abs(value) for value in numbers]
    estimate = mean_interval(numbers, clusters, level)
    return replace(estimate, method=f"no-answer-is-worst/{estimate.method}")
