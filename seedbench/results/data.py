"""The values of a report: plain and frozen, ready for JSON, read from the database and written by every writer.

Nothing here computes a score or a mean: a summary has its interval, its counts and the name of its method.
A value that is None always has a ``reason``. A column of a table is one ``(metric, measure, backend)``: backends are never pooled.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seedbench.plugins.generator import GenerationStatus
from seedbench.plugins.metric import Measure, Status
from seedbench.plugins.real_footage import RealFootageRecord
from seedbench.runs.clip_facts import ClipFacts

ColumnKey = tuple[str, str, str]
"""Metric, measure and backend: what names a column."""
Role = Literal["ceiling", "system"]
"""``ceiling``: the anchor that the systems are compared with (the simulator, real footage); ``system``: a generator under test."""


@dataclass(frozen=True, kw_only=True)
class SuiteFacts:
    """The prompt suite of a run.

    Attributes:
        name, version: Those of the suite.
        sha256: The hash of the suite file.
        n_prompts: How many prompts this run planned.
    """

    name: str
    version: str
    sha256: str
    n_prompts: int


@dataclass(frozen=True, kw_only=True)
class GeneratorFacts:
    """One generator: the outcome of its requests, how long they took and what they cost.

    The counts are of cells and cover every planned cell. Latencies are from the request until the file is there, over succeeded cells;
    None for imported clips, which have none.

    Attributes:
        name: Names the generator in all other values of the report.
        label: Its name as shown.
        role: Whether it is the anchor or a system under test.
        options: What it was constructed with, and its registered name as ``generator``.
        n_succeeded, n_refused, n_failed: Counts of cells.
        n_other: How many cells are expired, unknown or not generated yet.
        latency_p50_s, latency_p90_s: The median and the 90th percentile of the latencies, in seconds.
        cost_usd: The sum over all cells, in US dollars; None: not known.
        seconds_per_output_second: The summed latency over the summed duration, of clips where both are known.
    """

    name: str
    label: str
    role: Role = "system"
    options: Mapping[str, Any] = field(default_factory=dict)
    n_succeeded: int = 0
    n_refused: int = 0
    n_failed: int = 0
    n_other: int = 0
    latency_p50_s: float | None = None
    latency_p90_s: float | None = None
    cost_usd: float | None = None
    seconds_per_output_second: float | None = None

    @property
    def n_cells(self) -> int:
        """Every cell that was planned for this generator."""
        return self.n_succeeded + self.n_refused + self.n_failed + self.n_other


@dataclass(frozen=True, kw_only=True)
class MeasureFacts:
    """One column of the report: a measure under one backend, and how to read it.

    Attributes:
        metric: The name of the metric.
        measure: What the metric declares of the measure.
        metric_title: The title of the metric.
        version: That of the metric.
        backend: The method that gave the values; "" where no clip has one.
        meaning: One sentence on the metric (the measure has its own).
        citation: The source of the method.
        limits: What the numbers do not say; empty where there is nothing beyond ``meaning``.
    """

    metric: str
    measure: Measure
    metric_title: str
    version: int
    backend: str
    meaning: str = ""
    citation: str = ""
    limits: str = ""

    @property
    def key(self) -> ColumnKey:
        """Metric, measure and backend."""
        return self.metric, self.measure.name, self.backend


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One generator under one column.

    Attributes:
        generator, metric, measure: Their names.
        value: The summary in the unit of the measure; None with a ``reason`` where there is none.
        low, high: The interval of the value at the report's confidence. Both are None, with a ``reason``, where there is no interval (one
            prompt, or equal values without bounds).
        n_scored, n_unscored: How many clips have a score, and how many have none because there is no answer.
        n_failed: How many clips the metric failed on, plus the cells that gave no clip because something failed or expired.
        n_refused: How many cells have no clip because the generator refused the prompt.
        n_not_applicable: How many clips have a prompt that does not ask for what the metric measures.
        reason: Why there is no value or no interval.
        backend: The method that gave the values; "" where no clip has one.
        method: How value and interval were computed (``mean-over-prompts/t95``).
        worst_case: The second aggregate, the mean in which every missing answer counts as the worst possible value
            (:func:`seedbench.results.worst_case.worst_case_mean`); None if not computed.

    Raises:
        ValueError: There is neither a value nor a reason.
    """

    generator: str
    metric: str
    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n_scored: int
    n_unscored: int = 0
    n_failed: int = 0
    n_refused: int = 0
    n_not_applicable: int = 0
    reason: str = ""
    backend: str = ""
    method: str = ""
    worst_case: float | None = None

    @property
    def n_asked(self) -> int:
        """How many cells have a prompt that asks for the metric: scored, without an answer, failed or refused."""
        return self.n_scored + self.n_unscored + self.n_failed + self.n_refused

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.generator}, {self.metric}.{self.measure}: a missing summary needs a reason")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two generators under one column, paired by prompt.

    Attributes:
        metric, measure: Their names.
        generator_a, generator_b: The names of the generators.
        difference: a minus b in the unit of the measure; of absolute values where the measure's direction is ``zero``. None with a
            ``reason`` where the two cannot be compared (no prompt that both have scores on, another backend).
        low, high: The interval of the difference; both None, with a ``reason``, where there is none.
        p_adjusted: The p-value, 0..1, adjusted for the number of tests; None where there was no test, and where it is exploratory.
        p: The p-value without adjustment for other measures; None where there was no test.
        n_prompts: How many prompts have scores of both.
        better: The generator that the data support as better after adjustment; None where they support neither.
        backend: The method that gave the values.
        method: How the difference, its interval and its p-value were computed.
        reason: Why there is no difference or no interval.
        remark: What else is to be known of it, such as how many prompts would show a difference of this size.
        of_sets: Whether the clips of each generator were compared as one set; ``better`` then means nearer to the reference set.
        exploratory: Whether it is no test of the run: another measure of its metric, or another pair, is tested. It supports nobody as
            better.
        undecidable: Why no difference, however large, could be decided, and how many prompts could; empty where one could be.
    """

    metric: str
    measure: str
    generator_a: str
    generator_b: str
    difference: float | None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    p: float | None = None
    n_prompts: int
    better: str | None = None
    backend: str = ""
    method: str = ""
    reason: str = ""
    remark: str = ""
    of_sets: bool = False
    exploratory: bool = False
    undecidable: str = ""


@dataclass(frozen=True, kw_only=True)
class ScoreReport:
    """One score of one clip.

    Attributes:
        metric, measure: Their names.
        value: In the unit of the measure; None with a ``reason`` where there is none.
        status: ``scored``, ``unscored`` (no answer) or ``failed`` (the metric failed).
        reason: Why there is no value.
        backend: The method that gave the value.
        n_used, n_total: How many frames, windows or clips it was computed from, and how many there were.
        interval: The 95% confidence interval (low, high) of this value; None where the metric gives none.
        evidence: Panels, as :func:`seedbench.plugins.evidence.as_json` returns them.
        details: Anything else that the metric kept, as JSON.

    Raises:
        ValueError: There is neither a value nor a reason.
    """

    metric: str
    measure: str
    value: float | None
    status: Status
    reason: str = ""
    backend: str = ""
    n_used: int | None = None
    n_total: int | None = None
    interval: tuple[float, float] | None = None
    evidence: tuple[dict[str, Any], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.metric}.{self.measure}: a missing value needs a reason")


@dataclass(frozen=True, kw_only=True)
class CellReport:
    """One prompt given to one generator with one seed.

    Attributes:
        generator: The name of the generator.
        prompt_id, prompt_text, task: What was asked for.
        seed: The seed that was asked for.
        status: The outcome; ``unknown`` also for a cell that is not generated yet.
        reason: Why there is no clip, or why it cannot be shown.
        clip_path: The file of the clip on this machine; None where there is none or it cannot be read. The files of a report have its name
            only.
        clip_sha256: The hash of the clip; "" where there is none.
        duration_s: The length of the clip, in seconds; None: not known.
        latency_s: Seconds from the request to the file; None: not known.
        cost_usd: The price, in US dollars; None: not known.
        clip_facts: What is known of its file; runs of earlier versions may lack it.
        scores: One for each metric and measure that was scored.
        tags: The values of the prompt's tags, by name.
    """

    generator: str
    prompt_id: str
    prompt_text: str
    task: str
    seed: int
    status: GenerationStatus
    reason: str = ""
    clip_path: Path | None = None
    clip_sha256: str = ""
    duration_s: float | None = None
    latency_s: float | None = None
    cost_usd: float | None = None
    clip_facts: ClipFacts = field(default_factory=ClipFacts)
    scores: tuple[ScoreReport, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SliceSummary:
    """A summary over the prompts that share a value of a tag.

    Attributes:
        tag, tag_value: The tag and its value.
        n_prompts: How many prompts of the run have it.
        row: The summary of one generator and measure over the clips of these prompts.
    """

    tag: str
    tag_value: str
    n_prompts: int
    row: SummaryRow


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run with its results.

    Attributes:
        name: The name of the run.
        created_at: When it was planned, in ISO 8601.
        suite: The prompts.
        seeds: All seeds of the run.
        generators, measures, cells: They are shown in the order given.
        summary: Each generator under each column.
        slices: The same for the prompts of each tag value; empty where the prompts have no tags. Set metrics are not in them.
        comparisons: Pairs of generators under each headline column.
        provenance: Nested JSON, shown as it is. Known keys are ``command`` (str), ``spec_sha256``, ``versions`` (name to version),
            ``weights`` (list of name, sha256, licence, used_by), ``machine`` and ``seeds``.
        real_footage: What each metric is worth on real footage, by its name, as far as that was measured.
        notes: Sentences that the reader must see before the numbers (a fallback backend, cells that failed).
        confidence: The confidence level of every interval, 0..1.
    """

    name: str
    created_at: str
    suite: SuiteFacts
    seeds: tuple[int, ...]
    generators: tuple[GeneratorFacts, ...]
    measures: tuple[MeasureFacts, ...]
    summary: tuple[SummaryRow, ...]
    slices: tuple[SliceSummary, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    cells: tuple[CellReport, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    real_footage: Mapping[str, RealFootageRecord] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    confidence: float = 0.95


def to_json(report: RunReport) -> dict[str, Any]:
    """The report as nested dicts and lists, as in ``report.json``.

    Args:
        report: The run.

    Returns:
        JSON with the field names of the dataclasses as keys. Of a clip's path it has only the file's name, so that a report can be given
        to others.
    """
    plain = dataclasses.asdict(report)
    for cell in plain["cells"]:
        cell["clip_path"] = cell["clip_path"].name if cell["clip_path"] is not None else None
    return plain


def from_json(plain: Mapping[str, Any]) -> RunReport:
    """Read a report back from its JSON.

    Args:
        plain: What :func:`to_json` gave, or the content of ``report.json``.

    Returns:
        The run. Its clip paths are file names without a folder.

    Raises:
        pydantic.ValidationError: ``plain`` does not have the shape of a report.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(RunReport).validate_python(plain)
