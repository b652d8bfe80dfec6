"""Plug-ins that change or are removed: their numbers are neither mixed with others nor lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from seedbench.arena.study.judged_pairs import JudgedPair, measures_of_pair
from seedbench.cli import app
from seedbench.errors import RunError, UnknownNameError
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.metric_records import KEY
from seedbench.results.data import RunReport
from seedbench.results.load import load_report
from seedbench.runs.spec import RunSpec
from seedbench.store import CellRow, RunRow, ScoreRow, Store
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from tests.packages import HEAD, forget, install, uninstall
from tests.seedbench.runs.test_runner import InProcess, carry_out, spec_of

METRICS = """
import os
from pathlib import Path

import numpy as np

from seedbench.plugins.analysis import analysis
from seedbench.plugins.metric import SetMetric

def log(what):
    with Path(os.environ["STRANGE_LOG"]).open("a") as stream:
        stream.write(what + "\\n")

@analysis(version=1)
def glow(clip):
    log("analysis")
    from another.scale import FACTOR
    return {"glow": float(clip.frames(5, 16).rgb.mean()) * FACTOR}

class Glow(Metric):
    info = info("glow", measures=(Measure(name="value", title="Glow", unit="lumen", direction="up", meaning="A number.", headline=True),))
    def score(self, clip, sample):
        log("score")
        return Score.of("value", glow(clip)["glow"], backend="b")

class Between(SetMetric):
    info = info("between")
    def embed(self, clip):
        log("embed")
        from another.scale import FACTOR
        return np.full((1, 1), clip.frames(5, 16).rgb.mean() * FACTOR)
    def compare(self, generated, reference):
        return Score.of("value", float(abs(generated.values.mean() - reference.values.mean())), backend="b")

class Odd(Metric):
    info = info("odd")
    def score(self, clip, sample):
        return Score.of("value", 1, backend="b", details={"thing": object()})

class OddSet(Between):
    info = info("odd_set")
    def compare(self, generated, reference):
        return Score.of("surprise", 1, backend="b")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Iterator[Path]:
    """A package with a clip metric (over an analysis) and a set metric, which multiply by ``another.scale.FACTOR`` and keep a log."""
    monkeypatch.setenv("STRANGE_LOG", str(tmp_path / "log"))
    use_cache(workspace.cache)
    files = {"another/__init__.py": HEAD + METRICS, "another/scale.py": "FACTOR = 1\n"}
    points = {"metrics": {"glow": "another:Glow", "between": "another:Between", "odd": "another:Odd", "odd_set": "another:OddSet"}}
    yield install(tmp_path / "site", monkeypatch, name="another", files=files, entry_points=points)
    if (tmp_path / "site").exists():
        uninstall(tmp_path / "site", "another")


def asked() -> RunSpec:
    grey = GeneratorSpec(label="grey", name="toy", options={"level": 100})
    return spec_of(grey, GeneratorSpec(label="light", name="toy", options={"level": 200}), metrics=("glow", "between"), seeds=(0,))


def report_of(workspace: Workspace, name: str = "run") -> RunReport:
    return load_report(Store(workspace.database_url), workspace, name)


def values(report: RunReport) -> dict[tuple[str, str], float | None]:
    return {(row.generator, row.metric): row.value for row in report.summary}


def logged() -> list[str]:
    """What was computed since the last call."""
    path = Path(os.environ["STRANGE_LOG"])
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return sorted(set(lines))


def changed(site: Path, text: str) -> None:
    (site / "another" / "scale.py").write_text(text)
    forget("another")


def test_changed_code_under_the_same_version_gives_its_own_numbers(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    before = values(report_of(workspace))
    assert logged() == ["analysis", "embed", "score"]
    changed(site, "FACTOR = 2\n")
    carry_out(asked(), workspace, name="after")
    assert logged() == ["analysis", "embed", "score"]
    after = values(report_of(workspace, "after"))
    assert after.keys() == before.keys()
    assert all(after[key] == pytest.approx(2 * before[key]) for key in before)
    assert values(report_of(workspace)) == before


def test_changed_comments_cause_no_new_computation(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    before = values(report_of(workspace))
    logged()
    changed(site, '"""How much."""\nFACTOR = 1  # as it was\n')
    carry_out(asked(), workspace, name="after")
    assert logged() == []
    assert values(report_of(workspace, "after")) == before


def test_a_resumed_run_keeps_its_scores(site: Path, workspace: Workspace) -> None:
    with pytest.raises(KeyboardInterrupt):
        carry_out(asked(), workspace, InProcess(stop_after=18))
    store = Store(workspace.database_url)
    with store.session() as session:
        kept = {row.id: (row.key, row.value) for row in session.scalars(select(ScoreRow))}
    assert 0 < len(kept) < 8
    changed(site, "FACTOR = 2\n")
    carry_out(asked(), workspace)
    with store.session() as session:
        rows = {row.id: (row.key, row.value) for row in session.scalars(select(ScoreRow))}
    assert len(rows) == 8
    assert {key: rows[key] for key in kept} == kept
    assert len({key for key, _ in rows.values()}) == len(rows)


def gone(site: Path) -> None:
    uninstall(site, "another")


def test_a_run_whose_plug_in_was_removed_still_reports_its_scores(site: Path, workspace: Workspace, tmp_path: Path) -> None:
    carry_out(asked(), workspace)
    carry_out(asked(), workspace, name="twin")
    before = report_of(workspace)
    gone(site)
    after = report_of(workspace)
    assert after.summary == before.summary
    assert after.comparisons == before.comparisons
    assert after.measures == before.measures
    assert "The metric 'glow' is not installed here; its numbers stand as this run kept them." in after.notes
    assert "another 1.0" in str(after.provenance[KEY])
    runner = CliRunner(env={"COLUMNS": "300"})
    for command in (
        ["report", "run", "--out", str(tmp_path / "report"), "--no-clips"],
        ["runs", "show", "run"],
        ["runs", "list"],
        ["runs", "compare", "run", "twin"],
        ["runs", "export", "run", str(tmp_path / "export")],
    ):
        done = runner.invoke(app, command)
        assert done.exit_code == 0, done.output
        assert "glow" in done.output or command[1] in {"list", "export"}
    page = (tmp_path / "report" / "report.html").read_text()
    assert "lumen" in page
    assert "is not installed here" in page
    with pytest.raises(UnknownNameError, match="there is no metric called 'glow'"):
        carry_out(asked(), workspace, name="new")
    with pytest.raises(RunError, match="there is no run called 'new'"):
        report_of(workspace, "new")


def without_records(workspace: Workspace) -> None:
    """Make the runs those of a version that stored no records of metrics."""
    with Store(workspace.database_url).session() as session:
        for run in session.scalars(select(RunRow)):
            run.provenance = {key: value for key, value in run.provenance.items() if key != KEY}


def test_an_older_run_whose_plug_in_was_removed_notes_what_is_unknown(site: Path, workspace: Workspace, tmp_path: Path) -> None:
    carry_out(asked(), workspace)
    before = values(report_of(workspace))
    without_records(workspace)
    gone(site)
    after = report_of(workspace)
    assert values(after) == pytest.approx(before)
    assert not after.comparisons
    assert (
        sum("did not keep what it declares: its numbers stand, their units and directions are unknown" in note for note in after.notes) == 2
    )
    assert CliRunner().invoke(app, ["report", "run", "--out", str(tmp_path / "report"), "--no-clips"]).exit_code == 0
    saved = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {(facts["metric"], facts["measure"]["direction"]) for facts in saved["measures"]} == {("glow", "none"), ("between", "none")}


def test_a_measure_that_the_installed_metric_no_longer_has_is_still_reported(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    source = site / "another" / "__init__.py"
    source.write_text(source.read_text().replace('name="value", title="Glow"', 'name="other", title="Other"'))
    forget("another")
    rows = {(row.metric, row.measure): row for row in report_of(workspace).summary if row.generator == "grey"}
    assert rows["glow", "value"].value is not None
    assert rows["glow", "other"].value is None
    assert next(facts.measure.unit for facts in report_of(workspace).measures if facts.measure.name == "value") == "lumen"


def renewed(site: Path) -> None:
    """Install version 2 of the metric, whose measure has another meaning."""
    source = site / "another" / "__init__.py"
    text = source.read_text().replace('info("glow", ', 'info("glow", version=2, ')
    source.write_text(text.replace('title="Glow", unit="lumen", direction="up"', 'title="Gloom", unit="lux", direction="down", high=9.0'))
    forget("another")


def test_scores_of_an_older_version_are_reported_as_that_version_declared_them(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    before = report_of(workspace)
    renewed(site)
    after = report_of(workspace)
    (was,) = (facts.measure for facts in before.measures if facts.metric == "glow")
    (shown,) = (facts for facts in after.measures if facts.metric == "glow")
    assert (shown.measure, shown.version, shown.backend) == (was, 1, "b, version 1")
    assert was.unit == "lumen"
    glow = [[replace(row, backend="b") for row in report.summary if row.metric == "glow"] for report in (before, after)]
    assert glow[0] == glow[1]
    assert [replace(comparison, backend="b") for comparison in after.comparisons] == list(before.comparisons)


def test_without_a_record_unit_and_direction_of_an_older_version_are_unknown(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    without_records(workspace)
    renewed(site)
    after = report_of(workspace)
    (shown,) = (facts.measure for facts in after.measures if facts.metric == "glow")
    assert (shown.title, shown.unit, shown.direction, shown.high) == ("value", "", "none", None)
    assert "unknown: as in version 1 of the metric; version 2 is installed" in shown.meaning
    assert not after.comparisons


def judged(workspace: Workspace) -> JudgedPair:
    with Store(workspace.database_url).session() as session:
        cells = {cell.generator: cell for cell in session.scalars(select(CellRow).where(CellRow.prompt_id == "p0"))}
    sources = tuple(str(cells[name].clip_sha256) for name in ("grey", "light"))
    return JudgedPair(1, "p0", "grey", 0, "sound", "default", True, ("grey", "light"), ("a", "b"), sources, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lose", "name", "better"),
    [(lambda site: None, "glow: Glow, lumen ↑", "second"), (gone, "glow: Glow, lumen ↑", "second")],
    ids=["installed", "gone"],
)
def test_the_arena_shows_the_scores_of_a_removed_plug_in(
    site: Path, workspace: Workspace, lose: Callable[[Path], Any], name: str, better: str
) -> None:
    carry_out(asked(), workspace)
    lose(site)
    preferred = {figure.name: figure.better for figure in measures_of_pair(Store(workspace.database_url), judged(workspace))}
    assert preferred == {name: better}


def test_the_arena_shows_scores_of_an_older_version_as_that_version_declared_them(site: Path, workspace: Workspace) -> None:
    source = site / "another" / "__init__.py"
    source.write_text(source.read_text().replace('title="Glow"', 'title="Glow", sign="positive: light"'))
    forget("another")
    carry_out(asked(), workspace)
    source.write_text(source.read_text().replace('sign="positive: light"', 'sign="positive: dark"'))
    renewed_text = source.read_text().replace('info("glow", ', 'info("glow", version=2, ').replace("lumen", "lux").replace('"up"', '"down"')
    source.write_text(renewed_text)
    forget("another")
    shown = [(figure.name, figure.better) for figure in measures_of_pair(Store(workspace.database_url), judged(workspace))]
    assert shown == [("glow: Glow in version 1 (positive: light), lumen ↑", "second")]
    without_records(workspace)
    shown = [(figure.name, figure.better) for figure in measures_of_pair(Store(workspace.database_url), judged(workspace))]
    assert shown == [("glow: value ·", None)]


def test_the_arena_shows_scores_without_any_record_of_their_metric(site: Path, workspace: Workspace) -> None:
    carry_out(asked(), workspace)
    without_records(workspace)
    gone(site)
    shown = measures_of_pair(Store(workspace.database_url), judged(workspace))
    assert [(figure.name, figure.better) for figure in shown] == [("glow: value ·", None)]


def test_answers_that_cannot_be_stored_become_failed_scores_and_the_run_continues(site: Path, workspace: Workspace) -> None:
    outcome = carry_out(replace(asked(), metrics=("odd", "odd_set", "glow")), workspace)
    assert outcome.failed == 0
    report = report_of(workspace)
    reasons = {score.metric: score.reason for cell in report.cells for score in cell.scores if score.status == "failed"}
    assert reasons == {"odd": "value: its evidence or details cannot be stored: Object of type object is not JSON serializable"}
    rows = {row.metric: row for row in report.summary if row.generator == "grey"}
    assert rows["odd_set"].reason == "the metric returned scores of surprise, but declares value"
    assert rows["glow"].value is not None
