"""Our ratings and intervals against those of arena-rank, by which LMArena publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, Votes, fit
from seedbench.arena.ratings.clustering import covariance

GOLDEN = json.loads((Path(__file__).parent / "arena_rank.json").read_text(encoding="utf-8"))
OUTCOMES = {"model_a": LEFT, "tie": TIE, "model_b": RIGHT}


def votes_of(case: dict[str, Any]) -> Votes:
    left, right, outcome, count = zip(*case["votes"], strict=True)
    index_of = {name: number for number, name in enumerate(case["models"])}
    columns = [[index_of[name] for name in left], [index_of[name] for name in right], [OUTCOMES[word] for word in outcome]]
    each = [np.repeat(column, count) for column in columns]
    alone = np.arange(len(each[0]))
    return Votes(len(index_of), *each, prompt=alone, voter=alone)


@pytest.mark.parametrize("name", ["worked_example", "drawn"])
def test_ratings_and_independent_intervals_are_arena_rank_s(name: str) -> None:
    """Made by arena-rank 0.1.1 (PyPI, jax 0.8.1), ``BradleyTerry(n_competitors=M).compute_ratings_and_cis(PairDataset.from_pandas(df),
    significance_level=0.05)`` with everything else at its default, so that ties are half a win and intervals are its sandwich.

    ``worked_example`` is the 22 games of the package's own ``test_wikipedia_example``; ``drawn`` are 3,000 votes on six models by
    Davidson's model (strengths 0.9 to -0.9 logits), the models seen unevenly often. Votes are kept as counts. Its sandwich has the normal
    quantile and no small-sample factor, ours the t quantile and N / (N - 1); it also adds 1e-5 N to the diagonal of the Hessian, which
    narrows its intervals by a few hundredths of a percent.
    """
    case = GOLDEN["cases"][name]
    votes = votes_of(case)
    fitted = fit(votes, ties="half", side=False, ridge=0.0)
    assert fitted.elo == pytest.approx(np.array(case["ratings"]), abs=1e-3)
    n = len(votes)
    errors = covariance(votes, fitted, unit="vote").errors(votes.n_models) * np.sqrt((n - 1) / n)
    assert errors * ELO * ndtri(0.975) == pytest.approx(np.array(case["half_widths"]), rel=5e-4)


def test_our_small_sample_interval_is_wider_by_what_it_says() -> None:
    votes = votes_of(GOLDEN["cases"]["drawn"])
    fitted = fit(votes, ties="half", side=False, ridge=0.0)
    spread = covariance(votes, fitted, unit="vote")
    ours = spread.quantile * spread.errors(6) * ELO
    assert ours / np.array(GOLDEN["cases"]["drawn"]["half_widths"]) == pytest.approx(1.0, abs=2e-3)
    assert spread.quantile > ndtri(0.975)
