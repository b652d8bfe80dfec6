"""Pictures and sound whose identity can be read off again, whatever a file does to them.

Each picture holds its number in Gray code, a colour in each corner (which shows how it was turned), patches of known colours and a moving
bar. The sound is bursts of noise that occur once, so that a cross-correlation shows when a piece of it is heard.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

WIDTH, HEIGHT = 160, 120
N_PICTURES = 192
BITS = 8
RATE = 48_000
#: The sound begins so long before the time 0 of the pictures, so that a file can hold sound from before its first picture.
BEFORE_S = 1.0
SOUND_S = 5.0

CORNERS = ((200, 40, 40), (40, 180, 60), (50, 60, 200), (220, 200, 40))  # top left, top right, bottom left, bottom right
PATCHES = ((30, 190, 190), (190, 40, 180), (230, 130, 30), (20, 90, 40), (128, 128, 128), (240, 240, 240), (16, 16, 16), (90, 60, 150))
#: Rows and columns of the parts of a picture, in pixels of its upright form.
_CORNER = 24
_BIT_LEFT, _BIT_WIDTH = 32, 12
_PATCH_TOP, _PATCH_HEIGHT, _PATCH_WIDTH = 32, 40, 20


def picture(number: int) -> np.ndarray:
    """The picture of that number (120, 160, 3), uint8."""
    drawn = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    drawn[:] = np.linspace(60, 190, WIDTH)[None, :, None]
    for index, colour in enumerate(CORNERS):
        rows = slice(0, _CORNER) if index < 2 else slice(HEIGHT - _CORNER, HEIGHT)
        drawn[rows, slice(0, _CORNER) if index % 2 == 0 else slice(WIDTH - _CORNER, WIDTH)] = colour
    code = number ^ (number >> 1)
    for bit in range(BITS):
        left = _BIT_LEFT + bit * _BIT_WIDTH
        drawn[0:_CORNER, left : left + _BIT_WIDTH] = 235 if code >> (BITS - 1 - bit) & 1 else 16
    for index, colour in enumerate(PATCHES):
        drawn[_PATCH_TOP : _PATCH_TOP + _PATCH_HEIGHT, index * _PATCH_WIDTH : (index + 1) * _PATCH_WIDTH] = colour
    left = _CORNER + 4 + number * 5 % (WIDTH - 2 * _CORNER - 20)
    drawn[80:92, left : left + 12] = 235
    return drawn


@lru_cache(maxsize=1)
def pictures() -> np.ndarray:
    """All pictures (192, 120, 160, 3), uint8."""
    return np.stack([picture(number) for number in range(N_PICTURES)])


@lru_cache(maxsize=4)
def sound(track: int = 0) -> np.ndarray:
    """The sound of one track (N,), float32, from 1 s before the first picture on; each track has sounds of its own."""
    from scipy.signal import butter, sosfiltfilt

    rng = np.random.default_rng([7, track])
    count = round((BEFORE_S + SOUND_S) * RATE)
    noise = sosfiltfilt(butter(4, [300, 5000], "bandpass", fs=RATE, output="sos"), rng.standard_normal(count))
    steps = rng.uniform(0.15, 1.0, count // 1920 + 2) * (rng.random(count // 1920 + 2) < 0.8)
    envelope = np.interp(np.arange(count), np.arange(len(steps)) * 1920, steps)
    return (0.25 * noise / noise.std() * envelope).clip(-0.95, 0.95).astype(np.float32)


def _mean_colours(rgb: np.ndarray, boxes: list[tuple[float, float, float, float]]) -> np.ndarray:
    """The mean colour inside boxes (top, bottom, left, right) that are given in pixels of the upright form, without their edges."""
    height, width = rgb.shape[:2]
    means = []
    for top, bottom, left, right in boxes:
        rows = slice(round((top + 3) * height / HEIGHT), max(1, round((bottom - 3) * height / HEIGHT)))
        columns = slice(round((left + 3) * width / WIDTH), max(1, round((right - 3) * width / WIDTH)))
        means.append(rgb[rows, columns].reshape(-1, 3).mean(axis=0))
    return np.array(means)


def is_upright(rgb: np.ndarray) -> bool:
    """Whether the corners of a picture have their colours, so that it is neither turned nor mirrored nor cut."""
    near, far_row, far_column = (0, _CORNER), (HEIGHT - _CORNER, HEIGHT), (WIDTH - _CORNER, WIDTH)
    boxes = [(*rows, *columns) for rows in (near, far_row) for columns in (near, far_column)]
    return bool(np.abs(_mean_colours(rgb, boxes) - np.array(CORNERS)).max() < 45)


def number_of(rgb: np.ndarray) -> int:
    """The number of an upright picture of any size."""
    boxes = [
        (0.0, float(_CORNER), float(left), float(left + _BIT_WIDTH)) for left in range(_BIT_LEFT, _BIT_LEFT + BITS * _BIT_WIDTH, _BIT_WIDTH)
    ]
    code = 0
    for bright in _mean_colours(rgb, boxes).mean(axis=1) > 125:
        code = code << 1 | int(bright)
    number = 0
    while code:
        number ^= code
        code >>= 1
    return number


def patch_error(rgb: np.ndarray) -> float:
    """The largest difference, of 255, between a patch of an upright picture and its right colour."""
    boxes = [
        (float(_PATCH_TOP), float(_PATCH_TOP + _PATCH_HEIGHT), float(index * _PATCH_WIDTH), float((index + 1) * _PATCH_WIDTH))
        for index in range(len(PATCHES))
    ]
    return float(np.abs(_mean_colours(rgb, boxes) - np.array(PATCHES)).max())


def lags_ms(heard: np.ndarray, expected: np.ndarray, *, window_s: float = 0.2, step_s: float = 0.1, largest_ms: float = 60.0) -> np.ndarray:
    """How much later than ``expected`` a sound is heard, in windows of it.

    Args:
        heard: (N,) at 48 kHz.
        expected: (M,) at 48 kHz, on the same clock.
        window_s: length of each window.
        step_s: distance of the windows.
        largest_ms: the largest lag that is looked for.

    Returns:
        (windows,) in ms; nan where the expected sound is silent for a part of the window, infinite where nothing alike is heard nearby.
    """
    from scipy.signal import correlate

    size, room = round(window_s * RATE), round(largest_ms * RATE / 1000)
    lags = []
    for start in range(0, len(expected) - size + 1, round(step_s * RATE)):
        wanted = expected[start : start + size]
        if np.sqrt(np.mean(wanted.reshape(4, -1) ** 2, axis=1)).min() < 0.01:
            lags.append(np.nan)
            continue
        around = np.zeros(size + 2 * room, np.float32)
        low, high = max(0, start - room), min(len(heard), start + size + room)
        if high > low:
            around[low - (start - room) : high - (start - room)] = heard[low:high]
        total = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
        energy = total[size:] - total[:-size]
        match = np.abs(correlate(around, wanted, "valid")) / np.sqrt(np.maximum(energy, 1e-6) * np.sum(wanted**2))
        best = int(np.argmax(match))
        lags.append((best - room) * 1000 / RATE if match[best] > 0.6 else np.inf)
    return np.array(lags)
