"""The voting service: it opens pairs for voters and takes their votes.

What a voter gets shows nothing of who made the clips: the service makes it from the tokens of two clip URLs and the prompt's text
(:class:`ShownPair`), and only :mod:`seedbench.arena.voting.assignment` knows which side is whose.

Every rule of a vote is checked here, on the server: the pair belongs to this voter and is open, both clips were fetched and played, enough
time passed. A refusal is one sentence that gives nothing away, and an entry in the incident log. A vote is in the database before it is
acknowledged. Memory holds only counts and clip URLs, so a restart loses no vote and no open pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from seedbench.arena.settings import Settings, StudyError
from seedbench.arena.store import BattleRow, UndoneRow, VoteRow, VoterRow
from seedbench.arena.votes.log import OVERALL, Choice, Origin, least_judging_s
from seedbench.arena.votes.rules import Rules
from seedbench.arena.voting.assignment import HiddenFacts, PairAssignment
from seedbench.arena.voting.clip_urls import ClipUrls
from seedbench.arena.voting.refusals import IncidentLog, RefusedError
from seedbench.arena.voting.served_study import load_study, utc_now
from seedbench.arena.voting.voters import Voters
from seedbench.store import Store

_CHOICES = ("left", "right", "tie", "both_bad")
_LONGEST_COMMENT = 500
_UNDOS = 3  # of one pair


@dataclass(frozen=True)
class ShownPair:
    """A pair as a voter gets it.

    Attributes:
        battle: The id of the battle.
        left: The token of the left clip's URL.
        right: The token of the right clip's URL.
        text: The prompt's text.
        with_sound: Whether there is sound to judge.
        captions: Where the study allows captions, the lines that were to be said: start and end in seconds, words.
        n_voted: The number of votes that the voter has given.
    """

    battle: str
    left: str
    right: str
    text: str
    with_sound: bool
    captions: tuple[tuple[float, float, str], ...]
    n_voted: int


@dataclass(frozen=True)
class Receipt:
    """An acknowledged vote.

    Attributes:
        vote: The id of the vote's row in the database.
        battle: The id of the battle.
        choice: The choice.
    """

    vote: int
    battle: str
    choice: Choice


class VotingService:
    """The voting on one study, as parts: ``voters``, ``clip_urls``, ``incidents`` and ``assignment``.

    Calls from several threads are carried out one after the other.

    Args:
        store: The database that holds the study.
        study: The study's name.
        folder: The folder that holds its clips.
        clock: Gives the time (UTC, without a time zone).
        new_voters_per_hour: The limit of new voters from one network address, instead of the study's own.

    Raises:
        StudyError: There is no such study, or clips of it are missing or damaged.
    """

    def __init__(
        self,
        store: Store,
        study: str,
        folder: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        new_voters_per_hour: int | None = None,
    ) -> None:
        self.study = load_study(store, study, folder, clock=clock)
        self.incidents = IncidentLog(self.study)
        self.voters = Voters(self.study, self.incidents, new_voters_per_hour=new_voters_per_hour)
        self.clip_urls = ClipUrls(self.study, self.incidents)
        self.assignment = PairAssignment(self.study)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.name

    @property
    def store(self) -> Store:
        """The database that holds the study."""
        return self.study.store

    @property
    def settings(self) -> Settings:
        """The study's settings."""
        return self.study.settings

    @property
    def rules(self) -> Rules:
        """The study's rules."""
        return self.study.rules

    def open_pair(self, voter: str) -> ShownPair | None:
        """The voter's open pair (the same one after the page is loaded again), or a new one.

        Args:
            voter: The id of the voter.

        Returns:
            The pair; None where the voter has seen every pair.

        Raises:
            RefusedError: The voter has not agreed to take part, or has given the votes of a day.
        """
        new = False
        with self.study.lock:
            with self.incidents.session(voter) as session:
                who = session.get(VoterRow, voter)
                if who is None or who.consented_at is None:
                    raise RefusedError("no consent", "please agree to take part first")
                n_voted = self._n_votes(session, voter)
                battle = session.scalar(
                    select(BattleRow).where(BattleRow.voter_id == voter, BattleRow.closed_at.is_(None)).order_by(BattleRow.opened_at.desc())
                )
                if battle is None:
                    day_ago = self.study.clock() - timedelta(days=1)
                    if self._n_votes(session, voter, day_ago) >= self.settings.limits.a_day:
                        raise RefusedError("a day's votes", "you have given as many votes as one day allows: thank you, come back tomorrow")
                    battle = self.assignment.next_battle(session, voter)
                    if battle is None:
                        return None
                    session.add(battle)
                    new = True
            if new:
                self.assignment.count_shown(battle)
            return self._shown(battle, n_voted)

    def vote(
        self,
        voter: str,
        battle: str,
        choice: str,
        *,
        heard: tuple[float, float],
        answers: Mapping[str, str] | None = None,
        comment: str = "",
        captions: bool = False,
        origin: Origin = "people",
    ) -> Receipt:
        """Take a vote. The voter's last vote, sent again, is acknowledged again: a page that was interrupted may not know of it.

        Args:
            voter: The voter's id.
            battle: The id of the voter's open pair.
            choice: ``left``, ``right``, ``tie`` or ``both_bad``.
            heard: The shares 0..1 of the left and right clip that were played.
            answers: A choice for each optional question that was answered.
            comment: What the voter wrote; it is cut to 500 characters.
            captions: Whether captions were shown.
            origin: Who votes.

        Raises:
            RefusedError: The vote breaks a rule.
        """
        answers = dict(answers or {})
        with self.study.lock:
            self.incidents.stop_flood(voter)
            with self.incidents.session(voter) as session:
                row = session.get(BattleRow, battle)
                if row is None or row.voter_id != voter or row.study_id != self.study.id:
                    raise RefusedError("not this voter's pair", "this pair is not open")
                if row.closed_at is not None:
                    last = self._last_vote(session, voter)
                    if last is None or (last.battle_id, last.choice) != (battle, choice):
                        raise RefusedError("voted already", "this pair is not open")
                    return Receipt(last.id, battle, choice)  # type: ignore[arg-type]
                self._check_vote(row, choice, heard, answers)
                who = session.get(VoterRow, voter)
                vote = VoteRow(
                    study_id=self.study.id,
                    battle_id=battle,
                    voter_id=voter,
                    at=self.study.clock(),
                    choice=choice,
                    answers=answers,
                    comment=comment[:_LONGEST_COMMENT],
                    heard_left=heard[0],
                    heard_right=heard[1],
                    dwell_s=self._dwell_s(row),
                    captions=captions,
                    sound_check=who.sound_check if who is not None else None,
                    origin=origin,
                )
                session.add(vote)
                row.closed_at = vote.at
                try:
                    session.flush()
                except IntegrityError as error:
                    raise RefusedError("voted already", "this pair is not open") from error
            self.clip_urls.close(battle)
            self.assignment.count_vote(row, choice)
            return Receipt(vote.id, battle, choice)  # type: ignore[arg-type]

    def undo(self, voter: str, battle: str) -> ShownPair:
        """Take the voter's last vote back; the pair is open again. The log keeps the vote, and that it was undone.

        Args:
            voter: The id of the voter.
            battle: The id of the battle that they voted on last.

        Returns:
            The pair, to be judged again.

        Raises:
            RefusedError: Another pair was opened since, the makers were revealed, or the pair's votes were taken back too often.
        """
        with self.study.lock:
            with self.incidents.session(voter) as session:
                row, vote = session.get(BattleRow, battle), self._last_vote(session, voter)
                if row is None or vote is None or vote.battle_id != battle:
                    raise RefusedError("nothing to undo", "there is nothing to undo")
                if row.revealed_at is not None:
                    raise RefusedError("undo after reveal", "a vote cannot be taken back after the makers of the clips were revealed")
                if self._n_undone(session, row) >= _UNDOS:
                    raise RefusedError("undone too often", "a vote on this pair was taken back three times: it cannot be taken back again")
                session.add(UndoneRow(vote_id=vote.id, at=self.study.clock()))
                again = self.assignment.reopened(row)
                session.add(again)
                n_voted = self._n_votes(session, voter)
            self.assignment.uncount_vote(row, vote.choice)
            self.clip_urls.mark_watched(again.id)  # the vote was possible only because both clips were watched
            return self._shown(again, n_voted)

    def reveal(self, voter: str, battle: str) -> tuple[str, str]:
        """The systems that made the clips of a battle, for the voter who voted on it.

        Args:
            voter: The id of the voter.
            battle: The id of the battle.

        Returns:
            The names of the systems for left and right.

        Raises:
            RefusedError: The study does not reveal them, or the voter has no vote on this pair.
        """
        with self.incidents.session(voter) as session:
            row = session.get(BattleRow, battle)
            vote = session.scalar(select(VoteRow).where(VoteRow.battle_id == battle, VoteRow.voter_id == voter))
            if not self.settings.reveal or row is None or vote is None or session.get(UndoneRow, vote.id) is not None:
                raise RefusedError("reveal", "the makers of these clips are not revealed")
            row.revealed_at = row.revealed_at or self.study.clock()
            return self.assignment.makers(row)

    def clip_token(self, voter: str, file_name: str) -> str:
        """A new token of a clip URL for a voter who may know who made the clip; the caller has checked that.

        Args:
            voter: The id of the voter.
            file_name: The name of the clip's file in the study's folder.

        Returns:
            The token.

        Raises:
            StudyError: No clip of the study has this file name.
        """
        if file_name not in self.assignment.file_names:
            raise StudyError(f"{file_name!r} is no clip of this study")
        return self.clip_urls.of_file(voter, self.study.folder / file_name)

    def hidden_facts(self, battle: str) -> HiddenFacts:
        """What no voter may know of an opened pair; for simulated voters.

        Args:
            battle: The id of the battle.

        Returns:
            The facts.

        Raises:
            StudyError: There is no such battle in this study.
        """
        with self.store.session() as session:
            row = session.get(BattleRow, battle)
            if row is None or row.study_id != self.study.id:
                raise StudyError(f"there is no battle {battle!r} in this study")
            return self.assignment.hidden_facts(row)

    def forget_old(self) -> int:
        """Remove expired clip URLs, and refusals and new voters of more than an hour ago.

        Returns:
            How many URLs were removed.
        """
        self.incidents.forget_old()
        self.voters.forget_old()
        return self.clip_urls.remove_expired()

    def _shown(self, battle: BattleRow, n_voted: int) -> ShownPair:
        left, right = self.clip_urls.of_battle(battle.id, battle.voter_id, self.assignment.files(battle))
        pair = self.assignment.pair(battle)
        return ShownPair(battle.id, left, right, text=pair.text, with_sound=pair.with_sound, captions=pair.captions, n_voted=n_voted)

    def _check_vote(self, battle: BattleRow, choice: str, heard: tuple[float, float], answers: Mapping[str, str]) -> None:
        """Raises RefusedError for a vote on an open pair that breaks a rule."""
        limits = self.settings.limits
        if choice not in _CHOICES or any(answer not in _CHOICES for answer in answers.values()):
            raise RefusedError("unknown choice", "this is not one of the choices")
        if OVERALL in answers or not set(answers) <= set(self.settings.questions):
            raise RefusedError("unknown question", "this is not one of the questions")
        if not all(isinstance(share, (int, float)) and 0 <= share <= 1 for share in heard):
            raise RefusedError("heard out of range", "please play both clips")
        if not self.clip_urls.both_fetched(battle.id):
            raise RefusedError("clips not fetched", "please play both clips")
        if min(heard) < limits.heard:
            raise RefusedError("not heard", "please play both clips to the end")
        pair = self.assignment.pair(battle)
        if self._dwell_s(battle) < limits.dwell * least_judging_s(pair.shorter_s, heard, with_sound=pair.with_sound):
            raise RefusedError("too fast", "please watch both clips before you vote")

    def _dwell_s(self, battle: BattleRow) -> float:
        return max(0.0, (self.study.clock() - (battle.shown_at or battle.opened_at)).total_seconds())

    def _last_vote(self, session: Session, voter: str) -> VoteRow | None:
        """The vote that a voter may still take back: the one on the pair opened last, unless it was taken back."""
        last = session.scalar(
            select(BattleRow).where(BattleRow.voter_id == voter).order_by(BattleRow.opened_at.desc(), BattleRow.id.desc()).limit(1)
        )
        vote = None if last is None else session.scalar(select(VoteRow).where(VoteRow.battle_id == last.id, VoteRow.voter_id == voter))
        return None if vote is None or session.get(UndoneRow, vote.id) is not None else vote

    def _n_undone(self, session: Session, battle: BattleRow) -> int:
        """How many votes were taken back on a pair as it was shown this time (a repeat is another time)."""
        query = select(func.count()).select_from(UndoneRow).join(VoteRow, VoteRow.id == UndoneRow.vote_id)
        query = query.join(BattleRow, VoteRow.battle_id == BattleRow.id)
        same = (BattleRow.voter_id == battle.voter_id, BattleRow.pair_id == battle.pair_id, BattleRow.kind == battle.kind)
        return int(session.scalar(query.where(*same)) or 0)

    def _n_votes(self, session: Session, voter: str, since: datetime | None = None) -> int:
        query = select(func.count()).select_from(VoteRow).where(VoteRow.voter_id == voter, VoteRow.id.not_in(select(UndoneRow.vote_id)))
        return int(session.scalar(query if since is None else query.where(VoteRow.at >= since)) or 0)
