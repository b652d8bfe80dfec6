"""What names say: the seed in the name of a file, and one id for each prompt, however it is written."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seedbench.errors import did_you_mean
from seedbench.generators.imported.manifest import LARGEST_SEED, ManifestError, counted
from seedbench.suites.prompt_ids import slug, slug_with_hash

Numbers = Literal["auto", "seeds", "prompts"]
"""What a number at the end of a file's name is: the seed of a prompt, a part of the prompt's name, or what the names look like."""
_CHOICES: tuple[Numbers, ...] = ("auto", "seeds", "prompts")
_SEED_SUFFIX = re.compile(r"^(?P<name>.+?)__seed(?P<seed>[0-9]+)$")
_NUMBER = re.compile(r"^(?P<name>.*\S)-(?P<seed>0|[1-9][0-9]*)$")


@dataclass(frozen=True)
class NameReading:
    """How the file names of a path are read.

    Attributes:
        largest: the largest number at the end of a name that is a seed; None: no number is one.
        remark: a sentence for the user where the names could be read in two ways; empty where not.
    """

    largest: int | None = None
    remark: str = ""

    def prompt_and_seed(self, stem: str, where: str) -> tuple[str, int | None]:
        """The prompt's name and the seed of a file, from its name without the ending.

        Raises:
            ManifestError: the seed is too large; the message begins with ``where``.
        """
        seeded = _SEED_SUFFIX.match(stem)
        numbered = _NUMBER.match(stem) if self.largest is not None and seeded is None else None
        if numbered is not None and self.largest is not None and int(numbered["seed"]) <= self.largest:
            seeded = numbered
        if seeded is None:
            return stem, None
        if int(seeded["seed"]) > LARGEST_SEED:
            raise ManifestError(f"{where}: the seed {seeded['seed']} is larger than {LARGEST_SEED}")
        return seeded["name"], int(seeded["seed"])


def checked_numbers(text: str) -> Numbers:
    """The value of the option ``numbers``. Raises ManifestError for a text that is none."""
    choice = next((known for known in _CHOICES if known == text), None)
    if choice is None:
        raise ManifestError(f"import: numbers={text!r} is none of {', '.join(_CHOICES)}{did_you_mean(text, _CHOICES)}")
    return choice


def reading_of(stems: Iterable[tuple[str, str]], numbers: Numbers, path: str) -> NameReading:
    """How to read names such as ``A cat-0`` to ``A cat-4``, as VBench and others call the clips of one prompt.

    With ``auto``, numbers are seeds where names with blanks (a prompt's text) are numbered from 0, or where two prompts or more are
    numbered from 0 without a gap. Otherwise they belong to the prompts' names: ``shot-1`` and ``shot-2`` are two prompts.

    Args:
        stems: the generator and the name without ending of each file of the path.
        numbers: what the user wants numbers to be.
        path: the path as given, for the remark.
    """
    by_prefix: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for generator, stem in stems:
        numbered = _NUMBER.match(stem)
        if numbered is not None and not _SEED_SUFFIX.match(stem):
            by_prefix[numbered["name"]][generator].add(int(numbered["seed"]))
    if not by_prefix or numbers == "prompts":
        return NameReading()
    everything = {number for of_prefix in by_prefix.values() for of_generator in of_prefix.values() for number in of_generator}
    if numbers == "seeds":
        return NameReading(max(everything))
    from_zero = {prefix: of_prefix for prefix, of_prefix in by_prefix.items() if any(0 in taken for taken in of_prefix.values())}
    complete = [prefix for prefix, of_prefix in from_zero.items() if any(map(_is_range, of_prefix.values()))]
    if not from_zero:
        return NameReading()
    largest = max(number for of_prefix in from_zero.values() for taken in of_prefix.values() for number in taken)
    examples = counted(sorted(from_zero), "prompt", 3)
    if any(" " in prefix for prefix in from_zero) or len(complete) > 1:
        seeds = f"-0 to -{largest}" if largest else "-0"
        remark = f"{path}: file names that end in {seeds} are read as seeds, of {examples}; numbers=prompts makes each a prompt of its own."
        return NameReading(largest, remark)
    if len(everything) > 1:
        remark = f"{path}: the numbers at the end of file names are part of the prompts' names; numbers=seeds makes them seeds."
        return NameReading(None, remark)
    return NameReading()


def _is_range(numbers: set[int]) -> bool:
    """Whether numbers are 0, 1 and so on, two at least."""
    return len(numbers) > 1 and numbers == set(range(len(numbers)))


def prompt_ids(names_by_generator: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """An id for each prompt's name, the same for the same names.

    Names that differ only in capital letters and blanks are one prompt where they are names of different generators, and prompts of their
    own, whose ids end in a hash, where one generator has both.

    >>> prompt_ids({"a": ["Talk 01"], "b": ["talk-01"]})
    {'Talk 01': 'talk-01', 'talk-01': 'talk-01'}
    >>> prompt_ids({"a": ["A cat", "a cat"]})
    {'A cat': 'a-cat-a7a837', 'a cat': 'a-cat-51e467'}
    """
    ids = {name: slug(name) for names in names_by_generator.values() for name in names}
    several: set[str] = set()
    for names in names_by_generator.values():
        first: dict[str, str] = {}
        several |= {ids[name] for name in names if first.setdefault(ids[name], name) != name}
    return {name: slug_with_hash(name) if known in several and known != name else known for name, known in ids.items()}


def spelling_remarks(ids: Mapping[str, str], path: str) -> list[str]:
    """Sentences about names that differ only in capital letters or blanks: which are one prompt, and which are not."""
    by_id: dict[str, list[str]] = defaultdict(list)
    by_slug: dict[str, list[str]] = defaultdict(list)
    for name, prompt_id in ids.items():
        by_id[prompt_id].append(name)
        by_slug[slug(name)].append(name)
    merged = [" = ".join(sorted(names)) for names in by_id.values() if len(names) > 1]
    apart = [" / ".join(sorted(names)) for names in by_slug.values() if len({ids[name] for name in names}) > 1]
    sentences = []
    if merged:
        sentences.append(f"{path}: {counted(merged, 'prompt')} written in several ways and taken for one each.")
    if apart:
        listed = "; ".join([*apart[:5], *(["..."] if len(apart) > 5 else [])])
        sentences.append(f"{path}: names that differ only in capital letters or blanks are prompts of their own: {listed}.")
    return sentences
