"""The results of a clip from its roles: similarity over pairs of shots, swaps, presence, drift, copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seedbench.metrics.identity.appearances import Appearance, weighted_mean
from seedbench.metrics.identity.assign import Casting, Role
from seedbench.metrics.identity.calibrate import FaceScale, face_scale
from seedbench.metrics.identity.schedule import PlannedShot, Schedule

COPY_COSINE = 0.995
COPY_BITS = 2
"""Faces of two shots with at least this cosine, whose perceptual hashes differ in at most this many bits, are flagged as pasted."""
SEEN_S = 0.1
"""Least time a person must share with a planned shot to be present in it."""


@dataclass(frozen=True)
class ShotPair:
    """One person in two shots.

    Attributes:
        first: The index of the earlier shot.
        second: The index of the later shot.
        cosine: The raw cosine.
        identity: The calibrated similarity, 0..1.
        copied: Whether the pictures look pasted.
    """

    first: int
    second: int
    cosine: float
    identity: float
    copied: bool


@dataclass(frozen=True)
class Subject:
    """One person over the clip. ``reason`` says why there are no pairs, if there are none."""

    name: str
    roles: tuple[Role, ...]
    pairs: tuple[ShotPair, ...] = ()
    scale: FaceScale | None = None
    reason: str = ""
    drift: float | None = None
    margin: float | None = None

    @property
    def similarity(self) -> float:
        """Mean calibrated identity over pairs of shots."""
        return float(np.mean([pair.identity for pair in self.pairs]))

    @property
    def cosine(self) -> float:
        """Mean raw cosine over pairs of shots."""
        return float(np.mean([pair.cosine for pair in self.pairs]))


@dataclass(frozen=True)
class ShareCount:
    """A share as counts.

    Attributes:
        hits: The items that count.
        total: The items that were examined.
        unknown: The items that could not be examined.
    """

    hits: int
    total: int
    unknown: int = 0

    @property
    def share(self) -> float | None:
        """Hits over total; None if the total is 0."""
        return self.hits / self.total if self.total else None


def bits_apart(first: np.ndarray, second: np.ndarray) -> int:
    """Hamming distance of two hashes (8,) uint8.

    >>> bits_apart(np.array([0, 3], np.uint8), np.array([0, 0], np.uint8))
    2
    """
    return int(np.bitwise_count(first ^ second).sum())


def theil_sen(x: Sequence[float], y: Sequence[float]) -> float:
    """Median of the slopes of all pairs of points. ``x`` must hold at least two different values.

    >>> round(theil_sen([0, 1, 2, 3], [1.0, 0.9, 0.8, 0.0]), 4)
    -0.2167
    """
    return float(np.median([(y[j] - y[i]) / (x[j] - x[i]) for i, j in combinations(range(len(x)), 2) if x[j] != x[i]]))


def overlap_s(start_s: float, end_s: float, other_start_s: float, other_end_s: float) -> float:
    """Length two stretches of time share, in seconds."""
    return max(0.0, min(end_s, other_end_s) - max(start_s, other_start_s))


def gap_decay(pairs: Sequence[ShotPair]) -> dict[int, float]:
    """Mean identity of pairs by how many shots lie between them (1: neighbours)."""
    gaps = sorted({pair.second - pair.first for pair in pairs})
    return {gap: float(np.mean([pair.identity for pair in pairs if pair.second - pair.first == gap])) for gap in gaps}


def compare_subjects(
    casting: Casting,
    names: Sequence[str],
    faces: Sequence[Appearance],
    take: np.ndarray,
    phash: np.ndarray,
    *,
    backend: str,
    drawn: np.ndarray,
) -> list[Subject]:
    """Every person of the cast with its pairs of shots, or with the reason for having none.

    Args:
        casting: Which face took which part.
        names: The people of the cast.
        faces: All faces.
        take: (shots,) the take of each shot: only shots of different takes are compared.
        phash: (n, 8) uint8 perceptual hashes of the samples.
        backend: The name of the network.
        drawn: (n, D) bank of drawn faces.

    Returns:
        The people, in the order of the names.
    """
    confirmed = {name: [faces[role.face] for role in casting.of(name) if role.present] for name in names}
    compared = []
    for name in names:
        roles = casting.of(name)
        own = [faces[role.face] for role in roles]
        takes = len({int(take[face.shot]) for face in own})
        if takes < 2:
            reason = f"{name} is seen in {takes} shot{'' if takes == 1 else 's'}, two are needed"
            compared.append(Subject(name, tuple(roles), reason=reason))
            continue
        others = [face.vector for other in names if other != name for face in confirmed[other]]
        known = np.stack([face.vector for face in confirmed[name] or own])
        scale = face_scale(weighted_mean(known, np.ones(len(known))), backend, drawn)
        compared.append(_compared(name, roles, own, others, scale, take, phash))
    return compared


def _compared(
    name: str,
    roles: list[Role],
    own: list[Appearance],
    others: list[np.ndarray],
    scale: FaceScale,
    take: np.ndarray,
    phash: np.ndarray,
) -> Subject:
    pairs = []
    for first, second in combinations(own, 2):
        if take[first.shot] != take[second.shot]:
            cosine = float(first.vector @ second.vector)
            copied = cosine > COPY_COSINE and bits_apart(phash[first.best], phash[second.best]) <= COPY_BITS
            pairs.append(ShotPair(first.shot, second.shot, cosine, scale.similarity(cosine), copied))
    to_first = [pair for pair in pairs if pair.first == own[0].shot]
    drift = theil_sen([pair.second for pair in to_first], [pair.identity for pair in to_first]) if len(to_first) >= 2 else None
    margin = None
    if others:
        to_self = [np.mean([pair.cosine for pair in pairs if face.shot in (pair.first, pair.second)]) for face in own]
        to_rival = [max(float(face.vector @ vector) for vector in others) for face in own]
        margin = float(np.mean(np.array(to_self) - np.array(to_rival))) / (scale.same - scale.strangers)
    return Subject(name, tuple(roles), tuple(pairs), scale, drift=drift, margin=margin)


def count_swaps(casting: Casting) -> ShareCount:
    """Roles in which another character of the cast appears, of all roles in which the scheduled one could be told from another.

    The face with which a person's gallery begins is not tested, because the others are compared with it; it counts only as a person's sole
    role.

    Args:
        casting: Which face took which part.

    Returns:
        Swapped roles of all tested ones.
    """
    tested = [role for role in casting.roles if role.rivals and (not role.anchor or len(casting.of(role.subject)) == 1)]
    return ShareCount(sum(role.swapped for role in tested), len(tested))


def count_presence(schedule: Schedule, casting: Casting, faces: Sequence[Appearance]) -> ShareCount:
    """Scheduled parts (a character in a planned shot) in which that character is recognised.

    A character who is not recognised is absent only where another clear face is there instead. Otherwise the character may be turned away,
    covered, too small or not detected, which the faces alone cannot decide.

    Args:
        schedule: What the clip should show.
        casting: Which face took which part.
        faces: The faces that are clear enough to be recognised.

    Returns:
        The parts; those that cannot be decided are ``unknown`` and left out of the total.
    """

    def lies_in(face: Appearance, shot: PlannedShot) -> bool:
        return overlap_s(face.start_s, face.end_s + 0.04, shot.start_s, shot.end_s) >= SEEN_S

    hits = total = unknown = 0
    for shot in schedule.planned:
        clear = {index for index, face in enumerate(faces) if lies_in(face, shot)}
        seen = {role.subject: role.face for role in casting.roles if role.present and role.subject in shot.cast and role.face in clear}
        missing = len(shot.cast) - len(seen)
        replaced = min(missing, len(clear) - len(set(seen.values())))
        hits += len(seen)
        total += len(seen) + replaced
        unknown += missing - replaced
    return ShareCount(hits, total, unknown)


def extra_faces(schedule: Schedule, faces_seen: np.ndarray) -> float:
    """Mean number of faces beyond the expected ones.

    Args:
        schedule: What the clip should show.
        faces_seen: (T,) faces tracked on each frame at 25 fps.

    Returns:
        Faces per frame, at least 0.
    """
    shot = schedule.shot_of(np.arange(len(faces_seen)) / 25.0)
    wanted = np.array([len(cast) for cast in schedule.expected])[shot]
    return float(np.maximum(faces_seen - wanted, 0).mean())


def count_face_frames(schedule: Schedule, faces_seen: np.ndarray) -> ShareCount:
    """Frames with an expected cast on which there are at least as many faces as expected.

    Args:
        schedule: What the clip should show.
        faces_seen: (T,) faces tracked on each frame at 25 fps.

    Returns:
        These frames, of all frames with an expected cast.
    """
    shot = schedule.shot_of(np.arange(len(faces_seen)) / 25.0)
    wanted = np.array([len(cast) for cast in schedule.expected])[shot]
    return ShareCount(int(((wanted > 0) & (faces_seen >= wanted)).sum()), int((wanted > 0).sum()), 0)


def mean_over_people(values: Sequence[float]) -> float:
    """Mean over people, each with the same weight."""
    return float(np.mean(values))
