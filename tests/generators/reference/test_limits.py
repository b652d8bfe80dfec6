"""What the reference model refuses, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from seedbench.generators.reference.limits import CAPABILITIES, MAX_DURATION_S, refusal_of
from seedbench.generators.simulator.staging import staged_shots
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Character, Edit, Event, FrameText, Music, Prompt, ReferenceAsset, Shot

CORE = load_suite("core")
TWO = (Character(id="ann"), Character(id="bob"))
FOUR = (*TWO, Character(id="cat"), Character(id="dan"))


def shot(**fields: Any) -> tuple[Shot, ...]:
    return (Shot(**{"start_s": 0, "end_s": 2, "cast": ("ann",), **fields}),)


def staged_as(**facts: str) -> dict[str, Any]:
    return {"stage": {"shots": [facts]}}


def asset(name: str, role: str) -> tuple[ReferenceAsset, ...]:
    return (ReferenceAsset(id=f"{name}:1", path="a", role=role),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"events": (Event(kind="bell"),)}, "'bell'"),
        ({"events": (Event(kind="pendulum"),), "cast": (), "shots": ()}, "'pendulum'"),
        ({"events": (Event(kind="water"),), "cast": (), "shots": ()}, "'water'"),
        ({"events": (Event(kind="drop"), Event(kind="drop")), "cast": (), "shots": ()}, "one body at a time"),
        ({"events": (Event(kind="drop"),)}, "not both"),
        ({"cast": (), "shots": ()}, "neither"),
        ({"music": Music(tempo_bpm=100)}, "music"),
        ({"text_in_frame": (FrameText(text="BAR"),)}, "text in the picture"),
        ({"cast": FOUR}, "at most 3 people"),
        ({"shots": tuple(Shot(start_s=i / 5, end_s=(i + 1) / 5, cast=("ann",)) for i in range(10))}, "8 shots"),
        ({"cast": TWO, "shots": shot(cast=("ann", "bob"))}, "two people in one frame"),
        (staged_as(framing="wide"), "wide shot"),
        ({"shots": shot(cast=())}, "a shot without people"),
        (staged_as(camera="pan"), "pan"),
        (staged_as(camera="push"), "push"),
        (staged_as(pose="left"), "turned to the left"),
        ({"references": asset("image", "style")}, "'style' from image references"),
        ({"references": asset("video", "camera")}, "'camera' from video references"),
        ({"references": asset("audio", "source")}, "'source' from audio references"),
        (
            {"references": asset("video", "source"), "edit": Edit(source="video:1", change="clothes", to="red")},
            "'clothes'",
        ),
        (
            {
                "references": asset("video", "source"),
                "edit": Edit(source="video:1", change="voice", to="low"),
                "shots": (Shot(start_s=0, end_s=1, cast=("ann",)), Shot(start_s=1, end_s=2, cast=("ann",))),
            },
            "one shot and one person",
        ),
        (
            {"references": (*asset("video", "source"), ReferenceAsset(id="video:2", path="b", role="motion")), "extends": "video:1"},
            "no motion from another clip while it extends a clip",
        ),
    ],
)
def test_a_refusal_names_what_cannot_be_done(talking: Callable[..., Prompt], fields: dict[str, Any], named: str) -> None:
    reason = refusal_of(talking(**{"duration_s": 2, "shots": shot(), **fields}))
    assert reason.startswith("the reference model")
    assert named in reason


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"shots": ()},
        {
            "cast": TWO,
            "shots": (*shot(end_s=1), Shot(start_s=1, end_s=2, cast=("bob",))),
            "stage": {"shots": [{}, {"framing": "close", "light": "dim", "place": "night"}]},
        },
        {"cast": (), "shots": shot(cast=()), "stage": {"shots": [{"framing": "wide"}]}, "events": (Event(kind="bounce"),)},
        {"references": asset("image", "appearance")},
        {"references": asset("image", "first_frame")},
        {"references": asset("video", "appearance")},
        {"references": asset("video", "motion")},
        {"references": asset("audio", "voice")},
        {"references": asset("audio", "rhythm")},
        {"references": asset("video", "source"), "extends": "video:1"},
        *(
            {"references": asset("video", "source"), "edit": Edit(source="video:1", change=what, to="x")}
            for what in ("background", "light", "voice")
        ),
    ],
)
def test_what_it_was_trained_for_is_not_refused(talking: Callable[..., Prompt], fields: dict[str, Any]) -> None:
    assert refusal_of(talking(**{"duration_s": 2, "shots": shot(), **fields})) == ""


def core_prompts(*tasks: str) -> list[Prompt]:
    return [prompt for prompt in CORE.prompts if prompt.task in tasks]


def takes(prompt: Prompt) -> bool:
    """Whether a prompt passes both the plan's look at the capabilities and the model's own."""
    return prompt.task in CAPABILITIES.tasks and prompt.duration_s <= MAX_DURATION_S and not refusal_of(prompt)


@pytest.mark.parametrize(
    "prompt", [staged for staged in CORE.prompts if staged.task in ("talking", "dialogue")], ids=lambda staged: staged.id
)
def test_talking_prompts_of_the_core_suite_are_accepted_unless_heads_turn_or_they_are_too_long(prompt: Prompt) -> None:
    plain = all(staged.pose == "front" for staged in staged_shots(prompt)) and prompt.duration_s <= MAX_DURATION_S
    assert takes(prompt) == plain


@pytest.mark.parametrize(
    "prompt",
    [candidate for candidate in CORE.prompts if candidate.task in ("characters", "music", "text", "fluid", "sound")],
    ids=lambda candidate: candidate.id,
)
def test_groups_music_signs_fluids_and_sounds_of_the_core_suite_are_refused(prompt: Prompt) -> None:
    assert not takes(prompt)
    assert refusal_of(prompt)


@pytest.mark.parametrize(
    "prompt", [candidate for candidate in CORE.prompts if candidate.task in ("impact", "motion")], ids=lambda candidate: candidate.id
)
def test_single_falling_bodies_of_the_core_suite_are_accepted(prompt: Prompt) -> None:
    assert takes(prompt) == ([event.kind in ("drop", "bounce") and event.sound for event in prompt.events] == [True])


@pytest.mark.parametrize(
    ("task", "taken"),
    [
        ("strength", {f"strength-{who}-{level}" for who in ("face", "man") for level in (0, 25, 50, 75, 100)}),
        ("reference", {"reference-face", "reference-first-frame", "reference-voice", "reference-face-and-voice"}),
        ("extension", {"extend-talk"}),
        ("edit", {"edit-background", "edit-light", "edit-voice"}),
        ("multi_shot", {"shots-light", "shots-places"}),
    ],
)
def test_number_of_accepted_prompts_of_the_core_suite(task: str, taken: set[str]) -> None:
    assert {candidate.id for candidate in CORE.prompts if candidate.task == task and takes(candidate)} == taken


def test_every_task_of_the_capabilities_has_an_accepted_prompt() -> None:
    offered = {candidate.task for candidate in CORE.prompts if takes(candidate)}
    assert CAPABILITIES.tasks - offered == {"unknown"}
