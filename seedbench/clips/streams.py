"""Which streams of a file are its picture and its sound, as players choose them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StreamChoice:
    """The streams of a file that are seen and heard.

    Attributes:
        video, audio: the best first; those that follow are taken where the ones before hold no packet.
        covers: how many cover pictures there are besides.
    """

    video: tuple[Any, ...]
    audio: tuple[Any, ...]
    covers: int


def choose_streams(container: Any) -> StreamChoice:
    """The picture and the sound of an open file: the tracks that it marks as default, never a cover picture.

    Of several pictures the largest is taken; of several sound tracks first the one that is no commentary, then the one with more channels,
    then the first.

    Args:
        container: PyAV's container.
    """
    from av.stream import Disposition

    beside = (
        Disposition.comment | Disposition.hearing_impaired | Disposition.visual_impaired | Disposition.descriptions | Disposition.karaoke
    )
    still = Disposition.attached_pic | Disposition.timed_thumbnails

    readable = [stream for stream in container.streams if getattr(stream, "codec_context", None) is not None]
    pictures = [stream for stream in readable if stream.type == "video"]
    moving = [stream for stream in pictures if not stream.disposition & still]
    sounds = [stream for stream in readable if stream.type == "audio"]
    moving.sort(key=lambda s: (not _is_default(s), -(s.codec_context.width or 0) * (s.codec_context.height or 0), s.index))
    sounds.sort(key=lambda s: (not _is_default(s), bool(s.disposition & beside), -int(s.codec_context.channels or 0), s.index))
    return StreamChoice(tuple(moving), tuple(sounds), len(pictures) - len(moving))


def notes_of_choice(video: Sequence[Any], audio: Sequence[Any], covers: int) -> tuple[str, ...]:
    """What is unusual about the tracks that are taken, in words.

    Args:
        video, audio: the tracks with packets, the one that is taken first.
        covers: how many cover pictures are left out.
    """
    notes = ["the cover picture is left out" if covers == 1 else f"{covers} cover pictures are left out"] if covers else []
    return (*notes, *_said("picture", video), *_said("sound", audio))


def _is_default(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.default)


def _said(what: str, ranked: Sequence[Any]) -> list[str]:
    """Which of several tracks is taken, in words."""
    if len(ranked) < 2:
        return []
    taken = ranked[0]
    number = sorted(stream.index for stream in ranked).index(taken.index) + 1
    only = _is_default(taken) and not any(map(_is_default, ranked[1:]))
    language = taken.metadata.get("language", "und")
    about = ", ".join(part for part in ("the default one" if only else "", language if language != "und" else "") if part)
    return [f"of {len(ranked)} {what} tracks number {number} is taken" + (f" ({about})" if about else "")]
