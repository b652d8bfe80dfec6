"""Ordinary files that once got wrong numbers without a word: each gets the numbers of the plain clip, or a reason.

The clips are the simulator's, whose truth is known; FFmpeg's command line turns, cuts, holds and damages them as phones, editors and
generators do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seedbench.arena.blinding.matched import canvas_of, matched
from seedbench.clips.clip import Clip
from seedbench.clips.probing import probe
from seedbench.clips.writing import write_clip
from seedbench.metrics.impact import ImpactAlignment
from seedbench.metrics.lipsync import LipSync
from seedbench.metrics.physics import Physics
from seedbench.plugins.metric import Sample
from tests.media_grid.command_line import ffmpeg
from tests.media_grid.fuzz_worker import outcome_of, read_clip
from tests.media_grid.player import play
from tests.stories.test_lengths import OF, rendered, values

Make = Callable[..., Path]
GRAVITY_SHARE = 0.04
#: Offsets are those of the plain clip up to this where pictures or sound are encoded anew.
SAME_MS = 6.0
FINE = ("-c:v", "libx264", "-crf", "12", "-preset", "veryfast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """The simulator's clip of a prompt at a rate, made once."""
    folder = tmp_path_factory.mktemp("plain")
    clips: dict[tuple[str, int], Path] = {}

    def make(prompt: str, fps: int) -> Path:
        if (prompt, fps) not in clips:
            (folder / f"{prompt}-{fps}").mkdir()
            clips[prompt, fps] = rendered(OF[prompt], fps, folder / f"{prompt}-{fps}").path
        return clips[prompt, fps]

    return make


@pytest.fixture(scope="module")
def lips_of_plain(plain: Make) -> float:
    """The offset of lips in the plain talking clip, in ms."""
    offset = values(LipSync(), Clip.open(plain("talk", 25)), OF["talk"])["offset_ms"]
    assert offset is not None
    return offset


def remade(source: Path, goal: Path, *arguments: object) -> Path:
    """``source``, by FFmpeg's command line with these arguments, as ``goal``."""
    ffmpeg("-v", "error", "-i", f"file:{source}", *arguments, f"file:{goal}")
    return goal


def check_fall(clip: Clip) -> None:
    measures = values(Physics(), clip, OF["drop"])
    assert measures["plausibility"] == pytest.approx(1.0, abs=0.02)
    assert measures["gravity_m_s2"] == pytest.approx(9.81, rel=GRAVITY_SHARE)


def check_lips(path: Path, offset_ms: float, *, within_ms: float = SAME_MS) -> None:
    measures = values(LipSync(), Clip.open(path), OF["talk"])
    assert measures["matched"] == 1.0
    assert measures["offset_ms"] == pytest.approx(offset_ms, abs=within_ms)


def turned(source: Path, folder: Path, angle: int) -> Path:
    """The clip stored turned, with a display matrix that turns it back, as phones write it."""
    transpose = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}[angle]
    stored = remade(source, folder / "stored.mp4", "-vf", transpose, *FINE, "-c:a", "copy")
    goal = folder / "turned.mp4"
    ffmpeg("-v", "error", "-display_rotation", angle, "-i", f"file:{stored}", "-c", "copy", f"file:{goal}")
    return goal


@pytest.mark.parametrize(("made_at", "stored_at"), [(12, 24), (15, 30), (24, 25), (24, 30), (25, 60), (12, 60), (24, 60)])
def test_a_fall_is_judged_alike_when_its_pictures_are_held(made_at: int, stored_at: int, plain: Make, tmp_path: Path) -> None:
    source = plain("drop", made_at)
    held = Clip.open(remade(source, tmp_path / "held.mp4", "-vf", f"fps={stored_at}", *FINE, "-c:a", "copy"))
    assert held.facts.fps == pytest.approx(stored_at, rel=1e-3)
    assert held.timing.fps == pytest.approx(made_at, rel=1e-3)
    before, after = values(Physics(), Clip.open(source), OF["drop"]), values(Physics(), held, OF["drop"])
    assert after["plausibility"] == pytest.approx(before["plausibility"], abs=0.02)
    assert after["gravity_m_s2"] == pytest.approx(before["gravity_m_s2"], rel=0.03)
    assert values(ImpactAlignment(), held, OF["drop"])["f1"] == 1.0


@pytest.mark.parametrize("exposed", [4, 8])
def test_a_fall_has_its_gravity_when_pictures_are_exposed_for_long(exposed: int, plain: Make, tmp_path: Path) -> None:
    """The mean of the first 4 of 8 successive pictures is one exposed for half of its time, that of all 8 one exposed for all of it."""
    fine = np.stack(list(Clip.open(plain("drop", 192)).pictures()))
    blurred = [np.rint(fine[start : start + exposed].mean(axis=0)).astype(np.uint8) for start in range(0, len(fine) - 7, 8)]
    measures = values(Physics(), Clip.open(write_clip(tmp_path / "blurred.mp4", blurred, 24, None, crf=12)), OF["drop"])
    assert measures["gravity_m_s2"] == pytest.approx(9.81, rel=GRAVITY_SHARE)
    assert measures["motion_law"] == pytest.approx(1.0, abs=0.02)
    assert measures["plausibility"] > 0.9


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_fall_is_judged_alike_when_it_is_stored_turned(angle: int, plain: Make, tmp_path: Path) -> None:
    clip = Clip.open(turned(plain("drop", 24), tmp_path, angle))
    assert (clip.facts.width, clip.facts.height) == (320, 180)
    check_fall(clip)


def test_lips_are_in_sync_when_the_clip_is_stored_turned(plain: Make, lips_of_plain: float, tmp_path: Path) -> None:
    check_lips(turned(plain("talk", 25), tmp_path, 90), lips_of_plain)


def test_a_cover_picture_before_the_clip_changes_nothing(plain: Make, lips_of_plain: float, tmp_path: Path) -> None:
    source = plain("talk", 25)
    cover = ("-f", "lavfi", "-i", "color=red:s=320x180:d=0.04:r=25")
    tracks = ("-map", "1:v", "-map", "0:v", "-map", "0:a", "-c", "copy", "-c:v:0", "mjpeg")
    marks = ("-disposition:v:0", "attached_pic", "-disposition:v:1", "default")
    path = remade(source, tmp_path / "cover.mkv", *cover, *tracks, *marks)
    check_lips(path, lips_of_plain, within_ms=2.0)
    blind = matched(path, tmp_path / "matched.mp4", canvas_of([probe(path)], width=320, height=180))
    assert blind.duration_s == pytest.approx(probe(source).duration_s, abs=0.05)
    assert play(blind.file, tmp_path).rgb[5][0, 0, 0] < 200  # not the red cover


@pytest.mark.parametrize(
    "dropped",
    ["not(mod(n\\,20))*gt(n\\,0)", "between(pts*tb\\,1\\,1.12)", "between(pts*tb\\,1.2\\,1.8)"],
    ids=["a packet of 20 ms every 400 ms", "120 ms", "600 ms"],
)
def test_holes_in_the_sound_do_not_move_the_rest(dropped: str, plain: Make, lips_of_plain: float, tmp_path: Path) -> None:
    holes = ("-c:v", "copy", "-c:a", "libopus", "-b:a", "96k", "-bsf:a", f"noise=drop='{dropped}'")
    path = remade(plain("talk", 25), tmp_path / "holes.mkv", *holes)
    check_lips(path, lips_of_plain, within_ms=20.0)
    assert any("gaps" in note for note in Clip.open(path).notes)


def test_pieces_whose_sound_is_shorter_than_the_picture_do_not_drift_when_joined(plain: Make, lips_of_plain: float, tmp_path: Path) -> None:
    source, listed = plain("talk", 25), []
    for number in range(3):
        begin, length = number * 1.04, 1.04
        picture = ("-vf", f"trim={begin}:{begin + length},setpts=PTS-STARTPTS", *FINE)
        sound = ("-af", f"atrim={begin}:{begin + length - 0.08},asetpts=PTS-STARTPTS", "-c:a", "aac", "-b:a", "160k")
        piece = remade(source, tmp_path / f"piece{number}.mp4", *picture, *sound)
        listed.append(f"file '{piece}'\nduration {length}\n")
    (tmp_path / "pieces.txt").write_text("".join(listed))
    path = tmp_path / "joined.mp4"
    ffmpeg("-v", "error", "-f", "concat", "-safe", 0, "-i", tmp_path / "pieces.txt", "-c", "copy", path)
    check_lips(path, lips_of_plain, within_ms=30.0)


def test_what_an_edit_list_hides_is_not_a_part_of_the_clip(plain: Make, tmp_path: Path) -> None:
    source = plain("talk", 25)
    path = tmp_path / "trimmed.mp4"
    ffmpeg("-v", "error", "-ss", 1.2, "-i", source, "-c", "copy", path)
    facts = probe(path)
    assert facts.duration_s == pytest.approx(probe(source).duration_s - 1.2, abs=0.05)
    canvas = canvas_of([facts, probe(source)], width=320, height=180)
    assert canvas.duration_s == facts.duration_s
    shown = play(matched(path, tmp_path / "matched.mp4", canvas).file, tmp_path)
    assert shown.time_s[-1] == pytest.approx(facts.duration_s - 0.04, abs=0.02)


def test_sound_stamped_hours_later_is_not_waited_for(plain: Make, tmp_path: Path) -> None:
    path = tmp_path / "far.mkv"
    ffmpeg(
        "-v",
        "error",
        "-i",
        plain("talk", 25),
        "-itsoffset",
        6000,
        "-i",
        plain("talk", 25),
        "-map",
        "0:v",
        "-map",
        "1:a",
        "-c",
        "copy",
        path,
    )
    outcome = outcome_of(path, read_clip)
    assert outcome["faults"] == []
    assert outcome["memory_mb"] < 300
    clip = Clip.open(path)
    assert clip.facts.duration_s == pytest.approx(3.2, abs=0.05)
    assert any("begins" in note and "after the last picture" in note for note in clip.notes)
    scores = LipSync().score(clip, Sample(prompt=OF["talk"]))
    assert all(score.value is None and score.reason for score in scores)


def test_sound_alone_that_begins_hours_later_is_as_long_as_it_is(plain: Make, tmp_path: Path) -> None:
    path = remade(plain("talk", 25), tmp_path / "sound.ts", "-vn", "-c:a", "aac", "-output_ts_offset", 7200)
    facts = probe(path)
    assert not facts.has_video
    assert facts.duration_s == pytest.approx(3.2, abs=0.1)
    assert len(Clip.open(path).audio(16_000).samples) == pytest.approx(3.2 * 16_000, abs=1600)
