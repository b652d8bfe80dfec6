"""Which settings change a run's numbers, and which do not."""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from seedbench.cli.run import run
from seedbench.errors import SeedBenchError
from seedbench.plugins.generator_spec import GeneratorSpec, parse_generator
from seedbench.runs.make_spec import make_spec
from seedbench.runs.spec import RunSpec
from seedbench.suites.prompt import Prompt

#: Every field of a run is one or the other. A new field fails this test until someone says which.
IDENTITY = {
    "suite", "suite_version", "suite_sha256", "prompts", "generators", "metrics", "seeds", "width", "height", "fps",
    "ceiling", "reference", "reference_seeds", "root",
}  # fmt: skip
#: Every option of `seedbench run` decides numbers, by the fields named here, or does not: a new one fails until someone says which.
DECIDES = {
    "generator": {"generators"}, "suite": {"suite", "suite_version", "suite_sha256", "prompts", "root"}, "metric": {"metrics"},
    "seeds": {"seeds"}, "prompt": {"prompts"}, "task": {"prompts"}, "limit": {"prompts"}, "size": {"width", "height"}, "fps": {"fps"},
    "ceiling": {"ceiling"}, "reference": {"reference"}, "reference_seeds": {"reference_seeds"},
}  # fmt: skip
DECIDES_NOTHING = {"name", "workers", "max_failures", "out"}


def spec(**changes: object) -> RunSpec:
    given = {
        "suite": "s",
        "suite_version": "1",
        "suite_sha256": "x",
        "prompts": (Prompt(id="a", text="a", task="sound"),),
        "generators": (GeneratorSpec(label="g", name="toy"),),
        "metrics": ("m",),
        **changes,
    }
    return RunSpec(**given)  # type: ignore[arg-type]


def test_fields_are_classified() -> None:
    assert {field.name for field in fields(RunSpec)} == IDENTITY


def test_every_option_of_a_run_is_part_of_its_spec_or_listed_as_not() -> None:
    assert set(inspect.signature(run).parameters) == DECIDES.keys() | DECIDES_NOTHING
    assert set().union(*DECIDES.values()) == IDENTITY
    assert set(inspect.signature(make_spec).parameters).isdisjoint(DECIDES_NOTHING)


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": (1,)},
        {"width": 100},
        {"metrics": ("n",)},
        {"generators": (GeneratorSpec(label="g", name="toy", options={"level": 2}),)},
        {"reference": GeneratorSpec(label="r", name="toy")},
        {"prompts": (Prompt(id="a", text="b", task="sound"),)},
        {"suite": "t"},
        {"suite_version": "2"},
        {"suite_sha256": "y"},
        {"height": 100},
        {"fps": 24},
        {"ceiling": "g"},
        {"reference_seeds": (7,)},
    ],
)
def test_what_decides_numbers_changes_the_digest(changes: dict[str, object]) -> None:
    assert spec().digest() != spec(**changes).digest()
    assert spec().differences(spec(**changes)) == list(changes)


def test_the_folder_of_the_assets_does_not_change_the_digest() -> None:
    assert spec().digest() == spec(root="/elsewhere").digest()


def test_a_spec_read_back_from_json_is_equal() -> None:
    original = spec(reference=GeneratorSpec(label="r", name="toy", options={"a": [1, 2]}))
    assert RunSpec.from_json(original.as_json()) == original


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("simulator", GeneratorSpec(label="simulator", name="simulator")),
        ("a=b:x=1,y=text,z=true", GeneratorSpec(label="a", name="b", options={"x": 1, "y": "text", "z": True})),
        ('c=command:argv="gen {prompt}, loud"', GeneratorSpec(label="c", name="command", options={"argv": "gen {prompt}, loud"})),
        ("import:path=/a/b=c.csv", GeneratorSpec(label="import", name="import", options={"path": "/a/b=c.csv"})),
    ],
)
def test_generators_are_read_from_one_line(text: str, expected: GeneratorSpec) -> None:
    assert parse_generator(text) == expected


@pytest.mark.parametrize("text", ["", "=x", "a=", "a:b", "a:=1"])
def test_a_malformed_generator_is_refused(text: str) -> None:
    with pytest.raises(SeedBenchError, match="not of the form"):
        parse_generator(text)


def test_a_generator_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "g.yaml"
    path.write_text("label: x\nname: toy\noptions: {level: 3}\n")
    assert parse_generator(str(path)) == GeneratorSpec(label="x", name="toy", options={"level": 3})
    path.write_text("label: x\nnonsense: 1\n")
    with pytest.raises(SeedBenchError, match="needs `name`"):
        parse_generator(str(path))


def test_a_spec_without_own_seeds_is_written_as_it_was_before_there_were_any() -> None:
    plain = spec(reference=GeneratorSpec(label="r", name="toy")).as_json()
    assert plain["generators"] == [{"label": "g", "name": "toy", "options": {}}]
    assert plain["reference"] == {"label": "r", "name": "toy", "options": {}}


def test_own_seeds_are_part_of_the_spec() -> None:
    own = spec(seeds=(0,), generators=(GeneratorSpec(label="g", name="toy", seeds=(3, 4)), GeneratorSpec(label="h", name="toy")))
    assert RunSpec.from_json(own.as_json()) == own
    assert own.all_seeds == (3, 4, 0)
    assert (
        own.digest() != spec(seeds=(0,), generators=(GeneratorSpec(label="g", name="toy"), GeneratorSpec(label="h", name="toy"))).digest()
    )


def test_a_spec_whose_texts_were_stored_as_numbers_is_the_same_spec() -> None:
    def asked(version: object) -> RunSpec:
        return spec(generators=(GeneratorSpec(label="g", name="command", options={"argv": "gen {prompt} {out}", "version": version}),))

    assert asked("2").is_stored_as(asked(2).as_json())
    assert not asked("1.10").is_stored_as(asked(1.1).as_json())
