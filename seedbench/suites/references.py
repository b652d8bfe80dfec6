"""The reference assets of a prompt: how its text names them, what must hold of the files, and who agreed to be shown.

A text names an asset as ``{{image:1}}``; ``@image1`` is accepted and means the same. Adapters render the name in their own
spelling with :func:`render`. Limits are :class:`ReferenceLimits`: the defaults hold for every suite, a suite or
an adapter may state tighter or wider ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seedbench.errors import ClipError, ReferenceLimitError
from seedbench.suites.prompt import Prompt, ReferenceAsset

_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_AT = re.compile(r"(?<![\w@.])@(image|video|audio)([1-9][0-9]*)(?!\w)", re.IGNORECASE)
_NAME = re.compile(r"\s*(image|video|audio)\s*:\s*([1-9][0-9]*)\s*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ReferenceLimits:
    """How many reference assets a generator takes, and how large.

    Attributes:
        images, videos, audios: The most files of each kind.
        image_bytes, video_bytes, audio_bytes: Every file of the kind must be smaller than this, in bytes.
        video_total_s: The least and the greatest length of all videos together, in seconds.
        audio_s: The greatest length of each audio file, in seconds.
        total: The most files of all kinds together.
    """

    images: int = 9
    image_bytes: int = 30_000_000
    videos: int = 3
    video_bytes: int = 50_000_000
    video_total_s: tuple[float, float] = (2.0, 15.0)
    audios: int = 3
    audio_bytes: int = 15_000_000
    audio_s: float = 15.0
    total: int = 12


class Problem(NamedTuple):
    """One reason why a prompt's references cannot be used.

    Attributes:
        reference: The position of the reference in the prompt, from 0; None: all of them together.
        sentence: What is wrong.
    """

    reference: int | None
    sentence: str


def normalise(text: str) -> str:
    """Spell every mention of a reference in the neutral form ``{{kind:number}}``.

    Args:
        text: The text of a prompt.

    Returns:
        The text; all else in it is unchanged.

    Raises:
        ValueError: Braces name no reference.

    >>> normalise("Dress @image2 like {{ Image:1 }}.")
    'Dress {{image:2}} like {{image:1}}.'
    """

    def spell(match: re.Match[str]) -> str:
        named = _NAME.fullmatch(match[1])
        if named is None:
            raise ValueError(f"{match[0]!r} names no reference: write {{{{image:1}}}}, {{{{video:1}}}} or {{{{audio:1}}}}")
        return f"{{{{{named[1].lower()}:{named[2]}}}}}"

    return _AT.sub(lambda match: f"{{{{{match[1].lower()}:{match[2]}}}}}", _BRACES.sub(spell, text))


def mentions(text: str) -> tuple[str, ...]:
    """The references that a text names.

    Args:
        text: The text of a prompt, in either spelling.

    Returns:
        Their ids, each once, in order of first mention. The prompt need not have them.

    Raises:
        ValueError: Braces name no reference.

    >>> mentions("{{image:1}} hums @audio2; {{image:1}} again")
    ('image:1', 'audio:2')
    """
    return tuple(dict.fromkeys(match[1] for match in _BRACES.finditer(normalise(text))))


def render(text: str, syntax: Mapping[str, str]) -> str:
    """The text with its mentions in a service's own spelling.

    Args:
        text: The text of a prompt, in either spelling.
        syntax: For each kind (``image``, ``video``, ``audio``) a format with ``{number}``, such as ``[Image{number}]``.

    Returns:
        The text. Kinds that ``syntax`` leaves out have the neutral spelling; braces that name no reference are left alone.

    >>> render("Dress like {{image:2}}, sing like @audio1.", {"image": "[Image{number}]"})
    'Dress like [Image2], sing like {{audio:1}}.'
    """

    def spell(kind: str, number: str) -> str:
        template = syntax.get(kind.lower())
        return f"{{{{{kind.lower()}:{number}}}}}" if template is None else template.format(number=number)

    def braces(match: re.Match[str]) -> str:
        named = _NAME.fullmatch(match[1])
        return match[0] if named is None else spell(named[1], named[2])

    return _AT.sub(lambda match: spell(match[1], match[2]), _BRACES.sub(braces, text))


def check_references(prompt: Prompt, root: Path, limits: ReferenceLimits | None = None) -> None:
    """Check that the references of a prompt can be used. It opens the files: sizes are from disk, lengths from their packets.

    Args:
        prompt: The prompt.
        root: The folder that the paths of the references are relative to.
        limits: What the generator takes; None: the default limits.

    Raises:
        ReferenceLimitError: The references break the limits; one sentence for each problem.
    """
    problems = reference_problems(prompt, root, ReferenceLimits() if limits is None else limits)
    if problems:
        raise ReferenceLimitError("\n".join(f"prompt {prompt.id!r}: {problem.sentence}" for problem in problems))


def reference_problems(prompt: Prompt, root: Path, limits: ReferenceLimits) -> list[Problem]:
    """All reasons why the references of a prompt cannot be used.

    Args:
        prompt: The prompt.
        root: The folder that the paths of the references are relative to.
        limits: What the generator takes.

    Returns:
        The problems: wrong counts, missing consent, files that are missing, unreadable, too large, too short or too long. Empty: the
        references can be used.
    """
    if not prompt.references:
        return []
    problems = _counts(prompt.references, limits)
    video_total_s = 0.0
    video_measured = True
    for position, reference in enumerate(prompt.references):
        file = root / reference.path
        if reference.person and not (reference.consent or "").strip():
            sentence = f"{reference.id} shows a real person: set consent to who agreed and where that is written down"
            problems.append(Problem(position, sentence))
        try:
            size = file.stat().st_size
        except OSError as error:
            problems.append(Problem(position, f"{reference.id}: no file {reference.path} beside the suite ({error.strerror})"))
            continue
        allowed = {"image": limits.image_bytes, "video": limits.video_bytes, "audio": limits.audio_bytes}[reference.kind]
        if size >= allowed:
            sentence = f"{reference.id} ({reference.path}) is {_size(size)}; every {reference.kind} must be under {_size(allowed)}"
            problems.append(Problem(position, sentence))
            continue
        if reference.kind == "image":
            continue
        try:
            length_s = media_length_s(file, reference.kind)
        except ReferenceLimitError as error:
            problems.append(Problem(position, f"{reference.id}: {error}"))
            video_measured = False
            continue
        if reference.kind == "video":
            video_total_s += length_s
        elif length_s > limits.audio_s + 0.05:
            sentence = f"{reference.id} ({reference.path}) lasts {length_s:.1f} s; audio may last at most {limits.audio_s:g} s"
            problems.append(Problem(position, sentence))
    shortest, longest = limits.video_total_s
    if video_measured and video_total_s and not shortest - 0.05 <= video_total_s <= longest + 0.05:
        sentence = f"the video references last {video_total_s:.1f} s together; {shortest:g} to {longest:g} s are allowed"
        problems.append(Problem(None, sentence))
    return problems


def media_length_s(file: Path, kind: str) -> float:
    """How long the picture or the sound of a file lasts, as a player shows it: a header can claim anything.

    The packets are read, and only the first picture is decoded, which takes milliseconds for each megabyte.

    Args:
        file: A media file.
        kind: ``video`` or ``audio``.

    Returns:
        The length in seconds, above 0. That of a sound is counted from the first picture where there are pictures.

    Raises:
        ReferenceLimitError: The file is no media, or has no data of that kind.
    """
    from seedbench.clips.probing import probe

    try:
        facts = probe(file)
    except ClipError as error:
        reason = str(error).removeprefix(f"{file}: ")
        raise ReferenceLimitError(f"{file.name} cannot be read as {kind}: {reason}") from error
    if not (facts.has_video if kind == "video" else facts.has_audio):
        raise ReferenceLimitError(f"{file.name} holds no {kind} stream")
    return facts.duration_s if kind == "video" else facts.audio_duration_s


def _counts(references: tuple[ReferenceAsset, ...], limits: ReferenceLimits) -> list[Problem]:
    """Too many of one kind, too many in all, two of one name."""
    problems = []
    for kind, allowed in (("image", limits.images), ("video", limits.videos), ("audio", limits.audios)):
        count = sum(reference.kind == kind for reference in references)
        if count > allowed:
            problems.append(Problem(None, f"{count} {kind} references; at most {allowed} are allowed"))
    if len(references) > limits.total:
        problems.append(Problem(None, f"{len(references)} references; at most {limits.total} are allowed in all"))
    seen: set[str] = set()
    for position, reference in enumerate(references):
        if reference.id in seen:
            problems.append(Problem(position, f"two references are called {reference.id}"))
        seen.add(reference.id)
    return problems


def _size(size: int) -> str:
    return f"{size} bytes" if size < 100_000 else f"{size / 1e6:.1f}".removesuffix(".0") + " MB"
