"""What a metric is worth on real footage, as ``seedbench validate`` measured it: a small file that is shipped with the metric.

The file is ``real_footage/NAME.json`` in the folder of the metric's module or in a folder above it, up to its top-level package (up to
``seedbench/metrics`` for SeedBench's own). It is outside the folders of modules, so that it is in no hash of a metric's code.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from seedbench.errors import PluginError, UnknownNameError
from seedbench.plugins import registry
from seedbench.plugins.metric import Metric, SetMetric
from seedbench.plugins.set_footage import RankingFigures, SetTrialFigures, set_badge, set_details, set_sentences
from seedbench.plugins.shares import Proportion, share_words

FOLDER = "real_footage"


@dataclass(frozen=True, kw_only=True)
class VariantFigures:
    """What a metric did with one kind of copy.

    Attributes:
        variant: the name of the copy.
        expected: what it should answer.
        kind: the kind of footage; "" for all kinds together.
        files: how many files the copies were made of.
        answered: how many of the copies to which there is something to answer got an answer.
        wrong: how many of those whose truth is known got a wrong one.
        error_mean, error_sd, error_largest: of the errors of numbers; the largest by absolute value. None where there are too few.
        errors: how many errors these are of.
    """

    variant: str
    expected: str
    kind: str
    files: int
    answered: Proportion
    wrong: Proportion
    error_mean: float | None = None
    error_sd: float | None = None
    error_largest: float | None = None
    errors: int = 0


@dataclass(frozen=True, kw_only=True)
class SeparationFigures:
    """How well a measure tells two groups of copies apart.

    Attributes:
        title: the two groups.
        measure: the measure.
        kind: the kind of footage; "" for all kinds together.
        n_higher, n_lower: how many copies of each group have a value.
        n_without: how many copies have none and are left out.
        files: how many files the copies were made of.
        auc: area under the ROC curve, 0..1; None where a group is empty.
        low, high: its 95% interval.
    """

    title: str
    measure: str
    kind: str
    n_higher: int
    n_lower: int
    n_without: int
    files: int
    auc: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class RealFootageRecord:
    """The result of one validation.

    Attributes:
        metric, title: the name and the title of the metric.
        metric_version, protocol_version: of the metric and of its protocol.
        footage: what the footage was: a line for each kind, with its source, its licence and the number of files.
        variants: figures by copy and kind; for each copy all kinds together come first.
        separations: figures by pair of groups and kind.
        error_unit: of the errors.
        about: what was counted.
        not_counted: how many copies could not be made or scored.
        set_trials: figures of a set metric, which has no ``variants`` and no ``separations``.
        rankings: whether a set metric orders generators as people do.
    """

    metric: str
    title: str
    metric_version: int
    protocol_version: int
    footage: tuple[str, ...]
    variants: tuple[VariantFigures, ...]
    separations: tuple[SeparationFigures, ...] = ()
    error_unit: str = ""
    about: str = ""
    not_counted: int = 0
    set_trials: tuple[SetTrialFigures, ...] = ()
    rankings: tuple[RankingFigures, ...] = ()

    @property
    def as_it_is(self) -> VariantFigures:
        """The figures of the files as they are, all kinds together."""
        return next(figures for figures in self.variants if not figures.kind)

    @property
    def wrong(self) -> tuple[int, int]:
        """Over all copies: how many wrong answers, of how many whose truth is known."""
        together = [figures.wrong for figures in self.variants if not figures.kind]
        return sum(share.count for share in together), sum(share.total for share in together)


def to_json(record: RealFootageRecord) -> str:
    """A record as the text of its file.

    Args:
        record: the record.

    Returns:
        JSON, which ends with a line break.
    """
    return json.dumps(asdict(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> RealFootageRecord:
    """Read a record back.

    Args:
        text: what :func:`to_json` gave.

    Returns:
        The record.

    Raises:
        pydantic.ValidationError: the text is no record.
    """
    from pydantic import TypeAdapter

    return TypeAdapter(RealFootageRecord).validate_json(text)


def record_of(kind: type[Metric] | type[SetMetric]) -> RealFootageRecord | None:
    """The record that is shipped with a metric.

    Args:
        kind: the class of the metric.

    Returns:
        The record; None where there is none.

    Raises:
        PluginError: its file cannot be read.
    """
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return _record(Path(file), kind.__module__.count("."), kind.info.name) if file else None


@functools.cache
def _record(module: Path, levels: int, name: str) -> RealFootageRecord | None:
    folders = list(module.parents)[: max(1, levels)]
    record = next((folder / FOLDER / f"{name}.json" for folder in folders if (folder / FOLDER / f"{name}.json").is_file()), None)
    if record is None:
        return None
    try:
        return from_json(record.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PluginError(f"{record} is no record of a validation: {error}") from error


def real_footage_records(metrics: Iterable[str]) -> dict[str, RealFootageRecord]:
    """The records of installed metrics.

    Args:
        metrics: their names. Those that are not installed, or whose record cannot be read, are left out.

    Returns:
        The records by name.
    """
    records = {}
    for name in metrics:
        with suppress(PluginError, UnknownNameError):
            record = record_of(registry.load("metrics", name))
            if record is not None:
                records[name] = record
    return records


def badge(record: RealFootageRecord | None, version: int) -> str:
    """What a report shows beside a metric, in a few words.

    Args:
        record: the record of the metric; None: there is none.
        version: the version of the metric whose values are shown.

    Returns:
        A clause such as ``real footage: 28 of 30 clips answered, 4 of 210 trials wrong``.

    >>> badge(None, 1)
    'not tried on real footage'
    """
    if record is None:
        return "not tried on real footage"
    if record.metric_version < version:
        return f"not validated since version {record.metric_version}"
    if record.metric_version > version:
        return f"validated as version {record.metric_version}, not as version {version}"
    failed = f", {record.not_counted} failed" if record.not_counted else ""
    if record.set_trials:
        return f"real footage: {set_badge(record.set_trials)}{failed}"
    answered, (wrong, trials) = record.as_it_is.answered, record.wrong
    return f"real footage: {answered.count} of {answered.total} clips answered, {wrong} of {trials} trials wrong{failed}"


def details(record: RealFootageRecord | None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table that a report shows of a metric: a row for each copy, all kinds of footage together.

    Args:
        record: the record of the metric; None gives no rows.

    Returns:
        The titles of the columns, and the rows in words.
    """
    if record is not None and record.set_trials:
        return set_details(record.set_trials)
    rows: list[tuple[str, ...]] = [
        (figures.variant, figures.expected, answered_words(figures), wrong_words(figures))
        for figures in (record.variants if record is not None else ())
        if not figures.kind
    ]
    return ("Copies", "Right is", "Answered", "Wrong"), rows


def separation_words(record: RealFootageRecord | None) -> list[str]:
    """What a record says beside its table, all kinds of footage together: areas under the curve; for a set metric, what it confounds.

    Args:
        record: the record of the metric; None gives none.

    Returns:
        A clause for each pair of groups that has values.
    """
    if record is not None and record.set_trials:
        return set_sentences(record.set_trials, record.rankings)
    return [
        f"AUC of {pair.measure}, {pair.title}: {pair.auc:.2f} ({pair.low:.2f} to {pair.high:.2f})"
        for pair in (record.separations if record is not None else ())
        if not pair.kind and pair.auc is not None
    ]


def answered_words(figures: VariantFigures) -> str:
    """The share of answers in words."""
    return share_words(figures.answered) if figures.answered.total else "no answer is due"


def wrong_words(figures: VariantFigures) -> str:
    """The share of wrong answers in words."""
    return share_words(figures.wrong) if figures.wrong.total else "truth not known"
