"""The numbers of a report for other programs: long tables for CSV and Parquet, and a short Markdown summary for a pull request."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seedbench.report.entries import SummaryEntry, summary_entry
from seedbench.report.findings import findings
from seedbench.report.wording import ARROWS, counted, rounded, seconds, unit_of
from seedbench.results.data import GeneratorFacts, MeasureFacts, RunReport, ScoreReport, to_json
from seedbench.results.table import ResultsTable
from seedbench.runs.clip_facts import ClipFacts

#: Columns of scores.csv and scores.parquet, with their types. One row for each score; a cell without scores has one row without a measure.
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
    "fps": float,
    "effective_fps": float,
    "judged_width": int,
    "judged_height": int,
    "file_notes": str,
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
    "n_refused",
    "n_not_applicable",
    "reason",
    "against_ceiling",
    "best_of_systems",
)
SLICE_COLUMNS = (
    *("run", "suite", "tag", "tag_value", "n_prompts", "generator", "metric", "measure", "unit", "direction", "backend"),
    *("value", "low", "high", "method", "n_scored", "n_unscored", "n_failed", "n_refused", "n_not_applicable", "reason"),
)


def score_rows(table: ResultsTable) -> list[dict[str, Any]]:
    """Every score of every cell as one flat row.

    Args:
        table: The results of the run (:func:`seedbench.results.table.tabulate`).

    Returns:
        Rows with the keys of :func:`score_columns`, None where there is no value. A cell without scores (it gave no clip) is one row
        without a measure, so that it is not lost from a count.
    """
    report = table.report
    roles = {generator.name: generator.role for generator in report.generators}
    columns = score_columns(report)
    rows: list[dict[str, Any]] = []
    for cell in report.cells:
        base = dict.fromkeys(columns) | {f"tag_{tag}": "; ".join(values) for tag, values in cell.tags.items()}
        base |= {
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
            **facts_columns(cell.clip_facts),
        }
        if not cell.scores:
            rows.append(base)
        rows += [base | _score_fields(score, table.columns[table.position(score)]) for score in cell.scores]
    return rows


def facts_columns(facts: ClipFacts) -> dict[str, Any]:
    """The facts of a clip as they stand in a table of scores.

    Args:
        facts: The facts.

    Returns:
        Values by column, None where nothing is known; ``file_notes`` has all notes in one text.

    >>> facts_columns(ClipFacts(fps=24.0, notes=("no name", "cut off")))["file_notes"]
    'no name; cut off'
    """
    values = dataclasses.asdict(facts)
    notes = values.pop("notes")
    return values | {"file_notes": "; ".join(notes) or None}


def score_columns(report: RunReport) -> dict[str, type]:
    """The columns of scores.csv and scores.parquet with their types: :data:`SCORE_COLUMNS`, then one for each tag of the prompts.

    Args:
        report: The run.

    Returns:
        The columns in order. That of a tag is called ``tag_`` and its name; a prompt's values stand in it with semicolons between.
    """
    tags = dict.fromkeys(tag for cell in report.cells for tag in cell.tags)
    return SCORE_COLUMNS | {f"tag_{tag}": str for tag in tags}


def _score_fields(score: ScoreReport, column: MeasureFacts) -> dict[str, Any]:
    low, high = score.interval or (None, None)
    return {
        "metric": score.metric,
        "measure": score.measure,
        "metric_version": column.version,
        "unit": column.measure.unit,
        "direction": column.measure.direction,
        "sign": column.measure.sign,
        "backend": score.backend,
        "value": score.value,
        "status": score.status,
        "reason": score.reason,
        "low": low,
        "high": high,
        "n_used": score.n_used,
        "n_total": score.n_total,
    }


def summary_rows(table: ResultsTable) -> list[dict[str, Any]]:
    """Every summary value as one flat row, with what the comparisons support.

    Args:
        table: The results of the run.

    Returns:
        Rows with the keys of :data:`SUMMARY_COLUMNS`, in the order of the summary. Missing values are None, missing texts "".
    """
    report = table.report
    roles = {generator.name: generator.role for generator in report.generators}
    rows = []
    for row in report.summary:
        column = table.columns[table.position(row)]
        standing = table.standing(row.generator, column)
        values = {name: getattr(row, name) for name in SUMMARY_COLUMNS if hasattr(row, name)}
        rows.append(
            values
            | {"run": report.name, "suite": report.suite.name, "role": roles[row.generator], "unit": column.measure.unit}
            | {"direction": column.measure.direction, "confidence": report.confidence}
            | {"against_ceiling": standing.against_ceiling, "best_of_systems": standing.leads}
        )
    return rows


def slice_rows(table: ResultsTable) -> list[dict[str, Any]]:
    """Every summary over the prompts of a tag value as one flat row.

    Args:
        table: The results of the run.

    Returns:
        Rows with the keys of :data:`SLICE_COLUMNS`. Missing values are None, missing texts "".
    """
    report = table.report
    rows = []
    for entry in report.slices:
        measure = table.columns[table.position(entry.row)].measure
        values = {name: getattr(entry.row, name) for name in SLICE_COLUMNS if hasattr(entry.row, name)}
        facts = {"run": report.name, "suite": report.suite.name, "unit": measure.unit, "direction": measure.direction}
        rows.append(facts | {"tag": entry.tag, "tag_value": entry.tag_value, "n_prompts": entry.n_prompts} | values)
    return rows


def report_json(report: RunReport) -> str:
    """The report as the text of ``report.json``.

    Args:
        report: The run.

    Returns:
        Indented JSON. Numbers are in full, but evidence has five significant digits, as in the page.
    """
    plain = to_json(report)
    for cell in plain["cells"]:
        for score in cell["scores"]:
            score["evidence"] = rounded(score["evidence"])
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1)


def write_csv(path: Path, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as CSV: UTF-8, with a header; None is an empty field, numbers are written in full.

    Args:
        path: The file to write.
        names: The columns, in order.
        rows: Values by column.

    Returns:
        ``path``.

    Raises:
        OSError: The file cannot be written.
        ValueError: A row has a key that is not among the columns.
    """
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, columns: Mapping[str, type], rows: Sequence[dict[str, Any]]) -> Path:
    """Write the score rows as Parquet with fixed types, also where a column is empty.

    Args:
        path: The file to write.
        columns: What :func:`score_columns` returned.
        rows: What :func:`score_rows` returned.

    Returns:
        ``path``.

    Raises:
        OSError: The file cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


def markdown(table: ResultsTable) -> str:
    """A summary for a pull request: what is supported, one row a headline measure, what is missing, what it cost.

    Args:
        table: The results of the run.

    Returns:
        GitHub's Markdown. Names and reasons of the run are escaped: none of them is a link, a mention or HTML.
    """
    report = table.report
    facts = [
        f"suite {report.suite.name} {report.suite.version}",
        counted(report.suite.n_prompts, "prompt"),
        counted(len(report.seeds), "seed"),
        report.created_at[:10],
    ]
    sentences = findings(table)
    lines = [f"### SeedBench: {_plain(report.name)}", "", _plain(" · ".join(facts)), ""]
    lines += [f"- {_plain(str(sentence))}" for sentence in sentences.results]
    lines += ["", "Seen, not tested:", "", *(f"- {_plain(str(sentence))}" for sentence in sentences.seen)] if sentences.seen else []
    lines += ["", *(f"> {_plain(note)}" for note in report.notes)] if report.notes else []
    lines += ["", *_markdown_table(table)]
    lines += [
        "",
        f"Value [{100 * report.confidence:g}% interval] and the clips behind it. ▼ below the ceiling, ★ best of the systems: "
        "only where the paired comparison supports it.",
    ]
    lines += ["", f"Clips, latency, cost: {'; '.join(_clips_latency_cost(generator) for generator in report.generators)}."]
    lines += ["", "<details><summary>Limits</summary>", "", *(f"- {_plain(caveat)}" for caveat in sentences.caveats), "", "</details>"]
    return "\n".join(lines) + "\n"


def _markdown_table(table: ResultsTable) -> list[str]:
    generators = table.report.generators
    names = [f"{_plain(g.label)}{' (ceiling)' if g.role == 'ceiling' else ''}" for g in generators]
    lines = [f"| Measure | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for column in table.headline:
        unit = f", {unit_of(column.measure)}" if unit_of(column.measure) else ""
        title = f"{_plain(column.metric_title)}: {_plain(column.measure.title)} {ARROWS[column.measure.direction]}{_plain(unit)}"
        entries = " | ".join(_markdown_entry(summary_entry(table, g.name, column)) for g in generators)
        lines.append(f"| {title}<br><sub>{_plain(column.backend)}</sub> | {entries} |")
    return lines


def _markdown_entry(entry: SummaryEntry) -> str:
    if entry.row is None:
        return entry.reason
    if not entry.value:
        return f"*{_plain(entry.reason)}*"
    return f"{entry.value}{f' [{entry.interval}]' if entry.interval else ''}{entry.symbols}<br><sub>{entry.coverage}</sub>"


def _clips_latency_cost(generator: GeneratorFacts) -> str:
    failed = generator.n_failed + generator.n_other
    return (
        f"{_plain(generator.label)} {generator.n_succeeded} of {generator.n_cells} clips"
        + (f", {generator.n_refused} refused" if generator.n_refused else "")
        + (f", {failed} failed" if failed else "")
        + (f", p50 {seconds(generator.latency_p50_s)}" if generator.latency_p50_s is not None else "")
        + (f", ${generator.cost_usd:.2f}" if generator.cost_usd is not None else "")
    )


def _plain(text: str) -> str:
    r"""Text that Markdown and HTML take as it is: no markup, no link, no mention, no table break.

    >>> _plain("a|b <i> @team")
    'a\\|b &lt;i&gt; &#64;team'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", " ".join(text.split()))
