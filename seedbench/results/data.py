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

ColumnKey = tuple[str, str, str]
"""Metric, measure and backend: what names a column."""
Role = Literal["ceiling", "system"]
"""``ceiling``: the anchor that the systems are compared with (the simulator, real footage); ``system``: a generator under test."""


@dataclass(frozen=True, kw_only=True)
class SuiteFacts:
    """The prompt suite of a run; ``sha256`` is of the suite file, ``n_prompts`` counts the prompts this run planned."""

    name: str
    version: str
    sha256: str
    n_prompts: int


@dataclass(frozen=True, kw_only=True)
class GeneratorFacts:
    """One generator: its ``options``, the outcome of its requests, how long it took and what it cost.

    Counts are of cells and cover every planned cell; ``n_other`` holds expired and unknown ones.
    Latencies are in seconds, from the request until the file is there, over succeeded cells; None for imported clips, which have none.
    ``seconds_per_output_second`` is the summed latency over the summed duration, of clips where both are known.
    ``cost_usd`` is the sum over all cells, None if unknown.
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

    ``version`` is that of the metric. ``meaning`` is the metric's one-line meaning (the measure has its own). ``certificate`` says in one
    or two sentences what calibration showed ("monotone over injected 0..480 ms, ..."); where it is empty, the metric was not calibrated,
    and the report says so.
    """

    metric: str
    measure: Measure
    metric_title: str
    version: int
    backend: str
    meaning: str = ""
    citation: str = ""
    certificate: str = ""

    @property
    def key(self) -> ColumnKey:
        """Metric, measure and backend."""
        return self.metric, self.measure.name, self.backend


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One generator under one column. ``value`` is None with a ``reason`` where no summary can be given.

    ``low``/``high`` bound the value at the report's confidence; both None, with a ``reason``, when there is no interval (one prompt,
    or equal values without bounds). ``method`` names how value and interval were computed (``mean-over-prompts/t95``).
    The four counts are of clips: ``n_failed`` holds metric failures and cells without a clip, ``n_not_applicable`` those whose prompt
    does not ask for what the metric measures. ``worst_case`` is the second aggregate: the mean in which every missing answer counts as
    the worst possible value (:func:`seedbench.results.worst_case.worst_case_mean`), None if not computed.
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
    n_not_applicable: int = 0
    reason: str = ""
    backend: str = ""
    method: str = ""
    worst_case: float | None = None

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.generator}, {self.metric}.{self.measure}: a missing summary needs a reason")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two generators under one column, paired by prompt: ``difference`` is a minus b in the measure's unit.

    ``better`` names the generator the data support as better after adjustment, None where they support neither. ``difference`` is None
    with a ``reason`` where the two cannot be compared (no prompt that both have scores on, another backend); without an interval
    ``reason`` says why.
    """

    metric: str
    measure: str
    generator_a: str
    generator_b: str
    difference: float | None
    low: float | None = None
    high: float | None = None
    p_adjusted: float | None = None
    n_prompts: int
    better: str | None = None
    backend: str = ""
    method: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ScoreReport:
    """One score of one clip. ``evidence`` holds panels as :func:`seedbench.plugins.evidence.as_json` gives them."""

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

    ``clip_path`` is the file of the clip on this machine, None where there is none or it cannot be read; the files of a report have its
    name only.
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
    scores: tuple[ScoreReport, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run with its results.

    ``created_at`` is ISO 8601. ``generators``, ``measures`` and ``cells`` are shown in the order given. ``provenance`` is nested JSON,
    shown as it is; known keys are ``command`` (str), ``spec_sha256``, ``versions`` (name to version), ``weights`` (list of name, sha256,
    licence, used_by), ``machine`` and ``seeds``. ``notes`` are sentences that the reader must see before the numbers (a fallback
    backend, cells that failed). ``confidence`` is that of every interval.
    """

    name: str
    created_at: str
    suite: SuiteFacts
    seeds: tuple[int, ...]
    generators: tuple[GeneratorFacts, ...]
    measures: tuple[MeasureFacts, ...]
    summary: tuple[SummaryRow, ...]
    comparisons: tuple[Comparison, ...] = ()
    cells: tuple[CellReport, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
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
