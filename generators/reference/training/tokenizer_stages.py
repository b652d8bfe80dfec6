"""The stages of the tokenizers: grid, coder, polish, faces and codec, each trained on the results of the stages before it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from seedbench.generators.reference.codec import CodecConfig, SoundCodec
from seedbench.generators.reference.model import TOKENIZERS_FILE, Tokenizers
from seedbench.generators.reference.tokenizer import VideoTokenizer
from seedbench.generators.reference.training.batches import BandBatches, CodedPictureBatches, PictureBatches, ViewBatches
from seedbench.generators.reference.training.cells import acting_of_pictures, codes_of_cells, mean_and_deviation, with_known_acting
from seedbench.generators.reference.training.ema import StageTraining
from seedbench.generators.reference.training.encoded import load_cells
from seedbench.generators.reference.training.rows import ShardRows, rows_without_pictures
from seedbench.generators.reference.training.setup import (
    TOKENIZER_STAGES,
    ShardFiles,
    TrainingSetup,
    device,
    stage_file,
    tokenizer_config,
    trained_grid,
)
from seedbench.generators.reference.training.stages import MakeBatches, copy_weights, run_stage, start_from
from seedbench.generators.reference.training.tokenizers import CodecTraining, CoderTraining, FacesTraining, GridTraining, PolishTraining

_TrainedStage = tuple[StageTraining[Any], dict[str, Tensor]]
"""A trained stage, and tensors that belong to its weights."""


def train_grid(setup: TrainingSetup) -> _TrainedStage:
    """Train the grid: pictures to cells and back."""
    config, settings = setup.config, setup.config.grid
    training = GridTraining(tokenizer_config(config), steps=settings.steps, rate=settings.rate, seed=config.seed)
    if setup.start is not None:
        start_from(training, Tokenizers.load(setup.start / TOKENIZERS_FILE).video.grid, setup.start)

    def batches(files: ShardFiles) -> PictureBatches:
        return PictureBatches(ShardRows(files.clips), ShardRows(files.stills), batch=settings.batch, seed=config.seed)

    if settings.steps:
        run_stage(setup, training, batches)
    return training, {}


def train_coder(setup: TrainingSetup) -> _TrainedStage:
    """Train the coder: cells to codes and back. The mean and the deviation of the cells belong to its weights."""
    config, settings = setup.config, setup.config.coder
    training = CoderTraining(tokenizer_config(config), steps=settings.steps, rate=settings.rate, seed=config.seed)
    cells_of = functools.cache(lambda files: load_cells(setup, files, trained_grid(setup)))
    mean, deviation = mean_and_deviation(cells_of(setup.training_files))
    if setup.start is not None:
        video = Tokenizers.load(setup.start / TOKENIZERS_FILE).video
        mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
        start_from(training, nn.ModuleDict({"encoder": video.encoder, "decoder": video.decoder}), setup.start)
    counts = {"n_clips": settings.n_clips, "pictures": settings.pictures, "n_stills": settings.n_stills}

    def batches(files: ShardFiles) -> ViewBatches:
        acting = acting_of_pictures(files.all, cells_of(files))
        return ViewBatches(cells_of(files), acting, mean, deviation, seed=config.seed, **counts)

    if settings.steps:
        run_stage(setup, training, batches)
    return training, {"mean": mean, "deviation": deviation}


def train_polish(setup: TrainingSetup) -> _TrainedStage:
    """Train the decoders of coder and grid together, from codes to pixels."""
    config, settings = setup.config, setup.config.polish
    video = video_tokenizer(setup)
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
    training = PolishTraining(tokenizer_config(config), mean, deviation, steps=settings.steps, rate=settings.rate, seed=config.seed)
    copy_weights(training, nn.ModuleDict({"decoder": video.decoder, "grid": video.grid}))
    training.net["grid"].down.requires_grad_(False)
    if settings.steps:
        run_stage(setup, training, coded_picture_batches(setup, video, batch=settings.batch))
    return training, {}


def coded_picture_batches(setup: TrainingSetup, video: VideoTokenizer, *, batch: int, faces_only: bool = False) -> MakeBatches:
    """A function from shard files to batches of pictures with their codes.

    Args:
        setup: the training.
        video: the video tokenizer whose encoder gives the codes.
        batch: pictures in a batch.
        faces_only: take only pictures with a person; their motion codes then hold the acting that the simulator knows, as the codes of
            the twins will, in place of what the encoder reads from the picture.
    """
    config = setup.config
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")

    def batches(files: ShardFiles) -> CodedPictureBatches:
        cells = load_cells(setup, files, trained_grid(setup))
        n_acting = config.coder.told
        person, shot, motion = codes_of_cells(cells, video.encoder.to(device(setup)), mean, deviation)
        if faces_only:
            motion = with_known_acting(motion, acting_of_pictures(files.all, cells), n_acting)
        return CodedPictureBatches(
            ShardRows(files.all),
            cells.rows,
            (person, shot, motion),
            n_acting=n_acting,
            batch=batch,
            seed=config.seed,
            faces_only=faces_only,
        )

    return batches


def train_faces(setup: TrainingSetup) -> _TrainedStage:
    """Train the painter of faces; all else of the video tokenizer stays as it is."""
    config, settings = setup.config, setup.config.faces
    video = video_tokenizer(setup).eval().requires_grad_(False)
    training = FacesTraining(video, steps=settings.steps, rate=settings.rate, seed=config.seed)
    if setup.start is not None:
        before = Tokenizers.load(setup.start / TOKENIZERS_FILE).video.faces
        start_from(training, nn.ModuleDict({"faces": before}), setup.start)
    if settings.steps:
        run_stage(setup, training, coded_picture_batches(setup, video, batch=settings.batch, faces_only=True))
    return training, {}


def train_codec(setup: TrainingSetup) -> _TrainedStage:
    """Train the codec: log mel bands to codes and back."""
    config, settings = setup.config, setup.config.codec
    training = CodecTraining(CodecConfig(settings.code, settings.channels), steps=settings.steps, rate=settings.rate, seed=config.seed)
    if setup.start is not None:
        start_from(training, Tokenizers.load(setup.start / TOKENIZERS_FILE).sound, setup.start)

    def batches(files: ShardFiles) -> BandBatches:
        return BandBatches(rows_without_pictures(files.clips), batch=settings.batch, codes=settings.codes, seed=config.seed)

    if settings.steps:
        run_stage(setup, training, batches)
    return training, {}


TOKENIZER_TRAININGS: dict[str, Callable[[TrainingSetup], _TrainedStage]] = dict(
    zip(TOKENIZER_STAGES, (train_grid, train_coder, train_polish, train_faces, train_codec), strict=True)
)


def video_tokenizer(setup: TrainingSetup) -> VideoTokenizer:
    """The video tokenizer with the weights of the stages so far; what no stage has trained yet has its first weights."""
    from safetensors.torch import load_file

    video = VideoTokenizer(tokenizer_config(setup.config))
    grid = {f"grid.{name}": tensor for name, tensor in load_file(stage_file(setup, "grid")).items()}
    weights = grid | load_file(stage_file(setup, "coder"))
    for stage in ("polish", "faces"):
        if stage_file(setup, stage).exists():
            weights |= load_file(stage_file(setup, stage))
    video.load_state_dict(video.state_dict() | weights)
    return video


def joined_tokenizers(setup: TrainingSetup) -> Tokenizers:
    """Both tokenizers, with the weights of all their stages."""
    from safetensors.torch import load_file

    video = video_tokenizer(setup)
    sound = SoundCodec(CodecConfig(setup.config.codec.code, setup.config.codec.channels))
    sound.load_state_dict(load_file(stage_file(setup, "codec")))
    return Tokenizers(video, sound)
