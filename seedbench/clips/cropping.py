"""How a container says that its pictures are to be cut: the clean aperture of MP4 and MOV, and the pixel crop of Matroska and WebM.

PyAV does not give access to it. But FFmpeg writes it into the header of a Matroska file whose track is a copy of the stream; there it is
read. What a codec cuts by itself (the conformance window of H.264 and HEVC) has been cut when a picture is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Containers that can ask for it, by FFmpeg's names.
_CONTAINERS = frozenset({"mp4", "mov", "matroska", "webm"})
#: Elements of Matroska that hold others on the way to the crop: segment, tracks, track entry, video.
_AROUND = frozenset({0x18538067, 0x1654AE6B, 0xAE, 0xE0})
#: FFmpeg's flag for decoders, AV_CODEC_FLAG_UNALIGNED: the left may be cut off at every pixel. Without it nothing is cut there.
_UNALIGNED = 1
_SIDES = {0x54CC: "left", 0x54BB: "top", 0x54DD: "right", 0x54AA: "bottom"}


@dataclass(frozen=True)
class Crop:
    """What is cut off a decoded picture, in pixels of it."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The width and height that remain; not above 0 where nothing does."""
        return width - self.left - self.right, height - self.top - self.bottom

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """What remains of a picture (H, W, ...): a view.

        >>> Crop(left=1, bottom=1).apply(np.arange(6).reshape(2, 3)).tolist()
        [[1, 2]]
        """
        height, width = picture.shape[:2]
        return picture[self.top : height - self.bottom, self.left : width - self.right]


NO_CROP = Crop()


def cut_anywhere(stream: Any) -> None:
    """Let the decoder of a stream cut off all that the codec asks for.

    Args:
        stream: PyAV's stream of pictures, before the first is decoded.
    """
    stream.codec_context.flags |= _UNALIGNED


def container_crop(container: Any, stream: Any) -> Crop:
    """What the container says is to be cut off the pictures of a stream.

    Args:
        container: PyAV's container.
        stream: a stream of pictures of it.

    Returns:
        The crop; all 0 where the container does not ask for one.
    """
    import av

    if not _CONTAINERS & set(str(container.format.name).split(",")):
        return NO_CROP
    header = io.BytesIO()
    try:
        with av.open(header, "w", format="matroska") as copy:
            copy.add_stream_from_template(stream, opaque=True)
            copy.start_encoding()
    except (av.error.FFmpegError, ValueError):  # Matroska does not know the codec: FFmpeg writes no crop either
        return NO_CROP
    return Crop(**{_SIDES[name]: int.from_bytes(value, "big") for name, value in _elements(header.getvalue()) if name in _SIDES})


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a Matroska file and those inside the ones on the way to the crop: name and content.

    >>> list(_elements(bytes([0xE0, 0x84, 0x54, 0xAA, 0x81, 24])))
    [(224, b'T\\xaa\\x81\\x18'), (21674, b'\\x18')]
    """
    at = 0
    while at < len(data):
        name, at = _number(data, at, with_marker=True)
        size, at = _number(data, at, with_marker=False)
        content = data[at : at + size]
        yield name, content
        if name in _AROUND:
            yield from _elements(content)
        at += size


def _number(data: bytes, at: int, *, with_marker: bool) -> tuple[int, int]:
    """A number of variable length, and where it ends; the marker of its length is a part of names and not of sizes."""
    length = 9 - (data[at] if at < len(data) else 0).bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return value if with_marker else value & ((1 << 7 * length) - 1), at + length
