"""Boards from a vote log and a rules file, and from nothing else.

Votes on silent and on sounding pairs, and votes on clips as they came (``native``) and on clips made alike (``matched``), answer different
questions: they are never in one board.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seedbench.arena.boards.board import Board, BoardScope, ModelStanding
from seedbench.arena.boards.notes import few_clusters_note, name_notes, none_counts_notes, unknown_notes
from seedbench.arena.boards.standings import graph_marks, rated_component, standing_of
from seedbench.arena.boards.style_control import style_control
from seedbench.arena.boards.vote_arrays import answer_of, arrays_of
from seedbench.arena.ratings.bradley_terry import ELO, TIE, UNKNOWN
from seedbench.arena.ratings.clustering import n_known
from seedbench.arena.ratings.connectivity import vote_graph
from seedbench.arena.ratings.elo import online
from seedbench.arena.ratings.ranks import SAME_RATING
from seedbench.arena.votes.log import Vote, digest, in_order
from seedbench.arena.votes.rules import CheckedVotes, Rules, apply_rules
from seedbench.ties import falling_order


def boards(votes: Sequence[Vote], rules: Rules, *, split: bool = True) -> list[Board]:
    """Make all boards of a vote log.

    Checks of a voter are applied to all votes of that voter once: a board of one task excludes the same people as the overall board.

    Args:
        votes: The votes of a log, in any order.
        rules: Which votes count, and how ratings are computed.
        split: Whether to make boards by task, category and optional question as well.

    Returns:
        For each profile, with and without sound, the overall board, followed by those of its parts; none without votes. Ratings are
        Bradley-Terry with Davidson's ties on the Elo scale about 1000 (:mod:`seedbench.arena.ratings.bradley_terry`), with intervals
        clustered by prompt and voter (:mod:`seedbench.arena.ratings.clustering`).
    """
    ordered = in_order(votes)
    sha256, checked = digest(ordered), apply_rules(ordered, rules)
    conditions = sorted({(not vote.with_sound, vote.profile) for vote in ordered})
    all_boards = []
    for silent, profile in conditions:
        overall = BoardScope(profile, not silent)
        in_scope = checked.subset(overall.includes)
        scopes = [overall, *(_parts(in_scope.votes, overall) if split else [])]
        all_boards += [_board(in_scope.subset(scope.includes), rules, scope, sha256) for scope in scopes]
    return all_boards


def _parts(votes: Sequence[Vote], overall: BoardScope) -> list[BoardScope]:
    """The scopes by task, category and optional question."""
    tasks = sorted({vote.task for vote in votes})
    categories = sorted({vote.category for vote in votes if vote.category})
    questions = sorted({question for vote in votes for question in vote.answers})
    parts = [replace(overall, task=task) for task in tasks] if len(tasks) > 1 else []
    parts += [replace(overall, category=category) for category in categories] if len(categories) > 1 else []
    return parts + [replace(overall, question=question) for question in questions]


def _board(checked: CheckedVotes, rules: Rules, about: BoardScope, votes_sha256: str) -> Board:
    kept = checked.kept
    apart = rules.rating.both_bad == "apart"
    rated = [vote for vote in kept if not (apart and answer_of(vote, about.question) == "both_bad")]
    models = sorted({name for vote in rated for name in (vote.left, vote.right)})
    unrated = sorted({name for vote in kept for name in (vote.left, vote.right)} - set(models))
    notes = [f"{name} is not rated: every vote on it says that both are bad" for name in unrated]
    votes = arrays_of(rated, models, about.question)
    if not len(votes):
        return _empty_board(about, checked, rules, votes_sha256, notes)
    graph = vote_graph(votes)
    components = [rated_component(votes, np.flatnonzero(graph.component == number), rules) for number in range(graph.n_components)]
    largest, elo = components[0], online(votes, k=rules.rating.elo_k)
    style, style_held = style_control(rated, models, about.question, rules)
    standings: dict[int, ModelStanding] = {}
    surely_above = np.zeros((len(models), len(models)), bool)
    for component in components:
        order = component.ranks
        if order is not None:
            surely_above[np.ix_(component.members, component.members)] = order.surely_above
        for index, member in enumerate(component.members):
            ranked = order is not None and component is largest
            standings[int(member)] = standing_of(
                models[member],
                kept,
                about.question,
                rules,
                rating=component.rating(index),
                rank=(int(order.best[index]), int(order.worst[index]), int(order.tier[index])) if ranked and order is not None else None,
                half_ties=float(component.half_ties[index]),
                online=float(elo[member]),
                style_held=style_held[models[member]],
                marks=graph_marks(graph, int(member)),
            )
    unknown = unknown_notes(votes)
    notes += [*unknown, *few_clusters_note(largest.covariance, all_known=not unknown), *name_notes(models)]
    if len(components) > 1:
        notes.append(f"the votes fall into {len(components)} groups that no vote links: only the models of the largest group are ranked")
    by_rating = falling_order([standings[model].rating.value for model in range(len(models))], tolerance=ELO * SAME_RATING)
    shown = sorted(by_rating, key=lambda model: graph.component[model])
    return Board(
        about=about,
        standings=tuple(standings[model] for model in shown),
        side=largest.side() if rules.rating.side_bias else None,
        tie_share=float((votes.outcome == TIE).mean()),
        both_bad=len(kept) - len(rated) if apart else 0,
        n_votes=len(votes),
        n_prompts=n_known(votes.prompt),
        n_voters=n_known(votes.voter),
        n_pieces=len(components),
        checks=checked.answers,
        unrated=checked.unrated,
        excluded=len(checked.excluded),
        fragility=largest.fragility(models, rules),
        wins=tuple(tuple(float(graph.wins[row, column]) for column in shown) for row in shown),
        surely_above=tuple(tuple(bool(surely_above[row, column]) for column in shown) for row in shown),
        notes=tuple(notes),
        votes_sha256=votes_sha256,
        rules_sha256=rules.digest,
        rules=f"{rules.name} {rules.version}",
        style=style,
        n_simulated=sum(vote.origin == "simulated" for vote in rated),
        n_imported=sum(vote.origin == "imported" for vote in rated),
        n_without_prompt=int((votes.prompt == UNKNOWN).sum()),
        n_without_voter=int((votes.voter == UNKNOWN).sum()),
        equal_first=tuple(models[int(largest.members[index])] for index in largest.first) if len(largest.first) > 1 else (),
    )


def _empty_board(about: BoardScope, checked: CheckedVotes, rules: Rules, votes_sha256: str, notes: Sequence[str]) -> Board:
    """A board without standings, with the reason."""
    if checked.kept:
        reasons = [f"all {len(checked.kept)} votes that count say that both are bad"]
    else:
        reasons = none_counts_notes(checked, rules) if checked.votes else ["no vote was cast"]
    return Board(
        about=about,
        standings=(),
        side=None,
        tie_share=0.0,
        both_bad=len(checked.kept),
        n_votes=0,
        n_prompts=0,
        n_voters=0,
        n_pieces=0,
        checks=checked.answers,
        unrated=checked.unrated,
        excluded=len(checked.excluded),
        fragility=(),
        wins=(),
        surely_above=(),
        notes=(*reasons, *notes),
        votes_sha256=votes_sha256,
        rules_sha256=rules.digest,
        rules=f"{rules.name} {rules.version}",
    )
