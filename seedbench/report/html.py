"""The page: one HTML file that needs no network, no server and no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbench.plugins.real_footage import RealFootageRecord, badge, details, separation_words
from seedbench.report.charts import Dot, ForestRow, forest
from seedbench.report.drilldown import drill_down
from seedbench.report.entries import summary_entry
from seedbench.report.findings import findings
from seedbench.report.preview import NoPreview, Preview
from seedbench.report.wording import column_words, coverage, dollars, is_percent, seconds, sentence, unit_of, value_and_interval
from seedbench.results.data import CellReport, Comparison, MeasureFacts, RunReport
from seedbench.results.table import ResultsTable

FOLDER = Path(__file__).parent
SCRIPTS = ("evidence.js", "player.js", "report.js")
#: Colours of the style sheet; generators beyond them start over (labels always stand beside the colour).
N_COLOURS = 8


def render_html(table: ResultsTable, previews: Mapping[Path, Preview | NoPreview] | None = None) -> str:
    """The page of a report.

    Args:
        table: The results of the run (:func:`seedbench.results.table.tabulate`).
        previews: The previews by clip path (:func:`seedbench.report.preview.make_previews`); None: the page says that they were left out.

    Returns:
        One HTML document with all scripts, styles, data and clips inside.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    report = table.report
    colours = _colours(table)
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    drilled = drill_down(table, colours, previews)
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("template.html").render(
        report=report,
        colours=colours,
        findings=findings(table),
        columns=[column_words(column) for column in table.headline],
        groups=_groups(table),
        rows=[(generator, [summary_entry(table, generator.name, c) for c in table.headline]) for generator in report.generators],
        charts=[(column_words(column), _chart(table, column, colours)) for column in table.headline],
        other_charts=[(column_words(column), _chart(table, column, colours)) for column in table.columns if not column.measure.headline],
        comparisons=_comparisons(table),
        missing=_missing(table),
        slices=_slices(table),
        methods=_methods(table),
        provenance=_provenance(report),
        ceilings=table.ceilings,
        seconds=seconds,
        dollars=dollars,
        confidence=f"{100 * report.confidence:g}%",
        policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; media-src blob:; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        data=_json(drilled.index),
        media=drilled.clips,
        evidence=[_json(panels) for panels in drilled.evidence],
    )


def _colours(table: ResultsTable) -> dict[str, str]:
    """Colour class of each generator: ceilings share a neutral one."""
    of_systems = {system.name: f"g{index % N_COLOURS}" for index, system in enumerate(table.systems)}
    return {generator.name: of_systems.get(generator.name, "gc") for generator in table.report.generators}


def _groups(table: ResultsTable) -> list[dict[str, Any]]:
    """Neighbouring headline columns of one metric: its title, the number of columns, and what it is worth on real footage."""
    groups: list[dict[str, Any]] = []
    for column in table.headline:
        if groups and groups[-1]["metric"] == column.metric:
            groups[-1]["span"] += 1
        else:
            words = badge(table.report.real_footage.get(column.metric), column.version)
            groups.append({"metric": column.metric, "title": column.metric_title, "span": 1, "badge": words})
    return groups


def _slices(table: ResultsTable) -> list[dict[str, Any]]:
    """The headline measures over the prompts of each tag value: by tag, one row for each value and measure that any generator has."""
    entries = {
        (entry.tag, entry.tag_value, entry.row.generator, table.position(entry.row)): entry
        for entry in table.report.slices
        if table.columns[table.position(entry.row)].measure.headline
    }
    rows: dict[str, dict[tuple[str, int], dict[str, Any]]] = {}
    for (tag, value, generator, position), entry in entries.items():
        of_tag = rows.setdefault(tag, {})
        row = of_tag.setdefault(
            (value, position), {"value": value, "n": entry.n_prompts, "column": column_words(table.columns[position]), "texts": {}}
        )
        if entry.row.value is not None:
            number, interval = value_and_interval(table.columns[position].measure, entry.row.value, entry.row.low, entry.row.high)
            row["texts"][generator] = (number, interval, coverage(entry.row))
    return [
        {"tag": tag, "n_values": len({value for value, _ in of_tag}), "rows": [row for row in of_tag.values() if row["texts"]]}
        for tag, of_tag in rows.items()
    ]


def _provenance(report: RunReport) -> dict[str, Any]:
    suite = {
        "suite": f"{report.suite.name} {report.suite.version}",
        "suite sha256": report.suite.sha256,
        "seeds": list(report.seeds),
    }
    return suite | dict(report.provenance)


def _methods(table: ResultsTable) -> list[dict[str, Any]]:
    """How to read the columns, by metric and backend; links to a measure lead to its first row (``anchor``)."""
    groups: dict[tuple[str, str], list[MeasureFacts]] = {}
    for column in table.columns:
        groups.setdefault((column.metric, column.backend), []).append(column)
    with_anchor: set[tuple[str, str]] = set()
    methods: list[dict[str, Any]] = []
    for (metric, backend), group in groups.items():
        methods.append(
            {
                "metric": metric,
                "backend": backend,
                "title": group[0].metric_title,
                "version": group[0].version,
                "meaning": sentence(next((column.meaning for column in group if column.meaning), "")),
                "citations": list(dict.fromkeys(column.citation for column in group if column.citation)),
                "limits": group[0].limits,
                **_real_footage(table.report.real_footage.get(metric), group[0].version),
                "first": metric not in {entry["metric"] for entry in methods},
                "measures": [column_words(column) | {"anchor": (metric, column.measure.name) not in with_anchor} for column in group],
            }
        )
        with_anchor |= {(metric, column.measure.name) for column in group}
    return methods


def _real_footage(record: RealFootageRecord | None, version: int) -> dict[str, Any]:
    """What a metric is worth on real footage, for its card."""
    titles, rows = details(record)
    return {
        "badge": badge(record, version),
        "real_footage": rows,
        "real_footage_titles": titles,
        "real_footage_unit": "prompt" if record is not None and record.set_trials else "file",
        "separations": separation_words(record),
        "footage": record.footage if record is not None else (),
        "footage_version": record.metric_version if record is not None else None,
    }


def _chart(table: ResultsTable, column: MeasureFacts, colours: Mapping[str, str]) -> str:
    rows = []
    for generator in table.report.generators:
        entry = summary_entry(table, generator.name, column)
        rows.append(
            ForestRow(
                label=generator.label,
                css=colours[generator.name],
                text=f"{entry.value} {entry.unit}".rstrip() if entry.value else entry.reason,
                value=entry.row.value if entry.row is not None else None,
                low=entry.row.low if entry.row is not None else None,
                high=entry.row.high if entry.row is not None else None,
                ceiling=generator.role == "ceiling",
                dots=_dots(table, generator.name, column),
            )
        )
    measure = column.measure
    return forest(
        rows,
        title=measure.title,
        unit=unit_of(measure),
        direction=measure.direction,
        percent=is_percent(measure),
        bounds=(measure.low, measure.high),
    )


def _dots(table: ResultsTable, generator: str, column: MeasureFacts) -> tuple[Dot, ...]:
    """The clips of a generator in a chart, none for rates. Where the summary is a mean absolute value, so are the clips: a chart has one
    sign convention."""
    if column.measure.rate:
        return ()
    position = table.positions[column.key]
    absolute = column.measure.direction == "zero"
    return tuple(
        Dot(value=abs(score.value) if absolute else score.value, shown=score.value, prompt_id=cell.prompt_id, seed=cell.seed)
        for cell in table.report.cells
        if cell.generator == generator
        for score in cell.scores
        if score.value is not None and table.position(score) == position
    )


def _comparisons(table: ResultsTable) -> list[dict[str, Any]]:
    labels = {generator.name: generator.label for generator in table.report.generators}
    return [_comparison_words(column, comparison, labels) for column in table.columns for comparison in table.comparisons[column.key]]


def _comparison_words(column: MeasureFacts, comparison: Comparison, labels: Mapping[str, str]) -> dict[str, Any]:
    difference, interval = "", ""
    if comparison.difference is not None:
        difference, interval = value_and_interval(column.measure, comparison.difference, comparison.low, comparison.high)
    unit = "points" if is_percent(column.measure) else unit_of(column.measure)
    p = comparison.p if comparison.exploratory else comparison.p_adjusted
    return {
        "column": column_words(column),
        "a": labels[comparison.generator_a],
        "b": labels[comparison.generator_b],
        "difference": f"{difference} {unit}".strip() if difference else "",
        "interval": interval or f"none: {comparison.reason or 'not given'}",
        "p": "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}",
        "n": comparison.n_prompts,
        "better": _better_words(comparison, labels),
        "exploratory": comparison.exploratory,
        "reason": comparison.reason,
        "remark": comparison.remark or comparison.undecidable,
        "method": comparison.method,
    }


def _better_words(comparison: Comparison, labels: Mapping[str, str]) -> str:
    if not comparison.better:
        return ""
    label = labels[comparison.better]
    return f"{label} is nearer to the reference set" if comparison.of_sets else label


def _missing(table: ResultsTable) -> list[dict[str, Any]]:
    """Everything without a value, by generator, metric and reason, with the clips it concerns counted; cells without a clip first."""
    n_clips: Counter[tuple[str, str, str, str]] = Counter()
    for cell in table.report.cells:
        for (metric, status, reason), titles in _missing_scores(table, cell).items():
            n_clips[cell.generator, f"{metric}: {', '.join(titles)}", status, reason] += 1
        if cell.status != "succeeded":
            n_clips[cell.generator, "no clip", cell.status, cell.reason] += 1
    labels = {generator.name: generator.label for generator in table.report.generators}
    order = list(labels)
    ranked = sorted(n_clips.items(), key=lambda item: (order.index(item[0][0]), item[0][1] != "no clip", -item[1]))
    return [
        {"generator": labels[name], "what": what, "status": status, "reason": reason, "n": n} for (name, what, status, reason), n in ranked
    ]


def _missing_scores(table: ResultsTable, cell: CellReport) -> dict[tuple[str, str, str], list[str]]:
    """The titles of a cell's measures without a value, by metric, status and reason."""
    titles: dict[tuple[str, str, str], list[str]] = {}
    for score in cell.scores:
        if score.value is None:
            column = table.columns[table.position(score)]
            status = "no answer" if score.status == "unscored" else "metric failed"
            titles.setdefault((column.metric_title, status, score.reason), []).append(column.measure.title)
    return titles


def _json(value: Any) -> str:
    """JSON that may stand inside a script element: no ``<`` can end it, whatever a prompt says."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    """The source of a content security policy that allows exactly this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
