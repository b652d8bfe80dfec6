"""What a run is made of, as values: everything that decides its numbers, and nothing else.

Settings that change the answer are fields of :class:`RunSpec`; settings that do not (workers, name, where the report goes) are no part
of it. A test holds every option of ``seedbench run`` to be one or the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from seedbench.files.hashing import digest_of
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.options import upgrade_options
from seedbench.suites.earlier_form import read_prompt, stored_json
from seedbench.suites.prompt import Prompt


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
        plain["prompts"] = [stored_json(prompt) | _tags(prompt) for prompt in self.prompts]
        plain["generators"] = [item.as_json() for item in self.generators]
        plain["reference"] = self.reference.as_json() if self.reference else None
        return json.loads(json.dumps(plain, default=list))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> RunSpec:
        """The inverse of :meth:`as_json`."""
        data = dict(plain)
        data["prompts"] = tuple(read_prompt(item) for item in data["prompts"])
        data["generators"] = tuple(GeneratorSpec.from_json(item) for item in data["generators"])
        data["reference"] = GeneratorSpec.from_json(data["reference"]) if data["reference"] else None
        for name in ("metrics", "seeds", "reference_seeds"):
            data[name] = tuple(data[name])
        return cls(**data)

    def digest(self) -> str:
        """sha256 of the spec; where the assets lie is left out, their content is in the cells' keys."""
        return self.digest_of_json(self.as_json())

    @staticmethod
    def digest_of_json(plain: Mapping[str, Any]) -> str:
        """The digest of a spec as JSON, as it was stored."""
        return digest_of({name: value for name, value in plain.items() if name != "root"})

    def is_stored_as(self, plain: Mapping[str, Any]) -> bool:
        """Whether ``plain``, a stored spec, is this one. Options that an earlier version stored as numbers count as their texts, and the
        bytes of the suite's file do not count where all prompts are the same: a suite written in another form asks for the same clips.
        """
        stored = RunSpec.from_json(plain)
        generators = tuple(replace(item, options=upgrade_options(item.name, item.options)) for item in stored.generators)
        reference = stored.reference and replace(stored.reference, options=upgrade_options(stored.reference.name, stored.reference.options))
        same_file = replace(stored, generators=generators, reference=reference, suite_sha256=self.suite_sha256)
        return same_file.digest() == self.digest()

    def seeds_of(self, item: GeneratorSpec) -> tuple[int, ...]:
        """The seeds under which a generator of the run is asked."""
        return self.seeds if item.seeds is None else item.seeds

    @property
    def all_seeds(self) -> tuple[int, ...]:
        """The seeds of all generators of the run, without those of the reference set."""
        return tuple(dict.fromkeys(seed for item in self.generators for seed in self.seeds_of(item))) or self.seeds

    def differences(self, other: RunSpec) -> list[str]:
        """Names of the fields in which two specs differ."""
        mine, theirs = self.as_json(), other.as_json()
        return [name for name in mine if name != "root" and mine[name] != theirs[name]]

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt called ``prompt_id``; KeyError if there is none."""
        return next(prompt for prompt in self.prompts if prompt.id == prompt_id)


def _tags(prompt: Prompt) -> dict[str, Any]:
    """The tags of a prompt as JSON; nothing for a prompt without tags, whose spec is then that of earlier versions."""
    return {"tags": {name: list(values) for name, values in prompt.tags.items()}} if prompt.tags else {}
