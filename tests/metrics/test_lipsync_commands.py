"""``seedbench lipsync``: fitting and evaluating on a folder of synthetic feature files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from seedbench.metrics.lipsync.commands import app
from seedbench.metrics.lipsync.corpus import CorpusError, examples_of, landmark_file
from seedbench.metrics.lipsync.features import MESH_POINTS
from seedbench.metrics.lipsync.model import load


def feature_file(path: Path, seed: int) -> None:
    """Five seconds at 24 fps of a mouth that opens with a synthetic voice."""
    rng = np.random.default_rng(seed)
    n = 122
    opening = np.clip(np.convolve(rng.normal(size=n + 6), np.hanning(7), mode="valid")[:n], -1, 3)
    points = np.repeat(np.random.default_rng(9).uniform(-0.5, 0.5, (1, 50, 2)), n, axis=0)
    positions = {
        33: (-0.5, 0),
        263: (0.5, 0),
        10: (0, -0.7),
        1: (0, 0.5),
        13: (0, 0.85),
        14: (0, 0.86),
        87: (-0.1, 0.86),
        317: (0.1, 0.86),
        17: (0, 1),
    }
    for point, position in positions.items():
        points[:, MESH_POINTS.index(point)] = position
    for point in (14, 87, 317, 17, 152):
        points[:, MESH_POINTS.index(point), 1] += 0.1 * opening
    loud = np.interp(np.arange(528) / 100, np.arange(n) / 24, opening)
    np.savez(
        path,
        landmarks=points.astype(np.float16),
        interocular_px=np.full(n, 100, np.float16),
        time_s=(np.arange(n) / 24).astype(np.float32),
        mesh_score=np.ones(n, np.float16),
        faces=np.ones(n, np.int8),
        log_mel=(-8 + 3 * loud[:, None] + rng.normal(size=(528, 40))).astype(np.float16),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["file,category,offsets_frames_at_25fps"]
    for k in range(12):
        feature_file(tmp_path / f"{k:02d}.npz", k)
        rows.append(f"{k:02d}.npz,talk,[0]")
    feature_file(tmp_path / "two.npz", 50)
    feature_file(tmp_path / "far.npz", 51)
    rows += ['two.npz,talk,"[0, 3]"', "far.npz,talk,[15]"]
    (tmp_path / "published.csv").write_text("\n".join(rows))
    return tmp_path


def test_only_single_tracks_with_a_trusted_offset_are_used(folder: Path) -> None:
    assert [example.name for example in examples_of(folder)] == [f"{k:02d}" for k in range(12)]


def test_features_of_a_24_fps_file_are_at_25_fps(folder: Path) -> None:
    points, score, log_mel = landmark_file(folder / "00.npz")
    assert points.shape == (127, 50, 2)
    assert score.min() > 0.5
    assert log_mel.shape == (528, 40)


def test_a_file_without_a_face_is_refused(folder: Path) -> None:
    with np.load(folder / "00.npz") as data:
        arrays = dict(data)
    arrays["landmarks"] = np.full_like(arrays["landmarks"], np.nan)
    np.savez(folder / "none.npz", **arrays)
    with pytest.raises(CorpusError, match="no face"):
        landmark_file(folder / "none.npz")


def test_an_empty_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no talking clip"):
        examples_of(tmp_path)


@pytest.mark.slow
def test_fit_writes_a_model_and_evaluate_prints_the_curve(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["fit", str(folder), "--out", str(tmp_path / "m.npz"), "--licence", "made up", "--steps", "2"])
    assert run.exit_code == 0, run.output
    assert "12 matched pairs" in run.output
    model = load(tmp_path / "m.npz")
    assert model.provenance["examples"] == 12
    assert model.provenance["licence"] == "made up"
    run = CliRunner().invoke(app, ["evaluate", str(folder), "--model", str(tmp_path / "m.npz")])
    assert run.exit_code == 0, run.output
    assert "m.npz" in run.output
