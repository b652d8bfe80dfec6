"""Our ratings against those of evalica, which others publish by."""

from __future__ import annotations

from collections.abc import Callable

import evalica
import numpy as np
import pytest

from seedbench.arena.ratings.bradley_terry import ELO, Votes, fit
from seedbench.arena.ratings.elo import online

Arena = Callable[..., Votes]
WINNERS = (evalica.Winner.X, evalica.Winner.Draw, evalica.Winner.Y)


def evalica_columns(votes: Votes) -> tuple[list[int], list[int], list[evalica.Winner]]:
    return votes.left.tolist(), votes.right.tolist(), [WINNERS[outcome] for outcome in votes.outcome]


@pytest.mark.parametrize("seed", range(3))
def test_halved_ties_are_evalica_s_bradley_terry(arena: Arena, seed: int) -> None:
    votes = arena(np.linspace(0.9, -0.9, 9), 2_000, seed)
    expected = evalica.bradley_terry(*evalica_columns(votes), tie_weight=0.5, tolerance=1e-12, limit=10_000)
    theirs = np.log(expected.scores.sort_index().to_numpy())
    ours = fit(votes, ties="half", side=False, ridge=0.0).ratings
    assert ours * ELO == pytest.approx((theirs - theirs.mean()) * ELO, abs=1e-3)


def test_davidson_is_evalica_s_newman(arena: Arena) -> None:
    votes = arena(np.linspace(0.9, -0.9, 6), 2_000, 7)
    expected = evalica.newman(*evalica_columns(votes), tolerance=1e-13, limit=100_000)
    theirs = np.log(expected.scores.sort_index().to_numpy())
    ours = fit(votes, side=False, ridge=0.0)
    assert ours.ratings * ELO == pytest.approx((theirs - theirs.mean()) * ELO, abs=0.01)
    assert np.exp(ours.tie or 0.0) == pytest.approx(2 * expected.v, rel=1e-4)


def test_online_elo_is_evalica_s(arena: Arena) -> None:
    votes = arena(np.linspace(0.9, -0.9, 5), 1_000, 2)
    expected = evalica.elo(*evalica_columns(votes), initial=1000, base=10, scale=400, k=4)
    assert online(votes, k=4) == pytest.approx(expected.scores.sort_index().to_numpy(), abs=1e-6)
