"""What metrics declared when a run was scored, stored with the run: reports work when a plug-in is gone or has changed since."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from seedbench.errors import PluginError, UnknownNameError
from seedbench.plugins import registry
from seedbench.plugins.code_digest import code_digest
from seedbench.plugins.metric import Measure, Metric, MetricInfo, SetMetric
from seedbench.store import RunRow, ScoreRow, SetScoreRow, Store

KEY = "metrics"
"""The key of the records in a run's provenance: by metric, then by version."""
UNKNOWN = "unknown: the metric is not installed and the run did not keep what it declares"


@dataclass(frozen=True)
class RunMetrics:
    """The metrics of a run.

    Attributes:
        infos: by name: of the installed metric, or else as stored with the run, or else derived from its scores.
        of_sets: the names of those that compare sets of clips.
        kept: what was stored with the run, by metric and version.
        notes: a sentence about each metric that is not installed.
    """

    infos: Mapping[str, MetricInfo]
    of_sets: frozenset[str]
    kept: Mapping[tuple[str, int], MetricInfo]
    notes: tuple[str, ...]

    @property
    def of_clips(self) -> dict[str, MetricInfo]:
        """The infos of the metrics that score single clips."""
        return {name: info for name, info in self.infos.items() if name not in self.of_sets}


def metric_records(metrics: Mapping[str, Metric | SetMetric]) -> dict[str, dict[str, Any]]:
    """What is stored of metrics in the provenance of a run.

    Args:
        metrics: constructed metrics, by their registered names.

    Returns:
        By name, then by version as text: ``of_sets``, ``package``, ``code`` (the hash of its code) and ``info``, as JSON.
    """
    entries = registry.entries("metrics")
    records = {}
    for name, metric in metrics.items():
        info = {**dataclasses.asdict(metric.info), "needs": sorted(metric.info.needs)}
        dist = entries[name].dist
        package = f"{dist.name} {dist.version}" if dist is not None else "unknown"
        record = {"of_sets": isinstance(metric, SetMetric), "package": package, "code": code_digest(type(metric)), "info": info}
        records[name] = {str(metric.info.version): record}
    return records


def add_records(provenance: Mapping[str, Any], new: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A run's provenance with new records of metrics added to those that it has.

    Args:
        provenance: the provenance of a run; it is not changed.
        new: what :func:`metric_records` returned. A record of the same name and version is replaced.

    Returns:
        The new provenance.
    """
    before = provenance.get(KEY, {})
    return {**provenance, KEY: {name: {**before.get(name, {}), **new.get(name, {})} for name in {**before, **new}}}


def readable_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A run's provenance as reports show it.

    Args:
        provenance: the provenance as stored.

    Returns:
        A copy that has of each metric only the version, the package and the first 12 digits of the code's hash, as text.
    """
    if KEY not in provenance:
        return dict(provenance)
    short = {
        name: [f"version {version}, {record['package']}, code {record['code'][:12]}" for version, record in versions.items()]
        for name, versions in provenance[KEY].items()
    }
    return {**provenance, KEY: short}


def metrics_of_run(names: Iterable[str], provenance: Mapping[str, Any], rows: Iterable[ScoreRow | SetScoreRow]) -> RunMetrics:
    """The metrics of a run.

    Args:
        names: those that the run was asked for.
        provenance: the run's.
        rows: its scores.

    Returns:
        What is known of the metrics. One that cannot be loaded is not an error: it has a note.
    """
    by_metric: dict[str, list[ScoreRow | SetScoreRow]] = defaultdict(list)
    for row in rows:
        by_metric[row.metric].append(row)
    kept = {
        (name, int(version)): (_info(record["info"]), bool(record["of_sets"]))
        for name, versions in provenance.get(KEY, {}).items()
        for version, record in versions.items()
    }
    infos: dict[str, MetricInfo] = {}
    of_sets, notes = set(), []
    for name in names:
        info, sets, note = _known(name, by_metric[name], kept)
        infos[name] = _with_all_measures(info, by_metric[name], kept)
        of_sets |= {name} if sets else set()
        notes += [note] if note else []
    return RunMetrics(infos, frozenset(of_sets), {key: info for key, (info, _) in kept.items()}, tuple(notes))


def _known(
    name: str, rows: Sequence[ScoreRow | SetScoreRow], kept: Mapping[tuple[str, int], tuple[MetricInfo, bool]]
) -> tuple[MetricInfo, bool, str]:
    """A metric's info, whether it compares sets, and the note on it if it is not installed or cannot be loaded."""
    try:
        kind = registry.load("metrics", name)
    except UnknownNameError:
        why = f"The metric {name!r} is not installed here"
    except PluginError as error:
        why = str(error)
    else:
        return kind.info, issubclass(kind, SetMetric), ""
    versions = [version for metric, version in kept if metric == name]
    if versions:
        return *kept[name, max(versions)], f"{why}; its numbers stand as this run kept them."
    note = f"{why}, and this run did not keep what it declares: its numbers stand, their units and directions are unknown."
    return _of_rows(name, rows), any(isinstance(row, SetScoreRow) for row in rows), note


def stored_infos(store: Store) -> dict[tuple[str, int], MetricInfo]:
    """What the runs of a store stored of metrics, for versions that are not installed.

    Args:
        store: the database of the workspace.

    Returns:
        The infos by name and version; where several runs stored one, that of the newest run.

    Raises:
        StorageError: the database cannot be read.
    """
    infos: dict[tuple[str, int], MetricInfo] = {}
    with store.session() as session:
        for provenance in session.scalars(select(RunRow.provenance).order_by(RunRow.created_at, RunRow.id)):
            for name, versions in provenance.get(KEY, {}).items():
                infos.update({(name, int(version)): _info(record["info"]) for version, record in versions.items()})
    return infos


def _info(plain: Mapping[str, Any]) -> MetricInfo:
    """The inverse of how :func:`metric_records` writes an info; fields of a later version of SeedBench are left out."""
    of_measure, of_info = ({field.name for field in dataclasses.fields(kind)} for kind in (Measure, MetricInfo))
    given = {key: value for key, value in plain.items() if key in of_info}
    given["measures"] = tuple(
        Measure(**{key: value for key, value in measure.items() if key in of_measure}) for measure in plain["measures"]
    )
    return MetricInfo(**{**given, "needs": frozenset(given["needs"]), "weights": tuple(given["weights"])})


def _of_rows(name: str, rows: Iterable[ScoreRow | SetScoreRow]) -> MetricInfo:
    """An info for a metric of which only scores are known."""
    versions = [row.metric_version for row in rows]
    return MetricInfo(name=name, title=name, meaning=UNKNOWN, citation="", version=max(versions, default=1), measures=(), needs=frozenset())


def _with_all_measures(
    info: MetricInfo, rows: Iterable[ScoreRow | SetScoreRow], kept: Mapping[tuple[str, int], tuple[MetricInfo, bool]]
) -> MetricInfo:
    """The info with all measures that have scores: those that it lacks as another version declared them, or with unknown units."""
    declared = {measure.name: measure for measure in info.measures}
    for row in rows:
        if row.measure not in declared:
            before = kept[info.name, row.metric_version][0].measures if (info.name, row.metric_version) in kept else ()
            unknown = Measure(name=row.measure, title=row.measure, unit="", direction="none", meaning=UNKNOWN, headline=True)
            declared[row.measure] = next((measure for measure in before if measure.name == row.measure), unknown)
    return replace(info, measures=tuple(declared.values()))
