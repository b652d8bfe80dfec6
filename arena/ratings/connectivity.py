"""Who can be compared with whom at all: pieces of the graph of votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE, Votes


@dataclass(frozen=True)
class VoteGraph:
    """``wins`` (M, M) of row over column, ties half to each; ``ties`` (M, M); the ``piece`` (M,) of models that votes link, in whatever
    direction, -1 for a model without votes; ``unbeaten`` and ``winless`` (M,): never lost or tied, never won or tied; ``settled`` (M,):
    whether the likelihood alone, without a ridge, gives the model a finite place within its piece (Hunter 2004)."""

    wins: np.ndarray
    ties: np.ndarray
    piece: np.ndarray
    unbeaten: np.ndarray
    winless: np.ndarray
    settled: np.ndarray

    @property
    def n_pieces(self) -> int:
        """How many pieces there are among models with votes."""
        return int(self.piece.max()) + 1 if len(self.piece) else 0


def vote_graph(votes: Votes) -> VoteGraph:
    """The links of votes. Pieces are numbered by size, the largest first."""
    m = votes.n_models
    won, lost, tied = (_counted(votes, outcome) for outcome in (LEFT, RIGHT, TIE))
    ties = tied + tied.T
    wins = won + lost.T + ties / 2
    met = wins + wins.T > 0
    _, label = connected_components(csr_matrix(met), directed=False)
    lonely = ~met.any(1)
    sizes = np.bincount(label[~lonely], minlength=label.max(initial=-1) + 1)
    order = np.argsort(-sizes, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    piece = np.where(lonely, -1, number[label])
    _, strong = connected_components(csr_matrix(wins > 0), directed=True, connection="strong")
    settled = np.array([not lonely[model] and bool((strong[piece == piece[model]] == strong[model]).all()) for model in range(m)])
    return VoteGraph(wins, ties, piece, ~lonely & (wins.sum(0) == 0), ~lonely & (wins.sum(1) == 0), settled)


def _counted(votes: Votes, outcome: int) -> np.ndarray:
    here = votes.outcome == outcome
    m = votes.n_models
    return np.bincount(votes.left[here] * m + votes.right[here], minlength=m * m).reshape(m, m).astype(np.float64)
