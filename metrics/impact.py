"""Impact alignment: is every contact heard, is every sound a contact, and how far apart in time are they?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.metrics.analyses.bodies import bodies
from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact, motion, visible_impacts
from seedbench.metrics.analyses.onsets import Onsets, onsets
from seedbench.plugins.evidence import Curve, Facts, Mark, Panel, Series
from seedbench.plugins.metric import OFFSET_SIGN, Measure, Metric, MetricInfo, Sample, Score
from seedbench.suites.prompt import Prompt

BACKEND = "parabolas1-flux10ms-120ms"
WINDOW_S = 0.12
"""A contact and a sound further apart than this are no pair: about where people take them for two events (ITU-R BT.1359: -125 ms)."""
SOFT_CONTACT = 0.15
"""A contact slower than this share of the fastest need not be heard."""
SOFT_SOUND = 0.1
"""A sound fainter than this share of the loudest counts only if it has a contact."""
SETTLING_S = 0.6
"""After the last contact that is seen, ever fainter sounds for so long are its last small bounces, which no picture resolves."""


@dataclass(frozen=True)
class Pairs:
    """Contacts and sounds matched one to one: ``contact`` and ``sound`` (m,) indices, ``offset_s`` (m,) contact less sound, positive:
    sound early."""

    contact: np.ndarray
    sound: np.ndarray
    offset_s: np.ndarray


@dataclass(frozen=True)
class Alignment:
    """How contacts and sounds agree. ``recall``: share of contacts heard; ``precision``: share of sounds seen; ``offset_s``
    median (positive: sound early) and ``mad_s`` its median absolute deviation, None without a pair."""

    precision: float | None
    recall: float
    f1: float
    offset_s: float | None
    mad_s: float | None


def match(contact_s: np.ndarray, sound_s: np.ndarray, *, window_s: float = WINDOW_S) -> Pairs:
    """Match contacts (n,) and sounds (m,) one to one: as many pairs within ``window_s`` as can be, of the least total distance.

    >>> pairs = match(np.array([1.0, 2.0, 3.0]), np.array([1.02, 2.5, 3.03]))
    >>> pairs.contact.tolist(), pairs.sound.tolist(), pairs.offset_s.round(3).tolist()
    ([0, 2], [0, 2], [-0.02, -0.03])
    """
    from scipy.optimize import linear_sum_assignment

    empty = np.zeros(0, int)
    if not len(contact_s) or not len(sound_s):
        return Pairs(empty, empty, np.zeros(0))
    apart = np.abs(sound_s[None, :] - contact_s[:, None])
    never = (min(apart.shape) + 1) * window_s + 1.0
    # as near up to rounding is as near: of two sounds beside a contact the earlier is taken, whatever rounding says
    rows, columns = linear_sum_assignment(np.where(apart <= window_s, apart.round(10), never))
    near = apart[rows, columns] <= window_s
    rows, columns = rows[near], columns[near]
    return Pairs(rows, columns, contact_s[rows] - sound_s[columns])


def alignment(pairs: Pairs, *, contact_counts: np.ndarray, sound_counts: np.ndarray) -> Alignment:
    """Precision, recall, F1 and offset of matched pairs.

    ``contact_counts`` (n,) and ``sound_counts`` (m,) bool say which count when they stay alone; a matched one always counts.

    >>> times = np.array([1.0, 2.0, 3.0, 4.0])
    >>> heard = np.array([1.04, 2.04, 3.06, 7.0])
    >>> found = alignment(match(times, heard), contact_counts=np.ones(4, bool), sound_counts=np.ones(4, bool))
    >>> found.precision, found.recall, found.f1, round(found.offset_s, 3), round(found.mad_s, 3)
    (0.75, 0.75, 0.75, -0.04, 0.0)
    """
    contact_counts, sound_counts = contact_counts.copy(), sound_counts.copy()
    contact_counts[pairs.contact] = True
    sound_counts[pairs.sound] = True
    n_contacts, n_sounds, n_pairs = int(contact_counts.sum()), int(sound_counts.sum()), len(pairs.offset_s)
    recall = n_pairs / n_contacts if n_contacts else 0.0
    precision = n_pairs / n_sounds if n_sounds else None
    f1 = 2.0 * n_pairs / (n_contacts + n_sounds) if n_contacts + n_sounds else 0.0
    if not n_pairs:
        return Alignment(precision, recall, f1, None, None)
    offset = float(np.median(pairs.offset_s))
    return Alignment(precision, recall, f1, offset, float(np.median(np.abs(pairs.offset_s - offset))))


def sounds_that_count(heard: Onsets, contacts: list[SeenContact], pairs: Pairs) -> np.ndarray:
    """Which sounds (m,) need a contact: not the faint ones, and not those of a body that comes to rest in bounces too small to see."""
    if not len(heard.time_s):
        return np.zeros(0, bool)
    counts = heard.level >= SOFT_SOUND * heard.level.max()
    last = {contact.body: place for place, contact in enumerate(contacts)}
    for place in last.values():
        partner = np.flatnonzero(pairs.contact == place)
        if not len(partner):
            continue
        sound = int(pairs.sound[partner[0]])
        since = heard.time_s - heard.time_s[sound]
        counts &= ~((since > 0) & (since <= SETTLING_S) & (heard.level < heard.level[sound]))
    return counts


class ImpactAlignment(Metric):
    """Contacts seen in the picture against sounds heard, matched one to one within 120 ms."""

    info = MetricInfo(
        name="impact",
        title="Impact alignment",
        meaning="whether contacts of bodies are heard when they are seen, and nothing is heard that is not seen",
        citation="SeedBench's own (docs/metrics/physics.md); related to AV-Align (Yariv et al., TempoTokens, 2023), here one to one",
        default_rank=40,
        libraries=("librosa", "scenedetect-headless"),
        version=2,
        needs=frozenset({"video", "audio", "events"}),
        measures=(
            Measure(
                name="f1",
                title="Impacts heard and seen (F1)",
                unit="0..1",
                direction="up",
                meaning="harmonic mean of precision and recall of contacts and sounds matched within 120 ms",
                low=0.0,
                high=1.0,
                headline=True,
            ),
            Measure(
                name="recall",
                title="Contacts heard",
                unit="share",
                direction="up",
                meaning="share of seen contacts with a sound within 120 ms",
                low=0.0,
                high=1.0,
            ),
            Measure(
                name="precision",
                title="Sounds seen",
                unit="share",
                direction="up",
                meaning="share of sounds with a seen contact within 120 ms",
                low=0.0,
                high=1.0,
            ),
            Measure(
                name="offset_ms",
                title="Impact offset",
                unit="ms",
                direction="zero",
                meaning="how far sounds are ahead of their contacts: median over matched pairs",
                sign=OFFSET_SIGN,
                low=-120.0,
                high=120.0,
                headline=True,
            ),
            Measure(
                name="offset_mad_ms",
                title="Spread of the offset",
                unit="ms",
                direction="down",
                meaning="median absolute deviation of the offset over matched pairs",
                low=0.0,
            ),
        ),
    )

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """One score for each measure; evidence and details hang on ``f1``. Raises ClipError as the analyses do."""
        reason = why_not(sample.prompt)
        if reason:
            return self.none(reason, backend=BACKEND)
        seen = bodies(clip)
        if seen.problem:
            return self.none(seen.problem, backend=BACKEND)
        moving = motion(clip)
        contacts = visible_impacts(moving.contacts)
        if not contacts:
            return self.none("no contact is seen", backend=BACKEND)
        heard = onsets(clip)
        contact_s = np.array([contact.time_s for contact in contacts])
        speed = np.array([contact.speed_px_s for contact in contacts])
        pairs = match(contact_s, heard.time_s)
        counts = sounds_that_count(heard, contacts, pairs)
        found = alignment(pairs, contact_counts=speed >= SOFT_CONTACT * speed.max(), sound_counts=counts)
        return self._scores(found, contacts, heard, pairs, moving)

    def _scores(self, found: Alignment, contacts: list[SeenContact], heard: Onsets, pairs: Pairs, moving: BodyMotion) -> list[Score]:
        about: dict[str, Any] = {"n_used": len(pairs.offset_s), "n_total": len(contacts)}
        details = {
            "contacts_s": [round(contact.time_s, 4) for contact in contacts],
            "onsets_s": [round(float(time_s), 4) for time_s in heard.time_s],
            "offsets_ms": [round(1000 * float(offset), 1) for offset in pairs.offset_s],
            "loudest_dbfs": round(heard.loudest_dbfs, 1) if np.isfinite(heard.loudest_dbfs) else None,
        }
        no_pair = "the clip is silent" if heard.silent else "no contact has a sound within 120 ms"
        offset, spread = (None if value is None else 1000.0 * value for value in (found.offset_s, found.mad_s))
        shown = panels(contacts, heard, pairs, moving)
        return [
            Score.of("f1", found.f1, backend=BACKEND, evidence=shown, details=details, **about),
            Score.of("recall", found.recall, backend=BACKEND, **about),
            _or_none("precision", found.precision, "nothing is heard", about),
            _or_none("offset_ms", offset, no_pair, about),
            _or_none("offset_mad_ms", spread if len(pairs.offset_s) > 1 else None, no_pair if offset is None else "only one pair", about),
        ]


def _or_none(measure: str, value: float | None, reason: str, about: dict[str, Any]) -> Score:
    if value is None:
        return Score.none(measure, reason, backend=BACKEND, **about)
    return Score.of(measure, value, backend=BACKEND, **about)


def why_not(prompt: Prompt | None) -> str:
    """Why a prompt asks for no impact that is seen and heard by itself; empty if it does."""
    if prompt is None:
        return "no physical event is declared"
    meeting = [event for event in prompt.events if event.impact]
    if not meeting:
        return "no bodies that meet are asked for"
    if not any(event.sound for event in meeting):
        return "the impacts are asked to be silent"
    if prompt.speech or prompt.music is not None:
        return "speech or music is asked for as well, and its onsets hide the impacts"
    return ""


def panels(contacts: list[SeenContact], heard: Onsets, pairs: Pairs, moving: BodyMotion) -> tuple[Panel, ...]:
    """Evidence: height of each body over time with its contacts and the sounds, and the pairs in a table."""
    series = []
    for index in sorted({contact.body for contact in contacts}):
        track = moving.tracks[index]
        height = float(track.y.max()) - track.y
        times = [round(float(t), 3) for t in track.time_s]
        series.append(Series(f"height of body {index + 1}", times, [round(float(value), 2) for value in height]))
    marks = [Mark(round(contact.time_s, 3), "contact") for contact in contacts]
    marks += [Mark(round(float(time_s), 3), "sound") for time_s in heard.time_s]
    rows = []
    for place, contact in enumerate(contacts):
        partner = np.flatnonzero(pairs.contact == place)
        offset = f"{1000 * pairs.offset_s[partner[0]]:+.0f} ms" if len(partner) else "not heard"
        rows.append((f"{contact.time_s:.3f} s ({contact.kind})", offset))
    return (
        Curve("Contacts and sounds", "time (s)", "height (px at 256 lines)", series, marks),
        Facts("Offset of each contact (positive: sound early)", rows),
    )
