"""What a run is made of, as values: everything that decides its numbers, and nothing else.

Settings that change the answer are fields of :class:`RunSpec`; settings that do not (workers, name, where the report goes) are no part
of it. A test holds every option of ``seedbench run`` to be one or the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from seedbench.errors import SeedBenchError
from seedbench.prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec:
    """One generator of a run: a registered name with options, under a label of its own in every table."""

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """Everything that decides a run's numbers.

    ``ceiling`` labels the generator shown as the line to reach. ``reference`` is the generator whose clips (under ``reference_seeds``)
    the set metrics compare with; None: they give no answer. ``root`` is where the prompts' assets lie.
    """

    suite: str
    suite_version: str
    suite_sha256: str
    prompts: tuple[Prompt, ...]
    generators: tuple[GeneratorSpec, ...]
    metrics: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)
    width: int = 456
    height: int = 256
    fps: int = 25
    ceiling: str | None = None
    reference: GeneratorSpec | None = None
    reference_seeds: tuple[int, ...] = (1000,)
    root: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The spec as plain JSON; the prompts whole."""
        plain = asdict(self)
        plain["prompts"] = [prompt.model_dump(mode="json") for prompt in self.prompts]
        return json.loads(json.dumps(plain, default=list))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> RunSpec:
        """The inverse of :meth:`as_json`."""
        data = dict(plain)
        data["prompts"] = tuple(Prompt.model_validate(item) for item in data["prompts"])
        data["generators"] = tuple(GeneratorSpec(**item) for item in data["generators"])
        data["reference"] = GeneratorSpec(**data["reference"]) if data["reference"] else None
        for name in ("metrics", "seeds", "reference_seeds"):
            data[name] = tuple(data[name])
        return cls(**data)

    def digest(self) -> str:
        """sha256 of the spec; where the assets lie is left out, their content is in the cells' keys."""
        plain = self.as_json()
        del plain["root"]
        return digest_of(plain)

    def differences(self, other: RunSpec) -> list[str]:
        """Names of the fields in which two specs differ."""
        mine, theirs = self.as_json(), other.as_json()
        return [name for name in mine if name != "root" and mine[name] != theirs[name]]

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt called ``prompt_id``; KeyError if there is none."""
        return next(prompt for prompt in self.prompts if prompt.id == prompt_id)


def digest_of(plain: Any) -> str:
    """sha256 of JSON data in one canonical form.

    >>> digest_of({"b": 1, "a": [2.5]}) == digest_of({"a": [2.5], "b": 1})
    True
    """
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()).hexdigest()


def parse_generator(text: str) -> GeneratorSpec:
    """Read ``[LABEL=]NAME[:key=value[,key=value...]]``, or a YAML file with ``label``, ``name`` and ``options``.

    Values are YAML scalars; a value with a comma is put in double quotes.

    >>> parse_generator("broken=simulator:preset=broken,sound_delay_ms=320").options
    {'preset': 'broken', 'sound_delay_ms': 320}
    >>> parse_generator("import:path=clips.csv").label
    'import'
    """
    if text.endswith((".yaml", ".yml")) and ":" not in text:
        return _generator_file(Path(text))
    head, _, tail = text.partition(":")
    label, equals, name = head.partition("=")
    if not equals:
        label, name = head, head
    if not label or not name:
        raise SeedBenchError(f"generator {text!r} is not of the form [LABEL=]NAME[:key=value,...]")
    options: dict[str, Any] = {}
    for part in _split_outside_quotes(tail) if tail else []:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise SeedBenchError(f"generator {text!r}: {part!r} is not of the form key=value")
        try:
            options[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SeedBenchError(f"generator {text!r}: the value of {key!r} cannot be read") from error
    return GeneratorSpec(label=label, name=name, options=options)


def _split_outside_quotes(text: str) -> list[str]:
    parts, quoted = [""], False
    for letter in text:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _generator_file(path: Path) -> GeneratorSpec:
    try:
        data = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise SeedBenchError(f"the generator file {path} cannot be read ({error})") from error
    if not isinstance(data, dict) or "name" not in data or set(data) - {"label", "name", "options"}:
        raise SeedBenchError(f"the generator file {path} needs `name`, and may have `label` and `options`")
    return GeneratorSpec(label=str(data.get("label", data["name"])), name=str(data["name"]), options=dict(data.get("options") or {}))
