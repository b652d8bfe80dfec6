"""The contract of a metric: what it declares, what it is given, what it gives back.

A *clip metric* scores one clip; a *set metric* embeds each clip and compares two sets.
"No answer" is ``Score.none(...)`` with a reason; it is never 0, 1, NaN or a missing row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from seedbench.plugins.evidence import Panel

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip
    from seedbench.suites.prompt import Prompt

Status = Literal["scored", "unscored", "failed"]
Direction = Literal["up", "down", "zero", "none"]

OFFSET_SIGN = "positive: sound early (before the picture), negative: sound late, as in ITU-R BT.1359"
"""The sign of every offset between sound and picture; a measure of one states it as its ``sign``."""
OFFSET_AXIS = "offset (ms; positive: sound early)"
"""The label of every axis of such offsets."""

#: What a prompt must state for a metric that needs it, and all that a metric can need.
PROMPT_NEEDS = frozenset({"speech", "cast", "shots", "events", "music", "text_in_frame"})
NEEDS = PROMPT_NEEDS | {"video", "audio"}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number a metric gives.

    ``direction``: ``up`` more is better, ``down`` less is better, ``zero`` the nearer to 0 the better, ``none`` descriptive.
    ``low``/``high`` bound the possible values (None: unbounded). ``sign`` states what a positive value means; a signed time between sound
    and picture is stated by :data:`OFFSET_SIGN`.
    ``headline`` measures stand in the summary table; the others only in the drill-down and the files.
    ``rate`` marks a 0/1 value whose mean is a share (Clopper-Pearson interval).
    """

    name: str
    title: str
    unit: str
    direction: Direction
    meaning: str
    low: float | None = None
    high: float | None = None
    sign: str = ""
    headline: bool = False
    rate: bool = False

    @property
    def averaged_range(self) -> tuple[float | None, float | None]:
        """Bounds of what is averaged: of the values, or of their sizes where 0 is the ideal.

        >>> Measure(name="o", title="O", unit="ms", direction="zero", meaning="", low=-600.0, high=400.0).averaged_range
        (0.0, 600.0)
        """
        if self.direction != "zero":
            return self.low, self.high
        return 0.0, None if self.low is None or self.high is None else max(abs(self.low), abs(self.high))


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a metric says of itself; ``seedbench metrics NAME`` prints it.

    ``needs``: of ``video``, ``audio`` (streams the clip must have) and of the prompt fields ``speech``, ``cast``,
    ``shots``, ``events``, ``music``, ``text_in_frame`` (an expectation the prompt must state; without it the harness
    does not call the metric on that prompt: the metric is not applicable, which is no row at all for suites, and
    ``Score.none`` from ``seedbench score``).
    ``version`` is raised whenever the same clip may get another number. ``min_n`` clips are needed for a summary.
    ``default_rank`` is given by metrics that run when nobody names any: the column order in reports, lower first; None: only on request.
    ``libraries`` names the installed distributions whose version may change a number; a run writes their versions down.
    """

    name: str
    title: str
    meaning: str
    citation: str
    version: int
    measures: tuple[Measure, ...]
    needs: frozenset[str] = frozenset({"video"})
    min_n: int = 1
    weights: tuple[str, ...] = ()
    default_rank: int | None = None
    libraries: tuple[str, ...] = ()

    def measure(self, name: str) -> Measure:
        """The measure called ``name``; KeyError if the metric does not declare it."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"{self.name} declares no measure {name!r}")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One number, or no number with a reason.

    ``backend`` names the protocol (``facemesh-cca1``, ``fvd2048_16f``): values of different backends are never pooled.
    ``n_used``/``n_total`` count what the value rests on (frames, windows, clips), in words of the metric.
    """

    measure: str
    value: float | None
    status: Status
    reason: str = ""
    backend: str = ""
    n_used: int | None = None
    n_total: int | None = None
    interval: tuple[float, float] | None = None
    evidence: tuple[Panel, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) == (self.status == "scored"):
            raise ValueError("a scored measure has a value, an unscored or failed one has none")
        if self.value is None and not self.reason:
            raise ValueError("no answer needs a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.measure}: {self.value} is not a value; use Score.none with a reason")

    @classmethod
    def of(cls, measure: str, value: float, *, backend: str, **more: Any) -> Score:
        """A score with a value."""
        return cls(measure=measure, value=float(value), status="scored", backend=backend, **more)

    @classmethod
    def none(cls, measure: str, reason: str, *, backend: str = "", **more: Any) -> Score:
        """No answer, and why: one short clause for the reader (``"no face in 92% of frames"``)."""
        return cls(measure=measure, value=None, status="unscored", reason=reason, backend=backend, **more)

    @classmethod
    def failed(cls, measure: str, reason: str, *, backend: str = "") -> Score:
        """The metric itself broke down on this clip; counted apart from "no answer"."""
        return cls(measure=measure, value=None, status="failed", reason=reason, backend=backend)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What is known of a clip besides its bytes. ``prompt`` is None for loose files scored without a suite."""

    prompt: Prompt | None = None
    generator: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class Features:
    """Embeddings of a set of clips: ``values`` (N, D) float64, ``groups`` (N,) the clip each row came from."""

    values: np.ndarray
    groups: Sequence[str]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.groups) != len(self.values):
            raise ValueError("values must be (N, D) with one group a row")


class Metric:
    """A clip metric. Subclasses set ``info`` and implement ``score``; construction is cheap, models load on first use."""

    info: ClassVar[MetricInfo]

    @classmethod
    def missing_requirements(cls) -> tuple[str, ...]:
        """What this machine lacks for some of its clips, besides weights; ``seedbench doctor`` shows it.

        Returns:
            Sentences that say what is missing, for what, and how to install it. Empty: nothing is missing.
        """
        return ()

    def score(self, clip: Clip, sample: Sample) -> Score | list[Score]:
        """Score one clip: one Score for each declared measure, in any order. Raise nothing for a bad clip: say none."""
        raise NotImplementedError

    def none(self, reason: str, *, backend: str = "", **more: Any) -> list[Score]:
        """No answer for every measure of this metric, for one reason."""
        return [Score.none(measure.name, reason, backend=backend, **more) for measure in self.info.measures]


class SetMetric:
    """A set metric: embeds each clip once (cached by content), then compares two sets."""

    info: ClassVar[MetricInfo]

    @classmethod
    def missing_requirements(cls) -> tuple[str, ...]:
        """What this machine lacks for some of its clips, besides weights; ``seedbench doctor`` shows it.

        Returns:
            Sentences that say what is missing, for what, and how to install it. Empty: nothing is missing.
        """
        return ()

    def embed(self, clip: Clip) -> np.ndarray:
        """Embedding (n, D) of one clip; n may be 0 when the clip is too short. Units and D are the metric's own."""
        raise NotImplementedError

    def compare(self, generated: Features, reference: Features) -> Score | list[Score]:
        """Distance of two sets of embeddings, as scores with intervals."""
        raise NotImplementedError


def applies(info: MetricInfo, prompt: Prompt | None) -> bool:
    """Whether a metric has anything to say about a prompt: the prompt states each expectation the metric needs.

    A loose file (no prompt) is given to every metric, and the metric decides.
    """
    if prompt is None:
        return True
    return all(bool(getattr(prompt, need)) for need in info.needs & PROMPT_NEEDS)


def prompt_for_metrics(prompt: Prompt) -> Prompt | None:
    """The prompt as metrics see it: None for clips that were imported without a suite, of which nothing is known."""
    return None if prompt.task == "unknown" else prompt
