"""A board: a function of a vote log and a rules file, and of nothing else.

Votes on silent and on sounding pairs, and votes on clips as they came (``native``) and on clips made alike (``matched``), are answers to
different questions: they are never in one board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO, LEFT, RIGHT, TIE, Fit, Votes, fit
from seedbench.arena.ratings.clustering import Covariance, covariance
from seedbench.arena.ratings.connectivity import links
from seedbench.arena.ratings.elo import online
from seedbench.arena.ratings.ranks import SAME_RATING, ranks
from seedbench.arena.ratings.robustness import Action, Altered, worst_share, worst_voter
from seedbench.arena.ratings.style import held_equal
from seedbench.arena.votes.log import OVERALL, Kind, Profile, Vote, digest, in_order
from seedbench.arena.votes.rules import Answer, Counted, Rules, counted
from seedbench.ties import falling_order

_OUTCOME = {"left": LEFT, "right": RIGHT, "tie": TIE, "both_bad": TIE}
_STEPS = {"loudness_lu": (1.0, "1 LU"), "duration_s": (1.0, "1 s"), "megapixels": (1.0, "1 megapixel"), "fps": (10.0, "10 frames a second")}
"""How much of a covariate is told as one step."""
_SHARES: Mapping[Action, str] = {
    "drop": "without 1% of the votes, the worst found",
    "add": "with 1% more votes, the worst found",
    "flip": "with 1% of the votes turned, the worst found",
}


@dataclass(frozen=True)
class Slice:
    """Which votes a board is about; None is any."""

    profile: Profile
    with_sound: bool
    question: str = OVERALL
    task: str | None = None
    category: str | None = None

    @property
    def title(self) -> str:
        """In words.

        >>> Slice("matched", True, task="talking").title
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
class Standing:
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
class Style:
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

    about: Slice
    standings: tuple[Standing, ...]
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
    style: Style | None = None
    n_simulated: int = 0


def boards(votes: Sequence[Vote], rules: Rules, *, split: bool = True) -> list[Board]:
    """Every board these votes make: for each profile and with or without sound the whole, and with ``split`` each task, category and
    optional question with votes. No votes make no boards. What the rules ask of a voter, they ask of all that the voter did, once."""
    ordered = in_order(votes)
    sha, use = digest(ordered), counted(ordered, rules)
    grounds = sorted({(vote.profile, vote.with_sound) for vote in ordered}, key=lambda one: (not one[1], one[0]))
    made = []
    for profile, with_sound in grounds:
        whole = Slice(profile, with_sound)
        here = use.among(whole.has)
        made.append(_board(here, rules, whole, sha))
        if split:
            made += [_board(here.among(part.has), rules, part, sha) for part in _parts(here.votes, whole)]
    return made


def _parts(votes: Sequence[Vote], whole: Slice) -> list[Slice]:
    tasks = sorted({vote.task for vote in votes})
    categories = sorted({vote.category for vote in votes if vote.category})
    questions = sorted({question for vote in votes for question in vote.answers})
    parts = [replace(whole, task=task) for task in tasks] if len(tasks) > 1 else []
    parts += [replace(whole, category=category) for category in categories] if len(categories) > 1 else []
    return parts + [replace(whole, question=question) for question in questions]


def _board(use: Counted, rules: Rules, about: Slice, votes_sha256: str) -> Board:
    kept = use.kept
    apart = rules.rating.both_bad == "apart"
    rated = [vote for vote in kept if not (apart and answer_of(vote, about.question) == "both_bad")]
    models = sorted({name for vote in rated for name in (vote.left, vote.right)})
    unrated = sorted({name for vote in kept for name in (vote.left, vote.right)} - set(models))
    notes = [f"{name} is not rated: every vote on it says that both are bad" for name in unrated]
    arrays = _arrays(rated, models, about.question)
    if not len(arrays):
        return _empty(about, use, rules, votes_sha256, notes)
    linked = links(arrays)
    found: dict[int, Standing] = {}
    above = np.zeros((len(models), len(models)), bool)
    side: Interval | None = None
    fragility: tuple[Fragility, ...] = ()
    elo = online(arrays, k=rules.rating.elo_k)
    style, style_held = _style(rated, models, about.question, rules)
    for piece in range(linked.n_pieces):
        members = np.flatnonzero(linked.piece == piece)
        part = _within(arrays, members)
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
        for place, member in enumerate(members):
            rating = float(fitted.elo[place])
            half_width = float(ELO * errors[place] * spread.quantile) if errors is not None and spread is not None else None
            ranked = order is not None and piece == 0
            found[int(member)] = _standing(
                models[member],
                kept,
                about.question,
                rules,
                rating=_interval(rating, half_width, reason),
                rank=(int(order.best[place]), int(order.worst[place]), int(order.tier[place])) if ranked and order is not None else None,
                extras=(float(half[place]), float(elo[member])),
                style_held=style_held[models[member]],
                marks=_link_marks(linked.unbeaten[member], linked.winless[member], linked.settled[member], piece),
            )
        if not piece:
            side = _side(fitted, spread, part, rules, reason)
            fragility = _fragility(part, fitted, [models[one] for one in members], rules)
    if linked.n_pieces > 1:
        notes.append(f"the votes fall into {linked.n_pieces} pieces that no vote links: only the models of the largest are ranked")
    by_rating = falling_order([found[one].rating.value for one in range(len(models))], tolerance=ELO * SAME_RATING)
    order_shown = sorted(by_rating, key=lambda one: linked.piece[one])
    return Board(
        about=about,
        standings=tuple(found[one] for one in order_shown),
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


def _empty(about: Slice, use: Counted, rules: Rules, sha: str, notes: Sequence[str]) -> Board:
    if use.kept:
        told = f"all {len(use.kept)} votes that count say that both are bad"
    else:
        told = f"of {len(use.votes)} votes none counts" if use.votes else "no vote was cast"
    return Board(
        about, (), None, 0.0, len(use.kept), 0, 0, 0, 0, use.answers, use.unrated, len(use.excluded), (), (), (), (told, *notes), sha,
        rules.digest, f"{rules.name} {rules.version}",
    )  # fmt: skip


def answer_of(vote: Vote, question: str) -> str:
    """What a vote says to a question."""
    return vote.choice if question == OVERALL else vote.answers[question]


def _arrays(votes: Sequence[Vote], models: Sequence[str], question: str) -> Votes:
    place = {name: index for index, name in enumerate(models)}
    prompts, voters = _numbers(vote.prompt for vote in votes), _numbers(vote.voter for vote in votes)
    left, right, outcome = (
        np.array(one, np.int64)
        for one in (
            [place[vote.left] for vote in votes],
            [place[vote.right] for vote in votes],
            [_OUTCOME[answer_of(vote, question)] for vote in votes],
        )
    )
    return Votes(len(models), left, right, outcome, prompts, voters)


def _numbers(names: Iterable[str]) -> np.ndarray:
    order: dict[str, int] = {}
    return np.array([order.setdefault(name, len(order)) for name in names], np.int64)


def _within(votes: Votes, members: np.ndarray) -> Votes:
    """The votes among some models, which get places of their own."""
    place = np.full(votes.n_models, -1)
    place[members] = np.arange(len(members))
    part = votes.chosen(place[votes.left] >= 0)
    return replace(part, n_models=len(members), left=place[part.left], right=place[part.right])


def _spread(votes: Votes, fitted: Fit, rules: Rules) -> tuple[Covariance | None, str]:
    try:
        return covariance(votes, fitted, unit="both", level=rules.rating.level), ""
    except ValueError as error:
        return None, str(error)


def _interval(value: float, half_width: float | None, reason: str) -> Interval:
    return Interval(value, None, None, reason) if half_width is None else Interval(value, value - half_width, value + half_width)


def _side(fitted: Fit, spread: Covariance | None, votes: Votes, rules: Rules, reason: str) -> Interval | None:
    if not rules.rating.side_bias:
        return None
    m = votes.n_models
    half_width = None if spread is None else float(ELO * spread.quantile * np.sqrt(max(0.0, spread.values[m + 1, m + 1])))
    return _interval(float(ELO * fitted.side), half_width, reason)


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
) -> Standing:
    mine = [vote for vote in votes if model in (vote.left, vote.right)]
    tally: dict[str, int] = defaultdict(int)
    for vote in mine:
        said = answer_of(vote, question)
        won = {"left": vote.left, "right": vote.right}.get(said)
        tally[said if won is None else "won" if won == model else "lost"] += 1
    n_prompts, n_voters = len({vote.prompt for vote in mine}), len({vote.voter for vote in mine})
    listing = rules.listing
    if len(mine) < listing.votes or n_prompts < listing.prompts or n_voters < listing.voters:
        marks = [*marks, "provisional"]
    best, worst, tier = rank or (None, None, None)
    return Standing(
        model, rating, best, worst, tier, tally["won"], tally["lost"], tally["tie"], tally["both_bad"], n_prompts, n_voters, *extras,
        marks=tuple(marks),
        style_held=style_held if isinstance(style_held, Interval) else None,
        style_reason=style_held if isinstance(style_held, str) else "",
    )  # fmt: skip


def _style(votes: Sequence[Vote], models: Sequence[str], question: str, rules: Rules) -> tuple[Style | None, dict[str, Interval | str]]:
    """The effects of style, and for each model its rating with style held equal, or why there is none."""
    names = rules.rating.style
    if not names:
        return None, dict.fromkeys(models, "the rules name no covariates of style")
    carried = [name for name in names if any(name in vote.style for vote in votes)]
    whole = [vote for vote in votes if all(name in vote.style for name in carried)]
    why = {name: "no vote carries it" for name in names if name not in carried}

    def without(reason: str) -> tuple[Style, dict[str, Interval | str]]:
        effects = tuple(StyleEffect(name, _step(name)[1], None, why.get(name, reason)) for name in names)
        return Style(effects, 0, len(votes) - len(whole) if carried else len(votes)), dict.fromkeys(models, reason)

    if not carried or not whole:
        return without(f"no vote carries {', '.join(carried or names)}")
    arrays = _arrays(whole, models, question)
    arrays = replace(arrays, style=np.array([[vote.style[name] for name in carried] for vote in whole], np.float64))
    members = np.flatnonzero(links(arrays).piece == 0)
    part = _within(arrays, members)
    rating = rules.rating
    found = held_equal(part, ties=rating.ties, side=rating.side_bias, ridge=rating.ridge, level=rating.level)
    if found is None:
        return without("no covariate of style varies between votes on the same two systems")
    effects = []
    for name in names:
        factor, step = _step(name)
        if name in why:
            effects.append(StyleEffect(name, step, None, why[name]))
            continue
        effect = found.effects[carried.index(name)]
        if effect.value is None:
            effects.append(StyleEffect(name, step, None, effect.reason))
        else:
            half_width = None if effect.high is None else factor * (effect.high - effect.value)
            effects.append(StyleEffect(name, step, _interval(factor * effect.value, half_width, effect.reason)))
    ratings: dict[str, Interval | str] = dict.fromkeys(models, "the votes on it that carry covariates do not link it to the others")
    for place, member in enumerate(members):
        half_width = None if found.half_widths is None else float(found.half_widths[place])
        ratings[models[int(member)]] = _interval(float(found.elo[place]), half_width, found.reason)
    return Style(tuple(effects), len(part), len(votes) - len(whole)), ratings


def _step(name: str) -> tuple[float, str]:
    return _STEPS.get(name, (1.0, f"1 of {name}"))


def _fragility(votes: Votes, fitted: Fit, models: Sequence[str], rules: Rules) -> tuple[Fragility, ...]:
    if len(models) < 2:
        return ()
    ridge = rules.rating.ridge
    voter = worst_voter(votes, fitted, ridge=ridge)
    found = [("without one voter, the worst found", voter[1] if voter is not None else None)]
    found += [(what, worst_share(votes, fitted, action=action, ridge=ridge)) for action, what in _SHARES.items()]
    return tuple(_told(what, altered, models) for what, altered in found if altered is not None)


def _told(what: str, altered: Altered, models: Sequence[str]) -> Fragility:
    leader = models[altered.leader] if altered.leader >= 0 else None
    return Fragility(what, altered.n_changed, altered.moved_elo, leader, altered.overturned)
