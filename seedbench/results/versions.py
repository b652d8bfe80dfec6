"""Scores of another version of a metric than the installed one: the columns they get, and what these mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.plugins.metric_records import RunMetrics
from seedbench.results.data import ColumnKey
from seedbench.store import ScoreRow, SetDifferenceRow, SetScoreRow


def backend_of(row: ScoreRow | SetScoreRow | SetDifferenceRow, infos: Mapping[str, MetricInfo]) -> str:
    """The backend that a stored score is reported under.

    The name of the backend includes the version where it is not the installed one: another version may give other numbers or another
    sign, so its scores get columns of their own and are never pooled with the rest.

    Args:
        row: A stored score or difference.
        infos: What the metrics declare, by metric name.

    Returns:
        The stored backend, or ``BACKEND, version N``; "" where the score names no backend.
    """
    info = infos.get(row.metric)
    if not row.backend or info is None or row.metric_version == info.version:
        return row.backend
    return f"{row.backend}, version {row.metric_version}"


def older_versions(infos: Mapping[str, MetricInfo], rows: Iterable[ScoreRow | SetScoreRow]) -> dict[tuple[str, str], int]:
    """Which scores are of another version of a metric than the installed one.

    Args:
        infos: What the metrics declare, by metric name.
        rows: Stored scores.

    Returns:
        The version of those scores by metric and backend, as :func:`backend_of` names it.
    """
    versions = {(row.metric, backend_of(row, infos)): row.metric_version for row in rows if row.backend}
    return {key: version for key, version in versions.items() if key[0] in infos and infos[key[0]].version != version}


def older_measures(known: RunMetrics, older: Mapping[tuple[str, str], int]) -> dict[ColumnKey, Measure]:
    """What the columns of another version of a metric mean.

    Args:
        known: The metrics of the run, with what the run stored of them.
        older: What :func:`older_versions` returned.

    Returns:
        The measures by column. Where the run did not store that version, unit and direction are unknown, and the meaning says so.
    """
    return {
        (metric, measure.name, backend): _measure_of_version(known, known.infos[metric], measure, version)
        for (metric, backend), version in older.items()
        for measure in known.infos[metric].measures
    }


def _measure_of_version(known: RunMetrics, info: MetricInfo, measure: Measure, stored: int) -> Measure:
    """A measure as the ``stored`` version of its metric declared it, which is not the version of ``info``.

    Where the run kept no record of that version, unit and direction are unknown, and the meaning says so.
    """
    stored_info = known.kept.get((info.name, stored))
    declared = next((m for m in stored_info.measures if m.name == measure.name), None) if stored_info is not None else None
    other = f"as in version {stored} of the metric; version {info.version} is installed"
    sign = f"{other}, and its sign may be another" if measure.sign else ""
    if declared is not None:
        return replace(declared, sign=f"{declared.sign} (version {stored})" if declared.sign else sign)
    return Measure(
        name=measure.name,
        title=measure.name,
        unit="",
        direction="none",
        meaning=f"unknown: {other}, and the run did not keep unit and direction",
        sign=sign,
        headline=measure.headline,
    )
