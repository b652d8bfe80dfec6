"""What an MP4 file says besides its pictures and sound: its boxes, one after the other, and where its samples lie."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_HOLDERS = {
    **dict.fromkeys((b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta"), 0),
    **{b"stsd": 8, b"dref": 8, b"meta": 4},
    **dict.fromkeys((b"avc1", b"vp09", b"av01", b"mp4v"), 78),
    **dict.fromkeys((b"mp4a", b"Opus", b".mp3"), 28),
}
"""Boxes that hold boxes, and how many bytes stand before those."""
CODED = frozenset({"stsz", "stco", "ctts", "stss", "mdat", "free"})
"""Boxes of what was coded, how many bytes each picture or stretch of sound took, where these lie and which pictures lean on others."""


@dataclass(frozen=True)
class Box:
    """A box that holds no others: the names of all around it and its own, its place in the file, what is in it."""

    path: str
    start: int
    content: bytes


def boxes(data: bytes, *, start: int = 0, end: int | None = None, path: str = "") -> Iterator[Box]:
    """The boxes of an MP4 file in their order; what is no box ends the walk."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        size = size or end - start
        if size < head or start + size > end:
            return
        name = f"{path}/{kind.decode('latin-1')}"
        skip = _HOLDERS.get(kind)
        if skip is None:
            yield Box(name, start, data[start + head : start + size])
        else:
            yield Box(f"{name}+", start, data[start + head : start + head + skip])
            yield from boxes(data, start=start + head + skip, end=start + size, path=name)
        start += size


def skeleton(data: bytes) -> list[tuple[str, bytes]]:
    """The boxes of a file in their order, and what is in them but for what was coded.

    Coded is also the length of a track of pictures by its own clock, which counts from the picture decoded first; what players go by, the
    lengths in ``mvhd``, ``tkhd`` and ``elst``, are not.
    """
    contents = []
    for box in boxes(data):
        kind, content = box.path.rpartition("/")[2], b"" if box.path.rpartition("/")[2] in CODED else box.content
        first_track = kind == "mdhd" and not any(path == box.path for path, _ in contents)
        contents.append((box.path, content[:16] + content[20:] if first_track else content))
    return contents


def table(content: bytes, width: int, *, skip: int = 4) -> list[tuple[int, ...]]:
    """Rows of ``width`` 32-bit numbers of a sample table, after ``skip`` bytes and a count."""
    (n,) = struct.unpack_from(">I", content, skip)
    numbers = struct.unpack_from(f">{n * width}I", content, skip + 4)
    return [numbers[index : index + width] for index in range(0, len(numbers), width)]


def sizes(content: bytes) -> list[int]:
    """Bytes of each sample, of an ``stsz`` box."""
    value, n = struct.unpack_from(">II", content, 4)
    return [value] * n if value else list(struct.unpack_from(f">{n}I", content, 12))


def samples(data: bytes) -> list[list[tuple[int, int]]]:
    """For each track, where in the file each of its samples lies and how long it is, in bytes."""
    tracks: list[list[tuple[int, int]]] = []
    offsets: list[int] = []
    rows: list[tuple[int, ...]] = []
    lengths: list[int] = []
    for box in boxes(data):
        match box.path.rpartition("/")[2]:
            case "stsc":
                rows = table(box.content, 3)
            case "stsz":
                lengths = sizes(box.content)
            case "stco":
                offsets = [row[0] for row in table(box.content, 1)]
                tracks.append(_placed(offsets, rows, lengths))
    return tracks


def _placed(offsets: list[int], rows: list[tuple[int, ...]], lengths: list[int]) -> list[tuple[int, int]]:
    samples_found, sample, row = [], 0, 0
    for chunk, at in enumerate(offsets, 1):
        while row + 1 < len(rows) and rows[row + 1][0] <= chunk:
            row += 1
        for _ in range(rows[row][1]):
            samples_found.append((at, lengths[sample]))
            at += lengths[sample]
            sample += 1
    return samples_found


def nal_units(sample: bytes) -> list[bytes]:
    """The units of one H.264 picture in an MP4, each after its length."""
    units_found, start = [], 0
    while start + 4 <= len(sample):
        (size,) = struct.unpack_from(">I", sample, start)
        units_found.append(sample[start + 4 : start + 4 + size])
        start += 4 + size
    return units_found
