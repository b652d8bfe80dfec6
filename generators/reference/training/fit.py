"""The whole training as a user runs it: shards, tokenizers, latents, and the two twins one after the other.

Each stage is skipped when what it makes is there, and goes on from its last checkpoint when it was interrupted. In the folder ``out``:
``config.yaml`` and ``begun.json`` (what it is made of), ``stages.json`` (steps and seconds of each stage), ``stages/`` (what those of
the tokenizers made), ``latents/``, ``checkpoints/``, ``logs/`` (TensorBoard), ``samples/`` and ``validation.csv``, and at last the weights:
``tokenizers.safetensors``, ``joint.safetensors``, ``cascaded.safetensors``.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from seedbench.errors import GeneratorError
from seedbench.files.atomic import atomic_write
from seedbench.generators.reference import heldout, shards
from seedbench.generators.reference.codec import CodecConfig, SoundCodec
from seedbench.generators.reference.config import Config, load
from seedbench.generators.reference.heldout import HeldOut
from seedbench.generators.reference.model import TOKENIZERS_FILE, ReferenceModel, Tokenizers, weights_digest
from seedbench.generators.reference.tokenizer import Grid, TokenizerConfig, VideoTokenizer
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Vocabulary
from seedbench.generators.reference.training import cache
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.data import (
    BandBatches,
    Cells,
    Numbered,
    PictureBatches,
    Rows,
    ShownBatches,
    ViewBatches,
    acted,
    as_acted,
    codes_of,
    heard,
    spread_of,
    told,
)
from seedbench.generators.reference.training.latents import Example, ExampleBatches, scale_of, vocabulary_of
from seedbench.generators.reference.training.running import by_the_first, device_words, rank, run
from seedbench.generators.reference.training.tokenizers import CodecTraining, CoderTraining, FacesTraining, GridTraining, PolishTraining
from seedbench.generators.reference.training.twins import TwinTraining
from seedbench.generators.reference.training.validation import Validation
from seedbench.generators.reference.transformer import JointTransformer, TransformerConfig
from seedbench.generators.reference.twins import TWINS, Twin
from seedbench.plugins.instances import make_metrics

Report = Callable[[str], None]
_Batches = Callable[["Files"], Numbered[Any]]
_Made = tuple[Training[Any], dict[str, Tensor]]
"""A trained stage, and numbers that belong to its weights."""


@dataclass(frozen=True)
class Files:
    """The shard files of a world."""

    clips: tuple[Path, ...]
    stills: tuple[Path, ...]

    @classmethod
    def of(cls, jobs: Sequence[shards.Job]) -> Files:
        """Those of jobs."""
        return cls(tuple(job.file for job in jobs if not job.stills), tuple(job.file for job in jobs if job.stills))

    @property
    def all(self) -> tuple[Path, ...]:
        """Clips, then stills."""
        return self.clips + self.stills

    @property
    def names(self) -> bytes:
        """Their names, which say how many rows of which world they hold and how they were made."""
        return "/".join(file.name for file in self.all).encode()


@dataclass(frozen=True)
class Work:
    """One training: its config (``name`` for the record), its folder, that of its shards, and where it starts from (None: anew)."""

    config: Config
    name: str
    out: Path
    rendered: Path
    start: Path | None
    report: Report

    @property
    def jobs(self) -> list[shards.Job]:
        """All shard files: those it is trained on, and those kept aside."""
        return [*self.config.jobs(self.rendered), *self.config.jobs_aside(self.rendered)]

    @property
    def learned(self) -> Files:
        """The shard files it is trained on."""
        return Files.of(self.config.jobs(self.rendered))

    @property
    def aside(self) -> Files | None:
        """Those kept aside, if any."""
        jobs = self.config.jobs_aside(self.rendered)
        return Files.of(jobs) if jobs else None

    @property
    def tokenizers(self) -> Path:
        """Where its tokenizers lie once they are trained."""
        return self.out / TOKENIZERS_FILE


def train(
    config: Config,
    *,
    name: str = "",
    out: Path,
    shards_folder: Path | None = None,
    start: Path | None = None,
    twins_only: bool = False,
    twins: Sequence[Twin] = TWINS,
    processes: int = 1,
    report: Report = print,
) -> None:
    """Train both twins, or go on with it. Raises GeneratorError for what cannot be begun, Stopped after Ctrl-C.

    ``twins_only`` takes the tokenizers that lie in ``out`` as they are, however they were made. With one of ``twins`` the other is left
    to another process, which may run at the same time once tokenizers and latents are there.
    """
    work = Work(config, name, out, shards_folder or out / "shards", start, report if rank() == 0 else _unsaid)
    _check(work, twins_only=twins_only)
    torch.set_float32_matmul_precision("high")
    render(work.jobs, processes=processes, report=report)
    if not work.tokenizers.exists():
        for stage, trained in _TOKENIZERS.items():
            if not _stage_file(work, stage).exists():
                torch.manual_seed(config.seed)
                _keep(*trained(work), _stage_file(work, stage))
        by_the_first(work.tokenizers, lambda: _whole_tokenizers(work).save(work.tokenizers))
    if all((out / f"{twin}.safetensors").exists() for twin in twins):
        report(f"nothing is left to do: {' and '.join(twins)} are in {out}")
        return
    vocabulary = _vocabulary(work)
    examples = functools.cache(lambda of: _latents(work, of, vocabulary))
    for twin in twins:
        _twin(work, twin, vocabulary, examples)


def _unsaid(line: str) -> None:
    """What devices but the first report."""


def render(jobs: list[shards.Job], *, processes: int, report: Report) -> None:
    """Make the shard files that are not there."""
    todo = shards.missing(jobs)
    if not todo:
        return
    if rank() > 0:
        raise GeneratorError("shards are missing: make them first, with `seedbench reference shards`")
    for done, job in enumerate(shards.make(todo, processes=processes), 1):
        report(f"shards: {job.file.name} ({done} of {len(todo)})")


def _check(work: Work, *, twins_only: bool) -> None:
    """Raise GeneratorError for a folder begun otherwise, and for weights that are missing."""
    config, out, start = work.config, work.out, work.start
    if twins_only and not work.tokenizers.exists():
        raise GeneratorError(f"--twins-only needs {TOKENIZERS_FILE} in {out}: put it there, or leave the option out")
    if start is not None:
        for file in (TOKENIZERS_FILE, *(f"{twin}.safetensors" for twin in TWINS)):
            if not (start / file).exists():
                raise GeneratorError(f"there is no {file} in {start} to start from")
    elif 0 in ((config.twins.steps,) if twins_only else _steps(config)):
        raise GeneratorError("a stage of 0 steps keeps the weights of --start, which is not given")
    if config.validation.every:
        make_metrics(config.validation.metrics)  # an unknown name is told now, not after hours
    kept = out / "config.yaml"
    if kept.exists():
        before = load(kept).deciding()
        changed = [name for name, value in config.deciding().items() if before.get(name) != value]
        if twins_only:
            changed = [name for name in changed if not name.startswith(tuple(f"{stage}." for stage in _TOKENIZERS))]
        if changed:
            raise GeneratorError(
                f"{out} was begun with another config ({changed[0]} was {before.get(changed[0])}, is {config.deciding()[changed[0]]}): "
                "name another folder, or the config it was begun with"
            )
        _check_begun(work)
    elif rank() == 0:
        out.mkdir(parents=True, exist_ok=True)
        _begun_file(work).write_text(json.dumps(_begun(work)) + "\n")
        kept.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def _begun(work: Work) -> dict[str, Any]:
    """What decides the weights beside the config: the version of the shards, and the weights it starts from."""
    start = None if work.start is None else "-".join(weights_digest(twin, work.start)[:12] for twin in TWINS)
    return {"shards": shards.VERSION, "start": start}


def _begun_file(work: Work) -> Path:
    return work.out / "begun.json"


def _check_begun(work: Work) -> None:
    """Raise GeneratorError where a training cannot go on from what it began with."""
    before, now = json.loads(_begun_file(work).read_text()), _begun(work)
    if before["shards"] != now["shards"]:
        raise GeneratorError(
            f"{work.out} was begun with shards of version {before['shards']}, they are of version {now['shards']} now: name another folder"
        )
    if before["start"] != now["start"]:
        began = "without --start" if before["start"] is None else "with the weights of another --start"
        raise GeneratorError(f"{work.out} was begun {began}: give the same command, or name another folder")


def _steps(config: Config) -> tuple[int, ...]:
    """Steps of all stages."""
    return (*(getattr(config, stage).steps for stage in _TOKENIZERS), config.twins.steps)


def _sizes(config: Config) -> TokenizerConfig:
    world, grid, coder, faces = config.world, config.grid, config.coder, config.faces
    codes = (coder.person, coder.shot, coder.motion, coder.told)
    depths = (coder.seen, coder.hidden, coder.blocks)
    return TokenizerConfig(world.width, world.height, *codes, grid.cell, grid.channels, *depths, faces.side, faces.channels)


def _grid(work: Work) -> _Made:
    config, made = work.config, work.config.grid
    training = GridTraining(_sizes(config), steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        _begin(training, Tokenizers.load(work.start / TOKENIZERS_FILE).video.grid, work.start)
    if made.steps:
        _run(work, training, lambda of: PictureBatches(Rows(of.clips), Rows(of.stills), batch=made.batch, seed=config.seed))
    return training, {}


def _coder(work: Work) -> _Made:
    config, made = work.config, work.config.coder
    training = CoderTraining(_sizes(config), steps=made.steps, rate=made.rate, seed=config.seed)
    cells = functools.cache(lambda of: _cells(work, of, _trained_grid(work)))
    mean, deviation = spread_of(cells(work.learned))
    if work.start is not None:
        video = Tokenizers.load(work.start / TOKENIZERS_FILE).video
        mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
        _begin(training, nn.ModuleDict({"encoder": video.encoder, "decoder": video.decoder}), work.start)
    if made.steps:
        shape = {"n_clips": made.n_clips, "pictures": made.pictures, "n_stills": made.n_stills}

        def batches(of: Files) -> ViewBatches:
            return ViewBatches(cells(of), acted(of.all, cells(of)), mean, deviation, seed=config.seed, **shape)

        _run(work, training, batches)
    return training, {"mean": mean, "deviation": deviation}


def _polish(work: Work) -> _Made:
    config, made = work.config, work.config.polish
    video = _video(work)
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
    training = PolishTraining(_sizes(config), mean, deviation, steps=made.steps, rate=made.rate, seed=config.seed)
    _take_up(training, nn.ModuleDict({"decoder": video.decoder, "grid": video.grid}))
    training.net["grid"].down.requires_grad_(False)
    if made.steps:
        _run(work, training, _shown(work, video, batch=made.batch))
    return training, {}


def _shown(work: Work, video: VideoTokenizer, *, batch: int, faces_only: bool = False) -> _Batches:
    """Batches of pictures with their codes."""
    config = work.config
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")

    def batches(of: Files) -> ShownBatches:
        cells = _cells(work, of, _trained_grid(work))
        told = config.coder.told
        person, shot, motion = codes_of(cells, video.encoder.to(_device(work)), mean, deviation)
        if faces_only:  # the twins tell the painter what lips do as the simulator knows it
            motion = as_acted(motion, acted(of.all, cells), told)
        codes = (person, shot, motion)
        return ShownBatches(Rows(of.all), cells.rows, codes, told=told, batch=batch, seed=config.seed, faces_only=faces_only)

    return batches


def _faces(work: Work) -> _Made:
    config, made = work.config, work.config.faces
    video = _video(work).eval().requires_grad_(False)
    training = FacesTraining(video, steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        before = Tokenizers.load(work.start / TOKENIZERS_FILE).video.faces
        _begin(training, nn.ModuleDict({"faces": before}), work.start)
    if made.steps:
        _run(work, training, _shown(work, video, batch=made.batch, faces_only=True))
    return training, {}


def _codec(work: Work) -> _Made:
    config, made = work.config, work.config.codec
    training = CodecTraining(CodecConfig(made.code, made.channels), steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        _begin(training, Tokenizers.load(work.start / TOKENIZERS_FILE).sound, work.start)
    if made.steps:
        _run(work, training, lambda of: BandBatches(heard(of.clips), batch=made.batch, codes=made.codes, seed=config.seed))
    return training, {}


_TOKENIZERS: dict[str, Callable[[Work], _Made]] = {"grid": _grid, "coder": _coder, "polish": _polish, "faces": _faces, "codec": _codec}


def _cells(work: Work, of: Files, grid: Grid) -> Cells:
    """The cells of shards."""
    return cache.read_cells(of.all, _cells_folder(work, of, grid))


def _cells_folder(work: Work, of: Files, grid: Grid) -> Path:
    """The folder with the cells of shards, made where they are not there."""
    weights = b"".join(one.detach().numpy().tobytes() for one in grid.state_dict().values())
    folder = work.out / "cells" / cache.key_of(weights, of.names)

    def make() -> None:
        grid.eval().requires_grad_(False).to(_device(work))
        at = iter(range(1, len(of.all) + 1))
        cache.cells(of.all, grid, folder, tick=lambda: work.report(f"cells: {next(at)} of {len(of.all)} files"))
        (folder / "done").touch()

    by_the_first(folder / "done", make)
    return folder


def _vocabulary(work: Work) -> Vocabulary:
    """The words and sounds of what is learned, or those of the weights it starts from."""
    if work.start is not None:
        return ReferenceModel.load("joint", work.start).vocabulary
    sizes = work.config.transformer
    return vocabulary_of(told(work.learned.all), max_words=sizes.words, max_symbols=sizes.symbols)


def _latents(work: Work, of: Files, vocabulary: Vocabulary) -> list[Example]:
    """Shards through the tokenizers as they are exported (rounded to what the file holds)."""
    tokenizers = Tokenizers.load(work.tokenizers)
    size, world = tokenizers.video.config, work.config.world
    if (size.width, size.height) != (world.width, world.height):
        raise GeneratorError(
            f"{work.tokenizers} is for pictures of {size.width} x {size.height}, the config's world has {world.width} x {world.height}"
        )
    grid = _grid_of(work, tokenizers)
    folder = work.out / "latents" / cache.key_of(work.tokenizers.read_bytes(), cache.key_of_words(vocabulary), of.names)

    def make() -> None:
        cells = _cells_folder(work, of, grid)
        for part in (tokenizers.video, tokenizers.sound):
            part.eval().requires_grad_(False).to(_device(work))
        at = iter(range(1, len(of.all) + 1))

        def tick() -> None:
            work.report(f"latents: {next(at)} of {len(of.all)} files")

        cache.encoded(of.all, cells, tokenizers, vocabulary, folder, tick=tick)
        (folder / "done").touch()

    by_the_first(folder / "done", make)
    return cache.read([folder / file.name for file in of.all])


def _grid_of(work: Work, tokenizers: Tokenizers) -> Grid:
    """The grid of the stages if it is the tokenizers' but for their rounding (its cells are there), else the tokenizers' own."""
    from safetensors.torch import load_file

    file = _stage_file(work, "grid")
    if file.exists():
        stored, exported = load_file(file), tokenizers.video.grid.state_dict()
        # Cells come of the encoder; the decoder is trained on after the stage.
        encoder = [name for name in exported if not name.startswith("up.")]
        if all(name in stored and _rounded_alike(stored[name], exported[name]) for name in encoder):
            return _trained_grid(work)
    return tokenizers.video.grid


def _rounded_alike(one: Tensor, rounded: Tensor) -> bool:
    """Whether a weight is another one but for the rounding of :meth:`ReferenceModel.save`."""
    return one.shape == rounded.shape and bool(((one - rounded).abs() <= 0.01 * rounded.abs().amax(-1, keepdim=True) + 1e-6).all())


def _device(work: Work) -> str:
    return "cuda" if work.config.machine.accelerator != "cpu" and torch.cuda.is_available() else "cpu"


def _twin(work: Work, twin: Twin, vocabulary: Vocabulary, examples: Callable[[Files], list[Example]]) -> None:
    config, made = work.config, work.config.twins
    file = work.out / f"{twin}.safetensors"
    if file.exists():
        return
    tokenizers = Tokenizers.load(work.tokenizers)
    scale = scale_of(examples(work.learned))
    torch.manual_seed(config.seed)
    training = TwinTraining(_transformer_config(config, tokenizers, vocabulary), twin, steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        before = ReferenceModel.load(twin, work.start)
        _begin(training, before.transformer, work.start)
        scale = scale if made.steps else before.scale
    whole = JointTransformer(training.transformer.config).requires_grad_(False)
    model = ReferenceModel(twin, _ready(tokenizers), whole, scale, vocabulary, {})
    if made.steps:
        shape = {"batch": made.batch, "still_every": made.still_every}
        checks = [_validation(work, model)] if config.validation.every else []
        _run(work, training, lambda of: ExampleBatches(examples(of), scale, vocabulary, twin, seed=config.seed, **shape), checks)
    weights = training.averaged_weights()

    def save() -> None:
        whole.load_state_dict(weights)
        ReferenceModel(twin, tokenizers, whole, scale, vocabulary, _trained(work, twin, whole)).save(work.out)
        work.report(f"{twin}: wrote {file}")

    by_the_first(file, save)


def _validation(work: Work, model: ReferenceModel) -> Validation:
    asked, world = work.config.validation, work.config.world
    # Another seed than the evaluation's, whose prompts stay unseen until then.
    written = heldout.write(work.out / "heldout", prompts=asked.prompts, seed=world.seed + 1)
    few = HeldOut(written.file, written.prompts[: asked.prompts])
    size = (world.width, world.height)
    return Validation(model, few, asked.metrics, every=asked.every, steps=asked.sampling_steps, out=work.out, size=size)


def _transformer_config(config: Config, tokenizers: Tokenizers, vocabulary: Vocabulary) -> TransformerConfig:
    asked, video, sound = config.transformer, tokenizers.video.config, tokenizers.sound.config
    codes = {"person": video.person, "shot": video.shot, "video": FRAMES_PER_TOKEN * video.motion, "sound": sound.code}
    sizes = (asked.width, asked.depth, asked.heads, asked.text_depth, asked.spread)
    return TransformerConfig(*sizes, words=len(vocabulary.words), symbols=len(vocabulary.symbols), codes=codes, told=video.told)


def _trained(work: Work, twin: Twin, transformer: nn.Module) -> dict[str, Any]:
    """What is said of the weights for good."""
    stages = _stages(work)
    mine = stages.get(twin, {"steps": 0, "seconds": 0.0})
    return {
        "config": work.name,
        "steps": mine["steps"],
        "seconds": mine["seconds"],
        "tokenizers": ", ".join(f"{stage} {stages[stage]['steps']} steps" for stage in _TOKENIZERS if stage in stages),
        "device": device_words(work.config.machine),
        "clips": work.config.world.clips,
        "stills": work.config.world.stills,
        "params": sum(one.numel() for one in transformer.parameters()),
        "started_from": work.start.name if work.start is not None else None,
    }


def _begin(training: Training[Any], trained: nn.Module, start: Path) -> None:
    """Take up the weights of another training. Raises GeneratorError where they do not fit."""
    try:
        _take_up(training, trained)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise GeneratorError(f"the weights in {start} have other sizes than the config ({reason})") from error


def _take_up(training: Training[Any], trained: nn.Module) -> None:
    """Take up weights, and their average with them."""
    training.net.load_state_dict(trained.state_dict())
    training.average.module.load_state_dict(trained.state_dict())


def _stage_file(work: Work, stage: str) -> Path:
    return work.out / "stages" / f"{stage}.safetensors"


def _keep(training: Training[Any], more: dict[str, Tensor], file: Path) -> None:
    """Write the average, and what else belongs to it, where the next stages find it."""
    from safetensors.torch import save_file

    weights = {name: one.contiguous() for name, one in (training.averaged_weights() | more).items()}

    def save() -> None:
        with atomic_write(file) as place:
            save_file(weights, place)

    by_the_first(file, save)


def _trained_grid(work: Work) -> Grid:
    from safetensors.torch import load_file

    grid = Grid(_sizes(work.config))
    grid.load_state_dict(load_file(_stage_file(work, "grid")))
    return grid


def _video(work: Work) -> VideoTokenizer:
    """The video tokenizer as far as its stages have made it."""
    from safetensors.torch import load_file

    video = VideoTokenizer(_sizes(work.config))
    parts = {f"grid.{name}": one for name, one in load_file(_stage_file(work, "grid")).items()} | load_file(_stage_file(work, "coder"))
    for stage in ("polish", "faces"):
        if _stage_file(work, stage).exists():
            parts |= load_file(_stage_file(work, stage))
    video.load_state_dict(video.state_dict() | parts)  # what no stage has made yet is as it was begun
    return video


def _whole_tokenizers(work: Work) -> Tokenizers:
    """What the stages made, put together."""
    from safetensors.torch import load_file

    video = _video(work)
    sound = SoundCodec(CodecConfig(work.config.codec.code, work.config.codec.channels))
    sound.load_state_dict(load_file(_stage_file(work, "codec")))
    return Tokenizers(video, sound)


def _ready(tokenizers: Tokenizers) -> Tokenizers:
    for part in (tokenizers.video, tokenizers.sound):
        part.eval().requires_grad_(False)
    return tokenizers


def _stages(work: Work) -> dict[str, Any]:
    file = work.out / "stages.json"
    return json.loads(file.read_text()) if file.exists() else {}


def _run(work: Work, training: Training[Any], batches: _Batches, callbacks: Sequence[Callback] = ()) -> None:
    """Train, and keep how many steps and seconds it took."""
    stage = training.stage
    aside = batches(work.aside) if work.aside is not None else None
    seconds = run(training, batches(work.learned), aside=aside, config=work.config, out=work.out, report=work.report, callbacks=callbacks)
    work.report(f"{stage}: {training.steps} steps in {seconds / 60:.1f} min")
    if rank() == 0:
        stages = {**_stages(work), stage: {"steps": training.steps, "seconds": round(seconds, 3)}}
        (work.out / "stages.json").write_text(json.dumps(stages, indent=1) + "\n")
