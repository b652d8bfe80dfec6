"""Packets without the encoder's own data: names, settings and paddings that would show which encoder wrote a clip."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

AAC_FRAME_BYTES = 2 * 6144 // 8
"""No frame of stereo AAC is longer (ISO/IEC 14496-3); in matched clips every frame has this size."""


def packet_cleaner(stream: Any, *, constant_size: bool) -> Callable[[Any], list[Any]]:
    """A function that takes the encoder's own data out of the packets of a stream.

    Args:
        stream: The stream of PyAV that the packets come from.
        constant_size: Whether all AAC frames become equally long: the size that a frame would need shows which codec the sound came from.

    Returns:
        A function from a packet to the packets to write in its place: one, or none where nothing is left. Streams of unknown codecs stay as
        they are.
    """
    from av.bitstream import BitStreamFilterContext

    codec, extra = stream.codec_context.codec.canonical_name, bytes(stream.codec_context.extradata or b"")
    if (
        codec == "h264" and extra[:1] == b"\1"
    ):  # units with their length before them: FFmpeg's own filter would write start codes, which MP4 does not use
        return lambda packet: _rewritten(packet, strip_h264(bytes(packet), 1 + (extra[4] & 3)))
    if codec in _STRIP:
        return BitStreamFilterContext(_STRIP[codec], stream).filter
    if codec == "aac" and constant_size:
        return lambda packet: _rewritten(packet, fixed_size_aac(strip_aac(bytes(packet))))
    if codec == "aac":
        return lambda packet: _rewritten(packet, strip_aac(bytes(packet), adts=not extra))
    if codec == "mp3":
        return lambda packet: _rewritten(packet, strip_mp3(bytes(packet)))
    return lambda packet: [packet]


def _rewritten(packet: Any, content: bytes) -> list[Any]:
    import av

    if len(content) == packet.size:
        packet.update(content)
        return [packet]
    if not content:
        return []
    rewritten = av.Packet(content)
    rewritten.pts, rewritten.dts, rewritten.duration, rewritten.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    rewritten.is_keyframe = packet.is_keyframe
    return [rewritten]


def strip_h264(picture: bytes, length: int) -> bytes:
    """The units of an H.264 picture without the kinds that code no picture: SEI, delimiters, filler.

    Args:
        picture: The units, each after its size.
        length: Bytes of a size.

    Returns:
        The other units, each after its size.

    Raises:
        ValueError: A unit is cut off.

    >>> strip_h264(bytes.fromhex("0003 06aaaa 0002 65bb"), 2).hex()
    '000265bb'
    """
    kept, at = b"", 0
    while at < len(picture):
        end = at + length + int.from_bytes(picture[at : at + length])
        if not at + length < end <= len(picture):
            raise ValueError("a picture is cut off")
        if picture[at + length] & 31 not in _NO_PICTURE:
            kept += picture[at:end]
        at = end
    return kept


def strip_aac(frame: bytes, *, adts: bool = False) -> bytes:
    """An AAC frame with empty fill elements at its beginning, where encoders write their names (ISO/IEC 14496-3, ``fill_element``).

    Args:
        frame: The frame.
        adts: Whether the frame has an ADTS header, as in a stream of its own. A checksum in the header is not computed anew.

    Returns:
        The frame, of the same length.

    >>> strip_aac(bytes.fromhex("de0200") + b"Lavc62.28.102" + bytes.fromhex("0042")).hex()
    'de0200000000000000000000000000000042'
    """
    n = 8 * len(frame)
    bits = int.from_bytes(frame)

    def read(at: int, length: int) -> int:
        return bits >> max(0, n - at - length) & (1 << length) - 1

    at = 0 if not adts else 56 if len(frame) > 1 and frame[1] & 1 else 72
    while at + 19 <= n and read(at, 3) == _FILL_ELEMENT:
        count, at = read(at + 3, 4), at + 7
        if count == 15:
            count, at = count + read(at, 8) - 1, at + 8
        if at + 8 * count > n:
            break
        if count and read(at, 4) == 0:  # it is no extension of the sound
            bits &= ~((1 << 8 * count) - 1 << n - at - 8 * count)
        at += 8 * count
    return bits.to_bytes(len(frame))


def fixed_size_aac(frame: bytes, *, size: int = AAC_FRAME_BYTES) -> bytes:
    """A raw AAC frame made longer by fill elements before it.

    Args:
        frame: The frame, without a header.
        size: The length of the result in bytes.

    Returns:
        A frame of that length with the same sound.

    Raises:
        ValueError: Fill elements cannot make the frame that long, or it is too long already.

    >>> fixed_size_aac(bytes.fromhex("210049"), size=12).hex()
    'c4000183060c183060210049'
    """
    missing = size - len(frame) - 7
    bits = 0
    for _ in range(8):  # an element takes 7 bits besides its whole bytes: eight elements take 7 bytes
        taken = min(max(missing, 0), 270)
        missing -= taken
        count, more = (taken, b"") if taken < 15 else (15, bytes([taken - 15]))
        bits = (bits << 7 | _FILL_ELEMENT << 4 | count) << 8 * taken | int.from_bytes(more) << 8 * (taken - 1 if more else 0)
    if missing:
        raise ValueError(f"{len(frame)} bytes of sound do not become {size}")
    return (bits << 8 * len(frame) | int.from_bytes(frame)).to_bytes(size)


def strip_mp3(frame: bytes) -> bytes:
    """An MP3 frame without the encoder's name in its padding.

    Args:
        frame: The frame.

    Returns:
        The frame, of the same length, with the name written over by ``U``.

    >>> strip_mp3(b"..LAME3.100UUUU..")
    b'..UUUUUUUUUUUUU..'
    """
    return re.sub(rb"(?:LAME|Lavc|Lavf|GOGO)[0-9][0-9.]{1,9}", lambda match: b"U" * len(match.group()), frame)


_FILL_ELEMENT = 6


_NO_PICTURE = frozenset({6, 9, 12})


#: The same for H.264 with start codes, as MPEG-TS has it, and metadata and padding of AV1.
_STRIP = {"h264": "filter_units=remove_types=6|9|12", "av1": "filter_units=remove_types=5|15"}
