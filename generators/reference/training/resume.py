"""Whether a training can begin or resume in its folder, and the record of its beginning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from seedbench.errors import GeneratorError
from seedbench.generators.reference import shards
from seedbench.generators.reference.config import Config, load
from seedbench.generators.reference.model import TOKENIZERS_FILE, weights_digest
from seedbench.generators.reference.training.running import rank
from seedbench.generators.reference.training.setup import TOKENIZER_STAGES, TrainingSetup
from seedbench.generators.reference.twins import TWINS
from seedbench.plugins.instances import make_metrics


def check_folder(setup: TrainingSetup, *, twins_only: bool) -> None:
    """Check that a training can begin or resume in its folder; where it begins, write its config and its record there.

    Raises:
        GeneratorError: weights are missing, or the folder holds a training with other settings, shards or first weights.
        UnknownNameError: a metric of the validation does not exist. This is an error now, not after hours of training.
    """
    config, out, start = setup.config, setup.out, setup.start
    if twins_only and not setup.tokenizers_file.exists():
        raise GeneratorError(f"--twins-only needs {TOKENIZERS_FILE} in {out}: put it there, or leave the option out")
    if start is not None:
        for file in (TOKENIZERS_FILE, *(f"{twin}.safetensors" for twin in TWINS)):
            if not (start / file).exists():
                raise GeneratorError(f"there is no {file} in {start} to start from")
    elif 0 in ((config.twins.steps,) if twins_only else _steps_of_stages(config)):
        raise GeneratorError("a stage of 0 steps keeps the weights of --start, which is not given")
    if config.validation.every:
        make_metrics(config.validation.metrics)
    config_file = out / "config.yaml"
    if config_file.exists():
        _check_config(config, load(config_file), out, twins_only=twins_only)
        _check_beginning(setup)
    elif rank() == 0:
        out.mkdir(parents=True, exist_ok=True)
        _beginning_file(setup).write_text(json.dumps(_beginning(setup)) + "\n")
        config_file.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


def _check_config(config: Config, stored: Config, out: Path, *, twins_only: bool) -> None:
    """Raise GeneratorError where a setting that decides the weights has changed."""
    before, now = stored.deciding(), config.deciding()
    changed = [name for name, value in now.items() if before.get(name) != value]
    if twins_only:
        changed = [name for name in changed if not name.startswith(tuple(f"{stage}." for stage in TOKENIZER_STAGES))]
    if changed:
        raise GeneratorError(
            f"{out} was begun with another config ({changed[0]} was {before.get(changed[0])}, is {now[changed[0]]}): "
            "name another folder, or the config it was begun with"
        )


def _beginning(setup: TrainingSetup) -> dict[str, Any]:
    """What decides the weights besides the config: the version of the shards, and the weights that the training starts from."""
    start = None if setup.start is None else "-".join(weights_digest(twin, setup.start)[:12] for twin in TWINS)
    return {"shards": shards.VERSION, "start": start}


def _beginning_file(setup: TrainingSetup) -> Path:
    return setup.out / "begun.json"


def _check_beginning(setup: TrainingSetup) -> None:
    """Raise GeneratorError where the shards or the first weights are not those that the training began with."""
    before, now = json.loads(_beginning_file(setup).read_text()), _beginning(setup)
    if before["shards"] != now["shards"]:
        raise GeneratorError(
            f"{setup.out} was begun with shards of version {before['shards']}, they are of version {now['shards']} now: name another folder"
        )
    if before["start"] != now["start"]:
        began = "without --start" if before["start"] is None else "with the weights of another --start"
        raise GeneratorError(f"{setup.out} was begun {began}: give the same command, or name another folder")


def _steps_of_stages(config: Config) -> tuple[int, ...]:
    """The number of steps of each stage."""
    return (*(getattr(config, stage).steps for stage in TOKENIZER_STAGES), config.twins.steps)
