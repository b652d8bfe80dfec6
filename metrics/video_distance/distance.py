"""Fréchet and kernel distance of two sets of video features, for every backend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbench.metrics.video_distance.frechet import frechet_distance
from seedbench.metrics.video_distance.jackknife import MIN_CLIPS, JackknifeEstimate, clip_index, jackknife
from seedbench.metrics.video_distance.kernel import from_different_clips, polynomial_kernel, squared_mmd
from seedbench.plugins.metric import Features, Measure, Score

FEW_CLIPS = 256
"""With fewer clips in a set the distance depends mostly on which clips were drawn; the details then say so."""

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
        " sometimes negative for equal distributions",
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
        generated: The features (N, D) of the generated clips, and the clip of each row.
        reference: The features (M, D) of the reference clips, and the clip of each row.

    Returns:
        Both distances: Heusel et al. 2017 (:mod:`seedbench.metrics.video_distance.frechet`) and Bińkowski et al. 2018
        (:mod:`seedbench.metrics.video_distance.kernel`).

    Raises:
        ValueError: If a set has fewer than 4 clips, or the features have different widths.

    >>> rng = np.random.default_rng(0)
    >>> a, b = (Features(rng.normal(size=(64, 4)) + shift, [str(i) for i in range(64)]) for shift in (0.0, 2.0))
    >>> result = set_distances(a, b)
    >>> round(result.fd.value, 1), result.fd.low < 16 < result.fd.high, result.kd.low > 0
    (15.0, True, True)
    """
    x, y = generated.values, reference.values
    clips_x, clips_y = clip_index(generated.groups), clip_index(reference.groups)
    fd = jackknife(lambda i, j: frechet_distance(x[i], y[j]), generated.groups, reference.groups)
    k_xx, k_yy, k_xy = polynomial_kernel(x, x), polynomial_kernel(y, y), polynomial_kernel(x, y)
    use_xx, use_yy = from_different_clips(clips_x, clips_x), from_different_clips(clips_y, clips_y)
    same_count = clips_x.max() == clips_y.max()
    use_xy = from_different_clips(clips_x, clips_y) if same_count else np.ones(k_xy.shape, dtype=bool)

    def kd_of(i: np.ndarray, j: np.ndarray) -> float:
        cross = np.ix_(i, j)
        return squared_mmd(k_xx[np.ix_(i, i)], k_yy[np.ix_(j, j)], k_xy[cross], use_xx[np.ix_(i, i)], use_yy[np.ix_(j, j)], use_xy[cross])

    return SetDistances(fd, jackknife(kd_of, generated.groups, reference.groups, correct_bias=False))


def distance_scores(generated: Features, reference: Features, *, backend: str, remarks: tuple[str, ...] = ()) -> list[Score]:
    """The scores of a distance metric for two sets of clips.

    Args:
        generated: The features (N, D) of the generated clips.
        reference: The features (M, D) of the reference clips.
        backend: The name of the network that made the features; every score carries it.
        remarks: Remarks on the numbers, for the details of each score. Remarks on small sets are added before them.

    Returns:
        The scores of ``fd`` and ``kd`` with intervals, which may lie below 0, and of ``fd_plugin``, at least 0; without values, but
        with the reason, where a set has fewer than 4 clips or a feature is not finite.

    Raises:
        ValueError: If the features have different widths.
    """
    clips = (len(set(generated.groups)), len(set(reference.groups)))
    if min(clips) < MIN_CLIPS:
        reason = f"a set of {min(clips)} clips is too small to compare; each set needs at least {MIN_CLIPS}"
        return [Score.none(measure.name, reason, backend=backend) for measure in MEASURES]
    if not (np.isfinite(generated.values).all() and np.isfinite(reference.values).all()):
        return [Score.none(measure.name, "the features contain values that are not finite", backend=backend) for measure in MEASURES]
    result = set_distances(generated, reference)
    width = int(generated.values.shape[1])
    if min(clips) < FEW_CLIPS:
        remarks = (
            f"{clips[0]} generated and {clips[1]} reference clips: with fewer than {FEW_CLIPS}, compare only within this run",
            *remarks,
        )
    if min(clips) < 2 * width:
        remarks = (
            f"fd is too large with fewer than {2 * width} clips, because the jackknife removes only part of its bias; kd has no bias",
            *remarks,
        )
    details = {
        "generated_clips": clips[0],
        "reference_clips": clips[1],
        "feature_width": width,
        "remarks": list(remarks),
        "covariance": "divided by N - 1",
    }
    fd, kd = result.fd, result.kd
    return [
        Score.of("fd", fd.value, backend=backend, n_used=clips[0], interval=(fd.low, fd.high), details={**details, "method": fd.method}),
        Score.of("fd_plugin", fd.plug_in, backend=backend, n_used=clips[0], details={**details, "method": "plug-in"}),
        Score.of("kd", kd.value, backend=backend, n_used=clips[0], interval=(kd.low, kd.high), details={**details, "method": kd.method}),
    ]
