"""The story of sound that comes 80 ms late: every metric with an offset reports it with the same sign, in the files and on the page."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric import OFFSET_AXIS, OFFSET_SIGN
from seedbench.report.write import write_report
from seedbench.results.load import load_report
from seedbench.runs.executor import LocalExecutor
from seedbench.runs.runner import execute
from seedbench.runs.spec import RunSpec
from seedbench.store import Store
from seedbench.store.workspace import Workspace
from seedbench.suites.loading import load_suite
from seedbench.suites.suite import select

DELAY_MS = 80.0
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run of one speaker and one falling ball, both with late sound."""
    folder = tmp_path_factory.mktemp("signs")
    workspace = Workspace(folder)
    suite = select(load_suite("quick"), ids=["talk-es", "drop-wood"])
    spec = RunSpec(
        suite=suite.name,
        suite_version=suite.version,
        suite_sha256=suite.sha256,
        prompts=suite.prompts,
        generators=(GeneratorSpec(label="late", name="simulator", options={"sound_delay_ms": DELAY_MS}),),
        metrics=("lipsync", "impact"),
        root=str(suite.root),
    )
    executor = LocalExecutor(1, workspace.cache)
    store = Store(workspace.database_url)
    try:
        execute(spec, "signs", store=store, workspace=workspace, executor=executor)
        write_report(load_report(store, workspace, "signs"), folder / "report", previews=False)
    finally:
        executor.close()
        store.close()
    return folder / "report"


def evidence(written: Path, title: str) -> dict[str, Any]:
    """The only panel of that title that the page holds."""
    page = (written / "report.html").read_text(encoding="utf-8")
    cells = [json.loads(text) for text in re.findall(r'id="evidence-\d+">(.*?)</script>', page, re.DOTALL)]
    (panel,) = [panel for cell in cells for score in cell["scores"] for panel in score["panels"] if panel["title"] == title]
    return panel  # type: ignore[no-any-return]


@pytest.mark.parametrize(("metric", "measure", "within"), [("lipsync", "offset_ms", 40), ("impact", "offset_ms", 5)])
def test_late_sound_has_a_negative_offset_in_every_metric(written: Path, metric: str, measure: str, within: float) -> None:
    with (written / "scores.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if (row["metric"], row["measure"]) == (metric, measure)]
    (row,) = [row for row in rows if row["value"]]
    assert float(row["value"]) == pytest.approx(-DELAY_MS, abs=within)
    assert row["sign"] == OFFSET_SIGN


def test_the_evidence_on_the_page_has_the_same_sign(written: Path) -> None:
    curve = evidence(written, "Fit of lips and sound")
    assert curve["x_label"] == OFFSET_AXIS
    at = {mark["label"]: mark["x"] for mark in curve["marks"]}
    assert at["this clip"] == pytest.approx(-DELAY_MS, abs=40)
    assert at["this clip"] < at["in sync"] == 0
    fitted = curve["series"][0]
    assert fitted["x"][fitted["y"].index(max(fitted["y"]))] < 0
    table = evidence(written, "Offset of each contact (positive: sound early)")
    heard = [float(text.removesuffix(" ms")) for _, text in table["rows"] if text != "not heard"]
    assert heard
    assert heard == [pytest.approx(-DELAY_MS, abs=20)] * len(heard)
