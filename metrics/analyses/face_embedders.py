"""The networks that turn a face into a vector, and how each aligns the face first.

Two networks: dlib's ResNet (embedded backend) and any ArcFace-like torchscript file the user supplies.
"""

from __future__ import annotations

import functools
import warnings
from typing import Protocol

import numpy as np

CHIP_PX = 150
_ARCFACE_PX = 112
_ARCFACE_POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
"""Where ArcFace's training crops have eyes, nose and mouth corners, in a 112-pixel square (insightface's alignment template)."""
_RIGHT_EYE, _LEFT_EYE, _NOSE, _MOUTH = (33, 133), (362, 263), 4, (61, 291)


class FaceEmbedder(Protocol):
    """Turns aligned faces into vectors.

    Attributes:
        name: The name of the network, by which scores are told apart.
    """

    name: str

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Cut an upright face out of a picture.

        Args:
            rgb: (H, W, 3) uint8 picture.
            box: (4,) x0 y0 x1 y1 of the face mesh, pixels.
            landmarks: (468, 3) points of the mesh, pixels.

        Returns:
            (S, S, 3) uint8.
        """
        ...

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Embed aligned faces.

        Args:
            faces: (n, S, S, 3) uint8.

        Returns:
            (n, D) vectors, not yet normalised.
        """
        ...


class DlibEmbedder:
    """dlib's 5-point alignment and its 128-d ResNet (King 2017; weights CC0)."""

    name = "dlib-resnet128"

    def __init__(self, shape_predictor: str, network: str) -> None:
        import dlib

        self._points = dlib.shape_predictor(shape_predictor)
        self._network = dlib.face_recognition_model_v1(network)

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """dlib's own 150-pixel chip, aligned by its five points inside the mesh box."""
        import dlib

        picture = np.ascontiguousarray(rgb)
        shape = self._points(picture, dlib.rectangle(*(round(float(edge)) for edge in box)))
        return dlib.get_face_chip(picture, shape, size=CHIP_PX)

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Descriptors (n, 128)."""
        return np.array(self._network.compute_face_descriptor(list(np.ascontiguousarray(faces))), dtype=np.float64)


class ArcFaceEmbedder:
    """A torchscript network that maps (n, 3, 112, 112) RGB in -1..1 to (n, D), as ArcFace models do (Deng et al. 2019)."""

    name = "arcface"

    def __init__(self, network: str) -> None:
        import torch

        from seedbench.errors import WeightsError

        try:
            with warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", "`torch.jit", FutureWarning
                )  # torchscript is the format in which such networks are shared
                self._network = torch.jit.load(network, map_location="cpu").eval()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise WeightsError(f"{network} is not a torchscript file ({reason}); export it with torch.jit.save") from error

    def align(self, rgb: np.ndarray, box: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The face turned, scaled and shifted so that eyes, nose and mouth corners lie on ArcFace's template."""
        import cv2

        matrix = similarity_transform(five_points(landmarks), _ARCFACE_POINTS)
        return cv2.warpAffine(rgb, matrix, (_ARCFACE_PX, _ARCFACE_PX), flags=cv2.INTER_LINEAR)

    def embed(self, faces: np.ndarray) -> np.ndarray:
        """Embed aligned faces.

        Args:
            faces: (n, 112, 112, 3) uint8.

        Returns:
            (n, D) vectors, not yet normalised.

        Raises:
            WeightsError: The network accepts or returns something else.
        """
        import torch

        from seedbench.errors import WeightsError

        batch = torch.from_numpy(np.ascontiguousarray(faces)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
        try:
            with torch.inference_mode():
                vectors = self._network(batch)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise WeightsError(f"the arcface network must accept pictures (n, 3, 112, 112) ({reason})") from error
        if not isinstance(vectors, torch.Tensor) or vectors.ndim != 2 or len(vectors) != len(faces):
            raise WeightsError("the arcface network must return one vector per face, (n, D)")
        return vectors.double().numpy()


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Right eye, left eye, nose tip, right and left mouth corner (5, 2) of a 468-point mesh (468, 2 or 3)."""
    xy = landmarks[:, :2].astype(np.float64)
    return np.stack([xy[list(_RIGHT_EYE)].mean(axis=0), xy[list(_LEFT_EYE)].mean(axis=0), xy[_NOSE], xy[_MOUTH[0]], xy[_MOUTH[1]]])


def similarity_transform(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The turn, scale and shift that carries points nearest to others: least squares, no mirroring.

    Args:
        source: (n, 2) points.
        target: (n, 2) where they should go.

    Returns:
        (2, 3) affine matrix.

    >>> corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> similarity_transform(corners, 2 * corners + [3, 4]).round(6).tolist()
    [[2.0, -0.0, 3.0], [0.0, 2.0, 4.0]]
    """
    middle, aim = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - aim
    spread = float((a**2).sum())
    cos = float((a * b).sum()) / spread
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([turn, (aim - turn @ middle)[:, None]])


@functools.cache
def dlib_embedder() -> DlibEmbedder:
    """dlib's networks, loaded once per process.

    Raises:
        WeightsError: If their weights are missing or cannot be read.
    """
    from seedbench.plugins import weights

    return DlibEmbedder(str(weights.path("dlib-5point")), str(weights.path("dlib-face")))


@functools.cache
def arcface_embedder() -> ArcFaceEmbedder:
    """The user's network, loaded once per process.

    Raises:
        WeightsError: If there is none, or it cannot be read.
    """
    from seedbench.plugins import weights

    return ArcFaceEmbedder(str(weights.path("arcface")))
