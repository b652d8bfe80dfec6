"""What a request gives besides its text: references and their strength, clips to go on from and to edit, files that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
import torch

from seedbench.errors import ClipError, GeneratorError
from seedbench.generators.reference.conditions import PREFIX_S, Conditions, encoded_pictures, fitted_picture, read_conditions, read_pictures
from seedbench.generators.reference.flow import Sampling
from seedbench.generators.reference.generate import sampled_codes
from seedbench.generators.reference.model import ReferenceModel
from seedbench.generators.reference.script import read
from seedbench.generators.reference.tokenizer import without_shot_mean
from seedbench.plugins.generator import Request
from seedbench.suites.prompt import Character, Edit, Line, Prompt, ReferenceAsset, Shot

HELLO = Line(character="ann", text="Hello.", start_s=0.3)
HOW = Sampling(2, 1.5)


@pytest.fixture
def ask(tmp_path: Path, model: ReferenceModel) -> Callable[[Prompt], Conditions]:
    """What ``ask(prompt)`` finds given; assets lie in the test's own folder."""
    return lambda prompt: read_conditions(Request(prompt=prompt, seed=0, root=tmp_path), model)


def portrait(file: Path, colour: tuple[int, int, int] = (200, 40, 40), size: tuple[int, int] = (64, 32)) -> Path:
    picture = np.full((size[1], size[0], 3), colour, np.uint8)
    picture[4:20, 10:30] = (20, 220, 120)
    cv2.imwrite(str(file), picture[..., ::-1])
    return file


def asset(name: str, path: str, role: str, **fields: Any) -> ReferenceAsset:
    return ReferenceAsset(id=name, path=path, role=role, **fields)  # type: ignore[arg-type]


@pytest.fixture
def extension(talking: Callable[..., Prompt]) -> Prompt:
    return talking(
        duration_s=1.2,
        cuts=(0.6,),
        text="Go on from {{video:1}}.",
        speech=(HELLO,),
        references=(asset("video:1", "source.mp4", "source"),),
        extends="video:1",
    )


def test_an_extension_begins_with_the_end_of_the_clip_and_skips_it(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], extension: Prompt, model: ReferenceModel
) -> None:
    source = make_clip("source.mp4", frames=60, size=(64, 32))
    conditions, plain = ask(extension), read(extension, model.vocabulary.durations)
    assert conditions.skip == round(PREFIX_S * 25) == 40
    assert conditions.script.n_frames == plain.n_frames + 40
    assert [(shot.first, shot.last) for shot in conditions.script.shots] == [(0, 15 + 40), (15 + 40, 30 + 40)]
    assert [sound.time_s for sound in conditions.script.sounds] == pytest.approx([sound.time_s + 1.6 for sound in plain.sounds])
    assert [sound.symbol for sound in conditions.script.sounds] == [sound.symbol for sound in plain.sounds]
    assert conditions.video is not None
    assert conditions.sound is not None
    assert len(conditions.video) == len(conditions.sound) == 20
    motion = encoded_pictures(pictures_of(source)[20:], model)[2]
    assert torch.allclose(conditions.video, without_shot_mean(motion, 4).reshape(20, -1), atol=1e-5)
    assert set(conditions.people) == set(conditions.shots) == {0}
    assert conditions.strength == {0: 1.0}


def pictures_of(file: Path) -> np.ndarray:
    from seedbench.clips.clip import Clip

    return Clip.open(file).frames(25).rgb


def test_of_a_short_clip_an_extension_takes_all_whole_tokens(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], extension: Prompt
) -> None:
    make_clip("source.mp4", frames=15)
    assert ask(extension).skip == 14


def test_a_clip_of_one_picture_is_too_short_to_extend(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], extension: Prompt
) -> None:
    make_clip("source.mp4", frames=1, tone_hz=None)
    with pytest.raises(GeneratorError, match=r"source\.mp4 .*too short"):
        ask(extension)


def test_a_clip_without_sound_is_extended_from_silence(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], extension: Prompt, model: ReferenceModel
) -> None:
    make_clip("source.mp4", frames=50, tone_hz=None)
    conditions = ask(extension)
    assert conditions.sound is not None
    silence = model.tokenizers.sound.encode(torch.full((1, 160, 80), float(np.log(1e-5))))[0]
    assert torch.allclose(conditions.sound, silence, atol=1e-4)


def test_after_a_cut_only_the_person_is_given(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], extension: Prompt
) -> None:
    make_clip("source.mp4", frames=60)
    conditions = ask(extension.model_copy(update={"text": "Go on from {{video:1}} with a new shot."}))
    assert set(conditions.people) == {0}
    assert (conditions.skip, conditions.video, conditions.sound, conditions.shots) == (0, None, None, {})
    assert conditions.script.n_frames == 30


def edit(talking: Callable[..., Prompt], change: str, **fields: Any) -> Prompt:
    return talking(
        references=(asset("video:1", "source.mp4", "source"),),
        edit=Edit(source="video:1", change=change, to="other"),
        **fields,  # type: ignore[arg-type]
    )


def test_an_edit_of_the_voice_keeps_the_pictures(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], model: ReferenceModel
) -> None:
    source = make_clip("source.mp4", frames=30, size=(64, 32))
    conditions = ask(edit(talking, "voice", cuts=(0.6,)))
    motion = encoded_pictures(pictures_of(source), model)[2]
    assert conditions.video is not None
    assert torch.allclose(conditions.video, without_shot_mean(motion, 4).reshape(15, -1), atol=1e-5)
    assert conditions.sound is None
    assert set(conditions.shots) == {0, 1}
    assert set(conditions.people) == {0}
    assert conditions.skip == 0


@pytest.mark.parametrize("change", ["background", "light"])
def test_an_edit_of_the_scene_keeps_pictures_sound_and_person(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], change: str
) -> None:
    make_clip("source.mp4", frames=30)
    conditions = ask(edit(talking, change))
    assert conditions.video is not None
    assert conditions.sound is not None
    assert len(conditions.video) == len(conditions.sound) == 15
    assert set(conditions.people) == {0}
    assert conditions.shots == {}


@pytest.mark.parametrize("change", ["voice", "background"])
def test_what_an_edit_keeps_is_not_changed(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], model: ReferenceModel, change: str
) -> None:
    make_clip("source.mp4", frames=30)
    conditions = ask(edit(talking, change))
    person, shot, video, sound = sampled_codes(model, conditions, 3, HOW)
    assert torch.allclose(person[0], conditions.people[0], atol=1e-5)
    assert torch.allclose(video, conditions.video, atol=1e-5)
    if change == "voice":
        assert torch.allclose(shot[0], conditions.shots[0], atol=1e-5)
    else:
        assert torch.allclose(sound, conditions.sound, atol=1e-5)


def test_a_source_shorter_than_the_edit_is_repeated_backwards(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]
) -> None:
    make_clip("source.mp4", frames=20)
    conditions = ask(edit(talking, "background", duration_s=1.2))
    assert conditions.video is not None
    assert torch.equal(conditions.video[10:15], conditions.video[5:10].flip(0))


def with_face(talking: Callable[..., Prompt], strength: float, role: str = "appearance") -> Prompt:
    return talking(cast=(Character(id="ann", reference="image:1"),), references=(asset("image:1", "face.png", role, strength=strength),))


def test_strength_mixes_the_sampled_face_with_that_of_the_picture(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], model: ReferenceModel
) -> None:
    face = portrait(tmp_path / "face.png")
    wanted = encoded_pictures(read_pictures(face), model)[0][0]
    none, little, full = (sampled_codes(model, ask(with_face(talking, strength)), 3, HOW)[0][0] for strength in (0, 0.25, 1))
    own = sampled_codes(model, ask(talking()), 3, HOW)[0][0]
    assert torch.allclose(none, own, atol=1e-5)
    assert torch.allclose(full, wanted, atol=1e-5)
    assert torch.allclose(little, 0.75 * own + 0.25 * wanted, atol=1e-5)
    assert (own - wanted).abs().max() > 0.1


def test_strength_mixes_the_sampled_motion_with_that_of_the_clip(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], model: ReferenceModel
) -> None:
    make_clip("dance.mp4", frames=30)

    def moved(strength: float) -> torch.Tensor:
        conditions = ask(talking(references=(asset("video:1", "dance.mp4", "motion", strength=strength),)))
        assert conditions.video is not None
        return sampled_codes(model, conditions, 3, HOW)[2]

    own = sampled_codes(model, ask(talking()), 3, HOW)[2]
    wanted = ask(talking(references=(asset("video:1", "dance.mp4", "motion"),))).video
    assert torch.allclose(moved(0), own, atol=1e-5)
    assert torch.allclose(moved(1), wanted, atol=1e-5)
    assert torch.allclose(moved(0.25), 0.75 * own + 0.25 * wanted, atol=1e-5)


def test_a_motion_of_another_length_is_cut_or_repeated_backwards(
    make_clip: Callable[..., Path], ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]
) -> None:
    for frames in (11, 90):
        make_clip("dance.mp4", frames=frames)
        conditions = ask(talking(references=(asset("video:1", "dance.mp4", "motion"),)))
        assert conditions.video is not None
        assert len(conditions.video) == 15


def test_a_first_frame_fixes_person_and_first_shot(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]
) -> None:
    portrait(tmp_path / "face.png")
    conditions = ask(with_face(talking, 1, "first_frame"))
    assert set(conditions.people) == set(conditions.shots) == {0}


def test_a_first_frame_of_strength_0_changes_nothing(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], model: ReferenceModel
) -> None:
    portrait(tmp_path / "face.png")
    codes = sampled_codes(model, ask(with_face(talking, 0, "first_frame")), 3, HOW)
    own = sampled_codes(model, ask(talking()), 3, HOW)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(codes, own, strict=True))


def test_each_of_two_people_has_the_face_of_their_own_picture(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], model: ReferenceModel
) -> None:
    red, blue = portrait(tmp_path / "red.png"), portrait(tmp_path / "blue.png", (30, 30, 220))
    prompt = Prompt(
        id="p",
        text="",
        task="reference",
        duration_s=1.2,
        cast=(Character(id="ann", reference="image:2"), Character(id="bob", reference="image:1")),
        shots=(Shot(start_s=0, end_s=0.6, cast=("ann",)), Shot(start_s=0.6, end_s=1.2, cast=("bob",))),
        references=(asset("image:1", "red.png", "appearance"), asset("image:2", "blue.png", "appearance", strength=0.5)),
    )
    conditions = ask(prompt)
    assert torch.allclose(conditions.people[0], encoded_pictures(read_pictures(blue), model)[0][0], atol=1e-5)
    assert torch.allclose(conditions.people[1], encoded_pictures(read_pictures(red), model)[0][0], atol=1e-5)
    assert conditions.strength == {0: 0.5, 1: 1.0}


def test_a_voice_is_taken_from_a_sound_unless_its_strength_is_0(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]
) -> None:
    soundfile.write(tmp_path / "voice.wav", 0.2 * np.random.default_rng(0).standard_normal((44100, 2)), 44100)
    for strength in (0, 1):
        conditions = ask(talking(references=(asset("audio:1", "voice.wav", "voice", strength=strength),)))
        assert (conditions.voice is not None) == bool(strength)


def test_a_rhythm_gives_the_codes_of_the_sound(tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]) -> None:
    soundfile.write(tmp_path / "beat.wav", 0.2 * np.random.default_rng(0).standard_normal(8000), 16000)
    conditions = ask(talking(references=(asset("audio:1", "beat.wav", "rhythm"),)))
    assert conditions.sound is not None
    assert conditions.sound.shape == (15, 16)


@pytest.mark.parametrize("content", [b"", b"no picture at all"])
def test_a_picture_that_cannot_be_read_is_named(
    tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt], content: bytes
) -> None:
    (tmp_path / "face.png").write_bytes(content)
    with pytest.raises(GeneratorError, match=r"face\.png is not a picture"):
        ask(with_face(talking, 1))


def test_a_missing_picture_is_named(ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]) -> None:
    with pytest.raises(GeneratorError, match=r"face\.png"):
        ask(with_face(talking, 1))


def test_a_sound_that_cannot_be_read_is_named(tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]) -> None:
    (tmp_path / "voice.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(GeneratorError, match=r"voice\.wav is not a sound"):
        ask(talking(references=(asset("audio:1", "voice.wav", "voice"),)))


def test_a_silent_sound_is_refused_as_a_voice(tmp_path: Path, ask: Callable[[Prompt], Conditions], talking: Callable[..., Prompt]) -> None:
    soundfile.write(tmp_path / "voice.wav", np.zeros(16000), 16000)
    with pytest.raises(GeneratorError, match=r"voice\.wav is silent"):
        ask(talking(references=(asset("audio:1", "voice.wav", "voice"),)))


def test_a_clip_that_cannot_be_read_is_named(tmp_path: Path, ask: Callable[[Prompt], Conditions], extension: Prompt) -> None:
    (tmp_path / "source.mp4").write_bytes(b"no clip")
    with pytest.raises(ClipError, match=r"source\.mp4"):
        ask(extension)


@pytest.mark.parametrize("size", [(64, 32), (640, 360), (100, 400), (20, 20), (33, 7)])
def test_a_picture_of_any_size_is_fitted(size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[:, size[0] // 2 :] = 255
    output = fitted_picture(picture, 64, 32)
    assert output.shape == (32, 64, 3)
    assert output[:, :16].max() < 60
    assert output[:, -16:].min() > 195


def test_colours_of_a_picture_stay_where_they_are(tmp_path: Path) -> None:
    (picture,) = read_pictures(portrait(tmp_path / "face.png", (250, 10, 20)))
    assert picture[0, 0].tolist() == [250, 10, 20]


def test_eight_pictures_of_a_clip_are_read(make_clip: Callable[..., Path]) -> None:
    assert read_pictures(make_clip(frames=50)).shape == (8, 64, 96, 3)
    assert len(read_pictures(make_clip(frames=3))) == 3
