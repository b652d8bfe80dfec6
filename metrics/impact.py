"""Impact sounds: whether what is seen to hit something is heard when it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seedbench.evidence import Curve, Mark, Series
from seedbench.metric import Measure, Metric, MetricInfo, Score

if TYPE_CHECKING:
    from seedbench.clip import Clip
    from seedbench.metric import Sample

BACKEND = "contacts-onsets-v1"
#: A contact and an onset further apart than this do not belong together.
WITHIN_S = 0.12
#: Contacts slower than this share of the fastest one are too soft to ask a sound of.
SOFTEST = 0.25
#: Onsets this far below the loudest one are of touches too soft to be asked for (the square of :data:`SOFTEST`, and 3 dB).
QUIETEST_DB = 15.0
#: Kinds of event whose bodies meet something.
IMPACTS = frozenset({"drop", "throw", "bounce", "collide"})


@dataclass(frozen=True)
class Alignment:
    """Contacts and onsets put together one to one. ``lag_s`` (K,) sound minus sight for each pair, positive: sound late."""

    lag_s: np.ndarray
    n_contacts: int
    n_onsets: int

    @property
    def recall(self) -> float:
        """Share of contacts that are heard."""
        return len(self.lag_s) / self.n_contacts

    @property
    def precision(self) -> float:
        """Share of onsets that belong to a contact; 0 when nothing is heard."""
        return len(self.lag_s) / self.n_onsets if self.n_onsets else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * len(self.lag_s) / (self.n_contacts + self.n_onsets)


def align(contacts_s: np.ndarray, onsets_s: np.ndarray, *, loud: np.ndarray | None = None, within_s: float = WITHIN_S) -> Alignment:
    """Match contacts (N,) and onsets (M,), both in seconds, one to one: as many pairs within ``within_s`` as possible, at least total lag.

    ``loud`` (M,) says which onsets ask for a contact; the others may have one, and do not count against precision if they have none.

    >>> align(np.array([1.0, 2.0, 3.0]), np.array([1.02, 2.5, 2.99])).lag_s.round(3).tolist()
    [0.02, -0.01]
    """
    from scipy.optimize import linear_sum_assignment

    lag = onsets_s[None, :] - contacts_s[:, None]
    cost = np.where(np.abs(lag) <= within_s + 1e-9, np.abs(lag), 1e3)
    rows, columns = linear_sum_assignment(cost)
    chosen = cost[rows, columns] < 1e3
    counted = np.ones(len(onsets_s), bool) if loud is None else loud.copy()
    counted[columns[chosen]] = True
    return Alignment(lag[rows[chosen], columns[chosen]], len(contacts_s), int(counted.sum()))


class ImpactAlignment(Metric):
    """Contacts seen in the picture against onsets heard in the sound, matched one to one within 120 ms."""

    info = MetricInfo(
        name="impact",
        title="Impact sounds",
        meaning="Whether bodies that are seen to hit something are heard at that moment.",
        citation="Own protocol: contacts from kinematics, onsets from power, minimum-cost matching within 120 ms (docs/metrics/impact.md).",
        version=1,
        needs=frozenset({"video", "audio", "events"}),
        measures=(
            Measure(
                name="f1",
                title="Impacts heard",
                unit="",
                direction="up",
                meaning="Harmonic mean of recall and precision of impact sounds.",
                low=0,
                high=1,
                headline=True,
            ),
            Measure(name="recall", title="Recall", unit="", direction="up", meaning="Share of seen impacts that are heard.", low=0, high=1),
            Measure(
                name="precision",
                title="Precision",
                unit="",
                direction="up",
                meaning="Share of onsets that are seen impacts.",
                low=0,
                high=1,
            ),
            Measure(
                name="lag_ms",
                title="Impact lag",
                unit="ms",
                direction="zero",
                meaning="Median lag of the sound of matched impacts.",
                low=-120,
                high=120,
                sign="positive: the sound is late",
            ),
            Measure(
                name="lag_mad_ms",
                title="Lag spread",
                unit="ms",
                direction="down",
                meaning="Median absolute deviation of the lags of matched impacts.",
                low=0,
                high=120,
            ),
        ),
    )

    def score(self, clip: Clip, sample: Sample) -> list[Score]:
        """Scores of one clip. No answer where no impact with sound is asked, none is seen, or other sound is asked as well."""
        from metrics.analyses.contacts import motion, touches
        from metrics.analyses.onsets import onsets

        if sample.prompt is None:
            return self.none("no physical event is declared", backend=BACKEND)
        asked = [event for event in sample.prompt.events if event.kind in IMPACTS]
        if not asked:
            return self.none("no impact is asked for", backend=BACKEND)
        if not all(event.sound for event in asked):
            return self.none("the impacts are asked to be silent", backend=BACKEND)
        if sample.prompt.speech or sample.prompt.music is not None:
            return self.none("speech or music is asked as well, and hides what is not an impact", backend=BACKEND)
        seen = motion(clip)
        fastest = max((contact.speed_px_s for contact in touches(seen.contacts)), default=0.0)
        contacts = [contact for contact in touches(seen.contacts) if contact.speed_px_s >= SOFTEST * fastest]
        if not contacts:
            return self.none("no body is seen to hit anything", backend=BACKEND)
        heard = onsets(clip)
        contact_s = np.array([contact.time_s for contact in contacts])
        loud = heard.peak_db >= max(heard.peak_db.tolist(), default=0.0) - QUIETEST_DB
        found = align(contact_s, heard.time_s, loud=loud)
        counts = {"n_used": len(found.lag_s), "n_total": found.n_contacts}
        power = Curve(
            title="Sound and impacts",
            x_label="time (s)",
            y_label="power (dB re full scale)",
            series=[Series("sound", (np.arange(len(heard.power_db))[::5] / 1000).tolist(), heard.power_db[::5].round(1).tolist())],
            marks=[Mark(float(time), "seen") for time in contact_s] + [Mark(float(time), "heard") for time in heard.time_s],
        )
        details = {"contacts_s": contact_s.round(4).tolist(), "onsets_s": heard.time_s.round(4).tolist()}
        scores = [
            Score.of("f1", found.f1, backend=BACKEND, evidence=(power,), details=details, **counts),
            Score.of("recall", found.recall, backend=BACKEND, **counts),
            Score.of("precision", found.precision, backend=BACKEND, n_used=len(found.lag_s), n_total=found.n_onsets),
        ]
        if not len(found.lag_s):
            reason = "no seen impact is heard within 120 ms"
            return [*scores, *(Score.none(name, reason, backend=BACKEND, **counts) for name in ("lag_ms", "lag_mad_ms"))]
        middle = float(np.median(found.lag_s))
        spread = float(np.median(np.abs(found.lag_s - middle)))
        scores.append(Score.of("lag_ms", 1000 * middle, backend=BACKEND, **counts))
        scores.append(Score.of("lag_mad_ms", 1000 * spread, backend=BACKEND, **counts))
        return scores
