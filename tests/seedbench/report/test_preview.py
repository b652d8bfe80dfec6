"""Previews: small, playable, in sync with their own sound, encoded once for each file."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import ClipError
from seedbench.report import preview
from seedbench.report.preview import NoPreview, Preview, make_preview, make_previews
from seedbench.results.data import CellReport
from seedbench.store.cache import use_cache
from tests.media_grid.command_line import ffmpeg


def flash_and_click(*, at_s: float, seconds: float, fps: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise with one white frame, and a click at the same time."""
    noise = np.random.default_rng(0).integers(0, 90, (round(seconds * fps), size[1], size[0], 3), dtype=np.uint8)
    noise[round(at_s * fps)] = 255
    sound = np.zeros(round(seconds * 48_000), np.float32)
    sound[round(at_s * 48_000) : round(at_s * 48_000) + 200] = 0.8
    return noise, sound


def opened(preview: Preview, folder: Path) -> Clip:
    path = folder / "preview.mp4"
    path.write_bytes(base64.b64decode(preview.mp4))
    return Clip.open(path)


def test_a_large_clip_becomes_a_small_one_that_stays_in_sync(tmp_path: Path) -> None:
    frames, sound = flash_and_click(at_s=0.6, seconds=1.0, fps=50, size=(640, 360))
    clip = write_clip(tmp_path / "large.mp4", frames, 50, sound)
    embedded = make_preview(clip)
    assert not embedded.original
    assert len(embedded.mp4) * 3 / 4 < clip.stat().st_size / 3
    small = opened(embedded, tmp_path)
    assert (small.facts.height, small.facts.fps) == (256, pytest.approx(30, abs=0.5))
    seen_s = small.video.time_s[small.video.rgb.mean(axis=(1, 2, 3)).argmax()]
    heard_s = np.abs(small.audio(48_000).samples).argmax() / 48_000
    assert seen_s == pytest.approx(0.6, abs=1 / 30)
    assert heard_s == pytest.approx(0.6, abs=0.005)


def test_a_small_clip_is_embedded_byte_for_byte(tmp_path: Path) -> None:
    frames, sound = flash_and_click(at_s=0.2, seconds=0.4, fps=25, size=(64, 36))
    clip = write_clip(tmp_path / "small.mp4", frames, 25, sound)
    embedded = make_preview(clip)
    assert embedded.original
    assert base64.b64decode(embedded.mp4) == clip.read_bytes()


def test_a_small_clip_that_browsers_do_not_play_is_encoded_again(tmp_path: Path) -> None:
    frames, _ = flash_and_click(at_s=0.2, seconds=0.4, fps=25, size=(64, 36))
    embedded = make_preview(write_clip(tmp_path / "clip.mkv", frames, 25))
    assert (embedded.original, embedded.has_audio) == (False, False)
    assert "mp4" in opened(embedded, tmp_path).facts.container


def test_a_small_clip_with_two_tracks_of_sound_is_encoded_again(tmp_path: Path) -> None:
    """A browser chooses among tracks by rules of its own."""
    frames, sound = flash_and_click(at_s=0.2, seconds=0.4, fps=25, size=(64, 36))
    clip = write_clip(tmp_path / "one.mp4", frames, 25, sound)
    tracks = ("-map", "0:v", "-map", "0:a", "-map", "0:a")
    ffmpeg("-i", clip, *tracks, "-c", "copy", tmp_path / "two.mp4")
    assert not make_preview(tmp_path / "two.mp4").original


def test_a_small_clip_whose_channels_cancel_is_encoded_again(tmp_path: Path) -> None:
    frames, sound = flash_and_click(at_s=0.2, seconds=0.4, fps=25, size=(64, 36))
    clip = write_clip(tmp_path / "antiphase.mp4", frames, 25, np.stack([sound, -sound], axis=1))
    embedded = make_preview(clip)
    assert not embedded.original
    assert np.abs(opened(embedded, tmp_path).audio(48_000).samples).max() > 0.3


def test_a_small_clip_of_held_pictures_is_embedded_as_it_is(tmp_path: Path) -> None:
    picture = np.zeros((40, 36, 64, 3), np.uint8)
    for number in range(40):
        picture[number, 10:26, number // 2 * 2 : number // 2 * 2 + 16] = 255
    clip = write_clip(tmp_path / "held.mp4", picture, 24)
    assert Clip.open(clip).notes
    assert make_preview(clip).original


def test_the_poster_of_a_clip_that_is_not_kept_in_memory_is_its_middle_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seedbench.clips.clip.KEPT_BYTES", 0)
    levels = np.repeat(np.linspace(20, 220, 25, dtype=np.uint8), 36 * 64 * 3).reshape(25, 36, 64, 3)
    for suffix in ("mp4", "mkv"):  # the file itself, and a copy
        embedded = make_preview(write_clip(tmp_path / f"ramp.{suffix}", levels, 25))
        assert embedded.original == (suffix == "mp4")
        poster = cv2.imdecode(np.frombuffer(base64.b64decode(embedded.poster), np.uint8), cv2.IMREAD_COLOR)
        assert float(poster.mean()) == pytest.approx(float(levels[12].mean()), abs=3)
        assert len(opened(embedded, tmp_path).time_s) == 25


def test_a_file_that_is_no_clip_gives_a_reason_without_its_folder(tmp_path: Path) -> None:
    bad = tmp_path / "text.mp4"
    bad.write_text("not a clip")
    with pytest.raises(ClipError):
        make_preview(bad)
    cell = CellReport(generator="a", prompt_id="p", prompt_text="", task="text", seed=0, status="succeeded", clip_path=bad)
    missing = make_previews([cell], budget_bytes=10**9)[bad]
    assert isinstance(missing, NoPreview)
    assert missing.reason.startswith("text.mp4: ")
    assert str(tmp_path) not in missing.reason


def test_a_preview_is_encoded_once_for_the_same_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory(dict[str, bytes]):
        def put(self, key: str, data: bytes) -> None:
            self[key] = data

    frames, _ = flash_and_click(at_s=0.2, seconds=0.4, fps=25, size=(64, 36))
    write_clip(tmp_path / "a.mp4", frames, 25)
    (tmp_path / "b.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    previous = use_cache(Memory())
    try:
        first = make_preview(tmp_path / "a.mp4")
        monkeypatch.setattr(preview, "_browsers_show", lambda clip: pytest.fail("encoded again"))
        assert make_preview(tmp_path / "b.mp4") == first
    finally:
        use_cache(previous)
