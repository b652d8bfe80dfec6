"""Each degradation changes one thing, by the stated amount, and nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.clips.clip import Clip
from seedbench.clips.degradations import DEGRADATIONS, ClipArrays, blacken, degrade_clip, delay_sound, flicker, freeze, retime
from seedbench.errors import ClipError, SeedBenchError, UnknownNameError

MakeClip = Callable[..., Path]


def degraded(source: Path, **amounts: float) -> Clip:
    out = source.with_name("degraded.mp4")
    return Clip.open(degrade_clip(source, out, {name.replace("_", "-"): amount for name, amount in amounts.items()}))


def test_rewriting_keeps_pictures_times_and_sound(make_clip: MakeClip) -> None:
    source = make_clip()
    before, after = Clip.open(source), degraded(source, rewrite=1)
    assert np.abs(before.video.rgb.astype(int) - after.video.rgb).mean() < 1.5
    np.testing.assert_allclose(before.video.time_s, after.video.time_s, atol=1e-4)
    a, b = before.audio(16000).samples[:30000], after.audio(16000).samples[:30000]
    assert np.corrcoef(a, b)[0, 1] > 0.999


def test_pictures_of_the_same_time_are_written(tmp_path: Path) -> None:
    from seedbench.clips.writing import write_clip

    pictures = [np.full((32, 32, 3), 60 * index, np.uint8) for index in range(4)]
    path = write_clip(tmp_path / "twice.mp4", pictures, 25, None, times_s=[0.0, 0.04, 0.04, 0.08])
    np.testing.assert_allclose(Clip.open(path).time_s, [0.0, 0.04, 0.04, 0.08], atol=2e-5)


@pytest.mark.parametrize("amount", [-240.0, 80.0, 480.0])
def test_sound_is_shifted_by_the_stated_time(make_clip: MakeClip, amount: float, tmp_path: Path) -> None:
    from seedbench.clips.writing import write_clip

    sound = np.zeros(96000, np.float32)
    sound[48000:48200] = 0.8
    source = write_clip(tmp_path / "click.mp4", [np.zeros((32, 32, 3), np.uint8)] * 50, 25, sound)
    heard = degraded(source, delay_sound=amount).audio(48000).samples
    assert (np.argmax(np.abs(heard) > 0.4) - 48000) / 48 == pytest.approx(amount, abs=2)


@given(st.integers(-50, 50))
def test_shifting_sound_forth_and_back_loses_only_the_edges(amount: int) -> None:
    sound = np.arange(1.0, 201.0)[None]
    clip = ClipArrays(np.zeros((1, 2, 2, 3), np.uint8), np.zeros(1), sound, 1000)
    back = delay_sound(delay_sound(clip, amount), -amount).sound
    assert back is not None
    kept = back != 0
    assert kept.sum() == 200 - abs(amount)
    assert (back[kept] == sound[kept]).all()


def test_the_picture_does_not_change_after_a_freeze(make_clip: MakeClip) -> None:
    rgb = degraded(make_clip(), freeze=1.0).video.rgb.astype(int)
    assert np.abs(np.diff(rgb[:25], axis=0)).mean(axis=(1, 2, 3)).min() > 0.5
    assert np.abs(np.diff(rgb[27:], axis=0)).mean(axis=(1, 2, 3)).max() < 0.2


def test_flicker_alternates_brightness_by_its_amplitude(make_clip: MakeClip) -> None:
    source = make_clip()
    gain = degraded(source, flicker=0.2).video.rgb.mean(axis=(1, 2, 3)) - Clip.open(source).video.rgb.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(np.abs(gain), 25.5, atol=2)
    assert (np.sign(gain[::2]) == 1).all()
    assert (np.sign(gain[1::2]) == -1).all()


def test_retiming_slows_the_picture_and_not_the_sound(make_clip: MakeClip) -> None:
    source = make_clip()
    before, after = Clip.open(source), degraded(source, retime=2)
    assert np.abs(after.video.rgb[40].astype(int) - before.video.rgb[20]).mean() < 2
    assert after.facts.duration_s == pytest.approx(before.facts.duration_s)


def test_blur_removes_detail(make_clip: MakeClip) -> None:
    source = make_clip()

    def detail(clip: Clip) -> float:
        return float(np.abs(np.diff(clip.video.rgb.astype(float), axis=2)).max())

    assert detail(degraded(source, blur=3)) < 0.4 * detail(Clip.open(source))


def test_sound_can_be_dropped_silenced_and_the_picture_blackened(make_clip: MakeClip) -> None:
    source = make_clip()
    assert not degraded(source, drop_sound=1).facts.has_audio
    half = degraded(source, drop_sound=0.5).audio(16000).samples
    assert np.abs(half[:15000]).max() > 0.2
    assert np.abs(half[17000:]).max() < 0.01
    assert degraded(source, blacken=0).video.rgb.max() < 20


@pytest.mark.parametrize(("name", "amount"), [("freeze", 0.5), ("retime", 0.6), ("retime", 1.7), ("flicker", 0.2), ("blacken", 1.0)])
def test_a_long_clip_is_degraded_to_the_same_bytes_as_one_that_is_kept_in_memory(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, amount: float
) -> None:
    source = make_clip()
    kept = degrade_clip(source, tmp_path / "kept.mp4", {name: amount}).read_bytes()
    monkeypatch.setattr("seedbench.clips.clip.KEPT_BYTES", 0)
    monkeypatch.setattr(Clip, "video", property(lambda _: pytest.fail("all pictures were held at once")))
    assert degrade_clip(source, tmp_path / "streamed.mp4", {name: amount}).read_bytes() == kept


def test_pictures_are_chosen_by_their_times_and_changed_one_by_one() -> None:
    pictures = [np.full((2, 2, 3), level, np.uint8) for level in (10, 20, 30, 40)]
    clip = ClipArrays(pictures, np.array([0.0, 0.1, 0.2, 0.3]), None, 48_000)

    def levels(changed: ClipArrays) -> list[int]:
        return [int(rgb[0, 0, 0]) for rgb in changed.pictures]

    assert levels(freeze(clip, 0.1)) == [10, 20, 20, 20]
    assert levels(retime(clip, 2.0)) == [10, 10, 20, 20]
    assert levels(retime(clip, 0.5)) == [10, 30, 40, 40]
    assert levels(blacken(clip, 0.2)) == [10, 20, 0, 0]
    both = flicker(freeze(clip, 0.1), 20 / 255)
    assert levels(both) == levels(both) == [20, 10, 30, 10]  # they can be gone through again


def test_nothing_is_left_where_the_clip_cannot_be_read_to_its_end(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(clip: Clip) -> Iterator[np.ndarray]:
        yield np.zeros((64, 96, 3), np.uint8)
        raise ClipError(f"{clip.path}: is damaged")

    monkeypatch.setattr(Clip, "pictures", broken)
    with pytest.raises(ClipError, match="is damaged"):
        degrade_clip(make_clip(), tmp_path / "degraded.mp4", {"rewrite": 1})
    assert not (tmp_path / "degraded.mp4").exists()


def test_a_second_name_of_the_clip_is_the_clip_itself(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip()
    (tmp_path / "again.mp4").hardlink_to(source)
    with pytest.raises(SeedBenchError, match="is the clip itself"):
        degrade_clip(source, tmp_path / "again.mp4", {"rewrite": 1})


def test_stereo_stays_stereo(make_clip: MakeClip) -> None:
    after = degraded(make_clip(stereo=True), delay_sound=40)
    assert after.facts.channels == 2
    left, right = after.sound_channels()[0]
    assert np.corrcoef(left, right)[0, 1] < -0.99


def test_bad_amounts_and_names_are_refused(make_clip: MakeClip, tmp_path: Path) -> None:
    source = make_clip()
    with pytest.raises(UnknownNameError, match="did you mean 'freeze'"):
        degrade_clip(source, tmp_path / "x.mp4", {"freez": 1})
    with pytest.raises(SeedBenchError, match="is the clip itself"):
        degrade_clip(source, source, {"blur": 1})
    with pytest.raises(SeedBenchError, match="has no sound"):
        degrade_clip(make_clip("mute.mp4", tone_hz=None), tmp_path / "x.mp4", {"delay-sound": 1})
    assert set(DEGRADATIONS) >= {"delay-sound", "drop-sound", "freeze", "flicker", "blur", "retime", "reencode"}


@pytest.mark.parametrize(("old", "new"), [("shift-sound", "delay-sound"), ("intact", "rewrite")])
def test_an_old_name_means_the_same_and_is_not_listed(old: str, new: str, make_clip: MakeClip, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from seedbench.cli import app

    source = make_clip()
    contents = [degrade_clip(source, tmp_path / f"{name}.mp4", {name: 80.0}).read_bytes() for name in (old, new)]
    assert contents[0] == contents[1]
    listed = CliRunner().invoke(app, ["degrade", "--list"]).output
    assert CliRunner().invoke(app, ["break", "--list"]).output == listed  # the earlier name
    assert re.search(rf"^{new}  +\w", listed, re.MULTILINE)
    assert old not in listed


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("delay-sound", math.nan),
        ("shift-sound", math.inf),
        ("drop-sound", 2.0),
        ("blur", 0.0),
        ("flicker", -1.0),
        ("retime", 0.0),
        ("reencode", 99.0),
    ],
)
def test_an_amount_that_makes_no_sense_is_refused(make_clip: MakeClip, tmp_path: Path, name: str, amount: float) -> None:
    with pytest.raises(SeedBenchError, match=f"{name}={amount:g}: the amount must be a number from "):
        degrade_clip(make_clip("a.mp4", frames=5), tmp_path / "b.mp4", {name: amount})
    assert not (tmp_path / "b.mp4").exists()
