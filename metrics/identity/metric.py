"""The metric: whether each person keeps the same face, within a shot and from shot to shot, and whether the right one is on screen."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.face_embedders import DlibEmbedder
from seedbench.metrics.analyses.face_embeddings import FaceSamples, arcface_embeddings, face_embeddings
from seedbench.metrics.analyses.faces import FPS, face_tracks
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.analyses.profile_faces import profile_faces
from seedbench.metrics.analyses.shots import shots
from seedbench.metrics.identity import calibrate, evidence, schedule
from seedbench.metrics.identity.judge import MeasureAnswer, judge
from seedbench.metrics.identity.measures import MEASURES
from seedbench.plugins.metric import Metric, MetricInfo, Sample, Score

Backend = Literal["auto", "dlib", "arcface"]

GROUPED = "people-by-likeness"
"""Suffix of the backend's name where no cast is declared: the people are found by likeness, which makes them more alike than a cast."""
_OVER_SHOTS = frozenset({"similarity", "raw_cosine", "worst_pair", "margin", "drift_per_shot", "copied_pairs"})
EVIDENCE_OF = "similarity"
"""The measure that carries evidence and details."""
_CUT_BACKEND = "pyscenedetect-content"


class CrossShotIdentity(Metric):
    """Faces of each shot, assigned to the cast or grouped by likeness, and compared within shots and over pairs of shots.

    Args:
        backend: ``dlib`` (embedded), ``arcface`` (a network of the user's) or ``auto``: arcface when it is installed.
    """

    info = MetricInfo(
        name="identity",
        title="Identity",
        meaning="whether each person keeps the same face within a shot and from shot to shot, and whether the scheduled one is on screen",
        citation=(
            "King, dlib face recognition (2017); Deng et al., ArcFace (CVPR 2019); assignment after ViStoryBench (2025); "
            "the scale is SeedBench's own (docs/metrics/identity.md)"
        ),
        default_rank=20,
        libraries=("ai-edge-litert", "dlib-bin", "scenedetect-headless", "torch"),
        version=5,
        needs=frozenset({"video", "people"}),
        weights=("blazeface", "facemesh", "dlib-5point", "dlib-face", "arcface"),
        measures=MEASURES,
    )
    validation = "seedbench.metrics.identity.validation:PROTOCOL"

    def __init__(self, backend: Backend = "auto") -> None:
        self.backend = backend

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Score one clip.

        Args:
            clip: The clip.
            sample: Its prompt; without a cast the people are found by likeness.

        Returns:
            One score for each measure; evidence and details belong to ``similarity``.

        Raises:
            ClipError: If the clip has no picture.
            WeightsError: If the weights of a network are missing or cannot be read.
        """
        samples = self._samples(clip)
        seen = shots(clip)
        if sample.prompt is None:
            plan = schedule.schedule_of_cuts(seen.cuts_s, end_s=clip.end_s)
        else:
            plan = schedule.schedule_of_prompt(sample.prompt, seen.cuts_s, seen.faint_s, end_s=clip.end_s)
        grouped = not any(shot.cast for shot in plan.planned)
        drawn = calibrate.drawn_face_bank(samples.backend)
        profiles = profile_faces(clip) if samples.backend == DlibEmbedder.name else None
        result = judge(samples, plan, face_tracks(clip).count, drawn=drawn, profiles=profiles)
        shown = evidence.panels(partial(map_frames, clip, FPS), samples, result) if result.faces else ()
        scores = []
        for measure in self.info.measures:
            answer = result.answers[measure.name]
            cuts = measure.name.startswith("cut_")
            if cuts and sample.prompt is None:
                answer = MeasureAnswer(None, "no cut declared", 0, 0)
            backend = (
                _CUT_BACKEND if cuts else f"{samples.backend}/{GROUPED}" if grouped and measure.name in _OVER_SHOTS else samples.backend
            )
            more: dict[str, Any] = {"n_used": answer.used, "n_total": answer.total} if answer.total else {}
            if measure.name == EVIDENCE_OF:
                more |= {"evidence": shown, "details": result.details()}
            if answer.value is None:
                scores.append(Score.none(measure.name, answer.reason, backend=backend, **more))
            else:
                scores.append(Score.of(measure.name, answer.value, backend=backend, **more))
        return scores

    def _samples(self, clip: Clip) -> FaceSamples:
        if self.backend == "dlib":
            return face_embeddings(clip)
        from seedbench.plugins import weights

        if self.backend == "arcface" or weights.available("arcface"):
            return arcface_embeddings(clip)
        return face_embeddings(clip)
