"""Damage to media files, drawn from a seed: bytes, parts, time stamps, header fields, and ends cut off."""

from __future__ import annotations

import random

from tests.media_grid.media_parts import MediaPart, parts

#: How long the beginning is that holds the header in most containers, in bytes.
HEADER = 700


def mutate(data: bytes, container: str, seed: int) -> bytes:
    """Damage a file.

    Args:
        data: the file.
        container: of which parts are known (:func:`~tests.media_grid.media_parts.parts`).
        seed: chooses the kind of damage and where; equal seeds give equal files.

    Returns:
        The damaged file.
    """
    rng = random.Random(seed)
    kinds = (_bytes, _bytes, _header, _header, _span, _cut, _moved, _part, _part, _part, _resized, _resized, _time, _time, _time)
    damaged = rng.choice(kinds)(data, container, rng)
    return rng.choice(kinds)(damaged, container, rng) if rng.random() < 0.25 and len(damaged) > 16 else damaged


def _extreme(length: int, rng: random.Random) -> bytes:
    """A number that is hard on whoever takes it for granted, in so many bytes."""
    most = (1 << 8 * length) - 1
    value = rng.choice((0, 1, most, most >> 1, (most >> 1) + 1, most - rng.randrange(300) % (most + 1), rng.randrange(most + 1), 255))
    return min(value, most).to_bytes(length, rng.choice(("big", "little")))


def _overwritten(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _bytes(data: bytes, _: str, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 3, 10, 60, 400))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _header(data: bytes, container: str, rng: random.Random) -> bytes:
    """An extreme number in the header, which is at the end of MP4 files."""
    span = min(HEADER, len(data) - 8)
    first = data.find(b"moov") if container in ("mp4", "mov") else 0
    for _ in range(rng.choice((1, 1, 2, 6))):
        at = min(len(data) - 8, max(0, first) + rng.randrange(span if container not in ("mp4", "mov") else 2 * span))
        data = _overwritten(data, at, _extreme(rng.choice((1, 2, 4, 8)), rng))
    return data


def _span(data: bytes, _: str, rng: random.Random) -> bytes:
    length = min(len(data), rng.choice((16, 200, 3000)))
    at = rng.randrange(len(data) - length + 1)
    return _overwritten(data, at, rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length))))


def _cut(data: bytes, _: str, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] if rng.random() < 0.8 else data[at:]


def _moved(data: bytes, _: str, rng: random.Random) -> bytes:
    begin, middle, end = sorted(rng.randrange(len(data)) for _ in range(3))
    kind = rng.randrange(3)
    if kind == 0:
        return data[:begin] + data[middle:]
    if kind == 1:
        return data[:end] + data[begin:]
    return data[:begin] + data[middle:end] + data[begin:middle] + data[end:]


def _part(data: bytes, container: str, rng: random.Random) -> bytes:
    """Parts removed, repeated, swapped, renamed, or with an extreme number in them."""
    known = parts(data, container)
    if len(known) < 2:
        return _moved(data, container, rng)
    part = rng.choice(known)
    kind = rng.randrange(5)
    if kind == 0:
        return data[: part.begin] + data[part.end :]
    if kind == 1:
        return data[: part.end] + data[part.begin : part.end] * rng.choice((1, 1, 5)) + data[part.end :]
    if kind == 2:
        return _swapped(data, part, rng.choice(known))
    if kind == 3:
        return _overwritten(data, part.begin + rng.randrange(4), rng.randbytes(1))
    room = min(part.end - part.payload, 60)
    length = rng.choice((1, 2, 4, 8))
    if room <= length:
        return _overwritten(data, part.payload, _extreme(max(1, room), rng))
    return _overwritten(data, part.payload + rng.randrange(room - length), _extreme(length, rng))


def _swapped(data: bytes, first: MediaPart, second: MediaPart) -> bytes:
    first, second = sorted((first, second), key=lambda part: part.begin)
    if first.end > second.begin:  # one holds the other
        return data[: first.begin] + data[second.begin : second.end] + data[first.end :]
    between = data[first.end : second.begin]
    return data[: first.begin] + data[second.begin : second.end] + between + data[first.begin : first.end] + data[second.end :]


def _resized(data: bytes, container: str, rng: random.Random) -> bytes:
    """A size that is not true."""
    known = [part for part in parts(data, container) if part.size_length]
    if not known:
        return _header(data, container, rng)
    part = rng.choice(known)
    old = data[part.size_at : part.size_at + part.size_length]
    near = min((1 << 8 * len(old)) - 1, max(0, int.from_bytes(old, "big") + rng.randint(-20, 20))).to_bytes(len(old), "big")
    return _overwritten(data, part.size_at, rng.choice((_extreme(len(old), rng), near)))


def _time(data: bytes, container: str, rng: random.Random) -> bytes:
    """Extreme time stamps, in one part or in many."""
    fields = [field for part in parts(data, container) for field in part.times if field[1] and field[0] + field[1] <= len(data)]
    if not fields:
        return _header(data, container, rng)
    for at, length in rng.sample(fields, min(len(fields), rng.choice((1, 1, 2, 10)))):
        data = _overwritten(data, at, _extreme(length, rng))
    return data
