"""Evidence: what is seen and heard over time, the fit by offset, and contacts of bodies with their sounds."""

from __future__ import annotations

import numpy as np

from seedbench.metrics.analyses.contacts import BodyMotion, SeenContact
from seedbench.metrics.analyses.onsets import Onsets
from seedbench.metrics.impact.alignment import CURVE_RATE, FAR_S, AlignedCurves, CurveFit
from seedbench.metrics.impact.pairs import ImpactPairs
from seedbench.plugins.evidence import Curve, Facts, Mark, Panel, Series
from seedbench.plugins.metric import OFFSET_AXIS

SHOWN_STEP = 2
"""Every second value of a curve is drawn: 50 a second."""


def fit_panels(curves: AlignedCurves, fit: CurveFit | None, *, start_s: float) -> tuple[Panel, ...]:
    """Stops and onsets over time, and how well they fit by offset.

    Args:
        curves: The curves.
        fit: How well they fit; None where the clip has no onset.
        start_s: Their beginning in seconds.

    Returns:
        The panels.
    """
    time_s = [round(start_s + index / CURVE_RATE, 2) for index in range(0, curves.n, SHOWN_STEP)]
    series = [
        Series(name, time_s, [round(float(value), 3) for value in (curve / max(float(curve.max(initial=0.0)), 1e-9))[::SHOWN_STEP]])
        for name, curve in (("stops seen", curves.seen.max(axis=0, initial=0.0)), ("onsets heard", curves.heard))
    ]
    marks = [Mark(round(start_s + float(time), 3), "sound") for time in curves.onset_s]
    over_time = Curve("Stops seen and onsets heard", "time (s)", "share of the strongest", series, marks)
    if fit is None:
        return (over_time,)
    lag_ms = [round(1000 * (index / CURVE_RATE - FAR_S), 1) for index in range(len(fit.curve))]
    by_offset = [
        Series("fit", lag_ms, [round(float(value), 4) for value in fit.curve]),
        Series("chance", lag_ms, [round(fit.chance, 4)] * len(lag_ms)),
    ]
    chosen = [] if fit.offset_s is None else [Mark(round(1000 * fit.offset_s, 1), "offset")]
    return (over_time, Curve("Fit by offset", OFFSET_AXIS, "correlation", by_offset, chosen))


def contact_panels(contacts: list[SeenContact], heard: Onsets, pairs: ImpactPairs, moving: BodyMotion) -> tuple[Panel, ...]:
    """Height of each body over time with its contacts and the sounds, and the pairs in a table.

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
