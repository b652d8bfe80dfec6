"""Standings: models that votes link, rated and ranked together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbench.arena.boards.board import Fragility, Interval, ModelStanding
from seedbench.arena.boards.style_control import interval_of
from seedbench.arena.boards.vote_arrays import answer_of, votes_among
from seedbench.arena.ratings.bradley_terry import ELO, Fit, Votes, fit
from seedbench.arena.ratings.clustering import Covariance, covariance
from seedbench.arena.ratings.connectivity import VoteGraph
from seedbench.arena.ratings.ranks import SAME_RATING, Ranks, ranks
from seedbench.arena.ratings.robustness import Action, worst_share, worst_voter
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules

_CHANGES: Mapping[Action, str] = {
    "drop": "without 1% of the votes, the worst found",
    "add": "with 1% more votes, the worst found",
    "flip": "with 1% of the votes turned, the worst found",
}


@dataclass(frozen=True)
class RatedComponent:
    """The models of one component of the vote graph, rated together.

    Attributes:
        members: (K,) the indices of its models among all models.
        votes: The votes among them.
        fitted: Their ratings.
        half_ties: (K,) their Elo ratings with halved ties.
        covariance: The covariance of the parameters; None where there are too few prompts or voters.
        ranks: The ranks that the votes leave possible; None in the same case.
        reason: Why covariance and ranks are None; empty otherwise.
    """

    members: np.ndarray
    votes: Votes
    fitted: Fit
    half_ties: np.ndarray
    covariance: Covariance | None
    ranks: Ranks | None
    reason: str

    @property
    def first(self) -> tuple[int, ...]:
        """The positions 0..K-1 in ``members`` of the models with the highest rating: several where ratings are equal."""
        return tuple(int(index) for index in np.flatnonzero(self.fitted.ratings >= self.fitted.ratings.max() - SAME_RATING))

    def rating(self, index: int) -> Interval:
        """The rating of a member on the Elo scale.

        Args:
            index: The position 0..K-1 of the model in ``members``.

        Returns:
            The rating about 1000 with its interval, or with the reason why there is none.
        """
        value = float(self.fitted.elo[index])
        if self.covariance is None:
            return interval_of(value, None, self.reason)
        error = self.covariance.errors(len(self.members))[index]
        return interval_of(value, float(ELO * error * self.covariance.quantile), self.reason)

    def side(self) -> Interval:
        """What being on the left is worth.

        Returns:
            The worth in Elo points with its interval, or with the reason why there is none.
        """
        m, spread = len(self.members), self.covariance
        half_width = None if spread is None else float(ELO * spread.quantile * np.sqrt(max(0.0, spread.values[m + 1, m + 1])))
        return interval_of(float(ELO * self.fitted.side), half_width, self.reason)

    def fragility(self, models: Sequence[str], rules: Rules) -> tuple[Fragility, ...]:
        """How far the lead depends on a few votes.

        Args:
            models: The names of all models of the board.
            rules: The rules of the board; the ridge of the ratings is used.

        Returns:
            The worst case of each kind of change; empty where nobody leads and for a component of one model.
        """
        if len(self.members) < 2 or len(self.first) > 1:
            return ()
        ridge = rules.rating.ridge
        voter = worst_voter(self.votes, self.fitted, ridge=ridge)
        changed = [("without one voter, the worst found", voter[1] if voter is not None else None)]
        for action, description in _CHANGES.items():
            changed.append((description, worst_share(self.votes, self.fitted, action=action, ridge=ridge)))
        return tuple(
            Fragility(
                description,
                altered.n_changed,
                altered.moved_elo,
                models[int(self.members[altered.leader])] if altered.leader >= 0 else None,
                altered.overturned,
            )
            for description, altered in changed
            if altered is not None
        )


def rated_component(votes: Votes, members: np.ndarray, rules: Rules) -> RatedComponent:
    """Rate the models of one component.

    The ratings are those of :func:`seedbench.arena.ratings.bradley_terry.fit`, with a covariance clustered by prompt and voter.

    Args:
        votes: The votes among all models.
        members: (K,) the indices of the component's models.
        rules: How ratings are computed.

    Returns:
        The ratings, with a reason where the votes allow no covariance.
    """
    rating = rules.rating
    among = votes_among(votes, members)
    fitted = fit(among, ties=rating.ties, side=rating.side_bias, ridge=rating.ridge)
    half_ties = fit(among, ties="half", side=rating.side_bias, ridge=rating.ridge).elo
    try:
        spread = covariance(among, fitted, unit="both", level=rating.level)
    except ValueError as error:
        return RatedComponent(members, among, fitted, half_ties, None, None, str(error))
    k = len(members)
    order = ranks(fitted.ratings, spread.values[:k, :k], quantile=spread.quantile, level=rating.level)
    return RatedComponent(members, among, fitted, half_ties, spread, order, "")


def standing_of(
    model: str,
    votes: Sequence[Vote],
    question: str,
    rules: Rules,
    *,
    rating: Interval,
    rank: tuple[int, int, int] | None,
    half_ties: float,
    online: float,
    style_held: Interval | str,
    marks: Sequence[str],
) -> ModelStanding:
    """The standing of one model on a board, with its votes counted.

    Args:
        model: The label of the model.
        votes: The votes that count, those that call both clips bad included; votes on other models are skipped.
        question: The question of the board.
        rules: The rules, which say below how many votes, prompts and voters a model is provisional.
        rating: Its rating on the Elo scale about 1000.
        rank: Its best rank, worst rank and tier (each 1 for the first); None where the model is not ranked.
        half_ties: Its Elo rating with ties as half wins.
        online: Its online Elo rating.
        style_held: Its Elo rating with style control, or the reason why there is none.
        marks: Its marks from :func:`graph_marks`; ``provisional`` is added here.

    Returns:
        The standing.
    """
    own = [vote for vote in votes if model in (vote.left, vote.right)]
    tally: Counter[str] = Counter()
    for vote in own:
        answer = answer_of(vote, question)
        winner = {"left": vote.left, "right": vote.right}.get(answer)
        tally[answer if winner is None else "won" if winner == model else "lost"] += 1
    n_prompts, n_voters = len({vote.prompt for vote in own} - {None}), len({vote.voter for vote in own} - {None})
    listing = rules.listing
    # votes of unknown voters, or on unknown prompts, may all be of one
    provisional = len(own) < listing.votes or max(n_prompts, 1) < listing.prompts or max(n_voters, 1) < listing.voters
    best, worst, tier = rank or (None, None, None)
    return ModelStanding(
        model=model,
        rating=rating,
        rank_best=best,
        rank_worst=worst,
        tier=tier,
        wins=tally["won"],
        losses=tally["lost"],
        ties=tally["tie"],
        both_bad=tally["both_bad"],
        n_prompts=n_prompts,
        n_voters=n_voters,
        half_ties=half_ties,
        online=online,
        marks=(*marks, *(["provisional"] if provisional else [])),
        style_held=style_held if isinstance(style_held, Interval) else None,
        style_reason=style_held if isinstance(style_held, str) else "",
        n_without_prompt=sum(vote.prompt is None for vote in own),
        n_without_voter=sum(vote.voter is None for vote in own),
    )


def graph_marks(graph: VoteGraph, model: int) -> list[str]:
    """The marks of a model that follow from who met whom.

    Args:
        graph: The vote graph of the board.
        model: The index of the model.

    Returns:
        Those of ``unconnected``, ``unbeaten``, ``winless`` and ``unsettled`` that apply (see
        :class:`seedbench.arena.boards.board.ModelStanding`).
    """
    unbeaten, winless = graph.unbeaten[model], graph.winless[model]
    marks = ["unconnected"] if graph.component[model] else []
    marks += ["unbeaten"] if unbeaten else []
    marks += ["winless"] if winless else []
    return marks + ([] if graph.settled[model] or unbeaten or winless else ["unsettled"])
