"""What this process, with the kernels and threads it was given, answers on small clips and vote logs: JSON on standard output.

Run by ``test_kernels.py`` in processes with other environments: ``python -m tests.stories.kernel_answers FOLDER``. The folder holds the
clips of :data:`PROMPTS`, ``ID.mp4`` each.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.arena.boards.agreement import agreement
from seedbench.arena.boards.build import boards
from seedbench.arena.votes.anomalies import anomalies
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules
from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.contacts import motion
from seedbench.metrics.analyses.phases import phases_of
from seedbench.metrics.analyses.shots import shots
from seedbench.metrics.analyses.speech import speech
from seedbench.metrics.identity import CrossShotIdentity
from seedbench.metrics.impact import ImpactAlignment
from seedbench.metrics.lipsync import LipSync
from seedbench.metrics.lipsync.estimators import LAGS, peak
from seedbench.metrics.physics import Physics
from seedbench.metrics.syncnet.lag import search_lags
from seedbench.metrics.video_distance import EmbeddedVideoDistance
from seedbench.plugins.metric import Features, Sample
from seedbench.results.comparison import compare_all
from seedbench.results.summary import ClipScore, Coverage, summarise
from seedbench.suites.prompt import Prompt
from tests.arena.conftest import log, vote_of

_LOOK = {"identity": 6, "skin": "fair", "hair": "blond", "hair_style": "short", "beard": False, "glasses": False, "clothes": "black"}
PROMPTS = [
    Prompt.model_validate(fields)
    for fields in (
        {
            "id": "talk",
            "text": "A man says it.",
            "task": "multi_shot",
            "duration_s": 3.2,
            "cast": [{"id": "jonas"}],
            "shots": [
                {"start_s": 0, "end_s": 1.6, "cast": ["jonas"]},
                {"start_s": 1.6, "end_s": 3.2, "cast": ["jonas"]},
            ],
            "stage": {
                "cast": {"jonas": _LOOK},
                "shots": [
                    {"framing": "close", "light": "day", "place": "studio"},
                    {"framing": "close", "light": "warm", "place": "room"},
                ],
            },
            "speech": [
                {"character": "jonas", "language": "en", "start_s": 0.1, "text": "The train to Hamburg leaves an hour later today."}
            ],
        },
        {
            "id": "drop",
            "text": "A ball falls.",
            "task": "impact",
            "duration_s": 2.0,
            "events": [{"kind": "drop", "object": "wooden ball", "start_s": 0.2, "height_m": 1.5}],
            "stage": {"events": [{"restitution": 0.6}]},
        },
        {
            "id": "collide",
            "text": "Two balls meet.",
            "task": "impact",
            "duration_s": 2.0,
            "events": [{"kind": "collide", "object": "steel ball", "start_s": 0.2, "height_m": 0}],
            "stage": {"events": [{"speed_m_s": 1, "restitution": 0.95}]},
        },
        {
            "id": "pendulum",
            "text": "A ball swings on a string.",
            "task": "motion",
            "duration_s": 3.0,
            "events": [{"kind": "pendulum", "object": "steel ball", "start_s": 0, "height_m": 0.5}],
        },
    )
]


def scored(folder: Path) -> dict[str, Any]:
    """Every score of the clips, and the results of the analyses that they use, by measure family."""
    answers: dict[str, Any] = {}
    for prompt in PROMPTS:
        clip, sample = Clip.open(folder / f"{prompt.id}.mp4"), Sample(prompt=prompt)
        for metric in (LipSync, CrossShotIdentity) if prompt.cast else (ImpactAlignment, Physics):
            scores = metric().score(clip, sample)
            details = scores[0].details if metric in (CrossShotIdentity, Physics) else None  # those of the others are rounded
            kept = [
                (score.measure, score.status, score.reason, score.value, score.interval, score.n_used, score.n_total) for score in scores
            ]
            answers[f"{metric.info.name}.{prompt.id}"] = {"scores": kept, "details": details}
        answers[f"shots.{prompt.id}"] = shots(clip)
        if prompt.cast:
            answers[f"speech.{prompt.id}"] = speech(clip)
        else:
            answers[f"motion.{prompt.id}"] = motion(clip).contacts
    return answers


def compared(folder: Path) -> dict[str, Any]:
    """The distance of four clips to themselves mirrored, whose features rest on a network."""
    metric = EmbeddedVideoDistance()
    clips = [metric.embed(Clip.open(folder / f"{prompt.id}.mp4")) for prompt in PROMPTS]
    names = [prompt.id for prompt in PROMPTS]
    features, real = np.concatenate(clips), np.concatenate(clips[1:] + clips[:1])
    scores = metric.compare(Features(features, names), Features(0.9 * real, names))
    return {"video_distance": [(score.measure, score.status, score.value, score.interval) for score in scores], "features": features}


def even(names: tuple[str, ...] = ("delta", "alpha", "gamma", "beta"), rounds: int = 10) -> list[Vote]:
    """A log in which every model has the same record: only the tie rule decides the order on the board."""
    pairs = [(a, b) for a in names for b in names if a != b]
    votes = []
    for number, (left, right) in enumerate(pairs * rounds):
        choice = ("left", "right", "tie")[(number // len(pairs)) % 3]
        who = {"prompt": f"p{number % 30}", "voter": f"w{number % 31}"}
        votes.append(vote_of(number, left=left, right=right, choice=choice, **who))
    return votes


def fitted() -> dict[str, Any]:
    """Boards, anomalies and agreement of a random log, a log of equal models, and a log with style covariates."""
    rng = np.random.default_rng(5)
    lot = log({"alpha": 0.8, "beta": 0.1, "gamma": 0.0, "delta": -0.9}, 300, n_voters=8, n_prompts=35)
    styled = [vote.model_copy(update={"style": {"loudness_lu": round(float(rng.normal()), 2)}}) for vote in lot]
    answers: dict[str, Any] = {}
    for name, votes in (("lot", lot), ("even", even()), ("styled", styled)):
        (board,) = boards(votes, Rules.model_validate({"name": "kernels", "rating": {"style": ["loudness_lu"]}}), split=False)
        answers[f"board.{name}"] = board
        answers[f"anomalies.{name}"] = anomalies(votes)
        answers[f"agreement.{name}"] = agreement(votes, resamples=400)
    return answers


def reduced() -> dict[str, Any]:
    """Summary and comparisons of shares in thirds, in which equal means come from different sums, computed as every summary is."""
    (share,) = (measure for measure in Physics.info.measures if measure.name == "plausibility")
    infos = {"physics": dataclasses.replace(Physics.info, measures=(share,))}
    shares = {"a": [(1, 0, 1), (1, 1, 0)], "b": [(0, 1, 1), (1, 0, 1)], "c": [(1, 1, 1), (0, 0, 1)], "d": [(1, 1, 1), (1, 1, 1)]}
    about = {"metric": "physics", "measure": share.name, "status": "scored"}
    table = [
        ClipScore(generator=name, prompt_id=f"p{prompt}", seed=seed, value=0.1 * value / 0.3, **about)
        for name, prompts in shares.items()
        for prompt, values in enumerate(prompts)
        for seed, value in enumerate(values)
    ]
    counts = {(name, "physics"): Coverage(applicable=6, without_clip=(), not_applicable=0) for name in shares}
    return {"summary": summarise(table, infos, list(shares), counts), "comparisons": compare_all(table, infos, list(shares))}


def tied() -> dict[str, Any]:
    """Results that several positions share by design, so that a rule decides which position is taken."""
    t = np.arange(75) / 25.0
    leap = phases_of(t, np.where(t < 1.0, 0.0, 70.0), 30.0 * t**2, sigma_px=0.1, diameter_px=20.0)
    bounce = phases_of(t, 40.0 * t, 90.0 * np.abs(t - 1.0), sigma_px=0.1, diameter_px=20.0)
    rng = np.random.default_rng(0)
    flat = search_lags(np.linalg.norm(rng.normal(size=(40, 1, 16)) @ np.ones((16, 16)), axis=2) @ np.ones((1, 31)))
    twin = np.exp(-0.5 * ((LAGS - 2.5) / 2.0) ** 2)
    return {"leap": leap, "bounce": bounce, "flat": (flat.offset_frames, flat.on_edge), "twin": peak(twin)}


def plain(value: Any) -> Any:
    """Dataclasses and arrays as dictionaries and lists, which JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def main(folder: Path) -> None:
    """Print all answers."""
    print(json.dumps(plain({**scored(folder), **compared(folder), **fitted(), **reduced(), **tied()})))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
