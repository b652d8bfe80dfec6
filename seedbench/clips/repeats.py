"""Pictures that are shown twice because a clip is stored at a higher rate than it was made at.

Most generators make 12 to 25 pictures per second and store 24, 30 or 60. A motion that is measured on all of them stands still in every
second or fifth picture. Repeats follow a regular cadence, for example "every fifth". It is found here, and the times at which the
pictures were made follow from it. A picture that stands still out of such a cadence is left alone: it may be a fault that a metric has
to see.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from seedbench.clips.timeline import USUAL_RATES, usual_step_s

#: A change below this share of the largest change around it is a repeat. Measured: re-encoded repeats 0.1 to 4%, moving pictures mostly
#: over 20%.
REPEAT_SHARE = 0.12
#: From this share on a picture is new; between the two it is not clear what it is, for example where grain is seen in a still scene.
NEW_SHARE = 0.3
#: Least change around a picture, in grey levels of a block, that shows whether it is a repeat: in a still scene all pictures look alike.
LEAST_CHANGE = 3.0
#: Changes within so many seconds, and within so many pictures, are compared.
AROUND_S, AROUND_PICTURES = 0.1, 2
#: Of the repeats that a cadence predicts while something moves, the least share that must be there; and how many other pictures may look
#: like repeats for each that it explains (a swinging body stands still for a moment).
LEAST_MET, MOST_OTHERS = 0.92, 0.5
#: Of all the repeats that it predicts while something moves, the least share that must look like repeats; the others may be unclear.
LEAST_CLEAR = 0.6
#: So many repeats make a cadence. Of rare ones (one a second, as of 24 pictures per second stored as 25) two are enough, if they are sharp.
LEAST_REPEATS, LEAST_SHARP_REPEATS = 4, 2
#: A repeat is sharp where the changes on both sides of it are at least this share of those beside them; near the turning point of a
#: swinging body they become smaller.
SHARP_SHARE = 0.6
#: Where compression blurs the difference: the least mean change that counts as motion, in grey levels; how far the ranks of repeats and
#: new pictures must be apart (1: entirely), and beyond chance, in standard deviations; the most that repeats change, as a share of new
#: pictures.
LEAST_MEAN_CHANGE = 1.5
LEAST_APART, LEAST_APART_OF_FEW, MANY_REPEATS, LEAST_SURE = 0.93, 0.995, 8, 3.3
MOST_OF_NEW = 0.5
#: Repeats are rare where more than this share of pictures is new; then less of the clip is left out for moving little.
RARE = 0.9
#: Phases of the cadence that are tried, in one period.
PHASES = 96
#: Times between pictures differ by less than this share in a clip of constant rate.
CONSTANT = 0.02


@dataclass(frozen=True)
class PictureTiming:
    """The pictures of a clip without repeats.

    Attributes:
        new: (n,) ascending numbers of the pictures that are not repeats.
        new_time_s: (n,) when they were due, in seconds from the first picture of the clip: evenly spaced where a cadence was found, else
            when they appear.
        fps: how many there are per second: the effective rate; 0 with fewer than two pictures.
        stored_fps: the rate at which pictures are stored.
        change: (T,) how much each picture of the clip differs from the one before, in grey levels of the most changed block.
    """

    new: np.ndarray
    new_time_s: np.ndarray
    fps: float
    stored_fps: float
    change: np.ndarray

    @property
    def held(self) -> bool:
        """Whether pictures are held: stored at a higher rate than they were made at."""
        return self.fps < 0.99 * self.stored_fps

    @property
    def note(self) -> str:
        """That pictures are held, in words; empty where none are."""
        if not self.held:
            return ""
        return f"made at {self.fps:.5g} pictures per second and stored at {self.stored_fps:.5g}; motion is measured on the {self.fps:.5g}"


def timing_of(time_s: np.ndarray, change: np.ndarray) -> PictureTiming:
    """Find pictures that are held in a regular cadence.

    Args:
        time_s: when each picture appears (T,), in seconds, ascending.
        change: (T,) how much each picture differs from the one before, in grey levels; the first is ignored.

    Returns:
        The pictures without repeats. Pictures that are replaced at the moment they appear are left out as well.

    >>> moving = np.tile([20.0, 0.1], 20)  # 12 pictures per second stored as 24
    >>> timing = timing_of(np.arange(40) / 24, moving)
    >>> timing.fps, timing.new[:4].tolist(), np.diff(timing.new_time_s[:4]).round(4).tolist()
    (12.0, [0, 2, 4, 6], [0.0833, 0.0833, 0.0833])
    """
    step = usual_step_s(time_s)
    shown = np.flatnonzero(np.append(np.diff(time_s) > 0, True)) if len(time_s) else np.zeros(0, int)
    stored_fps = round(1.0 / step, 6) if step > 0 else 0.0
    as_stored = PictureTiming(shown, time_s[shown], stored_fps, stored_fps, change)
    steps = np.diff(time_s)
    if len(time_s) < 8 or step <= 0 or np.ptp(steps) > CONSTANT * step:
        return as_stored
    around = _pictures_around(len(time_s), step)
    cadence = _exact_cadence(_classify(change, around), 1.0 / step) or _ranked_cadence(change, around, 1.0 / step)
    if cadence is None:
        return as_stored
    share, phase = cadence
    numbers, due = _pictures_of_cadence(len(time_s), share, phase)
    due_s = due * step
    due_s += float(np.mean(numbers * step - due_s))  # shown at the next moment that the stored rate allows: half of that on average
    kept = due_s > -0.25 * step / share
    return PictureTiming(numbers[kept], np.maximum(due_s[kept], 0.0), round(share / step, 6), stored_fps, change)


def repeats_beside_motion(time_s: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures repeat the one before while something moves before and after them, in any cadence or none.

    Args:
        time_s: when each picture appears (T,), in seconds, ascending.
        change: (T,) how much each picture differs from the one before, in grey levels; the first is ignored.

    Returns:
        (T,) bool, whether a picture is a repeat; and (T,) bool, where something moves, so that this is known.

    >>> repeated, known = repeats_beside_motion(np.arange(12) / 25, np.array([0.0, 9, 9, 9, 0, 9, 9, 9, 9, 0, 0, 0]))
    >>> np.flatnonzero(repeated).tolist(), np.flatnonzero(known).tolist()
    ([4], [2, 3, 4, 5, 6, 7])
    """
    nothing = np.zeros(len(time_s), bool)
    step = usual_step_s(time_s)
    if len(time_s) < 8 or step <= 0:
        return nothing, nothing
    looks = _classify(change, _pictures_around(len(time_s), step))
    return np.append(False, looks.repeat), np.append(False, looks.moving)


def _pictures_around(count: int, step: float) -> int:
    """How many pictures on either side of one, of ``count``, are compared with it."""
    return min(count, max(AROUND_PICTURES, round(AROUND_S / step)))


@dataclass(frozen=True)
class _Looks:
    """What each picture after the first looks like; each (T-1,) bool.

    Attributes:
        repeat: like a repeat.
        clear: like a repeat or clearly like a new picture.
        moving: something moves around it.
        sharp: like a repeat, while the motion goes on at the same speed on both sides.
    """

    repeat: np.ndarray
    clear: np.ndarray
    moving: np.ndarray
    sharp: np.ndarray


def _classify(change: np.ndarray, around: int) -> _Looks:
    values = change[1:]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(values, around), around).max(axis=1)
    level = np.minimum(windows[: len(values)], windows[around + 1 :])  # the lesser of the largest changes before and after
    moving = level >= LEAST_CHANGE
    repeat = moving & (values < REPEAT_SHARE * level)
    padded = np.pad(values, 2, mode="edge")
    before, after = padded[1:-3] / np.maximum(padded[:-4], 1e-9), padded[3:-1] / np.maximum(padded[4:], 1e-9)
    sharp = repeat & (np.minimum(before, after) >= SHARP_SHARE)
    return _Looks(repeat, repeat | (moving & (values > NEW_SHARE * level)), moving, sharp)


def _exact_cadence(looks: _Looks, fps: float) -> tuple[float, float] | None:
    """The share of pictures that are new, and the phase, of the cadence that explains the repeats; None where none does."""
    if int(looks.repeat.sum()) < LEAST_SHARP_REPEATS:
        return None
    moving = looks.moving
    slots = np.flatnonzero(moving) + 1
    repeat, clear, sharp = looks.repeat[moving], looks.clear[moving], looks.sharp[moving]
    best: tuple[float, float, list[float]] | None = None
    for share in _shares(fps):
        for phase in np.arange(PHASES) / PHASES / share:
            due = ~_is_new(slots, share, float(phase))
            met = due & repeat
            n_due, n_met, n_others = int((due & clear).sum()), int(met.sum()), int((repeat & ~due).sum())
            if n_due < LEAST_SHARP_REPEATS or n_met < LEAST_MET * n_due or n_others > MOST_OTHERS * n_met:
                continue
            if n_met < LEAST_CLEAR * int(due.sum()) or (n_met < LEAST_REPEATS and int((met & sharp).sum()) < LEAST_SHARP_REPEATS):
                continue
            explained = float((repeat == due)[clear].mean())
            if best is None or explained > best[0] + 1e-9:
                best = (explained, share, [float(phase)])
            elif share == best[1] and explained > best[0] - 1e-9:
                best[2].append(float(phase))
    return None if best is None else (best[1], _middle(best[2], 1.0 / best[1]))


def _ranked_cadence(change: np.ndarray, around: int, fps: float) -> tuple[float, float] | None:
    """The same for pictures whose repeats differ a little, as compression makes them: the cadence whose repeats change least.

    Compared is how much a picture changes beside those around it, in the half of the clip that moves more. The changes of repeats and of
    new pictures must rank almost entirely apart (the area under the ROC curve).
    """
    from scipy.ndimage import uniform_filter1d
    from scipy.stats import rankdata

    level = uniform_filter1d(change[1:], 2 * around + 1, mode="nearest")
    best: tuple[float, float, list[float]] | None = None
    for share in _shares(fps):
        moving = level >= max(LEAST_MEAN_CHANGE, float(np.quantile(level, 0.5 if share <= RARE else 0.2)))
        slots, ratio = np.flatnonzero(moving) + 1, change[1:][moving] / level[moving]
        ranks = rankdata(ratio)
        for phase in np.arange(PHASES) / PHASES / share:
            due = ~_is_new(slots, share, float(phase))
            n, m = int(due.sum()), int((~due).sum())
            if n < LEAST_REPEATS or m < LEAST_REPEATS:
                continue
            apart = 1.0 - (float(ranks[due].sum()) - n * (n + 1) / 2) / (n * m)
            sure = (apart - 0.5) / np.sqrt((n + m + 1) / (12.0 * n * m))  # standard deviations beyond chance (Mann and Whitney 1947)
            if apart < (LEAST_APART if n >= MANY_REPEATS else LEAST_APART_OF_FEW) or sure < LEAST_SURE:
                continue
            if float(np.median(ratio[due])) > MOST_OF_NEW * float(np.median(ratio[~due])):
                continue
            if best is None or sure > best[0] + 1e-9:
                best = (float(sure), share, [float(phase)])
            elif share == best[1] and sure > best[0] - 1e-9:
                best[2].append(float(phase))
    return None if best is None else (best[1], _middle(best[2], 1.0 / best[1]))


def _middle(phases: list[float], period: float) -> float:
    """The middle of phases on a circle of ``period``.

    >>> round(_middle([0.1, 0.2, 1.9, 2.0], 2.0), 6)
    0.05
    """
    angle = np.exp(2j * np.pi * np.array(phases) / period).sum()
    return float(np.angle(angle) / (2 * np.pi) * period) % period


def _shares(fps: float) -> list[float]:
    """The shares of new pictures that are tried, likely ones first: in a short clip, 24 of 25 looks the same as 23.976 of 25."""
    simple = {Fraction(a, b) for b in range(2, 7) for a in range(1, b)}
    usual = [float(rate) / fps for rate in (*USUAL_RATES, Fraction(25, 2), 18) if float(rate) < 0.985 * fps]
    shares = [float(share) for share in sorted(simple, key=lambda share: (share.denominator, -share))]
    return shares + [share for share in usual if share >= 0.15 and min(abs(share - other) for other in shares) > 1e-6]


def _is_new(slots: np.ndarray, share: float, phase: float) -> np.ndarray:
    """Whether a new picture appears at each slot, where picture m is due at slot ``m / share + phase``."""
    position = (slots - phase) * share
    return np.floor(position + 1e-9) > np.floor(position - share + 1e-9)


def _pictures_of_cadence(count: int, share: float, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """The slots at which new pictures appear, with 0, and when these pictures were due, in slots."""
    slots = np.arange(count)
    new = _is_new(slots, share, phase)
    new[0] = True
    numbers = np.flatnonzero(new)
    index = np.floor((numbers - phase) * share + 1e-9)
    return numbers, index / share + phase
