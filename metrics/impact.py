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
"""A contact and a sound further apart than this do not match: at about this distance people perceive two events (ITU-R BT.1359: -125
ms)."""
SOFT_CONTACT = 0.15
"""A contact slower than this share of the fastest need not be heard."""
SOFT_SOUND = 0.1
"""A sound fainter than this share of the loudest counts only if a contact matches it."""
SETTLING_S = 0.6
"""Ever fainter sounds within this time after the last seen contact are small last bounces, which the picture cannot resolve."""


@dataclass(frozen=True)
class ImpactPairs:
    """Contacts and sounds matched one to one.

    Attributes:
        contact: (m,) index of the contact of each pair.
        sound: (m,) index of its sound.
        offset_s: (m,) contact less sound in seconds, positive: sound early.
    """

    contact: np.ndarray
    sound: np.ndarray
    offset_s: np.ndarray


@dataclass(frozen=True)
class Alignment:
    """How contacts and sounds agree.

    Attributes:
        precision: Share 0..1 of sounds that are seen; None without a sound that counts.
        recall: Share 0..1 of contacts that are heard.
        f1: Their harmonic mean, 0..1.
        offset_s: Median offset in seconds (positive: sound early); None without a pair.
        mad_s: Median absolute deviation of the offsets; None without a pair.
    """

    precision: float | None
    recall: float
    f1: float
    offset_s: float | None
    mad_s: float | None


def match_impacts(contact_s: np.ndarray, sound_s: np.ndarray, *, window_s: float = WINDOW_S) -> ImpactPairs:
    """Match contacts and sounds one to one: as many pairs as possible, with the least total distance.

    Args:
        contact_s: Times (n,) of the contacts in seconds.
        sound_s: Times (m,) of the onsets in seconds.
        window_s: Largest distance of a pair in seconds.

    >>> pairs = match_impacts(np.array([1.0, 2.0, 3.0]), np.array([1.02, 2.5, 3.03]))
    >>> pairs.contact.tolist(), pairs.sound.tolist(), pairs.offset_s.round(3).tolist()
    ([0, 2], [0, 2], [-0.02, -0.03])
    """
    from scipy.optimize import linear_sum_assignment

    empty = np.zeros(0, int)
    if not len(contact_s) or not len(sound_s):
        return ImpactPairs(empty, empty, np.zeros(0))
    apart = np.abs(sound_s[None, :] - contact_s[:, None])
    too_far = (min(apart.shape) + 1) * window_s + 1.0
    # rounded, so that of two sounds equally near a contact the earlier is taken whatever the last bits are
    rows, columns = linear_sum_assignment(np.where(apart <= window_s, apart.round(10), too_far))
    near = apart[rows, columns] <= window_s
    rows, columns = rows[near], columns[near]
    return ImpactPairs(rows, columns, contact_s[rows] - sound_s[columns])


def alignment_of(pairs: ImpactPairs, *, contact_counts: np.ndarray, sound_counts: np.ndarray) -> Alignment:
    """Precision, recall, F1 and offset of matched pairs.

    Args:
        pairs: The matched pairs.
        contact_counts: (n,) bool: which contacts count if they are not matched; matched ones always count.
        sound_counts: (m,) bool: the same for sounds.

    >>> times = np.array([1.0, 2.0, 3.0, 4.0])
    >>> heard = np.array([1.04, 2.04, 3.06, 7.0])
    >>> alignment = alignment_of(match_impacts(times, heard), contact_counts=np.ones(4, bool), sound_counts=np.ones(4, bool))
    >>> alignment.precision, alignment.recall, alignment.f1, round(alignment.offset_s, 3), round(alignment.mad_s, 3)
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


def sounds_that_count(heard: Onsets, contacts: list[SeenContact], pairs: ImpactPairs) -> np.ndarray:
    """Which sounds must have a contact: not the faint ones, nor those of a body that comes to rest in bounces too small to see.

    Args:
        heard: M sounds.
        contacts: The contacts.
        pairs: Which sounds and contacts belong together.

    Returns:
        (M,) bool.
    """
    if not len(heard.time_s):
        return np.zeros(0, bool)
    counts = heard.level >= SOFT_SOUND * heard.level.max()
    last = {contact.body: index for index, contact in enumerate(contacts)}
    for index in last.values():
        partner = np.flatnonzero(pairs.contact == index)
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
        meaning="whether every contact that is seen is heard at that moment, and every sound has a contact",
        citation="SeedBench's own (docs/metrics/physics.md); related to AV-Align (Yariv et al., TempoTokens, 2023), here one to one",
        default_rank=40,
        libraries=("librosa", "scenedetect-headless"),
        version=3,
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
        """Score one clip.

        Args:
            clip: The clip.
            sample: Its prompt, which must declare an event with an impact.

        Returns:
            One score for each measure; evidence and details belong to ``f1``.

        Raises:
            ClipError: If the clip has no picture or no sound.
        """
        reason = why_not_applicable(sample.prompt)
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
        pairs = match_impacts(contact_s, heard.time_s)
        counts = sounds_that_count(heard, contacts, pairs)
        alignment = alignment_of(pairs, contact_counts=speed >= SOFT_CONTACT * speed.max(), sound_counts=counts)
        return self._scores(alignment, contacts, heard, pairs, moving)

    def _scores(
        self, alignment: Alignment, contacts: list[SeenContact], heard: Onsets, pairs: ImpactPairs, moving: BodyMotion
    ) -> list[Score]:
        about: dict[str, Any] = {"n_used": len(pairs.offset_s), "n_total": len(contacts)}
        details = {
            "contacts_s": [round(contact.time_s, 4) for contact in contacts],
            "onsets_s": [round(float(time_s), 4) for time_s in heard.time_s],
            "offsets_ms": [round(1000 * float(offset), 1) for offset in pairs.offset_s],
            "loudest_dbfs": round(heard.loudest_dbfs, 1) if np.isfinite(heard.loudest_dbfs) else None,
        }
        no_pair = "the clip is silent" if heard.silent else "no contact has a sound within 120 ms"
        offset, spread = (None if value is None else 1000.0 * value for value in (alignment.offset_s, alignment.mad_s))
        shown = panels(contacts, heard, pairs, moving)
        return [
            Score.of("f1", alignment.f1, backend=BACKEND, evidence=shown, details=details, **about),
            Score.of("recall", alignment.recall, backend=BACKEND, **about),
            _or_none("precision", alignment.precision, "nothing is heard", about),
            _or_none("offset_ms", offset, no_pair, about),
            _or_none("offset_mad_ms", spread if len(pairs.offset_s) > 1 else None, no_pair if offset is None else "only one pair", about),
        ]


def _or_none(measure: str, value: float | None, reason: str, about: dict[str, Any]) -> Score:
    if value is None:
        return Score.none(measure, reason, backend=BACKEND, **about)
    return Score.of(measure, value, backend=BACKEND, **about)


def why_not_applicable(prompt: Prompt | None) -> str:
    """Why impacts cannot be judged for a prompt.

    Args:
        prompt: The prompt; None for a clip without one.

    Returns:
        The reason; empty if they can.
    """
    if prompt is None:
        return "no physical event is declared"
    meeting = [event for event in prompt.events if event.impact]
    if not meeting:
        return "the prompt declares no event with an impact"
    if not any(event.sound for event in meeting):
        return "the prompt declares that the impacts are silent"
    if prompt.speech or prompt.music is not None:
        return "the prompt declares speech or music as well, whose onsets hide the impacts"
    return ""


def panels(contacts: list[SeenContact], heard: Onsets, pairs: ImpactPairs, moving: BodyMotion) -> tuple[Panel, ...]:
    """Evidence: height of each body over time with its contacts and the sounds, and the pairs in a table.

    Args:
        contacts: The contacts.
        heard: The sounds.
        pairs: Which of them belong together.
        moving: The bodies in motion.

    Returns:
        The panels.
    """
    series = []
    for index in sorted({contact.body for contact in contacts}):
        track = moving.tracks[index]
        height = float(track.y.max()) - track.y
        times = [round(float(t), 3) for t in track.time_s]
        series.append(Series(f"height of body {index + 1}", times, [round(float(value), 2) for value in height]))
    marks = [Mark(round(contact.time_s, 3), "contact") for contact in contacts]
    marks += [Mark(round(float(time_s), 3), "sound") for time_s in heard.time_s]
    rows = []
    for index, contact in enumerate(contacts):
        partner = np.flatnonzero(pairs.contact == index)
        offset = f"{1000 * pairs.offset_s[partner[0]]:+.0f} ms" if len(partner) else "not heard"
        rows.append((f"{contact.time_s:.3f} s ({contact.kind})", offset))
    return (
        Curve("Contacts and sounds", "time (s)", "height (px at 256 lines)", series, marks),
        Facts("Offset of each contact (positive: sound early)", rows),
    )
