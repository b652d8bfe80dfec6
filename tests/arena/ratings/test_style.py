"""Style is held equal where votes can tell it from strength, and not where they cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import ELO, Votes, fit
from seedbench.arena.ratings.style import fit_with_style_control, has_own_variation

Arena = Callable[..., Votes]
STRENGTHS = np.array([0.5, 0.0, -0.5])
WORTH = 0.1
"""Logits for one unit of the covariate, 17 Elo points."""


def styled(seed: int, *, n_votes: int = 2_000, own: float = 3.0) -> Votes:
    """Votes on clips whose covariate is 4 above for the last system, varies by ``own`` from clip to clip, and wins; clips and voters have
    effects of their own beside it."""
    rng = np.random.default_rng(seed)
    covariate = np.array([0.0, 0.0, 4.0])[:, None] + own * rng.standard_normal((3, 60))
    clips = STRENGTHS[:, None] + 0.4 * rng.standard_normal((3, 60)) + WORTH * covariate
    tastes = 0.3 * rng.standard_normal((3, 60))
    left = rng.integers(3, size=n_votes)
    right = (left + rng.integers(1, 3, size=n_votes)) % 3
    prompt, voter = rng.integers(60, size=(2, n_votes))
    s = clips[left, prompt] - clips[right, prompt] + tastes[left, voter] - tastes[right, voter]
    weights = np.exp(np.stack([s / 2, np.full(n_votes, -1.0), -s / 2], 1))
    outcome = (rng.random(n_votes)[:, None] > np.cumsum(weights / weights.sum(1, keepdims=True), 1)).sum(1).clip(max=2)
    return Votes(3, left, right, outcome, prompt, voter, style=(covariate[left, prompt] - covariate[right, prompt])[:, None])


def test_the_simulated_effect_is_within_its_interval_as_often_as_its_level() -> None:
    """100 arenas. Clip and taste effects pull all parameters together a little: the truth is their mean over the arenas."""
    fits = [fit_with_style_control(styled(seed)) for seed in range(100)]
    effects = [controlled.effects[0] for controlled in fits if controlled is not None]
    truth = float(np.mean([effect.value for effect in effects]))  # type: ignore[misc]
    assert truth == pytest.approx(WORTH * ELO, rel=0.1)
    covered = np.mean([effect.low <= truth <= effect.high for effect in effects])  # type: ignore[operator]
    assert 0.88 <= covered <= 0.99


def test_the_headline_is_biased_and_the_rating_with_style_held_equal_is_not() -> None:
    plain = np.mean([fit(replace(styled(seed), style=np.zeros((0, 0)))).ratings for seed in range(30)], axis=0)
    held = np.mean([controlled.elo for controlled in map(fit_with_style_control, map(styled, range(30))) if controlled is not None], axis=0)
    assert plain[2] - plain[0] > -0.65  # the truth is -1
    assert (held - held.mean()) / ELO == pytest.approx(STRENGTHS, abs=0.06)


def test_a_covariate_that_belongs_to_the_system_is_not_separated_from_its_strength() -> None:
    votes = styled(0, own=0.0)
    assert has_own_variation(votes) == (False,)
    assert fit_with_style_control(votes) is None
    assert has_own_variation(styled(0, own=0.001)) == (False,)
    assert has_own_variation(styled(0, own=0.5)) == (True,)


def test_of_two_covariates_that_say_the_same_the_second_is_left_out() -> None:
    votes = styled(0)
    more = replace(votes, style=np.column_stack([votes.style, 3 * votes.style[:, 0] + np.where(votes.left == 1, 5.0, 0.0)]))
    steady = replace(votes, style=np.column_stack([votes.style, 3 * votes.style[:, 0]]))
    assert has_own_variation(steady) == (True, False)
    assert has_own_variation(more) == (True, True)  # the left alone of the second system is no difference of systems
    controlled, alone = fit_with_style_control(steady), fit_with_style_control(votes)
    assert controlled is not None
    assert alone is not None
    assert controlled.elo == pytest.approx(alone.elo, abs=1e-9)
    assert controlled.effects[1].value is None
    assert "does not vary" in controlled.effects[1].reason


def test_the_unit_of_a_covariate_does_not_change_the_ratings() -> None:
    votes = styled(3)
    plain, other = fit_with_style_control(votes), fit_with_style_control(replace(votes, style=1000 * votes.style))
    assert plain is not None
    assert other is not None
    assert plain.elo == pytest.approx(other.elo, abs=1e-9)
    assert plain.effects[0].value == pytest.approx(1000 * (other.effects[0].value or 0.0))


def test_a_covariate_that_is_the_same_on_the_left_throughout_is_the_side() -> None:
    votes = styled(0)
    steady = replace(votes, style=np.ones((len(votes), 1)))
    assert has_own_variation(steady) == (False,)
    assert has_own_variation(steady, side=False) == (True,)


def test_one_voter_gives_effects_without_interval() -> None:
    votes = styled(0)
    controlled = fit_with_style_control(replace(votes, voter=np.zeros(len(votes), np.int64)))
    assert controlled is not None
    assert controlled.half_widths is None
    assert controlled.effects[0].value is not None
    assert controlled.effects[0].low is None
    assert "two voters" in controlled.effects[0].reason
    nobody = np.zeros(0, np.int64)
    assert fit_with_style_control(Votes(2, nobody, nobody, nobody, nobody, nobody)) is None
