"""How the toy metric of brightness is tried on footage of known brightness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbench.clips.changed_copies import change_pictures, degraded, followed_by
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import Separation, TrialAnswer, TruthColumn, TruthRow, ValidationProtocol, Variant


def brighter_file(row: TruthRow, rows: Sequence[TruthRow]) -> TruthRow | None:
    return next((other for other in rows if float(other.facts["level"]) > float(row.facts["level"])), None)


class BrightnessProtocol(ValidationProtocol):
    """Half as bright, black, and followed by a brighter clip."""

    error_unit = "levels"
    columns = (
        TruthColumn(name="level", meaning="the mean level", needed=True, number=True),
        TruthColumn(name="light", meaning="where it was filmed", values=("indoors", "out-of-doors")),
    )
    variants = (
        Variant(name="as it is", expected="the level of the truth file"),
        Variant(
            name="half as bright",
            expected="half the level",
            change=lambda arrays, clip, partner: change_pictures(arrays, lambda rgb, _: rgb // 2),
        ),
        Variant(name="black", expected="no answer", change=lambda arrays, clip, partner: degraded(arrays, "blacken", 0)),
        Variant(
            name="followed by a brighter one",
            expected="more",
            change=lambda arrays, clip, partner: followed_by(arrays, partner),
            partner=brighter_file,
        ),
    )
    separations = (
        Separation(title="as it is against half as bright", measure="mean", higher=("as it is",), lower=("half as bright", "black")),
    )

    def answer(
        self, variant: Variant, row: TruthRow, partner: TruthRow | None, scores: Mapping[str, Score], as_it_is: Mapping[str, Score]
    ) -> TrialAnswer:
        value = scores["mean"].value
        if variant.name == "black":
            return TrialAnswer(answered=value is not None, right=value is None, due=False)
        if variant.name.startswith("followed"):
            return TrialAnswer(answered=value is not None, right=value is not None and value > as_it_is["mean"].value)
        truth = float(row.facts["level"]) * (0.5 if variant.change else 1)
        error = None if value is None else value - truth
        return TrialAnswer(answered=value is not None, right=error is None or abs(error) < 10, error=error, words=f"{value}")


PROTOCOL = BrightnessProtocol()
