"""What joint generation buys: both twins, an untrained one and the simulator on held-out prompts, under the suite's own metrics.

The metrics are found by name through the harness; this module knows none of their code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbench.generators.reference import heldout, sheet
from seedbench.generators.reference.model import SHIPPED, ReferenceModel
from seedbench.generators.reference.script import FPS
from seedbench.generators.reference.twins import TEMPERATURES
from seedbench.results.data import SummaryRow
from seedbench.results.differences import paired_difference
from seedbench.results.intervals import Estimate, mean_interval, rate_interval
from seedbench.suites.prompt import Prompt

METRICS = ("lipsync", "identity", "impact", "physics", "video_distance")
FRAME_MS = 1000 / FPS
LAG_MS = 120.0
COMPARED = ("simulator", "joint", "cascaded")
LABELS = (*COMPARED, "untrained", "frozen")


@dataclass(frozen=True)
class Cell:
    """The scores of one clip by ``metric.measure``; a measure without an answer is missing (the run's report has its reason)."""

    generator: str
    prompt: str
    values: dict[str, float]
    file: Path | None
    latency_s: float | None


def untrained(weights: Path) -> Path:
    """The folder, in the workspace and named by the weights, of their joint twin as it was before training (its tokenizers trained)."""
    import torch

    from seedbench.generators.reference.model import weights_digest
    from seedbench.generators.reference.transformer import JointTransformer
    from seedbench.store.workspace import Workspace

    folder = Workspace.current().folder / "untrained" / weights_digest("joint", weights)[:12]
    if not (folder / "joint.safetensors").exists():  # written last, and whole
        model = ReferenceModel.load("joint", weights)
        torch.manual_seed(0)
        fresh = JointTransformer(model.transformer.config)
        ReferenceModel("joint", model.tokenizers, fresh, model.scale, model.vocabulary, {"steps": 0}).save(folder)
    return folder


def evaluate(
    *, out: Path, prompts: int = 60, seed: int = 0, workers: int | None = None, weights: str = "", report: Callable[[str], None] = print
) -> str:
    """Write the held-out suite, run everything on it, and return the table as Markdown (also ``table.md`` in ``out``, and ``picture.png``:
    the first prompt of each kind as each system made it).

    The run is an ordinary one called ``reference-eval-...``: it resumes, and `seedbench report` shows it. Raises SeedBenchError as runs do.
    """
    from rich.console import Console

    from seedbench import api
    from seedbench.cli.progress import Bars
    from seedbench.generators.reference import Reference
    from seedbench.generators.reference.model import weights_digest

    folder = Path(weights).expanduser() if weights else SHIPPED
    digest = "-".join(weights_digest(twin, folder)[:6] for twin in ("joint", "cascaded"))
    out.mkdir(parents=True, exist_ok=True)
    suite = heldout.write(out / "held-out", prompts=prompts, seed=seed)
    bare = untrained(folder)
    told = f",weights={folder}" if weights else ""
    usual = Reference()
    noise = "-".join(f"{one:g}" for one in TEMPERATURES.values())
    name = f"reference-eval-{digest}-{usual.steps}-{usual.guidance:g}-{noise}-{len(suite.prompts)}-{seed}"
    report(f"{len(suite.prompts)} held-out prompts in {suite.file}; the run is called {name}")
    spec = api.make_spec(
        [
            "simulator",
            f"joint=reference:twin=joint{told}",
            f"cascaded=reference:twin=cascaded{told}",
            f"untrained=reference:twin=joint,weights={bare}",
            "frozen=simulator:freeze_from_s=0",
        ],
        suite=str(suite.file),
        metrics=METRICS,
        seeds=(seed,),
        ceiling="simulator",
        reference="simulator",
    )
    with Bars(Console()) as bars:
        api.run(spec, name, workers=workers, progress=bars, out=out / "report")
    cells, distances = read(name)
    table = table_of(suite.prompts, cells, distances, likeness_of(suite, cells, out, report), trained=trained_in_words(folder))
    (out / "table.md").write_text(table, encoding="utf-8")
    report(f"to look at: {sheet.draw(shown(suite.prompts, cells), out / 'picture.png')}")
    return table


def shown(prompts: Sequence[Prompt], cells: Sequence[Cell]) -> list[sheet.Asked]:
    """What is drawn: of each kind of prompt the first, which nobody chose, as the simulator and both twins made it."""
    made = {(cell.generator, cell.prompt): cell for cell in cells}
    blocks = []
    for task in ("talking", "reference", "impact"):
        prompt = next(one for one in prompts if one.task == task)
        strips = []
        for label in COMPARED:
            cell = made.get((label, prompt.id))
            strips.append(sheet.Strip(label, _in_words(task, cell.values) if cell else "", cell.file if cell else None))
        blocks.append(sheet.Asked(prompt.text, tuple(strips)))
    return blocks


def _in_words(task: str, values: dict[str, float]) -> str:
    """What the metrics say of a clip, in a line for each."""

    def said(name: str, measure: str, form: str) -> str:
        return f"{name}: {values[measure]:{form}}" if measure in values else f"{name}: no answer"

    if task == "impact":
        return "\n".join([said("contacts heard", "impact.recall", ".0%"), said("plausible", "physics.plausibility", ".2f")])
    lines = [said("sound early by, ms", "lipsync.offset_ms", "+.0f"), said("confidence", "lipsync.confidence", ".1f")]
    return "\n".join([*lines, said("identity", "identity.similarity", ".2f")] if task == "reference" else lines)


def trained_in_words(folder: Path) -> str:
    """On what and how long each twin of a folder was trained, a line each."""
    lines = []
    for twin in ("joint", "cascaded"):
        facts = ReferenceModel.load(twin, folder).trained
        lines.append(f"- {twin}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
    return "\n".join(lines)


def read(name: str) -> tuple[list[Cell], dict[tuple[str, str], SummaryRow]]:
    """The cells of a run, and its set scores by (generator, measure)."""
    from seedbench.results.load import load_report
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    report = load_report(Store(workspace.database_url), workspace, name, needs_clips=True)
    cells = [
        Cell(
            one.generator,
            one.prompt_id,
            {f"{score.metric}.{score.measure}": score.value for score in one.scores if score.value is not None},
            one.clip_path,
            one.latency_s,
        )
        for one in report.cells
    ]
    distances = {(row.generator, row.measure): row for row in report.summary if row.metric == "video_distance" and row.value is not None}
    return cells, distances


def likeness_of(suite: heldout.HeldOut, cells: Sequence[Cell], out: Path, report: Callable[[str], None]) -> dict[tuple[str, str], float]:
    """How like its reference picture each clip of the sweeps is, by (generator, prompt): the identity metric's calibrated similarity
    between the picture and the clip, shown one after the other as two shots. Where there is no answer, ``report`` is told why."""
    from seedbench.clips.clip import Clip
    from seedbench.errors import SeedBenchError
    from seedbench.plugins import registry
    from seedbench.plugins.metric import Sample

    metric = registry.load("metrics", "identity")()
    asked = {prompt.id: prompt for prompt in suite.prompts if prompt.task == "strength"}
    found: dict[tuple[str, str], float] = {}
    (out / "likeness").mkdir(exist_ok=True)
    for cell in cells:
        prompt = asked.get(cell.prompt)
        if prompt is None or cell.file is None or cell.generator not in COMPARED:
            continue
        try:
            clip = _after_picture(
                suite.file.parent / prompt.references[0].path, cell.file, out / "likeness" / f"{cell.generator}-{cell.prompt}.mp4"
            )
            shots = ({"start_s": 0, "end_s": 1.0}, {"start_s": 1.0, "end_s": 2.0})
            both = prompt.model_copy(
                update={
                    "duration_s": 2.0,
                    "speech": (),
                    "shots": tuple(prompt.shots[0].model_copy(update=shot) for shot in shots),
                }
            )
            scores = metric.score(Clip.open(clip), Sample(prompt=both, generator=cell.generator, seed=0))
            similarity = next(one for one in scores if one.measure == "similarity")
            value, reason = similarity.value, similarity.reason
        except SeedBenchError as error:
            value, reason = None, str(error)
        if value is None:
            report(f"likeness of {cell.generator} {cell.prompt}: no answer ({reason})")
        else:
            found[cell.generator, cell.prompt] = value
    return found


def _after_picture(picture: Path, clip: Path, file: Path) -> Path:
    from seedbench.clips.clip import Clip
    from seedbench.clips.media import write_clip
    from seedbench.generators.reference.conditions import fitted_picture, read_pictures

    frames = Clip.open(clip).frames(FPS).rgb[:FPS]
    still = fitted_picture(read_pictures(picture)[0], frames.shape[2], frames.shape[1])
    return write_clip(file, [*[still] * FPS, *frames], FPS, np.zeros(2 * 16000, np.float32), 16000)


def _of(cells: Iterable[Cell], generator: str, prompts: set[str]) -> list[Cell]:
    return [cell for cell in cells if cell.generator == generator and cell.prompt in prompts]


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
    """A mean of what lies between ``low`` and ``high``, as far as its interval may reach."""
    if not values:
        return "no answer"
    finite = None if math.isinf(high) else high
    estimate = mean_interval([value for _, value in values], [name for name, _ in values], low=low, high=finite)
    bounds = ""
    if estimate.low is not None and estimate.high is not None:
        bounds = f" [{max(low, estimate.low):.{digits}f}, {min(high, estimate.high):.{digits}f}]"
    return f"{estimate.value:.{digits}f}{bounds} (n {len(values)})"


def _plain_mean(values: Sequence[tuple[str, float]], digits: int = 2) -> str:
    """A mean of values that are not independent, which no interval is claimed for."""
    return f"{np.mean([value for _, value in values]):.{digits}f} (n {len(values)})" if values else "no answer"


def table_of(
    prompts: Sequence[Prompt],
    cells: Sequence[Cell],
    distances: dict[tuple[str, str], SummaryRow],
    likeness: dict[tuple[str, str], float],
    *,
    trained: str,
) -> str:
    """Everything the comparison is about, a row for each figure, a column for each system, 95% intervals over prompts."""
    ids = {task: {one.id for one in prompts if one.task == task} for task in ("talking", "reference", "impact", "strength")}
    spoken = ids["talking"] | ids["reference"]
    rows: list[tuple[str, list[str]]] = []

    def row(name: str, figure: Callable[[str], str]) -> None:
        rows.append((name, [figure(label) for label in LABELS]))

    def values(label: str, measure: str, of: set[str]) -> list[tuple[str, float]]:
        return [(one.prompt, one.values[measure]) for one in _of(cells, label, of) if measure in one.values]

    row("lip sync: answered", lambda g: _rate([(c.prompt, "lipsync.offset_ms" in c.values) for c in _of(cells, g, spoken)]))
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
        chosen = {one for one in ids["strength"] if one.endswith(f"-{round(100 * strength):03d}")}
        return lambda g: _mean([(p, v) for (who, p), v in likeness.items() if who == g and p in chosen], high=1.0)

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
    row("distance to the simulator's clips (fd)", lambda g: _distance(distances.get((g, "fd"))))
    row("distance to the simulator's clips (kd)", lambda g: _distance(distances.get((g, "kd"))))
    row(
        "seconds to make a clip (one core)",
        lambda g: _plain_mean([(c.prompt, c.latency_s) for c in _of(cells, g, spoken) if c.latency_s], 1),
    )
    lines = [
        f"| on {len(prompts) - len(ids['strength'])} held-out prompts | " + " | ".join(LABELS) + " |",
        "|---" * (len(LABELS) + 1) + "|",
        *(f"| {name} | " + " | ".join(figures) + " |" for name, figures in rows),
    ]
    return "\n".join([*lines, "", *_verdicts(cells, spoken, ids["impact"]), "", "Trained:", trained, ""])


def _distance(estimate: SummaryRow | None) -> str:
    if estimate is None or estimate.value is None:
        return "no answer"
    bounds = f" [{estimate.low:.3g}, {estimate.high:.3g}]" if estimate.low is not None and estimate.high is not None else ""
    return f"{estimate.value:.3g}{bounds}"


def _verdicts(cells: Sequence[Cell], spoken: set[str], impacts: set[str]) -> list[str]:
    """The twins paired by prompt: joint less cascaded, with intervals."""
    asked = (
        ("absolute lip-sync offset, ms (negative: joint is better)", "lipsync.offset_ms", spoken, abs),
        ("lip-sync confidence (positive: joint is better)", "lipsync.confidence", spoken, float),
        ("contacts heard (positive: joint is better)", "impact.recall", impacts, float),
        ("precision of sounds (positive: joint is better)", "impact.precision", impacts, float),
    )
    lines = ["Joint less cascaded, on the prompts where both have an answer:"]
    for name, measure, of, change in asked:
        sides = [
            {one.prompt: [change(one.values[measure])] for one in _of(cells, twin, of) if measure in one.values}
            for twin in ("joint", "cascaded")
        ]
        paired = paired_difference(sides[0], sides[1])
        if paired.difference is None or paired.low is None or paired.high is None:
            lines.append(f"- {name}: {paired.reason}")
        else:
            lines.append(f"- {name}: {paired.difference:+.2f} [{paired.low:+.2f}, {paired.high:+.2f}], {paired.n_prompts} prompts")
    return lines
