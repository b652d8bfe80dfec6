"""What a set metric returns when two generators are compared over the prompts that both have clips of."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SetDifference:
    """By how much one set of clips is further from the reference set than another, under one measure.

    Attributes:
        measure: the name of the measure.
        value: first less second, in the unit of the measure; None with a ``reason`` where there is none.
        low, high: its 95% confidence interval; both None where there is no value.
        p: the two-sided p-value of "they are equally far", 0..1; None where there was no test.
        n_prompts: how many prompts both sets have clips of.
        backend: the method that gave the value, as in a score.
        method: how value, interval and p-value were computed.
        reason: why there is no value.
        remark: what the reader should know of a value, such as how many prompts it would take to show a difference of this size.

    Raises:
        ValueError: there is neither a value nor a reason, or a number is not finite.
    """

    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n_prompts: int
    backend: str = ""
    method: str = ""
    reason: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.measure}: a difference without a value needs a reason")
        if not all(number is None or math.isfinite(number) for number in (self.value, self.low, self.high, self.p)):
            raise ValueError(f"{self.measure}: a number of its difference is not finite; give no value, with a reason")
