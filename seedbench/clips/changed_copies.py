"""Changes of a finished clip that do not alter what it shows: its size, its rate, whose sound it has, what follows it.

They act on :class:`~seedbench.clips.degradations.ClipArrays`, one picture after another. Used to try a metric on real footage, where the
right answer of the changed copy is known from that of the clip (:mod:`seedbench.plugins.validation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from seedbench.clips.degradations import DEGRADATIONS, ChangedPictures, ClipArrays


def degraded(clip: ClipArrays, name: str, amount: float) -> ClipArrays:
    """One of :data:`~seedbench.clips.degradations.DEGRADATIONS`.

    Args:
        clip: the clip.
        name: the degradation.
        amount: how much.

    Returns:
        A changed copy.

    Raises:
        KeyError: there is no degradation of that name.
        SeedBenchError: the clip has no sound to degrade.
    """
    return DEGRADATIONS[name].apply(clip, amount)


def change_pictures(clip: ClipArrays, change: Callable[[np.ndarray, int], np.ndarray]) -> ClipArrays:
    """Change each picture by itself.

    Args:
        clip: the clip.
        change: takes a picture (H, W, 3) uint8 and its number, and returns one of the same type; all of one size.

    Returns:
        A copy with these pictures, made when they are gone through.
    """

    def changed() -> Iterator[np.ndarray]:
        for index, rgb in enumerate(clip.pictures):
            yield change(rgb, index)

    return replace(clip, pictures=ChangedPictures(changed))


def resized(clip: ClipArrays, factor: float) -> ClipArrays:
    """Scale the pictures by area.

    Args:
        clip: the clip.
        factor: 0.5 is half the width and half the height. Sides are rounded to even numbers.

    Returns:
        A copy with smaller or larger pictures.

    >>> clip = ClipArrays([np.zeros((10, 22, 3), np.uint8)], np.array([0.0]), None, 48000)
    >>> [rgb.shape for rgb in resized(clip, 0.5).pictures]
    [(6, 12, 3)]
    """
    import cv2

    def scaled(rgb: np.ndarray, _: int) -> np.ndarray:
        height, width = (max(2, 2 * round(side * factor / 2 + 1e-9)) for side in rgb.shape[:2])
        return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)

    return change_pictures(clip, scaled)


def cropped(clip: ClipArrays, left: float, top: float, right: float, bottom: float) -> ClipArrays:
    """Keep a part of each picture.

    Args:
        clip: the clip.
        left, top, right, bottom: the part to keep, in shares of width and height, 0..1.

    Returns:
        A copy with smaller pictures.
    """

    def part(rgb: np.ndarray, _: int) -> np.ndarray:
        height, width = rgb.shape[:2]
        return np.ascontiguousarray(rgb[round(top * height) : round(bottom * height), round(left * width) : round(right * width)])

    return change_pictures(clip, part)


def mirrored(clip: ClipArrays) -> ClipArrays:
    """Exchange left and right.

    Args:
        clip: the clip.

    Returns:
        A copy with mirrored pictures.
    """
    return change_pictures(clip, lambda rgb, _: np.ascontiguousarray(rgb[:, ::-1]))


def at_rate(clip: ClipArrays, fps: float) -> ClipArrays:
    """Show the clip at another rate: of each moment the picture that is on screen, so that pictures are left out or repeated.

    Args:
        clip: the clip.
        fps: frames per second, above 0.

    Returns:
        A copy of the same length with pictures at 0, 1/fps, 2/fps, ...

    >>> clip = ClipArrays([np.full((2, 2, 3), level, np.uint8) for level in (1, 2)], np.array([0.0, 0.04]), None, 48000)
    >>> [int(rgb[0, 0, 0]) for rgb in at_rate(clip, 50).pictures]
    [1, 1, 2, 2]
    """
    step = float(np.median(np.diff(clip.time_s))) if len(clip.time_s) > 1 else 1 / fps
    count = max(1, round((float(clip.time_s[-1]) + step) * fps))
    time_s = np.arange(count) / fps
    numbers = np.clip(np.searchsorted(clip.time_s, time_s + 1e-4, side="right") - 1, 0, len(clip.time_s) - 1)
    repeats = np.bincount(numbers, minlength=len(clip.time_s))

    def chosen() -> Iterator[np.ndarray]:
        for times, rgb in zip(repeats, clip.pictures, strict=False):
            for _ in range(times):
                yield rgb

    return replace(clip, pictures=ChangedPictures(chosen), time_s=time_s)


def with_sound_of(clip: ClipArrays, other: ClipArrays) -> ClipArrays:
    """Give a clip the sound of another one, cut to its length or followed by silence.

    Args:
        clip: the clip whose pictures are kept.
        other: the clip whose sound is taken.

    Returns:
        A copy with that sound; without a sound stream where ``other`` has none.
    """
    if other.sound is None:
        return replace(clip, sound=None)
    step = float(np.median(np.diff(clip.time_s))) if len(clip.time_s) > 1 else 0.04
    size = round((float(clip.time_s[-1]) + step) * other.rate)
    sound = np.zeros((other.sound.shape[0], size), np.float32)
    size = min(size, other.sound.shape[1])
    sound[:, :size] = other.sound[:, :size]
    return replace(clip, sound=sound, rate=other.rate)


def followed_by(clip: ClipArrays, other: ClipArrays) -> ClipArrays:
    """Show another clip after a clip, with a hard cut between them and without sound.

    Args:
        clip: the first clip; the result has its size.
        other: the second one. Its pictures are scaled to fit and centred on black.

    Returns:
        A copy with the pictures of both.
    """
    import cv2

    step = float(np.median(np.diff(clip.time_s))) if len(clip.time_s) > 1 else 0.04
    start = float(clip.time_s[-1]) + step

    def both() -> Iterator[np.ndarray]:
        size = (0, 0)
        for rgb in clip.pictures:
            size = rgb.shape[:2]
            yield rgb
        for rgb in other.pictures:
            scale = min(size[0] / rgb.shape[0], size[1] / rgb.shape[1])
            height, width = max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale))
            picture = np.zeros((*size, 3), np.uint8)
            top, left = (size[0] - height) // 2, (size[1] - width) // 2
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            picture[top : top + height, left : left + width] = cv2.resize(rgb, (width, height), interpolation=way)
            yield picture

    return replace(clip, pictures=ChangedPictures(both), time_s=np.concatenate([clip.time_s, start + other.time_s]), sound=None)


def first_seconds(clip: ClipArrays, length_s: float) -> ClipArrays:
    """Keep the beginning of a clip.

    Args:
        clip: the clip.
        length_s: how much of it, in seconds, above 0.

    Returns:
        A copy that ends there; the clip itself where it is shorter.
    """
    kept = int(np.searchsorted(clip.time_s, length_s - 1e-6))
    if kept >= len(clip.time_s):
        return clip
    sound = None if clip.sound is None else clip.sound[:, : round(length_s * clip.rate)]

    def begin() -> Iterator[np.ndarray]:
        for _, rgb in zip(range(kept), clip.pictures, strict=False):
            yield rgb

    return replace(clip, pictures=ChangedPictures(begin), time_s=clip.time_s[:kept], sound=sound)


def beside(clip: ClipArrays, other: ClipArrays) -> ClipArrays:
    """Show another clip on the right of a clip, at the same height; the sound is that of the clip.

    Args:
        clip: the clip on the left.
        other: the clip on the right. Where it is shorter, its last picture stays.

    Returns:
        A copy with wider pictures.
    """
    import cv2

    def both() -> Iterator[np.ndarray]:
        pictures = enumerate(other.pictures)
        index, shown = next(pictures)
        for time_s, rgb in zip(clip.time_s, clip.pictures, strict=False):
            while index + 1 < len(other.time_s) and other.time_s[index + 1] <= time_s + 1e-4:
                index, shown = next(pictures)
            width = max(2, round(shown.shape[1] * rgb.shape[0] / shown.shape[0]))
            yield np.hstack([rgb, cv2.resize(shown, (width, rgb.shape[0]), interpolation=cv2.INTER_AREA)])

    return replace(clip, pictures=ChangedPictures(both))
