"""Prompts in the form of earlier versions: their files load with a warning, their stored runs and keys stay valid."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from seedbench.files.hashing import digest_of
from seedbench.generators.simulator.stage_block import refusals_of
from seedbench.plugins.generator_spec import parse_generator
from seedbench.plugins.metric import MetricInfo
from seedbench.runs.make_spec import default_name
from seedbench.runs.plan import plan
from seedbench.runs.records import name_of_run
from seedbench.runs.score_task import score_key
from seedbench.runs.spec import RunSpec
from seedbench.store import RunRow, Store
from seedbench.suites.earlier_form import from_earlier, is_earlier, read_prompt, stored_json
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Event, Music, Prompt
from tests.seedbench.suites import earlier_prompts

#: Written by the last version that knew the earlier form alone.
GOLDEN = json.loads((Path(__file__).parent / "golden_keys.json").read_text(encoding="utf-8"))
HEAD = 'name: small\ntitle: A small suite\nversion: "1"\nprompts:\n'
EARLIER = """\
  - id: today
    text: Nothing special.
    task: sound
  - id: one
    text: A woman speaks.
    task: talking
    cast:
      - {id: ana, look: {hair: red, skin: fair}, voice: high}
    shots:
      - {start_s: 0, end_s: 5, cast: [ana], framing: close, light: day}
    speech: [{character: ana, text: "Hello there."}]
  - id: two
    text: A ball falls.
    task: motion
    events: [{kind: drop, restitution: 0.5}]
"""


def quick() -> RunSpec:
    suite = load_suite("quick")
    return RunSpec(
        suite=suite.name,
        suite_version=suite.version,
        suite_sha256=suite.sha256,
        prompts=suite.prompts,
        generators=(parse_generator("simulator"), parse_generator("broken=simulator:preset=broken")),
        metrics=("lipsync",),
        seeds=(0, 1),
        root=str(suite.root),
    )


def write(folder: Path, body: str) -> Path:
    path = folder / "suite.yaml"
    path.write_text(HEAD + body, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["quick", "core"])
def test_the_shipped_prompts_have_the_keys_of_the_previous_version(name: str) -> None:
    digests = {f"{name}/{prompt.id}": digest_of(stored_json(prompt)) for prompt in load_suite(name).prompts}
    assert digests == {key: digest for key, digest in GOLDEN["shipped"].items() if key.startswith(name)}


@pytest.mark.parametrize("row", GOLDEN["flat"], ids=lambda row: row["prompt"]["id"])
def test_a_prompt_of_the_earlier_form_keeps_its_key(row: dict[str, Any]) -> None:
    prompt = read_prompt(row["prompt"])
    assert digest_of(stored_json(prompt)) == row["digest"]
    assert digest_of(stored_json(read_prompt(stored_json(prompt)))) == row["digest"]


@pytest.mark.parametrize("row", GOLDEN["flat"], ids=lambda row: row["prompt"]["id"])
def test_a_prompt_rewritten_as_the_warning_advises_keeps_its_key(row: dict[str, Any]) -> None:
    assert digest_of(stored_json(Prompt.model_validate(from_earlier(row["prompt"])))) == row["digest"]


@settings(deadline=None, max_examples=300)
@given(earlier_prompts.prompts())
def test_any_prompt_of_the_earlier_form_is_stored_as_before(prompts: tuple[dict[str, Any], dict[str, Any]]) -> None:
    for written in prompts:
        assert canonical(stored_json(read_prompt(written))) == canonical(prompts[1])


def canonical(plain: dict[str, Any]) -> str:
    """Text that differs wherever a digest of the data would."""
    return json.dumps(plain, sort_keys=True)


def test_the_earlier_flag_decides_whether_a_prompt_is_drawn_and_not_the_reason() -> None:
    prompt = {"id": "a", "text": "", "task": "sound", "not_simulated": "no bell here"}
    for drawn in (prompt, {**prompt, "simulated": True}):
        assert refusals_of(read_prompt(drawn)) == []
        assert read_prompt(stored_json(read_prompt(drawn))) == read_prompt(drawn)
    assert refusals_of(read_prompt({**prompt, "simulated": False})) == [("no bell here", ())]


def test_cells_and_scores_of_quick_have_the_keys_of_the_previous_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.generators.simulator.VERSION", 2)  # whose clips they are
    assert [cell.key for cell in plan(quick())] == GOLDEN["quick"]["cells"]
    info = MetricInfo(name="m", title="m", meaning="m", citation="", version=3, measures=())
    scores = {prompt.id: score_key(info, "code", "0" * 64, prompt) for prompt in load_suite("quick").prompts}
    assert scores == GOLDEN["quick"]["scores"]


def test_a_spec_stored_by_the_previous_version_is_the_same_spec() -> None:
    """The suite's file has other bytes since it is written in the present form; nothing else differs."""
    stored = replace(quick(), suite_sha256=GOLDEN["quick"]["suite_sha256"])
    assert stored.digest() == GOLDEN["quick"]["spec"]
    assert quick().digest() != stored.digest()
    assert quick().is_stored_as(stored.as_json())
    assert not replace(quick(), seeds=(2,)).is_stored_as(stored.as_json())
    assert not replace(quick(), prompts=quick().prompts[:3]).is_stored_as(stored.as_json())


def test_a_run_without_a_name_resumes_under_the_name_that_the_previous_version_gave_it(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'runs.db'}")
    assert name_of_run(store, quick()) == default_name(quick())
    stored = replace(quick(), suite_sha256=GOLDEN["quick"]["suite_sha256"])
    with store.writing() as session:
        session.add(RunRow(name="quick-simulator-broken-named", spec=stored.as_json(), spec_hash=stored.digest(), provenance={}))
    assert name_of_run(store, quick()) == default_name(quick())
    with store.writing() as session:
        session.add(RunRow(name=default_name(stored), spec=stored.as_json(), spec_hash=stored.digest(), provenance={}))
    assert name_of_run(store, quick()) == default_name(stored) != default_name(quick())
    assert name_of_run(store, replace(quick(), seeds=(5,))) == default_name(replace(quick(), seeds=(5,)))


def test_an_earlier_suite_loads_with_a_warning_that_shows_the_present_form(tmp_path: Path) -> None:
    path = write(tmp_path, EARLIER)
    with pytest.warns(FutureWarning) as caught:
        suite = load_suite(path)
    assert suite.prompt("one").stage == {
        "cast": {"ana": {"hair": "red", "skin": "fair", "voice": "high"}},
        "shots": [{"framing": "close"}],
    }
    assert suite.prompt("two").stage == {"events": [{"restitution": 0.5}]}
    assert suite.prompt("two").events[0].height_m == 1.5
    sentence, _, advice = str(caught[0].message).partition("\n")
    assert sentence.startswith(f"{path}:8: prompt 'one' and 1 more: written in the form of earlier versions")
    rewritten = yaml.safe_load(EARLIER)
    rewritten[1] |= yaml.safe_load(advice)
    rewritten[2] |= {"events": [{"kind": "drop", "height_m": 1.5}], "stage": {"events": [{"restitution": 0.5}]}}
    assert load_suite(write(tmp_path, yaml.safe_dump(rewritten))).prompts == suite.prompts


def test_present_field_names_lead_to_the_lines_of_an_earlier_file(tmp_path: Path) -> None:
    path = write(tmp_path, EARLIER)
    with pytest.warns(FutureWarning):
        suite = load_suite(path)
    assert suite.place("one", ("stage", "cast", "ana", "hair")) == f"{path}:12"
    assert suite.place("one", ("stage", "shots", 0, "framing")) == f"{path}:14"
    assert suite.place("two", ("stage", "events", 0, "restitution")) == f"{path}:19"


def test_a_drop_without_a_height_is_of_the_earlier_form_only_without_present_fields() -> None:
    drop = {"id": "a", "text": "", "task": "motion", "events": [{"kind": "drop"}]}
    assert is_earlier(drop)
    assert not is_earlier({**drop, "stage": {}})
    assert not is_earlier({**drop, "events": [{"kind": "drop", "object": "tennis ball"}]})
    assert not is_earlier({**drop, "events": [{"kind": "drop", "motion": "flight"}]})
    assert not is_earlier({**drop, "events": [{"kind": "drop", "height_m": 2}]})
    assert not is_earlier({**drop, "events": [{"kind": "bell"}]})
    heights_m = [1.5, None, None, None]
    events = [{}, {"object": "tennis ball"}, {"motion": "flight"}, {"motion": "flight", "impact": True}]
    assert [read_prompt({**drop, "events": [{"kind": "drop", **event}]}).events[0].height_m for event in events] == heights_m


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(id="a", text="", task="motion", events=(Event(kind="serve", object="tennis ball", motion="flight", impact=True),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", object="tennis ball", height_m=1.0),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop"),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.0, impact=False),)),
        Prompt(id="a", text="", task="music", music=Music(style="slow jazz")),
        Prompt(id="a", text="", task="sound", stage={"weather": "rain"}),
        Prompt(id="a", text="", task="sound", stage={"shots": [{"place": "park"}]}),
        Prompt(id="a", text="", task="sound", stage={"cast": {"nobody": {"hair": "red"}}}),
        Prompt(id="a", text="", task="sound", stage={"simulated": True}),
        Prompt(id="a", text="", task="sound", stage={"simulated": 1, "not_simulated": "no bell here"}),
        Prompt(id="a", text="", task="sound", stage={"cast": 3, "events": "x", "not_simulated": [1]}),
    ],
)
def test_what_the_earlier_form_cannot_express_is_stored_in_the_present_form(prompt: Prompt) -> None:
    plain = stored_json(prompt)
    assert plain["stage"] == prompt.stage
    assert json.loads(json.dumps(plain)) == plain
    assert read_prompt(plain) == prompt


def test_fields_that_the_earlier_form_lacks_change_the_key() -> None:
    prompts = [
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.5),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.5, impact=False),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.5, motion="none"),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop"),)),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.5),), stage={"events": [{"object": "box"}]}),
        Prompt(id="a", text="", task="motion", events=(Event(kind="drop", height_m=1.5),), duration_s=600),
    ]
    assert len({digest_of(stored_json(prompt)) for prompt in prompts}) == len(prompts)


def test_no_other_module_of_the_core_names_keys_of_the_stage_block() -> None:
    """Only the simulator reads the stage block: the core passes it on unread, and imports no generator for it."""
    keys = ("hair_style", "skin", "glasses", "framing", "pose", "restitution", "speed_m_s", "not_simulated")
    core = Path(__file__).parents[3] / "seedbench"
    for path in sorted(core.rglob("*.py")):
        inside = path.relative_to(core)
        if inside.parts[0] in ("metrics", "generators", "arena", "datasets") or inside.as_posix() == "suites/earlier_form.py":
            continue
        assert not [key for key in keys if re.search(rf"\b{key}\b", path.read_text(encoding="utf-8"))], inside
