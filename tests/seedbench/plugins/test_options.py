"""Options as they were typed: text stays text, numbers are numbers, other values are refused with one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.errors import SeedBenchError
from seedbench.generators.imported import Imported
from seedbench.plugins.generator_spec import parse_generator
from seedbench.plugins.options import downgrade_options, upgrade_options

#: Texts that YAML 1.1 reads as dates, floats, octal, hexadecimal or base-60 numbers, truth values, nothing, or as no YAML at all.
LOOKS_LIKE_ELSE = (
    "1.10", "2024-01-01", "010", "0x10", "1e3", "12e5", "1_000", "12:30", "yes", "no", "on", "null", "~", "true", ".inf", "1.", "+1",
    "a #b", "@x: y", "*x", "!!timestamp 2024-01-01", "[1].mp4", "- a", "%a", "a: b",
)  # fmt: skip


@pytest.mark.parametrize("text", LOOKS_LIKE_ELSE)
@pytest.mark.parametrize(
    ("name", "option"), [("command", "version"), ("import", "path"), ("reference", "weights"), ("simulator", "preset")]
)
def test_an_option_that_is_text_arrives_as_typed(name: str, option: str, text: str) -> None:
    assert parse_generator(f"{name}:{option}={text}").options == {option: text}


@given(
    st.text(st.characters(exclude_characters="\"',=[{", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda text: text.strip() == text
    )
)
def test_any_text_arrives_as_typed(text: str) -> None:
    assert parse_generator(f"import:path={text}").options == {"path": text}


def test_a_path_that_looks_like_a_date_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "2024-01-01").mkdir()
    (tmp_path / "2024-01-01" / "a.mp4").write_bytes(b"clip")
    monkeypatch.chdir(tmp_path)
    item = parse_generator("import:path=2024-01-01")
    assert Imported(**item.options).generator == "2024-01-01"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("reference:steps=12,guidance=2,temperature=0.5", {"steps": 12, "guidance": 2, "temperature": 0.5}),
        ("reference:guidance=1e1,temperature=null", {"guidance": 10.0, "temperature": None}),
        ("command:audio=no,deterministic=yes,timeout_s=900", {"audio": False, "deterministic": True, "timeout_s": 900}),
        ("command:references=no", {"references": False}),
        ('command:references="{images: 4}"', {"references": {"images": 4}}),
        ('command:sizes="[[1280, 720], [640, 360]]"', {"sizes": [[1280, 720], [640, 360]]}),
        ('command:tasks="[talking, no]"', {"tasks": ["talking", "no"]}),
        ('command:argv="python gen.py {prompt}, loud {out}"', {"argv": "python gen.py {prompt}, loud {out}"}),
        ('command:argv="my program" {prompt} {out}', {"argv": '"my program" {prompt} {out}'}),
        ("simulator:freeze_from_s=1.5,swap_identity_at_cut=true", {"freeze_from_s": 1.5, "swap_identity_at_cut": True}),
    ],
)
def test_other_options_are_what_the_generator_declares(text: str, options: dict[str, Any]) -> None:
    assert parse_generator(text).options == options


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reference:steps=0x10", "steps takes a whole number, not '0x10'"),
        ("reference:steps=010", "steps takes a whole number, not '010'"),
        ("reference:steps=1.5", "steps takes a whole number, not 1.5"),
        ("reference:guidance=true", "guidance takes a number, not True"),
        ("reference:temperature=12:30", "temperature takes a number or null, not '12:30'"),
        ("command:audio=maybe", "audio takes true or false, not 'maybe'"),
        ("command:tasks=talking", "tasks takes a list"),
        ("simulator:mute=!!timestamp 2024-01-01", "mute has a value that JSON cannot store"),
        ("simulator:mute=[1", "the value of 'mute' cannot be read"),
        ("import:path=a,path=b", "gives the option 'path' twice"),
    ],
)
def test_a_wrong_value_of_an_option_is_an_error(text: str, message: str) -> None:
    with pytest.raises(SeedBenchError) as caught:
        parse_generator(text)
    assert message in str(caught.value)


def test_a_generator_file_keeps_texts_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "label: 1.10\nname: command\noptions:\n  argv: [python, gen.py, --rev, 1.10, --day, 2024-01-01, '{prompt}', '{out}']\n"
        "  version: 12e5\n  timeout_s: 900\n  sizes: [[1280, 720]]\n  audio: off\n  reference_syntax: {image: 0x10}\n"
    )
    item = parse_generator(str(path))
    assert item.label == "1.10"
    assert item.options == {
        "argv": ["python", "gen.py", "--rev", "1.10", "--day", "2024-01-01", "{prompt}", "{out}"],
        "version": "12e5",
        "timeout_s": 900,
        "sizes": [[1280, 720]],
        "audio": False,
        "reference_syntax": {"image": "0x10"},
    }
    path.write_text("name: import\noptions: {path: 2024-01-01, generator: null}\n")
    assert parse_generator(str(path)).options == {"path": "2024-01-01", "generator": None}


def test_options_stored_by_an_earlier_version_are_recognised() -> None:
    stored = {"argv": ["gen", "--steps", 24, "{prompt}"], "version": 2, "timeout_s": 900}
    now = {"argv": ["gen", "--steps", "24", "{prompt}"], "version": "2", "timeout_s": 900}
    assert upgrade_options("command", stored) == now
    assert downgrade_options("command", now) == stored
    assert downgrade_options("command", {"version": "1.10"}) == {"version": "1.10"}
