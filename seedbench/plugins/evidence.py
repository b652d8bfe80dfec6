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
    """One line of a curve.

    Attributes:
        name: its name in the legend.
        x: positions on the axis of the curve, in its unit.
        y: as many values, in the unit of the other axis; None where there is no value.
    """

    name: str
    x: list[float]
    y: list[float | None]


@dataclass(frozen=True)
class Mark:
    """A vertical line on a curve, such as the chosen lag or a cut.

    Attributes:
        x: where it stands, in the unit of the axis.
        label: what it marks.
    """

    x: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Lines over a common axis, such as a correlation over the lag.

    Attributes:
        title: what the panel shows.
        x_label, y_label: the labels of the axes, with their units.
        series: the lines.
        marks: vertical lines.
        kind: the type of panel, for the page that draws it; leave it as it is.
    """

    title: str
    x_label: str
    y_label: str
    series: list[Series]
    marks: list[Mark] = field(default_factory=list)
    kind: str = "curve"


@dataclass(frozen=True)
class Picture:
    """A small picture of a gallery.

    Attributes:
        caption: the text below it.
        jpeg_base64: a JPEG, as :func:`jpeg` returns it.
        group: pictures of the same group are drawn together.
    """

    caption: str
    jpeg_base64: str
    group: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side, such as face crops by shot or frames around a cut.

    Attributes:
        title: what the panel shows.
        pictures: the pictures, in the order in which they are drawn.
        kind: the type of panel, for the page that draws it; leave it as it is.
    """

    title: str
    pictures: list[Picture]
    kind: str = "gallery"


@dataclass(frozen=True)
class Path2D:
    """The track of one point through a clip.

    Attributes:
        label: what was tracked.
        points: (time_s, x, y): seconds from the first picture, and fractions of its width and height, 0..1.
    """

    label: str
    points: list[tuple[float, float, float]]


@dataclass(frozen=True)
class Overlay:
    """Tracks over one picture of the clip.

    Attributes:
        title: what the panel shows.
        background_jpeg_base64: the picture, as :func:`jpeg` returns it.
        paths: the tracks.
        marks: single points (time_s, x, y, label), in the units of :class:`Path2D`.
        kind: the type of panel, for the page that draws it; leave it as it is.
    """

    title: str
    background_jpeg_base64: str
    paths: list[Path2D]
    marks: list[tuple[float, float, float, str]] = field(default_factory=list)
    kind: str = "overlay"


@dataclass(frozen=True)
class Facts:
    """A small table of names and values.

    Attributes:
        title: what the panel shows.
        rows: (name, value), both as text; write the unit into the value.
        kind: the type of panel, for the page that draws it; leave it as it is.
    """

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

    Returns:
        The bytes of the JPEG in base64, as panels hold pictures.

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
    """A panel as it is stored with a score.

    Args:
        panel: the panel, made of Python's own numbers, text and lists.

    Returns:
        A dict that JSON can store; its ``kind`` names the type of panel.
    """
    return asdict(panel)
