"""A board: a function of a vote log and a rules file, and of nothing else.

Votes on silent and on sounding pairs, and votes on clips as they came (``native``) and on clips made alike (``matched``), are answers to
different questions: they are never in one board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seedbench.arena.boards.board import Board, BoardScope, Fragility, Interval, ModelStanding
from seedbench.arena.boards.style_control import interval_of, style_control
from seedbench.arena.boards.vote_arrays import answer_of, arrays_of, votes_among
from seedbench.arena.ratings.bradley_terry import ELO, TIE, Fit, Votes, fit
from seedbench.arena.ratings.clustering import Covariance, covariance
from seedbench.arena.ratings.connectivity import vote_graph
from seedbench.arena.ratings.elo import online
from seedbench.arena.ratings.ranks import SAME_RATING, ranks
from seedbench.arena.ratings.robustness import Action, AlteredBoard, worst_share, worst_voter
from seedbench.arena.votes.log import Vote, digest, in_order
from seedbench.arena.votes.rules import CheckedVotes, Rules, apply_rules
from seedbench.ties import falling_order

_SHARES: Mapping[Action, str] = {
    "drop": "without 1% of the votes, the worst found",
    "add": "with 1% more votes, the worst found",
    "flip": "with 1% of the votes turned, the worst found",
}


def boards(votes: Sequence[Vote], rules: Rules, *, split: bool = True) -> list[Board]:
    """Every board these votes make: for each profile and with or without sound the whole, and with ``split`` each task, category and
    optional question with votes. No votes make no boards. What the rules ask of a voter, they ask of all that the voter did, once."""
    ordered = in_order(votes)
    sha, use = digest(ordered), apply_rules(ordered, rules)
    grounds = sorted({(vote.profile, vote.with_sound) for vote in ordered}, key=lambda conditions: (not conditions[1], conditions[0]))
    all_boards = []
    for profile, with_sound in grounds:
        whole = BoardScope(profile, with_sound)
        here = use.subset(whole.has)
        all_boards.append(_board(here, rules, whole, sha))
        if split:
            all_boards += [_board(here.subset(part.has), rules, part, sha) for part in _parts(here.votes, whole)]
    return all_boards


def _parts(votes: Sequence[Vote], whole: BoardScope) -> list[BoardScope]:
    tasks = sorted({vote.task for vote in votes})
    categories = sorted({vote.category for vote in votes if vote.category})
    questions = sorted({question for vote in votes for question in vote.answers})
    parts = [replace(whole, task=task) for task in tasks] if len(tasks) > 1 else []
    parts += [replace(whole, category=category) for category in categories] if len(categories) > 1 else []
    return parts + [replace(whole, question=question) for question in questions]


def _board(use: CheckedVotes, rules: Rules, about: BoardScope, votes_sha256: str) -> Board:
    kept = use.kept
    apart = rules.rating.both_bad == "apart"
    rated = [vote for vote in kept if not (apart and answer_of(vote, about.question) == "both_bad")]
    models = sorted({name for vote in rated for name in (vote.left, vote.right)})
    unrated = sorted({name for vote in kept for name in (vote.left, vote.right)} - set(models))
    notes = [f"{name} is not rated: every vote on it says that both are bad" for name in unrated]
    arrays = arrays_of(rated, models, about.question)
    if not len(arrays):
        return _empty(about, use, rules, votes_sha256, notes)
    linked = vote_graph(arrays)
    standings: dict[int, ModelStanding] = {}
    above = np.zeros((len(models), len(models)), bool)
    side: Interval | None = None
    fragility: tuple[Fragility, ...] = ()
    elo = online(arrays, k=rules.rating.elo_k)
    style, style_held = style_control(rated, models, about.question, rules)
    for piece in range(linked.n_pieces):
        members = np.flatnonzero(linked.piece == piece)
        part = votes_among(arrays, members)
        fitted = fit(part, ties=rules.rating.ties, side=rules.rating.side_bias, ridge=rules.rating.ridge)
        half = fit(part, ties="half", side=rules.rating.side_bias, ridge=rules.rating.ridge).elo
        spread, reason = _spread(part, fitted, rules)
        errors = spread.errors(len(members)) if spread is not None else None
        order = None
        if spread is not None:
            order = ranks(fitted.ratings, spread.values[: len(members), : len(members)], quantile=spread.quantile, level=rules.rating.level)
            above[np.ix_(members, members)] = order.surely_above
            if spread.few and not piece:
                notes.append(
                    f"intervals rest on {spread.n_prompts} prompts and {spread.n_voters} voters: under 30 of either they are rough"
                )
        for index, member in enumerate(members):
            rating = float(fitted.elo[index])
            half_width = float(ELO * errors[index] * spread.quantile) if errors is not None and spread is not None else None
            ranked = order is not None and piece == 0
            standings[int(member)] = _standing(
                models[member],
                kept,
                about.question,
                rules,
                rating=interval_of(rating, half_width, reason),
                rank=(int(order.best[index]), int(order.worst[index]), int(order.tier[index])) if ranked and order is not None else None,
                extras=(float(half[index]), float(elo[member])),
                style_held=style_held[models[member]],
                marks=_link_marks(linked.unbeaten[member], linked.winless[member], linked.settled[member], piece),
            )
        if not piece:
            side = _side(fitted, spread, part, rules, reason)
            fragility = _fragility(part, fitted, [models[member] for member in members], rules)
    if linked.n_pieces > 1:
        notes.append(f"the votes fall into {linked.n_pieces} pieces that no vote links: only the models of the largest are ranked")
    by_rating = falling_order([standings[model].rating.value for model in range(len(models))], tolerance=ELO * SAME_RATING)
    order_shown = sorted(by_rating, key=lambda model: linked.piece[model])
    return Board(
        about=about,
        standings=tuple(standings[model] for model in order_shown),
        side=side,
        tie_share=float((arrays.outcome == TIE).mean()),
        both_bad=len(kept) - len(rated) if apart else 0,
        n_votes=len(arrays),
        n_prompts=len(np.unique(arrays.prompt)),
        n_voters=len(np.unique(arrays.voter)),
        n_pieces=linked.n_pieces,
        checks=use.answers,
        unrated=use.unrated,
        excluded=len(use.excluded),
        fragility=fragility,
        wins=tuple(tuple(float(linked.wins[a, b]) for b in order_shown) for a in order_shown),
        surely_above=tuple(tuple(bool(above[a, b]) for b in order_shown) for a in order_shown),
        notes=tuple(notes),
        votes_sha256=votes_sha256,
        rules_sha256=rules.digest,
        rules=f"{rules.name} {rules.version}",
        style=style,
        n_simulated=sum(vote.origin == "simulated" for vote in rated),
    )


def _empty(about: BoardScope, use: CheckedVotes, rules: Rules, sha: str, notes: Sequence[str]) -> Board:
    if use.kept:
        reason = f"all {len(use.kept)} votes that count say that both are bad"
    else:
        reason = f"of {len(use.votes)} votes none counts" if use.votes else "no vote was cast"
    return Board(
        about, (), None, 0.0, len(use.kept), 0, 0, 0, 0, use.answers, use.unrated, len(use.excluded), (), (), (), (reason, *notes), sha,
        rules.digest, f"{rules.name} {rules.version}",
    )  # fmt: skip


def _spread(votes: Votes, fitted: Fit, rules: Rules) -> tuple[Covariance | None, str]:
    try:
        return covariance(votes, fitted, unit="both", level=rules.rating.level), ""
    except ValueError as error:
        return None, str(error)


def _side(fitted: Fit, spread: Covariance | None, votes: Votes, rules: Rules, reason: str) -> Interval | None:
    if not rules.rating.side_bias:
        return None
    m = votes.n_models
    half_width = None if spread is None else float(ELO * spread.quantile * np.sqrt(max(0.0, spread.values[m + 1, m + 1])))
    return interval_of(float(ELO * fitted.side), half_width, reason)


def _link_marks(unbeaten: bool, winless: bool, settled: bool, piece: int) -> list[str]:
    marks = ["unconnected"] if piece else []
    marks += ["unbeaten"] if unbeaten else []
    marks += ["winless"] if winless else []
    return marks + ([] if settled or unbeaten or winless else ["unsettled"])


def _standing(
    model: str,
    votes: Sequence[Vote],
    question: str,
    rules: Rules,
    *,
    rating: Interval,
    rank: tuple[int, int, int] | None,
    extras: tuple[float, float],
    style_held: Interval | str,
    marks: list[str],
) -> ModelStanding:
    mine = [vote for vote in votes if model in (vote.left, vote.right)]
    tally: dict[str, int] = defaultdict(int)
    for vote in mine:
        answer = answer_of(vote, question)
        won = {"left": vote.left, "right": vote.right}.get(answer)
        tally[answer if won is None else "won" if won == model else "lost"] += 1
    n_prompts, n_voters = len({vote.prompt for vote in mine}), len({vote.voter for vote in mine})
    listing = rules.listing
    if len(mine) < listing.votes or n_prompts < listing.prompts or n_voters < listing.voters:
        marks = [*marks, "provisional"]
    best, worst, tier = rank or (None, None, None)
    return ModelStanding(
        model, rating, best, worst, tier, tally["won"], tally["lost"], tally["tie"], tally["both_bad"], n_prompts, n_voters, *extras,
        marks=tuple(marks),
        style_held=style_held if isinstance(style_held, Interval) else None,
        style_reason=style_held if isinstance(style_held, str) else "",
    )  # fmt: skip


def _fragility(votes: Votes, fitted: Fit, models: Sequence[str], rules: Rules) -> tuple[Fragility, ...]:
    if len(models) < 2:
        return ()
    ridge = rules.rating.ridge
    voter = worst_voter(votes, fitted, ridge=ridge)
    boards_then = [("without one voter, the worst found", voter[1] if voter is not None else None)]
    boards_then += [(what, worst_share(votes, fitted, action=action, ridge=ridge)) for action, what in _SHARES.items()]
    return tuple(_told(what, altered, models) for what, altered in boards_then if altered is not None)


def _told(what: str, altered: AlteredBoard, models: Sequence[str]) -> Fragility:
    leader = models[altered.leader] if altered.leader >= 0 else None
    return Fragility(what, altered.n_changed, altered.moved_elo, leader, altered.overturned)
