"""A board and its parts, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedbench.arena.votes.log import OVERALL, Kind, Profile, Vote
from seedbench.arena.votes.rules import Answer


@dataclass(frozen=True)
class BoardScope:
    """The votes a board is about.

    Attributes:
        profile: ``native`` for clips as they came, ``matched`` for clips made alike.
        with_sound: Whether the clips were judged with sound.
        question: The question that was answered; by default the overall one.
        task: The task of the prompts; None for any.
        category: The category of the prompts; None for any.
    """

    profile: Profile
    with_sound: bool
    question: str = OVERALL
    task: str | None = None
    category: str | None = None

    @property
    def title(self) -> str:
        """The scope in words.

        >>> BoardScope("matched", True, task="talking").title
        'overall, with sound, matched, task talking'
        """
        parts = [self.question, "with sound" if self.with_sound else "silent", self.profile]
        parts += [f"task {self.task}"] if self.task else []
        parts += [f"category {self.category}"] if self.category else []
        return ", ".join(parts)

    def includes(self, vote: Vote) -> bool:
        """Whether a vote belongs to the board.

        Args:
            vote: The vote.

        Returns:
            True if profile, sound, question, task and category of the vote are those of the scope.
        """
        return (
            (vote.profile, vote.with_sound) == (self.profile, self.with_sound)
            and (self.question == OVERALL or self.question in vote.answers)
            and self.task in (None, vote.task)
            and self.category in (None, vote.category)
        )


@dataclass(frozen=True)
class Interval:
    """A value with the bounds of its interval.

    Attributes:
        value: The estimate, in the unit of what it estimates.
        low: The lower bound; None where there is no interval.
        high: The upper bound; None where there is no interval.
        reason: Why there is no interval; empty where there is one.
    """

    value: float
    low: float | None
    high: float | None
    reason: str = ""


@dataclass(frozen=True)
class ModelStanding:
    """One model on a board.

    Attributes:
        model: The label of the model.
        rating: Its rating on the Elo scale about 1000.
        rank_best: The best rank (1 is the first) that the votes leave possible; None where the model is not ranked.
        rank_worst: The worst such rank.
        tier: Its tier (1 is the best); None where the model is not ranked.
        wins: Votes that preferred its clip.
        losses: Votes that preferred the other clip.
        ties: Votes for neither.
        both_bad: Votes that called both clips bad.
        n_prompts: The number of known prompts among its votes.
        n_voters: The number of known voters among its votes.
        half_ties: Its Elo rating with ties as half wins; ranks nothing.
        online: Its online Elo rating; ranks nothing.
        marks: What limits a comparison: ``provisional`` (few votes, prompts or voters), ``unbeaten``, ``winless``, ``unsettled`` (only the
            ridge keeps the rating finite), ``unconnected`` (no votes link it to most models: it is not ranked with them, and its rating is
            relative to the mean of its own group).
        style_held: Its Elo rating with style control; ranks nothing. None where the votes cannot give one.
        style_reason: Why ``style_held`` is None; empty otherwise.
        n_without_prompt: How many of its votes are on a prompt that is not known.
        n_without_voter: How many of its votes are of a voter who is not known.
    """

    model: str
    rating: Interval
    rank_best: int | None
    rank_worst: int | None
    tier: int | None
    wins: int
    losses: int
    ties: int
    both_bad: int
    n_prompts: int
    n_voters: int
    half_ties: float
    online: float
    marks: tuple[str, ...] = ()
    style_held: Interval | None = None
    style_reason: str = ""
    n_without_prompt: int = 0
    n_without_voter: int = 0

    @property
    def n_votes(self) -> int:
        """Votes on pairs with this model."""
        return self.wins + self.losses + self.ties + self.both_bad


@dataclass(frozen=True)
class StyleEffect:
    """What one step of a covariate of style on one side is worth.

    Attributes:
        name: The covariate.
        step: One step in words (1 LU, 10 frames a second).
        points: The worth in Elo points; None where the votes cannot say.
        reason: Why ``points`` is None; empty otherwise.
    """

    name: str
    step: str
    points: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class StyleControl:
    """What the ratings with style control are based on.

    Attributes:
        effects: The effect of each covariate.
        n_votes: The number of votes used.
        n_lacking: The number of votes left out because they lack a covariate that others have.
    """

    effects: tuple[StyleEffect, ...]
    n_votes: int
    n_lacking: int


@dataclass(frozen=True)
class Fragility:
    """How far the lead depends on a few votes (:mod:`seedbench.arena.ratings.robustness`).

    The case is the worst for the leader that the search found.

    Attributes:
        what: The change in words: without one voter, or 1% of the votes left out, added or changed to another answer.
        n_changed: The number of changed votes.
        moved_elo: The largest move of any model, in Elo points.
        leader: The model that leads after the change; None where no vote is left.
        overturned: Whether that is another model than before.
    """

    what: str
    n_changed: int
    moved_elo: float
    leader: str | None
    overturned: bool


@dataclass(frozen=True)
class Board:
    """A board, with all that is needed to judge how far it can be trusted.

    Attributes:
        about: The votes it is about.
        standings: The models in the order of the board.
        side: What being on the left is worth, in Elo points; None where the rules do not estimate it.
        tie_share: The share 0..1 of ties among the rated votes.
        both_bad: The number of votes that prefer no side and that the rules keep out of the ratings.
        n_votes: The number of rated votes.
        n_prompts: The number of their known prompts.
        n_voters: The number of their known voters.
        n_pieces: The number of groups of models that votes link.
        checks: For each check the number of votes with each answer.
        unrated: The number of votes on check pairs, by kind.
        excluded: The number of votes that a check excluded.
        fragility: How far the lead depends on a few votes.
        wins: (M, M) wins of the row's model over the column's, in the order of ``standings``; a tie is half a win.
        surely_above: (M, M) whether the row's model is certainly better than the column's, in the same order.
        notes: What else a reader must know.
        votes_sha256: The hash of the vote log.
        rules_sha256: The hash of the rules.
        rules: Name and version of the rules.
        style: What the ratings with style control are based on; None without style control.
        n_simulated: How many of ``n_votes`` are those of simulated voters.
        n_imported: How many of ``n_votes`` are imported from another arena.
        n_without_prompt: How many of ``n_votes`` are on a prompt that is not known.
        n_without_voter: How many of ``n_votes`` are of a voter who is not known.
        equal_first: The models that share the highest rating, so that nobody leads; empty where one model has the highest.
    """

    about: BoardScope
    standings: tuple[ModelStanding, ...]
    side: Interval | None
    tie_share: float
    both_bad: int
    n_votes: int
    n_prompts: int
    n_voters: int
    n_pieces: int
    checks: Mapping[str, Mapping[Answer, int]]
    unrated: Mapping[Kind, int]
    excluded: int
    fragility: tuple[Fragility, ...]
    wins: tuple[tuple[float, ...], ...]
    surely_above: tuple[tuple[bool, ...], ...]
    notes: tuple[str, ...]
    votes_sha256: str
    rules_sha256: str
    rules: str
    style: StyleControl | None = None
    n_simulated: int = 0
    n_imported: int = 0
    n_without_prompt: int = 0
    n_without_voter: int = 0
    equal_first: tuple[str, ...] = ()
