"""The second aggregate of a measure: the mean with every missing answer counted as the worst possible value."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from seedbench.results.intervals import Estimate, mean_interval


def worst_value(direction: str, low: float | None, high: float | None, observed: Sequence[float]) -> float | None:
    """The value a missing answer is charged with: the worst possible one, or the worst one seen where the measure is unbounded.

    ``direction`` is that of a measure (``up``, ``down``, ``zero``, ``none``); ``none`` and an empty unbounded sample give None.

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
    raise ValueError(f"{direction!r} is no direction of a measure")


def worst_case_mean(
    values: Sequence[float | None], clusters: Sequence[Hashable], *, worst: float | None, direction: str = "", level: float = 0.95
) -> Estimate:
    """The second aggregate: ``values`` with None charged as ``worst`` (see :func:`worst_value`), so that no answer is never a gain.

    For ``direction="zero"`` the absolute values are averaged, since signed ones would cancel. ``worst=None`` gives no value.

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
    found = mean_interval(numbers, clusters, level)
    return replace(found, method=f"no-answer-is-worst/{found.method}")
