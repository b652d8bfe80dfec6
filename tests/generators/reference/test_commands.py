from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbench.errors import GeneratorError
from seedbench.generators.reference import commands
from seedbench.generators.reference.config import load, shipped
from seedbench.plugins.registry import entries
from seedbench.plugins.registry import load as registered

RUN = CliRunner()


def test_the_commands_and_the_generator_are_registered() -> None:
    assert registered("commands", "reference") is commands.app
    assert entries("generators")["reference"].value == "seedbench.generators.reference:Reference"


@pytest.mark.parametrize("name", ["shards", "train", "eval"])
def test_help_shows_examples(name: str) -> None:
    result = RUN.invoke(commands.app, [name, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert f"seedbench reference {name} " in result.output


def test_training_without_its_extra_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    result = RUN.invoke(commands.app, ["train", "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, GeneratorError)
    assert str(result.exception) == "training needs lightning: pip install 'seedbench[train]'"


def test_a_wrong_config_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    result = RUN.invoke(commands.app, ["train", "--config", "nanno", "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, GeneratorError)
    assert not (tmp_path / "out").exists()


def test_shards_are_rendered_once(tmp_path: Path) -> None:
    config = tmp_path / "one.yaml"
    config.write_text("world: {clips: 1, stills: 1, width: 64, height: 32}\nvalidation: {clips: 1, stills: 1}\n")
    arguments = ["shards", "--config", str(config), "--out", str(tmp_path / "shards"), "--processes", "1"]
    first, second = (RUN.invoke(commands.app, arguments).output for _ in range(2))
    assert "(4 of 4)" in first
    assert second == f"1 clips and 1 stills are in {tmp_path / 'shards'}, and 1 and 1 held out\n"
    assert len(list((tmp_path / "shards").glob("*.parquet"))) == 4


def test_configs_named_in_the_help_are_there() -> None:
    assert [load(name) for name in shipped()]
    assert shipped() == ["base", "large", "nano"]
