"""The package that docs/plug-ins.md describes is installed exactly as printed there, and runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbench.cli import app
from seedbench.plugins import registry, weights
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.results.load import load_report
from seedbench.store import Store
from seedbench.store.cache import use_cache
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Prompt
from tests.packages import install, uninstall
from tests.seedbench.runs.test_runner import carry_out, spec_of

PAGE = (Path(__file__).parents[3] / "docs" / "plug-ins.md").read_text()
FILES = {name: text for name, text in re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    points = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]
    files = {**{name: text for name, text in FILES.items() if name.startswith("quietness/")}, "quietness/__init__.py": ""}
    groups = {group.removeprefix("seedbench."): entries for group, entries in points.items()}
    install(tmp_path / "site", monkeypatch, name="quietness", files=files, entry_points=groups)
    yield
    uninstall(tmp_path / "site", "quietness")


def test_the_page_holds_the_files_that_it_describes() -> None:
    assert set(FILES) == {"pyproject.toml", "quietness/metric.py", "quietness/generator.py", "quietness/weights.toml"}


def test_the_example_runs(package: None, workspace: Workspace) -> None:
    use_cache(workspace.cache)
    prompts = (Prompt(id="hum", text="A hum, then nothing.", task="sound", duration_s=2.0),)
    hum = GeneratorSpec(label="hum", name="hum", options={"hertz": 220})
    outcome = carry_out(spec_of(hum, prompts=prompts, metrics=("quiet",), reference=None, width=64, height=64, seeds=(0,)), workspace)
    assert (outcome.cells, outcome.failed) == (1, 0)
    rows = load_report(Store(workspace.database_url), workspace, "run").summary
    assert [(row.metric, row.measure, row.n_scored, row.low) for row in rows] == [("quiet", "share", 1, None)]
    assert rows[0].reason == "one prompt: an interval needs two"
    assert rows[0].value == pytest.approx(0.5, abs=0.11)  # the codec may smear the end of the tone into another tenth of a second


def test_the_example_is_listed_and_explained(package: None) -> None:
    runner = CliRunner(env={"COLUMNS": "200"})
    assert "Silent tenths of a second" in runner.invoke(app, ["metrics", "quiet"]).output
    assert "hertz" in runner.invoke(app, ["generators", "hum"]).output
    assert "quietness-net" in runner.invoke(app, ["weights", "list"]).output
    assert weights.find_entry("quietness-net").package == "quietness"


def test_every_group_that_the_page_names_is_read_and_the_other_way_round() -> None:
    named = set(re.findall(r"^\| `seedbench\.(\w+)`", PAGE, re.MULTILINE))
    assert named == {*registry.Group.__args__, "weights"}  # type: ignore[attr-defined]
