"""What a score shows for itself in the drill-down: typed panels that the report draws without knowing the metric.

Every panel is plain data (numbers, strings, lists) and survives a trip through JSON.
Times are seconds from the first video frame; picture coordinates are fractions of width and height, origin top left.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Series:
    """One line of a curve: ``x`` and ``y`` of equal length; ``y`` may hold None where there is no value."""

    name: str
    x: list[float]
    y: list[float | None]


@dataclass(frozen=True)
class Mark:
    """A vertical line on a curve, e.g. the chosen lag or a cut."""

    x: float
    label: str


@dataclass(frozen=True)
class Curve:
    """Lines over a common axis: a lag curve, lip and sound traces over time."""

    title: str
    x_label: str
    y_label: str
    series: list[Series]
    marks: list[Mark] = field(default_factory=list)
    kind: str = "curve"


@dataclass(frozen=True)
class Picture:
    """A small JPEG with a caption; ``group`` gathers pictures (say, one group a shot)."""

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
    """Something followed over the picture: ``points`` are (time_s, x, y) with x and y in 0..1."""

    label: str
    points: list[tuple[float, float, float]]


@dataclass(frozen=True)
class Overlay:
    """Tracks drawn over one frame of the clip; ``marks`` are points of interest (time_s, x, y, label)."""

    title: str
    background_jpeg_base64: str
    paths: list[Path2D]
    marks: list[tuple[float, float, float, str]] = field(default_factory=list)
    kind: str = "overlay"


@dataclass(frozen=True)
class Facts:
    """A small table of named values."""

    title: str
    rows: list[tuple[str, str]]
    kind: str = "facts"


Panel = Curve | Gallery | Overlay | Facts


def jpeg(rgb: np.ndarray, *, side: int = 128, quality: int = 80) -> str:
    """Encode an RGB picture (H, W, 3) uint8 as base64 JPEG, its longer side at most ``side`` pixels."""
    import cv2

    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    bgr = np.ascontiguousarray(rgb[:, :, ::-1])
    ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise ValueError(f"could not encode a picture of shape {rgb.shape}")
    return base64.b64encode(data.tobytes()).decode("ascii")


def as_json(panel: Panel) -> dict[str, Any]:
    """The panel as a JSON-ready dict; its ``kind`` says which panel it is."""
    return asdict(panel)
