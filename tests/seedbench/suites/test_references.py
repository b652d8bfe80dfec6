"""Reference assets: how texts name them, and the limits on the files."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips.writing import write_clip
from seedbench.errors import ReferenceLimitError
from seedbench.suites.prompt import Prompt, ReferenceAsset
from seedbench.suites.references import ReferenceLimits, check_references, media_length_s, mentions, normalise, render
from tests.media_grid.command_line import ffmpeg

ROLES = {"image": "appearance", "video": "motion", "audio": "voice"}


def prompt(*files: tuple[str, str], **more: object) -> Prompt:
    items = [ReferenceAsset(id=name, path=path, role=ROLES[name.split(":")[0]], **more) for name, path in files]  # type: ignore[arg-type]
    return Prompt(id="p", text="", task="reference", references=tuple(items))


def sound(file: Path, length_s: float, rate: int = 8000) -> Path:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.zeros(round(length_s * rate), np.int16).tobytes())
    return file


def film(file: Path, length_s: float, fps: int = 10) -> Path:
    frames = (np.full((32, 32, 3), k % 255, np.uint8) for k in range(round(length_s * fps)))
    write_clip(file, frames, fps, None)
    return file


def complaint(asked: Prompt, root: Path, limits: ReferenceLimits | None = None) -> str:
    with pytest.raises(ReferenceLimitError) as caught:
        check_references(asked, root, limits)
    return str(caught.value)


def test_lengths_are_measured_from_the_streams(tmp_path: Path) -> None:
    assert media_length_s(sound(tmp_path / "a.wav", 1.25), "audio") == pytest.approx(1.25, abs=1e-3)
    assert media_length_s(film(tmp_path / "a.mp4", 2.4), "video") == pytest.approx(2.4, abs=0.05)


def test_the_length_is_of_what_is_shown_and_heard(tmp_path: Path) -> None:
    """A cover picture is no video, and what an edit list hides does not count."""
    ffmpeg("-ss", "1.2", "-i", film(tmp_path / "a.mp4", 3.0), "-c", "copy", tmp_path / "cut.mp4")
    assert media_length_s(tmp_path / "cut.mp4", "video") == pytest.approx(1.8, abs=0.01)
    picture, tone = ("-f", "lavfi", "-i", "color=size=32x32:duration=0.04:rate=25"), ("-i", sound(tmp_path / "a.wav", 1.25))
    tracks = ("-map", "0:v", "-map", "1:a", "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    ffmpeg(*picture, *tone, *tracks, tmp_path / "cover.mp3")
    assert media_length_s(tmp_path / "cover.mp3", "audio") == pytest.approx(1.25, abs=0.08)  # packets are whole
    with pytest.raises(ReferenceLimitError, match=r"cover.mp3 holds no video stream"):
        media_length_s(tmp_path / "cover.mp3", "video")


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
def test_files_must_be_smaller_than_the_limit(tmp_path: Path, kind: str) -> None:
    files = {"image": tmp_path / "a.png", "video": film(tmp_path / "a.mp4", 2.5), "audio": sound(tmp_path / "a.wav", 1)}
    files["image"].write_bytes(b"x" * 500)
    size = files[kind].stat().st_size
    asked = prompt((f"{kind}:1", files[kind].name))
    check_references(asked, tmp_path, replace(ReferenceLimits(), **{f"{kind}_bytes": size + 1}))
    message = complaint(asked, tmp_path, replace(ReferenceLimits(), **{f"{kind}_bytes": size}))
    assert message.startswith(f"prompt 'p': {kind}:1 ({files[kind].name}) is {size} bytes; every {kind} must be under {size} bytes")


def test_the_default_limits_are_those_of_the_project() -> None:
    limits = ReferenceLimits()
    assert (limits.images, limits.videos, limits.audios, limits.total) == (9, 3, 3, 12)
    assert (limits.image_bytes, limits.video_bytes, limits.audio_bytes) == (30_000_000, 50_000_000, 15_000_000)
    assert (limits.video_total_s, limits.audio_s) == ((2.0, 15.0), 15.0)


def test_at_most_twelve_references_are_allowed_in_all(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    sound(tmp_path / "a.wav", 1)
    film(tmp_path / "a.mp4", 1)
    images = [(f"image:{k}", "a.png") for k in range(1, 10)]
    rest = [("video:1", "a.mp4"), ("video:2", "a.mp4"), ("audio:1", "a.wav")]
    check_references(prompt(*images, *rest), tmp_path)
    assert "13 references; at most 12 are allowed in all" in complaint(prompt(*images, *rest, ("audio:2", "a.wav")), tmp_path)
    assert "10 image references; at most 9 are allowed" in complaint(prompt(*images, ("image:10", "a.png")), tmp_path)
    check_references(prompt(*images, ("image:10", "a.png")), tmp_path, ReferenceLimits(images=14, total=20))


@pytest.mark.parametrize(("length_s", "fits"), [(1.5, False), (2.0, True), (3.0, True), (3.5, False)])
def test_video_references_are_counted_together(tmp_path: Path, length_s: float, fits: bool) -> None:
    film(tmp_path / "a.mp4", length_s / 2)
    film(tmp_path / "b.mp4", length_s / 2)
    limits = ReferenceLimits(video_total_s=(2.0, 3.0))
    asked = prompt(("video:1", "a.mp4"), ("video:2", "b.mp4"))
    if fits:
        check_references(asked, tmp_path, limits)
    else:
        assert "the video references last" in complaint(asked, tmp_path, limits)
        assert "2 to 3 s are allowed" in complaint(asked, tmp_path, limits)


def test_the_length_limit_applies_to_each_audio_reference(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav", 15.0)
    sound(tmp_path / "b.wav", 15.2)
    check_references(prompt(("audio:1", "a.wav"), ("audio:2", "a.wav")), tmp_path)
    assert "audio:2 (b.wav) lasts 15.2 s; audio may last at most 15 s" in complaint(
        prompt(("audio:1", "a.wav"), ("audio:2", "b.wav")), tmp_path
    )


def test_a_real_person_needs_consent(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    for consent in (None, "", "  "):
        message = complaint(prompt(("image:1", "a.png"), person=True, consent=consent), tmp_path)
        assert message == "prompt 'p': image:1 shows a real person: set consent to who agreed and where that is written down"
    check_references(prompt(("image:1", "a.png"), person=True, consent="Jo Doe, form of 2026-03-01"), tmp_path)


def test_files_of_another_kind_than_their_name_says_are_reported(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty.wav").write_bytes(b"")
    sound(tmp_path / "sound.wav", 3)
    assert "video:1: text.mp4 cannot be read as video" in complaint(prompt(("video:1", "text.mp4")), tmp_path)
    assert "audio:1: empty.wav cannot be read as audio" in complaint(prompt(("audio:1", "empty.wav")), tmp_path)
    assert "video:1: sound.wav holds no video stream" in complaint(prompt(("video:1", "sound.wav")), tmp_path)
    assert "image:1: no file gone.png beside the suite" in complaint(prompt(("image:1", "gone.png")), tmp_path)


def test_every_problem_is_reported_not_only_the_first(tmp_path: Path) -> None:
    message = complaint(prompt(("image:1", "a.png"), ("image:1", "b.png")), tmp_path)
    assert message.splitlines()[0] == "prompt 'p': two references are called image:1"
    assert len(message.splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@image1, @Image2 and @VIDEO3", ("image:1", "image:2", "video:3")),
        ("{{ audio : 2 }} then {{audio:2}}", ("audio:2",)),
        ("mail@image1.org @image1x @images @image0 @@image1", ()),
        ("plain", ()),
    ],
)
def test_mentions_are_found_in_either_spelling(text: str, named: tuple[str, ...]) -> None:
    assert mentions(text) == named


@pytest.mark.parametrize("text", ["{{image}}", "{{image:0}}", "{{picture:1}}", "{{}}"])
def test_braces_that_name_nothing_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no reference"):
        normalise(text)
    assert render(text, {"image": "X{number}"}) == text


@given(st.lists(st.tuples(st.sampled_from(["image", "video", "audio"]), st.integers(1, 12)), max_size=6))
def test_both_spellings_mean_the_same_and_normalising_twice_changes_nothing(named: list[tuple[str, int]]) -> None:
    at = " and ".join(f"@{kind}{number}" for kind, number in named)
    braces = " and ".join(f"{{{{{kind}:{number}}}}}" for kind, number in named)
    assert normalise(at) == braces == normalise(braces)
    assert render(at, {}) == braces
