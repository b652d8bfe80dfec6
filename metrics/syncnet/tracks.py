"""Face boxes linked into tracks, and tracks cropped to the 224 pixels that SyncNet expects, as joonson/syncnet_python computes them.

Boxes are x0 y0 x1 y1 in pixels; frames count at 25 a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MAX_GAP_FRAMES = 25
MIN_IOU = 0.5
MIN_TRACK = 50
"""A track needs more detections than this; 50 as in MoChaBench, LatentSync and syncnet-python (the first code had 100)."""
MIN_FACE_PX = 100.0
CROP_SCALE = 0.40
MEDIAN_FRAMES = 13
BORDER_GREY = 110
CROP_PX = 224


@dataclass(frozen=True)
class Track:
    """A face over consecutive frames.

    Attributes:
        frames: (n,) indices at 25 a second.
        boxes: (n, 4) x0 y0 x1 y1 in pixels; gaps are filled linearly.
        detections: How many of the n boxes were detected.
    """

    frames: np.ndarray
    boxes: np.ndarray
    detections: int


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes, as the published code computes it.

    Args:
        a: x0 y0 x1 y1.
        b: x0 y0 x1 y1.

    Returns:
        0..1.

    >>> round(iou([0, 0, 2, 1], [1, 0, 3, 1]), 4)
    0.3333
    """
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both + 1e-8)


def link_boxes(
    boxes_by_frame: Sequence[Sequence[Sequence[float]]], *, min_track: int = MIN_TRACK, min_face_px: float = MIN_FACE_PX
) -> list[Track]:
    """Tracks of one shot from the boxes of each of its frames.

    Greedy: a track begins with the first unused box and takes, frame by frame, the first box that overlaps its last one by more than
    ``MIN_IOU``, as long as the gap is at most ``MAX_GAP_FRAMES``. It is kept with more than ``min_track`` detections and a mean width or
    height above ``min_face_px``.

    Args:
        boxes_by_frame: The boxes x0 y0 x1 y1 of each frame, pixels.
        min_track: Number of detections.
        min_face_px: Pixels.

    Returns:
        The tracks, in the order in which they begin in the lists of boxes.

    >>> tracks = link_boxes([[[0, 0, 120, 120]]] * 51 + [[]] * 10 + [[[5, 0, 125, 120]]] * 20)
    >>> [(int(t.frames[0]), int(t.frames[-1]), t.detections) for t in tracks]
    [(0, 80, 71)]
    """
    left = [[list(box) for box in boxes] for boxes in boxes_by_frame]
    tracks: list[Track] = []
    while any(left):
        frames: list[int] = []
        boxes: list[list[float]] = []
        for frame, candidates in enumerate(left):
            if frames and frame - frames[-1] > MAX_GAP_FRAMES:
                break
            match = next((box for box in candidates if not boxes or iou(box, boxes[-1]) > MIN_IOU), None)
            if match is not None:
                candidates.remove(match)
                frames.append(frame)
                boxes.append(match)
        if len(frames) <= min_track:
            continue
        every = np.arange(frames[0], frames[-1] + 1)
        filled = np.stack([np.interp(every, frames, np.array(boxes)[:, side]) for side in range(4)], axis=1)
        size = max(float((filled[:, 2] - filled[:, 0]).mean()), float((filled[:, 3] - filled[:, 1]).mean()))
        if size > min_face_px:
            tracks.append(Track(every, filled, len(frames)))
    return tracks


def crop_window(centre_x: float, centre_y: float, half: float) -> tuple[int, int, int, int]:
    """Region x0 y0 x1 y1, possibly beyond the picture, cut around a face of half-size ``half``: 2.8 ``half`` a side, low on the chin.

    Numbers are truncated after the border ``pad`` is added, as in the published code.

    >>> crop_window(320.0, 240.0, 50.0)
    (250, 190, 390, 330)
    """
    pad = int(half * (1 + 2 * CROP_SCALE))
    y, x = centre_y + pad, centre_x + pad
    top, bottom = int(y - half), int(y + half * (1 + 2 * CROP_SCALE))
    start, stop = int(x - half * (1 + CROP_SCALE)), int(x + half * (1 + CROP_SCALE))
    return start - pad, top - pad, stop - pad, bottom - pad


def median_filter(values: np.ndarray, width: int) -> np.ndarray:
    """Running median with zeros beyond the ends (as scipy.signal.medfilt, which is slow to import).

    Args:
        values: (n,).
        width: Odd number of values.

    Returns:
        (n,).

    >>> median_filter(np.array([5.0, 1.0, 9.0, 2.0]), 3).tolist()
    [1.0, 5.0, 2.0, 2.0]
    """
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, width // 2), width)
    return np.asarray(np.median(windows, axis=1))


def smooth_boxes(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre x, centre y and half-size, (n,) each, of boxes (n, 4), median-filtered over 13 frames (zeros beyond the ends, as published).

    So on the first and last six frames the result is below the median of the frames there are.

    >>> [part[6].item() for part in smooth_boxes(np.tile([10.0, 20.0, 50.0, 80.0], (13, 1)))]
    [30.0, 50.0, 30.0]
    """
    half = np.maximum(boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]) / 2
    centre_x, centre_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    x, y, s = (median_filter(values, MEDIAN_FRAMES) for values in (centre_x, centre_y, half))
    return x, y, s


def crop_picture(rgb: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    """The region ``window`` of a picture (H, W, 3) uint8, grey (110) beyond its edges, scaled to (224, 224, 3)."""
    import cv2

    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = window
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    canvas = np.full((y1 - y0, x1 - x0, 3), BORDER_GREY, np.uint8)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if right > left and bottom > top:
        canvas[top - y0 : bottom - y0, left - x0 : right - x0] = rgb[top:bottom, left:right]
    return np.asarray(cv2.resize(canvas, (CROP_PX, CROP_PX)))


def face_crops(pictures: Iterable[np.ndarray], tracks: Sequence[Track]) -> list[np.ndarray]:
    """The face crops of tracks, in one pass over the pictures.

    Args:
        pictures: The pictures (H, W, 3) uint8 of the clip at 25 a second.
        tracks: The tracks.

    Returns:
        For each track (n, 224, 224, 3) uint8.
    """
    windows: dict[int, list[tuple[int, tuple[int, int, int, int]]]] = {}
    for index, track in enumerate(tracks):
        for frame, x, y, half in zip(track.frames.tolist(), *(values.tolist() for values in smooth_boxes(track.boxes)), strict=True):
            windows.setdefault(frame, []).append((index, crop_window(x, y, half)))
    crops: list[list[np.ndarray]] = [[] for _ in tracks]
    for frame, picture in enumerate(pictures):
        for index, window in windows.get(frame, ()):
            crops[index].append(crop_picture(picture, window))
    return [np.stack(faces) for faces in crops]
