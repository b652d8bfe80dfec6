"""Folders of talking clips as examples to fit on: feature files of landmarks, or media files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.files.tables import TableRow, read_table
from seedbench.metrics.analyses.faces import face_tracks
from seedbench.metrics.analyses.speech import mel, speech
from seedbench.metrics.lipsync.features import FPS, MIN_MESH_SCORE, lip_features, mesh_points, sound_features
from seedbench.metrics.lipsync.fit import LipSyncExample
from seedbench.metrics.lipsync.known_offsets import CorpusError, known_offsets
from seedbench.metrics.lipsync.speakers import MIN_SPEECH_S

MAX_OFFSET = 12
"""Published offsets beyond this lie at the edge of SyncNet's search and are not trusted."""
PUBLISHED = "offsets_frames_at_25fps"
"""The column of ``published.csv`` with a JSON list of one offset per face track."""
MIN_FRAMES = 50
MEDIA = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi"})
_SHOWN = 5
SEEN = 0.8
"""Least share of a clip during which its longest face must be followed."""


def landmark_file(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read one feature file, with the keys ``landmarks``, ``interocular_px``, ``time_s``, ``mesh_score`` and ``log_mel``.

    Args:
        path: The ``.npz`` file.

    Returns:
        Points (T, 50, 2) in pixels at 25 fps, mesh score (T,) and log-mel (N, 40).

    Raises:
        CorpusError: If it shows no face.
    """
    with np.load(path, allow_pickle=False) as data:
        landmarks = data["landmarks"].astype(np.float64)
        scale, time_s = data["interocular_px"].astype(np.float64), data["time_s"].astype(np.float64)
        score, log_mel = data["mesh_score"].astype(np.float64), data["log_mel"].astype(np.float64)
    points = landmarks * scale[:, None, None]
    seen = np.isfinite(points).all(axis=(1, 2)) & (scale > 0)
    good = seen & (score > MIN_MESH_SCORE)
    if good.sum() >= MIN_FRAMES:
        seen = good
    if seen.sum() < 2:
        raise CorpusError(f"{path}: no face is seen")
    n = round((time_s[-1] + float(np.median(np.diff(time_s)))) * FPS)
    at_s = np.arange(n) / FPS
    flat = points.reshape(len(points), -1)
    points25 = np.stack([np.interp(at_s, time_s[seen], column[seen]) for column in flat.T], axis=1).reshape(n, -1, 2)
    return points25, np.interp(at_s, time_s, np.where(seen, np.maximum(score, 0.51), 0.0)), log_mel


def landmark_folder(folder: Path) -> list[LipSyncExample]:
    """Examples of a folder of feature files with a ``published.csv``.

    Its columns: ``file`` and :data:`PUBLISHED`.
    Only clips with one track, whose published offset is not at the edge of the search, are used.

    Args:
        folder: The folder.

    Returns:
        The examples, in the order of the table.

    Raises:
        CorpusError: If a file shows no face.
    """
    examples = []
    for row in read_table(folder / "published.csv", error=CorpusError, filled=("file", PUBLISHED)).rows:
        offsets = _published_offsets(row)
        if len(offsets) != 1 or abs(offsets[0]) > MAX_OFFSET:
            continue
        path = row.path("file")
        if not path.is_file():
            raise row.error(f"{row.text('file')!r} is not there", "file")
        points, score, log_mel = landmark_file(path)
        name = Path(row.text("file")).stem
        examples.append(LipSyncExample(name, lip_features(points, score), sound_features(log_mel, len(points)), offsets[0]))
    return examples


def _published_offsets(row: TableRow) -> list[float]:
    """The offsets of a row's face tracks, in frames at 25 a second."""
    try:
        return [float(offset) for offset in json.loads(row.text(PUBLISHED))]
    except (ValueError, TypeError, RecursionError) as cause:
        raise row.error(f"{row.text(PUBLISHED)!r} is not a list of numbers such as [0] or [0, 3]", PUBLISHED) from cause


def media_folder(folder: Path) -> list[LipSyncExample]:
    """Examples of a folder of media files, each with one talking face on screen throughout.

    A table states known offsets (:func:`~seedbench.metrics.lipsync.known_offsets.known_offsets`); a file that it does not name is taken to
    be in sync. Files without speech, or whose longest face is seen less than ``SEEN`` of the time, are left out. Both are said in warnings.

    Args:
        folder: The folder, which is searched with all folders in it.

    Returns:
        The examples, in the order of the file names.

    Raises:
        ClipError: If a file cannot be read.
        CorpusError: If the table of offsets cannot be used.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MEDIA)
    known = known_offsets(folder, paths)
    examples, left_out = [], []
    for path in paths:
        name = path.relative_to(folder).as_posix()
        example = media_example(path, name, known.get(path, 0.0))
        if example is None:
            left_out.append(name)
        else:
            examples.append(example)
    _warn_of_left_out(folder, left_out, len(paths))
    return examples


def _warn_of_left_out(folder: Path, names: Sequence[str], total: int) -> None:
    if names:
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        warnings.warn(
            f"{folder}: {len(names)} of {total} files are left out ({shown}): "
            f"less than {MIN_SPEECH_S:g} s of speech, or no face that is seen {SEEN:.0%} of the time",
            stacklevel=3,
        )


def media_example(path: Path, name: str, offset: float) -> LipSyncExample | None:
    """One media file as an example.

    Args:
        path: The file.
        name: The name of the example.
        offset: Its known offset in frames at 25 fps (positive: sound early).

    Returns:
        The example; None if it has no speech or no face that is seen most of the time.

    Raises:
        ClipError: If it cannot be read.
    """
    clip = Clip.open(path)
    if not (clip.facts.has_video and clip.facts.has_audio) or speech(clip).duration_s < MIN_SPEECH_S:
        return None
    tracks = face_tracks(clip)
    if not tracks.tracks or len(tracks.tracks[0].frames) < SEEN * tracks.n_frames:
        return None
    track = tracks.tracks[0]
    sound = sound_features(mel(clip), tracks.n_frames)[4 * track.frames[0] : 4 * (track.frames[-1] + 1)]
    return LipSyncExample(name, lip_features(mesh_points(track.landmarks), track.mesh_score), sound, offset)


def examples_of(folder: Path) -> list[LipSyncExample]:
    """Examples of a folder of either kind.

    Args:
        folder: Feature files with a ``published.csv``, or media files.

    Returns:
        At least one example.

    Raises:
        CorpusError: If there are none.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder")
    examples = landmark_folder(folder) if (folder / "published.csv").exists() else media_folder(folder)
    if not examples:
        raise CorpusError(f"{folder}: no talking clip to fit on (media files, or feature files with a published.csv)")
    return examples
