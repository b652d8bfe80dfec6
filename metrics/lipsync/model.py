"""The fitted model: two pairs of projections and an impostor cohort, in one small file.

The height of a peak is not used as such (some faces and some voices fit everything a little), but its distance from the peaks of the same
lips with other voices and of the same voice with other lips: the cohort normalisation of speaker verification (S-norm).
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbench.files.atomic import atomic_write
from seedbench.metrics.lipsync.cca import Cca, KernelProjection
from seedbench.metrics.lipsync.encoder import LipSyncEncoder
from seedbench.metrics.lipsync.estimators import LAGS, LagPeak, lag_curve, peak
from seedbench.metrics.lipsync.features import LipFeatures
from seedbench.store.codec import open_npz

SHIPPED = Path(__file__).parent / "model.npz"
FORMAT = 2
WINDOW_FRAMES = 120
"""Frames (4.8 s) of a window; longer stretches are divided and pooled."""
MIN_WINDOW_FRAMES = 30
"""Frames (1.2 s) of the shortest window that is compared."""

TRIMMED_SHARE = 0.1
"""Share of the cohort, the peaks that are highest, without which its mean and spread are taken."""


@dataclass(frozen=True)
class EmbeddedWindow:
    """Embedded lips and sound of one stretch of T frames, for both estimators.

    Attributes:
        encoder_lips: (T, 16).
        encoder_sound: (T, 16).
        cca_lips: (T, 16).
        cca_sound: (T, 16).
    """

    encoder_lips: np.ndarray
    encoder_sound: np.ndarray
    cca_lips: np.ndarray
    cca_sound: np.ndarray

    def __len__(self) -> int:
        return min(len(self.encoder_lips), len(self.encoder_sound))


@dataclass(frozen=True)
class LipSyncComparison:
    """How lips and sound of some windows fit together.

    Attributes:
        fused: (31,) pooled lag curve of both estimators.
        encoder: (31,) pooled lag curve of the encoder.
        cca: (31,) pooled lag curve of the CCA.
        best: Peak of the fused curve, before the natural lead is subtracted.
        encoder_peak: Peak of the encoder's curve.
        cca_peak: Peak of the CCA's curve.
        by_lips: Standard deviations by which the peak exceeds the cohort's with the same lips.
        by_sound: The same with the same sound.
        null_low: (31,) 5th percentile of the cohort's curves.
        null_high: (31,) 95th percentile of the cohort's curves.
        cohort_p: Share 0..1 of the cohort's peaks that are at least as high.
        frames: The number of frames compared.
    """

    fused: np.ndarray
    encoder: np.ndarray
    cca: np.ndarray
    best: LagPeak
    encoder_peak: LagPeak
    cca_peak: LagPeak
    by_lips: float
    by_sound: float
    null_low: np.ndarray
    null_high: np.ndarray
    cohort_p: float
    frames: int

    @property
    def score(self) -> float:
        """Mean of the two cohort distances: the confidence that lips and sound belong together."""
        return (self.by_lips + self.by_sound) / 2

    @property
    def disagreement(self) -> float:
        """Frames between the peaks of the two estimators."""
        return abs(self.encoder_peak.lag - self.cca_peak.lag)


@dataclass(frozen=True)
class LipSyncModel:
    """A fitted model.

    Attributes:
        encoder: The networks.
        cca: The projections.
        cohort: Windows of impostors, all of one length.
        curve_sd: (2,) spread of encoder and CCA curves of mismatched pairs.
        lead_frames: Lag that the fitted estimators find in clips in sync.
        aperture_lead_frames: Lag that the plain estimator finds in clips in sync.
        accept: Least score of a pair that belongs together.
        reject: A pair with a lower score does not belong together.
        provenance: What it was fitted on, and how.
    """

    encoder: LipSyncEncoder
    cca: Cca
    cohort: EmbeddedWindow
    curve_sd: np.ndarray
    lead_frames: float
    aperture_lead_frames: float
    accept: float
    reject: float
    provenance: Mapping[str, Any]

    def window(self, lips: LipFeatures, sound: np.ndarray) -> EmbeddedWindow:
        """Embed one stretch.

        Args:
            lips: T frames at 25 fps.
            sound: (4 T, 40) sound features of the same time.

        Returns:
            The embedded lips and sound.
        """
        return EmbeddedWindow(self.encoder.lips(lips.shape), self.encoder.sound(sound), self.cca.lips(lips.shape), self.cca.sound(sound))

    def curves(self, lips: EmbeddedWindow, sound: EmbeddedWindow) -> tuple[np.ndarray, np.ndarray]:
        """Lag curves of lips against sound.

        Args:
            lips: Embedded lips; either may be stacked.
            sound: Embedded sound.

        Returns:
            (..., 31) of encoder and CCA, in units of their spread over mismatched pairs.
        """
        encoder = lag_curve(lips.encoder_lips, sound.encoder_sound)
        cca = lag_curve(lips.cca_lips, sound.cca_sound, self.cca.weights)
        return encoder / self.curve_sd[0], cca / self.curve_sd[1]

    def compare(self, windows: Sequence[EmbeddedWindow]) -> LipSyncComparison:
        """Compare lips and sound of a speaker with the cohort.

        Args:
            windows: Windows of one face, or of one speaker over several shots; at least one.
        """
        frames = [len(window) for window in windows]
        share = np.asarray(frames, float) / sum(frames)
        own = [self.curves(window, window) for window in windows]
        encoder = sum(weight * curve for weight, (curve, _) in zip(share, own, strict=True))
        cca = sum(weight * curve for weight, (_, curve) in zip(share, own, strict=True))
        fused = (encoder + cca) / 2
        by_lips, by_sound = np.zeros((len(self.cohort.encoder_lips), len(LAGS))), np.zeros((len(self.cohort.encoder_lips), len(LAGS)))
        for turn, (weight, window) in enumerate(zip(share, windows, strict=True)):
            n = len(window)
            start = max(0, self.cohort.cca_lips.shape[1] - n) // 2  # from the middle: at the start of a clip there may be no speech
            impostors = EmbeddedWindow(*(np.roll(part, turn, axis=0)[:, start : start + n] for part in _parts(self.cohort)))
            by_lips += weight * np.mean(self.curves(window, impostors), axis=0)
            by_sound += weight * np.mean(self.curves(impostors, window), axis=0)
        best = peak(fused)
        cohort_curves = np.concatenate([by_lips, by_sound])
        heights = cohort_curves.max(axis=1)
        low, high = np.percentile(cohort_curves, [5, 95], axis=0)
        return LipSyncComparison(
            fused,
            encoder,
            cca,
            best,
            peak(encoder),
            peak(cca),
            _sd_above(best.height, by_lips.max(axis=1)),
            _sd_above(best.height, by_sound.max(axis=1)),
            low,
            high,
            (1 + int((heights >= best.height).sum())) / (1 + len(heights)),
            sum(frames),
        )


def _parts(window: EmbeddedWindow) -> tuple[np.ndarray, ...]:
    return window.encoder_lips, window.encoder_sound, window.cca_lips, window.cca_sound


def _sd_above(height: float, cohort: np.ndarray) -> float:
    """Standard deviations of the heights (n,) of the cohort by which ``height`` exceeds their mean.

    The highest tenth is left out: an impostor may have the same speech, and one that fits by chance would hide a fit that is real.
    """
    usual = np.sort(cohort)[: max(2, round((1.0 - TRIMMED_SHARE) * len(cohort)))]
    return float((height - usual.mean()) / max(float(usual.std(ddof=1)), 1e-6))


def windows_of(window: EmbeddedWindow, stretches: Sequence[tuple[int, int]]) -> list[EmbeddedWindow]:
    """Cut the voiced ``stretches`` (start, end) out of a window, long ones into even pieces of about ``WINDOW_FRAMES`` frames.

    Stretches shorter than ``MIN_WINDOW_FRAMES`` are left out. If all are, the whole window is used.

    Args:
        window: The whole stretch.
        stretches: (start, end) frames, ends excluded.

    Returns:
        At least one window.
    """
    n = len(window)
    long_enough = [(start, min(end, n)) for start, end in stretches if min(end, n) - start >= MIN_WINDOW_FRAMES] or [(0, n)]
    windows = []
    for start, end in long_enough:
        edges = np.linspace(start, end, max(1, round((end - start) / WINDOW_FRAMES)) + 1).astype(int).tolist()
        windows += [EmbeddedWindow(*(part[a:b] for part in _parts(window))) for a, b in itertools.pairwise(edges)]
    return windows


def stack_cohort(windows: Sequence[EmbeddedWindow], length: int) -> EmbeddedWindow:
    """Windows of at least ``length`` frames as one stacked window.

    Args:
        windows: The windows; shorter ones are left out.
        length: Frames to keep of each.

    Returns:
        n windows, each array (n, length, k).
    """
    kept = [window for window in windows if len(window) >= length]
    return EmbeddedWindow(
        *(np.stack([part[:length] for part in parts]) for parts in zip(*(_parts(window) for window in kept), strict=True))
    )


def save(model: LipSyncModel, path: Path) -> None:
    """Write the model as a compressed ``.npz`` of half-precision arrays, its provenance inside as JSON.

    Args:
        model: The model.
        path: The file.
    """
    encoder, cca, half = model.encoder, model.cca, np.float16
    arrays: dict[str, np.ndarray] = {}
    for name in ("lip_weights", "lip_biases", "sound_weights", "sound_biases"):
        arrays.update({f"encoder.{name}.{k}": value.astype(half) for k, value in enumerate(getattr(encoder, name))})
    arrays.update({f"encoder.{name}": getattr(encoder, name).astype(np.float32) for name in ("lip_scale", "sound_scale")})
    arrays["cca.weights"] = cca.weights.astype(np.float32)
    for side, projection in (("lip", cca.lip_projection), ("sound", cca.sound_projection)):
        arrays.update({f"cca.{side}.{name}": np.asarray(value, np.float32) for name, value in vars(projection).items()})
    arrays.update({f"cohort.{name}": value.astype(half) for name, value in vars(model.cohort).items()})
    numbers = [FORMAT, model.lead_frames, model.aperture_lead_frames, model.accept, model.reject, *model.curve_sd]
    arrays["numbers"] = np.array(numbers, np.float64)
    arrays["provenance"] = np.frombuffer(json.dumps(dict(model.provenance), sort_keys=True).encode(), np.uint8)
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> LipSyncModel:
    """Read what :func:`save` wrote.

    Args:
        path: The file.

    Returns:
        The model.

    Raises:
        ValueError: If the file has another format.
        UndecodableError: If the file is damaged or missing.
    """
    with open_npz(path) as archive:
        numbers = archive["numbers"]
        if numbers[0] != FORMAT:
            raise ValueError(f"{path} is a lip-sync model of format {int(numbers[0])}, this version reads format {FORMAT}")

        def row(name: str) -> tuple[np.ndarray, ...]:
            count = sum(key.startswith(f"encoder.{name}.") for key in archive.files)
            return tuple(archive[f"encoder.{name}.{k}"].astype(np.float64) for k in range(count))

        def part(prefix: str) -> dict[str, np.ndarray]:
            return {key.removeprefix(prefix): archive[key].astype(np.float64) for key in archive.files if key.startswith(prefix)}

        encoder = LipSyncEncoder(
            row("lip_weights"),
            row("lip_biases"),
            row("sound_weights"),
            row("sound_biases"),
            archive["encoder.lip_scale"].astype(np.float64),
            archive["encoder.sound_scale"].astype(np.float64),
        )
        provenance = json.loads(archive["provenance"].tobytes())
        cca = Cca(KernelProjection(**part("cca.lip.")), KernelProjection(**part("cca.sound.")), archive["cca.weights"].astype(np.float64))
        cohort = EmbeddedWindow(**part("cohort."))
        _, lead, aperture_lead, accept, reject = numbers[:5].tolist()
        return LipSyncModel(encoder, cca, cohort, numbers[5:7], lead, aperture_lead, accept, reject, provenance)


@functools.cache
def shipped() -> LipSyncModel:
    """The model that comes with SeedBench."""
    return load(SHIPPED)
