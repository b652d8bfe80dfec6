"""The parts that media files are made of: boxes, elements, chunks, tags, pages and packets, so that damage can be done to them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.media_grid.mp4_boxes import boxes

#: Matroska elements that hold elements: segment, cluster, block group, tracks, track, video, audio, cues, tags and the like.
_MASTERS = {0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0xAE, 0xE0, 0xE1, 0x1C53BB6B, 0xBB, 0xB7, 0x114D9B74, 0x4DBB, 0x1549A966, 0x1A45DFA3}


@dataclass(frozen=True)
class MediaPart:
    """A part of a file.

    Attributes:
        begin, end: its bytes.
        payload: where its header ends.
        size_at, size_length: its size field; of length 0 where it has none.
        times: offsets of fields of time stamps, with the length of each.
    """

    begin: int
    end: int
    payload: int
    size_at: int = 0
    size_length: int = 0
    times: tuple[tuple[int, int], ...] = ()


def parts(data: bytes, container: str) -> list[MediaPart]:
    """The parts of a file in order; those inside others come after them.

    Args:
        data: the file.
        container: mp4, mov, mkv, webm, avi, flv, ts, mpg or ogg; of others, no part is known.

    Returns:
        The parts, none where the file cannot be taken apart.
    """
    readers = {"mp4": _boxes, "mov": _boxes, "mkv": _elements, "webm": _elements, "avi": _chunks, "wav": _chunks}
    readers |= {"flv": _tags, "ts": _packets, "mpg": _start_codes, "ogg": _pages}
    return list(readers[container](data)) if container in readers else []


def _boxes(data: bytes) -> Iterator[MediaPart]:
    #: offset of the first time field after the header of a box, and the length of each field
    timed = {b"mvhd": (12, 4, 2), b"mdhd": (12, 4, 2), b"tkhd": (20, 4, 1), b"stts": (8, 4, 6), b"ctts": (8, 4, 6), b"elst": (8, 4, 3)}
    for name, at, size, _ in boxes(data):
        first, length, count = timed.get(name, (0, 0, 0))
        fields = tuple((at + 8 + first + index * length, length) for index in range(count) if first + (index + 1) * length <= size - 8)
        yield MediaPart(at, at + size, at + 8, at, 4, fields)


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """An EBML number and its length in bytes; length 0 at the end of the file."""
    if at >= len(data) or not data[at]:
        return 0, 0
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length


def _elements(data: bytes, at: int = 0, end: int | None = None) -> Iterator[MediaPart]:
    end = len(data) if end is None else end
    while at < end:
        name, name_length = _number(data, at, keep_marker=True)
        size, size_length = _number(data, at + name_length, keep_marker=False)
        if not name_length or not size_length:
            return
        payload = at + name_length + size_length
        stop = end if size == (1 << 7 * size_length) - 1 else payload + size
        if stop > end:
            return
        times = {
            0xE7: ((payload, size),),
            0xA3: ((payload + 1, 2),),
            0xA1: ((payload + 1, 2),),
            0x4489: ((payload, size),),
            0x9B: ((payload, size),),
        }
        yield MediaPart(at, stop, payload, at + name_length, size_length, times.get(name, ()))
        if name in _MASTERS:
            yield from _elements(data, payload, stop)
        at = stop


def _chunks(data: bytes, at: int = 0, end: int | None = None) -> Iterator[MediaPart]:
    end = len(data) if end is None else end
    while at + 8 <= end:
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        stop = min(at + 8 + size, end)
        times = {b"strh": ((at + 28, 4), (at + 32, 4), (at + 36, 4), (at + 40, 4)), b"avih": ((at + 8, 4), (at + 24, 4))}
        yield MediaPart(at, stop, at + 8, at + 4, 4, times.get(name, ()))
        if name in (b"RIFF", b"LIST"):
            yield from _chunks(data, at + 12, stop)
        at = stop + size % 2


def _tags(data: bytes) -> Iterator[MediaPart]:
    at = 13
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        yield MediaPart(at, min(at + size + 15, len(data)), at + 11, at + 1, 3, ((at + 4, 4),))
        at += size + 15


def _packets(data: bytes) -> Iterator[MediaPart]:
    for at in range(0, len(data) - 187, 188):
        header = data.find(b"\x00\x00\x01", at + 4, at + 170)
        times = ((header + 9, 5), (header + 14, 5)) if header >= 0 and data[header + 7] & 0x80 else ()
        yield MediaPart(at, at + 188, at + 4, at + 4, 1, times)


def _start_codes(data: bytes) -> Iterator[MediaPart]:
    at = data.find(b"\x00\x00\x01")
    while at >= 0 and at + 16 < len(data):
        following = data.find(b"\x00\x00\x01", at + 4)
        stream = data[at + 3] >= 0xBD
        yield MediaPart(at, following if following > 0 else len(data), at + 4, at + 4, 2 if stream else 0, ((at + 9, 5),) if stream else ())
        at = following


def _pages(data: bytes) -> Iterator[MediaPart]:
    at = data.find(b"OggS")
    while at >= 0:
        following = data.find(b"OggS", at + 4)
        yield MediaPart(at, following if following > 0 else len(data), at + 27, at + 26, 1, ((at + 6, 8),))
        at = following
