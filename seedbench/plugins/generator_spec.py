"""A generator of a run with its options: as typed, as a YAML file, and as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seedbench.errors import SeedBenchError
from seedbench.plugins.options import parse_options, read_generator_file


@dataclass(frozen=True, kw_only=True)
class GeneratorSpec:
    """One generator of a run.

    Attributes:
        label: its name in all tables of the run.
        name: its registered name.
        options: the keyword arguments that it is constructed with.
        seeds: those of clips that exist already, if they decide its cells; None: the seeds of the run do.
    """

    label: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain data, for the spec of a run.

        Returns:
            The fields by name. ``seeds`` is left out if it is None: earlier versions wrote no such key, and the hash of a spec must stay.
        """
        plain = asdict(self)
        if self.seeds is None:
            del plain["seeds"]
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> GeneratorSpec:
        """The inverse of :meth:`as_json`.

        Args:
            plain: what :meth:`as_json` returned, in this or an earlier version.

        Returns:
            The spec.

        Raises:
            TypeError: ``plain`` has other keys.
        """
        seeds = plain.get("seeds")
        return cls(**{**plain, "seeds": None if seeds is None else tuple(seeds)})


def parse_generator(text: str) -> GeneratorSpec:
    """Read ``[LABEL=]NAME[:key=value[,key=value...]]``, or a YAML file with ``label``, ``name`` and ``options``.

    Values are read as the types that the generator declares (:mod:`seedbench.plugins.options`). A value with a comma must be in double
    quotes.

    Args:
        text: what the user typed: the generator, or the path of a ``.yaml`` or ``.yml`` file.

    Returns:
        The generator with its options. Whether it takes them is checked by :func:`seedbench.plugins.instances.generator_class`.

    Raises:
        SeedBenchError: the text has another form, an option is given twice, or a value does not have its declared type.
        PluginError: the generator cannot be loaded.

    >>> parse_generator("broken=simulator:preset=broken,sound_delay_ms=320").options
    {'preset': 'broken', 'sound_delay_ms': 320}
    >>> parse_generator("import:path=2024-01-01").options
    {'path': '2024-01-01'}
    """
    if text.endswith((".yaml", ".yml")) and ":" not in text:
        return GeneratorSpec(**read_generator_file(Path(text)))
    head, _, tail = text.partition(":")
    label, equals, name = head.partition("=")
    if not equals:
        label, name = head, head
    if not label or not name:
        raise SeedBenchError(f"generator {text!r} is not of the form [LABEL=]NAME[:key=value,...]")
    given: dict[str, str] = {}
    for part in _split_outside_quotes(tail) if tail else []:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise SeedBenchError(f"generator {text!r}: {part!r} is not of the form key=value")
        if key.strip() in given:
            raise SeedBenchError(f"generator {text!r} gives the option {key.strip()!r} twice")
        given[key.strip()] = value
    return GeneratorSpec(label=label, name=name, options=parse_options(text, name, given))


def _split_outside_quotes(text: str) -> list[str]:
    parts, quoted = [""], False
    for letter in text:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
