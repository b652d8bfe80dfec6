"""The contract of a metric: what it declares, what it receives, what it returns.

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
from seedbench.plugins.requirements import Requirements
from seedbench.plugins.set_difference import SetDifference

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip
    from seedbench.suites.prompt import Prompt

Status = Literal["scored", "unscored", "failed"]
Direction = Literal["up", "down", "zero", "none"]

OFFSET_SIGN = "positive: sound early (before the picture), negative: sound late, as in ITU-R BT.1359"
"""The sign of every offset between sound and picture; a measure of one states it as its ``sign``."""
OFFSET_AXIS = "offset (ms; positive: sound early)"
"""The label of every axis of such offsets."""

#: What a metric can need a prompt to state; NEEDS adds the streams that it can need.
PROMPT_NEEDS = frozenset({"speech", "cast", "people", "shots", "events", "motion", "music", "text_in_frame"})
NEEDS = PROMPT_NEEDS | {"video", "audio"}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number that a metric measures.

    Attributes:
        name: unique within the metric; at most 100 characters.
        title: a short name for tables and charts.
        unit: of the value, such as ``ms``; "" for a number without one.
        direction: ``up``: more is better; ``down``: less is better; ``zero``: nearer to 0 is better; ``none``: neither, it describes.
        meaning: one sentence that explains the number.
        low, high: the bounds of the possible values; None: no bound.
        sign: what a positive and a negative value mean; :data:`OFFSET_SIGN` for a time between sound and picture.
        headline: whether it is in the summary table; others are only in the details of a clip and in files.
        rate: whether each value is 0 or 1, so that the mean is a share (with a Clopper-Pearson interval).
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
        """The bounds of what a summary averages: of the values, or of their absolute values where ``direction`` is ``zero``.

        >>> Measure(name="o", title="O", unit="ms", direction="zero", meaning="", low=-600.0, high=400.0).averaged_range
        (0.0, 600.0)
        """
        if self.direction != "zero":
            return self.low, self.high
        return 0.0, None if self.low is None or self.high is None else max(abs(self.low), abs(self.high))


@dataclass(frozen=True, kw_only=True)
class MetricInfo:
    """What a metric declares; ``seedbench metrics NAME`` prints it.

    Attributes:
        name: the name of its entry point; at most 100 characters.
        title: a short name for tables.
        meaning: one sentence that explains the metric.
        citation: the paper or the repository of its method.
        version: a whole number from 1, raised whenever the same clip may get another value.
        measures: the numbers that it measures, at least one.
        needs: the streams that a clip must have (``video``, ``audio``), and what a prompt must state (``speech``, ``cast``, ``shots``,
            ``events``, ``music``, ``text_in_frame``; ``people`` and ``motion``: a cast, or events, or nothing of what is
            seen and heard, so that people may be seen, or bodies may move freely).
            On other prompts the metric is not applicable: a run has no score of it, and ``seedbench score`` has one without a value.
        min_n: how many clips a summary needs.
        weights: the names of the model weights that it uses, from lists of weights.
        default_rank: given by a metric that runs when no metric is named: its place among the columns of reports, lower first.
        libraries: the installed distributions whose version may change a value; a run records their versions.
        limits: what its numbers do not say, in one or two sentences; shown wherever they are. Empty: nothing beyond ``meaning``.
        primary: the name of the measure that generators are tested by, where it has answers; empty: the first headline measure with a
            direction. All others are described and explored, never claimed.
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
    limits: str = ""
    primary: str = ""

    @property
    def testable(self) -> tuple[Measure, ...]:
        """The headline measures with a direction, the primary one first: generators are tested by the first of them that has answers."""
        measures = [measure for measure in self.measures if measure.headline and measure.direction != "none"]
        return tuple(sorted(measures, key=lambda measure: measure.name != self.primary))

    def measure(self, name: str) -> Measure:
        """The measure of a name.

        Args:
            name: the name of a measure.

        Returns:
            The measure as declared.

        Raises:
            KeyError: the metric declares no measure of that name.
        """
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(f"{self.name} declares no measure {name!r}")


@dataclass(frozen=True, kw_only=True)
class Score:
    """One value of a measure, or no value with a reason. Use :meth:`of`, :meth:`none` or :meth:`failed` to make one.

    Attributes:
        measure: the name of the measure.
        value: a finite number in the unit of the measure; None unless ``status`` is ``scored``.
        status: ``scored``; ``unscored``: there is no answer for this clip; ``failed``: the metric broke down.
        reason: why there is no value; needed where there is none. Of a set's value without an interval: why there is no interval.
        backend: the method that gave the value, such as ``facemesh-cca1`` or ``fvd2048_16f``; at most 100 characters. Values of different
            backends are never averaged or compared.
        n_used, n_total: how many frames, windows or clips the value was computed from, and how many there were.
        interval: a 95% confidence interval (low, high) of this value.
        evidence: panels that a report draws to explain the value.
        details: anything else to keep with the score, as JSON.

    Raises:
        ValueError: status, value and reason contradict each other, or the value is not finite.
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
            raise ValueError("a scored measure must have a value, an unscored or failed one must have none")
        if self.value is None and not self.reason:
            raise ValueError("a score without a value needs a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.measure}: the value {self.value} is not finite; use Score.none with a reason")

    @classmethod
    def of(cls, measure: str, value: float, *, backend: str, **more: Any) -> Score:
        """A score with a value.

        Args:
            measure: the name of the measure.
            value: a finite number in the unit of the measure.
            backend: the method that gave the value, such as ``facemesh-cca1``.
            more: other attributes, such as ``n_used`` or ``evidence``.

        Returns:
            A score with the status ``scored``.

        Raises:
            ValueError: the value is not finite.
        """
        return cls(measure=measure, value=float(value), status="scored", backend=backend, **more)

    @classmethod
    def none(cls, measure: str, reason: str, *, backend: str = "", **more: Any) -> Score:
        """A score without a value: there is no answer for this clip.

        Args:
            measure: the name of the measure.
            reason: why there is no answer, a short clause such as ``"no face in 92% of frames"``.
            backend: the method that was used; "" where none was.
            more: other attributes, such as ``n_total`` or ``details``.

        Returns:
            A score with the status ``unscored``.

        Raises:
            ValueError: the reason is empty.
        """
        return cls(measure=measure, value=None, status="unscored", reason=reason, backend=backend, **more)

    @classmethod
    def failed(cls, measure: str, reason: str, *, backend: str = "") -> Score:
        """A score without a value: the metric broke down on this clip. Reports count it apart from :meth:`none`.

        Args:
            measure: the name of the measure.
            reason: what failed, a short clause.
            backend: the method that was used; "" where none was.

        Returns:
            A score with the status ``failed``.

        Raises:
            ValueError: the reason is empty.
        """
        return cls(measure=measure, value=None, status="failed", reason=reason, backend=backend)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What is known of a clip besides its content.

    Attributes:
        prompt: the prompt that it was made for; None for a file that is scored without a suite.
        generator: the label of its generator; "" if not known.
        seed: None if not known.
    """

    prompt: Prompt | None = None
    generator: str = ""
    seed: int | None = None


@dataclass(frozen=True)
class Features:
    """The embeddings of a set of clips.

    Attributes:
        values: (N, D) float64, one embedding in each row.
        groups: the prompt of each row (N,), or its clip where prompts are not known; rows of one group are not independent.

    Raises:
        ValueError: the shapes do not fit.
    """

    values: np.ndarray
    groups: Sequence[str]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.groups) != len(self.values):
            raise ValueError("values must be (N, D), with one group for each row")


class Metric(Requirements):
    """A clip metric: subclass it, and define ``info`` and :meth:`score`. Construction must be cheap: load models at their first use.

    Attributes:
        info: what the metric declares; one constant of the class.
        validation: ``module:attribute`` of its :class:`~seedbench.plugins.validation.ValidationProtocol`; "" for none. It is imported by
            ``seedbench validate`` alone, and not part of the metric's code digest.
    """

    info: ClassVar[MetricInfo]
    validation: ClassVar[str] = ""

    def score(self, clip: Clip, sample: Sample) -> Score | list[Score]:
        """Score one clip.

        Args:
            clip: the clip. It is shared by all metrics: do not write into its arrays.
            sample: what is known of it, such as its prompt.

        Returns:
            One score for each declared measure, in any order; a single one need not be in a list. For a clip that has no answer, return
            :meth:`Score.none` instead of raising.

        Raises:
            WeightsAbsentError: weights that it needs are not installed; there is no score until they are.
            Exception: anything else is a failed score, with the exception as its reason.
        """
        raise NotImplementedError

    def none(self, reason: str, *, backend: str = "", **more: Any) -> list[Score]:
        """Scores without a value for all measures of this metric, for one reason.

        Args:
            reason: why there is no answer, a short clause.
            backend: the method that was used; "" where none was.
            more: other attributes of all these scores.

        Returns:
            One ``unscored`` score for each declared measure, in their order.
        """
        return [Score.none(measure.name, reason, backend=backend, **more) for measure in self.info.measures]


class SetMetric(Requirements):
    """A set metric: subclass it, and define ``info``, :meth:`embed` and :meth:`compare`. Embeddings are cached by content.

    Attributes:
        info: what the metric declares; one constant of the class.
        validation: ``module:attribute`` of its :class:`~seedbench.plugins.validation.SetValidationProtocol`; "" for none.
    """

    info: ClassVar[MetricInfo]
    validation: ClassVar[str] = ""

    def embed(self, clip: Clip) -> np.ndarray:
        """Embed one clip.

        Args:
            clip: the clip. It is shared by all metrics: do not write into its arrays.

        Returns:
            (n, D) float: n embeddings of D numbers. D is the same for all clips; n may be 0, for a clip that is too short.
        """
        raise NotImplementedError

    def compare(self, generated: Features, reference: Features) -> Score | list[Score]:
        """Compare two sets of clips.

        Args:
            generated: the embeddings of a generator's clips; ``groups`` are prompts.
            reference: the embeddings of the reference set; ``groups`` are prompts, which may be others.

        Returns:
            One score for each declared measure, with intervals where the metric can give them. A value without an interval may have a
            ``reason``, which reports show.
        """
        raise NotImplementedError

    def difference(self, first: Features, second: Features, reference: Features) -> list[SetDifference]:
        """Compare two generators that made clips of the same prompts: by how much one set is further from the reference than the other.

        Args:
            first: the embeddings of one generator's clips; ``groups`` are prompts.
            second: those of another generator's, of the same prompts.
            reference: the embeddings of the reference set; ``groups`` are prompts, which may be others.

        Returns:
            First less second, one for each measure that can be compared. None of them by default: the sets are then not compared.
        """
        return []


def missing_stream(info: MetricInfo, clip: Clip) -> str:
    """Why a clip has no answer to a metric that needs a stream it lacks.

    Args:
        info: what the metric needs.
        clip: the clip.

    Returns:
        The reason, a short clause; empty if the clip has all streams that are needed.
    """
    if "video" in info.needs and not clip.facts.has_video:
        return "the file has no picture"
    if "audio" in info.needs and clip.facts.late_sound_s > 0:
        return f"the sound begins {clip.facts.late_sound_s:.1f} s after the last picture"
    return "the file has no sound" if "audio" in info.needs and not clip.facts.has_audio else ""


def applies(info: MetricInfo, prompt: Prompt | None) -> bool:
    """Whether a metric applies to a prompt: whether the prompt states all that the metric needs.

    Args:
        info: what the metric needs; ``video`` and ``audio`` are streams of the clip and not looked at here.
        prompt: the prompt; None for a file without one.

    Returns:
        True where the metric is to score the clip. A file without a prompt is given to all metrics; each decides for itself.
    """
    if prompt is None:
        return True
    return all(bool(getattr(prompt, need)) for need in info.needs & PROMPT_NEEDS)


def prompt_for_metrics(prompt: Prompt) -> Prompt | None:
    """The prompt as metrics receive it.

    Args:
        prompt: a prompt of a run.

    Returns:
        The prompt; None for a clip that was imported without a suite (the task ``unknown``).
    """
    return None if prompt.task == "unknown" else prompt
