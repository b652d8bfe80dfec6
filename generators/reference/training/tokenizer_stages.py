"""The stages of the tokenizers: grid, coder, polish, faces and codec, each trained on what the stages before it have left."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from seedbench.generators.reference.codec import CodecConfig, SoundCodec
from seedbench.generators.reference.model import TOKENIZERS_FILE, Tokenizers
from seedbench.generators.reference.tokenizer import VideoTokenizer
from seedbench.generators.reference.training.averaging import Training
from seedbench.generators.reference.training.batches import BandBatches, PictureBatches, ShownBatches, ViewBatches
from seedbench.generators.reference.training.cells import acted, as_acted, codes_of, spread_of
from seedbench.generators.reference.training.encoded import cells_of_files
from seedbench.generators.reference.training.rows import Rows, heard
from seedbench.generators.reference.training.setup import TOKENIZER_STAGES, Files, Work, device, stage_file, tokenizer_config, trained_grid
from seedbench.generators.reference.training.stages import Batches, run_stage, take_up, take_up_from
from seedbench.generators.reference.training.tokenizers import CodecTraining, CoderTraining, FacesTraining, GridTraining, PolishTraining

_Made = tuple[Training[Any], dict[str, Tensor]]
"""A trained stage, and numbers that belong to its weights."""


def train_grid(work: Work) -> _Made:
    config, made = work.config, work.config.grid
    training = GridTraining(tokenizer_config(config), steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        take_up_from(training, Tokenizers.load(work.start / TOKENIZERS_FILE).video.grid, work.start)
    if made.steps:
        run_stage(work, training, lambda of: PictureBatches(Rows(of.clips), Rows(of.stills), batch=made.batch, seed=config.seed))
    return training, {}


def train_coder(work: Work) -> _Made:
    config, made = work.config, work.config.coder
    training = CoderTraining(tokenizer_config(config), steps=made.steps, rate=made.rate, seed=config.seed)
    cells = functools.cache(lambda of: cells_of_files(work, of, trained_grid(work)))
    mean, deviation = spread_of(cells(work.learned))
    if work.start is not None:
        video = Tokenizers.load(work.start / TOKENIZERS_FILE).video
        mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
        take_up_from(training, nn.ModuleDict({"encoder": video.encoder, "decoder": video.decoder}), work.start)
    if made.steps:
        shape = {"n_clips": made.n_clips, "pictures": made.pictures, "n_stills": made.n_stills}

        def batches(of: Files) -> ViewBatches:
            return ViewBatches(cells(of), acted(of.all, cells(of)), mean, deviation, seed=config.seed, **shape)

        run_stage(work, training, batches)
    return training, {"mean": mean, "deviation": deviation}


def train_polish(work: Work) -> _Made:
    config, made = work.config, work.config.polish
    video = video_tokenizer(work)
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")
    training = PolishTraining(tokenizer_config(config), mean, deviation, steps=made.steps, rate=made.rate, seed=config.seed)
    take_up(training, nn.ModuleDict({"decoder": video.decoder, "grid": video.grid}))
    training.net["grid"].down.requires_grad_(False)
    if made.steps:
        run_stage(work, training, picture_batches(work, video, batch=made.batch))
    return training, {}


def picture_batches(work: Work, video: VideoTokenizer, *, batch: int, faces_only: bool = False) -> Batches:
    """Batches of pictures with their codes."""
    config = work.config
    mean, deviation = video.get_buffer("mean"), video.get_buffer("deviation")

    def batches(of: Files) -> ShownBatches:
        cells = cells_of_files(work, of, trained_grid(work))
        told = config.coder.told
        person, shot, motion = codes_of(cells, video.encoder.to(device(work)), mean, deviation)
        if faces_only:  # the twins tell the painter what lips do as the simulator knows it
            motion = as_acted(motion, acted(of.all, cells), told)
        codes = (person, shot, motion)
        return ShownBatches(Rows(of.all), cells.rows, codes, told=told, batch=batch, seed=config.seed, faces_only=faces_only)

    return batches


def train_faces(work: Work) -> _Made:
    config, made = work.config, work.config.faces
    video = video_tokenizer(work).eval().requires_grad_(False)
    training = FacesTraining(video, steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        before = Tokenizers.load(work.start / TOKENIZERS_FILE).video.faces
        take_up_from(training, nn.ModuleDict({"faces": before}), work.start)
    if made.steps:
        run_stage(work, training, picture_batches(work, video, batch=made.batch, faces_only=True))
    return training, {}


def train_codec(work: Work) -> _Made:
    config, made = work.config, work.config.codec
    training = CodecTraining(CodecConfig(made.code, made.channels), steps=made.steps, rate=made.rate, seed=config.seed)
    if work.start is not None:
        take_up_from(training, Tokenizers.load(work.start / TOKENIZERS_FILE).sound, work.start)
    if made.steps:
        run_stage(work, training, lambda of: BandBatches(heard(of.clips), batch=made.batch, codes=made.codes, seed=config.seed))
    return training, {}


TOKENIZER_TRAININGS: dict[str, Callable[[Work], _Made]] = dict(
    zip(TOKENIZER_STAGES, (train_grid, train_coder, train_polish, train_faces, train_codec), strict=True)
)


def video_tokenizer(work: Work) -> VideoTokenizer:
    """The video tokenizer as far as its stages have made it."""
    from safetensors.torch import load_file

    video = VideoTokenizer(tokenizer_config(work.config))
    parts = {f"grid.{name}": one for name, one in load_file(stage_file(work, "grid")).items()} | load_file(stage_file(work, "coder"))
    for stage in ("polish", "faces"):
        if stage_file(work, stage).exists():
            parts |= load_file(stage_file(work, stage))
    video.load_state_dict(video.state_dict() | parts)  # what no stage has made yet is as it was begun
    return video


def joined_tokenizers(work: Work) -> Tokenizers:
    """What the stages made, put together."""
    from safetensors.torch import load_file

    video = video_tokenizer(work)
    sound = SoundCodec(CodecConfig(work.config.codec.code, work.config.codec.channels))
    sound.load_state_dict(load_file(stage_file(work, "codec")))
    return Tokenizers(video, sound)
