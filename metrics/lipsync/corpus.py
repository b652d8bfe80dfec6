"""Folders of talking clips as examples to fit on: ready-made landmark features, or media files of the user's own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from metrics.lipsync.features import FPS, MESH_OK, lips_of, sound_of
from metrics.lipsync.fit import Example
from seedbench.errors import SeedBenchError

MAX_OFFSET = 12
"""Published offsets beyond this lie at the edge of SyncNet's search and are not trusted."""
MIN_FRAMES = 50


class CorpusError(SeedBenchError):
    """A folder that holds nothing to fit on."""


def landmark_file(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points (T, 50, 2) in pixels at 25 fps, mesh score (T,) and log-mel (N, 40) of one feature file.

    Its keys: ``landmarks``, ``interocular_px``, ``time_s``, ``mesh_score``, ``log_mel``. CorpusError when it shows no face.
    """
    with np.load(path, allow_pickle=False) as data:
        landmarks = data["landmarks"].astype(np.float64)
        scale, time_s = data["interocular_px"].astype(np.float64), data["time_s"].astype(np.float64)
        score, log_mel = data["mesh_score"].astype(np.float64), data["log_mel"].astype(np.float64)
    points = landmarks * scale[:, None, None]
    seen = np.isfinite(points).all(axis=(1, 2)) & (scale > 0)
    good = seen & (score > MESH_OK)
    if good.sum() >= MIN_FRAMES:
        seen = good
    if seen.sum() < 2:
        raise CorpusError(f"{path}: no face in it")
    n = round((time_s[-1] + float(np.median(np.diff(time_s)))) * FPS)
    at = np.arange(n) / FPS
    flat = points.reshape(len(points), -1)
    points25 = np.stack([np.interp(at, time_s[seen], column[seen]) for column in flat.T], axis=1).reshape(n, -1, 2)
    return points25, np.interp(at, time_s, np.where(seen, np.maximum(score, 0.51), 0.0)), log_mel


def landmark_folder(folder: Path) -> list[Example]:
    """Examples of a folder of feature files with a ``published.csv``.

    Its columns: ``file`` and ``offsets_frames_at_25fps``, a JSON list with one offset a face track.
    Only clips with one track whose published offset is no edge value are used.
    """
    found = []
    with (folder / "published.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            offsets = json.loads(row["offsets_frames_at_25fps"])
            if len(offsets) != 1 or abs(offsets[0]) > MAX_OFFSET:
                continue
            points, score, log_mel = landmark_file(folder / row["file"])
            found.append(Example(Path(row["file"]).stem, lips_of(points, score), sound_of(log_mel, len(points)), float(offsets[0])))
    return found
