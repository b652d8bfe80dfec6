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
"""A track that travels less than this many of its diameters is not a body in motion."""
FEWEST_POINTS = 8
SMALLEST_SHARE = 0.35
"""Tracks smaller than this share of the largest moving body's diameter are fragments of it."""
MOST_BODIES = 6
KICK_POINTS = 5
"""A kick counts only with this many points on either side of it; a contact with the floor needs fewer."""
DISTURBED_POINTS = 8
UNDONE_SHARE = 0.25
"""Two kicks within so many pictures undo each other when the velocity after both is that before both to within this share of it."""
TOUCH_DIAMETERS = 0.8
"""Centres of touching bodies lie at most this many times the sum of their diameters apart (0.5 for discs; outlines are generous)."""
MEETING_S = 0.06
"""Two bodies meet when the velocities of both jump within this time."""
SAME_S = 1e-6
SAME_SPEED_PX_S = 1e-6
"""Times and speeds of contacts that differ by less are equal: two equal bodies that meet turn at the same moment, at the same speed."""

ContactKind = Literal["floor", "body", "start", "kick", "leap"]


@dataclass(frozen=True)
class SeenContact:
    """A moment at which a body's velocity jumps.

    Attributes:
        time_s: The time in seconds.
        kind: ``floor`` (a downward motion turned or stopped), ``body`` (it met another), ``start`` (out of rest, with no visible cause),
            ``kick`` (in flight, with nothing near), ``leap`` (the position jumps).
        body: The index of the body in ``BodyMotion.tracks``.
        other: The index of the body that it met; -1 for none.
        x: The body's centre, pixels.
        y: The body's centre, pixels, downward.
        before: (2,) velocity before, pixels per second, y downward.
        after: (2,) velocity after.
        change_sd: Standard deviation of a coordinate of the change of velocity.
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
class BodyMotion:
    """The bodies of a shot that move.

    Attributes:
        tracks: The bodies, most travelled first.
        phases: The path of each as phases.
        contacts: All contacts in order of time.
    """

    tracks: list[BodyTrack]
    phases: list[Phases]
    contacts: list[SeenContact]

    def of(self, body: int) -> list[SeenContact]:
        """The contacts of one body."""
        return [contact for contact in self.contacts if contact.body == body]


def moving_bodies(tracks: list[BodyTrack]) -> list[BodyTrack]:
    """The tracks that are bodies in motion: they travel far enough, are seen long enough and are not fragments of another body."""
    moving = [track for track in tracks if track.travel_px >= LEAST_TRAVEL * track.diameter and track.reliable.sum() >= FEWEST_POINTS]
    far = [track for track in moving if track.travel_px >= track.diameter]
    largest = max((track.diameter for track in far), default=0.0)
    return [track for track in moving if track.diameter >= SMALLEST_SHARE * largest][:MOST_BODIES]


def motion_of(tracks: list[BodyTrack]) -> BodyMotion:
    """Phases and contacts of the bodies in motion among the tracks.

    Args:
        tracks: Tracks of one shot, most travelled first.
    """
    kept = moving_bodies(tracks)
    phases = [
        phases_of(
            track.time_s,
            track.x,
            track.y,
            sigma_px=track.sigma_px,
            diameter_px=track.diameter,
            reliable=track.reliable,
            blurred=track.exposure_s > 0,
        )
        for track in kept
    ]
    candidates = [
        _contact_at_joint(joint, body, phases[body], number)
        for body in range(len(kept))
        for number, joint in enumerate(phases[body].joints)
    ]
    alone = _without_disturbances([contact for contact in candidates if contact is not None], kept)
    contacts = [_with_other_body(contact, alone, kept) for contact in alone]
    return BodyMotion(kept, phases, [contacts[k] for k in rising_order([contact.time_s for contact in contacts], tolerance=SAME_S)])


def _contact_at_joint(joint: Joint, body: int, phases: Phases, number: int) -> SeenContact | None:
    """Joint ``number`` of a body as a contact, judged by that body alone; None when the velocity does not jump there."""
    if joint.kind in ("release", "settle", "cut"):
        return None
    kind: ContactKind = "kick"
    up = -float(joint.change[1])
    if joint.kind == "leap":
        kind = "leap"
    elif phases.resting[number]:
        kind = "start"
    elif joint.before[1] > 0 and up > 0 and up >= 0.5 * abs(float(joint.change[0])):
        kind = "floor"
    if kind == "kick" and min(phases.parabolas[number].n, phases.parabolas[number + 1].n) < KICK_POINTS:
        return None
    return SeenContact(joint.time_s, kind, body, -1, joint.x, joint.y, joint.before, joint.after, joint.change_sd)


def _without_disturbances(contacts: list[SeenContact], tracks: list[BodyTrack]) -> list[SeenContact]:
    """The contacts without pairs of kicks of which the second undoes the first: the body was seen beside its path for some pictures."""
    kept: list[SeenContact] = []
    for contact in contacts:
        before = kept[-1] if kept else None
        if before is not None and before.body == contact.body and before.kind == contact.kind == "kick":
            track = tracks[contact.body]
            step_s = float(np.median(np.diff(track.time_s)))
            speed = max(float(np.hypot(*before.before)), float(np.hypot(*contact.after)))
            undone = float(np.hypot(*(contact.after - before.before))) < UNDONE_SHARE * speed
            if undone and contact.time_s - before.time_s < DISTURBED_POINTS * step_s:
                kept.pop()
                continue
        kept.append(contact)
    return kept


def _with_other_body(contact: SeenContact, contacts: list[SeenContact], tracks: list[BodyTrack]) -> SeenContact:
    """The contact as a meeting of two bodies, if another body is near enough and its velocity jumps too."""
    if contact.kind == "leap":
        return contact
    track = tracks[contact.body]
    for other in contacts:
        if other.body == contact.body or abs(other.time_s - contact.time_s) > MEETING_S:
            continue
        apart = float(np.hypot(other.x - contact.x, other.y - contact.y))
        opposed = float((contact.after - contact.before) @ (other.after - other.before)) < 0
        if opposed and apart <= TOUCH_DIAMETERS * (track.diameter + tracks[other.body].diameter):
            return replace(contact, kind="body", other=other.body)
    return contact


def visible_impacts(contacts: list[SeenContact], *, within_s: float = MEETING_S) -> list[SeenContact]:
    """The contacts that are seen as an impact, with the floor or with another body, in order of time.

    Two bodies that meet count once: of two such contacts within ``within_s`` seconds the faster stays, of two equally fast the earlier.

    Args:
        contacts: All contacts of a shot.
        within_s: Two contacts of kind ``body`` that are at most so far apart are one.

    Returns:
        Contacts of the kinds ``floor`` and ``body``.
    """
    impacts = [contact for contact in contacts if contact.kind in ("floor", "body")]
    kept: list[SeenContact] = []
    for contact in (impacts[k] for k in falling_order([impact.speed_px_s for impact in impacts], tolerance=SAME_SPEED_PX_S)):
        if not any(other.kind == contact.kind == "body" and abs(other.time_s - contact.time_s) <= within_s for other in kept):
            kept.append(contact)
    return [kept[k] for k in rising_order([contact.time_s for contact in kept], tolerance=SAME_S)]


@analysis(version=6)
def motion(clip: Clip) -> BodyMotion:
    """Moving bodies, phases and contacts of a clip's longest shot.

    Args:
        clip: The clip.

    Returns:
        The motion of its bodies.

    Raises:
        ClipError: If the clip has no picture.
    """
    return motion_of(bodies(clip).tracks)
