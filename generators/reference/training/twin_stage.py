"""The stage of a twin: its transformer is trained on the latents of the shards, and its file of weights is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from seedbench.generators.reference import heldout
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.heldout import HeldOutSuite
from seedbench.generators.reference.lip_lead import TRAINED
from seedbench.generators.reference.model import ReferenceModel, Tokenizers
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Vocabulary
from seedbench.generators.reference.training.latents import TaskBatches, TrainingExample, scale_of
from seedbench.generators.reference.training.running import device_text, make_once
from seedbench.generators.reference.training.setup import TOKENIZER_STAGES, ShardFiles, TrainingSetup, stage_record
from seedbench.generators.reference.training.stages import run_stage, start_from
from seedbench.generators.reference.training.twins import TwinTraining
from seedbench.generators.reference.training.validation import ValidationCallback
from seedbench.generators.reference.transformer import JointTransformer, TransformerConfig
from seedbench.generators.reference.twins import Twin
from seedbench.generators.simulator.acting import LIP_LEAD_S


def train_twin(
    setup: TrainingSetup, twin: Twin, vocabulary: Vocabulary, examples_of: Callable[[ShardFiles], list[TrainingExample]]
) -> None:
    """Train a twin, or resume it, and write its weights; nothing is done if they are there.

    Args:
        setup: the training; its tokenizers must be there.
        twin: ``joint`` or ``cascaded``.
        vocabulary: the words and sounds that the twin knows.
        examples_of: gives the examples of shard files.
    """
    config, settings = setup.config, setup.config.twins
    file = setup.out / f"{twin}.safetensors"
    if file.exists():
        return
    tokenizers = Tokenizers.load(setup.tokenizers_file)
    scale = scale_of(examples_of(setup.training_files))
    torch.manual_seed(config.seed)
    sizes = _transformer_config(config, tokenizers, vocabulary)
    training = TwinTraining(sizes, twin, steps=settings.steps, rate=settings.rate, seed=config.seed)
    if setup.start is not None:
        before = ReferenceModel.load(twin, setup.start)
        start_from(training, before.transformer, setup.start)
        scale = scale if settings.steps else before.scale
    transformer = JointTransformer(training.transformer.config).requires_grad_(False)
    model = ReferenceModel(twin, _frozen(tokenizers), transformer, scale, vocabulary, {})

    def batches(files: ShardFiles) -> TaskBatches:
        sizes_of_batches = {"batch": settings.batch, "still_every": settings.still_every}
        return TaskBatches(examples_of(files), scale, vocabulary, twin, seed=config.seed, **sizes_of_batches)

    if settings.steps:
        run_stage(setup, training, batches, [_validation(setup, model)] if config.validation.every else [])
    weights = training.ema_weights()

    def save() -> None:
        transformer.load_state_dict(weights)
        ReferenceModel(twin, tokenizers, transformer, scale, vocabulary, _training_facts(setup, twin, transformer)).save(setup.out)
        setup.report(f"{twin}: wrote {file}")

    make_once(file, save)


def _validation(setup: TrainingSetup, model: ReferenceModel) -> ValidationCallback:
    settings, world = setup.config.validation, setup.config.world
    # Not the seed of the evaluation: its prompts stay unseen until then.
    held_out = heldout.write_suite(setup.out / "heldout", prompts=settings.prompts, seed=world.seed + 1)
    first_prompts = HeldOutSuite(held_out.file, held_out.prompts[: settings.prompts])
    return ValidationCallback(
        model,
        first_prompts,
        settings.metrics,
        every=settings.every,
        steps=settings.sampling_steps,
        out=setup.out,
        size=(world.width, world.height),
    )


def _transformer_config(config: Config, tokenizers: Tokenizers, vocabulary: Vocabulary) -> TransformerConfig:
    settings, video, sound = config.transformer, tokenizers.video.config, tokenizers.sound.config
    codes = {"person": video.person, "shot": video.shot, "video": FRAMES_PER_TOKEN * video.motion, "sound": sound.code}
    sizes = (settings.width, settings.depth, settings.heads, settings.text_depth, settings.spread)
    return TransformerConfig(*sizes, words=len(vocabulary.words), symbols=len(vocabulary.symbols), codes=codes, told=video.told)


def _training_facts(setup: TrainingSetup, twin: Twin, transformer: nn.Module) -> dict[str, Any]:
    """The facts about a training that are stored with its weights."""
    record = stage_record(setup)
    own = record.get(twin, {"steps": 0, "seconds": 0.0})
    return {
        "config": setup.name,
        "steps": own["steps"],
        "seconds": own["seconds"],
        "tokenizers": ", ".join(f"{stage} {record[stage]['steps']} steps" for stage in TOKENIZER_STAGES if stage in record),
        "device": device_text(setup.config.machine),
        "clips": setup.config.world.clips,
        "stills": setup.config.world.stills,
        TRAINED: LIP_LEAD_S,
        "params": sum(parameter.numel() for parameter in transformer.parameters()),
        "started_from": setup.start.name if setup.start is not None else None,
    }


def _frozen(tokenizers: Tokenizers) -> Tokenizers:
    for module in (tokenizers.video, tokenizers.sound):
        module.eval().requires_grad_(False)
    return tokenizers
