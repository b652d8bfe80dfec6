"""Prompt suites: YAML files read into prompts, with errors that name the file, the line, the prompt and the mend.

A suite is a folder with ``suite.yaml`` and its assets. The shipped ones are found by name, any other by path.
"""

from __future__ import annotations

import hashlib
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from seedbench.errors import ReferenceLimitError, SuiteError, UnknownNameError
from seedbench.generator import ReferenceLimits
from seedbench.prompt import Prompt, Task
from seedbench.references import mentions, normalise, reference_problems

FILE_NAME = "suite.yaml"
_SHOWN_ERRORS = 5


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A prompt suite as read from ``path``. ``sha256`` is of the file's bytes; assets lie under :attr:`root`.

    ``warnings`` are sentences for people: nothing in them keeps the suite from being used.
    """

    name: str
    title: str
    version: str
    prompts: tuple[Prompt, ...]
    path: Path
    sha256: str
    description: str = ""
    licence: str = ""
    limits: ReferenceLimits = field(default_factory=ReferenceLimits)
    warnings: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The folder that reference paths are relative to."""
        return self.path.parent

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt of that id; UnknownNameError with the nearest one otherwise."""
        for prompt in self.prompts:
            if prompt.id == prompt_id:
                return prompt
        raise UnknownNameError(f"suite {self.name!r} has no prompt {prompt_id!r}{did_you_mean(prompt_id, [p.id for p in self.prompts])}")


class _Header(BaseModel):
    """The keys of a suite file; prompts are validated one by one so that an error can name its prompt."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str
    version: str
    description: str = ""
    licence: str = ""
    reference_limits: dict[str, Any] = Field(default_factory=dict)
    prompts: list[Any] = Field(min_length=1)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as people expect it: only true and false are booleans; ``no``, ``on``, ``12:30`` and dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":int", ":float", ":timestamp"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _firsts in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", "-+0123456789"),
    (
        "float",
        r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$",
        "-+.0123456789",
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", typing.cast(Any, __import__("re").compile(_pattern)), list(_firsts))
