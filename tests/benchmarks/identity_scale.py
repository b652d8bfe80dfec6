"""Both errors of the scale of identity on photographs: the figures of docs/metrics/identity.md.

python tests/benchmarks/identity_scale.py FACES.npz

FACES.npz: ``embedding`` (rows, 128) of dlib's network, ``person`` and ``photo`` (rows,); several rows of one photograph are averaged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2

from seedbench.metrics.identity.appearances import weighted_mean
from seedbench.metrics.identity.calibrate import FACE_SCALES

SCALE = FACE_SCALES["dlib-resnet128"]
GROUPS = 4
RESAMPLES = 1000


def photographs(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """One unit vector for each photograph (n, D), and its person (n,)."""
    with np.load(file, allow_pickle=False) as archive:
        embedding, person, photo = (archive[name].astype(np.float64) for name in ("embedding", "person", "photo"))
    keys, row = np.unique(np.stack([person, photo], axis=1), axis=0, return_inverse=True)
    vectors = [weighted_mean(embedding[row == index], np.ones(int((row == index).sum()))) for index in range(len(keys))]
    return np.stack(vectors), keys[:, 0].astype(int)


def errors(cosine: np.ndarray, same: np.ndarray, threshold: float) -> tuple[float, float]:
    """Share of pairs of one person below a threshold, and of pairs of two people from it on."""
    return float(np.mean(cosine[same] < threshold)), float(np.mean(cosine[~same] >= threshold))


def equal_errors(cosine: np.ndarray, same: np.ndarray) -> float:
    """The threshold at which both errors are nearest to each other."""
    candidates = np.unique(np.quantile(cosine, np.linspace(0.5, 1, 2001)))
    return float(min(candidates, key=lambda threshold: abs(np.subtract(*errors(cosine, same, threshold)))))


def main(file: Path) -> None:
    """Print the scale's figures."""
    vectors, person = photographs(file)
    people = np.unique(person)
    first, second = np.triu_indices(len(vectors), 1)
    cosine, same = (vectors @ vectors.T)[first, second], person[first] == person[second]
    print(f"{len(people)} people, {len(vectors)} photographs, pairs of one person {same.sum()}, of two {(~same).sum()}")
    print(f"mean cosine: one person {cosine[same].mean():.3f}, two {cosine[~same].mean():.3f}")
    print(f"equal errors at {equal_errors(cosine, same):.4f}")
    similarity = np.array([SCALE.similarity(float(value)) for value in cosine])
    for name, chosen in (("one person", same), ("two people", ~same)):
        low, high = np.percentile(similarity[chosen], [5, 95])
        print(f"similarity, {name}: mean {similarity[chosen].mean():.2f} (5-95 %: {low:.2f} to {high:.2f})")
    for threshold in (0.911, 0.915, 0.919, SCALE.threshold, 0.923, 0.927, 0.931):
        missed, accepted = errors(cosine, same, threshold)
        print(f"  from {threshold:.3f}: missed {missed:.2%}, accepted {accepted:.2%}")

    random = np.random.default_rng(0)
    resampled, halves = [], []
    for _ in range(RESAMPLES):
        times = np.bincount(random.integers(0, len(people), len(people)), minlength=len(people))[np.searchsorted(people, person)]
        weight = np.where(same, times[first], times[first] * times[second]).astype(float)
        resampled.append(
            [
                np.average(wrong, weights=weight[of])
                for wrong, of in ((cosine[same] < SCALE.threshold, same), (cosine[~same] >= SCALE.threshold, ~same))
            ]
        )
    for name, column in zip(("missed", "accepted"), np.array(resampled).T, strict=True):
        print(
            f"{name} at {SCALE.threshold}: 95 % of samples of people {np.percentile(column, 2.5):.2%} to {np.percentile(column, 97.5):.2%}"
        )
    for _ in range(100):
        fitting = np.isin(person, random.permutation(people)[::2])
        fit, held = fitting[first] & fitting[second], ~fitting[first] & ~fitting[second]
        halves.append(errors(cosine[held], same[held], equal_errors(cosine[fit], same[fit])))
    print("threshold of equal errors on half of the people, on the others: missed {:.2%}, accepted {:.2%}".format(*np.mean(halves, axis=0)))

    centres = np.stack([vectors[person == number].mean(axis=0) for number in people])
    _, label = kmeans2(centres, GROUPS, minit="++", seed=3)
    group = label[np.searchsorted(people, person)]
    for number in range(GROUPS):
        within = (group[first] == number) & (group[second] == number)
        missed, accepted = errors(cosine[within], same[within], SCALE.threshold)
        size, pairs = int((label == number).sum()), int((within & ~same).sum())
        mean = cosine[within & ~same].mean() if pairs else np.nan
        print(
            f"  group {number + 1}, {size} people: missed {missed:.1%}, accepted {accepted:.1%} of {pairs} pairs within it, mean {mean:.3f}"
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
