"""Which models can be compared at all: the connected components of the graph of votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE, Votes


@dataclass(frozen=True)
class VoteGraph:
    """Who met whom, among M models.

    Attributes:
        wins: Wins of row over column, a tie being half a win of each (M, M).
        ties: Ties of row and column (M, M).
        component: The connected component of each model, -1 for a model without votes (M,).
        unbeaten: Whether a model never lost or tied (M,).
        winless: Whether a model never won or tied (M,).
        settled: Whether the likelihood alone, without a ridge, gives a model a finite rating within its component (Hunter 2004) (M,).
    """

    wins: np.ndarray
    ties: np.ndarray
    component: np.ndarray
    unbeaten: np.ndarray
    winless: np.ndarray
    settled: np.ndarray

    @property
    def n_components(self) -> int:
        """The number of components of models with votes."""
        return int(self.component.max()) + 1 if len(self.component) else 0


def vote_graph(votes: Votes) -> VoteGraph:
    """The graph of votes: models are nodes, and votes on two models link them.

    Args:
        votes: The votes.

    Returns:
        The graph, its components numbered by size, the largest first.
    """
    m = votes.n_models
    won, lost, tied = (_counted(votes, outcome) for outcome in (LEFT, RIGHT, TIE))
    ties = tied + tied.T
    wins = won + lost.T + ties / 2
    met = wins + wins.T > 0
    _, label = connected_components(csr_matrix(met), directed=False)
    unmet = ~met.any(1)
    sizes = np.bincount(label[~unmet], minlength=label.max(initial=-1) + 1)
    order = np.argsort(-sizes, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    component = np.where(unmet, -1, number[label])
    _, strong = connected_components(csr_matrix(wins > 0), directed=True, connection="strong")
    settled = np.array([not unmet[model] and bool((strong[component == component[model]] == strong[model]).all()) for model in range(m)])
    return VoteGraph(wins, ties, component, ~unmet & (wins.sum(0) == 0), ~unmet & (wins.sum(1) == 0), settled)


def _counted(votes: Votes, outcome: int) -> np.ndarray:
    here = votes.outcome == outcome
    m = votes.n_models
    return np.bincount(votes.left[here] * m + votes.right[here], minlength=m * m).reshape(m, m).astype(np.float64)
