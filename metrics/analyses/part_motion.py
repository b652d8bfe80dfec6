"""How fast the fastest parts of a picture move, by direction, and where they stop: sticks, hands, hammers and feet as well as whole bodies.

Dense optical flow (DIS, Kroeger et al. 2016, as in OpenCV) without the camera's motion. A hit is a moment at which the fastest part loses
its speed in one direction at once: the deceleration of the directogram of Davis and Agrawala (*Visual Rhythm and Beat*, 2018), here of the
fastest part and not of the whole picture, so that a thin stick before a large still background counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbench.metrics.analyses.shots import shots
from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

LINES = 256
"""Short side of the pictures. With 216 or 320 instead, or a finer flow, the AUC of ten filmed pieces changed by at most .02."""
MOST_FPS = 30.0
"""More pictures a second are thinned out: a stop is as sudden, the noise of a speed grows with the rate, and so does the cost."""
GRID_STEP = 4
"""Flow is read at every fourth pixel in each direction: it is estimated on patches of 8 pixels at a quarter of the resolution."""
FASTEST_SHARE = 0.03
"""Share of the picture that is its fastest part. Between .01 and .1 the AUC of ten filmed pieces changed by at most .03."""
DIRECTIONS = 16
WAYS = 8
"""Hits are looked for in this many ways (down, down to the left, left, ...)."""
DOWNWARD = 0.2
"""How much the way of a hit counts: 1 down, 1 - DOWNWARD sideways, 1 - 2 DOWNWARD up. Most things are struck from above, and arms are
raised more gently than they hit. Ten filmed pieces, AUC of in sync against 200 ms and against other sounds: .96 and .96; the same
turned by 90 degrees: .88 and .94. With a finer flow: .965 and .957 (with .15: .955 and .965; with 0: .915 and .973), turned .875 and .937
(hits from above only: .815 and .860)."""
LEAST_CHANGE = 2.0
"""Where the picture changes by fewer grey levels, averaged over a patch of the flow, nothing is seen to move there: the flow of plain walls
follows the noise of the compression. Ten filmed pieces with half the size before a grey border: AUC .91 and .89 with it (1 or 3 instead of
2: the same within .01), .82 and .82 without; a frozen clip of the simulator: speed 0, .15 picture heights a second without."""
PATCH = 8
CAMERA_ROUNDS = 4
CAMERA_TOLERANCE = 2.0
"""Flow within this many standard deviations of the camera's motion belongs to the background; at least ``LEAST_TOLERANCE_PX``."""
LEAST_TOLERANCE_PX = 0.1
CAMERA_STEP = 7
"""The camera's motion is fitted to every seventh point of the grid, about a thousand."""


@dataclass(frozen=True)
class PartMotion:
    """The speed of the fastest parts.

    Attributes:
        time_s: (n,) times of the pictures that were compared, seconds.
        speed: (n-1, :data:`DIRECTIONS`) mean speed of the fastest part in each direction between two pictures, picture heights a second;
            direction d is 360° d / :data:`DIRECTIONS`, 0° to the right, 90° down. NaN across a cut.
    """

    time_s: np.ndarray
    speed: np.ndarray

    @property
    def fastest(self) -> np.ndarray:
        """(n-1,) speed in the fastest direction between two pictures, picture heights a second."""
        return np.nan_to_num(self.speed).max(axis=1, initial=0.0)


@dataclass(frozen=True)
class Stops:
    """How suddenly the fastest parts stop or turn.

    Attributes:
        time_s: (m,) times of the pictures, seconds.
        strength: (:data:`WAYS`, m) speed lost there in each way, averaged over the directions by 1 + cos of the angle between them, picture
            heights a second.
    """

    time_s: np.ndarray
    strength: np.ndarray

    @property
    def strongest(self) -> np.ndarray:
        """(m,) strength in the way that counts most there."""
        return np.asarray((way_weights()[:, None] * self.strength).max(axis=0))


def way_weights() -> np.ndarray:
    """(:data:`WAYS`,) how much a hit in each way counts; the first is down.

    >>> way_weights()[[0, 2, 4]].round(3).tolist()
    [1.0, 0.8, 0.6]
    """
    return 1.0 - DOWNWARD + DOWNWARD * np.cos(2.0 * np.pi * np.arange(WAYS) / WAYS)


def directions() -> np.ndarray:
    """(2, :data:`DIRECTIONS`) unit vectors, x to the right and y down."""
    angle = 2.0 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    return np.stack([np.cos(angle), np.sin(angle)])


def stops_of(motion: PartMotion) -> Stops:
    """Where the fastest parts lose their speed.

    Args:
        motion: The speeds between the pictures.

    Returns:
        One value for each way and each picture but the first and the last; 0 beside a cut.

    >>> speed = np.zeros((4, DIRECTIONS))
    >>> speed[0:2, 4] = 1.6  # down, until picture 2
    >>> stops_of(PartMotion(np.arange(5) / 25, speed)).strength[[0, 4]].round(3).tolist()
    [[0.0, 0.2, 0.0], [0.0, 0.0, 0.0]]
    """
    lost = np.maximum(np.nan_to_num(motion.speed[:-1] - motion.speed[1:]), 0.0)
    down = np.pi / 2.0
    turned = 2.0 * np.pi * (np.arange(DIRECTIONS) / DIRECTIONS - np.arange(WAYS)[:, None] / WAYS)
    weight = 1.0 + np.cos(turned - down)
    return Stops(motion.time_s[1:-1], weight @ lost.T / DIRECTIONS)


def camera_motion(flow: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """The affine motion that most of a picture shares, by least squares over what agrees with it.

    Args:
        flow: (n, 2) flow in pixels.
        terms: (n, 3) constant, x and y of each point.

    Returns:
        (3, 2) coefficients: ``terms @ coefficients`` is the motion of the background.
    """
    fitted = np.zeros((3, 2))
    fitted[0] = np.median(flow, axis=0)
    for _ in range(CAMERA_ROUNDS):
        residual = np.hypot(*(flow - terms @ fitted).T)
        near = residual <= max(CAMERA_TOLERANCE * 1.4826 * float(np.median(residual)), LEAST_TOLERANCE_PX)
        if near.sum() < 3 * terms.shape[1]:
            break
        fitted = np.linalg.lstsq(terms[near], flow[near], rcond=None)[0]
    return fitted


def fastest_part(flow: np.ndarray) -> np.ndarray:
    """Mean speed (:data:`DIRECTIONS`,) of the fastest part in each direction, at least 0.

    Args:
        flow: (n, 2) flow in pixels.
    """
    count = max(1, round(FASTEST_SHARE * len(flow)))
    x, y = flow.T.astype(np.float32)
    half = directions()[:, : DIRECTIONS // 2].astype(np.float32)  # the others are opposite: the fastest there are the slowest here
    along = half[0][:, None] * x + half[1][:, None] * y
    along = np.partition(along, (count - 1, len(flow) - count), axis=1)
    both = np.concatenate([along[:, -count:].mean(axis=1, dtype=np.float64), -along[:, :count].mean(axis=1, dtype=np.float64)])
    return np.maximum(both, 0.0)


def moved(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """How far the fastest part moves from each picture to the next.

    Args:
        pictures: (H, W, 3) uint8 of one size, one after another; only two are held.

    Returns:
        (n-1, :data:`DIRECTIONS`) picture heights.
    """
    import cv2

    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    before: np.ndarray | None = None
    terms = np.zeros((0, 3))
    rows: list[np.ndarray] = []
    for picture in pictures:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if before is None:
            terms = _terms(*grey.shape)
        else:
            dense = estimator.calc(before, grey, None)  # type: ignore[call-overload]
            flow = dense[GRID_STEP // 2 :: GRID_STEP, GRID_STEP // 2 :: GRID_STEP].reshape(-1, 2).astype(np.float64)
            camera = camera_motion(flow[::CAMERA_STEP], terms[::CAMERA_STEP])
            change = cv2.blur(cv2.absdiff(before, grey), (PATCH, PATCH))[GRID_STEP // 2 :: GRID_STEP, GRID_STEP // 2 :: GRID_STEP]
            rows.append(fastest_part((flow - terms @ camera) * (change.reshape(-1, 1) >= LEAST_CHANGE)) / grey.shape[0])
        before = grey
    return np.array(rows).reshape(-1, DIRECTIONS)


def _terms(height: int, width: int) -> np.ndarray:
    """(n, 3) constant, x and y of the points of the grid, in picture widths from the middle."""
    rows, columns = np.mgrid[GRID_STEP // 2 : height : GRID_STEP, GRID_STEP // 2 : width : GRID_STEP]
    x, y = (columns.ravel() - width / 2) / width, (rows.ravel() - height / 2) / width
    return np.stack([np.ones(x.size), x, y], axis=1)


def thinned(time_s: np.ndarray) -> np.ndarray:
    """Numbers of pictures of which there are at most :data:`MOST_FPS` a second.

    Args:
        time_s: (n,) ascending times in seconds.

    Returns:
        Ascending numbers; all where there are no more.

    >>> thinned(np.arange(6) / 60).tolist(), thinned(np.arange(3) / 29.97).tolist()
    ([0, 2, 4], [0, 1, 2])
    """
    kept: list[int] = []
    for number, time in enumerate(time_s.tolist()):
        if not kept or time - time_s[kept[-1]] >= 0.98 / MOST_FPS:
            kept.append(number)
    return np.array(kept, int)


@analysis(version=1)
def part_motion(clip: Clip) -> PartMotion:
    """Motion of the fastest parts of a clip's pictures, without repeated pictures.

    Args:
        clip: The clip.

    Returns:
        The motion.

    Raises:
        ClipError: If the clip has no picture.
    """
    timing = clip.timing
    kept = thinned(timing.new_time_s)
    time_s = timing.new_time_s[kept]
    speed = moved(clip.pictures(timing.new[kept], short_side=LINES)) / np.maximum(np.diff(time_s), 1e-3)[:, None]
    for cut_s in shots(clip).cuts_s:
        speed[(time_s[:-1] < cut_s - 1e-6) & (time_s[1:] >= cut_s - 1e-6)] = np.nan
    return PartMotion(time_s, speed)
