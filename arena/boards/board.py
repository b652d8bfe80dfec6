"""A board and its parts, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedbench.arena.votes.log import OVERALL, Kind, Profile, Vote
from seedbench.arena.votes.rules import Answer


@dataclass(frozen=True)
class BoardScope:
    """Which votes a board is about; None is any."""

    profile: Profile
    with_sound: bool
    question: str = OVERALL
    task: str | None = None
    category: str | None = None

    @property
    def title(self) -> str:
        """In words.

        >>> BoardScope("matched", True, task="talking").title
        'overall, with sound, matched, task talking'
        """
        parts = [self.question, "with sound" if self.with_sound else "silent", self.profile]
        parts += [f"task {self.task}"] if self.task else []
        parts += [f"category {self.category}"] if self.category else []
        return ", ".join(parts)

    def has(self, vote: Vote) -> bool:
        """Whether a vote belongs to it."""
        return (
            (vote.profile, vote.with_sound) == (self.profile, self.with_sound)
            and (self.question == OVERALL or self.question in vote.answers)
            and self.task in (None, vote.task)
            and self.category in (None, vote.category)
        )


@dataclass(frozen=True)
class Interval:
    """A figure with the bounds of its interval; None for both where there is none, and ``reason`` says why."""

    value: float
    low: float | None
    high: float | None
    reason: str = ""


@dataclass(frozen=True)
class ModelStanding:
    """One model on a board, on the Elo scale about 1000.

    ``rank_best`` and ``rank_worst`` (1 first) are what the votes leave open, ``tier`` its tier. ``marks`` say what keeps it from being
    compared: ``provisional`` (few votes, prompts or voters), ``unbeaten``, ``winless``, ``unsettled`` (only the ridge keeps it finite),
    ``unconnected`` (of another piece than most models: not ranked with them, and its rating is about its own piece's mean).
    ``half_ties``, ``online`` and ``style_held`` are further ratings, which rank nothing: ties halved, the online curve, and style held
    equal (None, with ``style_reason``, where votes do not tell).
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

    @property
    def n_votes(self) -> int:
        """Votes on pairs with this model."""
        return self.wins + self.losses + self.ties + self.both_bad


@dataclass(frozen=True)
class StyleEffect:
    """What ``step`` more of the covariate ``name`` on one side (1 LU, 10 frames a second) is worth, in Elo points; None, with the
    ``reason``, where votes do not tell."""

    name: str
    step: str
    points: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class StyleControl:
    """What the ratings with style held equal rest on: the effect of each covariate, the votes used, and those left out since they lack a
    covariate that others carry."""

    effects: tuple[StyleEffect, ...]
    n_votes: int
    n_lacking: int


@dataclass(frozen=True)
class Fragility:
    """What the lead hangs on: the board without one voter, and after 1% of the votes were left out, added or turned; of what was tried, the
    worst for the first (:mod:`seedbench.arena.ratings.robustness`). ``n_changed`` votes were; ``leader`` names who leads then."""

    what: str
    n_changed: int
    moved_elo: float
    leader: str | None
    overturned: bool


@dataclass(frozen=True)
class Board:
    """A board with all that is needed to doubt it. ``both_bad`` counts votes that found no side good enough to prefer and that the rules
    keep apart from the ratings; ``n_simulated`` of ``n_votes`` are no person's; ``wins`` is by pair (row over column, ties half), in the
    order of ``standings``."""

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
