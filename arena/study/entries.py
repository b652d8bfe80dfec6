"""The clips of runs that take part in a study, with the captions of their prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbench.results.data import RunReport
from seedbench.suites.prompt import Prompt

Caption = tuple[float, float, str]
"""The start and end of a line in seconds, and its words."""
_LETTER_S, _SHORTEST_LINE_S = 0.075, 1.2


@dataclass(frozen=True)
class Entry:
    """A clip of a run that takes part in a study.

    Attributes:
        generator: The label of its generator.
        run: The name of its run.
        prompt: The id of its prompt.
        text: The text of the prompt.
        task: The task of the prompt.
        category: The category of the prompt.
        seed: The seed that it was made with.
        file: The file.
        sha256: The hash of the clip.
        captions: The lines that were to be said.
        lost: The reason where the clip no longer exists; empty otherwise.
    """

    generator: str
    run: str
    prompt: str
    text: str
    task: str
    category: str
    seed: int
    file: Path
    sha256: str
    captions: tuple[Caption, ...] = ()
    lost: str = ""


def captions_of(prompt: Prompt) -> tuple[Caption, ...]:
    """The lines of a prompt as captions: each from its start for as long as it takes to say, or until the next line.

    Args:
        prompt: The prompt.

    Returns:
        Start and end in seconds and the words of each line, in order of time.

    >>> from seedbench.suites.prompt import Character, Line, Prompt
    >>> speech = (Line(character="a", text="Good morning to you all."), Line(character="a", text="Bye.", start_s=1.5))
    >>> captions_of(Prompt(id="p", text="", task="talking", cast=(Character(id="a"),), speech=speech))
    ((0.2, 1.5, 'Good morning to you all.'), (1.5, 2.7, 'Bye.'))
    >>> captions_of(Prompt(id="p", text="", task="characters"))
    ()
    """
    lines = sorted(prompt.speech, key=lambda line: line.start_s)
    ends = [*(line.start_s for line in lines[1:]), prompt.duration_s][: len(lines)]
    return tuple(
        (line.start_s, round(min(max(end, line.start_s), line.start_s + max(_SHORTEST_LINE_S, _LETTER_S * len(line.text))), 3), line.text)
        for line, end in zip(lines, ends, strict=True)
    )


def entries_of(reports: Sequence[RunReport], captions: Mapping[tuple[str, str], tuple[Caption, ...]] | None = None) -> list[Entry]:
    """The finished clips of runs.

    Args:
        reports: The runs. A generator's label that occurs in several runs gets the run's name added.
        captions: The captions of each prompt, by the names of run and prompt.

    Returns:
        An entry for each cell that succeeded, also where its clip is lost.
    """
    labels = Counter(generator.label for report in reports for generator in report.generators)
    return [
        Entry(
            generator=cell.generator if labels[cell.generator] == 1 else f"{cell.generator} ({report.name})",
            run=report.name,
            prompt=cell.prompt_id,
            text=cell.prompt_text,
            task=cell.task,
            category=f"{report.suite.name} {report.suite.version}",
            seed=cell.seed,
            file=cell.clip_path or Path(),
            sha256=cell.clip_sha256,
            captions=(captions or {}).get((report.name, cell.prompt_id), ()),
            lost="" if cell.clip_path is not None else cell.reason or "its clip is gone",
        )
        for report in reports
        for cell in report.cells
        if cell.status == "succeeded"
    ]
