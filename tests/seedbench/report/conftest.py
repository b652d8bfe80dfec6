"""A made-up run: synthetic clips, chosen scores, and an example of each case that a report must handle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from seedbench.clips.writing import write_clip
from seedbench.plugins.evidence import Curve, Facts, Gallery, Mark, Overlay, Panel, Path2D, Picture, Series, as_json, jpeg
from seedbench.plugins.metric import OFFSET_SIGN, Measure
from seedbench.results.data import (
    CellReport,
    Comparison,
    GeneratorFacts,
    MeasureFacts,
    RunReport,
    ScoreReport,
    SuiteFacts,
    SummaryRow,
)

HOSTILE = "A prompt </script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'> & \"quotes\" | pipes"

PROMPTS = (
    ("talk-en-newsreader", "talking", "A newsreader in a blue jacket looks into the camera and says: “Good evening, here is the news.”"),
    ("impact-ball-steps", "impact", "A rubber ball bounces down three wooden steps; every hit is heard when it is seen."),
    (
        "shots-two-friends",
        "multi_shot",
        "Two friends in a park, three shots: both, her close, him close. Clothes and faces stay.",
    ),
    ("hostile", "text", HOSTILE),
)
GENERATORS = (
    GeneratorFacts(
        name="simulator",
        label="Simulator",
        role="ceiling",
        options={"engine": "stage"},
        n_succeeded=4,
        latency_p50_s=1.9,
        latency_p90_s=2.4,
        seconds_per_output_second=0.8,
    ),
    GeneratorFacts(
        name="degraded",
        label="Simulator, sound 280 ms late",
        options={"degrade": "sound_shift", "ms": 280},
        n_succeeded=4,
        latency_p50_s=2.0,
        latency_p90_s=2.6,
        cost_usd=0.0,
        seconds_per_output_second=0.85,
    ),
    GeneratorFacts(
        name="hosted",
        label="Hosted model",
        n_succeeded=2,
        n_refused=1,
        n_failed=1,
        latency_p50_s=74.0,
        latency_p90_s=131.0,
        cost_usd=1.84,
        seconds_per_output_second=31.0,
    ),
    GeneratorFacts(name="folder", label="Clips of my own folder", n_succeeded=4),
)
OFFSET = Measure(
    name="offset_abs_ms",
    title="Audio offset",
    unit="ms",
    direction="down",
    meaning="How far the sound is from the lips.",
    low=0,
    high=600,
    sign="size only; the signed offset is positive where the sound is early",
    headline=True,
)
IN_SYNC = Measure(
    name="in_sync",
    title="In sync",
    unit="share",
    direction="up",
    meaning="Share of clips inside the window of ITU-R BT.1359.",
    low=0,
    high=1,
    headline=True,
    rate=True,
)
IDENTITY = Measure(
    name="similarity",
    title="Same face across shots",
    unit="",
    direction="up",
    meaning="Mean cosine similarity of a person's face over cuts.",
    low=-1,
    high=1,
    headline=True,
)
ENERGY = Measure(
    name="energy_gain",
    title="Energy gained",
    unit="J/kg",
    direction="zero",
    meaning="Energy a free body gains; 0 for physics as we know it.",
    headline=True,
)
DISTANCE = Measure(
    name="distance",
    title="Video distance",
    unit="",
    direction="down",
    meaning="Fréchet distance of clip features to the ceiling's.",
    low=0,
    headline=True,
)
LAG = Measure(name="offset_ms", title="Signed offset", unit="ms", direction="zero", meaning="Of lips and sound.", sign=OFFSET_SIGN)
MEASURES = (
    MeasureFacts(
        metric="lipsync",
        measure=OFFSET,
        metric_title="Lip sync",
        version=1,
        backend="facemesh-cca1",
        meaning="Whether lips and speech go together.",
        citation="Chung and Zisserman 2016, Out of time; own estimator",
    ),
    MeasureFacts(
        metric="lipsync",
        measure=IN_SYNC,
        metric_title="Lip sync",
        version=1,
        backend="facemesh-cca1",
        meaning="Whether lips and speech go together.",
        citation="ITU-R BT.1359-1",
    ),
    MeasureFacts(metric="lipsync", measure=LAG, metric_title="Lip sync", version=1, backend="facemesh-cca1"),
    MeasureFacts(
        metric="identity",
        measure=IDENTITY,
        metric_title="Cross-shot identity",
        version=2,
        backend="dlib-resnet",
        meaning="Whether people stay themselves over cuts.",
    ),
    MeasureFacts(
        metric="physics",
        measure=ENERGY,
        metric_title="Physics",
        version=1,
        backend="tracks-v1",
        meaning="Whether bodies fall right.",
    ),
    MeasureFacts(
        metric="video_distance",
        measure=DISTANCE,
        metric_title="Embedded video distance",
        version=1,
        backend="efficientnet_lite0_motion",
        meaning="Not FVD-I3D: an embedded feature.",
    ),
)
#: (generator, column) to (value, low, high); what is not here has no answer.
TRUTH: dict[tuple[str, str], tuple[float, float, float]] = {
    ("simulator", "offset_abs_ms"): (12.0, 5.0, 21.0),
    ("degraded", "offset_abs_ms"): (276.0, 259.0, 292.0),
    ("hosted", "offset_abs_ms"): (58.0, 11.0, 104.0),
    ("folder", "offset_abs_ms"): (40.0, 22.0, 61.0),
    ("simulator", "in_sync"): (1.0, 0.51, 1.0),
    ("degraded", "in_sync"): (0.0, 0.0, 0.49),
    ("hosted", "in_sync"): (0.5, 0.09, 0.91),
    ("folder", "in_sync"): (0.75, 0.3, 0.95),
    ("simulator", "offset_ms"): (-4.0, -12.0, 5.0),
    ("degraded", "offset_ms"): (-276.0, -292.0, -259.0),
    ("hosted", "offset_ms"): (21.0, -70.0, 104.0),
    ("folder", "offset_ms"): (-11.0, -50.0, 31.0),
    ("simulator", "similarity"): (0.914, 0.897, 0.93),
    ("degraded", "similarity"): (0.913, 0.896, 0.93),
    ("hosted", "similarity"): (0.842, 0.78, 0.89),
    ("simulator", "energy_gain"): (0.02, -0.05, 0.08),
    ("degraded", "energy_gain"): (0.02, -0.05, 0.08),
    ("hosted", "energy_gain"): (0.91, 0.22, 1.61),
    ("folder", "energy_gain"): (0.35, -0.15, 0.85),
    ("simulator", "distance"): (2.1, 1.2, 3.0),
    ("degraded", "distance"): (2.2, 1.3, 3.1),
    ("hosted", "distance"): (41.7, 33.0, 50.4),
    ("folder", "distance"): (63.0, 50.0, 77.0),
}
REASONS = {"similarity": "one face only in every clip: nothing to compare"}


def pictures(kind: int, *, seconds: float, fps: int, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """A ball over a gradient: each generator has another colour, and the fall repeats every second."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    ground = np.stack([40 + 60 * y / height, 50 + 40 * x / width, 80 + 60 * y / height], axis=-1)
    colour = np.array([(235, 180, 60), (220, 90, 70), (90, 190, 230), (140, 200, 110)][kind % 4])
    for frame in range(round(seconds * fps)):
        phase = (frame / fps) % 1.0
        fall = 0.2 + 0.55 * abs(1 - 2 * phase) ** 2
        centre = (width * (0.25 + 0.5 * frame / (seconds * fps)), height * (1 - fall))
        ball = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < (height / 9) ** 2
        yield np.where(ball[..., None], colour, ground).astype(np.uint8)


def beeps(seconds: float, rate: int = 48_000, late_s: float = 0.0) -> np.ndarray:
    """A short beep at every half second (plus ``late_s``)."""
    time = np.arange(round(seconds * rate)) / rate
    phase = (time - 0.5 - late_s) % 1.0
    return (0.4 * np.sin(2 * np.pi * 660 * time) * np.exp(-phase * 30)).astype(np.float32)


def panels(measure: str, kind: int, *, seconds: float) -> tuple[Panel, ...]:
    """Evidence of every kind, spread over the measures."""
    rng = np.random.default_rng(kind + 7)
    if measure == "offset_abs_ms":
        lags = np.arange(-15, 16) * 40.0
        peak = -280.0 if kind == 1 else 0.0
        cca = np.exp(-(((lags - peak) / 90) ** 2)) + 0.05 * rng.normal(size=31)
        energy = 0.6 * np.exp(-(((lags - peak) / 140) ** 2)) + 0.08 * rng.normal(size=31)
        time = np.arange(0, seconds, 0.04)
        lips = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * time)
        sound = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * (time + peak / 1000))
        gap = [None if 0.4 < t < 0.6 else float(v) for t, v in zip(time, lips, strict=True)]
        return (
            Curve(
                "Agreement of lips and sound over the lag",
                "lag (ms), positive: sound early",
                "correlation",
                [Series("CCA", lags.tolist(), cca.tolist()), Series("aperture × energy", lags.tolist(), energy.tolist())],
                [Mark(peak, "chosen"), Mark(-125.0, "BT.1359"), Mark(45.0, "BT.1359")],
            ),
            Curve(
                "Lip opening and speech energy",
                "time (s)",
                "normalised",
                [Series("lip opening", time.tolist(), gap), Series("speech energy", time.tolist(), sound.tolist())],
            ),
            Facts(
                "What the value rests on", [("windows", "3 of 3"), ("p against shifted sound", "0.002"), ("faces", "one, in 98% of frames")]
            ),
        )
    if measure == "similarity":
        crops = [next(pictures(kind + shot, seconds=1, fps=25, size=(96, 96))) for shot in range(3)]
        return (
            Gallery(
                "Faces as found, by shot",
                [Picture(f"{0.5 + i:.1f} s", jpeg(crop, side=72), f"Shot {1 + i // 2}") for i, crop in enumerate(crops * 2)],
            ),
        )
    if measure == "energy_gain":
        background = next(pictures(kind, seconds=1, fps=25, size=(192, 108)))
        time = np.arange(0, seconds, 0.08)
        fall = 1 - (0.2 + 0.55 * np.abs(1 - 2 * (time % 1.0)) ** 2)
        points = [(float(t), float(0.25 + 0.5 * t / seconds), float(y)) for t, y in zip(time, fall, strict=True)]
        return (Overlay("The ball as it was followed", jpeg(background, side=192), [Path2D("ball", points)], [(0.5, 0.5, 0.8, "contact")]),)
    return ()


def build_report(folder: Path, *, seconds: float = 1.0, size: tuple[int, int] = (96, 54), name: str = "demo") -> RunReport:
    """The run, with its clips under ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = []
    rng = np.random.default_rng(3)
    for kind, generator in enumerate(GENERATORS):
        for index, (prompt_id, task, text) in enumerate(PROMPTS):
            base = CellReport(generator=generator.name, prompt_id=prompt_id, prompt_text=text, task=task, seed=0, status="succeeded")
            if generator.name == "hosted" and index >= 2:
                status, reason = (("refused", "the provider's policy declined the prompt"), ("failed", "HTTP 503 after 4 tries"))[index - 2]
                cells.append(CellReport(**{**vars(base), "status": status, "reason": reason}))
                continue
            path = folder / f"{generator.name}-{index}.mp4"
            late = 0.28 if generator.name == "degraded" else 0.0
            write_clip(path, pictures(kind, seconds=seconds, fps=25, size=size), 25, beeps(seconds, late_s=late))
            if generator.name == "folder" and index == 1:
                path.write_bytes(path.read_bytes()[:300])
            scores = []
            for facts in MEASURES[:-1]:
                measure = facts.measure.name
                known = TRUTH.get((generator.name, measure))
                if known is None or (index == 2 and facts.metric == "lipsync"):
                    reason = REASONS.get(measure, "no face in 92% of frames")
                    scores.append(ScoreReport(metric=facts.metric, measure=measure, value=None, status="unscored", reason=reason))
                    continue
                value, low, high = known
                drawn = float(value + (high - low) * rng.normal() / 3)
                drawn = float(drawn > 0.5) if facts.measure.rate else abs(drawn) if measure == "offset_abs_ms" else drawn
                scores.append(
                    ScoreReport(
                        metric=facts.metric,
                        measure=measure,
                        value=drawn,
                        status="scored",
                        backend=facts.backend,
                        n_used=2,
                        n_total=3,
                        interval=(drawn - 8, drawn + 8) if measure == "offset_abs_ms" else None,
                        evidence=tuple(as_json(panel) for panel in panels(measure, kind, seconds=seconds)),
                        details={"windows": 3},
                    )
                )
            cost = 0.92 if generator.name == "hosted" else None
            more = {"clip_path": path, "clip_sha256": f"{kind}{index}" * 32, "duration_s": seconds, "latency_s": 2.0, "cost_usd": cost}
            cells.append(CellReport(**{**vars(base), **more, "scores": tuple(scores)}))
    summary = []
    for facts in MEASURES:
        for generator in GENERATORS:
            known = TRUTH.get((generator.name, facts.measure.name))
            n = 2 if generator.name == "hosted" else 3
            common = {"generator": generator.name, "metric": facts.metric, "measure": facts.measure.name}
            if known is None:
                summary.append(SummaryRow(**common, value=None, n_scored=0, n_unscored=4, reason=REASONS[facts.measure.name]))
                continue
            value, low, high = known
            if facts.measure.direction == "zero":  # a summary of these is the mean absolute value
                low, high = sorted((abs(low), abs(high)))
                value = min(max(abs(value), low), high)
            more = {"backend": facts.backend, "method": "mean/t-by-prompt", "n_failed": 0, "n_refused": 0}
            more |= {"n_failed": 1, "n_refused": 1} if generator.name == "hosted" else {}
            missing = 4 - n - more["n_failed"] - more["n_refused"]
            summary.append(SummaryRow(**common, value=value, low=low, high=high, n_scored=n, n_unscored=missing, **more))
    comparisons = []
    for facts in MEASURES:
        if facts.metric == "video_distance":
            continue
        for a_index, a in enumerate(GENERATORS):
            for b in GENERATORS[a_index + 1 :]:
                first, second = (TRUTH.get((g.name, facts.measure.name)) for g in (a, b))
                if first is None or second is None:
                    continue
                apart = first[1] > second[2] or second[1] > first[2]
                more_is_better = facts.measure.direction == "up"
                tested = facts.measure in (OFFSET, IDENTITY, ENERGY) and "ceiling" in (a.role, b.role)
                winner = (a if (first[0] > second[0]) == more_is_better else b).name if apart and tested else None
                gap = first[0] - second[0]
                comparisons.append(
                    Comparison(
                        metric=facts.metric,
                        measure=facts.measure.name,
                        generator_a=a.name,
                        generator_b=b.name,
                        difference=gap,
                        low=gap - 0.1 * abs(gap),
                        high=gap + 0.1 * abs(gap),
                        p=0.001 if apart else 0.1,
                        p_adjusted=(0.004 if apart else 0.41) if tested else None,
                        exploratory=not tested,
                        n_prompts=3,
                        better=winner,
                        backend=facts.backend,
                        method="paired-by-prompt/sign-flip/holm",
                    )
                )
    return RunReport(
        name=name,
        created_at="2026-11-22T18:00:00+00:00",
        suite=SuiteFacts(name="quick", version="1", sha256="ab" * 32, n_prompts=len(PROMPTS)),
        seeds=(0,),
        generators=GENERATORS,
        measures=MEASURES,
        summary=tuple(summary),
        comparisons=tuple(comparisons),
        cells=tuple(cells),
        provenance={
            "command": "seedbench run quick --generator simulator --generator degraded --name demo",
            "spec_sha256": "cd" * 32,
            "versions": {"seedbench": "0.1.0", "python": "3.11.2", "numpy": "2.4.6"},
            "weights": [{"name": "blazeface", "sha256": "ef" * 32, "licence": "Apache-2.0", "used_by": "faces"}],
            "machine": {"cpu": "2 cores", "memory": "8 GB", "system": "Linux"},
            "seeds": [0],
        },
        notes=("Identity used its embedded backend: the weights of ArcFace are not here.",),
    )


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    """One run for every test of the report."""
    return build_report(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="session")
def make_report() -> Callable[..., RunReport]:
    """:func:`build_report`, for tests that want their own."""
    return build_report
