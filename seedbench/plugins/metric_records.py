"""What metrics declared when a run was scored, kept with the run: a report needs no plug-in that has gone or changed since."""

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
"""Where a run's provenance holds the records: by metric, by version."""
UNKNOWN = "unknown: the metric is not installed and the run did not keep what it declares"


@dataclass(frozen=True)
class RunMetrics:
    """What is known of a run's metrics: infos by name (installed ones, else as the run kept them, else made of its scores), which of them
    compare sets, what older versions declared (by metric and version), and a note on each metric that is not installed.
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
    """What to keep of metrics, as JSON, by name and version: whether it compares sets, its package, the hash of its code, its info."""
    entries = registry.entries("metrics")
    found = {}
    for name, metric in metrics.items():
        info = {**dataclasses.asdict(metric.info), "needs": sorted(metric.info.needs)}
        dist = entries[name].dist
        package = f"{dist.name} {dist.version}" if dist is not None else "unknown"
        record = {"of_sets": isinstance(metric, SetMetric), "package": package, "code": code_digest(type(metric)), "info": info}
        found[name] = {str(metric.info.version): record}
    return found


def add_records(provenance: Mapping[str, Any], new: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A run's provenance with new records beside those that it has."""
    before = provenance.get(KEY, {})
    return {**provenance, KEY: {name: {**before.get(name, {}), **new.get(name, {})} for name in {**before, **new}}}


def readable_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """A run's provenance for people: of each metric its package, version and code, without what the columns say anyway."""
    if KEY not in provenance:
        return dict(provenance)
    short = {
        name: [f"version {version}, {record['package']}, code {record['code'][:12]}" for version, record in versions.items()]
        for name, versions in provenance[KEY].items()
    }
    return {**provenance, KEY: short}


def metrics_of_run(names: Iterable[str], provenance: Mapping[str, Any], rows: Iterable[ScoreRow | SetScoreRow]) -> RunMetrics:
    """What is known of the metrics called ``names`` of a run with these scores; a metric that cannot be loaded is no error but a note."""
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
        infos[name] = _with_all(info, by_metric[name], kept)
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
    """What the runs of a store kept of metrics, the newest run's by name and version: for versions that are not installed."""
    found: dict[tuple[str, int], MetricInfo] = {}
    with store.session() as session:
        for provenance in session.scalars(select(RunRow.provenance).order_by(RunRow.created_at, RunRow.id)):
            for name, versions in provenance.get(KEY, {}).items():
                found.update({(name, int(version)): _info(record["info"]) for version, record in versions.items()})
    return found


def _info(plain: Mapping[str, Any]) -> MetricInfo:
    """The inverse of how :func:`metric_records` writes an info; fields that a later SeedBench added are left out."""
    of_measure, of_info = ({field.name for field in dataclasses.fields(kind)} for kind in (Measure, MetricInfo))
    given = {key: value for key, value in plain.items() if key in of_info}
    given["measures"] = tuple(Measure(**{key: value for key, value in one.items() if key in of_measure}) for one in plain["measures"])
    return MetricInfo(**{**given, "needs": frozenset(given["needs"]), "weights": tuple(given["weights"])})


def _of_rows(name: str, rows: Iterable[ScoreRow | SetScoreRow]) -> MetricInfo:
    """An info for a metric of which only scores are left."""
    versions = [row.metric_version for row in rows]
    return MetricInfo(name=name, title=name, meaning=UNKNOWN, citation="", version=max(versions, default=1), measures=(), needs=frozenset())


def _with_all(
    info: MetricInfo, rows: Iterable[ScoreRow | SetScoreRow], kept: Mapping[tuple[str, int], tuple[MetricInfo, bool]]
) -> MetricInfo:
    """The info with every measure that there are scores of, as another version declared it, or with nothing known of it."""
    declared = {measure.name: measure for measure in info.measures}
    for row in rows:
        if row.measure not in declared:
            before = kept[info.name, row.metric_version][0].measures if (info.name, row.metric_version) in kept else ()
            unknown = Measure(name=row.measure, title=row.measure, unit="", direction="none", meaning=UNKNOWN, headline=True)
            declared[row.measure] = next((one for one in before if one.name == row.measure), unknown)
    return replace(info, measures=tuple(declared.values()))
