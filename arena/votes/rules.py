"""The rules file: which votes count, and how boards are made of them. It is fixed before the first vote.

Every check has three answers: ``ok``, ``excluded``, and ``unchecked`` where it could not be made (a voter who saw no gold pair yet, an
imported log without times). The third is counted and shown beside the others: a check that silently answers "bad" where it could not be
made has cost other arenas months of honest votes.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import bdtr

from seedbench.arena.votes.log import Kind, Origin, Vote
from seedbench.errors import SeedBenchError
from seedbench.files import yaml_model

Answer = Literal["ok", "excluded", "unchecked"]
DEFAULT = Path(__file__).parent / "rules.yaml"
FOR_IMPORTED = Path(__file__).parent / "imported_rules.yaml"


class RulesError(SeedBenchError):
    """A rules file that is malformed; the message carries file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Check(_Strict):
    unchecked: Literal["keep", "exclude"] = Field(default="keep", description="Whether votes that the check cannot be made on count.")


class HeardCheck(_Check):
    """At least this share of each clip was played."""

    check: Literal["heard"]
    at_least: float = Field(default=0.8, ge=0, le=1)


class DwellCheck(_Check):
    """Between showing and voting the server measured at least this many lengths of the shorter clip."""

    check: Literal["dwell"]
    at_least: float = Field(default=1.0, ge=0)


class SoundCheckPassed(_Check):
    """A voter who judges clips with sound has passed the sound check."""

    check: Literal["sound_check"]


class _Share(_Check):
    """A voter's answers of one kind were right in a share of cases. A voter whose share is too small by no more than chance explains
    (one-sided exact binomial test at ``level``) is not excluded: few cases say little, and honest voters must not pay for it."""

    level: float = Field(default=0.05, gt=0, lt=1)


class GoldCheck(_Share):
    """The share of a voter's gold pairs that were judged right; unchecked below ``answered`` of them."""

    check: Literal["gold"]
    at_least: float = Field(default=0.7, ge=0, le=1)
    answered: int = Field(default=3, ge=1)


class ConsistencyCheck(_Share):
    """The share of the pairs seen again with sides swapped that got the same verdict; unchecked below ``answered`` of them."""

    check: Literal["consistency"]
    at_least: float = Field(default=0.4, ge=0, le=1)
    answered: int = Field(default=5, ge=1)


class OneSidedCheck(_Check):
    """The largest share of a voter's decided votes that may go to one side; unchecked below ``answered`` of them."""

    check: Literal["one_sided"]
    at_most: float = Field(default=0.9, ge=0.5, le=1)
    answered: int = Field(default=15, ge=1)


class VoteCapCheck(_Check):
    """The first ``votes`` of a voter count."""

    check: Literal["cap"]
    votes: int = Field(default=200, ge=1)


class OriginCheck(_Check):
    """Votes of these origins count."""

    check: Literal["origin"]
    origins: tuple[Origin, ...] = ("people",)


Check = Annotated[
    HeardCheck | DwellCheck | SoundCheckPassed | GoldCheck | ConsistencyCheck | OneSidedCheck | VoteCapCheck | OriginCheck,
    Field(discriminator="check"),
]


class RatingRules(_Strict):
    """How ratings are computed."""

    ties: Literal["davidson", "half"] = "davidson"
    both_bad: Literal["apart", "tie"] = "apart"
    side_bias: bool = True
    ridge: float = Field(default=0.05, ge=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    elo_k: float = Field(default=4.0, gt=0)
    style: tuple[str, ...] = Field(
        default=("loudness_lu", "duration_s", "megapixels", "fps"),
        description="Covariates of style control, in a further rating beside the one that ranks.",
    )

    @model_validator(mode="after")
    def _each_covariate_once(self) -> Self:
        twice = sorted({name for name in self.style if self.style.count(name) > 1})
        if twice:
            raise ValueError(f"the covariate {twice[0]!r} is given twice")
        return self


class ListingRules(_Strict):
    """A model below any of these numbers is listed as provisional."""

    votes: int = Field(default=100, ge=0)
    prompts: int = Field(default=20, ge=0)
    voters: int = Field(default=5, ge=0)


class Rules(_Strict):
    """A rules file."""

    name: str
    version: str = "1"
    rating: RatingRules = RatingRules()
    listing: ListingRules = ListingRules()
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _each_check_once(self) -> Self:
        names = [check.check for check in self.checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the check {twice[0]!r} is given twice")
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that decides a board."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class CheckedVotes:
    """Votes and what the checks answer on them.

    Attributes:
        votes: All votes.
        answers_by_vote: By check and vote id, the answer. Votes on pairs that are themselves checks (gold, same, repeat) have none: no
            board is made of them.
        excluded: By vote id, the first check that excluded the vote.
    """

    votes: tuple[Vote, ...]
    answers_by_vote: Mapping[str, Mapping[str, Answer]]
    excluded: Mapping[str, str]

    @property
    def kept(self) -> tuple[Vote, ...]:
        """The votes that count."""
        return tuple(vote for vote in self.votes if vote.kind == "pair" and vote.id not in self.excluded)

    @property
    def answers(self) -> dict[str, dict[Answer, int]]:
        """For each check the number of votes with each answer."""
        return {
            check: {answer: sum(given == answer for given in by_vote.values()) for answer in ("ok", "excluded", "unchecked")}
            for check, by_vote in self.answers_by_vote.items()
        }

    @property
    def unrated(self) -> dict[Kind, int]:
        """The number of votes on check pairs, by kind."""
        counts: dict[Kind, int] = {"gold": 0, "same": 0, "repeat": 0}
        for vote in self.votes:
            if vote.kind != "pair":
                counts[vote.kind] += 1
        return counts

    def subset(self, includes: Callable[[Vote], bool]) -> CheckedVotes:
        """Some of the votes, with the answers on them.

        Args:
            includes: Whether to keep a vote.

        Returns:
            These votes. Answers about a voter do not change: they rest on all votes of that voter.
        """
        votes = tuple(vote for vote in self.votes if includes(vote))
        ids = {vote.id for vote in votes}
        answers = {
            check: {vote: answer for vote, answer in by_vote.items() if vote in ids} for check, by_vote in self.answers_by_vote.items()
        }
        return CheckedVotes(votes, answers, {vote: check for vote, check in self.excluded.items() if vote in ids})


def load(file: Path | None = None) -> Rules:
    """Read a rules file.

    Args:
        file: A YAML file; None for the shipped rules.

    Raises:
        RulesError: The file cannot be read or is malformed; the message names file and line.
    """
    return yaml_model.load(file or DEFAULT, Rules, RulesError)


def shipped_rules_file(votes: Sequence[Vote]) -> Path:
    """The shipped rules file for a log that comes without rules of its own.

    The check of origins keeps votes that were not given under a study's rules out of the study's boards. A log that holds nothing else than
    imported votes is no study, and has boards of its own.

    Args:
        votes: The votes of the log.

    Returns:
        The rules for imported votes where all votes are imported, else the default rules, which leave imported votes out.
    """
    return FOR_IMPORTED if votes and all(vote.origin == "imported" for vote in votes) else DEFAULT


def apply_rules(votes: Sequence[Vote], rules: Rules) -> CheckedVotes:
    """Apply the checks of ``rules`` to votes.

    Args:
        votes: The votes of a log, sorted by time.
        rules: The rules.

    Returns:
        The votes with the answers of the checks.
    """
    by_voter: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        if vote.voter is not None:
            by_voter[vote.voter].append(vote)
    answers: dict[str, dict[str, Answer]] = {}
    excluded: dict[str, str] = {}
    for check in rules.checks:
        answer_of = _answering(check, by_voter)
        answers[check.check] = {vote.id: answer_of(vote) for vote in votes if vote.kind == "pair"}
        for name, answer in answers[check.check].items():
            if answer == "excluded" or (answer == "unchecked" and check.unchecked == "exclude"):
                excluded.setdefault(name, check.check)
    return CheckedVotes(tuple(votes), answers, excluded)


def _answering(check: Check, by_voter: Mapping[str, Sequence[Vote]]) -> Callable[[Vote], Answer]:
    """The check as a function of one vote; what depends on all votes of a voter is computed once."""
    match check:
        case HeardCheck():
            return lambda vote: _verdict(_least(vote.heard_left, vote.heard_right), lambda heard: heard >= check.at_least)
        case DwellCheck():
            return lambda vote: _verdict(_lengths(vote), lambda lengths: lengths >= check.at_least)
        case SoundCheckPassed():
            return lambda vote: "ok" if not vote.with_sound else _verdict(vote.sound_check, bool)
        case OriginCheck():
            return lambda vote: "ok" if vote.origin in check.origins else "excluded"
        case VoteCapCheck():
            first = {vote.id for votes in by_voter.values() for vote in [vote for vote in votes if vote.kind == "pair"][: check.votes]}
            return _of_voter(lambda vote, _: "ok" if vote.id in first else "excluded")
        case GoldCheck():
            right = {voter: _reached(golds(votes), check) for voter, votes in by_voter.items()}
            return _of_voter(lambda _, voter: right[voter])
        case ConsistencyCheck():
            same = {voter: _reached(repeated(votes), check) for voter, votes in by_voter.items()}
            return _of_voter(lambda _, voter: same[voter])
        case OneSidedCheck():
            share = {voter: side_share(votes, answered=check.answered) for voter, votes in by_voter.items()}
            return _of_voter(lambda _, voter: _verdict(share[voter], lambda left: max(left, 1 - left) <= check.at_most))


def _of_voter(answer: Callable[[Vote, str], Answer]) -> Callable[[Vote], Answer]:
    """A check of a voter as a function of a vote; it cannot be made where the voter is not known."""
    return lambda vote: "unchecked" if vote.voter is None else answer(vote, vote.voter)


def _verdict(value: float | None, good: Callable[[float], bool]) -> Answer:
    if value is None:
        return "unchecked"
    return "ok" if good(value) else "excluded"


def _reached(cases: Sequence[bool], check: GoldCheck | ConsistencyCheck) -> Answer:
    """Whether as many cases are right as required, or fewer than chance explains."""
    if len(cases) < check.answered:
        return "unchecked"
    return "excluded" if float(bdtr(sum(cases), len(cases), check.at_least)) < check.level else "ok"


def _least(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else min(left, right)


def _lengths(vote: Vote) -> float | None:
    return None if vote.dwell_s is None or not vote.shorter_s else vote.dwell_s / vote.shorter_s


def golds(votes: Sequence[Vote]) -> list[bool]:
    """Whether each of a voter's gold pairs was judged right.

    Args:
        votes: The votes of one voter.

    Returns:
        An answer for each vote on a gold pair.
    """
    return [vote.choice == vote.expected for vote in votes if vote.kind == "gold" and vote.expected is not None]


def repeated(votes: Sequence[Vote]) -> list[bool]:
    """Whether each of a voter's repeats got the verdict of the first time, sides swapped back.

    Args:
        votes: The votes of one voter.

    Returns:
        An answer for each repeat whose first vote is among the votes.
    """
    swapped = {"left": "right", "right": "left"}
    first = {vote.battle: vote.choice for vote in votes}
    return [
        swapped.get(vote.choice, vote.choice) == first[vote.repeats] for vote in votes if vote.kind == "repeat" and vote.repeats in first
    ]


def side_share(votes: Sequence[Vote], *, answered: int = 1) -> float | None:
    """The share of a voter's decided votes that go to the left.

    Args:
        votes: The votes of one voter.
        answered: The least number of decided votes.

    Returns:
        The share 0..1; None with fewer decided votes than ``answered``, or with none.
    """
    decided = [vote.choice == "left" for vote in votes if vote.kind in ("pair", "same") and vote.choice in ("left", "right")]
    return sum(decided) / len(decided) if len(decided) >= answered else None
