"""Something done with the pictures of some frames of a clip, in one pass over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

Result = TypeVar("Result")


def map_frames(clip: Clip, fps: float, frames: Sequence[int], use: Callable[[int, np.ndarray], Result]) -> list[Result]:
    """Call a function with the picture of each of some frames.

    Only one picture is held at a time, so let the function keep the part that is needed.

    Args:
        clip: The clip.
        fps: The rate of the frames, per second.
        frames: Numbers of frames in any order; frame k is the picture on screen at k/fps seconds. Beyond the end it is the last one.
        use: Called with the position in ``frames`` and the picture (H, W, 3) uint8.

    Returns:
        What it returned, in the order of ``frames``.
    """
    if not len(frames):
        return []
    shown = clip.on_screen(fps)
    numbers = shown[np.minimum(np.asarray(frames, int), len(shown) - 1)]
    used, position = np.unique(numbers, return_inverse=True)
    results: dict[int, Result] = {}
    for index, picture in enumerate(clip.pictures(used)):
        for at in np.flatnonzero(position == index).tolist():
            results[at] = use(at, picture)
    return [results[at] for at in range(len(frames))]
