"""The set metrics: what the embedded feature reacts to, when there is no answer, and the protocol of the user's I3D."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from seedbench.clips.clip import Clip
from seedbench.clips.writing import write_clip
from seedbench.errors import ClipError, WeightsError
from seedbench.metrics.features import efficientnet, i3d
from seedbench.metrics.video_distance import EmbeddedVideoDistance, FrechetVideoDistance
from seedbench.plugins import weights
from seedbench.plugins.metric import Features


def moving_scene(seed: int, frames: int = 32) -> np.ndarray:
    """A textured disc crossing a textured ground: (frames, 96, 128, 3) uint8."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(40, 200, (12, 16, 3)).astype(np.uint8), (128, 96), interpolation=cv2.INTER_CUBIC)
    colour = rng.integers(0, 255, 3).tolist()
    start, speed = rng.uniform(10, 40), rng.uniform(1.0, 2.5)
    height, radius = int(rng.integers(25, 70)), int(rng.integers(10, 20))
    pictures = []
    for k in range(frames):
        picture = ground.copy()
        cv2.circle(picture, (int(start + speed * k), height), radius, colour, -1)
        cv2.rectangle(picture, (int(120 - speed * k), 5), (int(128 - speed * k), 20), (255, 255, 255), -1)
        pictures.append(picture)
    return np.stack(pictures)


def blurred(rgb: np.ndarray) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(picture, (0, 0), 3.0) for picture in rgb])


def frozen(rgb: np.ndarray) -> np.ndarray:
    return np.repeat(rgb[len(rgb) // 2][None], len(rgb), axis=0)


def flickering(rgb: np.ndarray) -> np.ndarray:
    gain = np.where(np.arange(len(rgb)) % 2, 1.15, 0.85)
    return np.clip(rgb * gain[:, None, None, None], 0, 255).astype(np.uint8)


def reversed_(rgb: np.ndarray) -> np.ndarray:
    return rgb[::-1]


def embed_frames(rgb: np.ndarray) -> np.ndarray:
    """The embedding of pictures at 25 a second."""
    return efficientnet.embed_pairs(np.stack([efficientnet.squeezed(rgb[frame]) for frame in efficientnet.pair_frames(len(rgb))]))


@pytest.fixture(scope="module")
def clean() -> dict[int, np.ndarray]:
    return {seed: moving_scene(seed) for seed in range(6)}


@pytest.fixture(scope="module")
def clean_set(clean: dict[int, np.ndarray]) -> Features:
    return Features(np.stack([embed_frames(rgb) for rgb in clean.values()]), [str(seed) for seed in clean])


@pytest.mark.slow
@pytest.mark.parametrize("broken", [blurred, frozen, flickering])
def test_the_embedded_feature_tells_a_broken_set_from_the_clean_one(broken, clean: dict[int, np.ndarray], clean_set: Features) -> None:  # type: ignore[no-untyped-def]
    rows = np.stack([embed_frames(broken(rgb)) for rgb in clean.values()])
    scores = {score.measure: score for score in EmbeddedVideoDistance().compare(Features(rows, clean_set.groups), clean_set)}
    assert scores["kd"].interval is not None
    assert scores["kd"].interval[0] > 0
    assert scores["fd_plugin"].value > 0.2


def test_time_reversal_turns_the_trend_and_nothing_else(clean: dict[int, np.ndarray]) -> None:
    forward, backward = (embed_frames(rgb) for rgb in (clean[0], reversed_(clean[0])))
    assert backward[28:] == pytest.approx(-forward[28:], abs=0.05)
    assert np.abs(forward[28:]).max() > 0.05
    assert backward[:28] == pytest.approx(forward[:28], abs=0.05)


def test_a_frozen_clip_has_no_change_at_all(clean: dict[int, np.ndarray]) -> None:
    assert np.abs(embed_frames(frozen(clean[0]))[16:]).max() < 1e-3


def test_the_same_set_is_at_distance_zero(clean_set: Features) -> None:
    scores = {score.measure: score for score in EmbeddedVideoDistance().compare(clean_set, clean_set)}
    assert scores["fd"].value == pytest.approx(0.0, abs=1e-6)
    assert scores["kd"].value == pytest.approx(0.0, abs=1e-12)


def test_no_one_can_take_the_embedded_feature_for_fvd(clean_set: Features) -> None:
    scores = EmbeddedVideoDistance().compare(clean_set, clean_set)
    assert {score.backend for score in scores} == {"effnet-lite0-16f"}
    assert "not FVD" in EmbeddedVideoDistance.info.title
    remarks = " ".join(scores[0].details["remarks"])
    assert "fewer than 256" in remarks
    assert "fd is too large with fewer than 64 clips" in remarks


def random_set(prompts: int, name: str, clips_a_prompt: int = 1) -> Features:
    rng = np.random.default_rng([prompts, *name.encode()])
    return Features(rng.normal(size=(prompts * clips_a_prompt, 32)), [f"{name}{k % prompts}" for k in range(prompts * clips_a_prompt)])


@pytest.mark.parametrize(
    ("generated", "reference", "unit"),
    [
        (random_set(63, "a"), random_set(80, "b"), "clips"),
        (random_set(80, "a"), random_set(63, "b"), "clips"),
        (random_set(16, "a", 4), random_set(80, "b"), "prompts"),
    ],
)
def test_fd_of_a_small_set_has_a_value_and_no_interval(generated: Features, reference: Features, unit: str) -> None:
    scores = {score.measure: score for score in EmbeddedVideoDistance().compare(generated, reference)}
    why = f"fd is too large with fewer than 64 {unit}, because the jackknife removes only part of its bias; kd has no bias"
    assert (scores["fd"].status, scores["fd"].interval, scores["fd"].reason) == ("scored", None, why)
    assert all(why in score.details["remarks"] for score in scores.values())
    assert scores["kd"].interval is not None
    assert (scores["kd"].reason, scores["fd_plugin"].reason, scores["fd_plugin"].status) == ("", "", "scored")


def test_fd_of_two_clips_a_number_of_its_feature_has_an_interval() -> None:
    scores = {score.measure: score for score in EmbeddedVideoDistance().compare(random_set(64, "a"), random_set(64, "b"))}
    assert scores["fd"].interval is not None
    assert scores["fd"].reason == ""


def test_the_projection_never_changes() -> None:
    ramp = {name: np.linspace(-1, 1, 1280) for name in efficientnet.BLOCKS}
    embedding = efficientnet.project(ramp)
    assert embedding.shape == (32,)
    assert embedding[[0, 16, 24, 31]] == pytest.approx([-0.618950, -0.849327, -0.218617, -0.996100], abs=1e-6)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_handful_of_clips_gives_no_distance(n: int, clean_set: Features) -> None:
    few = Features(clean_set.values[:n], list(clean_set.groups)[:n])
    scores = EmbeddedVideoDistance().compare(few, clean_set)
    assert [score.status for score in scores] == ["unscored"] * 3
    assert f"a set of {n} clips" in scores[0].reason


def test_rows_of_one_clip_do_not_count_as_clips(clean_set: Features) -> None:
    scores = EmbeddedVideoDistance().compare(Features(clean_set.values, ["one"] * 3 + ["other"] * 3), clean_set)
    assert scores[0].value is None


def test_a_clip_is_embedded_from_its_file_and_a_short_one_is_refused(tmp_path: Path, clean: dict[int, np.ndarray]) -> None:
    metric = EmbeddedVideoDistance()
    whole = Clip.open(write_clip(tmp_path / "whole.mp4", clean[0], 25))
    assert metric.embed(whole).shape == (1, 32)
    assert np.array_equal(metric.embed(whole), metric.embed(Clip.open(whole.path)))
    short = Clip.open(write_clip(tmp_path / "short.mp4", clean[0][:15], 25))
    with pytest.raises(ClipError, match="15 frames at 25 a second"):
        metric.embed(short)


class TinyI3D(torch.nn.Module):
    """Stands in for the user's file: the same call, 400 numbers made of colour and motion."""

    def forward(self, x: torch.Tensor, rescale: bool = True, resize: bool = True, return_features: bool = True) -> torch.Tensor:
        if not (rescale and resize and return_features):
            raise ValueError("called in another way")
        y = x.float() / 127.5 - 1.0
        pooled = torch.nn.functional.adaptive_avg_pool3d(y, [16, 5, 5]).flatten(1)
        return pooled[:, :400]


class Wrong(torch.nn.Module):
    """A torchscript module that is no I3D."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def script(module: torch.nn.Module) -> torch.jit.ScriptModule:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(module)


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "i3d.pt"
    script(TinyI3D()).save(str(path))
    monkeypatch.setattr(weights, "path", lambda name: path)
    return path


def test_fvd_takes_sixteen_consecutive_frames_from_the_first(scripted: Path, tmp_path: Path, clean: dict[int, np.ndarray]) -> None:
    clip = Clip.open(write_clip(tmp_path / "clip.mp4", clean[1], 25))
    features = FrechetVideoDistance().embed(clip)
    assert features.shape == (1, 400)
    assert np.array_equal(features, i3d.logits(script(TinyI3D()), clip.video.rgb[:16]))


def test_fvd_never_fills_up_a_short_clip(scripted: Path, tmp_path: Path, clean: dict[int, np.ndarray]) -> None:
    clip = Clip.open(write_clip(tmp_path / "clip.mp4", clean[1][:15], 25))
    with pytest.raises(ClipError, match="none is repeated"):
        FrechetVideoDistance().embed(clip)


def test_fvd_without_the_users_file_says_how_to_add_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: dict[int, np.ndarray]
) -> None:
    monkeypatch.setenv("SEEDBENCH_WEIGHTS", str(tmp_path / "none"))
    clip = Clip.open(write_clip(tmp_path / "clip.mp4", clean[1], 25))
    with pytest.raises(WeightsError, match="seedbench weights add i3d-torchscript PATH"):
        FrechetVideoDistance().embed(clip)


def test_a_file_that_is_no_i3d_is_refused_in_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "text.pt"
    text.write_text("weights")
    with pytest.raises(WeightsError, match="not a torchscript module"):
        i3d.load(text)
    with pytest.raises(WeightsError, match="cannot be called"):
        i3d.logits(script(Wrong()), np.zeros((16, 8, 8, 3), np.uint8))


def test_fvd_of_few_clips_is_marked_as_not_comparable() -> None:
    rng = np.random.default_rng(0)
    few = Features(rng.normal(size=(8, 400)), [str(k) for k in range(8)])
    other = Features(rng.normal(size=(8, 400)) + 1.0, [f"r{k}" for k in range(8)])
    scores = {score.measure: score for score in FrechetVideoDistance().compare(few, other)}
    assert any("not comparable to literature" in remark for remark in scores["fd"].details["remarks"])
    assert scores["fd"].backend == "fvd_16f/i3d-torchscript"
