"""Previews: small, playable, in sync with their own sound, encoded once for each file."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import ClipError
from seedbench.report import preview
from seedbench.report.preview import NoPreview, Preview, make_preview, make_previews
from seedbench.results.data import CellReport
from seedbench.store.cache import use_cache


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
        monkeypatch.setattr(preview, "_browsers_play", lambda path: pytest.fail("encoded again"))
        assert make_preview(tmp_path / "b.mp4") == first
    finally:
        use_cache(previous)
