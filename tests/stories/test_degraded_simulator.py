"""The story of the demo on a small scale: each degradation is detected by the metric that measures it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.report.write import write_report
from seedbench.results.data import RunReport
from seedbench.results.load import load_report
from seedbench.runs.executor import LocalExecutor
from seedbench.runs.runner import execute
from seedbench.runs.spec import RunSpec
from seedbench.store import Store
from seedbench.store.workspace import Workspace
from seedbench.suites.loading import load_suite
from seedbench.suites.suite import select


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    folder = tmp_path_factory.mktemp("story")
    workspace = Workspace(folder)
    suite = select(load_suite("quick"), ids=["talk-en", "shots-de", "drop-wood", "bounce-rubber"])
    spec = RunSpec(
        suite=suite.name,
        suite_version=suite.version,
        suite_sha256=suite.sha256,
        prompts=suite.prompts,
        generators=(
            GeneratorSpec(label="simulator", name="simulator"),
            GeneratorSpec(label="degraded", name="simulator", options={"preset": "broken"}),
            GeneratorSpec(label="still", name="simulator", options={"freeze_from_s": 0}),
        ),
        metrics=("lipsync", "identity", "physics", "impact"),
        ceiling="simulator",
        root=str(suite.root),
    )
    executor = LocalExecutor(1, workspace.cache)
    store = Store(workspace.database_url)
    try:
        execute(spec, "story", store=store, workspace=workspace, executor=executor)
    finally:
        executor.close()
    return load_report(store, workspace, "story")


def value(report: RunReport, generator: str, metric: str, measure: str) -> float | None:
    rows = [row for row in report.summary if (row.generator, row.metric, row.measure) == (generator, metric, measure)]
    assert len(rows) == 1
    return rows[0].value


@pytest.mark.slow
def test_late_sound_is_measured_as_late(report: RunReport) -> None:
    clean, degraded = value(report, "simulator", "lipsync", "offset_ms"), value(report, "degraded", "lipsync", "offset_ms")
    assert clean is not None
    assert degraded is not None
    assert clean <= 40
    assert degraded == pytest.approx(320, abs=40)


@pytest.mark.slow
def test_a_swapped_face_loses_similarity(report: RunReport) -> None:
    clean, degraded = value(report, "simulator", "identity", "similarity"), value(report, "degraded", "identity", "similarity")
    assert clean is not None
    assert degraded is not None
    assert clean > 0.8
    assert degraded < clean - 0.3


@pytest.mark.slow
def test_wrong_physics_loses_plausibility(report: RunReport) -> None:
    clean, degraded = value(report, "simulator", "physics", "plausibility"), value(report, "degraded", "physics", "plausibility")
    assert clean is not None
    assert degraded is not None
    assert clean > 0.85
    assert degraded < clean - 0.05


@pytest.mark.slow
def test_a_still_picture_wins_nothing(report: RunReport) -> None:
    for row in report.summary:
        if row.generator == "still" and row.value is not None:
            facts = next(facts for facts in report.measures if (facts.metric, facts.measure.name) == (row.metric, row.measure))
            if not facts.measure.headline or facts.measure.direction == "none":
                continue
            clean = value(report, "simulator", row.metric, row.measure)
            assert clean is not None
            better = row.value > clean if facts.measure.direction == "up" else row.value < clean
            assert not better, f"a frozen clip beats a live one in {row.metric}.{row.measure}"


@pytest.mark.slow
def test_the_report_is_one_file_that_needs_no_other(report: RunReport, tmp_path: Path) -> None:
    files = write_report(report, tmp_path / "report")
    page = next(file for file in files if file.suffix == ".html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
