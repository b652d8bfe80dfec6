"""What differs between a clip as SeedBench decodes it and what a player shows of the file."""

from __future__ import annotations

import numpy as np

from tests.media_grid.marked_content import RATE, is_upright, lags_ms, number_of
from tests.media_grid.player import Shown

#: The most that a picture's levels may differ in the mean, of 255: encoders' noise is in both, scalers differ at edges.
PICTURE_LEVELS = 4.0
SOUND_MS = 3.0
#: How far the clocks of a copy and of its file may be apart, in seconds.
CLOCK_S = 0.002
#: A piece of sound of at least this level (root mean square) is heard, one below a tenth of it is silence.
HEARD = 0.01


def picture_differences(rgb: np.ndarray, time_s: np.ndarray, shown: Shown, *, rounding_s: float) -> list[str]:
    """What differs in the pictures.

    Args:
        rgb: pictures (T, H, W, 3), uint8.
        time_s: their times (T,), in seconds from the first.
        shown: what a player shows.
        rounding_s: how far the times may be apart.

    Returns:
        One sentence for each kind of difference.
    """
    if len(rgb) != len(shown.rgb):
        return [f"{len(rgb)} pictures, a player shows {len(shown.rgb)}"]
    if rgb.shape[1:3] != shown.rgb.shape[1:3]:
        return [f"pictures of {rgb.shape[2]} x {rgb.shape[1]}, a player shows {shown.rgb.shape[2]} x {shown.rgb.shape[1]}"]
    differences = []
    if not all(is_upright(picture) for picture in rgb):
        differences.append("pictures are turned, mirrored or cut")
    elif [number_of(picture) for picture in rgb] != [number_of(picture) for picture in shown.rgb]:
        differences.append("pictures come in another order")
    levels = max(float(np.abs(ours.astype(int) - theirs).mean()) for ours, theirs in zip(rgb, shown.rgb, strict=True))
    if levels > PICTURE_LEVELS:
        differences.append(f"pictures differ by up to {levels:.1f} levels in the mean")
    late = np.abs(time_s - shown.time_s).max()
    if late > rounding_s:
        differences.append(f"times differ by up to {late * 1000:.1f} ms")
    return differences


def sound_differences(samples: np.ndarray | None, shown: Shown) -> list[str]:
    """What differs in the sound while there are pictures.

    Args:
        samples: (N,) at 48 kHz, from the first picture on; None without sound.
        shown: what a player shows.

    Returns:
        One sentence for each kind of difference.
    """
    if samples is None or shown.sound is None:
        return [] if samples is None and shown.sound is None else ["one has sound, the other none"]
    end = min(round(float(shown.time_s[-1]) * RATE), shown.sound.shape[1])
    loudest = shown.sound[int(np.argmax((shown.sound**2).sum(axis=1)))][:end]
    differences = []
    lags = lags_ms(samples, loudest)
    if np.isinf(lags).any():
        differences.append(f"in {np.isinf(lags).sum()} of {np.sum(~np.isnan(lags))} windows another sound is heard, or none")
    finite = lags[np.isfinite(lags)]
    if len(finite) and np.abs(finite).max() > SOUND_MS:
        differences.append(f"sound is {finite[np.argmax(np.abs(finite))]:+.1f} ms late")
    heard = np.pad(samples[:end], (0, max(0, end - len(samples))))
    size = RATE // 50
    count = end // size
    ours, theirs = (np.sqrt(np.mean(part[: count * size].reshape(count, size) ** 2, axis=1)) for part in (heard, loudest))
    silent = theirs < HEARD / 10
    silent[1:-1] &= silent[:-2] & silent[2:]  # codecs smear the edges of a hole
    if (ours[silent] > HEARD).any():
        differences.append(f"there is sound in {int((ours[silent] > HEARD).sum()) * 20} ms of a player's silence")
    return differences


def copy_differences(copy: Shown, shown: Shown) -> list[str]:
    """What differs in a copy at another rate, size and loudness, by content: which picture is on screen, and when sound is heard.

    Args:
        copy: what a player shows of the copy.
        shown: what it shows of the file itself.

    Returns:
        One sentence for each kind of difference.
    """
    if not all(is_upright(picture) for picture in copy.rgb):
        return ["pictures are turned, mirrored, cut or stretched"]
    originals = np.array([number_of(picture) for picture in shown.rgb])
    numbers = np.array([number_of(picture) for picture in copy.rgb])
    allowed = [originals[np.maximum(0, np.searchsorted(shown.time_s, copy.time_s + off) - 1)] for off in (-CLOCK_S, CLOCK_S)]
    wrong = ~((numbers == allowed[0]) | (numbers == allowed[1]))
    differences = (
        [f"{wrong.sum()} of {len(wrong)} pictures are not those on screen, first at {copy.time_s[wrong][0]:.3f} s"] if wrong.any() else []
    )
    if shown.sound is None:
        heard = copy.sound is not None and bool(np.abs(copy.sound).max() > HEARD / 10)
        return [*differences, "a file without sound has some"] if heard else differences
    if copy.sound is None:
        return [*differences, "the sound is gone"]
    end = float(min(copy.time_s[-1], shown.time_s[-1]))
    until = np.searchsorted(shown.time_s, end + 1e-6)
    part = Shown(shown.rgb[:until], shown.time_s[:until], shown.sound)
    return differences + sound_differences(copy.sound[int(np.argmax((copy.sound**2).sum(axis=1)))], part)
