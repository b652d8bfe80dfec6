"""Draws a talking head into a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generators.simulator.looks import Face


@dataclass(frozen=True)
class Mouth:
    """The state of a mouth: ``open`` 0 (lips meet) to 1 (jaw dropped), ``width`` 0 (rounded) to 1 (spread), 0.5 at rest."""

    open: float = 0.0
    width: float = 0.5


class FacePainter:
    """Draws one person at one size; layers that do not move are made once. ``height_px`` is crown to chin, mouth closed."""

    def __init__(self, face: Face, height_px: int) -> None:
        self.face = face
        self.height_px = height_px

    def paint(
        self,
        canvas: np.ndarray,
        *,
        centre: tuple[float, float],
        mouth: Mouth = Mouth(),  # noqa: B008
        yaw: float = 0.0,
        roll_rad: float = 0.0,
        blink: float = 0.0,
        gain: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        """Draw head, neck and shoulders into ``canvas`` (H, W, 3) uint8 RGB, in place.

        ``centre`` is (x, y) of the head's middle in pixels; the body runs down to the lower edge of the picture. ``yaw`` -1..1 (1: the face turned to
        the picture's right by 35 degrees), ``roll_rad`` clockwise, ``blink`` 0 (eyes open) to 1 (shut), ``gain`` multiplies red, green, blue.
        """
        raise NotImplementedError
