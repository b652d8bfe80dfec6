"""The evaluation of the reference model: both twins, an untrained one and the simulator on held-out prompts.

The metrics are found by their names; this module does not know their code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from seedbench.generators.reference import heldout, sheet
from seedbench.generators.reference.evaluation_table import COMPARED, EvaluatedClip, SeedResults, table_of
from seedbench.generators.reference.model import SHIPPED, ReferenceModel
from seedbench.generators.reference.script import FPS
from seedbench.generators.reference.twins import TEMPERATURES
from seedbench.results.data import SummaryRow
from seedbench.suites.prompt import Prompt

BLACK_FRAMES = 8
"""Black between a reference picture and a clip, long enough to be seen as a shot of its own."""
METRICS = ("lipsync", "identity", "impact", "physics", "video_distance")
SEEDS = (4242, 4243, 4244)
"""The seeds of the table in docs/reference-model.md. No setting or weight was chosen on their prompts."""


def untrained(weights: Path) -> Path:
    """A folder in the workspace with an untrained joint twin, made once for each folder of weights.

    Args:
        weights: The folder of trained weights; its tokenizers are used.

    Returns:
        The folder.
    """
    import torch

    from seedbench.generators.reference.model import weights_digest
    from seedbench.generators.reference.transformer import JointTransformer
    from seedbench.store.workspace import Workspace

    folder = Workspace.current().folder / "untrained" / weights_digest("joint", weights)[:12]
    if not (folder / "joint.safetensors").exists():  # this file is written last, and atomically
        model = ReferenceModel.load("joint", weights)
        torch.manual_seed(0)
        fresh = JointTransformer(model.transformer.config)
        ReferenceModel("joint", model.tokenizers, fresh, model.scale, model.vocabulary, {"steps": 0}).save(folder)
    return folder


def evaluate(
    *,
    out: Path,
    prompts: int = 60,
    seeds: Sequence[int] = SEEDS,
    workers: int | None = None,
    weights: str = "",
    report: Callable[[str], None] = print,
) -> str:
    """Evaluate the reference model.

    For each seed there is an ordinary run called ``reference-eval-...``: it resumes, and `seedbench report` shows it.

    Args:
        out: folder for ``table.md``, ``picture.png`` (the first prompt of each kind), and a folder for each seed with its suite and report.
        prompts: number of held-out prompts of each seed.
        seeds: seeds of prompts and clips.
        workers: worker processes; None: as many as cores and memory allow.
        weights: folder of trained weights; empty: the shipped ones.
        report: gets lines of text.

    Returns:
        The tables as Markdown.

    Raises:
        SeedBenchError: as a run does.
    """
    folder = Path(weights).expanduser() if weights else SHIPPED
    out.mkdir(parents=True, exist_ok=True)
    results = [
        _of_seed(seed, out / f"seed-{seed}", prompts=prompts, workers=workers, weights=weights, folder=folder, report=report)
        for seed in dict.fromkeys(seeds)
    ]
    table = table_of(results, trained=training_text(folder))
    (out / "table.md").write_text(table, encoding="utf-8")
    report(f"to look at: {sheet.draw(first_of_each_kind(results[0].prompts, results[0].clips), out / 'picture.png')}")
    return table


def _of_seed(
    seed: int, out: Path, *, prompts: int, workers: int | None, weights: str, folder: Path, report: Callable[[str], None]
) -> SeedResults:
    """Make and score the clips of one seed."""
    from seedbench import api
    from seedbench.cli.progress import Bars
    from seedbench.generators.reference import Reference
    from seedbench.generators.reference.model import weights_digest
    from seedbench.plugins import registry
    from seedbench.report.terminal import terminal_console

    digest = "-".join(weights_digest(twin, folder)[:6] for twin in ("joint", "cascaded"))
    out.mkdir(parents=True, exist_ok=True)
    suite = heldout.write_suite(out / "held-out", prompts=prompts, seed=seed)
    untrained_folder = untrained(folder)
    weights_option = f",weights={folder}" if weights else ""
    default = Reference()
    temperatures = "-".join(f"{temperature:g}" for temperature in TEMPERATURES.values())
    versions = "-".join(str(registry.load("metrics", metric).info.version) for metric in METRICS)
    name = f"reference-eval-{digest}-{default.steps}-{default.guidance:g}-{temperatures}-{len(suite.prompts)}-{seed}-metrics-{versions}"
    report(f"{len(suite.prompts)} held-out prompts in {suite.file}; the run is called {name}")
    spec = api.make_spec(
        [
            "simulator",
            f"joint=reference:twin=joint{weights_option}",
            f"cascaded=reference:twin=cascaded{weights_option}",
            f"untrained=reference:twin=joint,weights={untrained_folder}",
            "frozen=simulator:freeze_from_s=0",
        ],
        suite=str(suite.file),
        metrics=METRICS,
        seeds=(seed,),
        ceiling="simulator",
        reference="simulator",
    )
    with Bars(terminal_console()) as bars:
        api.run(spec, name, workers=workers, progress=bars, out=out / "report")
    clips, distances = read_run(name)
    return SeedResults(seed, suite.prompts, clips, distances, likeness_of(suite, clips, out, report))


def first_of_each_kind(prompts: Sequence[Prompt], clips: Sequence[EvaluatedClip]) -> list[sheet.PromptStrips]:
    """The first prompt of each kind (so none is selected), with strips of the clips of the simulator and both twins."""
    by_system = {(clip.generator, clip.prompt): clip for clip in clips}
    blocks = []
    for task in ("talking", "reference", "impact"):
        prompt = next(prompt for prompt in prompts if prompt.task == task)
        strips = []
        for label in COMPARED:
            clip = by_system.get((label, prompt.id))
            strips.append(sheet.Strip(label, _scores_text(task, clip.values) if clip else "", clip.file if clip else None))
        blocks.append(sheet.PromptStrips(prompt.text, tuple(strips)))
    return blocks


def _scores_text(task: str, values: dict[str, float]) -> str:
    """The scores of a clip, one a line."""

    def line(name: str, measure: str, form: str) -> str:
        return f"{name}: {values[measure]:{form}}" if measure in values else f"{name}: no answer"

    if task == "impact":
        return "\n".join([line("contacts heard", "impact.recall", ".0%"), line("plausible", "physics.plausibility", ".2f")])
    lines = [line("sound early, ms", "lipsync.offset_ms", "+.0f"), line("confidence", "lipsync.confidence", ".1f")]
    return "\n".join([*lines, line("identity", "identity.similarity", ".2f")] if task == "reference" else lines)


def training_text(folder: Path) -> str:
    """The facts about the training of each twin of a folder, a line each."""
    lines = []
    for twin in ("joint", "cascaded"):
        facts = ReferenceModel.load(twin, folder).trained
        lines.append(f"- {twin}: " + ", ".join(f"{key} {value}" for key, value in facts.items()))
    return "\n".join(lines)


def read_run(name: str) -> tuple[list[EvaluatedClip], dict[tuple[str, str], SummaryRow]]:
    """The scores of a run.

    Args:
        name: The name of the run.

    Returns:
        Its clips with their scores, and its scores of sets by (generator, measure).
    """
    from seedbench.results.load import load_report
    from seedbench.store import Store
    from seedbench.store.workspace import Workspace

    workspace = Workspace.current()
    report = load_report(Store(workspace.database_url), workspace, name, needs_clips=True)
    clips = [
        EvaluatedClip(
            cell.generator,
            cell.prompt_id,
            {f"{score.metric}.{score.measure}": score.value for score in cell.scores if score.value is not None},
            cell.clip_path,
            cell.latency_s,
        )
        for cell in report.cells
    ]
    distances = {(row.generator, row.measure): row for row in report.summary if row.metric == "video_distance" and row.value is not None}
    return clips, distances


def likeness_of(
    suite: heldout.HeldOutSuite, clips: Sequence[EvaluatedClip], out: Path, report: Callable[[str], None]
) -> dict[tuple[str, str], float]:
    """The likeness of each clip with a reference strength to its reference picture.

    It is the calibrated similarity of the identity metric between the picture and the clip, shown one after the other as two shots, with
    black between them: no cut is seen between a picture and a clip that looks just like it.

    Args:
        suite: The suite.
        clips: The clips.
        out: The folder of the evaluation.
        report: Gets the reason where there is no answer.

    Returns:
        0..1 by (generator, prompt).
    """
    from seedbench.clips.clip import Clip
    from seedbench.errors import SeedBenchError
    from seedbench.plugins import registry
    from seedbench.plugins.metric import Sample

    metric = registry.load("metrics", "identity")()
    with_strength = {prompt.id: prompt for prompt in suite.prompts if prompt.task == "strength"}
    likeness: dict[tuple[str, str], float] = {}
    (out / "likeness").mkdir(exist_ok=True)
    for clip in clips:
        prompt = with_strength.get(clip.prompt)
        if prompt is None or clip.file is None or clip.generator not in COMPARED:
            continue
        try:
            picture = suite.file.parent / prompt.references[0].path
            file = _after_picture(picture, clip.file, out / "likeness" / f"{clip.generator}-{clip.prompt}.mp4")
            clip_s = 1.0 + BLACK_FRAMES / FPS
            shots = (
                {"start_s": 0.0, "end_s": 1.0},
                {"start_s": 1.0, "end_s": clip_s, "cast": ()},
                {"start_s": clip_s, "end_s": clip_s + 1.0},
            )
            declared = tuple(prompt.shots[0].model_copy(update=shot) for shot in shots)
            both = prompt.model_copy(update={"duration_s": clip_s + 1.0, "speech": (), "shots": declared})
            scores = metric.score(Clip.open(file), Sample(prompt=both, generator=clip.generator, seed=0))
            similarity = next(score for score in scores if score.measure == "similarity")
            value, reason = similarity.value, similarity.reason
        except SeedBenchError as error:
            value, reason = None, str(error)
        if value is None:
            report(f"likeness of {clip.generator} {clip.prompt}: no answer ({reason})")
        else:
            likeness[clip.generator, clip.prompt] = value
    return likeness


def _after_picture(picture: Path, clip: Path, file: Path) -> Path:
    """Write a clip: a picture for a second, black, then the first second of a clip."""
    from seedbench.clips.clip import Clip
    from seedbench.clips.writing import write_clip
    from seedbench.generators.reference.conditions import fitted_picture, read_pictures

    frames = Clip.open(clip).frames(FPS).rgb[:FPS]
    still = fitted_picture(read_pictures(picture)[0], frames.shape[2], frames.shape[1])
    shown = [*[still] * FPS, *[np.zeros_like(still)] * BLACK_FRAMES, *frames]
    return write_clip(file, shown, FPS, np.zeros(len(shown) * 16000 // FPS, np.float32), 16000)
