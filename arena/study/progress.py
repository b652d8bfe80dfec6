"""The state of a study, for its owner: progress, agreement of voters, what was left out and why, what was refused, remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
from sqlalchemy import func, select

from seedbench.arena.boards.agreement import agreement
from seedbench.arena.ratings.agreement import Agreement
from seedbench.arena.store import BattleRow, ClipRow, IncidentRow, PairRow, UndoneRow, VoteRow, VoterRow, study_of
from seedbench.arena.study.export import votes_of
from seedbench.arena.votes.log import OVERALL, Vote
from seedbench.arena.votes.rules import Answer, CheckedVotes
from seedbench.store import Store

_UNKNOWN_VOTER = "unknown"


@dataclass(frozen=True)
class StudyProgress:
    """The progress of a study.

    Attributes:
        study: The name of the study.
        title: Its title.
        n_pairs: The number of its pairs, without checks.
        pairs_voted: How many of these have a vote that was not taken back.
        n_voters: The number of voters who came.
        n_agreed: How many of these agreed to take part.
        n_votes: The number of votes that were not taken back.
        n_taken_back: The number of votes that were taken back.
        n_open: The number of pairs that are open at a voter.
        by_day: Votes of all kinds, by day (UTC).
        dwell_s: The 5%, 50% and 95% points of seconds from showing to voting; None without votes.
        sound_checks: The number of voters by the result of the sound check in their votes.
        by_models: For each two systems the votes on them, their pairs, and their pairs with a vote.
        incidents: What was refused, by kind.
    """

    study: str
    title: str
    n_pairs: int
    pairs_voted: int
    n_voters: int
    n_agreed: int
    n_votes: int
    n_taken_back: int
    n_open: int
    by_day: Mapping[date, int]
    dwell_s: tuple[float, float, float] | None
    sound_checks: Mapping[str, int]
    by_models: Mapping[tuple[str, str], tuple[int, int, int]]
    incidents: Mapping[str, int]


@dataclass(frozen=True)
class QuestionAgreement:
    """The agreement of voters on one question.

    Attributes:
        question: The question.
        alpha: Krippendorff's alpha of the answers.
    """

    question: str
    alpha: Agreement

    @property
    def share(self) -> float | None:
        """How often two people's answers on one pair are the same; None where no pair was judged by two."""
        return None if self.alpha.observed is None else 1 - self.alpha.observed

    @property
    def words(self) -> str:
        """Alpha with its interval in words, or the reason why there is none."""
        if self.alpha.value is None:
            return f"no answer: {self.alpha.reason}"
        if self.alpha.low is None or self.alpha.high is None:
            return f"{self.alpha.value:.2f}"
        return f"{self.alpha.value:.2f} ({self.alpha.low:.2f} to {self.alpha.high:.2f}{', rough' if self.alpha.rough else ''})"


@dataclass(frozen=True)
class Exclusions:
    """What the rules exclude.

    Attributes:
        checks: For each check the number of its answers.
        by_voter: For each voter the number of votes that count, and of those that do not, by the first check that excluded them.
        n_counted: The number of votes that count.
        n_excluded: The number of votes that do not.
    """

    checks: Mapping[str, Mapping[Answer, int]]
    by_voter: Mapping[str, tuple[int, Mapping[str, int]]]
    n_counted: int
    n_excluded: int


def progress_of(store: Store, name: str) -> StudyProgress:
    """The progress of a study.

    Args:
        store: The database.
        name: The name of the study.

    Returns:
        The progress at this moment.

    Raises:
        StudyError: There is no such study.
    """
    votes = votes_of(store, name)
    with store.reading() as session:
        study = study_of(session, name)

        def many(query: object) -> int:
            return int(session.scalar(query) or 0)  # type: ignore[call-overload]

        clips = {clip.id: clip.generator for clip in session.scalars(select(ClipRow).where(ClipRow.study_id == study.id))}
        pairs = {
            pair.id: _models(clips[pair.first_id], clips[pair.second_id])
            for pair in session.scalars(select(PairRow).where(PairRow.study_id == study.id, PairRow.kind == "pair"))
        }
        standing = select(BattleRow.pair_id).join(VoteRow, VoteRow.battle_id == BattleRow.id)
        standing = standing.where(BattleRow.study_id == study.id, BattleRow.kind == "pair", VoteRow.id.not_in(select(UndoneRow.vote_id)))
        voted = Counter(session.scalars(standing))
        systems = sorted({name for both in pairs.values() for name in both})
        incidents = select(IncidentRow.kind, func.count()).where(IncidentRow.study_id == study.id).group_by(IncidentRow.kind)
        voters = select(func.count()).select_from(VoterRow).where(VoterRow.study_id == study.id)
        taken_back = select(func.count()).select_from(UndoneRow).join(VoteRow, VoteRow.id == UndoneRow.vote_id)
        opened = select(func.count()).select_from(BattleRow).where(BattleRow.study_id == study.id, BattleRow.closed_at.is_(None))
        return StudyProgress(
            study=name,
            title=str(study.settings.get("title", name)),
            n_pairs=len(pairs),
            pairs_voted=len(voted),
            n_voters=len({vote.voter for vote in votes}),
            n_agreed=many(voters.where(VoterRow.consented_at.is_not(None))),
            n_votes=len(votes),
            n_taken_back=many(taken_back.where(VoteRow.study_id == study.id)),
            n_open=many(opened),
            by_day=dict(sorted(Counter(vote.at.date() for vote in votes).items())),
            dwell_s=_points([vote.dwell_s for vote in votes if vote.dwell_s is not None]),
            sound_checks=_sound_checks(votes),
            by_models={
                both: (
                    sum(count for pair, count in voted.items() if pairs[pair] == both),
                    sum(pair == both for pair in pairs.values()),
                    sum(pairs[pair] == both for pair in voted),
                )
                for both in combinations(systems, 2)
                if both in pairs.values()
            },
            incidents={str(kind): int(count) for kind, count in session.execute(incidents.order_by(IncidentRow.kind))},
        )


def _models(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first <= second else (second, first)


def _points(values: Sequence[float]) -> tuple[float, float, float] | None:
    if not values:
        return None
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


def _sound_checks(votes: Sequence[Vote]) -> dict[str, int]:
    """The number of voters who passed the sound check, failed it, or made none."""
    last = {vote.voter: vote.sound_check for vote in votes}
    words = {True: "passed", False: "failed", None: "not made"}
    return {word: sum(words[result] == word for result in last.values()) for word in words.values()}


def agreement_by_question(votes: Sequence[Vote]) -> list[QuestionAgreement]:
    """Agreement on the overall question, and on each optional one that somebody answered.

    Args:
        votes: The votes of a study.

    Returns:
        The overall question first, the others by name.
    """
    questions = [OVERALL, *sorted({question for vote in votes for question in vote.answers})]
    return [QuestionAgreement(question, agreement(votes, question=question)) for question in questions]


def exclusions_of(use: CheckedVotes) -> Exclusions:
    """What the rules exclude.

    Args:
        use: The votes with the answers of the checks.

    Returns:
        The numbers, by check and by voter.
    """
    kept = Counter(vote.voter or _UNKNOWN_VOTER for vote in use.kept)
    left_out: dict[str, Counter[str]] = {vote.voter or _UNKNOWN_VOTER: Counter() for vote in use.votes}
    for vote in use.votes:
        if vote.id in use.excluded:
            left_out[vote.voter or _UNKNOWN_VOTER][use.excluded[vote.id]] += 1
    by_voter = {voter: (kept[voter], dict(why)) for voter, why in left_out.items()}
    return Exclusions(use.answers, by_voter, kept.total(), len(use.excluded))


def remarks_of(store: Store, name: str) -> list[tuple[str, str]]:
    """What voters wrote with their votes.

    Args:
        store: The database.
        name: The name of the study.

    Returns:
        The prompt and the remark of each, the newest first. A remark is free text and must be shown as plain text only.

    Raises:
        StudyError: There is no such study.
    """
    with store.reading() as session:
        study = study_of(session, name)
        query = select(PairRow.prompt, VoteRow.comment).join(BattleRow, VoteRow.battle_id == BattleRow.id)
        query = query.join(PairRow, BattleRow.pair_id == PairRow.id)
        query = query.where(VoteRow.study_id == study.id, VoteRow.comment != "").order_by(VoteRow.id.desc())
        return [(prompt, comment) for prompt, comment in session.execute(query)]
