"""Which votes count, and how boards are made of them: a file that is settled before the votes come in.

Every check has three answers: ``ok``, ``excluded``, and ``unchecked`` where it could not be made (a voter who saw no gold pair yet, an
imported log without times). The third is counted and shown beside the others: a check that quietly answers "bad" for "could not be made"
has cost other arenas months of honest votes.
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


class RulesError(SeedBenchError):
    """A rules file that is malformed; the message carries file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Check(_Strict):
    unchecked: Literal["keep", "exclude"] = Field(default="keep", description="What becomes of votes that the check cannot be made on.")


class Heard(_Check):
    """Both clips were played to a share of their length."""

    check: Literal["heard"]
    at_least: float = Field(default=0.8, ge=0, le=1)


class Dwell(_Check):
    """The server saw at least this many lengths of the shorter clip pass between showing and voting."""

    check: Literal["dwell"]
    at_least: float = Field(default=1.0, ge=0)


class SoundCheck(_Check):
    """Who judges sound has passed the sound check."""

    check: Literal["sound_check"]


class _Share(_Check):
    """What a voter did of some kind was right in a share of cases. Who falls short by no more than chance may do (one-sided exact binomial
    test at ``level``) is not excluded: few cases tell little, and honest voters must not pay for it."""

    level: float = Field(default=0.05, gt=0, lt=1)


class Gold(_Share):
    """Of the gold pairs a voter judged, a share was judged right; unchecked under ``answered`` of them."""

    check: Literal["gold"]
    at_least: float = Field(default=0.7, ge=0, le=1)
    answered: int = Field(default=3, ge=1)


class Consistency(_Share):
    """Of the pairs a voter saw again with sides swapped, a share got the same verdict; unchecked under ``answered`` of them."""

    check: Literal["consistency"]
    at_least: float = Field(default=0.4, ge=0, le=1)
    answered: int = Field(default=5, ge=1)


class OneSided(_Check):
    """Of a voter's decided votes, no more than a share goes to one side; unchecked under ``answered`` of them."""

    check: Literal["one_sided"]
    at_most: float = Field(default=0.9, ge=0.5, le=1)
    answered: int = Field(default=15, ge=1)


class Cap(_Check):
    """The first ``votes`` of a voter count."""

    check: Literal["cap"]
    votes: int = Field(default=200, ge=1)


class From(_Check):
    """Votes of these origins count."""

    check: Literal["origin"]
    origins: tuple[Origin, ...] = ("people",)


Check = Annotated[Heard | Dwell | SoundCheck | Gold | Consistency | OneSided | Cap | From, Field(discriminator="check")]


class Rating(_Strict):
    """How ratings are made."""

    ties: Literal["davidson", "half"] = "davidson"
    both_bad: Literal["apart", "tie"] = "apart"
    side_bias: bool = True
    ridge: float = Field(default=0.05, ge=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    elo_k: float = Field(default=4.0, gt=0)
    style: tuple[str, ...] = Field(
        default=("loudness_lu", "duration_s", "megapixels", "fps"),
        description="Covariates of votes that are held equal in a further rating beside the one that ranks.",
    )

    @model_validator(mode="after")
    def _each_covariate_once(self) -> Self:
        twice = sorted({name for name in self.style if self.style.count(name) > 1})
        if twice:
            raise ValueError(f"the covariate {twice[0]!r} stands twice")
        return self


class Listing(_Strict):
    """Below these a model is listed as provisional."""

    votes: int = Field(default=100, ge=0)
    prompts: int = Field(default=20, ge=0)
    voters: int = Field(default=5, ge=0)


class Rules(_Strict):
    """A rules file."""

    name: str
    version: str = "1"
    rating: Rating = Rating()
    listing: Listing = Listing()
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _each_check_once(self) -> Self:
        names = [one.check for one in self.checks]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the check {twice[0]!r} stands twice")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides a board."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Counted:
    """What the checks say of ``votes``: of each, by check and vote id, its answer, and in ``excluded``, by vote id, the check that left it
    out first. Votes on pairs that are themselves checks (gold, same, repeat) are asked nothing: no board is made of them."""

    votes: tuple[Vote, ...]
    said: Mapping[str, Mapping[str, Answer]]
    excluded: Mapping[str, str]

    @property
    def kept(self) -> tuple[Vote, ...]:
        """The votes that count."""
        return tuple(vote for vote in self.votes if vote.kind == "pair" and vote.id not in self.excluded)

    @property
    def answers(self) -> dict[str, dict[Answer, int]]:
        """For each check how many votes it answered in which way."""
        return {
            check: {answer: sum(one == answer for one in said.values()) for answer in ("ok", "excluded", "unchecked")}
            for check, said in self.said.items()
        }

    @property
    def unrated(self) -> dict[Kind, int]:
        """How many votes are on checks, by their kind."""
        found: dict[Kind, int] = {"gold": 0, "same": 0, "repeat": 0}
        for vote in self.votes:
            if vote.kind != "pair":
                found[vote.kind] += 1
        return found

    def among(self, some: Callable[[Vote], bool]) -> Counted:
        """The part about some of the votes. What was said of a voter stays as it is: it rests on all that they did."""
        votes = tuple(vote for vote in self.votes if some(vote))
        ids = {vote.id for vote in votes}
        said = {check: {vote: answer for vote, answer in one.items() if vote in ids} for check, one in self.said.items()}
        return Counted(votes, said, {vote: check for vote, check in self.excluded.items() if vote in ids})


def load(file: Path | None = None) -> Rules:
    """Read a rules file, or the shipped one. Raises RulesError with the line."""
    return yaml_model.load(file or DEFAULT, Rules, RulesError)


def counted(votes: Sequence[Vote], rules: Rules) -> Counted:
    """Put the checks of ``rules`` to votes that are in order."""
    by_voter: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        by_voter[vote.voter].append(vote)
    said: dict[str, dict[str, Answer]] = {}
    excluded: dict[str, str] = {}
    for check in rules.checks:
        ask = _asker(check, by_voter)
        said[check.check] = {vote.id: ask(vote) for vote in votes if vote.kind == "pair"}
        for name, answer in said[check.check].items():
            if answer == "excluded" or (answer == "unchecked" and check.unchecked == "exclude"):
                excluded.setdefault(name, check.check)
    return Counted(tuple(votes), said, excluded)


def _asker(check: Check, by_voter: Mapping[str, Sequence[Vote]]) -> Callable[[Vote], Answer]:
    """The check as a question to one vote; what it asks of a whole voter is worked out once."""
    match check:
        case Heard():
            return lambda vote: _verdict(_least(vote.heard_left, vote.heard_right), lambda heard: heard >= check.at_least)
        case Dwell():
            return lambda vote: _verdict(_lengths(vote), lambda lengths: lengths >= check.at_least)
        case SoundCheck():
            return lambda vote: "ok" if not vote.with_sound else _verdict(vote.sound_check, bool)
        case From():
            return lambda vote: "ok" if vote.origin in check.origins else "excluded"
        case Cap():
            first = {vote.id for votes in by_voter.values() for vote in [one for one in votes if one.kind == "pair"][: check.votes]}
            return lambda vote: "ok" if vote.id in first else "excluded"
        case Gold():
            right = {voter: _reached(golds(votes), check) for voter, votes in by_voter.items()}
            return lambda vote: right[vote.voter]
        case Consistency():
            same = {voter: _reached(repeated(votes), check) for voter, votes in by_voter.items()}
            return lambda vote: same[vote.voter]
        case OneSided():
            share = {voter: side_share(votes, answered=check.answered) for voter, votes in by_voter.items()}
            return lambda vote: _verdict(share[vote.voter], lambda left: max(left, 1 - left) <= check.at_most)


def _verdict(value: float | None, good: Callable[[float], bool]) -> Answer:
    if value is None:
        return "unchecked"
    return "ok" if good(value) else "excluded"


def _reached(cases: Sequence[bool], check: Gold | Consistency) -> Answer:
    """Whether as many cases are right as should be, or fewer than chance explains."""
    if len(cases) < check.answered:
        return "unchecked"
    return "excluded" if float(bdtr(sum(cases), len(cases), check.at_least)) < check.level else "ok"


def _least(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else min(one, other)


def _lengths(vote: Vote) -> float | None:
    return None if vote.dwell_s is None or not vote.shorter_s else vote.dwell_s / vote.shorter_s


def golds(votes: Sequence[Vote]) -> list[bool]:
    """Whether each of a voter's gold pairs was judged right."""
    return [vote.choice == vote.expected for vote in votes if vote.kind == "gold" and vote.expected is not None]


def repeated(votes: Sequence[Vote]) -> list[bool]:
    """Whether each of a voter's repeats got the verdict of the first time, sides swapped back."""
    swapped = {"left": "right", "right": "left"}
    first = {vote.battle: vote.choice for vote in votes}
    return [
        swapped.get(vote.choice, vote.choice) == first[vote.repeats] for vote in votes if vote.kind == "repeat" and vote.repeats in first
    ]


def side_share(votes: Sequence[Vote], *, answered: int = 1) -> float | None:
    """Share of a voter's decided votes on pairs that go to the left; None under ``answered`` of them."""
    decided = [vote.choice == "left" for vote in votes if vote.kind in ("pair", "same") and vote.choice in ("left", "right")]
    return sum(decided) / len(decided) if len(decided) >= answered else None
