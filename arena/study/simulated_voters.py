"""Simulated voters: they try out a study from end to end, and show whether its board recovers the strengths that were put into it.

They use the voting service as people do, and their votes are marked as simulated for good. Each system gets a random strength, so that the
votes say nothing of the systems; each prompt and each voter has preferences of its own. Three of them vote as a study has to expect: one
clicks at random, one always prefers the left, one always prefers one system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from seedbench.arena.ratings.bradley_terry import ELO
from seedbench.arena.study.export import rules_of
from seedbench.arena.votes.rules import From, Rules
from seedbench.arena.voting.assignment import HiddenFacts
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import ShownPair, VotingService
from seedbench.store import Store

APART_ELO = 100.0
"""Points between the strengths of neighbours."""
_LEANING = 0.4  # of a prompt's clip, in logits
_TASTE = 0.3  # of a voter for a system
_LEFT = 0.1  # what being on the left is worth
_TIE = 0.5  # the less of a difference is a tie, in logits
_BAD = 0.06  # share of pairs found both bad
ODD = ("by lot", "always left", "one system")


@dataclass(frozen=True)
class Planted:
    """What was put in: Elo points about 1000 by system; how many votes; and the odd voters' manners by their place (0 first)."""

    strengths: Mapping[str, float]
    n_votes: int
    n_voters: int
    odd: Mapping[int, str]


class Clock:
    """A clock that the simulation turns."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        """What it shows."""
        return self.at

    def forward(self, seconds: float) -> None:
        """Turn it."""
        self.at += timedelta(seconds=seconds)


def rules_for(rules: Rules) -> Rules:
    """``rules`` by which simulated votes count as those of people; another name says so."""
    checks = tuple(one.model_copy(update={"origins": ("people", "simulated")}) if isinstance(one, From) else one for one in rules.checks)
    return rules.model_copy(update={"name": f"{rules.name}, simulated voters count", "checks": checks})


def is_for_them(store: Store, study: str) -> bool:
    """Whether the rules of a study count simulated votes. Raises StudyError for a study that does not exist."""
    return any(isinstance(one, From) and "simulated" in one.origins for one in rules_of(store, study).checks)


def vote(
    store: Store,
    study: str,
    folder: Path,
    *,
    start: datetime,
    voters: int = 24,
    votes: int = 30,
    seed: int = 0,
    tick: Callable[[int, int], object] = lambda done, of: None,
) -> Planted:
    """Let ``voters`` give up to ``votes`` votes each, from ``start`` (UTC, naive) on; ``tick`` is told how many of all voters are done.

    Called again with the same seed it goes on where it was. Raises StudyError for a study that does not exist, ValueError for fewer
    voters than odd ones.
    """
    if voters < len(ODD) + 1:
        raise ValueError(f"there must be more than {len(ODD)} voters: so many are odd on purpose")
    clock = Clock(start)
    service = VotingService(store, study, folder, clock=clock)
    rng = np.random.default_rng([seed, 0x5EED])
    strengths = rng.permutation((np.arange(len(service.assignment.models)) - (len(service.assignment.models) - 1) / 2) * APART_ELO)
    odd = dict(zip((int(one) for one in rng.permutation(voters)[: len(ODD)]), ODD, strict=True))
    leaning = {
        text: rng.normal(0, _LEANING, len(service.assignment.models))
        for text in sorted({pair.text for pair in service.assignment.pairs.values()})
    }
    total = 0
    for place in range(voters):
        clock.at = start + timedelta(minutes=7 * place)
        voter = service.voters.id_of_name(f"simulated-{seed}-{place}")
        taste = strengths / ELO + rng.normal(0, _TASTE, len(service.assignment.models))
        service.voters.record_consent(voter, sound_check=bool(rng.random() < 0.95) or place in odd)
        while (shown := _opened(service, voter)) is not None and shown.n_voted < votes:
            for address in (shown.left, shown.right):
                service.clip_urls.file_of(address, voter)
            truth = service.hidden_facts(shown.battle)
            clock.forward(truth.shorter_s * float(rng.uniform(2.0, 4.0)))
            choice = _choice(truth, taste + leaning[shown.text], odd.get(place), rng)
            heard = tuple(float(one) for one in rng.uniform(0.9, 1.0, 2))
            service.vote(
                voter, shown.battle, choice, heard=(heard[0], heard[1]), answers=_answers(service, choice, rng), origin="simulated"
            )
            total += 1
        tick(place + 1, voters)
    named = {name: 1000 + float(value) for name, value in zip(service.assignment.models, strengths, strict=True)}
    return Planted(named, total, voters, odd)


def _opened(service: VotingService, voter: str) -> ShownPair | None:
    """The voter's next pair; None where they have seen all, or given a day's votes."""
    try:
        return service.open_pair(voter)
    except RefusedError:
        return None


def _choice(truth: HiddenFacts, worth: np.ndarray, manner: str | None, rng: np.random.Generator) -> str:
    left, right = truth.left, truth.right
    favourite = int(np.argmax(worth))
    if manner == "by lot":
        return str(rng.choice(["left", "right", "tie"]))
    if manner == "always left":
        return "left"
    if manner == "one system" and truth.kind == "pair" and favourite in (left, right):
        return "left" if left == favourite else "right"
    difference = _LEFT + rng.logistic() + (worth[left] - worth[right])
    if truth.expected is not None:
        return truth.expected if rng.random() < 0.95 else "tie"
    if truth.kind == "same":
        return "tie" if rng.random() < 0.8 else "left" if difference > 0 else "right"
    if rng.random() < _BAD:
        return "both_bad"
    return "tie" if abs(difference) < _TIE else "left" if difference > 0 else "right"


def _answers(service: VotingService, choice: str, rng: np.random.Generator) -> dict[str, str]:
    """A third of all voters answer the first optional question, mostly as they voted."""
    if not service.settings.questions or rng.random() > 1 / 3:
        return {}
    return {service.settings.questions[0]: choice if rng.random() < 0.7 and choice != "both_bad" else "tie"}
