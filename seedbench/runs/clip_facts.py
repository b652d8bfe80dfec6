"""What a run keeps of each clip besides its scores: what a player shows of the file, at which size it was judged, what is unusual."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbench.errors import ClipError
from seedbench.runs.reasons import without_path

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

#: The facts of a file (:class:`~seedbench.clips.probing.ProbeFacts`) that are stored with its cell.
_STORED = (
    *("width", "height", "fps", "duration_s", "n_frames", "has_video", "has_audio", "audio_rate", "channels", "audio_duration_s"),
    *("variable_rate", "container", "video_codec", "audio_codec", "size_bytes"),
)


@dataclass(frozen=True, kw_only=True)
class ClipFacts:
    """The facts of a clip that a reader of its scores needs. None: not known, or the clip has no pictures.

    Attributes:
        fps: The rate at which its pictures are stored, in frames per second.
        effective_fps: The rate without repeated pictures, on which motion is measured.
        judged_width: Width of the pictures that metrics get, in pixels.
        judged_height: Their height, in pixels.
        notes: What is unusual about the file, in words.
    """

    fps: float | None = None
    effective_fps: float | None = None
    judged_width: int | None = None
    judged_height: int | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> ClipFacts:
        """Read what :func:`facts_to_store` returned.

        Args:
            stored: The facts. Those of a version that did not have them yet, or of a file that is no clip, lack some or all.
        """
        fps, effective_fps = (round(stored.get(name) or 0.0, 6) for name in ("fps", "effective_fps"))
        return cls(
            fps=fps or None,
            effective_fps=effective_fps or None,
            judged_width=stored.get("judged_width") or None,
            judged_height=stored.get("judged_height") or None,
            notes=tuple(stored.get("notes") or ()),
        )


def facts_to_store(clip: Clip) -> dict[str, Any]:
    """The facts of a clip as JSON. Decodes the clip.

    Args:
        clip: The clip.

    Returns:
        What a player shows, the effective rate, the size at which the clip is judged, and ``notes``. What cannot be known because no
        picture can be decoded is left out, and the reason is among the notes.
    """
    facts = clip.facts
    known: dict[str, Any] = {name: getattr(facts, name) for name in _STORED}
    if facts.has_video:
        known["judged_width"], known["judged_height"] = clip.size
        with suppress(ClipError):
            known |= {"n_frames": len(clip.time_s), "duration_s": clip.end_s, "effective_fps": clip.timing.fps}
    return {**known, "notes": list(_notes(clip))}


def _notes(clip: Clip) -> tuple[str, ...]:
    try:
        return clip.notes
    except ClipError as error:
        return (*clip.facts.notes, without_path(error, clip.path))
