"""Which blob is which body: blobs of successive pictures joined into tracks.

Blobs are given to tracks by minimum cost of distance from the predicted place, size and colour. A blob that two tracks share is split
between them; a body that jumps, or is gone for some pictures, stays one track.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from seedbench.metrics.analyses.foreground import Blob

MISSED_FRAMES = 5
"""A track that is not seen for longer than this many pictures ends."""
REJOIN_S = 0.5
"""A body lost in the middle of the picture and one found there within this time, of like size and colour, are one."""
RETURN_S = 2.0
"""A body that left over the edge and one that comes in there within this time, of like size and colour, are one."""
SHORTEST_TRACK = 5
SHADOW = 0.7
"""A blob more of which than this could be shadow claims no share of another."""
COLOUR_SCALE = 60.0
"""Grey levels of colour difference that weigh as much as the whole search radius."""


@dataclass
class _Growing:
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


def associate(blobs: list[list[Blob]]) -> list[tuple[np.ndarray, list[Blob]]]:
    """Tracks (frames, blobs) through the blobs of each picture."""
    from scipy.optimize import linear_sum_assignment

    done: list[_Growing] = []
    active: list[_Growing] = []
    for frame, present in enumerate(blobs):
        for track in [track for track in active if frame - track.frames[-1] > MISSED_FRAMES]:
            active.remove(track)
            done.append(track)
        taken: dict[int, int] = {}
        if active and present:
            cost = np.array([[_cost(track, blob, frame) for blob in present] for track in active])
            for row, column in zip(*linear_sum_assignment(np.minimum(cost, 1e3)), strict=True):
                if cost[row, column] < 1e3:
                    taken[int(row)] = int(column)
        _share(active, present, taken, frame)
        used = set(taken.values())
        for row, column in taken.items():
            active[row].frames.append(frame)
            active[row].blobs.append(present[column])
        active.extend(_Growing([frame], [blob]) for column, blob in enumerate(present) if column not in used)
    done.extend(active)
    done.sort(key=lambda track: track.frames[0])
    return [(np.array(track.frames), track.blobs) for track in done]


def _cost(track: _Growing, blob: Blob, frame: int) -> float:
    """Distance from the predicted place over the search radius, plus size and colour; 1e3: out of reach.

    The radius allows a bounce (twice the last step) and a missing picture or two.
    """
    there = np.array([blob.x, blob.y])
    size = np.sqrt(4 * track.area() / np.pi)
    gap = frame - track.frames[-1]
    radius = (2.0 * float(np.hypot(*track.step())) + 1.2 * size) * np.sqrt(gap)
    last = np.array([track.blobs[-1].x, track.blobs[-1].y])
    distance = min(float(np.hypot(*(there - track.predicted(frame)))), float(np.hypot(*(there - last))) + 0.2 * size)
    ratio = abs(float(np.log(blob.area / track.area())))
    if distance > radius or ratio > np.log(5.0):
        return 1e3
    colour = float(np.abs(blob.colour - track.blobs[-1].colour).max()) / COLOUR_SCALE
    return distance / radius + 0.5 * ratio + 0.5 * colour


def _share(active: list[_Growing], present: list[Blob], taken: dict[int, int], frame: int) -> None:
    """Split a blob in two when a track without one is expected inside it and the blob is too large for its owner alone."""
    for row, track in enumerate(active):
        if row in taken or len(track.frames) < SHORTEST_TRACK or frame - track.frames[-1] > 1 or track.blobs[-1].shade > SHADOW:
            continue
        place = track.predicted(frame)
        for owner, column in list(taken.items()):
            blob = present[column]
            area = active[owner].area()
            near = float(np.hypot(blob.points[:, 0] - place[0], blob.points[:, 1] - place[1]).min()) < 2.0
            large = blob.area > max(1.35 * area, 0.8 * (area + track.area()))
            if near and large and len(active[owner].frames) >= SHORTEST_TRACK:
                first, second = split(blob, active[owner].predicted(frame), place)
                present[column] = first
                present.append(second)
                taken[row] = len(present) - 1
                break


def split(blob: Blob, first: np.ndarray, second: np.ndarray) -> tuple[Blob, Blob]:
    """One blob as two bodies expected around ``first`` and ``second``: each pixel goes to the nearer centre, three times over."""
    centres = np.stack([first, second]).astype(float)
    owner = np.zeros(len(blob.points), int)
    for _ in range(3):
        apart = np.hypot(*(blob.points[:, None] - centres[None]).transpose(2, 0, 1))
        owner = apart.argmin(axis=1)
        if min((owner == 0).sum(), (owner == 1).sum()) < 4:
            break
        centres = np.stack([blob.points[owner == side].mean(axis=0) for side in (0, 1)])
    return _part(blob, owner == 0, centres[0]), _part(blob, owner == 1, centres[1])


def _part(blob: Blob, mine: np.ndarray, centre: np.ndarray) -> Blob:
    points = blob.points[mine] if mine.sum() >= 4 else blob.points
    low, high = points.min(axis=0), points.max(axis=0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Blob(float(centre[0]), float(centre[1]), float(len(points)), box, points, blob.colour, blob.shade, blob.cut, sure=False)


def rejoin(tracks: list[tuple[np.ndarray, list[Blob]]], time_s: np.ndarray) -> list[tuple[np.ndarray, list[Blob]]]:
    """Join a track that breaks off to one that begins soon after, of like size and colour.

    A body that jumps, or is gone in the middle of the picture for some pictures, thus stays one body (physics counts both), and so does one
    that leaves over an edge and comes back over the same.
    """
    left = [track for track in tracks if len(track[0]) >= SHORTEST_TRACK]
    joined = True
    while joined:
        joined = False
        for one, other in ((a, b) for a in left for b in left if a is not b):
            if _same_body(one, other, time_s):
                left = [track for track in left if track is not one and track is not other]
                left.append((np.concatenate([one[0], other[0]]), one[1] + other[1]))
                joined = True
                break
    return left


def _same_body(one: tuple[np.ndarray, list[Blob]], other: tuple[np.ndarray, list[Blob]], time_s: np.ndarray) -> bool:
    last, first = one[1][-1], other[1][0]
    gap = float(time_s[other[0][0]] - time_s[one[0][-1]])
    gone = last.cut and first.cut
    if not 0 < gap <= (RETURN_S if gone else REJOIN_S) or last.cut != first.cut:
        return False
    sizes = [np.median([blob.area for blob in track[1] if not blob.cut] or [blob.area for blob in track[1]]) for track in (one, other)]
    colours = [np.median([blob.colour for blob in track[1]], axis=0) for track in (one, other)]
    if abs(np.log(sizes[0] / sizes[1])) > np.log(1.5) or float(np.abs(colours[0] - colours[1]).max()) > COLOUR_SCALE:
        return False
    return not gone or float(np.hypot(last.x - first.x, last.y - first.y)) < 3.0 * np.sqrt(4 * sizes[0] / np.pi)
