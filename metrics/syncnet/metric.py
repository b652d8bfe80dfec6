"""The SyncNet metric: LSE-D, LSE-C and audio-video offset of the speaking face of a clip."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seedbench.metrics.analyses.faces import FaceTracks, face_tracks
from seedbench.metrics.analyses.shots import shots
from seedbench.metrics.analyses.speech import SpeechAnalysis, speech
from seedbench.metrics.syncnet import lag, mfcc, tracks
from seedbench.plugins.evidence import Curve, Facts, Gallery, Mark, Picture, Series, jpeg
from seedbench.plugins.metric import OFFSET_AXIS, OFFSET_SIGN, Measure, Metric, MetricInfo, Score

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip
    from seedbench.metrics.syncnet.network import SyncNetV2
    from seedbench.plugins.evidence import Panel
    from seedbench.plugins.metric import Sample

BACKEND = "syncnet-v2/blazeface"
FPS = 25
SAMPLES_A_FRAME = mfcc.RATE // FPS
MIN_WINDOWS = 30
"""With fewer windows than this, lags of 15 frames have too few windows to average."""
SILENCE_DBFS = -50.0
MIN_SPEECH_S = 1.0
LEAST_MOUTH_MOTION = 0.35
"""Mean change of the mouth's half of the crop from frame to frame, in grey levels of 255, below which the face counts as a still
photograph."""
MIN_CONFIDENCE = 1.0
"""An offset of less confidence is a guess (the threshold of AVGen-Bench)."""
NO_WEIGHTS = "SyncNet weights are not installed: seedbench weights add syncnet PATH"


@dataclass(frozen=True)
class TrackResult:
    """One scored face track.

    Attributes:
        start_s: Its start in the clip.
        end_s: Its end in the clip.
        windows: The number of windows scored.
        faithful: The search with sound padded with zeros, as published.
        masked: The search with each lag averaged over the windows that have sound.
        picture: A crop from its middle.
    """

    start_s: float
    end_s: float
    windows: int
    faithful: lag.LagSearch
    masked: lag.LagSearch
    picture: np.ndarray


def boxes_by_frame(faces: FaceTracks) -> list[list[list[float]]]:
    """The face boxes of each frame of a clip.

    Args:
        faces: The faces at 25 a second.

    Returns:
        For each frame its boxes x0 y0 x1 y1, longest track first.
    """
    by_frame: list[list[list[float]]] = [[] for _ in range(faces.n_frames)]
    for track in faces.tracks:
        for frame, box in zip(track.frames.tolist(), track.boxes.astype(np.float64).tolist(), strict=True):
            if frame < len(by_frame):
                by_frame[frame].append(box)
    return by_frame


def tracks_in_shots(boxes: list[list[list[float]]], cuts_s: np.ndarray) -> list[tracks.Track]:
    """Tracks in every shot of at least ``MIN_TRACK`` frames, from the face boxes of each frame; none crosses a cut.

    >>> box = [0.0, 0.0, 120.0, 120.0]
    >>> [(int(t.frames[0]), int(t.frames[-1])) for t in tracks_in_shots([[box]] * 130, np.array([2.4]))]
    [(0, 59), (60, 129)]
    """
    edges = [0, *np.ceil(cuts_s * FPS - 1e-6).astype(int).tolist(), len(boxes)]
    kept = []
    for start, stop in itertools.pairwise(edges):
        if stop - start >= tracks.MIN_TRACK:
            kept += [tracks.Track(t.frames + start, t.boxes, t.detections) for t in tracks.link_boxes(boxes[start:stop])]
    return kept


def speech_within(analysis: SpeechAnalysis, start_s: float, end_s: float) -> float:
    """Seconds of speech between two times.

    >>> speech_within(SpeechAnalysis(np.array([[0.0, 1.0], [2.0, 4.0]]), np.zeros(0), -20.0), 0.5, 2.5)
    1.0
    """
    bounds = np.clip(analysis.segments_s, start_s, end_s)
    return float((bounds[:, 1] - bounds[:, 0]).sum())


def mouth_motion(crops: np.ndarray) -> float:
    """Mean absolute change of the lower half of face crops (n, 224, 224, 3) from frame to frame, in levels of 0..255.

    >>> mouth_motion(np.zeros((3, 224, 224, 3), np.uint8))
    0.0
    """
    grey = crops[:, crops.shape[1] // 2 :: 4, ::4].astype(np.float32).mean(axis=3)
    return float(np.abs(np.diff(grey, axis=0)).mean()) if len(grey) > 1 else 0.0


def score_track(net: SyncNetV2, crops: np.ndarray, samples: np.ndarray) -> tuple[lag.LagSearch, lag.LagSearch]:
    """The faithful and the masked lag search of one track.

    Args:
        net: The network.
        crops: Face crops (T, 224, 224, 3) uint8 RGB at 25 a second.
        samples: Sound of the same time (N,) in -1..1 at 16 kHz.

    Raises:
        ValueError: If fewer than ``MIN_WINDOWS`` windows fit.
    """
    from seedbench.metrics.syncnet.network import embed_lips, embed_sound, window_count

    windows = window_count(len(crops), len(samples))
    if windows < MIN_WINDOWS:
        raise ValueError(f"{windows} windows of 5 frames, at least {MIN_WINDOWS} are needed")
    cepstra = mfcc.mfcc(mfcc.int16_samples(samples))
    distance, has_sound = lag.lag_distances(embed_lips(net, crops, windows), embed_sound(net, cepstra, windows))
    return lag.search_lags(distance), lag.search_lags(distance, has_sound)


class SyncNet(Metric):
    """LSE-D and LSE-C as in papers, with the user's SyncNet v2 weights and the face tracks of SeedBench in place of S3FD's."""

    info: ClassVar[MetricInfo] = MetricInfo(
        name="syncnet",
        title="SyncNet lip sync (LSE-D, LSE-C)",
        meaning="how near lips and sound are in a learned space, and the offset at which they are nearest, for the best-synchronised face",
        citation="Chung and Zisserman 2016; LSE-D and LSE-C: Prajwal et al. 2020 (Wav2Lip); code followed: joonson/syncnet_python",
        libraries=("ai-edge-litert", "librosa", "scenedetect-headless", "silero-vad", "torch"),
        version=1,
        measures=(
            Measure(
                name="lse_d",
                title="LSE-D",
                unit="embedding distance",
                direction="down",
                low=0.0,
                headline=True,
                meaning="least mean lip-to-sound distance over +-15 frames, sound padded with zeros as published; about 5 to 15",
            ),
            Measure(
                name="lse_c",
                title="LSE-C",
                unit="embedding distance",
                direction="up",
                low=0.0,
                headline=True,
                meaning="median of that distance over the lags minus its least value; about 0 to 10",
            ),
            Measure(
                name="lse_d_masked",
                title="LSE-D, masked",
                unit="embedding distance",
                direction="down",
                low=0.0,
                meaning="LSE-D with each lag averaged over the windows that have sound",
            ),
            Measure(
                name="lse_c_masked",
                title="LSE-C, masked",
                unit="embedding distance",
                direction="up",
                low=0.0,
                meaning="LSE-C with each lag averaged over the windows that have sound",
            ),
            Measure(
                name="offset_ms",
                title="Audio-video offset",
                unit="ms",
                direction="zero",
                low=-600.0,
                high=600.0,
                headline=True,
                meaning="where lips and sound are nearest, in steps of 40 ms, from the masked search",
                sign=OFFSET_SIGN,
            ),
        ),
        needs=frozenset({"video", "audio", "speech"}),
        weights=("syncnet", "blazeface", "facemesh", "silero-vad"),
    )

    def __init__(self) -> None:
        self._net: SyncNetV2 | None = None

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Score one clip.

        Args:
            clip: The clip.
            sample: Not used: the speech is detected in the sound.

        Returns:
            The five measures of the track with the highest masked confidence; the evidence shows every track.

        Raises:
            ClipError: If the clip has no picture or no sound.
            WeightsError: If the weights cannot be read.
        """
        from seedbench.plugins import weights

        if not weights.available("syncnet"):
            return self.none(NO_WEIGHTS, backend=BACKEND)
        if self._net is None:
            from seedbench.metrics.syncnet.network import load

            self._net = load(weights.path("syncnet"))
        spoken = speech(clip)
        if spoken.level_dbfs < SILENCE_DBFS:
            return self.none(f"the sound is below {SILENCE_DBFS:g} dBFS", backend=BACKEND)
        if spoken.duration_s < MIN_SPEECH_S:
            return self.none(f"{spoken.duration_s:.1f} s of speech, at least {MIN_SPEECH_S:g} s are needed", backend=BACKEND)
        samples = clip.audio(mfcc.RATE).samples
        face_boxes = boxes_by_frame(face_tracks(clip))
        linked = tracks_in_shots(face_boxes, shots(clip).cuts_s)
        if not linked:
            return self.none(
                f"no face larger than {tracks.MIN_FACE_PX:g} px is seen for more than {tracks.MIN_TRACK} frames of a shot", backend=BACKEND
            )
        crops = tracks.face_crops(clip.pictures_at(FPS), linked)
        tried = [track_result(self._net, faces, samples, spoken, track) for track, faces in zip(linked, crops, strict=True)]
        results = [result for result in tried if isinstance(result, TrackResult)]
        if not results:
            return self.none(next(reason for reason in tried if isinstance(reason, str)), backend=BACKEND)
        return scores_of(results, len(linked))


def track_result(net: SyncNetV2, crops: np.ndarray, samples: np.ndarray, spoken: SpeechAnalysis, track: tracks.Track) -> TrackResult | str:
    """Score one track, or say why not.

    Args:
        net: The network.
        crops: (n, 224, 224, 3) the faces of the track at 25 a second.
        samples: (N,) the sound of the whole clip at 16 kHz.
        spoken: Its speech.
        track: The track.
    """
    first, last = int(track.frames[0]), int(track.frames[-1])
    seconds = speech_within(spoken, first / FPS, (last + 1) / FPS)
    if seconds < MIN_SPEECH_S:
        return f"{seconds:.1f} s of speech while a face is seen, at least {MIN_SPEECH_S:g} s are needed"
    if mouth_motion(crops) < LEAST_MOUTH_MOTION:
        return "the face does not move"
    part = samples[first * SAMPLES_A_FRAME : (last + 1) * SAMPLES_A_FRAME]
    try:
        faithful, masked = score_track(net, crops, part)
    except ValueError as error:
        return str(error)
    return TrackResult(first / FPS, (last + 1) / FPS, len(faithful.frame_confidence), faithful, masked, crops[len(crops) // 2])


def scores_of(results: list[TrackResult], n_tracks: int) -> list[Score]:
    """The measures of the best of the scored tracks of a clip.

    There is no faithful LSE if its nearest lag is at the edge of the search, because there the padding is nearer than unrelated sound.
    There is no offset if the masked search ends at its edge, because the true offset may lie beyond it, or if its confidence is below
    ``MIN_CONFIDENCE``.

    Args:
        results: The scored tracks, at least one.
        n_tracks: The number of all tracks.

    Returns:
        The scores of all measures.
    """
    best = max(results, key=lambda result: result.masked.lse_c)
    edge = f"the nearest lag lies on the edge of the search (+-{best.masked.vshift} frames)"
    why_no_lse = f"{edge}, where the published padding is nearer than unrelated sound" if best.faithful.on_edge else ""
    why_no_offset = edge if best.masked.on_edge else ""
    if best.masked.lse_c < MIN_CONFIDENCE:
        rounded_down = np.floor(100.0 * best.masked.lse_c) / 100.0
        why_no_offset = f"no lag is clearly the nearest: masked LSE-C {rounded_down:.2f} is below {MIN_CONFIDENCE:g}"
    why_nothing = "the distance is the same at every lag: lips or sound do not vary" if best.masked.lse_c < 1e-6 else ""
    evidence = panels(results, best)
    details = {
        "track": f"{best.start_s:.2f}-{best.end_s:.2f} s, of {n_tracks}",
        "vshift_frames": best.masked.vshift,
        "offset_frames_faithful": best.faithful.offset_frames,
        "offset_frames_masked": best.masked.offset_frames,
    }

    def score(measure: str, value: float, reason: str) -> Score:
        counts = {"n_used": best.windows, "n_total": best.windows}
        if why_nothing or reason:
            return Score.none(measure, why_nothing or reason, backend=BACKEND, evidence=evidence, details=details, **counts)
        return Score.of(measure, value, backend=BACKEND, evidence=evidence, details=details, **counts)

    return [
        score("lse_d", best.faithful.lse_d, why_no_lse),
        score("lse_c", best.faithful.lse_c, why_no_lse),
        score("lse_d_masked", best.masked.lse_d, ""),
        score("lse_c_masked", best.masked.lse_c, ""),
        score("offset_ms", best.masked.offset_frames * 1000.0 / FPS, why_no_offset),
    ]


def panels(results: list[TrackResult], best: TrackResult) -> tuple[Panel, ...]:
    """The lag curve and frame confidence of the best track, a crop of every track, and a table of them.

    Args:
        results: The scored tracks.
        best: The track that the scores rest on.

    Returns:
        The panels.
    """
    offsets_ms = (best.masked.offsets * 1000.0 / FPS).tolist()
    lines = [
        Series(name, offsets_ms, search.mean_distance.tolist()) for name, search in (("masked", best.masked), ("faithful", best.faithful))
    ]
    mark = Mark(best.masked.offset_frames * 1000.0 / FPS, "nearest")
    times = [best.start_s + (window + 2) / FPS for window in range(best.windows)]
    confidence = Series("confidence", times, best.masked.frame_confidence.tolist())
    rows = [
        (
            f"{result.start_s:.2f}-{result.end_s:.2f} s",
            f"offset {result.masked.offset_frames:+d} frames, LSE-D {result.faithful.lse_d:.3f}, LSE-C {result.faithful.lse_c:.3f}; "
            f"masked {result.masked.lse_d:.3f}, {result.masked.lse_c:.3f}",
        )
        for result in results
    ]
    pictures = [Picture(f"{result.start_s:.2f} s", jpeg(result.picture)) for result in results]
    return (
        Curve("Distance of lips and sound", OFFSET_AXIS, "mean distance", lines, [mark]),
        Curve("Confidence over time", "seconds", "median minus distance", [confidence]),
        Gallery("Face as SyncNet sees it", pictures),
        Facts("Face tracks (offset positive: sound early)", rows),
    )
