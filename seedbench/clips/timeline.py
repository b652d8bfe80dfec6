"""The times of pictures, from what a container says about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

#: Rates at which clips are made, in frames per second.
USUAL_RATES = tuple(
    Fraction(rate)
    for rate in (24, 25, 30, Fraction(24000, 1001), Fraction(30000, 1001), 50, 60, Fraction(60000, 1001), 12, 15, 8, 10, 16, 20, 48, 120)
)
#: A container whose clock is finer than this many seconds is believed as it is.
FINE_TICK_S = 0.00025
#: The clock of Matroska and FLV. A copy of such a file to a container with a finer clock, as many tools make it, keeps its rounded times.
COPIED_TICK_S = 0.001
#: How much more than one tick of its clock the stamps of a container may be off, as a share.
ROUNDING_SLACK = 0.02
#: The last picture stays as long as the container says, but not longer than so many usual steps.
LONGEST_LAST_STEP = 10.0
#: Steps that differ by less are the same step, rounded by the container.
SAME_STEP_S = 0.0015


def seconds_of(ticks: int, tick: Fraction) -> float:
    """Ticks of a container's clock in seconds, correctly rounded.

    Args:
        ticks: how many.
        tick: the length of one, in seconds.

    >>> seconds_of(3003, Fraction(1, 90_000))
    0.03336666666666667
    """
    return ticks * tick.numerator / tick.denominator


def picture_times(stamps_s: Sequence[float], tick_s: float, rates: Iterable[Fraction | None] = ()) -> np.ndarray:
    """When each picture appears.

    The order is that of the decoder: where stamps do not ascend, the container does not know the order (an AVI with pictures that refer
    to later ones), and their sorted values are given out in the decoder's order. Where the container rounds to coarse ticks, or the file
    is a copy from one that did, and every stamp is within that rounding of one rate, the times are those of the rate.

    Args:
        stamps_s: the stamps (T,) in the decoder's order, in seconds.
        tick_s: the unit of the container's clock, in seconds.
        rates: what the container or the codec says about the rate, in frames per second; None where it says nothing.

    Returns:
        (T,) seconds from the first picture, ascending.

    >>> picture_times([5.0, 5.042, 5.083, 5.125, 5.167], 0.001, [Fraction(24)]).round(6).tolist()
    [0.0, 0.041667, 0.083333, 0.125, 0.166667]
    >>> picture_times([0.0, 0.08, 0.04, 0.12], 0.04).tolist()
    [0.0, 0.04, 0.08, 0.12]
    """
    times = np.sort(np.asarray(stamps_s, float))
    if len(times) < 2:
        return times - times[:1]
    times = times - times[0]
    if tick_s <= FINE_TICK_S:
        if not _rounded_before(times, tick_s):
            return times
        tick_s += COPIED_TICK_S  # rounded twice
    for rate in (*rates, *USUAL_RATES):
        if rate is None or not rate >= 0.5 or rate * tick_s > 0.25:
            continue
        number = np.rint(times * float(rate))
        apart = times - number / float(rate)
        if np.ptp(apart) <= tick_s * (1 + ROUNDING_SLACK) and (np.diff(number) > 0).all():
            grid: np.ndarray = (number - number[0]) / float(rate)
            return grid
    return times


def _rounded_before(time_s: np.ndarray, tick_s: float) -> bool:
    """Whether times on a fine clock are all whole milliseconds, with steps that differ: another container has rounded them before.

    >>> _rounded_before(np.array([0.0, 0.042, 0.083]), 1 / 16000), _rounded_before(np.array([0, 512, 1024]) / 12288, 1 / 12288)
    (True, False)
    """
    off = np.abs(time_s / COPIED_TICK_S - np.rint(time_s / COPIED_TICK_S)) * COPIED_TICK_S
    return bool(np.ptp(np.diff(time_s)) > 2 * tick_s and (off <= tick_s + 1e-9).all())


def usual_step_s(time_s: np.ndarray) -> float:
    """The median time between two pictures.

    Args:
        time_s: (T,) ascending times in seconds.

    Returns:
        Seconds; 0 with fewer than two different times.

    >>> usual_step_s(np.array([0.0, 0.5, 1.0, 3.0]))
    0.5
    """
    steps = np.diff(time_s)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0


def with_unstamped(stamps_s: Sequence[float], unstamped: int) -> list[float]:
    """The stamps of all pictures where the packets of some have none, as in broadcasts that stamp every second picture.

    Args:
        stamps_s: the stamps that there are, at least one, in seconds, in any order.
        unstamped: how many pictures have none.

    Returns:
        All stamps, ascending. Those without are spread over the largest gaps, and after the last where no gap is larger than usual.

    >>> with_unstamped([0.0, 1.0, 3.0, 4.0], 1), with_unstamped([0.0, 2.0, 4.0], 3)
    ([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    """
    times = sorted(stamps_s)
    step = usual_step_s(np.array(times)) * (len(times) - 1) / max(1, len(times) - 1 + unstamped)
    while unstamped > 0:
        gaps = np.diff(times)
        pieces = np.rint(gaps / step).astype(int) - 1 if step > 0 else np.zeros(0, int)
        if not len(pieces) or pieces.max() < 1:
            usual = usual_step_s(np.array(times)) or 0.04
            return times + [times[-1] + usual * (index + 1) for index in range(unstamped)]
        widest = int(np.argmax(gaps))
        count = min(int(pieces[widest]), unstamped)
        times[widest + 1 : widest + 1] = np.linspace(times[widest], times[widest + 1], count + 2)[1:-1].tolist()
        unstamped -= count
    return times


def end_of_pictures(time_s: np.ndarray, last_step_s: float) -> float:
    """When the last picture leaves the screen.

    Args:
        time_s: (T,) ascending times in seconds.
        last_step_s: how long the container says that the last picture is shown; 0 where it does not say.

    Returns:
        Seconds from the first picture. A last step that is ten times the usual one, or shorter than any other, is not believed.

    >>> end_of_pictures(np.array([0.0, 0.25, 0.5]), 0.75), end_of_pictures(np.array([0.0, 0.25, 0.5]), 1000.0)
    (1.25, 0.75)
    """
    usual = usual_step_s(time_s)
    if not usual:
        return float(time_s[-1]) + (last_step_s if last_step_s > 0 else 0.04)
    steps = np.diff(time_s)
    believable = 0.9 * float(steps[steps > 0].min()) <= last_step_s <= LONGEST_LAST_STEP * usual
    differs = believable and abs(last_step_s - usual) > SAME_STEP_S
    return float(time_s[-1]) + (last_step_s if differs else usual)
