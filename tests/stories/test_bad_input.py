"""Whatever file a user hands over, every default metric gives an answer or a reason: never a traceback, never a perfect score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.writing import write_clip
from seedbench.files.hashing import file_sha256
from seedbench.plugins import registry
from seedbench.plugins.metric import Metric
from seedbench.runs.score_task import ScoreTask, score

CLIP_METRICS = tuple(name for name in registry.default_metrics() if issubclass(registry.load("metrics", name), Metric))
SIZE = (96, 160)


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, round(48000 * seconds)).astype(np.float32)


def moving(count: int) -> list[np.ndarray]:
    frames = []
    for index in range(count):
        frame = np.full((*SIZE, 3), 90, np.uint8)
        frame[30:50, 2 * index % 140 : 2 * index % 140 + 20] = 220
        frames.append(frame)
    return frames


def black(path: Path) -> Path:
    return write_clip(path, [np.zeros((*SIZE, 3), np.uint8)] * 50, 25, noise(2))


def frozen(path: Path) -> Path:
    return write_clip(path, moving(1) * 50, 25, noise(2))


def silent(path: Path) -> Path:
    return write_clip(path, moving(50), 25, np.zeros(96000, np.float32))


def mute(path: Path) -> Path:
    return write_clip(path, moving(50), 25, None)


def one_frame(path: Path) -> Path:
    return write_clip(path, moving(1), 25, noise(0.04))


def odd_size(path: Path) -> Path:
    return write_clip(path, [frame[:95, :157] for frame in moving(50)], 25, noise(2))


def tiny(path: Path) -> Path:
    return write_clip(path, [frame[:16, :16] for frame in moving(50)], 25, noise(2))


def variable_rate(path: Path) -> Path:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.12, 50))
    return write_clip(path, moving(50), 25, noise(3), times_s=times - times[0])


def stereo(path: Path) -> Path:
    return write_clip(path, moving(50), 25, np.stack([noise(2), noise(2)], axis=1))


def truncated(path: Path) -> Path:
    write_clip(path, moving(100), 25, noise(4))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    return path


def header_only(path: Path) -> Path:
    write_clip(path, moving(10), 25, None)
    path.write_bytes(path.read_bytes()[:100])
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def text(path: Path) -> Path:
    path.write_text("not a clip")
    return path


def sound_only(path: Path) -> Path:
    import soundfile

    path = path.with_suffix(".wav")
    soundfile.write(path, noise(2), 48000)
    return path


KINDS = [black, frozen, silent, mute, one_frame, odd_size, tiny, variable_rate, stereo, truncated, header_only, empty, text, sound_only]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_bad_input_gets_reasons_and_no_failure(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "clip.mp4")
    task = ScoreTask(
        cell_id=1, path=path, sha256=file_sha256(path), prompt=None, generator="g", seed=0, metrics=CLIP_METRICS, set_metrics=()
    )
    result = score(task)
    assert set(result.scores) == set(CLIP_METRICS)
    for name, scores in result.scores.items():
        for clip_score in scores:
            assert clip_score.status != "failed", f"{name}.{clip_score.measure}: {clip_score.reason}"
            assert clip_score.status == "scored" or clip_score.reason
    headlines = {
        (name, measure.name) for name in CLIP_METRICS for measure in registry.load("metrics", name).info.measures if measure.headline
    }
    answered = {
        (name, clip_score.measure) for name, scores in result.scores.items() for clip_score in scores if clip_score.value is not None
    } & headlines
    assert not answered, "none of these clips shows anything that could be scored"
