"""Contacts: when bodies touch the floor, another body, or are set in motion, to a few milliseconds, from pictures alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from seedbench.metrics.analyses.bodies import BodyTrack, bodies
from seedbench.metrics.analyses.phases import Joint, Phases, phases_of
from seedbench.plugins.analysis import analysis
from seedbench.ties import falling_order, rising_order

if TYPE_CHECKING:
    from seedbench.clips.clip import Clip

LEAST_TRAVEL = 0.5
"""A track that stays within this many of its diameters is no body in motion."""
FEWEST_POINTS = 8
SMALLEST_SHARE = 0.35
"""Tracks smaller than this share of the largest moving body's diameter are crumbs of it."""
MOST_BODIES = 6
SUREST_POINTS = 5
"""A kick is believed when this many points on either side speak for it; a contact with the floor needs fewer."""
TOUCH_DIAMETERS = 0.8
"""Centres of touching bodies lie at most this many times the sum of their diameters apart (0.5 for discs; outlines are generous)."""
TOGETHER_S = 0.06
"""Two bodies meet when both their velocities jump within this time."""
SAME_S = 1e-6
SAME_SPEED_PX_S = 1e-6
"""Times and speeds of contacts that differ by less are equal: two like bodies that meet turn at one moment, at one speed."""

ContactKind = Literal["floor", "body", "start", "kick", "leap"]


@dataclass(frozen=True)
class Contact:
    """A moment at which a body's velocity jumps.

    ``kind``: ``floor`` (a downward motion turned or stopped), ``body`` (``other`` is the one met), ``start`` (out of rest, by a hand we
    do not see), ``kick`` (in flight, with nothing near), ``leap`` (the place jumps). ``body`` and ``other`` index ``Motion.tracks`` (-1:
    none). ``x``, ``y`` the body's centre, pixels; ``before``, ``after`` (2,) velocities, pixels per second, y downward; ``change_sd`` of
    a coordinate.
    """

    time_s: float
    kind: ContactKind
    body: int
    other: int
    x: float
    y: float
    before: np.ndarray
    after: np.ndarray
    change_sd: float

    @property
    def speed_px_s(self) -> float:
        """Speed of the approach along the direction in which the velocity changes."""
        change = self.after - self.before
        size = float(np.hypot(*change))
        return abs(float(self.before @ change)) / size if size > 0 else 0.0


@dataclass(frozen=True)
class Motion:
    """The bodies of a shot that move, most travelled first, their paths as phases, and all contacts in order of time."""

    tracks: list[BodyTrack]
    phases: list[Phases]
    contacts: list[Contact]

    def of(self, body: int) -> list[Contact]:
        """The contacts of one body."""
        return [contact for contact in self.contacts if contact.body == body]


def moving_bodies(tracks: list[BodyTrack]) -> list[BodyTrack]:
    """The tracks that are bodies in motion: far enough, long enough, not crumbs of another."""
    moving = [track for track in tracks if track.travel_px >= LEAST_TRAVEL * track.diameter and track.sure.sum() >= FEWEST_POINTS]
    far = [track for track in moving if track.travel_px >= track.diameter]
    largest = max((track.diameter for track in far), default=0.0)
    return [track for track in moving if track.diameter >= SMALLEST_SHARE * largest][:MOST_BODIES]


def motion_of(tracks: list[BodyTrack]) -> Motion:
    """Phases and contacts of tracks that move."""
    kept = moving_bodies(tracks)
    phases = [
        phases_of(track.time_s, track.x, track.y, sigma_px=track.sigma_px, diameter_px=track.diameter, sure=track.sure) for track in kept
    ]
    found = [_contact(joint, index, phases[index], place) for index in range(len(kept)) for place, joint in enumerate(phases[index].joints)]
    named = [_meeting(contact, found, kept) for contact in found if contact is not None]
    return Motion(kept, phases, [named[k] for k in rising_order([contact.time_s for contact in named], tolerance=SAME_S)])


def _contact(joint: Joint, body: int, phases: Phases, place: int) -> Contact | None:
    """A joint as a contact, as far as the body alone tells; None when the velocity does not jump there."""
    if joint.kind in ("release", "settle"):
        return None
    kind: ContactKind = "kick"
    up = -float(joint.change[1])
    if joint.kind == "leap":
        kind = "leap"
    elif phases.resting[place]:
        kind = "start"
    elif joint.before[1] > 0 and up > 0 and up >= 0.5 * abs(float(joint.change[0])):
        kind = "floor"
    if kind == "kick" and min(phases.parabolas[place].n, phases.parabolas[place + 1].n) < SUREST_POINTS:
        return None
    return Contact(joint.time_s, kind, body, -1, joint.x, joint.y, joint.before, joint.after, joint.change_sd)


def _meeting(contact: Contact, found: list[Contact | None], tracks: list[BodyTrack]) -> Contact:
    """The contact as one of two bodies, if another body is near enough and its velocity jumps too."""
    if contact.kind == "leap":
        return contact
    mine = tracks[contact.body]
    for other in found:
        if other is None or other.body == contact.body or abs(other.time_s - contact.time_s) > TOGETHER_S:
            continue
        apart = float(np.hypot(other.x - contact.x, other.y - contact.y))
        opposed = float((contact.after - contact.before) @ (other.after - other.before)) < 0
        if opposed and apart <= TOUCH_DIAMETERS * (mine.diameter + tracks[other.body].diameter):
            return replace(contact, kind="body", other=other.body)
    return contact


def touches(found: list[Contact], *, within_s: float = TOGETHER_S) -> list[Contact]:
    """Contacts that are seen as an impact, floor or body; two bodies that meet count once.

    Where two fall within ``within_s``, the faster stays; of two as fast the earlier.
    """
    seen = [one for one in found if one.kind in ("floor", "body")]
    kept: list[Contact] = []
    for contact in (seen[k] for k in falling_order([one.speed_px_s for one in seen], tolerance=SAME_SPEED_PX_S)):
        if not any(other.kind == contact.kind == "body" and abs(other.time_s - contact.time_s) <= within_s for other in kept):
            kept.append(contact)
    return [kept[k] for k in rising_order([contact.time_s for contact in kept], tolerance=SAME_S)]


@analysis(version=2)
def motion(clip: Clip) -> Motion:
    """Moving bodies, phases and contacts of a clip's longest shot. Raises ClipError if it has no picture."""
    return motion_of(bodies(clip).tracks)
