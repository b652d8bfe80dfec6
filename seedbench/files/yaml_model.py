"""A YAML file of a user's as a checked pydantic model; what is wrong with it is said with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from seedbench.errors import SeedBenchError
from seedbench.files import strict_yaml as yamlfile
from seedbench.files.validation_messages import explain

Model = TypeVar("Model", bound=BaseModel)


def load(file: Path, model: type[Model], error: type[SeedBenchError]) -> Model:
    """Read ``file`` as ``model``; an empty file is one without keys. Raises ``error``, in one sentence."""
    try:
        document = yamlfile.parse(file.read_bytes())
    except OSError as cause:
        raise error(f"{file} cannot be read ({cause.strerror})") from cause
    except yamlfile.YamlError as cause:
        raise error(f"{file}{'' if cause.line is None else f', line {cause.line}'}: {cause}") from cause
    try:
        return model.model_validate({} if document.data is None else document.data)
    except ValidationError as cause:
        first = cause.errors()[0]
        raise error(f"{file}, line {document.line(first['loc'])}: {explain(first, model)}") from cause
