"""Style control: ratings with style held equal, and what each covariate of style is worth, in Elo points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seedbench.arena.boards.board import Interval, StyleControl, StyleEffect
from seedbench.arena.boards.vote_arrays import arrays_of, votes_among
from seedbench.arena.ratings.connectivity import vote_graph
from seedbench.arena.ratings.style import fit_with_style_control
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules

_STEPS = {"loudness_lu": (1.0, "1 LU"), "duration_s": (1.0, "1 s"), "megapixels": (1.0, "1 megapixel"), "fps": (10.0, "10 frames a second")}
"""How much of a covariate is told as one step."""


def interval_of(value: float, half_width: float | None, reason: str) -> Interval:
    return Interval(value, None, None, reason) if half_width is None else Interval(value, value - half_width, value + half_width)


def style_control(
    votes: Sequence[Vote], models: Sequence[str], question: str, rules: Rules
) -> tuple[StyleControl | None, dict[str, Interval | str]]:
    """The effects of style, and for each model its rating with style held equal, or why there is none."""
    names = rules.rating.style
    if not names:
        return None, dict.fromkeys(models, "the rules name no covariates of style")
    carried = [name for name in names if any(name in vote.style for vote in votes)]
    whole = [vote for vote in votes if all(name in vote.style for name in carried)]
    why = {name: "no vote carries it" for name in names if name not in carried}

    def without(reason: str) -> tuple[StyleControl, dict[str, Interval | str]]:
        effects = tuple(StyleEffect(name, _step(name)[1], None, why.get(name, reason)) for name in names)
        return StyleControl(effects, 0, len(votes) - len(whole) if carried else len(votes)), dict.fromkeys(models, reason)

    if not carried or not whole:
        return without(f"no vote carries {', '.join(carried or names)}")
    arrays = arrays_of(whole, models, question)
    arrays = replace(arrays, style=np.array([[vote.style[name] for name in carried] for vote in whole], np.float64))
    members = np.flatnonzero(vote_graph(arrays).piece == 0)
    part = votes_among(arrays, members)
    rating = rules.rating
    fitted = fit_with_style_control(part, ties=rating.ties, side=rating.side_bias, ridge=rating.ridge, level=rating.level)
    if fitted is None:
        return without("no covariate of style varies between votes on the same two systems")
    effects = []
    for name in names:
        factor, step = _step(name)
        if name in why:
            effects.append(StyleEffect(name, step, None, why[name]))
            continue
        effect = fitted.effects[carried.index(name)]
        if effect.value is None:
            effects.append(StyleEffect(name, step, None, effect.reason))
        else:
            half_width = None if effect.high is None else factor * (effect.high - effect.value)
            effects.append(StyleEffect(name, step, interval_of(factor * effect.value, half_width, effect.reason)))
    ratings: dict[str, Interval | str] = dict.fromkeys(models, "the votes on it that carry covariates do not link it to the others")
    for index, member in enumerate(members):
        half_width = None if fitted.half_widths is None else float(fitted.half_widths[index])
        ratings[models[int(member)]] = interval_of(float(fitted.elo[index]), half_width, fitted.reason)
    return StyleControl(tuple(effects), len(part), len(votes) - len(whole)), ratings


def _step(name: str) -> tuple[float, str]:
    return _STEPS.get(name, (1.0, f"1 of {name}"))
