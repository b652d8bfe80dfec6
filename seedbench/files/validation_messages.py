"""Pydantic's validation errors as sentences for people who write YAML."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from seedbench.errors import did_you_mean


def explain_with_field(details: ErrorDetails, model: type[BaseModel]) -> str:
    """One validation error as ``field: sentence``; ``model`` is the model that the file was read as."""
    location = details["loc"]
    if details["type"] == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        key = str(location[-1])
        inside = f"{field_path(location[:-1])}: " if location[:-1] else ""
        return f"{inside}unknown key {key!r}{did_you_mean(key, owner.model_fields if owner else ())}"
    name = field_path(location)
    return f"{name}: {explain_problem(details)}" if name else explain_problem(details)


def explain_problem(details: ErrorDetails) -> str:
    """One validation error as a sentence, without the name of its field."""
    given = details.get("input")
    shown = _short(given)
    match details["type"]:
        case "missing":
            return "is missing"
        case "string_type":
            return f"must be text; put {shown} in quotes" if isinstance(given, (int, float)) else f"must be text, not {shown}"
        case "literal_error":
            allowed = [word.strip("' ") for word in details["ctx"]["expected"].replace(" or ", ", ").split(",")]
            return f"{shown} is not one of {', '.join(allowed)}{did_you_mean(str(given), allowed)}"
        case "string_pattern_mismatch":
            return f"{shown} does not match {details['ctx']['pattern']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a mapping of keys, not {shown}"
        case "tuple_type" | "list_type":
            return f"must be a list, not {shown}"
    sentence = details["msg"].removeprefix("Value error, ")
    sentence = sentence[:1].lower() + sentence[1:]
    return f"{sentence}, not {shown}" if sentence.startswith("input should") and not isinstance(given, Mapping) else sentence


def _short(given: Any, length: int = 60) -> str:
    text = repr(given)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def field_path(location: Iterable[int | str]) -> str:
    """A path as people write it.

    >>> field_path(("shots", 0, "end_s"))
    'shots[0].end_s'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).lstrip(".")


def _model_at(model: type[BaseModel], location: Iterable[int | str]) -> type[BaseModel] | None:
    """The pydantic model that describes the mapping at a path, by following the annotations."""
    in_mapping = False
    for step in location:
        if isinstance(step, int) or in_mapping:  # a position of a list, or a key that the user has chosen
            in_mapping = False
            continue
        if step not in model.model_fields:
            return None
        kinds = list(_flatten(model.model_fields[step].annotation))
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not inner:
            return None
        model = inner[0]
        in_mapping = any(typing.get_origin(kind) is dict for kind in kinds)
    return model


def _flatten(annotation: Any) -> Iterator[Any]:
    """An annotation and everything inside its brackets."""
    yield annotation
    for part in typing.get_args(annotation):
        yield from _flatten(part)
