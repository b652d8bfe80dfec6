"""Whether a training can begin in its folder, or go on in it: the record of what it began with."""

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
from seedbench.generators.reference.training.setup import TOKENIZER_STAGES, Work
from seedbench.generators.reference.twins import TWINS
from seedbench.plugins.instances import make_metrics


def check_folder(work: Work, *, twins_only: bool) -> None:
    """Raise GeneratorError for a folder begun otherwise, and for weights that are missing."""
    config, out, start = work.config, work.out, work.start
    if twins_only and not work.tokenizers.exists():
        raise GeneratorError(f"--twins-only needs {TOKENIZERS_FILE} in {out}: put it there, or leave the option out")
    if start is not None:
        for file in (TOKENIZERS_FILE, *(f"{twin}.safetensors" for twin in TWINS)):
            if not (start / file).exists():
                raise GeneratorError(f"there is no {file} in {start} to start from")
    elif 0 in ((config.twins.steps,) if twins_only else steps_of(config)):
        raise GeneratorError("a stage of 0 steps keeps the weights of --start, which is not given")
    if config.validation.every:
        make_metrics(config.validation.metrics)  # an unknown name is told now, not after hours
    kept = out / "config.yaml"
    if kept.exists():
        before = load(kept).deciding()
        changed = [name for name, value in config.deciding().items() if before.get(name) != value]
        if twins_only:
            changed = [name for name in changed if not name.startswith(tuple(f"{stage}." for stage in TOKENIZER_STAGES))]
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


def steps_of(config: Config) -> tuple[int, ...]:
    """Steps of all stages."""
    return (*(getattr(config, stage).steps for stage in TOKENIZER_STAGES), config.twins.steps)
