"""Kinematics and laws as pure functions: the golden values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbench.metrics.physics import kinematics, laws

T = np.arange(50) / 25


@given(st.floats(100, 3000), st.floats(-300, 300), st.floats(-500, 500), st.integers(8, 60))
def test_a_parabola_is_fitted_exactly(gravity: float, across: float, up: float, n: int) -> None:
    t = np.arange(n) / 25
    fit = kinematics.fit_flight(t, 7 + across * t, 5 + up * t + 0.5 * gravity * t**2, sigma_px=0.0)
    assert fit.gravity == pytest.approx(gravity, rel=1e-9)
    assert fit.misfit < 1e-9
    assert abs(fit.sideways) < 1e-6
    assert all(half[0] == pytest.approx(gravity, rel=1e-8) for half in fit.halves)


def test_the_spread_of_fitted_gravity_is_the_formula_s() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(12) / 24
    fits = [kinematics.fit_flight(t, t, 300 * t**2 + rng.normal(0, 1, 12), sigma_px=1.0) for _ in range(800)]
    expected = 2 * 24**2 * np.sqrt(180 / (12 * (12**2 - 1) * (12**2 - 4)))  # the variance of a quadratic's leading coefficient
    assert expected == pytest.approx(31.5, abs=0.05)
    assert fits[0].gravity_sd == pytest.approx(expected)
    assert np.std([fit.gravity for fit in fits]) == pytest.approx(31.5, rel=0.08)


def test_restitution_of_a_bouncing_ball() -> None:
    assert kinematics.restitutions([1.0, 0.64, 0.409, 0.262]) == pytest.approx([0.8, 0.8, 0.8], abs=1e-3)


def test_a_bounce_faster_than_its_fall_gains_energy() -> None:
    gain, sd = kinematics.energy_gain(np.array([2.0, 50.0]), np.array([2.2, -55.0]), speed_sd=0.0)
    assert gain == pytest.approx(0.21)
    assert sd == 0.0


def test_a_fall_eased_in_and_out_misfits_by_the_cubic_s_share() -> None:
    share = np.linspace(0, 1, 200)
    fit = kinematics.fit_flight(share, np.zeros(200), 100 * (3 * share**2 - 2 * share**3), sigma_px=0.0)
    assert fit.misfit == pytest.approx(0.0378, abs=1e-3)
    assert abs(fit.gravity) < 1.0
    assert kinematics.gravity_consistency([fit]) == 0.0


def test_a_fall_at_constant_speed_is_not_gravity() -> None:
    even = kinematics.fit_flight(T, np.zeros(50), 100 * T, sigma_px=0.3)
    assert even.misfit == 0.0
    assert even.identified
    assert kinematics.gravity_consistency([even]) == 0.0


def test_two_gravities_are_not_consistent() -> None:
    first, second = (kinematics.fit_flight(T, T, 0.5 * g * T**2, sigma_px=0.3) for g in (800.0, 400.0))
    assert kinematics.gravity_consistency([first, first]) == 1.0
    assert kinematics.gravity_consistency([first, second]) < 0.5


def test_gravity_in_metres_from_a_declared_height() -> None:
    assert kinematics.gravity_in_metres(981.0 * 0.5, fallen_px=150.0, height_m=1.5) == pytest.approx(4.905)


@given(st.lists(st.tuples(st.floats(1, 100), st.floats(0.1, 10)), min_size=1, max_size=8))
def test_a_weighted_mean_lies_within_and_equal_values_do_not_spread(pairs: list[tuple[float, float]]) -> None:
    values, sds = [value for value, _ in pairs], [sd for _, sd in pairs]
    mean, spread = kinematics.spread_beyond_noise(values, sds)
    assert min(values) - 1e-9 <= mean <= max(values) + 1e-9
    assert spread >= 0
    assert kinematics.spread_beyond_noise([7.0] * len(pairs), sds)[1] == pytest.approx(0.0, abs=1e-9)


def test_the_time_of_a_freeze_is_found() -> None:
    changing = np.r_[np.ones(40), np.tile([0.0, 0.05, 0.9, 0.1], 10)]
    assert kinematics.frozen_from_s(changing, np.arange(80) / 25) == pytest.approx(1.6, abs=0.2)
    assert kinematics.frozen_from_s(np.ones(80), np.arange(80) / 25) is None
    assert (
        kinematics.frozen_from_s(np.r_[np.full(40, 0.1), np.zeros(40)], np.arange(80) / 25) is None
    )  # a drawn scene: still where nothing moves


def test_a_roll_is_straight_and_slows_down() -> None:
    fit = laws.fit_roll(T, 20 + 90 * T - 8 * T**2, 40 + 9 * T - 0.8 * T**2, sigma_px=0.0)
    assert fit.misfit < 1e-9
    assert fit.gain < 0
    assert laws.fit_roll(T, 100 * T, 30 * np.sin(3 * T), sigma_px=0.0).misfit > 0.05
    assert laws.fit_roll(T, 60 * T + 15 * T**2, np.zeros(50), sigma_px=0.0).gain == pytest.approx((118.8 / 60) ** 2 - 1, rel=0.01)


@pytest.mark.parametrize(("length_m", "amplitude"), [(0.5, 0.2), (1.5, 0.49), (1.0, 0.8)])
def test_a_pendulum_gives_gravity_from_its_string(length_m: float, amplitude: float) -> None:
    from scipy.special import ellipj, ellipk

    k = np.sin(amplitude / 2)
    omega = np.sqrt(9.81 / length_m)
    t = np.arange(125) / 25
    sn = ellipj(omega * t + ellipk(k**2), k**2)[0]
    angle = 2 * np.arcsin(k * sn)
    fit = laws.fit_swing(t, 80 + 100 * np.sin(angle), 10 + 100 * np.cos(angle), sigma_px=0.0)
    assert fit.length_px == pytest.approx(100, rel=0.01)
    assert fit.amplitude_rad == pytest.approx(amplitude, rel=0.03)
    assert fit.misfit < 0.01
    assert abs(fit.gain) < 0.01
    gravity = laws.pendulum_gravity(length_m=length_m, period_s=fit.period_s, amplitude_rad=fit.amplitude_rad)
    assert gravity == pytest.approx(9.81, rel=0.015)


def test_a_swing_that_grows_gains_energy() -> None:
    t = np.arange(125) / 25
    angle = 0.3 * 1.25 ** (t / 2 / (2 * np.pi / 5)) * np.cos(5 * t)
    assert laws.fit_swing(t, 100 * np.sin(angle), 100 * np.cos(angle), sigma_px=0.0).gain == pytest.approx(0.25, abs=0.04)


def test_colliding_bodies_separate_slower_than_they_met() -> None:
    still, light, heavy = np.zeros(2), np.array([100.0, 0.0]), np.array([-30.0, 0.0])
    ratio = laws.separation_ratio((light, np.array([-20.0, 0.0])), (still, np.array([60.0, 0.0])))
    assert ratio == pytest.approx(0.8)
    assert laws.separation_ratio((heavy, heavy), (heavy, heavy)) is None
    assert kinematics.opposition(np.array([-120.0, 0.0]), np.array([60.0, 0.0])) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_rounding_does_not_choose_the_frequency_of_a_body_at_rest(seed: int) -> None:
    noise = np.random.default_rng(seed).uniform(-1e-12, 1e-12, 50)
    assert laws.fit_sinusoid(T, noise)[0] == pytest.approx(laws.fit_sinusoid(T, np.zeros(50))[0], rel=0.05)
