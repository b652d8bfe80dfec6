"""Small copies of clips, to be embedded in the page. Scores are never computed from them."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seedbench.results.data import CellReport

if TYPE_CHECKING:
    import numpy as np

    from seedbench.clips.clip import Clip

#: A clip already this small, and of a form every browser plays, is embedded as it is.
SMALL_BYTES = 250_000
SHORT_SIDE = 256
LARGEST_FPS = 30.0
CRF = 27
AUDIO_RATE = 44_100
AUDIO_BITRATE = 80_000
#: Part of the key under which a preview is cached; raised when the same clip may give another preview.
VERSION = 2


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The embedded copy of a clip.

    Attributes:
        mp4: H.264 and AAC, in base64.
        poster: The middle frame as JPEG, in base64.
        has_audio: Whether it has sound.
        original: Whether ``mp4`` has the bytes of the clip itself and not of a smaller copy.
    """

    mp4: str
    poster: str
    has_audio: bool
    original: bool


@dataclass(frozen=True)
class NoPreview:
    """A clip that cannot be played in the page.

    Attributes:
        reason: Why, as the page shows it.
    """

    reason: str


def make_preview(path: Path) -> Preview:
    """The preview of one clip: short side at most 256 pixels, at most 30 frames per second, mono sound on the clock of the frames.

    A small clip that browsers show as SeedBench does is embedded as it is. The preview is cached by content where the process has a cache
    (:mod:`seedbench.store.cache`).

    Args:
        path: The clip.

    Returns:
        The preview.

    Raises:
        ClipError: The file cannot be read as a clip, or has no video.
    """
    from seedbench.clips.clip import Clip
    from seedbench.errors import ClipError
    from seedbench.plugins.evidence import jpeg
    from seedbench.store.cache import cached

    clip = Clip.open(path)
    if not clip.facts.has_video:
        raise ClipError(f"{path}: has audio but no video")
    fps = min(LARGEST_FPS, clip.facts.fps or LARGEST_FPS)

    def make() -> Preview:
        original = clip.facts.size_bytes <= SMALL_BYTES and _browsers_show(clip)
        mp4, middle = (path.read_bytes(), _middle_picture(clip, fps)) if original else _copy(clip, fps)
        return Preview(
            mp4=base64.b64encode(mp4).decode("ascii"),
            poster=jpeg(middle, side=256, quality=72),
            has_audio=clip.facts.has_audio,
            original=original,
        )

    return cached(hashlib.sha256(f"{clip.sha256}/preview/{VERSION}".encode()).hexdigest(), make, kind=Preview)


def _middle_picture(clip: Clip, fps: float) -> np.ndarray:
    """The picture in the middle of the copy, (H, W, 3)."""
    numbers = clip.on_screen(fps)
    return next(clip.pictures([numbers[len(numbers) // 2]], short_side=SHORT_SIDE))


def _copy(clip: Clip, fps: float) -> tuple[bytes, np.ndarray]:
    """A small copy, and its middle picture (H, W, 3). Pictures are written while they are decoded: a long clip takes no more memory."""
    from seedbench.clips.writing import write_clip

    middle = len(clip.on_screen(fps)) // 2
    posters: list[np.ndarray] = []

    def pictures() -> Iterator[np.ndarray]:
        for number, rgb in enumerate(clip.pictures_at(fps, short_side=SHORT_SIDE)):
            if number == middle:
                posters.append(rgb)
            yield rgb

    sound = clip.audio(AUDIO_RATE).samples if clip.facts.has_audio else None
    with tempfile.TemporaryDirectory(prefix="seedbench-preview-") as folder:
        file = write_clip(
            Path(folder) / "preview.mp4", pictures(), fps, sound, AUDIO_RATE, crf=CRF, preset="medium", audio_bitrate=AUDIO_BITRATE
        )
        return file.read_bytes(), posters[0]


def _browsers_show(clip: Clip) -> bool:
    """Whether every browser shows and plays the file as SeedBench does.

    It is an MP4 with 8-bit 4:2:0 H.264 and, if it has sound, AAC. It has one picture and at most one sound, because browsers choose among
    several by rules of their own. Nothing else is unusual about it, such as gaps in the sound or sound after the last picture; that it
    repeats pictures does not matter.
    """
    from seedbench.clips.media_file import open_media

    with open_media(clip.path) as container:
        if any(stream.codec_context is None for stream in (*container.streams.video, *container.streams.audio)):
            return False  # a track of an unknown codec
        video, sound = container.streams.video, [stream.codec_context.name for stream in container.streams.audio]
        form = [(stream.codec_context.name, stream.codec_context.pix_fmt) for stream in video]
        if "mp4" not in container.format.name or form != [("h264", "yuv420p")] or sound not in ([], ["aac"]):
            return False
    return all(note == clip.timing.note for note in clip.notes)


def make_previews(
    cells: Iterable[CellReport], *, budget_bytes: int, on_progress: Callable[[int, int], None] | None = None
) -> Mapping[Path, Preview | NoPreview]:
    """The previews of all clips of a run, each file once.

    Args:
        cells: The cells of the run.
        budget_bytes: The most bytes that all previews together may take.
        on_progress: Called as ``on_progress(done, of)`` after each clip.

    Returns:
        By clip path the preview, or the reason why there is none: the budget is used up, or the clip cannot be read.
    """
    from seedbench.errors import ClipError

    paths = list(dict.fromkeys(cell.clip_path for cell in cells if cell.clip_path is not None))
    previews: dict[Path, Preview | NoPreview] = {}
    used_bytes = 0
    for index, path in enumerate(paths):
        if used_bytes >= budget_bytes:
            previews[path] = NoPreview(f"left out: the previews of this report are limited to {budget_bytes / 1e6:.0f} MB")
        else:
            try:
                preview = make_preview(path)
                used_bytes += len(preview.mp4) * 3 // 4
                previews[path] = preview
            except ClipError as error:
                previews[path] = NoPreview(str(error).replace(str(path), path.name))
        if on_progress is not None:
            on_progress(index + 1, len(paths))
    return previews
