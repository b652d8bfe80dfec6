"""Clips are shown so that the file tells nothing, and matched clips so that loudness, size, rate and length tell nothing either."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbench.arena.blinding.loudness import limited, loudness
from seedbench.arena.blinding.matched import MatchedCanvas, canvas_of, matched, native
from seedbench.arena.blinding.metadata_stripping import AAC_FRAME_BYTES
from seedbench.arena.blinding.remux import FILE_SIZE_STEP, BlindingError, pad_to_one_size
from seedbench.clips.clip import Clip
from seedbench.clips.probing import probe
from seedbench.clips.writing import write_clip
from tests.arena.blindness_boxes import boxes, nal_units
from tests.arena.blindness_boxes import samples as places

Make = Callable[..., Path]
RATE = 48_000
TIME = np.arange(3 * RATE) / RATE


def sine(peak_db: float, hz: float = 997.0) -> np.ndarray:
    return (10 ** (peak_db / 20) * np.sin(2 * np.pi * hz * TIME)).astype(np.float32)


def pictures(n: int, size: tuple[int, int] = (96, 54)) -> list[np.ndarray]:
    ramp = np.linspace(0, 200, size[0], dtype=np.float32)[None, :, None]
    return [np.broadcast_to(ramp + 2 * index % 50, (size[1], size[0], 3)).astype(np.uint8) for index in range(n)]


def clip(file: Path, *, seconds: float = 3.0, fps: float = 25, sound: np.ndarray | None = None, size: tuple[int, int] = (96, 54)) -> Path:
    return write_clip(file, pictures(round(seconds * fps), size), fps, sound, RATE)


def samples(file: Path) -> np.ndarray:
    channels, rate = Clip.open(file).sound_channels()
    assert rate == RATE
    return channels.T


def test_the_reference_tone_of_ebu_tech_3341_reads_minus_23() -> None:
    measured = loudness(np.stack([sine(-23.0)] * 2, 1), RATE)
    assert measured.integrated == pytest.approx(-23.0, abs=0.1)
    assert measured.true_peak == pytest.approx(-23.0, abs=0.2)


def test_a_true_peak_lies_above_the_samples_around_it() -> None:
    quarter = np.sin(2 * np.pi * 12_000 * TIME + np.pi / 4).astype(np.float32)  # sampled at +-0.707 throughout
    quarter *= np.minimum(1, np.minimum(TIME, 3 - TIME) / 0.2).astype(np.float32)
    assert np.abs(quarter).max() == pytest.approx(0.7071, abs=1e-3)
    assert loudness(quarter, RATE).true_peak == pytest.approx(0.0, abs=0.3)


def test_silence_and_next_to_nothing_have_no_loudness() -> None:
    assert loudness(np.zeros(RATE, np.float32), RATE).integrated is None
    assert loudness(np.zeros(100, np.float32), RATE).integrated is None


def test_a_single_picture_has_no_rate_to_match(tmp_path: Path) -> None:
    with pytest.raises(BlindingError, match="single picture"):
        canvas_of([probe(clip(tmp_path / "still.mp4", seconds=0.04))])


@pytest.mark.parametrize("level_db", [-40.0, -20.0, -1.0])
def test_matched_clips_are_equally_loud_and_never_clip(tmp_path: Path, level_db: float) -> None:
    bursts = sine(level_db) * (0.2 + (TIME % 1 < 0.1))
    shown = matched(clip(tmp_path / "a.mp4", sound=bursts), tmp_path / "m.mp4", MatchedCanvas(160, 90, 25, 3.0))
    measured = loudness(samples(shown.file), RATE)
    assert measured.integrated == pytest.approx(-16.0, abs=0.7)
    assert measured.true_peak <= -1.2
    assert shown.loudness == pytest.approx(loudness(bursts, RATE).integrated or 0.0, abs=1.0)  # what it was, for the style covariates


def test_matched_clips_share_canvas_rate_length_and_codecs(tmp_path: Path) -> None:
    first = clip(tmp_path / "one.mp4", seconds=3.0, fps=25, sound=sine(-20))
    other = clip(tmp_path / "other.mp4", seconds=2.0, fps=16, size=(54, 96))
    canvas = canvas_of([probe(first), probe(other)], width=160, height=90)
    assert (canvas.fps, canvas.duration_s) == (pytest.approx(16), pytest.approx(2.0))
    facts = [probe(matched(file, tmp_path / f"m-{file.name}", canvas).file) for file in (first, other)]
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
    with pytest.raises(BlindingError, match=r"lasts 1\.00 s, the others are shown for 3\.00 s"):
        matched(clip(tmp_path / "a.mp4", seconds=1.0), tmp_path / "m.mp4", MatchedCanvas(160, 90, 25, 3.0))


def test_native_keeps_pictures_and_sound_bit_for_bit(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", sound=sine(-20))
    shown = native(source, tmp_path / "n.mp4")
    assert np.array_equal(Clip.open(source).frames(25).rgb, Clip.open(shown.file).frames(25).rgb)
    assert np.array_equal(samples(source), samples(shown.file))
    assert shown.with_sound


def test_tags_names_and_the_encoder_s_settings_are_gone(tmp_path: Path) -> None:
    import av

    tagged = tmp_path / "told.mp4"
    with av.open(str(tagged), "w") as container:
        container.metadata["title"] = "sora-secret"
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 54, "yuv420p"
        video.metadata["handler_name"] = "veo-secret"
        for number, picture in enumerate(pictures(25)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    before = tagged.read_bytes()
    assert b"sora-secret" in before
    assert b"x264" in before
    after = native(tagged, tmp_path / "n.mp4").file.read_bytes()
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
    with pytest.raises(BlindingError, match="browsers do not play hevc"):
        native(source, tmp_path / "n.mp4")
    assert matched(source, tmp_path / "m.mp4", MatchedCanvas(160, 90, 25, 1.0)).with_sound


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4")
    with pytest.raises(BlindingError, match="cannot be brought into a form"):
        native(source, tmp_path / "nowhere" / "n.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]


def test_padding_makes_files_of_one_size_that_still_play(tmp_path: Path) -> None:
    files = [native(clip(tmp_path / f"{n}.mp4", seconds=n), tmp_path / f"n{n}.mp4").file for n in (1, 3)]
    before = [Clip.open(file).frames(25).rgb for file in files]
    size = pad_to_one_size(files)
    assert size % FILE_SIZE_STEP == 0
    assert {file.stat().st_size for file in files} == {size}
    for file, pictures_before in zip(files, before, strict=True):
        assert np.array_equal(Clip.open(file).frames(25).rgb, pictures_before)


def test_quiet_sound_passes_the_limiter_untouched() -> None:
    quiet = sine(-12)
    assert limited(quiet) is quiet


AV1 = Path(__file__).parents[1] / "data" / "av1-opus.mkv"
"""``coded(file, video="libsvtav1", audio="libopus")``, kept: as root, SVT-AV1 puts the thread that calls it under SCHED_FIFO 99 for
good, and all that this thread starts later with it, which starves the machine."""


def coded(
    file: Path,
    *,
    video: str = "libx264",
    audio: str = "aac",
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    fps: int = 25,
) -> Path:
    """A clip of a second as encoders write it that are not told to keep quiet, in the container that the name asks for."""
    import av

    with av.open(str(file), "w") as container:
        track: Any = container.add_stream(video, rate=25, options=options or {})
        track.width, track.height, track.pix_fmt = 96, 54, "yuv420p"
        heard: Any = container.add_stream(audio, rate=RATE, layout="stereo")
        for number, picture in enumerate(pictures(25)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
        heard.codec_context.open(strict=False)
        block = av.AudioFrame.from_ndarray(np.stack([sine(-20)[:RATE]] * 2), format="fltp", layout="stereo")
        block.sample_rate, block.pts, block.time_base = RATE, 0, Fraction(1, RATE)
        context = heard.codec_context
        convert = av.AudioResampler(format=context.format.name, layout="stereo", rate=RATE, frame_size=context.frame_size or None)
        for part in [*convert.resample(block), *convert.resample(None)]:
            container.mux(heard.encode(part))
        container.mux(heard.encode(None))
    return file


def rewrapped(source: Path, goal: Path, *, tags: dict[str, str] | None = None, **muxer: str) -> Path:
    """The same pictures and sound, bit for bit, in another container."""
    import av

    with av.open(str(source)) as given, av.open(str(goal), "w", options=muxer) as container:
        container.metadata.update(tags or {})
        streams = {stream: container.add_stream_from_template(stream) for stream in (*given.streams.audio, *given.streams.video)}
        for stream in streams.values():
            stream.metadata.update({"language": "eng", "handler_name": "veo-secret"})
        for packet in given.demux(list(streams)):
            if packet.dts is not None:
                packet.stream = streams[packet.stream]
                container.mux(packet)
    return goal


WORDS = (b"x264", b"Lavc", b"Lavf", b"LAME", b"SVT", b"secret", b"options:")


def units_of(file: Path) -> list[int]:
    """Kinds of units in all pictures of an MP4; they fill each picture to its end."""
    body, kinds = file.read_bytes(), []
    for at, length in places(body)[0]:
        units = nal_units(body[at : at + length])
        assert sum(4 + len(unit) for unit in units) == length
        kinds += [unit[0] & 31 for unit in units]
    return kinds


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_native_h264_has_lengths_and_pictures_and_nothing_else(tmp_path: Path, name: str) -> None:
    """Start codes, which other players than Chromium take for lengths, were once left by FFmpeg's filter."""
    params = {"x264-params": "aud=1:nal-hrd=cbr:filler=1:vbv-maxrate=400:vbv-bufsize=400", "b": "400k"}
    source = coded(tmp_path / name, options=params)
    shown = native(source, tmp_path / "n.mp4").file
    assert set(units_of(shown)) <= {1, 5, 7, 8}
    assert np.array_equal(Clip.open(source).video.rgb, Clip.open(shown).video.rgb)  # the first ones of Matroska, without decoding time, too
    assert np.array_equal(Clip.open(source).sound_channels()[0], Clip.open(shown).sound_channels()[0])
    assert not [word for word in WORDS if word in shown.read_bytes()]


def test_matched_h264_has_lengths_and_pictures_and_nothing_else(tmp_path: Path) -> None:
    shown = matched(clip(tmp_path / "a.mp4", sound=sine(-20)), tmp_path / "m.mp4", MatchedCanvas(160, 90, 25, 3.0)).file
    assert set(units_of(shown)) == {1, 5}


@pytest.mark.parametrize(
    "source_of",
    [
        lambda folder: coded(folder / "a.mp4", audio="libmp3lame"),
        lambda folder: coded(folder / "a.webm", video="libvpx-vp9", audio="libopus"),
        lambda _: AV1,
    ],
    ids=["h264, mp3", "vp9, opus", "av1, opus"],
)
def test_what_browsers_play_is_shown_natively_without_metadata(tmp_path: Path, source_of: Callable[[Path], Path]) -> None:
    source = source_of(tmp_path)
    shown = native(source, tmp_path / "n.mp4")
    assert np.array_equal(Clip.open(source).video.rgb, Clip.open(shown.file).video.rgb)
    assert shown.with_sound
    assert not [word for word in WORDS if word in shown.file.read_bytes()]


def test_native_files_of_one_stream_are_one_file_whatever_container_it_came_in(tmp_path: Path) -> None:
    source = coded(tmp_path / "a.mp4")
    others = [
        rewrapped(source, tmp_path / "b.mp4", tags={"title": "veo-secret", "creation_time": "2026-03-01T10:00:00Z"}, movflags="+faststart"),
        rewrapped(source, tmp_path / "c.mov", tags={"encoder": "sora-secret"}, video_track_timescale="90000"),
        rewrapped(source, tmp_path / "d.mp4", brand="mp42", movie_timescale="600"),
    ]
    assert len({file.read_bytes() for file in (source, *others)}) == 4
    bodies = {native(file, tmp_path / f"n-{file.stem}.mp4").file.read_bytes() for file in (source, *others)}
    assert len(bodies) == 1


def test_a_native_clip_begins_at_once_wherever_its_source_began(tmp_path: Path) -> None:
    source = coded(tmp_path / "a.ts")  # MPEG-TS begins at 1.4 s
    shown = native(source, tmp_path / "n.mp4").file
    (length,) = (int.from_bytes(box.content[16:20]) / 120 for box in boxes(shown.read_bytes()) if box.path == "/moov/mvhd")
    assert length == pytest.approx(1000, abs=60)  # ms
    heard, meant = (Clip.open(file).sound_channels()[0] for file in (shown, source))
    assert np.abs(heard - meant).max() < 0.01


def test_matched_files_of_equal_pictures_and_sound_are_one_file_whatever_they_were_made_of(tmp_path: Path) -> None:
    sources = [
        coded(tmp_path / "a.mkv", options={"qp": "0", "preset": "ultrafast"}, audio="pcm_s16le"),
        coded(tmp_path / "b.mp4", options={"qp": "0", "bf": "3", "g": "7"}, audio="flac"),
        coded(tmp_path / "c.avi", video="ffv1", audio="pcm_s16le"),
    ]
    canvas = MatchedCanvas(160, 90, 25, 1.0)
    assert len({matched(file, tmp_path / f"m-{file.stem}.mp4", canvas).file.read_bytes() for file in sources}) == 1


def test_no_track_a_silent_one_and_one_too_soft_to_hear_are_one_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    heard = [None, np.zeros(3 * RATE, np.float32), rng.normal(0, 3e-4, 3 * RATE).astype(np.float32)]
    sources = [clip(tmp_path / f"{number}.mp4", sound=sound) for number, sound in enumerate(heard)]
    shown = [matched(file, tmp_path / f"m-{file.stem}.mp4", MatchedCanvas(160, 90, 25, 3.0)) for file in sources]
    assert not any(clip.with_sound for clip in shown)
    assert len({clip.file.read_bytes() for clip in shown}) == 1


def test_the_shortest_clip_holds_its_last_picture_no_longer_than_others(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 54, 96, 3), np.uint8)
    short = write_clip(tmp_path / "short.mp4", noise[:9], 24)  # 375 ms: five pictures and a half at 15 a second
    other = write_clip(tmp_path / "other.mp4", noise, 15)
    canvas = canvas_of([probe(short), probe(other)], width=96, height=64)
    shown = [Clip.open(matched(source, tmp_path / f"m-{source.name}", canvas).file) for source in (short, other)]
    assert [clip.facts.n_frames for clip in shown] == [5, 5]
    for clip in shown:
        steps = np.abs(np.diff(clip.video.rgb.astype(float), axis=0)).mean((1, 2, 3))
        assert steps.min() > 10


def test_sound_of_matched_clips_takes_as_many_bytes_whatever_it_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 3 * RATE).astype(np.float32)
    bursts = (noise * (TIME % 0.5 < 0.03)).astype(np.float32)
    for number, heard in enumerate((noise, bursts, sine(-20))):
        body = matched(
            clip(tmp_path / f"{number}.mp4", sound=heard), tmp_path / f"m{number}.mp4", MatchedCanvas(160, 90, 25, 3.0)
        ).file.read_bytes()
        assert {length for _, length in places(body)[1]} == {AAC_FRAME_BYTES}
