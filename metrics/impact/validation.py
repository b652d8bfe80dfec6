"""How impacts are tried on real footage: hits as filmed, their sound moved in time, and the sound of other hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbench.clips.changed_copies import degraded, resized, with_sound_of
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import Separation, TrialAnswer, TruthColumn, TruthRow, ValidationProtocol, Variant
from seedbench.suites.prompt import Event, Prompt

MOVED_MS = 200.0
"""Beyond what viewers accept in either direction (ITU-R BT.1359: 185 ms late, 90 ms early), and beyond the search of 50 ms."""
ACCEPTED_MS = 90.0
"""An offset of a sound as recorded is wrong beyond this, the smaller of the two limits of what viewers accept (ITU-R BT.1359)."""
LATER, EARLIER, OTHER = f"sound {MOVED_MS:.0f} ms later", f"sound {MOVED_MS:.0f} ms earlier", "sound of another file"


def shows_hits(row: TruthRow) -> bool:
    """Whether a file shows hits that are heard."""
    return "event" in row.facts


def another_sound(row: TruthRow, rows: Sequence[TruthRow]) -> TruthRow | None:
    """The next file with hits: of the same kind of footage if there is such a file."""
    start = rows.index(row)
    others = [other for other in (*rows[start + 1 :], *rows[:start]) if shows_hits(other)]
    return next((other for other in others if other.kind == row.kind), others[0] if others else None)


class ImpactProtocol(ValidationProtocol):
    """Alignment of filmed hits with their own sound, with that sound moved, and with other sounds."""

    version = 1
    error_unit = "ms"
    about = (
        "A file shows hits and has their sound as recorded, in sync by nature; it is wrong where its alignment is 0 or less, which is what "
        f"chance gives, or where its offset exceeds {ACCEPTED_MS:.0f} ms. A copy with the sound moved, or with the sound of another file, "
        "is wrong where its alignment is not below that of the file as it is."
    )
    columns = (TruthColumn(name="event", meaning="what hits, such as drop, knock or footsteps; empty: nothing hits, no answer is due"),)
    variants = (
        Variant(name="as it is", expected="alignment above chance; no answer where nothing hits"),
        Variant(
            name="without a declared event",
            expected="alignment above chance, or no answer",
            change=lambda arrays, clip, partner: arrays,
            applies=shows_hits,
        ),
        Variant(
            name=LATER,
            expected="less alignment than the file as it is",
            change=lambda arrays, clip, partner: degraded(arrays, "delay-sound", MOVED_MS),
            applies=shows_hits,
        ),
        Variant(
            name=EARLIER,
            expected="less alignment than the file as it is",
            change=lambda arrays, clip, partner: degraded(arrays, "delay-sound", -MOVED_MS),
            applies=shows_hits,
        ),
        Variant(
            name=OTHER,
            expected="less alignment than the file as it is",
            change=lambda arrays, clip, partner: with_sound_of(arrays, partner),
            partner=another_sound,
            applies=shows_hits,
        ),
        Variant(
            name="half the size, compressed (crf 35)",
            expected="alignment above chance",
            change=lambda arrays, clip, partner: degraded(resized(arrays, 0.5), "reencode", 35),
            applies=shows_hits,
        ),
    )
    separations = (
        Separation(
            title=f"in sync against {MOVED_MS:.0f} ms off",
            measure="alignment",
            higher=("as it is",),
            lower=(LATER, EARLIER),
            applies=shows_hits,
        ),
        Separation(
            title="own sound against the sound of another file",
            measure="alignment",
            higher=("as it is",),
            lower=(OTHER,),
            applies=shows_hits,
        ),
    )

    def prompt(self, variant: Variant, row: TruthRow, partner: TruthRow | None, duration_s: float) -> Prompt | None:
        """The event of the truth file (see :meth:`seedbench.plugins.validation.ValidationProtocol.prompt`)."""
        if not shows_hits(row) or variant.name == "without a declared event":
            return None
        event = Event.model_validate({"kind": row.facts["event"], "start_s": 0.0, "impact": True})
        return Prompt(id="clip", text=row.facts["event"], task="impact", duration_s=duration_s, events=(event,))

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        """Judge one copy (see :meth:`seedbench.plugins.validation.ValidationProtocol.answer`)."""
        alignment, offset = scores["alignment"], scores["offset_ms"].value
        value = alignment.value
        answered = value is not None
        words = f"alignment {value:.2f}" if value is not None else f"no answer: {alignment.reason}"
        if not shows_hits(row):
            return TrialAnswer(answered=answered, right=not answered, words=words, due=False)
        if variant.name in (LATER, EARLIER, OTHER):
            before = as_it_is["alignment"].value if "alignment" in as_it_is else None
            lower = None if value is None or before is None else value < before
            return TrialAnswer(answered=answered, right=lower, words=words)
        near = offset is None or abs(offset) <= ACCEPTED_MS
        words += "" if offset is None else f", offset {offset:+.0f} ms"
        return TrialAnswer(answered=answered, right=near and (value is None or value > 0), error=offset, words=words)


PROTOCOL = ImpactProtocol()
