"""Scores of another version of a metric than the installed one: the columns they get, and what these mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.plugins.metric_records import RunMetrics
from seedbench.results.data import ColumnKey
from seedbench.store import ScoreRow, SetScoreRow


def backend_of(row: ScoreRow | SetScoreRow, infos: Mapping[str, MetricInfo]) -> str:
    """The backend a stored score is reported under. One of another version of its metric than the installed one says so: another version
    may mean another number or another sign, so it gets columns of its own and is never pooled with the rest."""
    info = infos.get(row.metric)
    if not row.backend or info is None or row.metric_version == info.version:
        return row.backend
    return f"{row.backend}, version {row.metric_version}"


def older_versions(infos: Mapping[str, MetricInfo], rows: Iterable[ScoreRow | SetScoreRow]) -> dict[tuple[str, str], int]:
    """The version behind each (metric, backend) whose scores are of another version than the installed one."""
    found = {(row.metric, backend_of(row, infos)): row.metric_version for row in rows if row.backend}
    return {key: version for key, version in found.items() if key[0] in infos and infos[key[0]].version != version}


def older_measures(known: RunMetrics, older: Mapping[tuple[str, str], int]) -> dict[ColumnKey, Measure]:
    """What the columns of ``older`` versions mean."""
    return {
        (metric, measure.name, backend): _measure_of_version(known, known.infos[metric], measure, version)
        for (metric, backend), version in older.items()
        for measure in known.infos[metric].measures
    }


def _measure_of_version(known: RunMetrics, info: MetricInfo, measure: Measure, stored: int) -> Measure:
    """A measure as the version declared it that its scores are of, which is not that of ``info``; unit and direction are unknown, and it
    says so, where the run kept no record of that version."""
    before = known.kept.get((info.name, stored))
    found = next((one for one in before.measures if one.name == measure.name), None) if before is not None else None
    other = f"as in version {stored} of the metric; version {info.version} is installed"
    sign = f"{other}, and its sign may be another" if measure.sign else ""
    if found is not None:
        return replace(found, sign=f"{found.sign} (version {stored})" if found.sign else sign)
    return Measure(
        name=measure.name,
        title=measure.name,
        unit="",
        direction="none",
        meaning=f"unknown: {other}, and the run did not keep unit and direction",
        sign=sign,
        headline=measure.headline,
    )
