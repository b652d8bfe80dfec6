"""Suites read from YAML: what is accepted, and how each mistake is reported."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import get_args

import pytest

from seedbench.errors import SuiteError, UnknownNameError
from seedbench.generators.simulator.stage_block import refusals_of
from seedbench.suites.loading import list_suites, load_suite, suites_directory
from seedbench.suites.prompt import Prompt, Task
from seedbench.suites.references import mentions
from seedbench.suites.suite import select

HEAD = """\
name: small
title: A small suite
version: "1"
prompts:
"""

TWO = """\
  - id: one
    text: A ball falls.
    task: motion
    duration_s: 3
    events: [{kind: drop, height_m: 2}]
  - id: two
    text: A woman speaks.
    task: talking
    cast: [{id: ana}]
    speech: [{character: ana, text: "Hello there."}]
    stage: {anything: [a, {simulator: 0.5}]}
"""


def write(folder: Path, body: str, *, head: str = HEAD) -> Path:
    path = folder / "suite.yaml"
    path.write_text(head + body, encoding="utf-8")
    return path


def complaint(folder: Path, body: str, *, head: str = HEAD) -> str:
    path = write(folder, body, head=head)
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    return str(caught.value).replace(f"{path}:", "")


def test_a_suite_is_read_with_its_hash_and_its_path(tmp_path: Path) -> None:
    path = write(tmp_path, TWO)
    suite = load_suite(path)
    assert (suite.name, suite.title, suite.version, suite.ids) == ("small", "A small suite", "1", ("one", "two"))
    assert suite.root == tmp_path
    assert len(suite.sha256) == 64
    assert suite.prompt("two").stage == {"anything": ["a", {"simulator": 0.5}]}
    assert load_suite(tmp_path) == suite


def test_one_changed_byte_changes_the_hash(tmp_path: Path) -> None:
    first = load_suite(write(tmp_path, TWO)).sha256
    assert load_suite(write(tmp_path, TWO + "# a comment\n")).sha256 != first


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "  - id: one\n    text: A\n    task: motion\n    duraton_s: 3\n",
            "8: prompt 'one': unknown key 'duraton_s' (did you mean 'duration_s'?)",
        ),
        ("  - id: one\n    text: A\n    task: moton\n", "prompt 'one': task: 'moton' is not one of talking, dialogue, "),
        ("  - id: one\n    text: A\n    task: moton\n", "(did you mean 'motion'?)"),
        ("  - id: one\n    task: motion\n", "5: prompt 'one': text: is missing"),
        ("  - id: one\n    task: motion\n    text: 12.5\n", "7: prompt 'one': text: must be text; put 12.5 in quotes"),
        ("  - id: One\n    text: A\n    task: motion\n", "5: prompt 'One': id: 'One' does not match"),
        (
            "  - id: one\n    text: A\n    task: motion\n    duration_s: 601\n",
            "8: prompt 'one': duration_s: input should be less than or equal to 600, not 601",
        ),
        ("  - id: one\n    text: A\n    task: motion\n    duration_s: .inf\n", "8: prompt 'one': duration_s: "),
        ("  - just words\n", "5: prompt 1: must be a mapping of keys, not 'just words'"),
        (
            "  - id: one\n    text: A\n    task: motion\n    events:\n      - kind: drop\n        hight_m: 2\n",
            "10: prompt 'one': events[0]: unknown key 'hight_m' (did you mean 'height_m'?)",
        ),
        (
            "  - id: one\n    text: A\n    task: motion\n    stage: {}\n    cast:\n      - id: a\n        voice: low\n",
            "11: prompt 'one': cast[0]: unknown key 'voice'; write it as stage.cast.a.voice",
        ),
        (
            "  - id: one\n    text: A\n    task: motion\n    stage: {}\n    shots: [{start_s: 0, end_s: 5,\n      place: park}]\n",
            "10: prompt 'one': shots[0]: unknown key 'place'; write it as stage.shots[0].place",
        ),
        (
            "  - id: one\n    text: A\n    task: motion\n    events: [{kind: drop, height_m: 1, motion: fall}]\n",
            "8: prompt 'one': events[0].motion: 'fall' is not one of flight, roll, collision, swing, none",
        ),
        ("  - {id: one, text: A, task: motion, stage: park}\n", "5: prompt 'one': stage: must be a mapping of keys, not 'park'"),
        ("  - id: one\n    text: A\n    task: motion\n    stage:\n      level: .nan\n", "9: prompt 'one': stage.level"),
        ("  - id: one\n    text: A\n    task: motion\n    stage:\n      a: 1\n      a: 2\n", "10: the key 'a' is given twice"),
        (
            "  - id: one\n    text: A\n    task: motion\n    events: [{kind: ''}]\n",
            "8: prompt 'one': events[0].kind: string should have at least 1 character",
        ),
        (
            "  - id: one\n    text: A\n    task: motion\n    shots:\n      - {start_s: 0, end_s: 4}\n",
            "5: prompt 'one': the shots end at 4.0 s, the clip at 5.0 s",
        ),
        (
            "  - id: one\n    text: A\n    task: talking\n    cast: [{id: a}]\n    speech:\n      - {character: b, text: Hi}\n",
            "prompt 'one': the line 'Hi' is spoken by 'b', who is not in the cast",
        ),
        ("  - {id: one, text: A, task: motion, events: [{kind: drop, start_s: 6}]}\n", "the event 'drop' lies after the clip's end"),
        ("  - {id: one, text: A, task: motion}\n  - {id: one, text: B, task: motion}\n", "6: prompt 'one': id: already used on line 5"),
        (
            "  - {id: one, text: 'Use {{image:1}}.', task: motion}\n",
            "5: prompt 'one': text: mentions {{image:1}}, which is not among its references",
        ),
        (
            "  - {id: one, text: 'Use {{picture}}.', task: motion}\n",
            "5: prompt 'one': text: '{{picture}}' names no reference: write {{image:1}}",
        ),
        ("  - {id: one, text: A, text: B, task: motion}\n", "5: the key 'text' is given twice"),
        ("  - id: one\n  text: [\n", "not valid YAML: "),
        ("  - {id: one, text: !!timestamp x, task: motion}\n", "5: not valid YAML: could not determine a constructor"),
        ("  - {id: one, text: A, task: motion, duration_s: !!int x}\n", "not valid YAML: invalid literal for int()"),
        ("  - {id: one, text: A, task: motion, cast: " + "x" * 500 + "}\n", "cast: must be a list, not 'xxx"),
        ("  - {id: one, text: !!python/name:os.system , task: motion}\n", "5: not valid YAML: could not determine a constructor"),
    ],
)
def test_a_mistake_is_reported_with_its_line_and_the_remedy(tmp_path: Path, body: str, expected: str) -> None:
    assert expected in complaint(tmp_path, body)


def test_several_mistakes_are_listed_in_order_up_to_a_limit(tmp_path: Path) -> None:
    body = "".join(f"  - {{id: p{k}, task: motion}}\n" for k in range(8))
    lines = complaint(tmp_path, body).splitlines()
    assert lines[0] == "5: prompt 'p0': text: is missing"
    assert lines[4] == "9: prompt 'p4': text: is missing"
    assert lines[5:] == ["... and 3 more"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "1: a suite is a mapping with name, title, version and prompts"),
        ("name: small\ntitle: T\nversion: 1.0\nprompts: [{}]\n", "3: version: must be text; put 1.0 in quotes"),
        ('name: small\ntitle: T\nversion: "1"\n', "1: prompts: is missing"),
        ('name: small\ntitle: T\nversion: "1"\nprompts: []\n', "4: prompts: list should have at least 1 item"),
        ('name: small\ntitel: T\nversion: "1"\nprompts: [{}]\n', "2: unknown key 'titel' (did you mean 'title'?)"),
        (
            'name: s\ntitle: T\nversion: "1"\nreference_limits: {imges: 2}\nprompts: [{}]\n',
            "4: reference_limits: unknown key 'imges' (did you mean 'images'?)",
        ),
        (
            'name: s\ntitle: T\nversion: "1"\nreference_limits: {images: many}\nprompts: [{}]\n',
            "4: reference_limits.images: input should be a valid integer",
        ),
    ],
)
def test_a_mistake_in_the_fields_before_the_prompts_is_reported_too(tmp_path: Path, head: str, expected: str) -> None:
    assert expected in complaint(tmp_path, "", head=head)


def test_text_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_bytes(b"name: small\ntitle: caf\xe9\n")
    with pytest.raises(SuiteError, match=r"suite\.yaml:2: not UTF-8 text"):
        load_suite(path)


def test_words_that_other_yaml_readers_convert_stay_text(tmp_path: Path) -> None:
    body = "  - {id: one, text: no, task: text, text_in_frame: [{text: 12:30}, {text: 2026-01-01}, {text: on}, {text: 007}]}\n"
    prompt = load_suite(write(tmp_path, body)).prompts[0]
    assert prompt.text == "no"
    assert [sign.text for sign in prompt.text_in_frame] == ["12:30", "2026-01-01", "on", "007"]


def test_anchors_and_merges_work_and_keep_their_lines(tmp_path: Path) -> None:
    body = "  - &base {id: one, text: A, task: motion}\n  - {<<: *base, id: two, duration_s: 999}\n"
    assert "6: prompt 'two': duration_s: " in complaint(tmp_path, body)
    suite = load_suite(write(tmp_path, body.replace("999", "4")))
    assert [prompt.text for prompt in suite.prompts] == ["A", "A"]


def test_mentions_are_normalised_and_unused_references_cause_a_warning(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not looked into")
    body = """\
  - id: one
    text: Dress her like @image1, mail me@image2.org.
    task: reference
    references:
      - {id: "image:1", path: a.png, role: appearance}
      - {id: "image:2", path: a.png, role: style}
"""
    suite = load_suite(write(tmp_path, body))
    assert suite.prompts[0].text == "Dress her like {{image:1}}, mail me@image2.org."
    assert mentions(suite.prompts[0].text) == ("image:1",)
    assert suite.warnings == ("prompt 'one': its text never mentions {{image:2}}",)


def test_a_missing_asset_is_reported_with_the_line_of_its_reference(tmp_path: Path) -> None:
    body = """\
  - id: one
    text: Like {{image:1}}.
    task: reference
    references:
      - {id: "image:1", path: nowhere.png, role: appearance}
"""
    assert complaint(tmp_path, body).startswith("9: prompt 'one': image:1: no file nowhere.png beside the suite")
    assert load_suite(write(tmp_path, body), check_files=False).prompts[0].references[0].path == "nowhere.png"


def test_a_suite_may_widen_or_tighten_the_reference_limits(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x" * 100)
    body = '  - {id: one, text: "{{image:1}}", task: reference, references: [{id: "image:1", path: a.png, role: style}]}\n'
    head = HEAD.replace("prompts:", "reference_limits: {image_bytes: 100}\nprompts:")
    assert "every image must be under 100 bytes" in complaint(tmp_path, body, head=head)
    assert load_suite(write(tmp_path, body, head=head.replace("100", "101"))).limits.image_bytes == 101


def test_prompts_of_a_sweep_may_differ_only_in_strength(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    item = """\
  - {id: %s, text: "%s {{image:1}}", task: strength, sweep: s, references: [{id: "image:1", path: a.png, role: style, strength: %s}]}
"""
    assert len(load_suite(write(tmp_path, item % ("a", "Like", 0) + item % ("b", "Like", 1))).prompts) == 2
    message = complaint(tmp_path, item % ("a", "Like", 0) + item % ("b", "Unlike", 1))
    assert message == "6: prompt 'b': text: differs from prompt 'a' of the same sweep; only strengths may differ"


def test_the_error_of_an_unknown_suite_suggests_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownNameError, match="there is no suite 'quik' \\(did you mean 'quick'\\?\\); shipped: core, quick; or give a path"
    ):
        load_suite("quik")
    with pytest.raises(SuiteError, match="no such suite file"):
        load_suite(tmp_path / "none.yaml")
    with pytest.raises(SuiteError, match="no such suite file"):
        load_suite(tmp_path)


def test_the_shipped_suites_are_listed_by_name() -> None:
    assert {"core", "quick"} <= set(list_suites())
    assert all(path.is_relative_to(suites_directory()) for path in list_suites().values())


def test_a_selection_keeps_the_order_and_explains_what_it_cannot_find(tmp_path: Path) -> None:
    suite = load_suite(write(tmp_path, TWO + textwrap.indent("- {id: three, text: C, task: motion}\n", "  ")))
    assert select(suite).ids == ("one", "two", "three")
    assert select(suite, ids=["t*"]).ids == ("two", "three")
    assert select(suite, ids=["three", "one"], limit=1).ids == ("one",)
    assert select(suite, tasks=["motion"]).ids == ("one", "three")
    assert select(suite, tasks=["motion"], limit=1).sha256 == suite.sha256
    with pytest.raises(UnknownNameError, match=r"no prompt 'thre' \(did you mean 'three'\?\)"):
        select(suite, ids=["thre"])
    with pytest.raises(
        UnknownNameError, match=r"no such task in suite 'small': 'moton' \(did you mean 'motion'\?\); it has motion, talking"
    ):
        select(suite, tasks=["moton"])
    with pytest.raises(UnknownNameError, match="no prompt of this task"):
        select(suite, tasks=["music"])
    with pytest.raises(SuiteError, match="nothing of suite 'small' is left"):
        select(suite, ids=["one"], tasks=["talking"])
    with pytest.raises(UnknownNameError, match="'two' selects no prompt of motion in suite 'small'"):
        select(suite, ids=["one", "two"], tasks=["motion"])
    with pytest.raises(UnknownNameError, match=r"did you mean 'two'"):
        suite.prompt("tow")


def test_the_suite_of_the_documentation_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "suites.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    suite = load_suite(write(tmp_path, example, head=""))
    assert suite.ids == ("first-serve", "captain-speaks")
    assert "stage" not in example
    assert refusals_of(suite.prompt("captain-speaks")) == []
    assert refusals_of(suite.prompt("first-serve")) != []
    stage = page.split("```yaml\n")[2].split("```")[0]
    staged_suite = load_suite(write(tmp_path, example + stage, head=""))
    assert refusals_of(staged_suite.prompt("captain-speaks")) == []
    assert staged_suite.prompt("captain-speaks").stage["shots"] == [{"framing": "medium", "place": "street"}]
    limits = page.split("```yaml\n")[4].split("```")[0]
    wider = load_suite(write(tmp_path, limits + example, head="")).limits
    assert (wider.images, wider.total, wider.video_total_s) == (14, 20, (1.0, 30.0))


def test_every_task_and_field_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[3] / "docs" / "suites.md").read_text(encoding="utf-8")
    for word in (*get_args(Task), *(name for name in Prompt.model_fields if name not in ("id", "text", "duration_s"))):
        assert f"`{word}`" in page, word
