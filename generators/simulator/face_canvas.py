"""Pictures with transparency in face units, and the canvas they are painted on.

A face unit is half a head height; the origin is the middle of the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

Colour = tuple[float, float, float]

DETAIL = 150  # pixels per face unit of the layers as they are drawn


@dataclass(frozen=True)
class FaceLayer:
    """A picture in face units: ``rgba`` (h, w, 4) 0..255 with colours premultiplied, top left corner at (``left``, ``top``)."""

    rgba: np.ndarray
    left: float
    top: float
    scale: float

    def at_scale(self, scale: float) -> FaceLayer:
        """The same picture in uint8 with ``scale`` pixels per face unit, without its empty margins."""
        height, width = self.rgba.shape[:2]
        size = (round(width * scale / self.scale), round(height * scale / self.scale))
        scale = size[0] / width * self.scale
        rgba = np.rint(cv2.resize(self.rgba, size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
        covered = rgba[..., 3] > 0
        rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            return FaceLayer(rgba[:0, :0], self.left, self.top, scale)
        y0, y1, x0, x1 = max(rows[0] - 1, 0), rows[-1] + 2, max(columns[0] - 1, 0), columns[-1] + 2
        return FaceLayer(np.ascontiguousarray(rgba[y0:y1, x0:x1]), self.left + x0 / scale, self.top + y0 / scale, scale)


class FaceCanvas:
    """An opaque picture being painted layer on layer, and the alpha it is cut out with at the end."""

    def __init__(self, left: float, top: float, size_px: tuple[int, int], scale: float) -> None:
        self.left, self.top, self.scale = left, top, scale
        self.width, self.height = size_px
        x = left + (np.arange(self.width, dtype=np.float32) + 0.5) / scale
        y = top + (np.arange(self.height, dtype=np.float32) + 0.5) / scale
        self.x, self.y = np.meshgrid(x, y)
        self.rgb: np.ndarray = np.zeros((self.height, self.width, 3), np.float32)
        self.alpha: np.ndarray = np.zeros((self.height, self.width), np.float32)

    @classmethod
    def of_box(cls, left: float, top: float, right: float, bottom: float, *, scale: float = DETAIL) -> FaceCanvas:
        """An empty picture between two corners in face units."""
        return cls(left, top, (round((right - left) * scale), round((bottom - top) * scale)), scale)

    @classmethod
    def over(cls, layer: FaceLayer) -> FaceCanvas:
        """A picture to go on painting from ``layer``, whose pixels are left alone."""
        canvas = cls(layer.left, layer.top, (layer.rgba.shape[1], layer.rgba.shape[0]), layer.scale)
        canvas.rgb = layer.rgba[..., :3].astype(np.float32)
        canvas.alpha = layer.rgba[..., 3].astype(np.float32) / 255.0
        return canvas

    def mask(self, *polygons: np.ndarray, soften: float = 0.0) -> np.ndarray:
        """Coverage 0..1 (h, w) of polygons, each (N, 2) in face units; ``soften`` is a blur in face units."""
        layer = np.zeros((self.height, self.width), np.uint8)
        for polygon in polygons:
            points = (np.asarray(polygon) - (self.left, self.top)) * self.scale - 0.5
            cv2.fillPoly(layer, [np.round(points * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
        return blurred(layer.astype(np.float32) / 255.0, soften * self.scale)

    def bump(self, x: float, y: float, wide: float, high: float) -> np.ndarray:
        """A smooth hill of height 1 at (x, y)."""
        return np.exp(-(((self.x - x) / wide) ** 2) - ((self.y - y) / high) ** 2)

    def pair(self, x: float, y: float, wide: float, high: float) -> np.ndarray:
        """Two hills, left and right."""
        return np.exp(-(((np.abs(self.x) - x) / wide) ** 2) - ((self.y - y) / high) ** 2)

    def lay(self, colour: np.ndarray | Colour, coverage: np.ndarray, *, cut: bool = False) -> None:
        """Paint ``colour`` where ``coverage`` (h, w) is; ``cut`` leaves the outline as it was."""
        share = coverage
        if not cut:
            self.alpha = self.alpha + coverage * (1 - self.alpha)
            share = coverage / np.maximum(self.alpha, 1e-4)
        self.rgb += (np.asarray(colour, np.float32) - self.rgb) * share[..., None]

    def shade(self, factor: np.ndarray) -> None:
        """Multiply by ``factor`` (h, w)."""
        self.rgb *= factor[..., None]

    def layer(self) -> FaceLayer:
        """What has been painted."""
        rgba = np.dstack([self.rgb.clip(0, 255) * self.alpha[..., None], 255.0 * self.alpha])
        return FaceLayer(rgba.astype(np.float32), self.left, self.top, self.scale)


def blurred(picture: np.ndarray, sigma_px: float) -> np.ndarray:
    """Gaussian blur; no blur below a fifth of a pixel."""
    return cv2.GaussianBlur(picture, (0, 0), sigma_px) if sigma_px > 0.2 else picture


def noise(rng: np.random.Generator, shape: tuple[int, int], sigma_px: tuple[float, float]) -> np.ndarray:
    """Smooth noise (h, w) float32 of mean 0 and deviation 1, blurred by (x, y) pixels."""
    field: np.ndarray = rng.standard_normal(shape, dtype=np.float32)
    field = cv2.GaussianBlur(field, (0, 0), max(sigma_px[0], 0.3), sigmaY=max(sigma_px[1], 0.3))
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def stroke(line: np.ndarray, thickness: float) -> np.ndarray:
    """A polygon along ``line`` (N, 2) that is ``thickness`` thick in the middle and pointed at both ends."""
    taper = 0.5 * thickness * np.sin(np.linspace(0.12, np.pi - 0.12, len(line))) ** 0.5
    offset = np.stack([np.zeros_like(taper), taper], axis=1)
    return np.concatenate([line - offset, (line + offset)[::-1]])


def smooth_curve(points: np.ndarray, count: int = 60) -> np.ndarray:
    """A smooth curve (count, 2) through ``points`` (N, 2)."""
    from scipy.interpolate import PchipInterpolator

    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return np.asarray(PchipInterpolator(along, points)(np.linspace(0, along[-1], count)))
