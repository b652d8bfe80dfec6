"""Style control: ratings that take the effect of style out, and the effect of each covariate of style in Elo points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seedbench.arena.boards.board import Interval, StyleControl, StyleEffect
from seedbench.arena.boards.vote_arrays import arrays_of, votes_among
from seedbench.arena.ratings.connectivity import vote_graph
from seedbench.arena.ratings.style import CovariateEffect, fit_with_style_control
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules

_STEPS = {"loudness_lu": (1.0, "1 LU"), "duration_s": (1.0, "1 s"), "megapixels": (1.0, "1 megapixel"), "fps": (10.0, "10 frames a second")}
"""Of each covariate, the step whose effect is reported: its size and its name."""


def interval_of(value: float, half_width: float | None, reason: str) -> Interval:
    """A symmetric interval about a value.

    Args:
        value: The estimate.
        half_width: Half the width of the interval, in the unit of the value; None where there is no interval.
        reason: Why there is no interval; not used where there is one.

    Returns:
        The interval, or the value alone with the reason.
    """
    return Interval(value, None, None, reason) if half_width is None else Interval(value, value - half_width, value + half_width)


def style_control(
    votes: Sequence[Vote], models: Sequence[str], question: str, rules: Rules
) -> tuple[StyleControl | None, dict[str, Interval | str]]:
    """The effects of style, and the ratings with style control, of the models of a board.

    Only votes with a value for every known covariate are used, and of these the largest group of models that they link.

    Args:
        votes: The rated votes.
        models: The names of the models.
        question: The question of the board.
        rules: The rules, which name the covariates and say how ratings are computed.

    Returns:
        What the ratings are based on (None where the rules name no covariates), and for each model its Elo rating with style control or the
        reason why there is none.
    """
    names = rules.rating.style
    if not names:
        return None, dict.fromkeys(models, "the rules name no covariates of style")
    known = [name for name in names if any(name in vote.style for vote in votes)]
    complete = [vote for vote in votes if all(name in vote.style for name in known)]
    unknown = {name: "no vote carries it" for name in names if name not in known}
    n_lacking = len(votes) - len(complete)

    def no_ratings(reason: str) -> tuple[StyleControl, dict[str, Interval | str]]:
        effects = tuple(StyleEffect(name, _step(name)[1], None, unknown.get(name, reason)) for name in names)
        return StyleControl(effects, 0, n_lacking if known else len(votes)), dict.fromkeys(models, reason)

    if not known or not complete:
        return no_ratings(f"no vote carries {', '.join(known or names)}")
    arrays = arrays_of(complete, models, question)
    arrays = replace(arrays, style=np.array([[vote.style[name] for name in known] for vote in complete], np.float64))
    members = np.flatnonzero(vote_graph(arrays).component == 0)
    linked = votes_among(arrays, members)
    rating = rules.rating
    fitted = fit_with_style_control(linked, ties=rating.ties, side=rating.side_bias, ridge=rating.ridge, level=rating.level)
    if fitted is None:
        return no_ratings("no covariate of style varies between votes on the same two systems")
    effects = tuple(
        StyleEffect(name, _step(name)[1], None, unknown[name]) if name in unknown else _effect(name, fitted.effects[known.index(name)])
        for name in names
    )
    ratings: dict[str, Interval | str] = dict.fromkeys(models, "the votes on it that carry covariates do not link it to the others")
    for index, member in enumerate(members):
        half_width = None if fitted.half_widths is None else float(fitted.half_widths[index])
        ratings[models[int(member)]] = interval_of(float(fitted.elo[index]), half_width, fitted.reason)
    return StyleControl(effects, len(linked), n_lacking), ratings


def _effect(name: str, effect: CovariateEffect) -> StyleEffect:
    """The effect of one step of a covariate."""
    size, step = _step(name)
    if effect.value is None:
        return StyleEffect(name, step, None, effect.reason)
    half_width = None if effect.high is None else size * (effect.high - effect.value)
    return StyleEffect(name, step, interval_of(size * effect.value, half_width, effect.reason))


def _step(name: str) -> tuple[float, str]:
    return _STEPS.get(name, (1.0, f"1 of {name}"))
