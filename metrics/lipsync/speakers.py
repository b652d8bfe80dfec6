"""Which faces of a clip may be speaking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.metrics.analyses.faces import DETECT_EVERY, FaceTrack, FaceTracks
from seedbench.metrics.analyses.shots import Shots
from seedbench.metrics.analyses.speech import SpeechAnalysis
from seedbench.metrics.lipsync.features import (
    FPS,
    MIN_MESH_SCORE,
    SOUND_PER_FRAME,
    LipFeatures,
    aperture_in_speech_band,
    lip_features,
    mesh_points,
    voiced_stretches,
)
from seedbench.metrics.lipsync.judge import MIN_SEEN
from seedbench.metrics.lipsync.model import MIN_WINDOW_FRAMES, EmbeddedWindow, LipSyncModel, windows_of

MIN_FACE_PX = 40.0
"""Faces whose longer side is smaller have lips of a few pixels."""
STILL_LIPS = 0.005
"""Standard deviation of the lip opening below which lips do not move (as a share of the distance of the eyes)."""
MIN_SPEECH_S = 1.5
MIN_SEEN_SPEECH = 0.5
"""Least share of the speech during which a usable face is on screen."""


@dataclass(frozen=True)
class SpeakerCandidate:
    """A face that may be speaking.

    Attributes:
        track: Its track.
        shot: The index of its shot.
        lips: Its lips.
        sound: (4 T, 40) the sound features of the same time.
        embedded: Its lips and sound, embedded, all frames.
        windows: Its voiced windows of these.
    """

    track: FaceTrack
    shot: int
    lips: LipFeatures
    sound: np.ndarray
    embedded: EmbeddedWindow
    windows: list[EmbeddedWindow]

    @property
    def moves(self) -> bool:
        """Whether the lips move at all."""
        return float(aperture_in_speech_band(self.lips.aperture).std()) >= STILL_LIPS


def speaking_frames(segments_s: np.ndarray, n_frames: int) -> np.ndarray:
    """Which frames at 25 fps lie in speech: (n_frames,) bool.

    >>> speaking_frames(np.array([[0.04, 0.12]]), 5).tolist()
    [False, True, True, False, False]
    """
    middle = (np.arange(n_frames) + 0.5) / FPS
    in_speech = np.zeros(n_frames, bool)
    for start, end in segments_s.tolist():
        in_speech |= (middle >= start) & (middle < end)
    return in_speech


def speaker_candidates(
    tracks: FaceTracks, cuts: Shots, sound: np.ndarray, speech: SpeechAnalysis, model: LipSyncModel
) -> list[SpeakerCandidate]:
    """Faces that are on screen long enough, large enough and during speech.

    Args:
        tracks: The faces of the clip.
        cuts: Its shots.
        sound: (4 n_frames, 40) sound features of the whole clip.
        speech: Its speech.
        model: The model that embeds lips and sound.

    Returns:
        The candidates, those of the longest tracks first.
    """
    speaking = speaking_frames(speech.segments_s, tracks.n_frames)
    candidates = []
    for track in tracks.tracks:
        usable = (track.mesh_score > MIN_MESH_SCORE).mean() >= MIN_SEEN and track.size_px >= MIN_FACE_PX
        if len(track.frames) < MIN_WINDOW_FRAMES or not usable or speaking[track.frames].sum() < MIN_WINDOW_FRAMES / 2:
            continue
        lips = lip_features(mesh_points(track.landmarks), track.mesh_score)
        heard = sound[SOUND_PER_FRAME * track.frames[0] : SOUND_PER_FRAME * (track.frames[-1] + 1)]
        shot = cuts.shot_of(float(track.time_s[len(track.time_s) // 2]))
        embedded = model.window(lips, heard)
        windows = windows_of(embedded, voiced_stretches(heard))
        candidates.append(SpeakerCandidate(track, shot, lips, heard, embedded, windows))
    return candidates


def unreadable_faces_s(tracks: FaceTracks, candidates: Sequence[SpeakerCandidate], speech: SpeechAnalysis) -> float:
    """How long faces that are no candidates (too small, in profile, seen too briefly, with a poor mesh) are on screen during speech.

    Args:
        tracks: The faces of the clip.
        candidates: Those that may be judged.
        speech: The speech of the clip.

    Returns:
        Seconds of speech with such a face.
    """
    on_screen = np.zeros(tracks.n_frames, bool)
    for track in tracks.tracks:
        if all(track is not candidate.track for candidate in candidates):
            on_screen[track.frames] = True
    for time_s in tracks.unread_s.tolist():
        start = round(time_s * FPS)
        on_screen[start : start + DETECT_EVERY] = True
    return float((on_screen & speaking_frames(speech.segments_s, tracks.n_frames)).sum() / FPS)


def seen_speech_s(candidates: Sequence[SpeakerCandidate], speech: SpeechAnalysis, n_frames: int) -> float:
    """How long a face is on screen during speech.

    Args:
        candidates: The faces.
        speech: The speech of the clip.
        n_frames: Frames of the clip at 25 fps.

    Returns:
        Seconds of speech during which at least one of them is on screen.
    """
    on_screen = np.zeros(n_frames, bool)
    for candidate in candidates:
        on_screen[candidate.track.frames] = True
    return float((on_screen & speaking_frames(speech.segments_s, n_frames)).sum() / FPS)
