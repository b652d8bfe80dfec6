"""The two face networks: BlazeFace (full range, sparse) detects faces, FaceMesh places 468 points on a face.

Both run in LiteRT on one thread. Networks: Bazarevsky et al. 2019 (BlazeFace), Kartynnik et al. 2019 (FaceMesh); files by Google
MediaPipe.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

MIN_DETECTION = 0.5
NMS_IOU = 0.3
ROI_SCALE = 1.5
"""The mesh crop is this many times the face box (MediaPipe's value)."""
_INPUT = 192
_GRID = 48
_RIGHT_EYE, _LEFT_EYE = 33, 263


@dataclass(frozen=True)
class Detection:
    """One face detected by BlazeFace.

    Attributes:
        box: (4,) x0 y0 x1 y1 in pixels.
        eyes: (2, 2) right and left eye in pixels.
        score: The detector's score, 0..1.
        nose_mouth: (2, 2) tip of the nose and middle of the mouth in pixels.
    """

    box: np.ndarray
    eyes: np.ndarray
    score: float
    nose_mouth: np.ndarray


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes.

    Args:
        a: (4,) x0 y0 x1 y1.
        b: (4,) x0 y0 x1 y1.

    Returns:
        0..1.

    >>> round(iou(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])), 4)
    0.3333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    overlap = float(width * height)
    return overlap / float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap)


def box_of(landmarks: np.ndarray) -> np.ndarray:
    """Bounding box of points.

    Args:
        landmarks: (..., n, 2 or 3) points.

    Returns:
        (..., 4) x0 y0 x1 y1.

    >>> box_of(np.array([[1.0, 5.0], [3.0, 2.0]])).tolist()
    [1.0, 2.0, 3.0, 5.0]
    """
    points = landmarks[..., :2]
    return np.concatenate([points.min(axis=-2), points.max(axis=-2)], axis=-1)


def crop_matrix(box: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray) -> np.ndarray:
    """The affine map from image pixels to the 192-pixel upright crop around a face.

    The crop is a square of ``ROI_SCALE`` times the longer side of the box, turned so that the eyes are level.

    Args:
        box: (4,) x0 y0 x1 y1 of the face, pixels.
        right_eye: (2,) the person's own right eye, which lies left in the picture.
        left_eye: (2,) the person's own left eye.

    Returns:
        (2, 3) affine matrix.

    >>> crop_matrix(np.array([0, 0, 128, 64]), np.array([40, 30]), np.array([80, 30])).tolist()
    [[1.0, 0.0, 32.0], [0.0, 1.0, 64.0]]
    """
    angle = math.atan2(float(left_eye[1] - right_eye[1]), float(left_eye[0] - right_eye[0]))
    scale = _INPUT / (ROI_SCALE * max(float(box[2] - box[0]), float(box[3] - box[1]), 1.0))
    centre = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], dtype=float)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    turn = np.array([[cos, sin], [0.0 - sin, cos]])
    return np.hstack([turn, (_INPUT / 2 - turn @ centre)[:, None]])


def decode_detections(regressors: np.ndarray, logits: np.ndarray, *, side: float, offset: tuple[float, float]) -> list[Detection]:
    """Faces from the raw outputs of BlazeFace. Overlapping candidates are merged by the mean of their boxes weighted by score, as in
    MediaPipe.

    Args:
        regressors: (2304, 16), of a 48 x 48 grid.
        logits: (2304,).
        side: Side in pixels of the square that the picture was padded to.
        offset: The padding (x, y) in pixels.

    Returns:
        The faces, best first.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    keep = np.flatnonzero(scores >= MIN_DETECTION)
    if len(keep) == 0:
        return []
    scores = scores[keep]
    anchors = np.stack([keep % _GRID + 0.5, keep // _GRID + 0.5], axis=1) / _GRID
    values = regressors[keep].astype(np.float64) / _INPUT
    centre, half = anchors + values[:, :2], values[:, 2:4] / 2
    on_face = values[:, 4:12] + np.tile(anchors, 4)  # right eye, left eye, nose, mouth; the ears are not used
    points = np.concatenate([centre - half, centre + half, on_face], axis=1).reshape(-1, 6, 2)
    points = points * side - np.asarray(offset, dtype=float)
    order = list(np.argsort(-scores, kind="stable"))
    detections = []
    while order:
        best = order[0]
        group = [k for k in order if k == best or iou(points[best, :2].ravel(), points[k, :2].ravel()) > NMS_IOU]
        order = [k for k in order if k not in group]
        mean = np.average(points[group], axis=0, weights=scores[group])
        detections.append(Detection(mean[:2].ravel(), mean[2:4], float(scores[best]), mean[4:]))
    return detections


class FaceNets:
    """The two networks, loaded once a process. Pictures are (H, W, 3) uint8 RGB."""

    def __init__(self, detector: str, mesh: str) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._detector = Interpreter(detector, num_threads=1)
        self._mesh = Interpreter(mesh, num_threads=1)
        for net in (self._detector, self._mesh):
            net.allocate_tensors()

    @staticmethod
    def _run(net: object, picture: np.ndarray) -> list[np.ndarray]:
        net.set_tensor(net.get_input_details()[0]["index"], picture[None])  # type: ignore[attr-defined]
        net.invoke()  # type: ignore[attr-defined]
        return [net.get_tensor(output["index"])[0] for output in net.get_output_details()]  # type: ignore[attr-defined]

    def detect(self, rgb: np.ndarray, *, margin: float = 0.0) -> list[Detection]:
        """Every face in the picture, best first.

        Args:
            rgb: (H, W, 3) uint8.
            margin: Width of an empty border added on every side, as a share of the longer side of the picture. With a border, faces that
                fill the picture are found; small faces are lost.

        Returns:
            The faces, in pixels of the picture.
        """
        import cv2

        height, width = rgb.shape[:2]
        side = max(height, width) * (1.0 + 2.0 * margin)
        size = (max(1, round(width * _INPUT / side)), max(1, round(height * _INPUT / side)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        x, y = (_INPUT - size[0]) // 2, (_INPUT - size[1]) // 2
        canvas = np.zeros((_INPUT, _INPUT, 3), np.float32)
        canvas[y : y + size[1], x : x + size[0]] = small.astype(np.float32) / 127.5 - 1.0
        outputs = self._run(self._detector, canvas)
        regressors, logits = sorted(outputs, key=lambda output: -output.shape[-1])
        return decode_detections(regressors, logits[:, 0], side=side, offset=(x * side / _INPUT, y * side / _INPUT))

    def mesh(self, rgb: np.ndarray, to_crop: np.ndarray) -> tuple[np.ndarray, float]:
        """The mesh of a face in a picture.

        Args:
            rgb: (H, W, 3) uint8.
            to_crop: (2, 3) affine map from the picture to the crop (:func:`crop_matrix`).

        Returns:
            (468, 3) points in pixels of the picture, and their score 0..1.
        """
        import cv2

        crop = cv2.warpAffine(rgb, to_crop, (_INPUT, _INPUT), flags=cv2.INTER_LINEAR)
        outputs = self._run(self._mesh, crop.astype(np.float32) / 255.0)
        points, logit = sorted((output.ravel() for output in outputs), key=lambda output: -output.size)
        back = cv2.invertAffineTransform(to_crop)
        landmarks = points.reshape(468, 3).astype(np.float64)
        landmarks[:, :2] = landmarks[:, :2] @ back[:, :2].T + back[:, 2]
        landmarks[:, 2] *= math.hypot(back[0, 0], back[1, 0])
        return landmarks, float(1.0 / (1.0 + math.exp(-min(max(float(logit[0]), -80.0), 80.0))))

    def follow(self, rgb: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, float]:
        """The mesh around a face that is known from an earlier frame or a first pass.

        Args:
            rgb: (H, W, 3) uint8.
            landmarks: (468, 2 or more) points of the known mesh in pixels.

        Returns:
            (468, 3) points in pixels of the picture, and their score 0..1.
        """
        return self.mesh(rgb, crop_matrix(box_of(landmarks), landmarks[_RIGHT_EYE], landmarks[_LEFT_EYE]))


@functools.cache
def face_nets() -> FaceNets:
    """The networks of this process.

    Raises:
        WeightsError: If their weights are missing or cannot be read.
    """
    from seedbench.plugins import weights

    return FaceNets(str(weights.path("blazeface")), str(weights.path("facemesh")))
