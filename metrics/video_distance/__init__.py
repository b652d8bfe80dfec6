"""Distances between the generated clips and a reference set: Fréchet (FD, FVD) and kernel (KD), each with an interval.

``video_distance`` embeds clips with a small network that needs no download; ``fvd`` takes the user's I3D. Their numbers are on different
scales.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from seedbench.metrics.features import efficientnet, i3d
from seedbench.metrics.video_distance.difference import distance_differences
from seedbench.metrics.video_distance.distance import LIMITS, MEASURES, distance_scores
from seedbench.plugins.metric import Features, MetricInfo, Score, SetMetric
from seedbench.plugins.set_difference import SetDifference

if TYPE_CHECKING:
    import numpy as np

    from seedbench.clips.clip import Clip

__all__ = ["EmbeddedVideoDistance", "FrechetVideoDistance"]


class _VideoDistance(SetMetric):
    """Two generators are compared alike, whatever network made the features."""

    backend: ClassVar[str]
    validation = "seedbench.metrics.video_distance.validation:PROTOCOL"

    def difference(self, first: Features, second: Features, reference: Features) -> list[SetDifference]:
        """Which of two sets of the same prompts is further from the reference set (see :func:`distance_differences`).

        Args:
            first: The features of one generator's clips.
            second: Those of another generator's.
            reference: The features of the reference clips.

        Returns:
            The differences of ``fd`` and ``kd``.
        """
        return distance_differences(first, second, reference, backend=self.backend)


class EmbeddedVideoDistance(_VideoDistance):
    """Distance of two sets of clips in the features of :mod:`seedbench.metrics.features.efficientnet`."""

    backend = efficientnet.NAME
    info: ClassVar[MetricInfo] = MetricInfo(
        name="video_distance",
        title="Video distance (EfficientNet-lite0, not FVD)",
        meaning="how far the generated clips as a set are from the reference clips, in appearance and change over time",
        citation="Fréchet distance after Heusel et al. 2017; kernel distance after Bińkowski et al. 2018; features: this project",
        default_rank=50,
        libraries=("torch",),
        version=2,
        measures=MEASURES,
        needs=frozenset({"video"}),
        min_n=4,
        weights=(efficientnet.WEIGHTS,),
        limits=LIMITS,
        primary="kd",
    )

    def embed(self, clip: Clip) -> np.ndarray:
        """Embedding (1, 32).

        Args:
            clip: The clip.

        Raises:
            ClipError: If the clip has fewer than 16 frames at 25 a second.
            WeightsError: If the weights of the network are missing or cannot be read.
        """
        return efficientnet.embed(clip)

    def compare(self, generated: Features, reference: Features) -> list[Score]:
        """FD, plug-in FD and KD of the two sets, each with its interval or without an answer.

        Args:
            generated: The features of the generated clips.
            reference: The features of the reference clips.

        Returns:
            The scores of ``fd``, ``fd_plugin`` and ``kd`` (see :func:`distance_scores`).
        """
        return distance_scores(generated, reference, backend=self.backend, remarks=("not FVD: another feature, another scale",))


class FrechetVideoDistance(_VideoDistance):
    """FVD on the user's torchscript I3D: 16 consecutive frames, 400 logits (:mod:`seedbench.metrics.features.i3d`)."""

    backend = i3d.NAME
    info: ClassVar[MetricInfo] = MetricInfo(
        name="fvd",
        title="Fréchet video distance (I3D)",
        meaning="how far the generated clips as a set are from the reference clips in the features of an action recogniser",
        citation="Unterthiner et al. 2018 (arXiv 1812.01717); protocol fvd2048_16f of Skorokhodov et al. 2022 (StyleGAN-V)",
        libraries=("torch",),
        version=2,
        measures=MEASURES,
        needs=frozenset({"video"}),
        min_n=4,
        weights=(i3d.WEIGHTS,),
        limits=LIMITS,
        primary="kd",
    )

    def embed(self, clip: Clip) -> np.ndarray:
        """Logits (1, 400) of the first 16 frames.

        Args:
            clip: The clip.

        Raises:
            ClipError: If the clip is shorter.
            WeightsError: If the user's file is missing or cannot be read.
        """
        from seedbench.plugins import weights

        return i3d.embed(clip, weights.path(i3d.WEIGHTS))

    def compare(self, generated: Features, reference: Features) -> list[Score]:
        """FD, plug-in FD and KD of the two sets; a remark says where the number must not be compared with published ones.

        Args:
            generated: The features of the generated clips.
            reference: The features of the reference clips.

        Returns:
            The scores of ``fd``, ``fd_plugin`` and ``kd`` (see :func:`distance_scores`).
        """
        sizes = (len(generated.values), len(reference.values))
        remarks = (
            () if sizes == (i3d.CLIPS, i3d.CLIPS) else (f"not comparable to literature: {sizes[0]} and {sizes[1]} clips, not 2048 each",)
        )
        protocol = "reference clips are taken from frame 0, where fvd2048_16f draws a random start"
        return distance_scores(generated, reference, backend=self.backend, remarks=(*remarks, protocol))
