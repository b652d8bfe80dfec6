"""Which blob is which body: blobs of successive pictures joined into tracks.

Blobs are given to tracks by minimum cost of distance from the predicted place, size and colour. A blob that two tracks share is split
between them; a body that jumps, or is gone for some pictures, stays one track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from seedbench.metrics.analyses.foreground import Blob, Region

REACH_PX = 24.0
"""How far a body that was seen once may be from there in the next picture, at 256 lines: one that has fallen for .3 s through a view
two metres high moves by 15 pixels at 30 pictures a second, by 30 at 15. Only for what is as large and as bright, and no other body's."""
ALIKE = (float(np.log(1.6)), 40.0)
"""What is as large and as bright: logarithm of the ratio of areas, and difference of colours in grey levels."""
MISSED_FRAMES = 5
"""A track that is not seen for longer than this many pictures ends."""
REJOIN_S = 0.5
"""A body lost in the middle of the picture and one that appears there within this time, of similar size and colour, are the same."""
RETURN_S = 2.0
"""A body that left over an edge and one that enters there within this time, of similar size and colour, are the same."""
SHORTEST_TRACK = 5
MOST_SHADOW = 0.7
"""A track whose blobs look like shadow by more than this share gets no part of another body's blob."""
OUT_OF_REACH = 1e3
COLOUR_SCALE = 60.0
"""Colour difference, in grey levels, that costs half as much as a distance of the whole search radius."""


@dataclass
class _GrowingTrack:
    """A track to which blobs are still added."""

    frames: list[int] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)

    def predicted(self, frame: int) -> np.ndarray:
        here = np.array([self.blobs[-1].x, self.blobs[-1].y])
        return here + self.step() * (frame - self.frames[-1])

    def step(self) -> np.ndarray:
        """Motion a picture over the last two sightings."""
        if len(self.blobs) < 2:
            return np.zeros(2)
        last, before = self.blobs[-1], self.blobs[-2]
        return np.array([last.x - before.x, last.y - before.y]) / (self.frames[-1] - self.frames[-2])

    def area(self) -> float:
        return float(np.median([blob.area for blob in self.blobs[-9:]]))


def link_blobs(blobs: list[list[Blob]]) -> list[tuple[np.ndarray, list[Blob]]]:
    """Join the blobs of successive pictures into tracks.

    Args:
        blobs: The blobs of each picture. A blob shared by two tracks is replaced in these lists by its two parts.

    Returns:
        For each track the indices (n,) of its pictures and its blob in each, in order of first appearance.
    """
    from scipy.optimize import linear_sum_assignment

    done: list[_GrowingTrack] = []
    active: list[_GrowingTrack] = []
    for frame, present in enumerate(blobs):
        for track in [track for track in active if frame - track.frames[-1] > MISSED_FRAMES]:
            active.remove(track)
            done.append(track)
        taken: dict[int, int] = {}
        if active and present:
            cost = _costs(active, present, frame)
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] < OUT_OF_REACH:
                    taken[int(row)] = int(column)
        _join_fast_newcomers(active, present, taken, frame)
        _split_shared_blobs(active, present, taken, frame)
        used = set(taken.values())
        for row, column in taken.items():
            active[row].frames.append(frame)
            active[row].blobs.append(present[column])
        active.extend(_GrowingTrack([frame], [blob]) for column, blob in enumerate(present) if column not in used)
    done.extend(active)
    done.sort(key=lambda track: track.frames[0])
    return [(np.array(track.frames), track.blobs) for track in done]


def _join_fast_newcomers(active: list[_GrowingTrack], present: list[Blob], taken: dict[int, int], frame: int) -> None:
    """Give blobs that are left over to tracks of one picture, however small, whose body may have moved there: the nearest pairs first."""
    left = [column for column in range(len(present)) if column not in taken.values()]
    pairs = []
    for row, track in enumerate(active):
        if row in taken or len(track.frames) > 1 or frame - track.frames[0] > 1:
            continue
        last = track.blobs[0]
        for column in left:
            blob = present[column]
            apart = float(np.hypot(blob.x - last.x, blob.y - last.y))
            alike = abs(np.log(blob.area / last.area)) < ALIKE[0] and float(np.abs(blob.colour - last.colour).max()) < ALIKE[1]
            if apart <= REACH_PX and alike:
                pairs.append((round(apart, 6), row, column))
    for _, row, column in sorted(pairs):
        if row not in taken and column not in taken.values():
            taken[row] = column


def _costs(tracks: Sequence[_GrowingTrack], blobs: Sequence[Blob], frame: int) -> np.ndarray:
    """The cost (tracks, blobs) of each blob as the next of each track: its distance from the expected place over the search radius, plus
    size and colour; :data:`OUT_OF_REACH` beyond the radius.

    The radius allows a bounce (twice the last step) and a missing picture or two.
    """
    there = np.array([(blob.x, blob.y) for blob in blobs])
    areas = np.array([blob.area for blob in blobs])
    colours = np.array([blob.colour for blob in blobs], np.float64)
    costs = np.full((len(tracks), len(blobs)), OUT_OF_REACH)
    for row, track in enumerate(tracks):
        last, area = track.blobs[-1], track.area()
        size = np.sqrt(4 * area / np.pi)
        radius = (2.0 * float(np.hypot(*track.step())) + 1.2 * size) * np.sqrt(frame - track.frames[-1])
        from_expected = np.hypot(*(there - track.predicted(frame)).T)
        from_last = np.hypot(*(there - np.array([last.x, last.y])).T) + 0.2 * size
        distance = np.minimum(from_expected, from_last)
        ratio = np.abs(np.log(areas / area))
        near = (distance <= radius) & (ratio <= np.log(5.0))
        colour = np.abs(colours[near] - last.colour).max(axis=1) / COLOUR_SCALE
        costs[row, near] = distance[near] / radius + 0.5 * ratio[near] + 0.5 * colour
    return np.minimum(costs, OUT_OF_REACH)


def _split_shared_blobs(active: list[_GrowingTrack], present: list[Blob], taken: dict[int, int], frame: int) -> None:
    """Split a blob in two when a track without one is expected inside it and the blob is too large for its owner alone."""
    for row, track in enumerate(active):
        if row in taken or len(track.frames) < SHORTEST_TRACK or frame - track.frames[-1] > 1 or track.blobs[-1].shadow_share > MOST_SHADOW:
            continue
        expected = track.predicted(frame)
        for owner, column in list(taken.items()):
            blob = present[column]
            area = active[owner].area()
            large = blob.area > max(1.35 * area, 0.8 * (area + track.area()))
            if large and len(active[owner].frames) >= SHORTEST_TRACK and float(np.hypot(*(blob.points - expected).T).min()) < 2.0:
                first, second = split_blob(blob, active[owner].predicted(frame), expected)
                present[column] = first
                present.append(second)
                taken[row] = len(present) - 1
                break


def split_blob(blob: Blob, first: np.ndarray, second: np.ndarray) -> tuple[Blob, Blob]:
    """One blob as two bodies expected around ``first`` and ``second``: each pixel goes to the nearer centre, in three rounds.

    Args:
        blob: The blob.
        first: (2,) expected centre of one body, pixels.
        second: (2,) expected centre of the other.

    Returns:
        The two bodies.
    """
    centres = np.stack([first, second]).astype(float)
    points = blob.points
    owner = np.zeros(len(points), int)
    for _ in range(3):
        first_apart, second_apart = (((points - centre) ** 2) @ np.ones(2) for centre in centres)
        owner = (second_apart < first_apart).astype(int)
        if min((owner == 0).sum(), (owner == 1).sum()) < 4:
            break
        centres = np.stack([points[owner == side].mean(axis=0) for side in (0, 1)])
    return _blob_part(blob, owner == 0, centres[0]), _blob_part(blob, owner == 1, centres[1])


def _blob_part(blob: Blob, chosen: np.ndarray, centre: np.ndarray) -> Blob:
    points = blob.points[chosen] if chosen.sum() >= 4 else blob.points
    low, high = points.min(axis=0), points.max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return replace(blob, x=float(centre[0]), y=float(centre[1]), area=float(len(points)), box=box, region=Region.of(points), reliable=False)


def rejoin_tracks(tracks: list[tuple[np.ndarray, list[Blob]]], time_s: np.ndarray) -> list[tuple[np.ndarray, list[Blob]]]:
    """Join a track that breaks off to one of similar size and colour that begins soon after.

    So a body that jumps, or is missing for some pictures in the middle of the picture, stays one body (the physics metric counts jumps and
    missing pictures), and so does one that leaves over an edge and comes back over the same edge.

    Args:
        tracks: Pictures and blobs of each track, as :func:`link_blobs` returns them.
        time_s: Times (T,) of the pictures in seconds.

    Returns:
        The tracks of at least :data:`SHORTEST_TRACK` pictures, joined.
    """
    left = [track for track in tracks if len(track[0]) >= SHORTEST_TRACK]
    joined = True
    while joined:
        joined = False
        for ended, begun in ((a, b) for a in left for b in left if a is not b):
            if _same_body(ended, begun, time_s):
                left = [track for track in left if track is not ended and track is not begun]
                left.append((np.concatenate([ended[0], begun[0]]), ended[1] + begun[1]))
                joined = True
                break
    return left


def _same_body(ended: tuple[np.ndarray, list[Blob]], begun: tuple[np.ndarray, list[Blob]], time_s: np.ndarray) -> bool:
    last, first = ended[1][-1], begun[1][0]
    gap = float(time_s[begun[0][0]] - time_s[ended[0][-1]])
    left_picture = last.at_border and first.at_border
    if not 0 < gap <= (RETURN_S if left_picture else REJOIN_S) or last.at_border != first.at_border:
        return False
    sizes = [
        np.median([blob.area for blob in track[1] if not blob.at_border] or [blob.area for blob in track[1]]) for track in (ended, begun)
    ]
    colours = [np.median([blob.colour for blob in track[1]], axis=0) for track in (ended, begun)]
    if abs(np.log(sizes[0] / sizes[1])) > np.log(1.5) or float(np.abs(colours[0] - colours[1]).max()) > COLOUR_SCALE:
        return False
    return not left_picture or float(np.hypot(last.x - first.x, last.y - first.y)) < 3.0 * np.sqrt(4 * sizes[0] / np.pi)
