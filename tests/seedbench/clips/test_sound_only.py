"""Files of sound alone are heard as a player plays them: without what an encoder put before and after the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from seedbench.clips.clip import Clip
from tests.media_grid.command_line import ffmpeg

RATE = 48_000
#: Matroska rounds times to this.
TICK_S = 0.001


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.mp3", "libmp3lame"), ("a.ogg", "libvorbis"), ("a.mka", "libopus"), ("a.m4a", "aac")]
)
def test_a_sound_file_begins_and_ends_where_a_player_does(tmp_path: Path, name: str, codec: str) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "source.wav", noise, RATE, subtype="FLOAT")
    ffmpeg("-v", "error", "-i", tmp_path / "source.wav", "-c:a", codec, tmp_path / name)
    ffmpeg("-v", "error", "-i", tmp_path / name, "-c:a", "pcm_f32le", tmp_path / "played.wav")
    played, _ = soundfile.read(tmp_path / "played.wav", dtype="float32")
    clip = Clip.open(tmp_path / name)
    channels, rate = clip.sound_channels()
    off = channels.shape[1] - len(played)
    assert (rate, len(channels)) == (RATE, 1)
    assert 0 <= off <= TICK_S * RATE
    np.testing.assert_allclose(channels[0, off:], played, atol=1e-5)
    assert clip.facts.duration_s == pytest.approx(len(played) / RATE, abs=0.03)  # packets are whole, whatever is heard of the last one
    assert clip.notes == ()
