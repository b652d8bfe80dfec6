"""The files of a report: no cell is missing, each missing value has a reason, and all files have the same numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet

from seedbench.errors import StorageError
from seedbench.plugins.metric import OFFSET_SIGN
from seedbench.report.tables import SCORE_COLUMNS, markdown, score_rows
from seedbench.report.write import write_report
from seedbench.results.data import CellReport, RunReport, ScoreReport, SliceSummary, SummaryRow, from_json, to_json
from seedbench.results.table import ResultsTable, tabulate
from seedbench.runs.clip_facts import ClipFacts


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def folder(report: RunReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    names = [path.name for path in write_report(report, folder)]
    assert names == ["report.html", "summary.csv", "scores.csv", "scores.parquet", "summary.md", "report.json"]
    return folder


def test_every_cell_has_a_row_and_every_missing_value_a_reason(folder: Path, report: RunReport) -> None:
    rows = read_csv(folder / "scores.csv")
    assert {(r["generator"], r["prompt_id"], r["seed"]) for r in rows} == {(c.generator, c.prompt_id, str(c.seed)) for c in report.cells}
    assert len(rows) == sum(max(1, len(cell.scores)) for cell in report.cells)
    for row in rows:
        assert row["value"] or row["reason"] or row["cell_reason"]
    refused = [row for row in rows if row["cell_status"] == "refused"]
    assert [row["cell_reason"] for row in refused] == ["the provider's policy declined the prompt"]


def test_parquet_holds_the_rows_of_the_csv_with_types(folder: Path, report: RunReport) -> None:
    table = parquet.read_table(folder / "scores.parquet")
    assert table.column_names == list(SCORE_COLUMNS)
    assert table.to_pylist() == score_rows(tabulate(report))
    assert str(table.schema.field("value").type) == "double"


def test_the_facts_of_a_clip_are_columns_and_empty_where_nothing_is_known(report: RunReport, tmp_path: Path) -> None:
    facts = ClipFacts(fps=24.0, effective_fps=12.0, judged_width=1280, judged_height=720, notes=("no name", "cut off"))
    known = replace(report, cells=(replace(report.cells[0], clip_facts=facts), *report.cells[1:]))
    write_report(known, tmp_path, previews=False)
    columns = ("fps", "effective_fps", "judged_width", "judged_height", "file_notes")
    rows = [tuple(row[name] for name in columns) for row in read_csv(tmp_path / "scores.csv")]
    n_known = len(report.cells[0].scores)
    assert rows[:n_known] == [("24.0", "12.0", "1280", "720", "no name; cut off")] * n_known
    assert set(rows[n_known:]) == {("",) * 5}
    typed = parquet.read_table(tmp_path / "scores.parquet").select(list(columns)).to_pylist()
    assert list(typed[0].values()) == [24.0, 12.0, 1280, 720, "no name; cut off"]
    assert set(typed[-1].values()) == {None}
    assert from_json(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))).cells[0].clip_facts == facts


def test_a_report_of_a_version_without_facts_of_clips_is_read_back(report: RunReport) -> None:
    plain = json.loads(json.dumps(to_json(report)))
    for cell in plain["cells"]:
        del cell["clip_facts"]
    assert {cell.clip_facts for cell in from_json(plain).cells} == {ClipFacts()}


def test_tags_are_columns_of_the_scores_and_slices_a_file_of_their_own(report: RunReport, tmp_path: Path) -> None:
    cells = tuple(replace(cell, tags={"style": ("anime", "flat")} if cell.prompt_id == "hostile" else {}) for cell in report.cells)
    slices = tuple(SliceSummary(tag="style", tag_value=value, n_prompts=1, row=report.summary[0]) for value in ("anime", "flat"))
    tagged = replace(report, cells=cells, slices=slices)
    assert [path.name for path in write_report(tagged, tmp_path, previews=False)][-1] == "slices.csv"
    scores = read_csv(tmp_path / "scores.csv")
    assert list(scores[0])[-1] == "tag_style"
    assert {(row["prompt_id"] == "hostile", row["tag_style"]) for row in scores} == {(True, "anime; flat"), (False, "")}
    assert parquet.read_table(tmp_path / "scores.parquet").column_names == list(scores[0])
    rows = read_csv(tmp_path / "slices.csv")
    assert [(row["tag"], row["tag_value"], row["n_prompts"], row["generator"]) for row in rows] == [
        ("style", "anime", "1", report.summary[0].generator),
        ("style", "flat", "1", report.summary[0].generator),
    ]
    assert from_json(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))).slices == slices


def test_every_score_of_an_offset_carries_the_sign_convention(folder: Path) -> None:
    rows = [row for row in read_csv(folder / "scores.csv") if row["measure"] == "offset_ms"]
    assert {row["sign"] for row in rows} == {OFFSET_SIGN}
    assert {float(row["value"]) < 0 for row in rows if row["generator"] == "degraded" and row["value"]} == {True}


def test_the_summary_csv_carries_counts_method_and_what_is_supported(folder: Path, report: RunReport) -> None:
    rows = read_csv(folder / "summary.csv")
    assert len(rows) == len(report.summary)
    degraded = next(row for row in rows if row["generator"] == "degraded" and row["measure"] == "offset_abs_ms")
    assert degraded["against_ceiling"] == "worse"
    assert (degraded["n_scored"], degraded["method"], degraded["confidence"]) == ("3", "mean/t-by-prompt", "0.95")


def test_a_report_read_back_from_its_json_is_equal(folder: Path, report: RunReport) -> None:
    again = from_json(json.loads((folder / "report.json").read_text(encoding="utf-8")))
    assert again.summary == report.summary
    assert again.measures == report.measures
    assert again.cells[0].clip_path == Path("simulator-0.mp4")
    assert from_json(json.loads(json.dumps(to_json(again)))) == again


def test_the_same_report_gives_the_same_bytes(folder: Path, report: RunReport, tmp_path: Path) -> None:
    for path in write_report(report, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_all_files_are_written_from_one_table(report: RunReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = []

    def counted(of_run: RunReport) -> ResultsTable:
        tables.append(tabulate(of_run))
        return tables[-1]

    for module in ("write", "console"):
        monkeypatch.setattr(f"seedbench.report.{module}.tabulate", counted)
    write_report(report, tmp_path, previews=False)
    assert len(tables) == 1


def test_progress_counts_every_clip_once(make_report: Callable[..., RunReport], tmp_path: Path) -> None:
    report = make_report(tmp_path / "clips", seconds=0.2)
    seen: list[tuple[int, int]] = []
    write_report(report, tmp_path / "out", on_progress=lambda done, of: seen.append((done, of)))
    assert seen == [(i + 1, 14) for i in range(14)]


def test_a_folder_that_cannot_be_written_is_a_storage_error(report: RunReport, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the report could not be written"):
        write_report(report, tmp_path / "file" / "below", previews=False)


def test_labels_cannot_break_the_markdown_table_or_add_markup(report: RunReport) -> None:
    bad = replace(report.generators[1], label="a|b <i>@team")
    text = markdown(tabulate(replace(report, generators=(report.generators[0], bad, *report.generators[2:]))))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table} == {6}
    assert "<i>" not in text
    assert "@team" not in text
    assert "276 [259 to 292] ▼" in text
    assert "*one face only in every clip: nothing to compare*" in text


def test_no_value_without_a_reason_can_be_put_into_a_report() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        SummaryRow(generator="a", metric="m", measure="x", value=None, n_scored=0)
    with pytest.raises(ValueError, match="needs a reason"):
        ScoreReport(metric="m", measure="x", value=None, status="unscored")


def test_cells_are_plain_values() -> None:
    cell = CellReport(generator="a", prompt_id="p", prompt_text="", task="text", seed=0, status="failed", reason="HTTP 503")
    assert cell.scores == ()


def test_a_failed_write_leaves_the_previous_report(report: RunReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_report(report, tmp_path / "out", previews=False)
    before = {file.name: file.read_bytes() for file in files}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("seedbench.report.write.markdown", full)
    with pytest.raises(StorageError, match="No space left"):
        write_report(replace(report, name="another"), tmp_path / "out", previews=False)
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before
