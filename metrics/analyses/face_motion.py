"""How much a face changes between two pictures beyond what a moved camera explains: a face that speaks does, a photograph does not."""

from __future__ import annotations

import numpy as np

VIEW_PX = 96
AROUND = 1.2
"""The compared square is this many times the longer side of the face box."""
BLUR_PX = 2.0
"""Standard deviation of the blur that takes grain away before pictures are compared, in pixels of the square."""
BORDER_PX = 10
MOST_STEPS, LEAST_GAIN = 30, 1e-4
"""Steps of the alignment, and the gain of correlation below which it ends."""


def face_view(rgb: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face in a square of fixed size, grey, not turned.

    Args:
        rgb: (H, W, 3) uint8.
        box: (4,) x0 y0 x1 y1 of the face in pixels.

    Returns:
        (96, 96) uint8.
    """
    import cv2

    x0, y0, x1, y1 = (float(edge) for edge in box)
    scale = VIEW_PX / (AROUND * max(x1 - x0, y1 - y0, 1.0))
    matrix = np.array([[scale, 0.0, VIEW_PX / 2 - scale * (x0 + x1) / 2], [0.0, scale, VIEW_PX / 2 - scale * (y0 + y1) / 2]])
    view = cv2.warpAffine(np.ascontiguousarray(rgb), matrix, (VIEW_PX, VIEW_PX), flags=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY))


def movement(first: np.ndarray, second: np.ndarray) -> float:
    """What remains of the difference of two pictures of a face when one is shifted, turned, scaled and sheared to fit the other.

    Alignment by the enhanced correlation coefficient (Evangelidis and Psarakis 2008).

    Args:
        first: (96, 96) uint8 (:func:`face_view`).
        second: The same of the other picture.

    Returns:
        Standard deviation of the difference over that of the first picture, at least 0; infinite where the two cannot be aligned.

    >>> rows, columns = np.mgrid[:96, :96]
    >>> picture = (128 + 60 * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.uint8)
    >>> movement(picture, picture) < 0.001
    True
    """
    import cv2

    before, after = (cv2.GaussianBlur(view.astype(np.float32), (0, 0), BLUR_PX) for view in (first, second))
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, MOST_STEPS, LEAST_GAIN)
    try:
        _, matrix = cv2.findTransformECC(before, after, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, None, 1)  # type: ignore[call-overload]
    except cv2.error:  # the pictures have nothing in common, or one of them is flat
        return float("inf")
    moved = cv2.warpAffine(after, matrix, (VIEW_PX, VIEW_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = np.s_[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    return float((before - moved)[inside].std() / max(float(before[inside].std()), 1.0))
