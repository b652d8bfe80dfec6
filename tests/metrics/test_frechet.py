"""Fréchet and kernel distance, and their jackknife: goldens, other implementations, algebra."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from seedbench.metrics.video_distance.distance import distance_scores, set_distances
from seedbench.metrics.video_distance.frechet import frechet_distance, frechet_from_moments
from seedbench.metrics.video_distance.jackknife import jackknife
from seedbench.metrics.video_distance.kernel import from_different_groups, polynomial_kernel, squared_mmd
from seedbench.plugins.metric import Features

seeds = st.integers(0, 2**32 - 1)


def by_sqrtm(x: np.ndarray, y: np.ndarray) -> float:
    """The textbook formula with scipy's general matrix square root."""
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(cov_x @ cov_y)
    gap = x.mean(axis=0) - y.mean(axis=0)
    return float(gap @ gap + np.trace(cov_x + cov_y) - 2 * np.trace(root).real)


def sets(seed: int, n: int, m: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(width, width))
    return rng.normal(size=(n, width)) @ mix, rng.normal(size=(m, width)) @ mix * 1.3 + 0.5


def test_diagonal_gaussians_have_the_worked_distance() -> None:
    distance = frechet_from_moments(np.array([1.0, 0.0]), np.diag([4.0, 1.0]), np.zeros(2), np.diag([1.0, 9.0]))
    assert distance == pytest.approx(6.0, abs=1e-12)


@pytest.mark.parametrize(("n", "m", "width"), [(80, 60, 12), (300, 300, 40)])
def test_many_rows_agree_with_sqrtm_and_torchmetrics(n: int, m: int, width: int) -> None:
    x, y = sets(1, n, m, width)
    moments = [torch.from_numpy(part) for part in (x.mean(0), np.cov(x, rowvar=False), y.mean(0), np.cov(y, rowvar=False))]
    assert frechet_distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-9)
    assert frechet_distance(x, y) == pytest.approx(float(_compute_fid(*moments)), rel=1e-9)


@pytest.mark.parametrize(("n", "m", "width"), [(12, 20, 40), (12, 200, 40), (64, 64, 100)])
def test_fewer_rows_than_columns_agree_with_sqrtm(n: int, m: int, width: int) -> None:
    x, y = sets(2, n, m, width)
    assert frechet_distance(x, y) == pytest.approx(by_sqrtm(x, y), rel=1e-5)  # the singular root is sqrtm's weak spot, not ours


def test_both_routes_agree_where_both_apply() -> None:
    x, y = sets(3, 80, 80, 40)
    padded = [np.hstack([part, np.zeros((80, 60))]) for part in (x, y)]  # dead columns make N < D
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(x, y), rel=1e-9)


@settings(deadline=None, max_examples=40)
@given(seeds, st.integers(4, 20), st.integers(4, 20), st.integers(1, 12))
def test_symmetric_and_blind_to_rotation_shift_and_order(seed: int, n: int, m: int, width: int) -> None:
    x, y = sets(seed, n, m, width)
    rng = np.random.default_rng(seed + 1)
    turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
    plain = frechet_distance(x, y)
    near = pytest.approx(plain, rel=1e-6, abs=1e-5)
    assert frechet_distance(y, x) == near
    assert frechet_distance(x @ turn + 3.0, y @ turn + 3.0) == near
    assert frechet_distance(x[rng.permutation(n)], y[rng.permutation(m)]) == near
    assert frechet_distance(2 * x, 2 * y) == pytest.approx(4 * plain, rel=1e-6, abs=1e-5)


@given(seeds, st.integers(2, 20), st.integers(1, 30))
def test_a_set_is_at_distance_zero_from_itself(seed: int, n: int, width: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, width))
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-6)


def test_a_shift_of_the_mean_costs_its_square() -> None:
    x = np.random.default_rng(4).normal(size=(50, 6))
    assert frechet_distance(x, x + np.array([3.0, 0, 0, 4.0, 0, 0])) == pytest.approx(25.0)


def test_the_callers_arrays_are_left_alone() -> None:
    x, y = sets(5, 10, 10, 3)
    before = x.copy(), y.copy()
    first = frechet_distance(x, y)
    assert np.array_equal(x, before[0])
    assert np.array_equal(y, before[1])
    assert frechet_distance(x, y) == first


@pytest.mark.parametrize(
    ("x", "y"), [(np.ones((1, 3)), np.ones((5, 3))), (np.ones((5, 3)), np.ones((5, 2))), (np.ones(5), np.ones((5, 1)))]
)
def test_a_single_row_or_another_width_is_refused(x: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"rows|features must be"):
        frechet_distance(x, y)


def test_the_degree_two_kernel_has_the_published_value() -> None:
    a = np.arange(1.0, 10.0).reshape(3, 3)
    b = np.array([[7.0, 6, 5], [4, 3, 2], [1, 1, 8], [0, 2, 5]])
    kernel = {"degree": 2, "coef": 0.0}
    biased = (
        polynomial_kernel(a, a, **kernel).mean() + polynomial_kernel(b, b, **kernel).mean() - 2 * polynomial_kernel(a, b, **kernel).mean()
    )
    assert biased == pytest.approx(270.7222, abs=5e-5)  # V-statistic (diagonal kept) as JEDi takes it


def kernel_distance(x: np.ndarray, y: np.ndarray, *, all_cross_pairs: bool = False) -> float:
    """The distance as `distances` puts it together, for sets of one row a clip; ``all_cross_pairs`` as in KID's formula."""
    at_x, at_y = np.arange(len(x)), np.arange(len(y))
    cross = np.ones((len(x), len(y)), dtype=bool) if all_cross_pairs or len(x) != len(y) else from_different_groups(at_x, at_y)
    kernels = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    return squared_mmd(*kernels, from_different_groups(at_x, at_x), from_different_groups(at_y, at_y), cross)


def test_the_metric_s_kernel_distance_is_the_one_tested_here() -> None:
    x, y = sets(11, 12, 12, 4)
    names = [str(index) for index in range(12)]
    assert set_distances(Features(x, names), Features(y, names)).kd.value == pytest.approx(kernel_distance(x, y), rel=1e-9)


def test_kernel_distance_is_torchmetrics_kid_formula() -> None:
    x, y = sets(6, 30, 30, 8)
    expected = float(poly_mmd(torch.from_numpy(x), torch.from_numpy(y)))
    assert kernel_distance(x, y, all_cross_pairs=True) == pytest.approx(expected, rel=1e-10)


def test_a_set_is_at_kernel_distance_zero_from_itself() -> None:
    x = np.random.default_rng(7).normal(size=(9, 5))
    assert kernel_distance(x, x) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("all_cross_pairs", [True, False])
def test_kernel_distance_of_equal_distributions_is_zero_on_average(all_cross_pairs: bool) -> None:
    rng = np.random.default_rng(8)
    distances = [kernel_distance(*rng.normal(size=(2, 8, 4)), all_cross_pairs=all_cross_pairs) for _ in range(2000)]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(2000)
    assert min(distances) < 0


def jackknifed(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float, float]:
    result = jackknife(lambda i, j: frechet_distance(x[i], y[j]), range(len(x)), range(len(y)))
    return result.value, result.low, result.high, result.plug_in


def test_the_jackknife_takes_the_bias_off_and_covers_the_truth() -> None:
    rng = np.random.default_rng(9)
    results = np.array([jackknifed(rng.normal(size=(64, 24)), rng.normal(size=(96, 24)) + 0.1) for _ in range(40)])
    truth = 24 * 0.1**2
    assert results[:, 3].mean() > 5 * truth  # the plug-in value is mostly bias
    assert results[:, 0].mean() == pytest.approx(truth, abs=0.15)
    assert np.mean((results[:, 1] <= truth) & (truth <= results[:, 2])) >= 0.9


def test_the_jackknife_knows_two_sets_of_the_same_clips() -> None:
    x = np.random.default_rng(10).normal(size=(20, 6))
    value, low, high, plug_in = jackknifed(x, x)
    assert (value, plug_in) == (pytest.approx(0.0, abs=1e-6), pytest.approx(0.0, abs=1e-6))
    assert high - low < 1e-5


def test_the_jackknife_of_a_mean_is_its_textbook_error() -> None:
    x = np.random.default_rng(11).normal(size=16)
    result = jackknife(lambda i, _: float(x[i].mean()), range(16), range(16))
    half = scipy.stats.t.ppf(0.975, 15) * scipy.stats.sem(x)
    assert result.value == pytest.approx(x.mean())
    assert result.high - result.value == pytest.approx(half)


def of_scenes(rng: np.random.Generator, name: str, prompts: int, clips_a_prompt: int, scene: float) -> tuple[np.ndarray, list[str]]:
    """Normal features (N, 32) of equal distribution, with a prompt for each row; ``scene`` is the share of the variance due to it."""
    own = rng.normal(size=(prompts, clips_a_prompt, 32))
    values = np.sqrt(scene) * rng.normal(size=(prompts, 1, 32)) + np.sqrt(1 - scene) * own
    spread = 1 / np.sqrt(np.arange(1, 33))
    return (values * spread).reshape(-1, 32), [f"{name}{prompt}" for prompt in range(prompts) for _ in range(clips_a_prompt)]


def test_intervals_of_several_clips_a_prompt_hold_zero_for_equal_sets() -> None:
    rng = np.random.default_rng(12)
    holds: dict[str, list[bool]] = {"by prompt": [], "by clip": []}
    for _ in range(120):
        (x, of_x), (y, of_y) = of_scenes(rng, "x", 6, 4, 0.7), of_scenes(rng, "y", 6, 4, 0.7)
        numbers = [[f"{name}{row}" for row in range(24)] for name in "xy"]
        for how, groups in (("by prompt", (of_x, of_y)), ("by clip", numbers)):
            kd = set_distances(Features(x, groups[0]), Features(y, groups[1])).kd
            holds[how].append(kd.low <= 0 <= kd.high)
    assert np.mean(holds["by prompt"]) >= 0.93
    assert np.mean(holds["by clip"]) < 0.7  # what the prompts are known for


def test_the_interval_of_fd_holds_zero_for_equal_sets_of_twice_as_many_prompts_as_numbers() -> None:
    rng = np.random.default_rng(13)
    holds, values = [], []
    for _ in range(60):
        sides = [Features(*of_scenes(rng, name, 64, 2, 0.7)) for name in "xy"]
        scores = {score.measure: score for score in distance_scores(*sides, backend="test")}
        assert scores["fd"].interval is not None
        values.append(scores["fd"].value)
        holds.append(scores["fd"].interval[0] <= 0 <= scores["fd"].interval[1])
    assert np.mean(holds) >= 0.93
    assert abs(np.mean(values)) < 0.05


def test_the_interval_of_fd_holds_zero_where_a_set_lacks_some_prompts_of_the_other() -> None:
    """What sets of the same scenes have in common is in one block on both sides, or the bias that is removed is too large."""
    rng = np.random.default_rng(15)
    spread = 1 / np.sqrt(np.arange(1, 33))
    below = []
    for _ in range(60):
        scenes = rng.normal(size=(72, 32))
        x, y = ((np.sqrt(0.7) * scenes + np.sqrt(0.3) * rng.normal(size=(72, 32))) * spread for _ in range(2))
        kept = np.sort(rng.permutation(72)[:66])
        below.append(set_distances(Features(x[kept], [str(row) for row in kept]), Features(y, [str(row) for row in range(72)])).fd.high < 0)
    assert np.mean(below) <= 0.07


def test_a_prompt_of_both_sets_makes_no_pair() -> None:
    """Sets of the same prompts are not nearer because their clips show the same scenes, also where one lacks some of them."""
    rng = np.random.default_rng(14)
    distances = []
    for _ in range(300):
        scenes = rng.normal(size=(12, 8))
        sides = [np.sqrt(0.8) * scenes + np.sqrt(0.2) * rng.normal(size=(12, 8)) for _ in range(2)]
        names = [str(prompt) for prompt in range(12)]
        distances.append(set_distances(Features(sides[0][:10], names[:10]), Features(sides[1], names)).kd.value)
    assert abs(np.mean(distances)) < 3 * np.std(distances) / np.sqrt(300)


def test_whole_clips_are_left_out_whatever_their_number_of_rows() -> None:
    groups = ["a", "a", "b", "c", "c", "c", "d"]
    seen: list[frozenset[str]] = []
    jackknife(lambda i, _: float(len(seen.append(frozenset(groups[k] for k in i)) or i)), groups, range(8))
    assert sorted(map(len, seen)) == [3, 3, 3, 3, 4]


def test_three_clips_are_too_few_for_a_jackknife() -> None:
    with pytest.raises(ValueError, match="at least 4 clips or prompts"):
        jackknife(lambda i, j: 0.0, ["a", "a", "b", "c"], range(9))
