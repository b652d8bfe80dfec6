"""The physics metric: whether bodies that fall, fly, bounce, roll, swing or collide move by the laws of motion."""

from __future__ import annotations

from typing import Any

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.bodies import bodies
from seedbench.metrics.analyses.contacts import motion
from seedbench.metrics.analyses.faces import face_tracks
from seedbench.metrics.analyses.motion import first_picture
from seedbench.metrics.physics import evidence
from seedbench.metrics.physics.judge import REGIMES, PhysicsVerdict, judge
from seedbench.metrics.physics.measures import MEASURES
from seedbench.metrics.physics.undeclared import judge_undeclared, why_not_searched
from seedbench.plugins.metric import Metric, MetricInfo, Sample, Score

BACKEND = "blobs256-parabolas1"
"""Name of the protocol: bodies followed as blobs at short side 256, paths divided into parabolas."""


class Physics(Metric):
    """Kinematics of the bodies that a prompt declares, without any reference clip or learned weights."""

    info = MetricInfo(
        name="physics",
        title="Physical plausibility",
        meaning="whether falling, thrown, bouncing, rolling, colliding and swinging bodies move as gravity, energy and contact require",
        citation=(
            "SeedBench's own kinematics (docs/metrics/physics.md); no-answer rate reported beside the scores after Morpheus (2025); "
            "the condition that something moves after NewtonRewards (2025)"
        ),
        default_rank=30,
        libraries=("ai-edge-litert", "scenedetect-headless"),
        version=8,
        needs=frozenset({"video", "motion"}),
        weights=("blazeface", "facemesh"),
        measures=MEASURES,
    )
    validation = "seedbench.metrics.physics.validation:PROTOCOL"

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Score one clip.

        Args:
            clip: The clip.
            sample: Its prompt. Where it declares no event, a body in free motion is looked for.

        Returns:
            One score for each measure; evidence and details belong to ``plausibility``.

        Raises:
            ClipError: If the clip has no picture.
            WeightsError: If the weights that find faces are missing or cannot be read.
        """
        events = sample.prompt.events if sample.prompt is not None else ()
        if events and not any(event.motion in REGIMES for event in events):
            kinds = ", ".join(sorted({event.kind for event in events}))
            return self.none(f"the prompt declares no body in motion ({kinds})", backend=BACKEND)
        not_searched = "" if events else why_not_searched(face_tracks(clip))
        if not_searched:
            return self.none(not_searched, backend=BACKEND)
        seen, moving = bodies(clip), motion(clip)
        verdict = judge(events, seen, moving) if events else judge_undeclared(seen, moving)
        if verdict.problem:
            return self.none(verdict.problem, backend=BACKEND)
        shown = evidence.panels(first_picture(clip), seen, verdict)
        return [self._score(measure.name, verdict, shown) for measure in self.info.measures]

    def _score(self, name: str, verdict: PhysicsVerdict, shown: tuple[Any, ...]) -> Score:
        more: dict[str, Any] = {"n_used": len(verdict.bodies), "n_total": verdict.asked}
        if name == "plausibility":
            plausibility = verdict.plausibility
            details = {"axes": {key: axis.value for key, axis in verdict.axes.items()}, **verdict.raw}
            more |= {"evidence": shown, "details": details}
            value, reason = plausibility.value, plausibility.reason
        elif name in ("gravity_m_s2", "gravity_error"):
            value = verdict.gravity_m_s2 if name == "gravity_m_s2" else verdict.gravity_error
            reason = verdict.axes["gravity_size"].reason
            if name == "gravity_m_s2" and value is not None:
                more["interval"] = verdict.gravity_interval
        elif name == "restitution":
            value, reason = verdict.restitution, "no bounce or collision is seen"
        else:
            value, reason = verdict.axes[name].value, verdict.axes[name].reason
        if value is None:
            return Score.none(name, reason or "it is not seen", backend=BACKEND, **more)
        return Score.of(name, value, backend=BACKEND, **more)
