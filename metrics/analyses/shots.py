"""Shots: where the picture is cut, from the decoded frames (nothing is decoded again).

The frame score is PySceneDetect's content score (mean absolute change of hue, saturation and value, 0..255). A frame is a cut when
its score is high and far above the scores on both sides of it (a whip pan, a shaking camera or a fade is no cut), the two pictures differ
in more than light (a switched lamp is no cut), and the picture does not come back within a fraction of a second (a flash is no cut).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbench.plugins.analysis import analysis

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

CUT_SCORE = 6.0
"""Least content score of a cut that is not declared. Lower than PySceneDetect's 27, or 15 for its adaptive detector, because two people in
one room differ by 8 to 19; changes of light, codec pulses and seams between generated chunks, which also score that high, are excluded by
``SAME_PICTURE``."""
DECLARED_SCORE = 3.0
"""Least content score of a cut at a declared time: where a cut is expected a fainter change is enough."""
CUT_RATIO = 3.0
"""Least ratio of a cut's score to the scores around it (PySceneDetect's adaptive ratio, here against the side that changes more)."""
CALM_SCORE = 0.5
"""Change below which surroundings count as still; keeps the ratio finite on frozen pictures."""
SIDE_S = 0.16
"""Time on each side of a frame whose scores are compared with its own, at least ``SIDE_FRAMES``; one high score must not hide a cut."""
SIDE_FRAMES = 4
RETURN_S = 0.3
"""A picture that comes back within this time was a flash; also the shortest shot that is detected."""
SAME_S = 1e-6
"""Times nearer than this are equal: a picture exactly ``RETURN_S`` away is treated alike however the clip's clock rounds."""
RETURN_SHARE = 0.4
"""The picture came back if it differs from the one before by less than this share of the jump."""
SAME_PICTURE = 0.95
"""Correlation from which on two pictures show the same, be it lit differently. Measured: cuts up to 0.82, seams of chunks from 0.997."""
SCORE_WIDTH = 256
"""Width in pixels at which pictures are compared (PySceneDetect's own working width)."""
RETURN_WIDTH = 32
"""Width in pixels at which a picture is recognised as one seen before."""


@dataclass(frozen=True)
class Shots:
    """The shots of one clip.

    Attributes:
        cuts_s: (n-1,) times of the first picture of each new shot, ascending.
        bounds_s: (n, 2) start and end of each shot, seconds.
        faint_s: Times of fainter changes, which are cuts only if the prompt declares one there.
        time_s: (T,) times of the pictures.
        score: (T,) 0..255, the content score of each picture, on which the decision rests.
        ratio: (T,) its ratio to the scores around it, on which the decision rests as well.
    """

    cuts_s: np.ndarray
    bounds_s: np.ndarray
    faint_s: np.ndarray
    time_s: np.ndarray
    score: np.ndarray
    ratio: np.ndarray

    def shot_of(self, time_s: float) -> int:
        """The shot on screen at a time.

        Args:
            time_s: Seconds.

        Returns:
            Its index 0..n-1.
        """
        return int(np.searchsorted(self.cuts_s, time_s + 1e-6, side="right"))


def shot_bounds(cuts_s: np.ndarray, end_s: float) -> np.ndarray:
    """Start and end of the shots between cuts.

    Args:
        cuts_s: (n-1,) ascending times in seconds.
        end_s: The end of the clip in seconds.

    Returns:
        (n, 2) seconds.

    >>> shot_bounds(np.array([2.0]), 5.0).tolist()
    [[0.0, 2.0], [2.0, 5.0]]
    """
    edges = np.concatenate([[0.0], cuts_s, [end_s]])
    return np.stack([edges[:-1], edges[1:]], axis=1)


def scaled_to_width(rgb: np.ndarray, width: int) -> np.ndarray:
    """A picture scaled down by area, never up.

    Args:
        rgb: (H, W, 3) uint8.
        width: The largest width in pixels.

    Returns:
        (h, w, 3) uint8 of the same proportions.
    """
    import cv2

    high, wide = rgb.shape[:2]
    if wide <= width:
        return rgb
    scaled: np.ndarray = cv2.resize(rgb, (width, max(1, round(high * width / wide))), interpolation=cv2.INTER_AREA)
    return scaled


def content_scores(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """PySceneDetect's content score (T,) of each picture against the one before; 0 for the first. Pictures (h, w, 3) uint8, small.

    >>> plates = np.zeros((3, 36, 64, 3), np.uint8)
    >>> plates[2] = 255
    >>> content_scores(plates).tolist()
    [0.0, 0.0, 85.0]
    """
    import cv2
    from scenedetect import FrameTimecode, StatsManager
    from scenedetect.detectors import ContentDetector

    detector = ContentDetector()
    detector.stats_manager = StatsManager()
    key = [ContentDetector.FRAME_SCORE_KEY]
    scores: list[float] = []
    for index, picture in enumerate(pictures):
        timecode = FrameTimecode(index, fps=25.0)
        detector.process_frame(timecode, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        scores.append(detector.stats_manager.get_metrics(timecode, key)[0] if index else 0.0)
    return np.array(scores)


def score_ratios(score: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Ratio (T,) of each score to the mean score of the side that changes more; 0 for the first picture.

    A side is the pictures within ``SIDE_S`` and at least ``SIDE_FRAMES`` of them.

    >>> score_ratios(np.array([0.0, 1.0, 1.0, 30.0, 2.0, 2.0]), np.arange(6) / 25).tolist()[3]
    15.0
    """
    ratio = np.zeros(len(score))
    for index in range(1, len(score)):
        first = min(index - SIDE_FRAMES, int(np.searchsorted(time_s, time_s[index] - SIDE_S - 1e-6)))
        last = max(index + 1 + SIDE_FRAMES, int(np.searchsorted(time_s, time_s[index] + SIDE_S + 1e-6)))
        before = score[max(first, 1) : index]
        after = score[index + 1 : last]
        surroundings = max((float(side.mean()) for side in (before, after) if len(side)), default=0.0)
        ratio[index] = score[index] / max(surroundings, CALM_SCORE)
    return ratio


def is_flash(thumbs: np.ndarray, time_s: np.ndarray, index: int) -> bool:
    """Whether the picture before ``index`` is seen again shortly after, or the one at ``index`` was seen shortly before.

    ``thumbs`` (T, h, w, 3). True for a flash, a strobe or a single damaged frame: not a cut.
    """
    first = min(index - 1, int(np.searchsorted(time_s, time_s[index] - RETURN_S - SAME_S)))
    last = max(index + 1, int(np.searchsorted(time_s, time_s[index] + RETURN_S - SAME_S)))
    left, right = thumbs[first:index].astype(np.float32), thumbs[index:last].astype(np.float32)
    jump = float(np.abs(left[-1] - right[0]).mean())
    nearest = min(float(np.abs(right - picture).mean(axis=(1, 2, 3)).min()) for picture in left)
    return nearest < RETURN_SHARE * jump


def picture_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of two pictures, which does not change with brightness or contrast.

    Args:
        first: (h, w, 3).
        second: (h, w, 3).

    Returns:
        -1..1; 0 when one of them is flat.

    >>> ramp = np.arange(12).reshape(2, 2, 3)
    >>> round(picture_correlation(ramp, 3 * ramp + 40), 6)
    1.0
    """
    a, b = (picture.astype(np.float64).ravel() - picture.mean() for picture in (first, second))
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else 0.0


def select_cuts(score: np.ndarray, ratio: np.ndarray, time_s: np.ndarray, thumbs: np.ndarray, *, least: float) -> np.ndarray:
    """Choose the cuts; of several within ``RETURN_S`` the strongest stays.

    Args:
        score: Content scores (T,).
        ratio: Their ratios to the scores around them (T,).
        time_s: Times (T,) of the pictures in seconds.
        thumbs: Thumbnails (T, h, w, 3).
        least: Least score of a cut.

    Returns:
        Indices of the first pictures of new shots, ascending.
    """
    chosen: list[int] = []
    for index in np.argsort(-score, kind="stable"):
        if score[index] < least:
            break
        if ratio[index] < CUT_RATIO or any(abs(time_s[index] - time_s[other]) < RETURN_S - SAME_S for other in chosen):
            continue
        same = picture_correlation(thumbs[index - 1], thumbs[index]) >= SAME_PICTURE
        if not same and not is_flash(thumbs, time_s, int(index)):
            chosen.append(int(index))
    return np.sort(np.array(chosen, dtype=int))


@dataclass(frozen=True)
class PictureChanges:
    """What shots are found from.

    Attributes:
        score: (T,) content scores.
        thumbs: (T, h, w, 3) uint8, at most :data:`RETURN_WIDTH` wide.
    """

    score: np.ndarray
    thumbs: np.ndarray


def changes_of(pictures: Iterable[np.ndarray]) -> PictureChanges:
    """Content scores and thumbnails of pictures, one after another.

    Args:
        pictures: (H, W, 3) uint8 each.
    """
    thumbs = bytearray()  # in one block: as single arrays they would lie in the memory between the pictures
    size: tuple[int, ...] = ()

    def small() -> Iterator[np.ndarray]:
        nonlocal size
        for picture in pictures:
            scaled = scaled_to_width(picture, SCORE_WIDTH)
            thumb = scaled_to_width(scaled, RETURN_WIDTH)
            thumbs.extend(thumb.tobytes())
            size = thumb.shape
            yield scaled

    score = content_scores(small())
    return PictureChanges(score, np.frombuffer(thumbs, np.uint8).reshape(len(score), *size))


def find_shots(changes: PictureChanges, time_s: np.ndarray, end_s: float) -> Shots:
    """Find the shots of a sequence of pictures.

    Args:
        changes: Content scores and thumbnails of the pictures.
        time_s: Times (T,) in seconds at which they appear.
        end_s: Time at which the last one leaves the screen.
    """
    score, thumbs = changes.score, changes.thumbs
    ratio = score_ratios(score, time_s)
    cuts = select_cuts(score, ratio, time_s, thumbs, least=CUT_SCORE)
    faint = np.setdiff1d(select_cuts(score, ratio, time_s, thumbs, least=DECLARED_SCORE), cuts)
    return Shots(time_s[cuts], shot_bounds(time_s[cuts], end_s), time_s[faint], time_s, score, ratio)


@analysis(version=3)
def shots(clip: Clip) -> Shots:
    """The shots of a clip.

    Args:
        clip: The clip.

    Returns:
        At least one shot.

    Raises:
        ClipError: If the clip has no picture.
    """
    changes = changes_of(clip.pictures())
    return find_shots(changes, clip.time_s, clip.end_s)
