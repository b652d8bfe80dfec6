"""Fréchet and kernel distance of two sets of video features, for every backend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.video_distance.frechet import frechet_distance
from seedbench.metrics.video_distance.jackknife import MIN_CLIPS, JackknifeEstimate, group_index, jackknife
from seedbench.metrics.video_distance.kernel import from_different_groups, polynomial_kernel, squared_mmd
from seedbench.plugins.metric import Features, Measure, Score

FEW_CLIPS = 256
"""With fewer clips in a set the distance depends mostly on which clips were drawn; the details then say so."""

INTERVAL_FROM = 2
"""``fd`` has an interval from so many prompts in each set on, for each of the D numbers of a feature. The jackknife removes the bias of
order 1 / N; with fewer prompts than D the bias does not fall as 1 / N. Of equal halves of filmed and generated clips (D = 32) 65 to 94% had
an interval above 0 with 5 to 17 prompts. With 64 and 96 normal prompts 96 to 99% of the intervals hold 0, whatever the spectrum."""

LIMITS = (
    "It says how different two sets of clips look, not which set is better: other scenes, framing or light move it as much as faults "
    "do, and on real clips it does not follow people's ratings. Compare generators on the same prompts only, by the interval of their "
    "difference."
)
"""Seen on public clips with votes: of four talking-head generators on 13 shared prompts, the set with the worst-rated pictures is not the
furthest from the best-rated set, and compared with 40 filmed clips of other scenes the best-rated set is the furthest."""

MEASURES = (
    Measure(
        name="fd",
        title="Fréchet distance",
        unit="feature units squared",
        direction="down",
        headline=True,
        meaning="how far the generated set is from the reference set, means and covariances; jackknife-corrected, so about 0 and"
        " sometimes negative for equal distributions; too large, and without an interval, on small sets",
        sign="positive: the sets differ; slightly negative values mean no difference beyond chance",
    ),
    Measure(
        name="fd_plugin",
        title="Fréchet distance, plug-in",
        unit="feature units squared",
        direction="down",
        low=0.0,
        meaning="the value without correction, too large by about constant / N; for comparison with other tools",
    ),
    Measure(
        name="kd",
        title="Kernel distance",
        unit="kernel units",
        direction="down",
        headline=True,
        meaning="unbiased squared MMD with a cubic kernel; reliable on small sets; about 0 and sometimes negative for equal distributions",
        sign="positive: the sets differ; slightly negative values mean no difference beyond chance",
    ),
)


@dataclass(frozen=True)
class SetDistances:
    """Two distances of two sets, each with its interval.

    Attributes:
        fd: The Fréchet distance, with its bias removed by the jackknife.
        kd: The kernel distance, which has no bias.
    """

    fd: JackknifeEstimate
    kd: JackknifeEstimate


def set_distances(generated: Features, reference: Features) -> SetDistances:
    """Fréchet and kernel distance of two sets of features, with intervals.

    Args:
        generated: The features (N, D) of the generated clips, and the prompt of each row (or its clip, where prompts are not known).
        reference: The same (M, D) of the reference clips. A group of one name in both sets is one prompt.

    Returns:
        Both distances: Heusel et al. 2017 (:mod:`seedbench.metrics.video_distance.frechet`) and Bińkowski et al. 2018
        (:mod:`seedbench.metrics.video_distance.kernel`).

    Raises:
        ValueError: If a set has fewer than 4 groups, or the features have different widths.

    >>> rng = np.random.default_rng(0)
    >>> a, b = (Features(rng.normal(size=(64, 4)) + shift, [str(i) for i in range(64)]) for shift in (0.0, 2.0))
    >>> result = set_distances(a, b)
    >>> round(result.fd.value, 1), result.fd.low < 16 < result.fd.high, result.kd.low > 0
    (15.0, True, True)
    """
    x, y = generated.values, reference.values
    index = group_index([*generated.groups, *reference.groups])
    of_x, of_y = index[: len(x)], index[len(x) :]
    fd = jackknife(lambda i, j: frechet_distance(x[i], y[j]), generated.groups, reference.groups)
    k_xx, k_yy, k_xy = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    use_xx, use_yy, use_xy = from_different_groups(of_x, of_x), from_different_groups(of_y, of_y), from_different_groups(of_x, of_y)

    def kd_of(i: np.ndarray, j: np.ndarray) -> float:
        cross = np.ix_(i, j)
        return squared_mmd(k_xx[np.ix_(i, i)], k_yy[np.ix_(j, j)], k_xy[cross], use_xx[np.ix_(i, i)], use_yy[np.ix_(j, j)], use_xy[cross])

    return SetDistances(fd, jackknife(kd_of, generated.groups, reference.groups, correct_bias=False))


def distance_scores(generated: Features, reference: Features, *, backend: str, remarks: tuple[str, ...] = ()) -> list[Score]:
    """The scores of a distance metric for two sets of clips.

    Args:
        generated: The features (N, D) of the generated clips, one row a clip, with groups as in :func:`set_distances`.
        reference: The features (M, D) of the reference clips.
        backend: The name of the network that made the features; every score carries it.
        remarks: Remarks on the numbers, for the details of each score. Remarks on small sets are added before them.

    Returns:
        The scores of ``fd`` and ``kd`` with intervals, which may lie below 0, and of ``fd_plugin``, at least 0; without values, but
        with the reason, where a set has fewer than 4 groups or a feature is not finite. ``fd`` has no interval, and the reason, where a
        set has fewer than :data:`INTERVAL_FROM` groups for each of its D numbers.

    Raises:
        ValueError: If the features have different widths.
    """
    groups = (len(set(generated.groups)), len(set(reference.groups)))
    clips = (len(generated.values), len(reference.values))
    unit = "clips" if groups == clips else "prompts"
    if min(groups) < MIN_CLIPS:
        reason = f"a set of {min(groups)} {unit} is too small to compare; each set needs at least {MIN_CLIPS}"
        return [Score.none(measure.name, reason, backend=backend) for measure in MEASURES]
    if not (np.isfinite(generated.values).all() and np.isfinite(reference.values).all()):
        return [Score.none(measure.name, "the features contain values that are not finite", backend=backend) for measure in MEASURES]
    result = set_distances(generated, reference)
    width = int(generated.values.shape[1])
    if min(groups) < FEW_CLIPS:
        remarks = (
            f"{groups[0]} generated and {groups[1]} reference {unit}: with fewer than {FEW_CLIPS}, compare only within this run",
            *remarks,
        )
    needed, no_interval = INTERVAL_FROM * width, ""
    if min(groups) < needed:
        no_interval = (
            f"fd is too large with fewer than {needed} {unit}, because the jackknife removes only part of its bias; kd has no bias"
        )
        remarks = (no_interval, *remarks)
    details = {
        "generated_clips": clips[0],
        "reference_clips": clips[1],
        "generated_groups": groups[0],
        "reference_groups": groups[1],
        "feature_width": width,
        "remarks": list(remarks),
        "covariance": "divided by N - 1",
    }
    fd, kd = result.fd, result.kd
    return [
        Score.of(
            "fd",
            fd.value,
            backend=backend,
            n_used=clips[0],
            interval=None if no_interval else (fd.low, fd.high),
            reason=no_interval,
            details={**details, "method": fd.method},
        ),
        Score.of("fd_plugin", fd.plug_in, backend=backend, n_used=clips[0], details={**details, "method": "plug-in"}),
        Score.of("kd", kd.value, backend=backend, n_used=clips[0], interval=(kd.low, kd.high), details={**details, "method": kd.method}),
    ]
