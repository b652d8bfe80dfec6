"""Reading a YAML file as a pydantic model; errors name the file and the line."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from seedbench.errors import SeedBenchError
from seedbench.files import strict_yaml
from seedbench.files.validation_messages import explain_with_field

Model = TypeVar("Model", bound=BaseModel)


def load(file: Path, model: type[Model], error: type[SeedBenchError]) -> Model:
    """Read a YAML file as a pydantic model.

    Args:
        file: the file; an empty one counts as a mapping without keys.
        model: the model to validate it with.
        error: the exception to raise for a file that cannot be read, is not valid YAML, or does not fit the model.
    """
    try:
        document = strict_yaml.parse(file.read_bytes())
    except OSError as cause:
        raise error(f"{file} cannot be read ({cause.strerror})") from cause
    except strict_yaml.YamlError as cause:
        raise error(f"{file}{'' if cause.line is None else f', line {cause.line}'}: {cause}") from cause
    try:
        return model.model_validate({} if document.data is None else document.data)
    except ValidationError as cause:
        first = cause.errors()[0]
        raise error(f"{file}, line {document.line(first['loc'])}: {explain_with_field(first, model)}") from cause
