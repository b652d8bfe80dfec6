"""The metric: whether each character stays the same person from shot to shot, and whether the right one is on screen."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.face_embeddings import FaceSamples, arcface_embeddings, face_embeddings
from seedbench.metrics.analyses.faces import FPS, face_tracks
from seedbench.metrics.analyses.frame_pictures import map_frames
from seedbench.metrics.analyses.shots import shots
from seedbench.metrics.identity import calibrate, evidence, schedule
from seedbench.metrics.identity.judge import judge
from seedbench.metrics.identity.measures import MEASURES
from seedbench.plugins.metric import Metric, MetricInfo, Sample, Score

Backend = Literal["auto", "dlib", "arcface"]

ASSUMED = "one-person-assumed"
"""Suffix of the backend's name for a clip without a prompt, which is assumed to show one person in all its shots."""
_CUT_BACKEND = "pyscenedetect-content"


class CrossShotIdentity(Metric):
    """Faces of each shot, assigned to the cast and compared over pairs of shots on a calibrated scale.

    Args:
        backend: ``dlib`` (embedded), ``arcface`` (a network of the user's) or ``auto``: arcface when it is installed.
    """

    info = MetricInfo(
        name="identity",
        title="Cross-shot identity",
        meaning="whether each character keeps the same face from shot to shot, and whether the scheduled character is on screen",
        citation=(
            "King, dlib face recognition (2017); Deng et al., ArcFace (CVPR 2019); assignment after ViStoryBench (2025); "
            "the scale is SeedBench's own (docs/metrics/identity.md)"
        ),
        default_rank=20,
        libraries=("ai-edge-litert", "dlib-bin", "scenedetect-headless", "torch"),
        version=3,
        needs=frozenset({"video", "cast"}),
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
            sample: Its prompt; without one the clip is assumed to show one person.

        Returns:
            One score for each measure; evidence and details belong to ``similarity``.

        Raises:
            ClipError: If the clip has no picture.
            WeightsError: If the weights of a network are missing or cannot be read.
        """
        prompt = sample.prompt
        if prompt is not None and not prompt.cast:
            return self.none("the prompt declares no cast")
        samples = self._samples(clip)
        seen = shots(clip)
        count = face_tracks(clip).count
        if prompt is None:
            reason = why_not_one_person(samples, seen.cuts_s, count)
            if reason:
                return self.none(reason, backend=samples.backend)
            plan = schedule.schedule_of_one_face(seen.cuts_s, end_s=clip.end_s)
        else:
            plan = schedule.schedule_of_prompt(prompt, seen.cuts_s, seen.faint_s, end_s=clip.end_s)
        backend = samples.backend if prompt is not None else f"{samples.backend}/{ASSUMED}"
        result = judge(samples, plan, count, drawn=calibrate.drawn_face_bank(samples.backend))
        shown = evidence.panels(partial(map_frames, clip, FPS), samples, result) if result.faces else ()
        scores = []
        for measure in self.info.measures:
            answer = result.answers[measure.name]
            if prompt is None and measure.name in {"presence", "swap_rate", "extra_faces", "face_frames", "cut_recall", "cut_precision"}:
                scores.append(Score.none(measure.name, "no cast declared", backend=backend))
                continue
            more: dict[str, Any] = {"n_used": answer.used, "n_total": answer.total} if answer.total else {}
            if measure.name == "similarity":
                more |= {"evidence": shown, "details": result.details()}
            measure_backend = _CUT_BACKEND if measure.name.startswith("cut_") else backend
            if answer.value is None:
                scores.append(Score.none(measure.name, answer.reason, backend=measure_backend, **more))
            else:
                scores.append(Score.of(measure.name, answer.value, backend=measure_backend, **more))
        return scores

    def _samples(self, clip: Clip) -> FaceSamples:
        if self.backend == "dlib":
            return face_embeddings(clip)
        from seedbench.plugins import weights

        if self.backend == "arcface" or weights.available("arcface"):
            return arcface_embeddings(clip)
        return face_embeddings(clip)


def why_not_one_person(samples: FaceSamples, cuts_s: np.ndarray, count: np.ndarray) -> str:
    """Why a clip without a prompt cannot be taken as one person over several shots.

    Args:
        samples: The embedded faces.
        cuts_s: The cuts in seconds.
        count: (T,) faces on each frame at 25 fps.

    Returns:
        The reason; empty when it can.
    """
    if not len(cuts_s):
        return "no cast declared, and only one shot"
    shot = np.searchsorted(cuts_s, samples.time_s + 1e-6, side="right")
    if count.max(initial=0) > 1 or any(len(np.unique(samples.track[shot == index])) > 1 for index in np.unique(shot)):
        return "no cast declared, and several faces in a shot"
    return ""
