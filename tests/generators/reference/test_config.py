from __future__ import annotations

from pathlib import Path

import pytest

from seedbench.errors import GeneratorError
from seedbench.generators.reference.config import RUNTIME_SECTIONS, Config, load, shipped


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text)
    return file


def test_nano_holds_the_defaults_of_the_code() -> None:
    assert load("nano") == Config()


@pytest.mark.parametrize("name", shipped())
def test_shipped_configs_are_read(name: str) -> None:
    assert load(name).twins.steps > 0


def test_an_unknown_key_is_named_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "seed: 1\ntwins:\n  batchs: 4\n")
    with pytest.raises(GeneratorError, match=r"mine\.yaml, line 3: twins: unknown key 'batchs' \(did you mean 'batch'\?\)"):
        load(file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("twins: {steps: many}", "twins.steps: input should be a valid integer"),
        ("world: {width: 100}", "world.width: input should be a multiple of 32"),
        ("transformer: {width: 100, heads: 3}", "width 100 is not 3 heads times a multiple of 4"),
        ("machine: {precision: fp8}", "'fp8' is not one of bf16-mixed, 32-true"),
        ("grid: {channels: [8, 8]}", "grid.channels"),
        ("- 1", "must be a mapping of keys"),
        ("seed: ]", "not valid YAML"),
    ],
)
def test_wrong_values_are_refused_with_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(GeneratorError) as caught:
        load(written(tmp_path, text))
    assert sentence in str(caught.value)
    assert "line 1" in str(caught.value)


def test_an_unknown_config_name_is_refused_with_the_closest() -> None:
    with pytest.raises(GeneratorError, match="did you mean 'nano'"):
        load("nanno")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GeneratorError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_every_section_decides_the_weights_or_is_a_runtime_section() -> None:
    """A new section must be put on one side or the other."""
    assert set(Config.model_fields) == {
        "seed",
        "world",
        "grid",
        "coder",
        "polish",
        "faces",
        "codec",
        "transformer",
        "twins",
        *RUNTIME_SECTIONS,
    }
    assert not [name for name in Config().deciding() if name.split(".")[0] in RUNTIME_SECTIONS]


def test_every_setting_has_a_description() -> None:
    plain = {"seed", "steps", "rate", "width", "height"}
    for section in Config.model_fields.values():
        fields = getattr(section.annotation, "model_fields", {})
        assert not [name for name, field in fields.items() if not field.description and name not in plain]
