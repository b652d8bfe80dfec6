"""Opening and decoding clips, and files that are not clips."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import seedbench.clips.clip
from seedbench.clips.clip import Clip, frames_on_screen
from seedbench.clips.writing import write_clip
from seedbench.errors import ClipError, ClipUnavailableError

MakeClip = Callable[..., Path]


def test_a_clip_knows_its_size_rate_and_length(make_clip: MakeClip) -> None:
    clip = Clip.open(make_clip(frames=50, fps=25))
    facts = clip.facts
    assert (facts.width, facts.height, facts.n_frames) == (96, 64, 50)
    assert facts.fps == pytest.approx(25)
    assert facts.duration_s == pytest.approx(2.0)
    assert facts.has_audio
    assert facts.audio_rate == 48000


def test_pictures_and_sound_are_decoded_once_however_often_they_are_asked_for(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("PictureReader", "read_sound"):
        real = getattr(seedbench.clips.clip, name)
        monkeypatch.setattr(seedbench.clips.clip, name, lambda *given, name=name, real=real: calls.append(name) or real(*given))
    clip = Clip.open(make_clip())
    clip.frames(25)
    clip.frames(10, 32)
    clip.audio(16000)
    clip.audio(48000)
    assert clip.video.rgb.shape == (50, 64, 96, 3)
    assert calls == ["PictureReader", "read_sound"]


def test_resampling_in_time_gives_the_picture_on_screen_at_each_time(tmp_path: Path) -> None:
    pictures = [np.full((32, 32, 3), 20 * index, np.uint8) for index in range(4)]
    path = write_clip(tmp_path / "vfr.mp4", pictures, 25, None, times_s=[0.0, 0.04, 0.2, 1.0])
    clip = Clip.open(path)
    assert clip.facts.variable_rate
    shown = clip.frames(25).rgb[:, 16, 16, 0].astype(int)
    assert clip.end_s == pytest.approx(1.04)  # the file says that the last picture is shown for 40 ms
    assert np.abs(shown - np.array([0, *[20] * 4, *[40] * 20, 60])).max() <= 3


@pytest.mark.parametrize(("fps", "asked"), [(24, 25), (23.976, 25), (30, 25), (12, 25), (60, 24)])
def test_a_picture_is_never_shown_before_its_time(fps: float, asked: float) -> None:
    times = np.arange(100) / fps
    index = frames_on_screen(times, asked, 100 / fps)
    late = np.arange(len(index)) / asked - times[index]
    assert late.min() > -2e-4
    assert late.max() < 1 / fps


def test_sound_is_at_the_time_where_it_was_written(tmp_path: Path) -> None:
    sound = np.zeros(96000, np.float32)
    sound[48000:48010] = 0.9
    path = write_clip(tmp_path / "click.mp4", [np.zeros((32, 32, 3), np.uint8)] * 50, 25, sound)
    heard = Clip.open(path).audio(48000).samples
    assert abs(int(np.argmax(np.abs(heard))) - 48005) <= 10


def test_late_sound_of_a_container_is_padded_with_silence(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        audio = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = (np.ones((1, 16000)) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16000, 8000
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    heard = Clip.open(path).audio(16000).samples
    assert np.abs(heard[:7900]).max() == 0
    assert heard[8100] == pytest.approx(8000 / 32768, abs=1e-3)


def test_surround_sound_is_mixed_to_one_channel(tmp_path: Path) -> None:
    path = tmp_path / "surround.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        audio = container.add_stream("pcm_s16le", rate=48000, layout="5.1")
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        frame.pts = 0
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
        tone = np.tile((np.ones(4608) * 6000).astype(np.int16), 6)[None]
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="5.1")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    clip = Clip.open(path)
    assert clip.facts.channels == 6
    assert clip.audio(48000).samples[1000] == pytest.approx(6000 / 32768, abs=1e-3)


def test_odd_sizes_are_written_even_and_read_back(make_clip: MakeClip) -> None:
    assert Clip.open(make_clip(size=(97, 65))).video.rgb.shape[1:3] == (66, 98)


def test_one_picture_is_a_clip(make_clip: MakeClip) -> None:
    clip = Clip.open(make_clip(frames=1, tone_hz=None))
    assert len(clip.frames(25)) == 1
    assert not clip.facts.has_audio


def test_missing_sound_is_an_error(make_clip: MakeClip) -> None:
    with pytest.raises(ClipError, match="has no sound"):
        Clip.open(make_clip(tone_hz=None)).audio()


def test_sound_only_has_no_picture(tmp_path: Path) -> None:
    import soundfile

    soundfile.write(tmp_path / "tone.wav", np.zeros(16000), 16000)
    clip = Clip.open(tmp_path / "tone.wav")
    assert not clip.facts.has_video
    assert clip.audio(8000).samples.shape == (8000,)
    with pytest.raises(ClipError, match="has no picture"):
        _ = clip.video


def _broken(kind: str, good: Path, tmp_path: Path) -> Path:
    path = tmp_path / f"{kind}.mp4"
    data = good.read_bytes()
    if kind == "zero bytes":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is not a clip\n" * 50)
    elif kind == "truncated":
        path.write_bytes(data[: len(data) // 3])
    elif kind == "header only":
        path.write_bytes(data[:64])
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize("kind", ["zero bytes", "text", "header only", "folder", "missing"])
def test_a_file_that_is_not_a_clip_is_refused_in_one_sentence(kind: str, make_clip: MakeClip, tmp_path: Path) -> None:
    path = _broken(kind, make_clip(), tmp_path)
    with pytest.raises(ClipError) as caught:
        Clip.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reading_a_truncated_file_never_hangs(make_clip: MakeClip, tmp_path: Path) -> None:
    """In a process of its own, since a hang inside FFmpeg cannot be broken off from within (with a log level set: after 20 to 600)."""
    whole = make_clip(frames=100).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    reads = "import sys; from seedbench.clips.clip import Clip\n"
    reads += "for _ in range(400): pictures = Clip.open(sys.argv[1]).video\nprint(len(pictures))"
    done = subprocess.run([sys.executable, "-c", reads, str(path)], capture_output=True, text=True, timeout=120, check=True)
    assert 0 < int(done.stdout) < 100


def test_a_truncated_file_gives_the_decodable_part_and_a_note(make_clip: MakeClip, tmp_path: Path) -> None:
    good = make_clip(frames=100, size=(320, 240))
    path = tmp_path / "cut.mp4"
    path.write_bytes(good.read_bytes()[: int(good.stat().st_size * 0.5)])
    clip = Clip.open(path)
    assert 0 < len(clip.video) < 100
    assert clip.notes


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_header_that_claims_ten_hours_is_ignored(suffix: str, make_clip: MakeClip, tmp_path: Path) -> None:
    data = bytearray(make_clip(f"short{suffix}", frames=50, tone_hz=None).read_bytes())
    if suffix == ".mkv":
        at = data.index(b"\x44\x89\x88")  # Duration, eight bytes of float, in ms
        data[at + 3 : at + 11] = struct.pack(">d", 36_000_000.0)
    else:
        for box, field in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
            at = data.index(box)
            scale = 1000 if box == b"tkhd" else struct.unpack(">I", data[at + 16 : at + 20])[0]
            data[at + field : at + field + 4] = struct.pack(">I", 36_000 * scale)
    path = tmp_path / f"long{suffix}"
    path.write_bytes(bytes(data))
    facts = Clip.open(path).facts
    assert facts.duration_s == pytest.approx(2.0, abs=0.05)
    assert any("claims 36000 s" in note for note in facts.notes) == (suffix == ".mkv")  # FFmpeg itself corrects the MP4's header


class _BreaksOff:
    """Scales three pictures, then does what the test asks for."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.real, self.left, self.then = av.video.reformatter.VideoReformatter(), 3, then

    def reformat(self, *given: Any, **more: Any) -> Any:
        self.left -= more.get("format") == "rgb24"
        if self.left < 0:
            self.then()
        return self.real.reformat(*given, **more)


def breaks_off(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    scaler = _BreaksOff(then)
    monkeypatch.setattr("av.video.reformatter.VideoReformatter", lambda: scaler)


def raising(number: int) -> Callable[[], None]:
    """A function that raises FFmpeg's error of that number."""

    def act() -> None:
        raise av.error.classes.get(number, av.error.OSError)(number, os.strerror(number))

    return act


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EMFILE])
def test_a_system_error_while_decoding_does_not_give_a_shortened_clip(
    number: int, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip.open(make_clip(frames=20))
    with monkeypatch.context() as patch:
        breaks_off(patch, raising(number))
        with pytest.raises(ClipUnavailableError, match="could not be read"):
            _ = clip.video
    assert len(clip.video) == 20


def test_a_failing_disk_is_distinguished_from_a_damaged_file(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(frames=20)
    with monkeypatch.context() as patch:
        breaks_off(patch, raising(errno.EIO))
        assert "decoding stopped after 3 pictures" in " ".join(Clip.open(path).notes)
    clip = Clip.open(path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        breaks_off(patch, raising(errno.EIO))
        patch.setattr(Path, "open", refuse)
        with pytest.raises(ClipUnavailableError, match="could not be read"):
            _ = clip.video


def test_a_file_that_changes_while_it_is_read_is_an_error(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(frames=20)
    clip = Clip.open(path)
    breaks_off(monkeypatch, lambda: os.truncate(path, path.stat().st_size + 1))
    with pytest.raises(ClipUnavailableError, match="was changed while it was read"):
        _ = clip.video


def test_a_pipe_is_refused_without_waiting_for_data(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clip.mp4")
    with pytest.raises(ClipUnavailableError, match="is a pipe"):
        Clip.open(tmp_path / "clip.mp4")


def test_a_clip_that_is_too_long_is_refused(make_clip: MakeClip) -> None:
    path = make_clip("film.mp4", frames=310, fps=0.5, tone_hz=None)
    with pytest.raises(ClipError, match="lasts 620 s"):
        Clip.open(path)


def test_writing_the_same_clip_twice_gives_the_same_bytes(make_clip: MakeClip) -> None:
    assert make_clip("a.mp4").read_bytes() == make_clip("b.mp4").read_bytes()


def test_pictures_that_are_decoded_again_are_those_that_are_kept_and_stay_what_they_are(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(frames=30)
    kept = list(Clip.open(path).pictures())
    monkeypatch.setattr(seedbench.clips.clip, "KEPT_BYTES", 0)
    clip = Clip.open(path)
    for index in (None, [3, 4, 17], [29]):
        held = list(clip.pictures(index))  # all at once: none may be written over while it is used
        assert all(np.array_equal(a, b) for a, b in zip(held, kept if index is None else [kept[i] for i in index], strict=True))
    first, last = None, None
    for picture in clip.pictures():
        first, last = picture if first is None else first, picture
    assert np.array_equal(first, kept[0])
    assert np.array_equal(last, kept[-1])


def test_a_file_that_changed_while_it_was_read_gives_nothing_later(make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_clip(frames=20)
    clip = Clip.open(path)
    with monkeypatch.context() as patch:
        breaks_off(patch, lambda: os.truncate(path, path.stat().st_size + 1))
        with pytest.raises(ClipUnavailableError, match="was changed while it was read"):
            _ = clip.time_s
    with pytest.raises(ClipUnavailableError, match="was changed while it was read"):
        _ = clip.time_s
