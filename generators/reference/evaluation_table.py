"""The table of an evaluation, from the scores of its clips: a pure function of values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seedbench.generators.reference import heldout
from seedbench.generators.reference.script import FPS
from seedbench.results.data import SummaryRow
from seedbench.results.differences import paired_difference
from seedbench.results.intervals import Estimate, mean_interval, rate_interval
from seedbench.suites.prompt import Prompt

FRAME_MS = 1000 / FPS
LAG_MS = 120.0
COMPARED = ("simulator", "joint", "cascaded")
LABELS = (*COMPARED, "untrained", "frozen")
TWINS_COMPARED = ("joint", "cascaded")
_SHOWN_BY_SEED = {
    "lip sync answered": ("lipsync.offset_ms", ("talking", "reference")),
    "lip sync confidence": ("lipsync.confidence", ("talking", "reference")),
    "identity": ("identity.similarity", ("reference",)),
    "contacts heard": ("impact.recall", ("impact",)),
}
"""The numbers shown of each seed alone: the measure, and the tasks of its prompts."""


@dataclass(frozen=True)
class EvaluatedClip:
    """The scores of one clip.

    Attributes:
        generator: The label of its generator.
        prompt: The id of its prompt.
        values: The values by ``metric.measure``. A measure without an answer is missing; the run's report has its reason.
        file: The clip; None where none was made.
        latency_s: How long it took to make; None where that is not known.
    """

    generator: str
    prompt: str
    values: dict[str, float]
    file: Path | None
    latency_s: float | None


@dataclass(frozen=True)
class SeedResults:
    """What one seed of prompts and clips gave.

    Attributes:
        seed: The seed.
        prompts: Its held-out prompts; ids are unique within the seed.
        clips: The scores of the clips of all systems.
        distances: Scores of sets by (generator, measure).
        likeness: Likeness to the reference picture by (generator, prompt).
    """

    seed: int
    prompts: Sequence[Prompt]
    clips: Sequence[EvaluatedClip]
    distances: Mapping[tuple[str, str], SummaryRow]
    likeness: Mapping[tuple[str, str], float]

    def with_seed_in_ids(self) -> SeedResults:
        """The same with the seed before the id of each prompt, so that results of several seeds can be put together."""
        return SeedResults(
            self.seed,
            [prompt.model_copy(update={"id": f"{self.seed}/{prompt.id}"}) for prompt in self.prompts],
            [replace(clip, prompt=f"{self.seed}/{clip.prompt}") for clip in self.clips],
            self.distances,
            {(generator, f"{self.seed}/{prompt}"): value for (generator, prompt), value in self.likeness.items()},
        )


def _clips_of(clips: Iterable[EvaluatedClip], generator: str, prompts: set[str]) -> list[EvaluatedClip]:
    return [clip for clip in clips if clip.generator == generator and clip.prompt in prompts]


def _rate(hits: Sequence[tuple[str, bool]]) -> str:
    if not hits:
        return "no clip"
    estimate = rate_interval([float(hit) for _, hit in hits], [name for name, _ in hits])
    return f"{_share(estimate)} ({sum(hit for _, hit in hits)} of {len(hits)})"


def _share(estimate: Estimate) -> str:
    if estimate.value is None:
        return "no answer"
    return f"{100 * estimate.value:.0f}%" + (
        f" [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]" if estimate.low is not None and estimate.high is not None else ""
    )


def _mean(values: Sequence[tuple[str, float]], digits: int = 2, *, low: float = 0.0, high: float = float("inf")) -> str:
    """A mean of values between ``low`` and ``high``, with its interval cut at these."""
    if not values:
        return "no answer"
    finite = None if math.isinf(high) else high
    estimate = mean_interval([value for _, value in values], [name for name, _ in values], low=low, high=finite)
    bounds = ""
    if estimate.low is not None and estimate.high is not None:
        bounds = f" [{max(low, estimate.low):.{digits}f}, {min(high, estimate.high):.{digits}f}]"
    return f"{estimate.value:.{digits}f}{bounds} (n {len(values)})"


def _plain_mean(values: Sequence[tuple[str, float]], digits: int = 2) -> str:
    """A mean of values that are not independent, hence without an interval."""
    return f"{np.mean([value for _, value in values]):.{digits}f} (n {len(values)})" if values else "no answer"


def table_of(results: Sequence[SeedResults], *, trained: str) -> str:
    """The tables of an evaluation, as Markdown.

    Args:
        results: what each seed gave; prompts of different seeds are different prompts.
        trained: text about the training of the twins, printed below the tables.

    Returns:
        A row for each number, a column for each system, with 95% intervals over the prompts of all seeds; below it the differences of the
        twins, and, where there are several seeds, how far the numbers of single seeds lie apart.
    """
    of_all = [of_seed.with_seed_in_ids() for of_seed in results]
    prompts = [prompt for of_seed in of_all for prompt in of_seed.prompts]
    clips = [clip for of_seed in of_all for clip in of_seed.clips]
    likeness = {key: value for of_seed in of_all for key, value in of_seed.likeness.items()}
    ids = {task: {prompt.id for prompt in prompts if prompt.task == task} for task in ("talking", "reference", "impact", "strength")}
    spoken = ids["talking"] | ids["reference"]
    rows: list[tuple[str, list[str]]] = []

    def row(name: str, number_of: Callable[[str], str]) -> None:
        rows.append((name, [number_of(label) for label in LABELS]))

    def values(label: str, measure: str, of: set[str]) -> list[tuple[str, float]]:
        return [(clip.prompt, clip.values[measure]) for clip in _clips_of(clips, label, of) if measure in clip.values]

    row("lip sync: answered", lambda g: _rate([(c.prompt, "lipsync.offset_ms" in c.values) for c in _clips_of(clips, g, spoken)]))
    row(
        "lip sync: within 1 frame of zero, of those answered",
        lambda g: _rate([(p, abs(v) <= FRAME_MS) for p, v in values(g, "lipsync.offset_ms", spoken)]),
    )
    row("lip sync: mean absolute offset, ms", lambda g: _mean([(p, abs(v)) for p, v in values(g, "lipsync.offset_ms", spoken)], 0))
    row(
        "lip sync: lips belong to the sound, of those judged",
        lambda g: _rate([(p, v > 0.5) for p, v in values(g, "lipsync.matched", spoken)]),
    )
    row("lip sync: confidence", lambda g: _mean(values(g, "lipsync.confidence", spoken), low=float("-inf")))
    row("face found, share of frames", lambda g: _mean(values(g, "identity.face_frames", spoken), high=1.0))
    row("identity over two shots, with a picture", lambda g: _mean(values(g, "identity.similarity", ids["reference"]), high=1.0))

    def likeness_at(strength: float) -> Callable[[str], str]:
        chosen = {prompt_id for prompt_id in ids["strength"] if prompt_id.endswith(f"-{round(100 * strength):03d}")}
        return lambda g: _mean([(p, v) for (system, p), v in likeness.items() if system == g and p in chosen], high=1.0)

    for strength in heldout.STRENGTHS:
        row(f"likeness to the picture at strength {strength:g}", likeness_at(strength))
    row(
        f"contacts with a sound within {LAG_MS:.0f} ms (recall)",
        lambda g: _mean(values(g, "impact.recall", ids["impact"]), high=1.0),
    )
    row(
        "drops with every contact heard, of those where one is seen",
        lambda g: _rate([(p, v >= 0.999) for p, v in values(g, "impact.recall", ids["impact"])]),
    )
    row("physics: plausibility of drops", lambda g: _mean(values(g, "physics.plausibility", ids["impact"]), high=1.0))
    row("distance to the simulator's clips (fd)", lambda g: _distance([of_seed.distances.get((g, "fd")) for of_seed in results]))
    row("distance to the simulator's clips (kd)", lambda g: _distance([of_seed.distances.get((g, "kd")) for of_seed in results]))
    row(
        "seconds to make a clip (one core)",
        lambda g: _plain_mean([(c.prompt, c.latency_s) for c in _clips_of(clips, g, spoken) if c.latency_s], 1),
    )
    asked = len(prompts) - len(ids["strength"])
    lines = [
        f"| on {asked} held-out prompts of {len(results)} seeds | " if len(results) > 1 else f"| on {asked} held-out prompts | ",
        "|---" * (len(LABELS) + 1) + "|",
        *(f"| {name} | " + " | ".join(numbers) + " |" for name, numbers in rows),
    ]
    lines[0] += " | ".join(LABELS) + " |"
    by_seed = _by_seed(of_all) if len(results) > 1 else []
    return "\n".join([*lines, "", *_differences(clips, spoken, ids["impact"]), "", *by_seed, "Trained:", trained, ""])


def _by_seed(results: Sequence[SeedResults]) -> list[str]:
    """A table of the main numbers of each seed alone, of both twins, with an empty line below."""
    lines = ["| seed | " + " | ".join(f"{name}, {twin}" for name in _SHOWN_BY_SEED for twin in TWINS_COMPARED) + " |"]
    lines.append("|---" * (1 + len(_SHOWN_BY_SEED) * len(TWINS_COMPARED)) + "|")
    for of_seed in results:
        numbers = []
        for measure, tasks in _SHOWN_BY_SEED.values():
            asked = {prompt.id for prompt in of_seed.prompts if prompt.task in tasks}
            for twin in TWINS_COMPARED:
                of_twin = _clips_of(of_seed.clips, twin, asked)
                values = [clip.values[measure] for clip in of_twin if measure in clip.values]
                if measure == "lipsync.offset_ms":
                    numbers.append(f"{len(values)} of {len(of_twin)}")
                else:
                    numbers.append(f"{np.mean(values):.2f} (n {len(values)})" if values else "no answer")
        lines.append(f"| {of_seed.seed} | " + " | ".join(numbers) + " |")
    return [*lines, ""]


def _distance(of_seeds: Sequence[SummaryRow | None]) -> str:
    """The mean over seeds of a distance; the sets of different seeds are independent."""
    known = [row for row in of_seeds if row is not None and row.value is not None]
    if not known or len(known) < len(of_seeds):
        return "no answer"
    value = float(np.mean([row.value for row in known]))
    halves = [(row.high - row.low) / 2 for row in known if row.low is not None and row.high is not None]
    if len(halves) < len(known):
        return f"{value:.3g}"
    half = float(np.sqrt(np.sum(np.square(halves)))) / len(halves)
    return f"{value:.3g} [{value - half:.3g}, {value + half:.3g}]"


def _differences(clips: Sequence[EvaluatedClip], spoken: set[str], impacts: set[str]) -> list[str]:
    """Sentences about the paired differences of the twins (joint minus cascaded), with intervals."""
    comparisons = (
        ("absolute lip-sync offset, ms (negative: joint is better)", "lipsync.offset_ms", spoken, abs),
        ("lip-sync confidence (positive: joint is better)", "lipsync.confidence", spoken, float),
        ("contacts heard (positive: joint is better)", "impact.recall", impacts, float),
        ("precision of sounds (positive: joint is better)", "impact.precision", impacts, float),
    )
    lines = ["Joint less cascaded, on the prompts where both have an answer:"]
    for name, measure, of, change in comparisons:
        sides = [
            {clip.prompt: [change(clip.values[measure])] for clip in _clips_of(clips, twin, of) if measure in clip.values}
            for twin in TWINS_COMPARED
        ]
        paired = paired_difference(sides[0], sides[1])
        if paired.difference is None or paired.low is None or paired.high is None:
            lines.append(f"- {name}: {paired.reason}")
        else:
            lines.append(f"- {name}: {paired.difference:+.2f} [{paired.low:+.2f}, {paired.high:+.2f}], {paired.n_prompts} prompts")
    return lines
