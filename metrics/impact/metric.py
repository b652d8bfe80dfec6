"""The impact metric: preconditions, hits by any part of the picture, contacts of whole bodies, the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.bodies import bodies
from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact, motion, visible_impacts
from seedbench.metrics.analyses.onsets import Onsets, onsets
from seedbench.metrics.analyses.part_motion import Stops, part_motion, stops_of
from seedbench.metrics.analyses.speech import speech
from seedbench.metrics.impact.alignment import (
    AlignedCurves,
    CurveFit,
    FitIntervals,
    aligned_curves,
    fit_curves,
    intervals_of,
    with_contacts,
)
from seedbench.metrics.impact.judge import declared_by, only_collisions, why_no_contacts, why_not_applicable, why_not_heard, why_not_seen
from seedbench.metrics.impact.measures import BACKEND, INFO
from seedbench.metrics.impact.pairs import SOFT_CONTACT, ImpactPairs, PairShares, match_impacts, shares_of, sounds_that_count
from seedbench.metrics.impact.panels import contact_panels, fit_panels
from seedbench.plugins.metric import Metric, Sample, Score, missing_stream
from seedbench.suites.prompt import Prompt


@dataclass(frozen=True)
class HeardContacts:
    """Contacts of whole bodies and the sounds that belong to them.

    Attributes:
        contacts: The contacts, at least one.
        pairs: Which sounds belong to them.
        shares: How many are heard.
        moving: The bodies.
    """

    contacts: list[SeenContact]
    pairs: ImpactPairs
    shares: PairShares
    moving: BodyMotion


@dataclass(frozen=True)
class HeardStops:
    """Sudden stops of the fastest parts and the onsets.

    Attributes:
        start_s: The time of the first value of the curves.
        curves: Both over time.
        fit: How well they fit; None where the clip has no onset.
        intervals: Their uncertainty.
    """

    start_s: float
    curves: AlignedCurves
    fit: CurveFit | None
    intervals: FitIntervals


class ImpactAlignment(Metric):
    """Stops that are seen against onsets that are heard, above chance; contacts of whole bodies matched one to one within 120 ms."""

    info = INFO
    validation = "seedbench.metrics.impact.validation:PROTOCOL"

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Score one clip.

        Args:
            clip: The clip.
            sample: Its prompt, if it has one.

        Returns:
            One score for each measure; evidence belongs to ``alignment`` and ``f1``.
        """
        missing = missing_stream(INFO, clip) or why_not_applicable(sample.prompt)
        if missing:
            return self.none(missing, backend=BACKEND)
        heard = onsets(clip)
        contacts, no_contacts = _contacts(clip, sample.prompt, heard)
        stops, no_stops = _stops(clip, sample.prompt, heard, [] if contacts is None else contacts.contacts)
        details = {
            "onsets_s": [round(float(time_s), 4) for time_s in heard.time_s],
            "loudest_dbfs": round(heard.loudest_dbfs, 1) if np.isfinite(heard.loudest_dbfs) else None,
        }
        return [
            *_alignment_scores(stops, no_stops, heard, details),
            _offset_score(stops, contacts, no_stops, heard),
            *_contact_scores(contacts, no_contacts, heard, details),
        ]


def _stops(clip: Clip, prompt: Prompt | None, heard: Onsets, contacts: list[SeenContact]) -> tuple[HeardStops | None, str]:
    """Stops and onsets, or why they are not compared."""
    if only_collisions(prompt) and not contacts:
        return None, "no contact is seen"
    declared = declared_by(prompt)
    if declared != "visible":  # before the picture, which costs more
        reason = why_not_heard(heard, speech(clip).duration_s / max(clip.end_s, 1e-9))
        if reason:
            return None, reason
    moving = part_motion(clip)
    stops = stops_of(moving)
    reason = why_not_seen(moving, stops, declared)
    if reason:
        return None, reason
    if only_collisions(prompt):
        stops = Stops(stops.time_s, np.zeros_like(stops.strength))
    time_s, speed = (np.array([getattr(contact, name) for contact in contacts]) for name in ("time_s", "speed_px_s"))
    stops = with_contacts(stops, time_s, speed)
    curves = aligned_curves(stops, heard.time_s, heard.flux_db)
    start_s = float(stops.time_s[0])
    if not len(curves.onset_s):
        return HeardStops(start_s, curves, None, FitIntervals(None, None)), ""
    fit = fit_curves(curves)
    picture_s = float(np.median(np.diff(moving.time_s)))
    return HeardStops(start_s, curves, fit, intervals_of(fit, curves, picture_s=picture_s)), ""


def _contacts(clip: Clip, prompt: Prompt | None, heard: Onsets) -> tuple[HeardContacts | None, str]:
    """Contacts of whole bodies and their sounds, or why they are not counted."""
    reason = why_no_contacts(prompt) or bodies(clip).problem
    if reason:
        return None, reason
    moving = motion(clip)
    contacts = visible_impacts(moving.contacts)
    if not contacts:
        return None, "no contact is seen"
    speed = np.array([contact.speed_px_s for contact in contacts])
    pairs = match_impacts(np.array([contact.time_s for contact in contacts]), heard.time_s)
    counts = sounds_that_count(heard, contacts, pairs)
    shares = shares_of(pairs, contact_counts=speed >= SOFT_CONTACT * speed.max(), sound_counts=counts)
    return HeardContacts(contacts, pairs, shares, moving), ""


def _alignment_scores(stops: HeardStops | None, reason: str, heard: Onsets, details: dict[str, Any]) -> list[Score]:
    if stops is None:
        return [Score.none(measure, reason, backend=BACKEND, details=details) for measure in ("alignment", "chance_p")]
    about: dict[str, Any] = {"n_used": len(stops.curves.onset_s), "n_total": len(heard.time_s)}
    shown = fit_panels(stops.curves, stops.fit, start_s=stops.start_s)
    if stops.fit is None:
        nothing = "the clip is silent" if heard.silent else "no onset is heard"
        return [
            Score.of("alignment", 0.0, backend=BACKEND, evidence=shown, details={**details, "problem": nothing}, **about),
            Score.none("chance_p", nothing, backend=BACKEND, **about),
        ]
    fit = stops.fit
    more = {**details, "correlation": round(fit.best, 4), "chance": round(fit.chance, 4)}
    return [
        Score.of("alignment", fit.alignment, backend=BACKEND, interval=stops.intervals.alignment, evidence=shown, details=more, **about),
        Score.of("chance_p", fit.p, backend=BACKEND, **about),
    ]


def _offset_score(stops: HeardStops | None, contacts: HeardContacts | None, reason: str, heard: Onsets) -> Score:
    """The offset of contacts of bodies, which is the more exact one, else that of the stops."""
    if contacts is not None and contacts.shares.offset_s is not None:
        about = {"n_used": len(contacts.pairs.offset_s), "n_total": len(contacts.contacts)}
        return Score.of("offset_ms", 1000.0 * contacts.shares.offset_s, backend=BACKEND, **about)
    if stops is None:
        return Score.none("offset_ms", reason, backend=BACKEND)
    if stops.fit is None:
        return Score.none("offset_ms", "the clip is silent" if heard.silent else "no onset is heard", backend=BACKEND)
    if stops.fit.offset_s is None:
        chance = f"{stops.fit.p:.0%} of sounds with the same onsets at random times fit as well"
        return Score.none("offset_ms", f"the sounds do not fit the stops better than chance ({chance})", backend=BACKEND)
    low_high = stops.intervals.offset_s
    interval = None if low_high is None else (1000.0 * low_high[0], 1000.0 * low_high[1])
    return Score.of("offset_ms", 1000.0 * stops.fit.offset_s, backend=BACKEND, interval=interval, n_used=len(stops.curves.onset_s))


def _contact_scores(contacts: HeardContacts | None, reason: str, heard: Onsets, details: dict[str, Any]) -> list[Score]:
    measures = ("f1", "recall", "precision", "offset_mad_ms")
    if contacts is None:
        return [Score.none(measure, reason, backend=BACKEND) for measure in measures]
    pairs, shares = contacts.pairs, contacts.shares
    about: dict[str, Any] = {"n_used": len(pairs.offset_s), "n_total": len(contacts.contacts)}
    more = {
        **details,
        "contacts_s": [round(contact.time_s, 4) for contact in contacts.contacts],
        "offsets_ms": [round(1000 * float(offset), 1) for offset in pairs.offset_s],
    }
    shown = contact_panels(contacts.contacts, heard, pairs, contacts.moving)
    no_pair = "the clip is silent" if heard.silent else "no contact has a sound within 120 ms"
    spread = 1000.0 * shares.mad_s if shares.mad_s is not None and len(pairs.offset_s) > 1 else None
    return [
        Score.of("f1", shares.f1, backend=BACKEND, evidence=shown, details=more, **about),
        Score.of("recall", shares.recall, backend=BACKEND, **about),
        _or_none("precision", shares.precision, "nothing is heard", about),
        _or_none("offset_mad_ms", spread, no_pair if shares.offset_s is None else "only one pair", about),
    ]


def _or_none(measure: str, value: float | None, reason: str, about: dict[str, Any]) -> Score:
    if value is None:
        return Score.none(measure, reason, backend=BACKEND, **about)
    return Score.of(measure, value, backend=BACKEND, **about)
