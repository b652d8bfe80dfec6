"""Writes a report to a folder: the page, and the same numbers for other programs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from seedbench.errors import StorageError
from seedbench.files.atomic import atomic_write
from seedbench.report.html import render_html
from seedbench.report.preview import make_previews
from seedbench.report.tables import (
    SLICE_COLUMNS,
    SUMMARY_COLUMNS,
    markdown,
    report_json,
    score_columns,
    score_rows,
    slice_rows,
    summary_rows,
    write_csv,
    write_parquet,
)
from seedbench.results.data import RunReport
from seedbench.results.table import tabulate

#: All previews of one page together; a page much larger is slow to open (figures: docs/report.md).
PREVIEW_BUDGET_BYTES = 300_000_000
FILES = ("report.html", "summary.csv", "scores.csv", "scores.parquet", "summary.md", "report.json")
SLICES = "slices.csv"
"""Written where the prompts have tags."""


def write_report(
    report: RunReport,
    directory: Path,
    *,
    previews: bool = True,
    preview_budget_bytes: int = PREVIEW_BUDGET_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write a report into a folder. Existing files of the same names are replaced, all or none.

    Args:
        report: The run.
        directory: The folder; it is created where it is missing.
        previews: Put small copies of the clips into the page; without them the page says that they were left out.
        preview_budget_bytes: The most bytes that all previews together may take.
        on_progress: Called as ``on_progress(done, of)`` after each preview.

    Returns:
        The paths of report.html, summary.csv, scores.csv, scores.parquet, summary.md and report.json, in that order; slices.csv last where
        prompts have tags.

    Raises:
        StorageError: The folder cannot be written.
        ValueError: A score of the run is of a measure that the run does not declare.
    """
    table = tabulate(report)
    clips = make_previews(report.cells, budget_bytes=preview_budget_bytes, on_progress=on_progress) if previews else None
    page = render_html(table, clips)
    rows, columns = score_rows(table), score_columns(report)
    names = (*FILES, SLICES) if report.slices else FILES
    try:
        with ExitStack() as stack:  # all are written before the first of them is replaced, so that two processes do not mix theirs
            files = {name: stack.enter_context(atomic_write(directory / name)) for name in names}
            _text(files["report.html"], page)
            write_csv(files["summary.csv"], SUMMARY_COLUMNS, summary_rows(table))
            write_csv(files["scores.csv"], list(columns), rows)
            write_parquet(files["scores.parquet"], columns, rows)
            if report.slices:
                write_csv(files[SLICES], SLICE_COLUMNS, slice_rows(table))
            _text(files["summary.md"], markdown(table))
            _text(files["report.json"], report_json(report))
        return [directory / name for name in names]
    except OSError as error:
        raise StorageError(f"{directory}: the report could not be written ({error.strerror or error})") from error


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
