"""Clips are shown so that the file tells nothing, and matched clips so that loudness, size, rate and length tell nothing either."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from arena.presentation import BUCKET, Canvas, PresentationError, canvas_of, limited, loudness, matched, native, pad
from seedbench.clip import Clip
from seedbench.media import probe, write_clip

Make = Callable[..., Path]
RATE = 48_000
TIME = np.arange(3 * RATE) / RATE


def sine(peak_db: float, hz: float = 997.0) -> np.ndarray:
    return (10 ** (peak_db / 20) * np.sin(2 * np.pi * hz * TIME)).astype(np.float32)


def pictures(n: int, size: tuple[int, int] = (96, 54)) -> list[np.ndarray]:
    ramp = np.linspace(0, 200, size[0], dtype=np.float32)[None, :, None]
    return [np.broadcast_to(ramp + 2 * place % 50, (size[1], size[0], 3)).astype(np.uint8) for place in range(n)]


def clip(file: Path, *, seconds: float = 3.0, fps: float = 25, sound: np.ndarray | None = None, size: tuple[int, int] = (96, 54)) -> Path:
    return write_clip(file, pictures(round(seconds * fps), size), fps, sound, RATE)


def samples(file: Path) -> np.ndarray:
    channels, rate = Clip.open(file).sound_channels()
    assert rate == RATE
    return channels.T


def test_the_reference_tone_of_ebu_tech_3341_reads_minus_23() -> None:
    found = loudness(np.stack([sine(-23.0)] * 2, 1), RATE)
    assert found.integrated == pytest.approx(-23.0, abs=0.1)
    assert found.true_peak == pytest.approx(-23.0, abs=0.2)


def test_a_true_peak_lies_above_the_samples_around_it() -> None:
    quarter = np.sin(2 * np.pi * 12_000 * TIME + np.pi / 4).astype(np.float32)  # sampled at +-0.707 throughout
    quarter *= np.minimum(1, np.minimum(TIME, 3 - TIME) / 0.2).astype(np.float32)
    assert np.abs(quarter).max() == pytest.approx(0.7071, abs=1e-3)
    assert loudness(quarter, RATE).true_peak == pytest.approx(0.0, abs=0.3)


def test_silence_and_next_to_nothing_have_no_loudness() -> None:
    assert loudness(np.zeros(RATE, np.float32), RATE).integrated is None
    assert loudness(np.zeros(100, np.float32), RATE).integrated is None


@pytest.mark.parametrize("level_db", [-40.0, -20.0, -1.0])
def test_matched_clips_are_equally_loud_and_never_clip(tmp_path: Path, level_db: float) -> None:
    bursts = sine(level_db) * (0.2 + (TIME % 1 < 0.1))
    shown = matched(clip(tmp_path / "a.mp4", sound=bursts), tmp_path / "m.mp4", Canvas(160, 90, 25, 3.0))
    found = loudness(samples(shown.file), RATE)
    assert found.integrated == pytest.approx(-16.0, abs=0.7)
    assert found.true_peak <= -1.2
    assert shown.loudness == pytest.approx(loudness(bursts, RATE).integrated or 0.0, abs=1.0)  # what it was, for the style covariates


def test_matched_clips_share_canvas_rate_length_and_codecs(tmp_path: Path) -> None:
    one = clip(tmp_path / "one.mp4", seconds=3.0, fps=25, sound=sine(-20))
    other = clip(tmp_path / "other.mp4", seconds=2.0, fps=16, size=(54, 96))
    canvas = canvas_of([probe(one), probe(other)], width=160, height=90)
    assert (canvas.fps, canvas.duration_s) == (pytest.approx(16), pytest.approx(2.0))
    facts = [probe(matched(file, tmp_path / f"m-{file.name}", canvas).file) for file in (one, other)]
    for name in (
        "width",
        "height",
        "fps",
        "n_frames",
        "duration_s",
        "audio_rate",
        "channels",
        "audio_duration_s",
        "video_codec",
        "audio_codec",
    ):
        assert getattr(facts[0], name) == getattr(facts[1], name), name
    upright = Clip.open(tmp_path / "m-other.mp4").frames(16).rgb[0]
    assert upright[:, :20].max() < 24  # bars left and right of a picture that is higher than wide
    assert upright[45, 80].max() > 24


def test_a_clip_too_short_for_the_canvas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PresentationError, match=r"lasts 1\.00 s, the others are shown for 3\.00 s"):
        matched(clip(tmp_path / "a.mp4", seconds=1.0), tmp_path / "m.mp4", Canvas(160, 90, 25, 3.0))


def test_native_keeps_pictures_and_sound_bit_for_bit(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", sound=sine(-20))
    shown = native(source, tmp_path / "n.mp4")
    assert np.array_equal(Clip.open(source).frames(25).rgb, Clip.open(shown.file).frames(25).rgb)
    assert np.array_equal(samples(source), samples(shown.file))
    assert shown.with_sound


def test_tags_names_and_the_encoder_s_settings_are_gone(tmp_path: Path) -> None:
    import av

    told = tmp_path / "told.mp4"
    with av.open(str(told), "w") as container:
        container.metadata["title"] = "sora-secret"
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 54, "yuv420p"
        video.metadata["handler_name"] = "veo-secret"
        for number, picture in enumerate(pictures(25)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    before = told.read_bytes()
    assert b"sora-secret" in before
    assert b"x264" in before
    after = native(told, tmp_path / "n.mp4").file.read_bytes()
    for word in (b"secret", b"x264", b"Lavf", b"Lavc", b"options:"):
        assert word not in after


def test_a_clip_without_sound_gets_a_silent_track_and_counts_as_silent(tmp_path: Path) -> None:
    shown = native(clip(tmp_path / "a.mp4"), tmp_path / "n.mp4")
    assert not shown.with_sound
    assert probe(shown.file).has_audio
    assert probe(shown.file).audio_duration_s == pytest.approx(3.0, abs=0.1)


def test_a_silent_track_is_no_sound(tmp_path: Path) -> None:
    assert not native(clip(tmp_path / "a.mp4", sound=np.zeros(3 * RATE, np.float32)), tmp_path / "n.mp4").with_sound


def test_what_browsers_do_not_play_is_refused_natively_and_shown_matched(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", pictures(25), 25, sine(-20)[:RATE], RATE, video_codec="libx265")
    with pytest.raises(PresentationError, match="browsers do not play hevc"):
        native(source, tmp_path / "n.mp4")
    assert matched(source, tmp_path / "m.mp4", Canvas(160, 90, 25, 1.0)).with_sound


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4")
    with pytest.raises(PresentationError, match="cannot be brought into a form"):
        native(source, tmp_path / "nowhere" / "n.mp4")
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


def test_padding_makes_files_of_one_size_that_still_play(tmp_path: Path) -> None:
    files = [native(clip(tmp_path / f"{n}.mp4", seconds=n), tmp_path / f"n{n}.mp4").file for n in (1, 3)]
    before = [Clip.open(file).frames(25).rgb for file in files]
    size = pad(files)
    assert size % BUCKET == 0
    assert {file.stat().st_size for file in files} == {size}
    for file, pictures_before in zip(files, before, strict=True):
        assert np.array_equal(Clip.open(file).frames(25).rgb, pictures_before)


def test_quiet_sound_passes_the_limiter_untouched() -> None:
    quiet = sine(-12)
    assert limited(quiet) is quiet
