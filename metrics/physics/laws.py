"""The laws of bodies that do not fall freely, as pure functions of arrays: rolling along a line, swinging on a string, meeting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.ties import first_least

TRIAL_FREQUENCIES = 240
"""Frequencies tried for a swing, before the best one is refined."""
SAME_SQUARES = 1e-12
"""Sums of squared residuals that differ by less are equal: of a path that does not swing, every frequency fits as well."""


@dataclass(frozen=True)
class RollFit:
    """A body that rolls or slides: straight, at constant deceleration.

    Attributes:
        misfit: Residual beyond the noise over the extent of the path.
        extent_px: The extent of the path.
        speed_start: Along the line at the first picture, pixels per second.
        speed_end: Along the line at the last picture.
        gain: Relative change of kinetic energy from first to last picture.
        gain_sd: Its standard deviation.
    """

    misfit: float
    extent_px: float
    speed_start: float
    speed_end: float
    gain: float
    gain_sd: float


@dataclass(frozen=True)
class SwingFit:
    """A body on a string: an arc about a pivot, a sinusoid in time whose amplitude may change steadily.

    Attributes:
        pivot: (2,) pixels.
        length_px: Length of the string.
        period_s: Period in seconds.
        amplitude_rad: Amplitude at the middle of the clip.
        misfit: Residual beyond the noise over the extent of the path.
        gain: Relative change of energy a period.
        half_period_variation: Coefficient of variation of the half periods; None if fewer than three are seen.
        x_fit: (n,) fitted x of each point.
    """

    pivot: tuple[float, float]
    length_px: float
    period_s: float
    amplitude_rad: float
    misfit: float
    gain: float
    half_period_variation: float | None
    x_fit: np.ndarray


def fit_roll(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, *, sigma_px: float) -> RollFit:
    """Fit rolling or sliding along a line at constant deceleration, by least squares.

    Args:
        time_s: Times (n,) in seconds, n >= 4.
        x: Positions (n,) in pixels.
        y: The same.
        sigma_px: Noise of a coordinate in pixels.

    >>> t = np.arange(50) / 25
    >>> fit = fit_roll(t, 100 * t - 10 * t**2, np.full(50, 30.0), sigma_px=0.0)
    >>> fit.misfit < 1e-9, round(fit.speed_end), round(fit.gain, 2)
    (True, 61, -0.63)
    """
    points = np.stack([x, y], axis=1)
    middle = points.mean(axis=0)
    _, _, axes = np.linalg.svd(points - middle, full_matrices=False)
    along, across = ((points - middle) @ axis for axis in axes)
    if along[-1] < along[0]:
        along = -along
    u = time_s - time_s.mean()
    design = np.stack([np.ones_like(u), u, u**2], axis=1)
    solved, *_ = np.linalg.lstsq(design, along, rcond=None)
    cov = np.linalg.pinv(design.T @ design)
    rest = along - design @ solved
    extent = float(np.hypot(np.ptp(x), np.ptp(y)))
    beyond = float(np.sqrt(max(0.0, float(np.mean(rest**2 + across**2)) - 2.0 * sigma_px**2)))
    start, end = (float(solved[1] + 2.0 * solved[2] * moment) for moment in (u[0], u[-1]))
    rows = np.array([[0.0, 1.0, 2.0 * u[0]], [0.0, 1.0, 2.0 * u[-1]]])
    sds = sigma_px * np.sqrt(np.einsum("ij,jk,ik->i", rows, cov, rows))
    energy_start = max(start**2, 1e-9)
    gain_sd = 2.0 * float(np.hypot(end * sds[1], end**2 / max(abs(start), 1e-4) * sds[0])) / energy_start
    return RollFit(beyond / extent if extent > 0 else 0.0, extent, start, end, end**2 / energy_start - 1.0, gain_sd)


def fit_circle(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """The circle through points, by algebraic least squares (Kasa 1976).

    Args:
        x: (n,) coordinates.
        y: (n,) coordinates.

    Returns:
        x and y of the centre, and the radius.

    >>> a = np.linspace(0.5, 1.5, 9)
    >>> [round(value, 6) for value in fit_circle(3 + 2 * np.cos(a), 1 + 2 * np.sin(a))]
    [3.0, 1.0, 2.0]
    """
    mx, my = float(x.mean()), float(y.mean())
    u, v = x - mx, y - my
    design = np.stack([u, v, np.ones_like(u)], axis=1)
    (a, b, c), *_ = np.linalg.lstsq(design, u**2 + v**2, rcond=None)
    return float(a / 2 + mx), float(b / 2 + my), float(np.sqrt(max(0.0, c + a * a / 4 + b * b / 4)))


def fit_sinusoid(time_s: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Fit c + (a + a' t) cos wt + (b + b' t) sin wt by least squares, with t from the middle of the times.

    Frequencies are tried from half a period over the whole time to one period in 8 pictures.

    Args:
        time_s: Times (n,) in seconds.
        values: (n,).

    Returns:
        Angular frequency w in rad/s, coefficients (c, a, b, a', b') and fitted values (n,).

    >>> t = np.arange(100) / 25
    >>> omega, _, fitted = fit_sinusoid(t, 0.5 * np.cos(3.0 * t + 1.0))
    >>> round(omega, 3), bool(np.abs(fitted - 0.5 * np.cos(3.0 * t + 1.0)).max() < 1e-3)
    (3.0, True)
    """
    u = time_s - time_s.mean()
    span = float(time_s[-1] - time_s[0])
    step = float(np.median(np.diff(time_s)))

    def solve(omega: float) -> tuple[float, np.ndarray, np.ndarray]:
        design = np.stack([np.ones_like(u), np.cos(omega * u), np.sin(omega * u), u * np.cos(omega * u), u * np.sin(omega * u)], axis=1)
        solved, *_ = np.linalg.lstsq(design, values, rcond=None)
        fitted = design @ solved
        return float(((values - fitted) ** 2).sum()), solved, fitted

    low, high = np.pi / span, 2.0 * np.pi / (8.0 * step)
    trial = np.geomspace(low, high, TRIAL_FREQUENCIES)
    best = first_least([solve(omega)[0] for omega in trial], tolerance=SAME_SQUARES)
    left, right = trial[max(0, best - 1)], trial[min(TRIAL_FREQUENCIES - 1, best + 1)]
    for _ in range(40):  # golden section
        inner = (right - left) * 0.381966
        if solve(left + inner)[0] < solve(right - inner)[0]:
            right -= inner
        else:
            left += inner
    omega = float((left + right) / 2)
    _, solved, fitted = solve(omega)
    return omega, solved, fitted


def fit_swing(time_s: np.ndarray, x: np.ndarray, y: np.ndarray, *, sigma_px: float) -> SwingFit:
    """Fit a pendulum: an arc about a pivot, and a sinusoid of the angle whose amplitude may change steadily.

    Args:
        time_s: Times (n,) in seconds, n >= 12.
        x: Positions (n,) in pixels.
        y: The same, y downward.
        sigma_px: Noise of a coordinate in pixels.
    """
    cx, cy, length = fit_circle(x, y)
    angle = np.arctan2(x - cx, y - cy)
    omega, solved, fitted = fit_sinusoid(time_s, angle)
    radial = np.hypot(x - cx, y - cy) - length
    extent = float(np.hypot(np.ptp(x), np.ptp(y)))
    square = float(np.mean(radial**2 + ((angle - fitted) * length) ** 2))
    beyond = float(np.sqrt(max(0.0, square - 2.0 * sigma_px**2)))
    half = (time_s[-1] - time_s[0]) / 2
    ends = [float(np.hypot(solved[1] + solved[3] * moment, solved[2] + solved[4] * moment)) for moment in (-half, half)]
    period = 2.0 * np.pi / omega
    periods = max(1.0, float(2 * half / period))
    gain = float((ends[1] / ends[0]) ** (2.0 / periods) - 1.0) if min(ends) > 0 else 0.0
    amplitude = float(np.hypot(solved[1], solved[2]))
    x_fit = cx + length * np.sin(fitted)
    return SwingFit(
        pivot=(cx, cy),
        length_px=length,
        period_s=float(period),
        amplitude_rad=amplitude,
        misfit=beyond / extent if extent > 0 else 0.0,
        gain=gain,
        half_period_variation=half_period_variation(time_s, angle - solved[0]),
        x_fit=x_fit,
    )


def half_period_variation(time_s: np.ndarray, angle: np.ndarray) -> float | None:
    """Coefficient of variation of the times between crossings of 0.

    Args:
        time_s: (n,) ascending times.
        angle: (n,) angle about its rest.

    Returns:
        At least 0; None with fewer than three such times.

    >>> t = np.arange(100) / 25
    >>> half_period_variation(t, np.cos(5 * t)) < 0.01
    True
    """
    where = np.flatnonzero(np.diff(np.signbit(angle)))
    moments = time_s[where] - angle[where] * (time_s[where + 1] - time_s[where]) / (angle[where + 1] - angle[where])
    times = np.diff(moments)
    if len(times) < 3:
        return None
    return float(np.std(times, ddof=1) / np.mean(times))


def pendulum_gravity(*, length_m: float, period_s: float, amplitude_rad: float) -> float:
    """Gravity from a pendulum: 4 pi^2 L / T^2, the period of large swings corrected to the fourth order of the amplitude.

    The correction is 1 + a^2 / 16 + 11 a^4 / 3072 (the textbook series of the period).

    Args:
        length_m: Length L in metres.
        period_s: Period T in seconds.
        amplitude_rad: Amplitude a.

    Returns:
        m/s^2.

    >>> round(pendulum_gravity(length_m=1.0, period_s=2.00607, amplitude_rad=0.0), 2)
    9.81
    >>> round(pendulum_gravity(length_m=1.0, period_s=2.03690, amplitude_rad=0.4887), 2)  # exact period at 28 degrees
    9.81
    """
    lengthened = 1.0 + amplitude_rad**2 / 16.0 + 11.0 * amplitude_rad**4 / 3072.0
    return float(4.0 * np.pi**2 * length_m / (period_s / lengthened) ** 2)


def separation_ratio(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> float | None:
    """Coefficient of restitution of two bodies that meet: their relative speed after the contact over that before it.

    At most 1 for any masses.

    Args:
        first: Velocities (2,) of one body, before and after, in pixels per second.
        second: Those of the other body.

    Returns:
        The ratio; None when the bodies approach at less than 1 pixel per second.

    >>> round(separation_ratio((np.array([2.0, 0]), np.array([0.2, 0])), (np.zeros(2), np.array([1.8, 0]))), 2)
    0.8
    """
    approach = float(np.hypot(*(first[0] - second[0])))
    return float(np.hypot(*(first[1] - second[1]))) / approach if approach > 1.0 else None
