"""How a file says that its pictures are to be shown: turned, mirrored, with pixels that are not square; and the size they are shown at."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbench.clips.cropping import NO_CROP, Crop

#: The most pixels of the short side of decoded pictures, whatever the length of the clip; none of SeedBench's metrics needs more.
SHORT_SIDE_CAP = 720
#: Pixels are at most so many times as wide as high, or as high as wide. A header that says more is damaged.
MOST_STRETCHED = 8.0


@dataclass(frozen=True)
class Display:
    """What is done to a stored picture before it is shown.

    Attributes:
        stored: width and height of the picture in pixels, as the decoder gives it and without what the container has cut off.
        pixel_aspect: width of a pixel divided by its height.
        transposed: rows and columns are exchanged first.
        mirrored: then left and right are exchanged.
        upturned: then top and bottom are exchanged.
        crop: what the container has cut off.
        notes: what is unusual, in words.
    """

    stored: tuple[int, int]
    pixel_aspect: float = 1.0
    transposed: bool = False
    mirrored: bool = False
    upturned: bool = False
    crop: Crop = NO_CROP
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as shown, in square pixels. The side that pixels are longer along grows, so that no detail is lost.

        >>> Display((720, 576), pixel_aspect=16 / 15).size, Display((720, 576), pixel_aspect=8 / 9, transposed=True).size
        ((768, 576), (648, 720))
        """
        width, height = self.stored
        if self.pixel_aspect >= 1.0:
            width = round(width * self.pixel_aspect)
        else:
            height = round(height / self.pixel_aspect)
        return (height, width) if self.transposed else (width, height)

    def turned(self, rgb: np.ndarray) -> np.ndarray:
        """Turn and mirror a picture.

        Args:
            rgb: (H, W, 3), as stored, already with square pixels.

        Returns:
            (h, w, 3) as shown, a view.

        >>> picture = np.arange(6).reshape(2, 3)
        >>> Display((3, 2), transposed=True, upturned=True).turned(picture).tolist()  # a quarter turn counter-clockwise
        [[2, 5], [1, 4], [0, 3]]
        """
        if self.transposed:
            rgb = rgb.swapaxes(0, 1)
        if self.mirrored:
            rgb = rgb[:, ::-1]
        if self.upturned:
            rgb = rgb[::-1]
        return rgb


def display_of(frame: Any, stored_aspect: float, crop: Crop = NO_CROP) -> Display:
    """How the pictures of a stream are shown.

    Args:
        frame: its first decoded picture.
        stored_aspect: the width of a pixel divided by its height; 0 where the file does not say it.
        crop: what the container says is to be cut off.
    """
    notes = []
    size = crop.size(frame.width, frame.height)
    if min(size) < 1:
        notes.append(f"the file asks to cut off more than its pictures of {frame.width} x {frame.height} pixels; nothing is cut off")
        size, crop = (frame.width, frame.height), NO_CROP
    aspect = stored_aspect if stored_aspect > 0 else 1.0
    if not 1 / MOST_STRETCHED <= aspect <= MOST_STRETCHED:
        notes.append(f"pixels of {aspect:.3g} : 1 are taken for square")
        aspect = 1.0
    matrix = _display_matrix(frame)
    turn = _quarter_turn(matrix) if matrix is not None else (False, False, False)
    if turn is None:
        notes.append("the file asks for a turn by an angle that is no multiple of 90 degrees; it is shown unturned")
        turn = (False, False, False)
    return Display(size, aspect, *turn, crop=crop, notes=tuple(notes))


def _display_matrix(frame: Any) -> tuple[float, float, float, float] | None:
    """The part (a, b, c, d) of the display matrix that turns: to the right is (a, b), down is (c, d); None without a matrix."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            values = struct.unpack("<9i" if struct.pack("=i", 1) == struct.pack("<i", 1) else ">9i", bytes(data)[:36])
            return values[0] / 65536, values[1] / 65536, values[3] / 65536, values[4] / 65536
    return None


def _quarter_turn(matrix: tuple[float, float, float, float]) -> tuple[bool, bool, bool] | None:
    """Transposed, mirrored, upturned; None for another angle.

    >>> _quarter_turn((0.0, -1.0, 1.0, 0.0)), _quarter_turn((-1.0, 0.0, 0.0, -1.0)), _quarter_turn((0.7, 0.7, -0.7, 0.7))
    ((True, False, True), (False, True, True), None)
    """
    a, b, c, d = matrix
    small = 0.01 * max(map(abs, matrix))
    if max(abs(b), abs(c)) <= small and min(abs(a), abs(d)) > small:
        return False, a < 0, d < 0
    if max(abs(a), abs(d)) <= small and min(abs(b), abs(c)) > small:
        return True, c < 0, b < 0
    return (False, False, False) if not any(matrix) else None


def working_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size at which a clip's pictures are decoded: the short side has at most 720 pixels.

    Args:
        size: width and height as shown, in pixels.

    Returns:
        Width and height: the same, or scaled down to even numbers. It depends on nothing else, least of all on the length of the clip.

    >>> working_size((1920, 1080)), working_size((2560, 1440)), working_size((454, 256))
    ((1280, 720), (1280, 720), (454, 256))
    """
    width, height = size
    scale = SHORT_SIDE_CAP / max(1, min(width, height))
    if scale >= 1.0:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def stored_working_size(display: Display) -> tuple[int, int]:
    """The size to which stored pictures are scaled before they are turned, so that they have the working size afterwards.

    Args:
        display: how they are shown.
    """
    width, height = working_size(display.size)
    return (height, width) if display.transposed else (width, height)
