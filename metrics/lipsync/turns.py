"""Who speaks when: speech is cut into short units, and each unit goes to the face whose lips follow it, or to nobody on screen.

A face has one lag throughout. Its fit at that lag, summed over a unit and set against the fit of unrelated lips, is a log-likelihood ratio;
the sequence of speakers is the most likely one where each change of speaker has a cost (Viterbi 1967). Pure functions of arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from seedbench.metrics.lipsync.estimators import LAGS
from seedbench.metrics.lipsync.features import FPS, VOICE_MARGIN
from seedbench.metrics.lipsync.model import MIN_WINDOW_FRAMES, WINDOW_FRAMES, EmbeddedWindow, LipSyncModel
from seedbench.ties import first_greatest

NOBODY = -1
"""The speaker of a unit that no face on screen speaks."""
UNIT_FRAMES = 20
"""About the length (0.8 s) of a unit; speech without a pause is cut evenly into units of this length, a shorter run is one unit."""
SPEAKER_FIT = 3.0
"""Mean fit of a face that speaks, over 4.8 s, in spreads of mismatched pairs.

Taken between 2.5 and 4, which were compared on 47 generated clips (models fitted on other clips; speakers have a median of 4.7): clips with
one voice are answered alike within 3 of 47, clips to which another voice is added differ more (51 and 57% answered)."""
CHANGE_COST = 1.0
"""Log-likelihood that a change of speaker costs. 1 and 3, compared on the same clips, give the same answers within 2 of 47."""
ROUNDS = 5
"""Times that lags and speakers are estimated in turn; they settle within three."""
SAME_LIKELIHOOD = 1e-9
"""Log-likelihoods that differ by less are equal: the first speaker, and the earliest lag, is taken."""
_NOT_ON_SCREEN = -1e3


def speech_units(segments_s: np.ndarray, n_frames: int) -> list[tuple[int, int]]:
    """Cut speech into units of about :data:`UNIT_FRAMES` frames.

    Args:
        segments_s: (n, 2) start and end of each run of speech in seconds.
        n_frames: Frames of the clip at 25 fps.

    Returns:
        (start, end) of each unit in frames, ends excluded.

    >>> speech_units(np.array([[0.0, 0.4], [1.0, 2.6]]), 50)
    [(0, 10), (25, 45), (45, 50)]
    """
    units: list[tuple[int, int]] = []
    for start_s, end_s in segments_s.tolist():
        start, end = round(start_s * FPS), round(end_s * FPS)
        count = max(1, round((end - start) / UNIT_FRAMES))
        edges = [start + round((end - start) * k / count) for k in range(count + 1)]
        units += [(a, min(b, n_frames)) for a, b in itertools.pairwise(edges) if min(b, n_frames) > a]
    return units


def frame_fits(model: LipSyncModel, window: EmbeddedWindow) -> np.ndarray:
    """How well lips and sound fit on each frame at each lag. The mean over frames is about the lag curve.

    Args:
        model: The model.
        window: Embedded lips and sound of T frames.

    Returns:
        (T, 31) in spreads of the curves of mismatched pairs; 0 where the sound of that lag lies outside the window.
    """
    encoder = _products(window.encoder_lips, window.encoder_sound, np.ones(window.encoder_lips.shape[1]))
    cca = _products(window.cca_lips, window.cca_sound, model.cca.weights)
    return (encoder / model.curve_sd[0] + cca / model.curve_sd[1]) / 2


def _products(lips: np.ndarray, sound: np.ndarray, weights: np.ndarray) -> np.ndarray:
    n = min(len(lips), len(sound))
    lips, sound = _standardised(lips[:n]), _standardised(sound[:n])
    fits = np.zeros((n, len(LAGS)))
    for k, lag in enumerate(LAGS.tolist()):
        if abs(lag) < n:
            here = slice(max(0, lag), n + min(0, lag))
            fits[here, k] = (lips[here] * sound[max(0, -lag) : n - max(0, lag)]) @ weights / weights.sum()
    return fits


def _standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=0)) / (values.std(axis=0) + 1e-6)


def best_stretch(fits: np.ndarray, frames: np.ndarray) -> float:
    """The best fit of lips and sound over any stretch of speech of at least 1.2 s, at any lag.

    Args:
        fits: (units, 31) fits of one face, summed over the frames of each unit.
        frames: (units,) frames of each unit.

    Returns:
        In standard deviations of the fit of unrelated lips over as many frames. -inf where there is less speech.

    >>> fits = np.zeros((3, 31))
    >>> fits[1, 15] = 60 * 4.0
    >>> best_stretch(fits, np.array([60, 60, 60])).__round__(2)
    2.83
    """
    best = -np.inf
    for first in range(len(frames)):
        total, count = np.zeros(fits.shape[1]), 0
        for unit in range(first, len(frames)):
            total = total + fits[unit]
            count += int(frames[unit])
            if count >= MIN_WINDOW_FRAMES:
                best = max(best, float(total.max()) / float(np.sqrt(count * WINDOW_FRAMES)))
    return best


def who_speaks(fits: np.ndarray, frames: np.ndarray, on_screen: np.ndarray) -> np.ndarray:
    """The speaker of each unit.

    Fits of unrelated lips have mean 0 and variance :data:`WINDOW_FRAMES` per frame, those of the speaker the mean :data:`SPEAKER_FIT` at
    the lag of the face. Lags and speakers are estimated in turn, from the best stretch of each face on.

    Args:
        fits: (faces, units, 31) fits summed over the frames of each unit.
        frames: (units,) frames of each unit.
        on_screen: (faces, units) whether the face is on screen in the unit.

    Returns:
        (units,) the number of the face, or :data:`NOBODY`.
    """
    gains = SPEAKER_FIT / WINDOW_FRAMES * (fits - SPEAKER_FIT / 2 * frames[None, :, None])
    gains = np.where(on_screen[..., None], gains, _NOT_ON_SCREEN)
    lags = [_lag_of_best_stretch(of_face) for of_face in gains]
    speakers = np.full(len(frames), NOBODY)
    for _ in range(ROUNDS):
        by_state = np.stack([np.zeros(len(frames)), *(of_face[:, lag] for of_face, lag in zip(gains, lags, strict=True))])
        latest = most_likely_states(by_state, CHANGE_COST) - 1
        if (latest == speakers).all():
            break
        speakers = latest
        for face, of_face in enumerate(gains):
            if (speakers == face).any():
                lags[face] = first_greatest(of_face[speakers == face].sum(axis=0), tolerance=SAME_LIKELIHOOD)
    return speakers


def _lag_of_best_stretch(gains: np.ndarray) -> int:
    """Index of the lag at which some run of units gains most; ``gains`` is (units, 31)."""
    best = np.full(gains.shape[1], -np.inf)
    running = np.zeros(gains.shape[1])
    for of_unit in gains:
        running = np.maximum(running, 0.0) + of_unit
        best = np.maximum(best, running)
    return first_greatest(best, tolerance=SAME_LIKELIHOOD)


def most_likely_states(gains: np.ndarray, cost: float) -> np.ndarray:
    """The sequence of states with the greatest sum of gains less ``cost`` for each change of state (Viterbi).

    Args:
        gains: (states, steps) log-likelihoods.
        cost: At least 0.

    Returns:
        (steps,) state of each step.

    >>> most_likely_states(np.array([[0.0, 0.0, 0.0], [3.0, -0.5, 3.0]]), 1.0).tolist()
    [1, 1, 1]
    """
    states, steps = gains.shape
    total = gains[:, 0].copy()
    came_from = np.zeros((steps, states), int)
    for step in range(1, steps):
        best = first_greatest(total, tolerance=SAME_LIKELIHOOD)
        stays = total >= total[best] - cost - SAME_LIKELIHOOD
        came_from[step] = np.where(stays, np.arange(states), best)
        total = np.where(stays, total, total[best] - cost) + gains[:, step]
    sequence = [first_greatest(total, tolerance=SAME_LIKELIHOOD)]
    for step in range(steps - 1, 0, -1):
        sequence.append(int(came_from[step][sequence[-1]]))
    return np.array(sequence[::-1])


def stretches_of(units: Sequence[tuple[int, int]], speakers: np.ndarray, face: int) -> list[tuple[int, int]]:
    """Where a face speaks: its units, those less than 0.6 s apart joined.

    Args:
        units: (start, end) of each unit in frames.
        speakers: (units,) the speaker of each.
        face: The number of the face.

    Returns:
        (start, end) of each stretch in frames, ends excluded.

    >>> stretches_of([(0, 20), (20, 40), (50, 70)], np.array([0, 1, 1]), 1)
    [(20, 70)]
    """
    stretches: list[tuple[int, int]] = []
    before = NOBODY
    for (start, end), speaker in zip(units, speakers.tolist(), strict=True):
        if speaker == face:
            joins = stretches and before in (face, NOBODY) and start - stretches[-1][1] <= VOICE_MARGIN
            stretches[-1:] = [(stretches[-1][0], end)] if joins else [*stretches[-1:], (start, end)]
        before = speaker
    return stretches
