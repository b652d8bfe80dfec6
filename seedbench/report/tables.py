"""The numbers of a report for other programs: long tables for CSV and Parquet, and a short Markdown summary for a pull request."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbench.report.findings import findings
from seedbench.report.wording import ARROWS, counted, coverage, said, seconds, unit_of
from seedbench.results.columns import columns, place_of, row_of, standing
from seedbench.results.data import MeasureFacts, RunReport

#: Columns of scores.csv and scores.parquet, with their types. One row a score; a cell without any score has one row without a measure.
SCORE_COLUMNS: dict[str, type] = {
    "run": str,
    "suite": str,
    "prompt_id": str,
    "task": str,
    "generator": str,
    "role": str,
    "seed": int,
    "cell_status": str,
    "cell_reason": str,
    "metric": str,
    "measure": str,
    "metric_version": int,
    "unit": str,
    "direction": str,
    "sign": str,
    "backend": str,
    "value": float,
    "status": str,
    "reason": str,
    "low": float,
    "high": float,
    "n_used": int,
    "n_total": int,
    "clip_sha256": str,
    "duration_s": float,
    "latency_s": float,
    "cost_usd": float,
}
SUMMARY_COLUMNS = (
    "run",
    "suite",
    "generator",
    "role",
    "metric",
    "measure",
    "unit",
    "direction",
    "backend",
    "value",
    "low",
    "high",
    "confidence",
    "method",
    "worst_case",
    "n_scored",
    "n_unscored",
    "n_failed",
    "n_not_applicable",
    "reason",
    "against_ceiling",
    "best_of_systems",
)


def score_rows(report: RunReport) -> list[dict[str, Any]]:
    """Every score of every cell as one flat row (see ``SCORE_COLUMNS``); cells that gave no clip are rows too, so that none is lost from
    a count."""
    made = columns(report)
    roles = {generator.name: generator.role for generator in report.generators}
    rows: list[dict[str, Any]] = []
    for cell in report.cells:
        base = dict.fromkeys(SCORE_COLUMNS) | {
            "run": report.name,
            "suite": report.suite.name,
            "prompt_id": cell.prompt_id,
            "task": cell.task,
            "generator": cell.generator,
            "role": roles.get(cell.generator, ""),
            "seed": cell.seed,
            "cell_status": cell.status,
            "cell_reason": cell.reason,
            "clip_sha256": cell.clip_sha256,
            "duration_s": cell.duration_s,
            "latency_s": cell.latency_s,
            "cost_usd": cell.cost_usd,
        }
        if not cell.scores:
            rows.append(base)
        for score in cell.scores:
            column = made[place_of(made, score.metric, score.measure, score.backend)]
            low, high = score.interval or (None, None)
            rows.append(
                base
                | {"metric": score.metric, "measure": score.measure, "metric_version": column.version, "unit": column.measure.unit}
                | {"direction": column.measure.direction, "sign": column.measure.sign, "backend": score.backend}
                | {"value": score.value, "status": score.status, "reason": score.reason, "low": low, "high": high}
                | {"n_used": score.n_used, "n_total": score.n_total}
            )
    return rows


def summary_rows(report: RunReport) -> list[dict[str, Any]]:
    """Every summary value as one flat row, with what the comparisons support."""
    made = columns(report)
    generators = {generator.name: generator for generator in report.generators}
    rows = []
    for row in report.summary:
        column = made[place_of(made, row.metric, row.measure, row.backend)]
        generator = generators[row.generator]
        found = standing(report, generator, column)
        values = {name: getattr(row, name) for name in SUMMARY_COLUMNS if hasattr(row, name)}
        rows.append(
            values
            | {"run": report.name, "suite": report.suite.name, "role": generator.role, "unit": column.measure.unit}
            | {"direction": column.measure.direction, "confidence": report.confidence}
            | {"against_ceiling": found.against_ceiling, "best_of_systems": found.leads}
        )
    return rows


def write_csv(path: Path, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> Path:
    """UTF-8 CSV with a header; None is an empty field, numbers are written in full."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """The score rows as Parquet with fixed types, also where a column is empty."""
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in SCORE_COLUMNS.items()])
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


def markdown(report: RunReport) -> str:
    """A summary for a pull request: what is supported, one row a headline measure, what is missing, what it cost."""
    facts = [
        f"suite {report.suite.name} {report.suite.version}",
        counted(report.suite.n_prompts, "prompt"),
        counted(len(report.seeds), "seed"),
        report.created_at[:10],
    ]
    told = findings(report)
    lines = [f"### SeedBench: {_plain(report.name)}", "", _plain(" · ".join(facts)), ""]
    lines += [f"- {_plain(str(sentence))}" for sentence in told.results]
    lines += ["", *(f"> {_plain(note)}" for note in report.notes)] if report.notes else []
    headline = [column for column in columns(report) if column.measure.headline]
    names = [f"{_plain(g.label)}{' (ceiling)' if g.role == 'ceiling' else ''}" for g in report.generators]
    lines += ["", f"| Measure | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for column in headline:
        unit = f", {unit_of(column.measure)}" if unit_of(column.measure) else ""
        title = f"{_plain(column.metric_title)}: {_plain(column.measure.title)} {ARROWS[column.measure.direction]}{_plain(unit)}"
        lines.append(
            f"| {title}<br><sub>{_plain(column.backend)}</sub> | {' | '.join(_place(report, g.name, column) for g in report.generators)} |"
        )
    lines += ["", f"Value [{100 * report.confidence:g}% interval] and the clips behind it. ▼ below the ceiling, ★ best of the systems: "]
    lines[-1] += "only where the paired comparison supports it."
    asked = [
        f"{_plain(g.label)} {g.n_succeeded} of {g.n_cells} clips"
        + (f", {g.n_refused} refused" if g.n_refused else "")
        + (f", {g.n_failed + g.n_other} failed" if g.n_failed + g.n_other else "")
        + (f", p50 {seconds(g.latency_p50_s)}" if g.latency_p50_s is not None else "")
        + (f", ${g.cost_usd:.2f}" if g.cost_usd is not None else "")
        for g in report.generators
    ]
    lines += ["", f"Clips, latency, cost: {'; '.join(asked)}."]
    lines += ["", "<details><summary>Limits</summary>", "", *(f"- {_plain(sentence)}" for sentence in told.caveats), "", "</details>"]
    return "\n".join(lines) + "\n"


def _place(report: RunReport, name: str, column: MeasureFacts) -> str:
    row = row_of(report, name, column)
    if row is None:
        return "not measured"
    if row.value is None:
        return f"*{_plain(row.reason)}*"
    value, interval = said(column.measure, row.value, row.low, row.high)
    found = standing(report, next(g for g in report.generators if g.name == name), column)
    mark = (" ▼" if found.against_ceiling == "worse" else "") + (" ★" if found.leads else "")
    return f"{value}{f' [{interval}]' if interval else ''}{mark}<br><sub>{coverage(row)}</sub>"


def _plain(text: str) -> str:
    r"""Text that Markdown and HTML take as it is: no markup, no link, no mention, no table break.

    >>> _plain("a|b <i> @team")
    'a\\|b &lt;i&gt; &#64;team'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
