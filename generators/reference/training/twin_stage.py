"""The stage of a twin: the transformer trained on the latents of the shards, and the file of weights that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from seedbench.generators.reference import heldout
from seedbench.generators.reference.config import Config
from seedbench.generators.reference.heldout import HeldOut
from seedbench.generators.reference.model import ReferenceModel, Tokenizers
from seedbench.generators.reference.tokens import FRAMES_PER_TOKEN, Vocabulary
from seedbench.generators.reference.training.latents import Example, ExampleBatches, scale_of
from seedbench.generators.reference.training.running import by_the_first, device_words
from seedbench.generators.reference.training.setup import TOKENIZER_STAGES, Files, Work, stages_taken
from seedbench.generators.reference.training.stages import run_stage, take_up_from
from seedbench.generators.reference.training.twins import TwinTraining
from seedbench.generators.reference.training.validation import Validation
from seedbench.generators.reference.transformer import JointTransformer, TransformerConfig
from seedbench.generators.reference.twins import Twin


def train_twin(work: Work, twin: Twin, vocabulary: Vocabulary, examples: Callable[[Files], list[Example]]) -> None:
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
        take_up_from(training, before.transformer, work.start)
        scale = scale if made.steps else before.scale
    whole = JointTransformer(training.transformer.config).requires_grad_(False)
    model = ReferenceModel(twin, _ready(tokenizers), whole, scale, vocabulary, {})
    if made.steps:
        shape = {"batch": made.batch, "still_every": made.still_every}
        checks = [_validation(work, model)] if config.validation.every else []
        run_stage(work, training, lambda of: ExampleBatches(examples(of), scale, vocabulary, twin, seed=config.seed, **shape), checks)
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
    stages = stages_taken(work)
    mine = stages.get(twin, {"steps": 0, "seconds": 0.0})
    return {
        "config": work.name,
        "steps": mine["steps"],
        "seconds": mine["seconds"],
        "tokenizers": ", ".join(f"{stage} {stages[stage]['steps']} steps" for stage in TOKENIZER_STAGES if stage in stages),
        "device": device_words(work.config.machine),
        "clips": work.config.world.clips,
        "stills": work.config.world.stills,
        "params": sum(one.numel() for one in transformer.parameters()),
        "started_from": work.start.name if work.start is not None else None,
    }


def _ready(tokenizers: Tokenizers) -> Tokenizers:
    for part in (tokenizers.video, tokenizers.sound):
        part.eval().requires_grad_(False)
    return tokenizers
