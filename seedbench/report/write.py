"""Writes a report to a folder: the page, and the same numbers for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from seedbench.errors import StorageError
from seedbench.files.atomic import atomic_write
from seedbench.report.drilldown import rounded
from seedbench.report.html import render_html
from seedbench.report.preview import make_previews
from seedbench.report.tables import SCORE_COLUMNS, SUMMARY_COLUMNS, markdown, score_rows, summary_rows, write_csv, write_parquet
from seedbench.results.data import RunReport, to_json

#: All previews of one page together; a page much larger is slow to open (figures: docs/report.md).
PREVIEW_BUDGET_BYTES = 300_000_000
FILES = ("report.html", "summary.csv", "scores.csv", "scores.parquet", "summary.md", "report.json")


def write_report(
    report: RunReport,
    directory: Path,
    *,
    previews: bool = True,
    preview_budget_bytes: int = PREVIEW_BUDGET_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write report.html, summary.csv, scores.csv, scores.parquet, summary.md and report.json; return their paths in that order.

    ``previews`` False leaves the clips out of the page (it says so). ``on_progress(done, of)`` is called after each preview.
    Existing files of these names are replaced. Raises StorageError where the folder cannot be written.
    """
    made = make_previews(report.cells, budget_bytes=preview_budget_bytes, on_progress=on_progress) if previews else None
    page = render_html(report, made)
    plain = to_json(report)
    for cell in plain["cells"]:
        for score in cell["scores"]:
            score["evidence"] = rounded(score["evidence"])
    rows = score_rows(report)
    try:
        with ExitStack() as files:  # all are written before the first of them is replaced, so that two processes do not mix theirs
            place = {name: files.enter_context(atomic_write(directory / name)) for name in FILES}
            _text(place["report.html"], page)
            write_csv(place["summary.csv"], SUMMARY_COLUMNS, summary_rows(report))
            write_csv(place["scores.csv"], list(SCORE_COLUMNS), rows)
            write_parquet(place["scores.parquet"], rows)
            _text(place["summary.md"], markdown(report))
            _text(place["report.json"], json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1))
        return [directory / name for name in FILES]
    except OSError as error:
        raise StorageError(f"{directory}: the report could not be written ({error.strerror or error})") from error


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
