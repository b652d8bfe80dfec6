"""The boxes of MP4 and MOV files: where they are, and one that FFmpeg's command line does not write."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

#: Boxes that hold boxes, and how many bytes come before these.
CONTAINERS = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8, b"edts": 8, b"dinf": 8, b"udta": 8, b"stsd": 16}


def boxes(data: bytes | bytearray, begin: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int, tuple[int, ...]]]:
    """All boxes in order: name, offset, size, and the offsets of the boxes around each."""
    yield from _boxes(data, begin, len(data) if end is None else end, ())


def _boxes(data: bytes | bytearray, at: int, end: int, around: tuple[int, ...]) -> Iterator[tuple[bytes, int, int, tuple[int, ...]]]:
    while at + 8 <= end:
        size, name = struct.unpack(">I", data[at : at + 4])[0], bytes(data[at + 4 : at + 8])
        if size < 8 or at + size > end:
            return
        yield name, at, size, around
        if name in CONTAINERS:
            yield from _boxes(data, at + CONTAINERS[name], at + size, (*around, at))
        at += size


def add_clean_aperture(path: Path, width: int, height: int, *, below_middle: int) -> None:
    """Write a clean aperture of that size into the sample description of the video.

    Args:
        path: an MP4 or MOV file whose ``moov`` box is the last, so that no offset changes.
        width: what is shown, in pixels.
        height: what is shown, in pixels.
        below_middle: how far its middle is below that of the stored picture, in pixels.
    """
    data = bytearray(path.read_bytes())
    handlers = [at for name, at, _, _ in boxes(data) if name == b"hdlr" and data[at + 16 : at + 20] == b"vide"]
    tracks = [(at, at + size) for name, at, size, _ in boxes(data) if name == b"trak" and at < handlers[-1] < at + size]
    _, stsd, _, around = next(box for box in boxes(data) if box[0] == b"stsd" and tracks[0][0] < box[1] < tracks[0][1])
    entry = stsd + 16
    aperture = struct.pack(">I4s4IiIiI", 40, b"clap", width, 1, height, 1, 0, 1, below_middle, 1)
    end = entry + struct.unpack(">I", data[entry : entry + 4])[0]
    data[end:end] = aperture
    for at in (*around, stsd, entry):
        size = struct.unpack(">I", data[at : at + 4])[0]
        data[at : at + 4] = struct.pack(">I", size + len(aperture))
    path.write_bytes(bytes(data))
