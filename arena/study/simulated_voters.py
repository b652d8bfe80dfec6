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
from seedbench.arena.votes.rules import OriginCheck, Rules
from seedbench.arena.voting.assignment import HiddenFacts
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import ShownPair, VotingService
from seedbench.store import Store

APART_ELO = 100.0
"""Points between the strengths of neighbouring systems."""
_CLIP_SPREAD = 0.4  # standard deviation of how good a system's clip of one prompt is, in logits
_TASTE_SPREAD = 0.3  # of a voter's taste for a system
_LEFT = 0.1  # what being on the left adds
_TIE = 0.5  # smaller differences are called a tie, in logits
_BOTH_BAD = 0.06  # share of pairs called both bad
UNUSUAL = ("at random", "always left", "one system")
"""How the three unusual voters vote."""


@dataclass(frozen=True)
class SimulatedVoting:
    """What was simulated.

    Attributes:
        strengths: The strength of each system in Elo points about 1000.
        n_votes: The number of new votes.
        n_voters: The number of simulated voters.
        unusual: How the unusual voters vote, by their index (0 is the first voter).
    """

    strengths: Mapping[str, float]
    n_votes: int
    n_voters: int
    unusual: Mapping[int, str]


class SimulatedClock:
    """A clock that the simulation moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The simulated time."""
        return self.now

    def forward(self, seconds: float) -> None:
        """Move the time forward."""
        self.now += timedelta(seconds=seconds)


def rules_counting_simulated_votes(rules: Rules) -> Rules:
    """Rules by which simulated votes count as those of people do.

    Args:
        rules: The rules to change.

    Returns:
        The changed rules, whose name says so.
    """
    checks = tuple(
        check.model_copy(update={"origins": ("people", "simulated")}) if isinstance(check, OriginCheck) else check for check in rules.checks
    )
    return rules.model_copy(update={"name": f"{rules.name}, simulated voters count", "checks": checks})


def counts_simulated_votes(store: Store, study: str) -> bool:
    """Whether the rules of a study count simulated votes.

    Args:
        store: The database.
        study: The name of the study.

    Returns:
        True if its rules accept votes of simulated voters.

    Raises:
        StudyError: There is no such study.
    """
    return any(isinstance(check, OriginCheck) and "simulated" in check.origins for check in rules_of(store, study).checks)


def simulate_votes(
    store: Store,
    study: str,
    folder: Path,
    *,
    start: datetime,
    voters: int = 24,
    votes: int = 30,
    seed: int = 0,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> SimulatedVoting:
    """Let simulated voters vote in a study. Called again with the same seed, it goes on where it was.

    Args:
        store: The database that holds the study.
        study: The study's name.
        folder: The folder of its clips.
        start: The time of the first vote (UTC, without a time zone).
        voters: The number of voters, more than the unusual ones.
        votes: The votes of each voter, as far as there are pairs.
        seed: Decides strengths, tastes and votes.
        on_progress: Called after each voter with the number of finished voters and of all voters.

    Raises:
        StudyError: There is no such study.
        ValueError: There are too few voters.
    """
    if voters < len(UNUSUAL) + 1:
        raise ValueError(f"voters must be more than {len(UNUSUAL)}: that many vote unlike honest voters")
    clock = SimulatedClock(start)
    service = VotingService(store, study, folder, clock=clock)
    models = service.assignment.models
    rng = np.random.default_rng([seed, 0x5EED])
    strengths = rng.permutation((np.arange(len(models)) - (len(models) - 1) / 2) * APART_ELO)
    unusual = dict(zip((int(index) for index in rng.permutation(voters)[: len(UNUSUAL)]), UNUSUAL, strict=True))
    texts = sorted({pair.text for pair in service.assignment.pairs.values()})
    clip_quality = {text: rng.normal(0, _CLIP_SPREAD, len(models)) for text in texts}
    n_votes = 0
    for index in range(voters):
        clock.now = start + timedelta(minutes=7 * index)
        voter = service.voters.id_of_name(f"simulated-{seed}-{index}")
        taste = strengths / ELO + rng.normal(0, _TASTE_SPREAD, len(models))
        service.voters.record_consent(voter, sound_check=bool(rng.random() < 0.95) or index in unusual)
        while (shown := _open_pair(service, voter)) is not None and shown.n_voted < votes:
            for token in (shown.left, shown.right):
                service.clip_urls.file_of(token, voter)
            facts = service.hidden_facts(shown.battle)
            clock.forward(facts.shorter_s * float(rng.uniform(2.0, 4.0)))
            choice = _choice(facts, taste + clip_quality[shown.text], unusual.get(index), rng)
            heard_left, heard_right = (float(share) for share in rng.uniform(0.9, 1.0, 2))
            answers = _answers(service, choice, rng)
            service.vote(voter, shown.battle, choice, heard=(heard_left, heard_right), answers=answers, origin="simulated")
            n_votes += 1
        on_progress(index + 1, voters)
    by_system = {name: 1000 + float(value) for name, value in zip(models, strengths, strict=True)}
    return SimulatedVoting(by_system, n_votes, voters, unusual)


def _open_pair(service: VotingService, voter: str) -> ShownPair | None:
    """The voter's next pair; None where they have seen all pairs, or have given the votes of a day."""
    try:
        return service.open_pair(voter)
    except RefusedError:
        return None


def _choice(facts: HiddenFacts, quality: np.ndarray, manner: str | None, rng: np.random.Generator) -> str:
    """What a voter votes, to whom the systems' clips have the given ``quality`` (M,) in logits; ``manner`` is that of an unusual voter."""
    left, right = facts.left, facts.right
    favourite = int(np.argmax(quality))
    if manner == "at random":
        return str(rng.choice(["left", "right", "tie"]))
    if manner == "always left":
        return "left"
    if manner == "one system" and facts.kind == "pair" and favourite in (left, right):
        return "left" if left == favourite else "right"
    difference = _LEFT + rng.logistic() + (quality[left] - quality[right])
    if facts.expected is not None:
        return facts.expected if rng.random() < 0.95 else "tie"
    if facts.kind == "same":
        return "tie" if rng.random() < 0.8 else "left" if difference > 0 else "right"
    if rng.random() < _BOTH_BAD:
        return "both_bad"
    return "tie" if abs(difference) < _TIE else "left" if difference > 0 else "right"


def _answers(service: VotingService, choice: str, rng: np.random.Generator) -> dict[str, str]:
    """A third of all votes answer the first optional question, mostly as they chose."""
    if not service.settings.questions or rng.random() > 1 / 3:
        return {}
    return {service.settings.questions[0]: choice if rng.random() < 0.7 and choice != "both_bad" else "tie"}
