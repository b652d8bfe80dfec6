"""Names of the systems of a run: those that one ``--generator`` stands for, each under a label of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seedbench.plugins.generator import Importer
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import generator_class

_SHOWN = 5


@dataclass(frozen=True)
class _Named:
    """A system and the parts of its longest name; one part where the user chose the label."""

    spec: GeneratorSpec
    parts: tuple[str, ...]


def variants_of(item: GeneratorSpec) -> list[GeneratorSpec]:
    """The systems one ``--generator`` stands for: an import of several generators' clips is several.

    Raises:
        SeedBenchError: an option is missing, or is none that the generator takes.
    """
    return [named.spec for named in _named(item)]


def systems_of(items: Sequence[GeneratorSpec]) -> list[GeneratorSpec]:
    """The systems that all ``--generator`` stand for. Those that would have one label are named by where their clips come from.

    Raises:
        SeedBenchError: an option is missing, or is none that the generator takes.
    """
    systems = [named for item in items for named in _named(item)]
    lengths = [1] * len(systems)
    while True:
        labels = ["/".join(system.parts[-length:]) for system, length in zip(systems, lengths, strict=True)]
        counts = Counter(labels)
        growing = [index for index, system in enumerate(systems) if counts[labels[index]] > 1 and lengths[index] < len(system.parts)]
        if not growing:
            return [replace(system.spec, label=label) for system, label in zip(systems, labels, strict=True)]
        for index in growing:
            lengths[index] += 1


def listed(labels: Sequence[str]) -> str:
    """Labels for a sentence: the first five, and how many there are besides.

    >>> listed(["a", "b"]), listed(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    return ", ".join(labels[:_SHOWN]) + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")


def merge_sentences(sentences: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Each sentence once; those that say the same of several systems (``LABEL: ...``) are one sentence about all of them.

    >>> merge_sentences(["a: no clip.", "b: no clip.", "c is slow."], ["a", "b", "c"])
    ['a, b: no clip.', 'c is slow.']
    """
    by_rest: dict[str, dict[str, None]] = {}
    known = sorted(labels, key=len, reverse=True)
    for sentence in sentences:
        label = next((label for label in known if sentence.startswith(f"{label}: ")), "")
        by_rest.setdefault(sentence[len(label) :], {})[label] = None
    return [(listed(list(of_rest)) if "" not in of_rest else "") + rest for rest, of_rest in by_rest.items()]


def _named(item: GeneratorSpec) -> list[_Named]:
    kind = generator_class(item)
    variants = kind.variants(**item.options) if issubclass(kind, Importer) else {}
    has_own_label = item.label != item.name
    if not variants:
        return [_Named(item, (item.label,))]
    if len(variants) == 1 and has_own_label:
        return [_Named(GeneratorSpec(label=item.label, name=item.name, options=next(iter(variants.values()))), (item.label,))]
    prefix = f"{item.label}/" if has_own_label else ""
    return [
        _Named(
            GeneratorSpec(label=prefix + label, name=item.name, options=options),
            (prefix + label,) if has_own_label or not issubclass(kind, Importer) else kind.label_parts(label, **options),
        )
        for label, options in variants.items()
    ]
