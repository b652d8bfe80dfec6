"""The shipped suites keep their promises: coverage, words that agree with the expectations, lines that fit, cuts on their beats."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from seedbench.generators.simulator.stage_block import Look, block_of, refusals_of
from seedbench.suites.loading import load_suite, suites_directory
from seedbench.suites.prompt import Prompt
from seedbench.suites.references import ReferenceLimits, mentions
from seedbench.suites.suite import Suite

# Slow careful speech, in characters a second; each script at the lower end of what a person reads aloud.
CHARACTERS_A_SECOND = {"cmn": 3.7, "ja": 5.5, "ko": 5.0, "hi": 11.0, "ar": 8.0, "sw": 10.0}
LATIN_CHARACTERS_A_SECOND = 14.0
SCRIPTS = {"ru": "CYRILLIC", "cmn": "CJK", "ja": "HIRAGANA", "ko": "HANGUL", "hi": "DEVANAGARI", "ar": "ARABIC"}
LOOK_WORDS = {"skin": "{} skin", "eyes": "{} eyes", "face": "{} face", "hair": "{} hair"}
NAMES = ("quick", "core")


def prompts() -> list[Prompt]:
    return [prompt for name in NAMES for prompt in load_suite(name).prompts]


every_prompt = pytest.mark.parametrize("prompt", prompts(), ids=lambda prompt: prompt.id)


@pytest.fixture(params=NAMES)
def suite(request: pytest.FixtureRequest) -> Suite:
    return load_suite(request.param)


def test_a_suite_loads_without_a_warning(suite: Suite) -> None:
    assert suite.warnings == ()
    assert suite.licence == "CC0-1.0"
    assert suite.name == suite.path.parent.name


def test_the_datasets_hold_data_only() -> None:
    assert [path for path in suites_directory().rglob("*") if path.suffix in (".py", ".pyc", ".sh")] == []
    assert sum(path.stat().st_size for path in suites_directory().rglob("*")) < 4_000_000


def test_every_asset_is_used_and_none_is_a_real_person(suite: Suite) -> None:
    used = {reference.path for prompt in suite.prompts for reference in prompt.references}
    lying = {path.relative_to(suite.root).as_posix() for path in (suite.root / "assets").iterdir()}
    assert used == lying
    assert not any(reference.person for prompt in suite.prompts for reference in prompt.references)


def test_quick_is_small_and_touches_everything() -> None:
    quick = load_suite("quick")
    assert len(quick.prompts) == 12
    assert sum(prompt.duration_s for prompt in quick.prompts) <= 50
    assert all(3 <= prompt.duration_s <= 6 and refusals_of(prompt) == [] for prompt in quick.prompts)
    assert len({line.language for prompt in quick.prompts for line in prompt.speech}) >= 4
    assert {event.kind for prompt in quick.prompts for event in prompt.events} >= {"drop", "bounce", "collide", "pendulum"}


def test_core_covers_what_it_says() -> None:
    core = load_suite("core")
    tasks = Counter(prompt.task for prompt in core.prompts)
    assert len(core.prompts) >= 80
    floors = {"talking": 16, "dialogue": 8, "characters": 7, "multi_shot": 7, "impact": 8, "motion": 9, "fluid": 6, "sound": 6, "music": 7}
    floors |= {"text": 7, "reference": 8, "strength": 10, "extension": 3, "edit": 4}
    assert {task: count for task, count in floors.items() if tasks[task] < count} == {}
    languages = {line.language for prompt in core.prompts if prompt.task == "talking" for line in prompt.speech}
    assert languages == {"en", "de", "fr", "es", "it", "pt-BR", "ru", "cmn", "ja", "hi", "ar", "tr", "vi", "pl", "sw", "ko"}
    kinds = {event.kind for prompt in core.prompts for event in prompt.events}
    assert kinds >= {"drop", "throw", "bounce", "roll", "collide", "pendulum", "knock", "clap", "bell", "beep", "cloth", "water", "smoke"}
    assert {prompt.music.cuts for prompt in core.prompts if prompt.music} == {"on_beat", "off_beat", "none"}
    assert {prompt.edit.change for prompt in core.prompts if prompt.edit} == {"background", "voice", "clothes", "light"}
    assert max(len(shot.cast) for prompt in core.prompts for shot in prompt.shots) == 3


def test_the_largest_set_of_references_is_as_large_as_the_limits_allow() -> None:
    core = load_suite("core")
    largest = max(core.prompts, key=lambda prompt: len(prompt.references))
    counts = Counter(reference.kind for reference in largest.references)
    assert len(largest.references) == ReferenceLimits().total
    assert counts["image"] == ReferenceLimits().images
    assert {reference.kind for reference in largest.references} == {"image", "video", "audio"}
    assert {reference.role for prompt in core.prompts for reference in prompt.references} == {
        *("appearance", "style", "motion", "camera", "voice", "rhythm", "first_frame", "source")
    }


def test_strength_is_swept_from_nothing_to_all() -> None:
    sweeps: dict[str, list[float]] = {}
    for prompt in load_suite("core").prompts:
        if prompt.sweep:
            sweeps.setdefault(prompt.sweep, []).append(prompt.references[0].strength)
    assert len(sweeps) >= 2
    assert all(strengths == [0, 0.25, 0.5, 0.75, 1] for strengths in sweeps.values())


def test_one_person_keeps_one_look_and_different_people_differ() -> None:
    looks: dict[int, set[Look]] = {}
    for prompt in prompts():
        if prompt.edit is None:
            for person in block_of(prompt).cast.values():
                looks.setdefault(person.identity, set()).add(person.look)
    assert all(len(same_person) == 1 for same_person in looks.values())
    assert len({look.model_copy(update={"identity": 0}) for same_person in looks.values() for look in same_person}) >= len(looks) - 1
    assert len(looks) >= 18


@every_prompt
def test_text_and_expectations_say_the_same(prompt: Prompt) -> None:
    text = prompt.text
    assert unicodedata.is_normalized("NFC", text)
    assert len(text) > 60
    for line in prompt.speech:
        assert f'"{line.text}"' in text
    for sign in prompt.text_in_frame:
        assert f'"{sign.text}"' in text
    for person, look in block_of(prompt).cast.items():
        for part, words in LOOK_WORDS.items():
            value = getattr(look, part)
            assert value is None or words.format(value) in text, f"{person}: {words.format(value)}"
        assert look.hair_style is None or look.hair_style in text
        assert look.clothes is None or re.search(rf"\b{look.clothes}\b", text)
        assert not look.beard or "beard" in text
        assert not look.glasses or "glasses" in text
    if prompt.music:
        assert f"{prompt.music.tempo_bpm:g} beats a minute" in text
    assert set(mentions(text)) == {reference.id for reference in prompt.references}


@every_prompt
def test_shots_cover_the_clip_and_show_whoever_speaks(prompt: Prompt) -> None:
    assert prompt.shots[0].start_s == 0
    assert prompt.shots[-1].end_s == prompt.duration_s
    assert all(shot.end_s - shot.start_s >= 0.79 for shot in prompt.shots)
    seen = {name for shot in prompt.shots for name in shot.cast}
    assert seen == {person.id for person in prompt.cast}
    for line in prompt.speech:
        assert any(line.character in shot.cast for shot in prompt.shots if shot.start_s <= line.start_s < shot.end_s)


@every_prompt
def test_lines_are_in_their_script_long_enough_and_fit(prompt: Prompt) -> None:
    if not prompt.speech:
        return
    ends = [line.start_s + _spoken_s(line.text, line.language) for line in prompt.speech]
    starts = [line.start_s for line in prompt.speech[1:]] + [prompt.duration_s]
    assert all(end <= start + 0.05 for end, start in zip(ends, starts, strict=True))
    assert sum(end - line.start_s for end, line in zip(ends, prompt.speech, strict=True)) >= 2.0
    for line in prompt.speech:
        script = SCRIPTS.get(line.language, "LATIN")
        assert any(unicodedata.name(letter, "").startswith(script) for letter in line.text)


def _spoken_s(text: str, language: str) -> float:
    return len(text) / CHARACTERS_A_SECOND.get(language, LATIN_CHARACTERS_A_SECOND)


@every_prompt
def test_cuts_fall_on_the_beat_or_halfway_between_as_promised(prompt: Prompt) -> None:
    if prompt.music is None:
        return
    beats = [shot.start_s * prompt.music.tempo_bpm / 60 for shot in prompt.shots[1:]]
    if prompt.music.cuts == "none":
        assert beats == []
    else:
        away = 0.0 if prompt.music.cuts == "on_beat" else 0.5
        assert [beat % 1 for beat in beats] == pytest.approx([away] * len(beats), abs=1e-6)
        assert len(beats) >= 2


@every_prompt
def test_what_no_simulator_shows_is_said(prompt: Prompt) -> None:
    fluid = any(event.kind in ("cloth", "water", "smoke") for event in prompt.events)
    foreign = any(not sign.text.isascii() for sign in prompt.text_in_frame)
    style = any(reference.role == "style" for reference in prompt.references)
    if fluid or foreign or style or prompt.extends or prompt.edit:
        assert block_of(prompt).not_simulated
    assert [refusal.sentence for refusal in refusals_of(prompt)] == (
        [block_of(prompt).not_simulated] if "not_simulated" in prompt.stage else []
    )


@every_prompt
def test_events_have_time_to_be_heard(prompt: Prompt) -> None:
    for event in prompt.events:
        times = event.times_s or (event.start_s,)
        assert list(times) == sorted(times)
        assert times[0] == event.start_s
        fall_s = (2 * event.height_m / 9.81) ** 0.5 if event.motion == "flight" and event.height_m is not None else 0.0
        assert times[-1] + fall_s <= prompt.duration_s - 0.2


def test_the_simulators_voice_has_time_for_every_line_while_the_speaker_is_seen() -> None:
    from seedbench.generators.simulator.speech import speak

    late, short = {}, {}
    for prompt in prompts():
        spoken_s = 0.0
        for position, line in enumerate(prompt.speech):
            voice = block_of(prompt).cast[line.character].voice
            duration_s = speak(line.text, language=line.language, voice=voice).duration_s
            end_s = line.start_s + duration_s
            spoken_s += duration_s
            limit_s = prompt.speech[position + 1].start_s if position + 1 < len(prompt.speech) else prompt.duration_s
            shots = [shot for shot in prompt.shots if shot.start_s < end_s and shot.end_s > line.start_s]
            if end_s > limit_s or not all(line.character in shot.cast for shot in shots):
                late[prompt.id] = (line.text, round(end_s, 2))
        if prompt.speech and spoken_s < 1.5:
            short[prompt.id] = spoken_s
    assert late == {}
    assert short == {}


def test_the_datasheet_counts_are_true() -> None:
    sheet = (suites_directory() / "README.md").read_text(encoding="utf-8")
    for name in NAMES:
        suite = load_suite(name)
        assert f"`{name}` | {len(suite.prompts)} | {sum(prompt.duration_s for prompt in suite.prompts):.0f}" in sheet
    for task, count in Counter(prompt.task for prompt in load_suite("core").prompts).items():
        assert re.search(rf"\| `{task}` \| \d+ \| {count} \|", sheet), task


def test_the_suites_lie_beside_the_package_in_a_checkout() -> None:
    assert suites_directory().resolve() == (Path(__file__).parents[2] / "datasets").resolve()
