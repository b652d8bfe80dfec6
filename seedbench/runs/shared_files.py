"""Files that stand in a run several times: one clip under two systems, two prompts or two seeds is often a mistake of a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from seedbench.errors import ClipError
from seedbench.files.hashing import file_sha256
from seedbench.plugins.generator import Importer
from seedbench.runs.labels import listed
from seedbench.suites.prompt import Prompt

_SHOWN = 3


@dataclass(frozen=True)
class ImportedSystem:
    """A system whose clips exist already, with its label and the seeds that it is asked."""

    label: str
    importer: Importer
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class _Use:
    """One place in which a file stands."""

    label: str
    words: str


def shared_files(systems: Sequence[ImportedSystem], prompts: Sequence[Prompt]) -> list[str]:
    """Sentences about clips with the same content under several systems, or several times under one.

    Args:
        systems: the systems of the run whose clips exist already.
        prompts: the prompts of the run.

    Returns:
        One sentence for each of the first groups of systems that share clips, and one about systems that have a clip several times. Files
        that cannot be read are not compared; their cells say so.
    """
    uses: dict[str, list[_Use]] = defaultdict(list)
    for system in systems:
        for prompt in prompts:
            for seed in system.seeds:
                file = system.importer.clip_file(prompt, seed)
                if file is None:
                    continue
                try:
                    content = file_sha256(file)
                except ClipError:
                    continue
                uses[content].append(_Use(system.label, f"{file.name} (prompt {prompt.id}, seed {seed})"))
    among: dict[tuple[str, ...], list[list[_Use]]] = defaultdict(list)
    within: dict[str, list[list[_Use]]] = defaultdict(list)
    for of_content in uses.values():
        labels = tuple(dict.fromkeys(use.label for use in of_content))
        if len(labels) > 1:
            among[labels].append([next(use for use in of_content if use.label == label) for label in labels])
        for label in labels:
            twice = [use for use in of_content if use.label == label]
            if len(twice) > 1:
                within[label].append(twice)
    sentences = [
        f"The same content stands under several systems ({listed(labels)}): {_clips(shared)}."
        for labels, shared in list(among.items())[:_SHOWN]
    ]
    if len(among) > _SHOWN:
        sentences.append(f"{len(among) - _SHOWN} more groups of systems share content.")
    if within:
        first = next(iter(within))
        what = f"for example of {first}, " if len(within) > 1 else ""
        sentences.append(f"{listed(list(within))}: the same content several times, {what}{_clips(within[first])}.")
    return sentences


def _clips(shared: Sequence[Sequence[_Use]]) -> str:
    """How many clips stand several times, and where the first of them do."""
    places = [" = ".join(use.words for use in same[:_SHOWN]) + (" = ..." if len(same) > _SHOWN else "") for same in shared[:_SHOWN]]
    return f"{len(shared)} clip{'s' if len(shared) > 1 else ''}: {'; '.join([*places, *(['...'] if len(shared) > _SHOWN else [])])}"
