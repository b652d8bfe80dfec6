"""A board and its parts, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedbench.arena.votes.log import OVERALL, Kind, Profile, Vote
from seedbench.arena.votes.rules import Answer


@dataclass(frozen=True)
class BoardScope:
    """Which votes a board is about; None stands for any."""

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
        """Whether a vote belongs to the board."""
        return (
            (vote.profile, vote.with_sound) == (self.profile, self.with_sound)
            and (self.question == OVERALL or self.question in vote.answers)
            and self.task in (None, vote.task)
            and self.category in (None, vote.category)
        )


@dataclass(frozen=True)
class Interval:
    """A value with the bounds of its interval. Where there is no interval both are None, and ``reason`` says why."""

    value: float
    low: float | None
    high: float | None
    reason: str = ""


@dataclass(frozen=True)
class ModelStanding:
    """One model on a board, on the Elo scale about 1000.

    ``rank_best`` and ``rank_worst`` (1 is the first) are the ranks that the votes leave possible, ``tier`` is its tier. ``marks`` say what
    limits a comparison: ``provisional`` (few votes, prompts or voters), ``unbeaten``, ``winless``, ``unsettled`` (only the ridge keeps the
    rating finite), ``unconnected`` (no votes link it to most models: it is not ranked with them, and its rating is relative to the mean of
    its own group). ``half_ties``, ``online`` and ``style_held`` are further ratings, which rank nothing: ties halved, online Elo, and style
    control (None, with ``style_reason``, where the votes cannot give one).
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
    ``reason``, where the votes cannot say."""

    name: str
    step: str
    points: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class StyleControl:
    """What the ratings with style control are based on: the effect of each covariate, the votes used, and the votes left out because they
    lack a covariate that others have."""

    effects: tuple[StyleEffect, ...]
    n_votes: int
    n_lacking: int


@dataclass(frozen=True)
class Fragility:
    """How the lead depends on few votes: the board without one voter, or after 1% of the votes were left out, added or changed to another
    answer; the worst case for the leader that the search found (:mod:`seedbench.arena.ratings.robustness`). ``n_changed`` is the number of
    these votes, ``leader`` the model that leads then."""

    what: str
    n_changed: int
    moved_elo: float
    leader: str | None
    overturned: bool


@dataclass(frozen=True)
class Board:
    """A board, with all that is needed to judge how far it can be trusted.

    ``both_bad`` counts votes that prefer no side and that the rules keep out of the ratings; ``n_simulated`` of ``n_votes`` are those of
    simulated voters; ``n_pieces`` is the number of groups of models that votes link; ``wins`` (M, M) is by pair (row over column, a tie is
    half a win) and ``surely_above`` (M, M) says whether the row's model is certainly better, both in the order of ``standings``.
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
