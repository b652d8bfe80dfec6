"""Evidence of a score: panels that a report draws to explain a value, without knowing the metric.

Panels hold only numbers, text and lists, so that JSON can store them. Times are in seconds from the first picture. Positions in a picture
are fractions of its width and height, from 0 to 1, with the origin at the top left.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Series:
    """One line of a curve: ``x`` and ``y`` have the same length; ``y`` is None where there is no value."""

    name: str
    x: list[float]
    y: list[float | None]


@dataclass(frozen=True)
class Mark:
    """A vertical line at ``x`` on a curve, such as the chosen lag or a cut."""

    x: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Lines over a common axis, such as a correlation over the lag; axis labels include the unit."""

    title: str
    x_label: str
    y_label: str
    series: list[Series]
    marks: list[Mark] = field(default_factory=list)
    kind: str = "curve"


@dataclass(frozen=True)
class Picture:
    """A small JPEG (:func:`jpeg`) with a caption; pictures with the same ``group`` are drawn together."""

    caption: str
    jpeg_base64: str
    group: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side: face crops per shot, frames around a cut."""

    title: str
    pictures: list[Picture]
    kind: str = "gallery"


@dataclass(frozen=True)
class Path2D:
    """A track: ``points`` are (time_s, x, y), with x and y in 0..1."""

    label: str
    points: list[tuple[float, float, float]]


@dataclass(frozen=True)
class Overlay:
    """Tracks over one picture of the clip (:func:`jpeg`); ``marks`` are single points (time_s, x, y, label)."""

    title: str
    background_jpeg_base64: str
    paths: list[Path2D]
    marks: list[tuple[float, float, float, str]] = field(default_factory=list)
    kind: str = "overlay"


@dataclass(frozen=True)
class Facts:
    """A small table of names and values."""

    title: str
    rows: list[tuple[str, str]]
    kind: str = "facts"


Panel = Curve | Gallery | Overlay | Facts


def jpeg(rgb: np.ndarray, *, side: int = 128, quality: int = 80) -> str:
    """Encode a picture as a base64 JPEG.

    Args:
        rgb: (H, W, 3) uint8.
        side: the most pixels of the longer side; larger pictures are scaled down.
        quality: of the JPEG, 0 to 100.

    Raises:
        ValueError: the picture cannot be encoded.
    """
    import cv2

    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"a picture of shape {rgb.shape} cannot be encoded; it must be (H, W, 3) uint8")
    return base64.b64encode(data.tobytes()).decode("ascii")


def as_json(panel: Panel) -> dict[str, Any]:
    """The panel as a dict that JSON can store; its ``kind`` names the type of panel."""
    return asdict(panel)
