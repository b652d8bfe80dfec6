"""The zero of a model, measured on filmed speakers: what it reads where the lips part at the bursts that are heard.

The recordings need not be in sync themselves: how far their lips part before the bursts is measured in the same files, without SyncNet and
without the model, and added to what the model reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.files.tables import read_table
from seedbench.metrics.analyses.faces import face_tracks
from seedbench.metrics.analyses.speech import RATE, mel, speech
from seedbench.metrics.lipsync.features import lip_features, mesh_points, sound_features, voiced_stretches
from seedbench.metrics.lipsync.judge import judge
from seedbench.metrics.lipsync.known_offsets import CorpusError
from seedbench.metrics.lipsync.lip_release import bursts_s, leads_s, partings_s
from seedbench.metrics.lipsync.model import LipSyncModel, windows_of

MEDIA = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg"})
BURSTS = "bursts.csv"
NEAR_S = 0.05
"""A stated burst is taken where the sound sets in within so many seconds of it, and lips that part within so many of that."""
GRID_S = np.arange(-0.08, 0.0805, 0.001)
SPREAD_S = 0.02
"""Standard deviation of the kernel with which leads are added up. Of six GRID speakers the mode is 16 ms, with .03 it is 13 ms."""
DRAWS = 1000
FEWEST = 3
"""Files without which there is no interval."""


@dataclass(frozen=True)
class SpeakerReading:
    """What is measured in one file.

    Attributes:
        name: The file.
        reading_ms: The offset in the model's own zero; None where the model gives none.
        leads_s: (k,) how far lips part before bursts, seconds.
    """

    name: str
    reading_ms: float | None
    leads_s: np.ndarray


@dataclass(frozen=True)
class ZeroEstimate:
    """The zero of a model, each value with its 95% interval from a bootstrap over files, ms.

    Attributes:
        reading: The mean that the model reads.
        lead: How far the lips part before the bursts.
        zero: What it reads where sound and lips are as in nature: the sum.
    """

    reading: tuple[float, float, float]
    lead: tuple[float, float, float]
    zero: tuple[float, float, float]


def lead_of(leads: np.ndarray, *, stated: bool) -> float:
    """The lead of the lips over many pairs of bursts and lips.

    Bursts that are stated are all of lips, so their mean is taken. Those that were found are of the tongue as well, and those pairs lie
    anywhere: the mode is taken.

    Args:
        leads: (k,) seconds, at least one.
        stated: Whether the bursts were stated.

    Returns:
        Seconds.

    >>> found = np.array([0.01, 0.012, 0.008, -0.09, 0.07])
    >>> round(lead_of(found, stated=False), 3), round(lead_of(found, stated=True), 3)
    (0.01, 0.002)
    """
    if stated:
        return float(leads.mean())
    density = np.exp(-0.5 * ((GRID_S[:, None] - leads[None, :]) / SPREAD_S) ** 2).sum(axis=1)
    return float(GRID_S[np.argmax(density)])


def estimate_zero(readings: Sequence[SpeakerReading], *, stated: bool, seed: int = 0) -> ZeroEstimate:
    """The zero from the readings of several speakers.

    Args:
        readings: One for each file, of different speakers.
        stated: Whether the bursts were stated.
        seed: Seed of the bootstrap.

    Returns:
        The estimate.

    Raises:
        CorpusError: Fewer than three files with a reading, or with a burst at which lips part.
    """
    values = np.array([reading.reading_ms for reading in readings if reading.reading_ms is not None])
    leads = [reading.leads_s for reading in readings if len(reading.leads_s)]
    if min(len(values), len(leads)) < FEWEST:
        raise CorpusError(
            f"{len(values)} files with an offset and {len(leads)} with a burst at which lips part: the zero needs {FEWEST} of each at least"
        )
    rng = np.random.default_rng(seed)
    drawn = np.empty((DRAWS, 2))
    for draw in range(DRAWS):
        chosen = [leads[k] for k in rng.integers(0, len(leads), len(leads)).tolist()]
        drawn[draw] = values[rng.integers(0, len(values), len(values))].mean(), 1000 * lead_of(np.concatenate(chosen), stated=stated)
    best = np.array([values.mean(), 1000 * lead_of(np.concatenate(leads), stated=stated)])
    low, high = np.percentile(np.column_stack([drawn, drawn.sum(axis=1)]), [2.5, 97.5], axis=0)
    middle = [*best.tolist(), float(best.sum())]
    return ZeroEstimate(*zip(middle, low.tolist(), high.tolist(), strict=True))


def read_speaker(path: Path, name: str, model: LipSyncModel, stated_s: Sequence[float] | None) -> SpeakerReading:
    """Measure one file.

    Args:
        path: The file, with one talking face.
        name: Its name.
        model: The model whose zero is sought.
        stated_s: Times of bursts of p and b, to 50 ms; None: all bursts that are found are used.

    Returns:
        The reading.

    Raises:
        ClipError: If it cannot be read.
    """
    clip = Clip.open(path)
    tracks = face_tracks(clip) if clip.facts.has_video and clip.facts.has_audio else None
    if tracks is None or not tracks.tracks:
        return SpeakerReading(name, None, np.empty(0))
    track = tracks.tracks[0]
    lips = lip_features(mesh_points(track.landmarks), track.mesh_score)
    sound = sound_features(mel(clip), tracks.n_frames)[4 * track.frames[0] : 4 * (track.frames[-1] + 1)]
    comparison = model.compare(windows_of(model.window(lips, sound), voiced_stretches(sound)))
    verdict = judge(comparison, accept=model.accept, reject=model.reject, lead_frames=model.lead_frames, speech_s=speech(clip).duration_s)
    bursts, partings = bursts_s(clip.audio(RATE).samples, RATE), partings_s(lips.aperture, track.time_s)
    if stated_s is not None:
        bursts = _nearest(bursts, np.array(stated_s))
        partings = _nearest(partings, bursts)
    return SpeakerReading(name, verdict.offset_ms, leads_s(partings, bursts))


def _nearest(times: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of ``times`` the one nearest to each of ``others``, where it is within ``NEAR_S``."""
    if not len(times) or not len(others):
        return np.empty(0)
    apart = np.abs(times[:, None] - others[None, :])
    return np.unique(times[apart.argmin(axis=0)[apart.min(axis=0) <= NEAR_S]])


def read_speakers(folder: Path, model: LipSyncModel) -> tuple[list[SpeakerReading], bool]:
    """Measure every media file of a folder.

    A table ``bursts.csv`` (columns ``file`` and ``time_s``) states when a p or b is released; files that it does not name are only read by
    the model.

    Args:
        folder: Filmed speakers, one a file.
        model: The model whose zero is sought.

    Returns:
        The readings, and whether bursts were stated.

    Raises:
        ClipError: If a file cannot be read.
        CorpusError: If there is no media file, or the table cannot be read.
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MEDIA) if folder.is_dir() else []
    if not paths:
        raise CorpusError(f"{folder}: no media file of a filmed speaker")
    table = folder / BURSTS
    stated: dict[Path, list[float]] = {}
    if table.is_file():
        for row in read_table(table, error=CorpusError, filled=("file", "time_s")).rows:
            path = row.path("file")
            if not path.is_file():
                raise row.error(f"{row.text('file')!r} is not there", "file")
            stated.setdefault(path.resolve(), []).append(row.number("time_s") or 0.0)
    listed = table.is_file()
    return [
        read_speaker(path, path.relative_to(folder).as_posix(), model, stated.get(path.resolve(), []) if listed else None) for path in paths
    ], listed
