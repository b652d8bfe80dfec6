"""The desk that hands out pairs and takes votes. It alone knows who made what; what it gives a voter tells nothing but two addresses.

Every rule of a vote is checked here, on the server: the pair is this voter's and open, both clips were fetched and heard, enough time went
by. What is refused is refused with one sentence that gives nothing away, and written down. A vote is in the database before it is
acknowledged. Nothing but counts and addresses of clips is kept in memory, so a restart loses no vote and no open pair.

A voter is whoever holds a cookie that this desk signed; made-up cookies are nobody's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE
from seedbench.arena.settings import Settings, StudyError
from seedbench.arena.store import BattleRow, ClipRow, IncidentRow, PairRow, UndoneRow, VoteRow, VoterRow, study_of
from seedbench.arena.votes.log import OVERALL, Choice, Origin, least_s
from seedbench.arena.votes.rules import Rules
from seedbench.arena.voting.sampling import chances, draw, first_on_left, state_of
from seedbench.errors import ClipError, SeedBenchError
from seedbench.files.hashing import file_sha256
from seedbench.store import Store

STRANGER = ""
"""Stands for whoever holds no cookie of this study in the log of what was refused."""
_CHOICES = ("left", "right", "tie", "both_bad")
_OUTCOME = {"left": LEFT, "right": RIGHT, "tie": TIE}
_SIGNATURE = 32  # characters
_LONGEST_COMMENT = 500
_UNDOS = 3  # of one pair
_REPEAT_AFTER = 5  # a pair comes back no sooner than after so many others
_STATE_EVERY = 10  # votes between two looks at what pairs tell most


class RefusedError(SeedBenchError):
    """A request that is not granted. The message is for the voter, ``kind`` for the log."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Shown:
    """A pair as a voter gets it: addresses of two clips, what was asked, whether there is sound to judge, and, where the study allows
    captions, the lines that were to be said (start and end in seconds, words)."""

    battle: str
    left: str
    right: str
    text: str
    with_sound: bool
    captions: tuple[tuple[float, float, str], ...]
    n_voted: int


@dataclass(frozen=True)
class Receipt:
    """An acknowledged vote."""

    vote: int
    battle: str
    choice: Choice


@dataclass(frozen=True)
class Truth:
    """What no voter is told before a vote: what kind of pair it is, the places in :attr:`Desk.models` of left and right, which side of a
    gold pair is whole, and the length of the shorter clip in seconds."""

    kind: str
    left: int
    right: int
    expected: str | None
    shorter_s: float


@dataclass(frozen=True)
class _Pair:
    id: int
    kind: str
    expected: str | None
    models: tuple[int, int]
    files: tuple[Path, Path]
    shorter_s: float
    text: str
    with_sound: bool
    captions: tuple[tuple[float, float, str], ...]


@dataclass
class _Address:
    voter: str
    battle: str
    file: Path
    until: datetime
    fetched: bool = False


def cookie_name(study: str) -> str:
    """What the cookie of a study's voters is called: a browser sends it to every port of a host, where another study may be served."""
    return f"sb_voter_{hashlib.sha256(study.encode()).hexdigest()[:8]}"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _is_whole(file: Path, sha256: str) -> bool:
    """Whether a clip that is to be shown has the content it was prepared with; of old studies no hash is known."""
    try:
        return not sha256 or file_sha256(file) == sha256
    except ClipError:
        return False


class Desk:
    """One study's desk; ``folder`` holds its clips, ``newcomers`` may be had instead of the study's limit of new voters an hour.

    Calls from several threads are taken one after the other. Raises StudyError.
    """

    def __init__(
        self, store: Store, study: str, folder: Path, *, clock: Callable[[], datetime] = _now, newcomers: int | None = None
    ) -> None:
        self.store, self.folder, self.clock = store, folder, clock
        self.cookie = cookie_name(study)
        self._lock = threading.RLock()
        self._addresses: dict[str, _Address] = {}
        self._of_battle: dict[str, tuple[str, str]] = {}
        self._watched: set[str] = set()  # open battles whose clips were both fetched, under addresses that are forgotten by now
        self._refusals: dict[str, deque[datetime]] = defaultdict(deque)
        self._newcomers: dict[str, deque[datetime]] = defaultdict(deque)
        self._salt = secrets.token_bytes(32)  # of this process: nobody can work addresses out from what is counted
        with store.session() as session:
            row = study_of(session, study)
            self.study, self.study_id, self._key = study, row.id, row.key
            self.settings = Settings.model_validate(row.settings)
            self.rules = Rules.model_validate(row.rules)
            self.newcomers_an_hour = newcomers or self.settings.limits.newcomers_an_hour
            self._load(session)

    def _load(self, session: Session) -> None:
        clips = {one.id: one for one in session.scalars(select(ClipRow).where(ClipRow.study_id == self.study_id))}
        self.models = sorted({one.generator for one in clips.values()})
        place = {name: index for index, name in enumerate(self.models)}
        self.pairs: dict[int, _Pair] = {}
        for one in session.scalars(select(PairRow).where(PairRow.study_id == self.study_id)):
            first, second = clips[one.first_id], clips[one.second_id]
            self.pairs[one.id] = _Pair(
                one.id,
                one.kind,
                one.expected,
                (place[first.generator], place[second.generator]),
                (self.folder / first.file, self.folder / second.file),
                min(first.duration_s, second.duration_s),
                one.text,
                one.with_sound,
                tuple((float(start), float(end), str(words)) for start, end, words in one.captions) if self.settings.captions else (),
            )
        self._files = {one.file for one in clips.values()}
        missing = sum(not file.exists() for pair in self.pairs.values() for file in pair.files)
        if missing:
            raise StudyError(f"{missing} clips of the study are not in {self.folder}: prepare it anew under another name")
        damaged = sum(not _is_whole(self.folder / one.file, one.file_sha256) for one in clips.values())
        if damaged:
            raise StudyError(f"{damaged} clips of the study in {self.folder} are damaged: prepare it anew under another name")
        m = len(self.models)
        self.counts = np.zeros((m, m, 3), np.int64)
        self.shown: dict[int, int] = defaultdict(int)
        self.lefts = np.zeros((m, m), np.int64)
        undone = select(UndoneRow.vote_id)
        taken_back = select(VoteRow.battle_id).where(VoteRow.id.in_(undone))  # such a pair was opened anew: it is shown once
        mine = select(BattleRow).where(BattleRow.study_id == self.study_id, BattleRow.id.not_in(taken_back))
        for battle in session.scalars(mine):
            self._note_shown(battle)
        voted = select(VoteRow, BattleRow).join(BattleRow, VoteRow.battle_id == BattleRow.id)
        for vote, battle in session.execute(voted.where(VoteRow.study_id == self.study_id, VoteRow.id.not_in(undone))):
            self._count(battle, vote.choice, 1)
        self._state = state_of(self.counts)
        self._since_state = 0

    def _note_shown(self, battle: BattleRow) -> None:
        self.shown[battle.pair_id] += 1
        self.lefts[self._sides(battle)] += 1

    def _count(self, battle: BattleRow, choice: str, by: int) -> None:
        if battle.kind == "pair" and choice in _OUTCOME:
            self.counts[(*self._sides(battle), _OUTCOME[choice])] += by

    def _sides(self, battle: BattleRow) -> tuple[int, int]:
        """Which model is left and which right."""
        first, second = self.pairs[battle.pair_id].models
        return (first, second) if battle.first_left else (second, first)

    # --- voters

    def new_cookie(self, address: str) -> str | None:
        """A cookie for a newcomer from a network address; None where too many came from there within the hour.

        Of the address nothing is kept but, in memory and for an hour, a salted hash.
        """
        with self._lock:
            came = self._newcomers[hmac.new(self._salt, address.encode(), hashlib.sha256).hexdigest()]
            _forget_before(came, self.clock() - timedelta(hours=1))
            if len(came) >= self.newcomers_an_hour:
                self.note(STRANGER, "too many newcomers")
                return None
            came.append(self.clock())
        return self.signed(secrets.token_urlsafe(24))

    def signed(self, name: str) -> str:
        """The cookie that goes by a name."""
        return name + self._signature(name)

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, b"cookie " + name.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE]

    def voter_called(self, name: str) -> str:
        """The id of whoever holds the cookie of a name."""
        return self._voter(self.signed(name))

    def _voter(self, cookie: str) -> str:
        return hmac.new(self._key, cookie.encode(), hashlib.sha256).hexdigest()[:32]

    def voter_of(self, cookie: str) -> str | None:
        """The id of whoever holds a cookie: a keyed hash, which leads back to no cookie. None for a cookie this desk did not make."""
        name, signature = cookie[:-_SIGNATURE], cookie[-_SIGNATURE:]
        if not name or not hmac.compare_digest(self._signature(name).encode(), signature.encode()):
            return None
        return self._voter(cookie)

    def consent(self, voter: str, *, sound_check: bool | None) -> None:
        """Take note that a voter agreed to take part, and how the sound check went (None: not made)."""
        with self._answering(voter) as session:
            row = session.get(VoterRow, voter)
            if row is None:
                row = VoterRow(id=voter, study_id=self.study_id, first_at=self.clock())
                session.add(row)
            row.consented_at = row.consented_at or self.clock()
            row.sound_check = sound_check

    def consented(self, voter: str) -> bool:
        """Whether a voter agreed to take part."""
        with self.store.session() as session:
            row = session.get(VoterRow, voter)
            return row is not None and row.consented_at is not None

    def sound_check(self, voter: str) -> bool | None:
        """Whether a voter passed the sound check the last time; None where it was not made."""
        with self.store.session() as session:
            row = session.get(VoterRow, voter)
            return None if row is None else row.sound_check

    # --- pairs

    def open(self, voter: str) -> Shown | None:
        """The voter's open pair (the same one after a reload), or a new one; None when there is none left for this voter.

        Raises RefusedError without consent and beyond a day's votes.
        """
        new = False
        with self._lock:
            with self._answering(voter) as session:
                who = session.get(VoterRow, voter)
                if who is None or who.consented_at is None:
                    raise RefusedError("no consent", "please agree to take part first")
                n_voted = self._n_votes(session, voter)
                battle = session.scalar(
                    select(BattleRow).where(BattleRow.voter_id == voter, BattleRow.closed_at.is_(None)).order_by(BattleRow.opened_at.desc())
                )
                if battle is None:
                    since = self.clock() - timedelta(days=1)
                    if self._n_votes(session, voter, since) >= self.settings.limits.a_day:
                        raise RefusedError("a day's votes", "that was a full day's work: thank you, come back tomorrow")
                    battle = self._drawn(session, voter)
                    if battle is None:
                        return None
                    session.add(battle)
                    new = True
            if new:
                self._note_shown(battle)
            return self._as_shown(battle, n_voted)

    def _as_shown(self, battle: BattleRow, n_voted: int) -> Shown:
        pair = self.pairs[battle.pair_id]
        files = pair.files if battle.first_left else pair.files[::-1]
        until = self.clock() + timedelta(seconds=self.settings.token_s)
        kept = self._of_battle.get(battle.id)
        if kept is None or any(self._addresses[one].until < self.clock() for one in kept):
            self._forget(battle.id)
            kept = (self._address(battle.voter_id, battle.id, files[0], until), self._address(battle.voter_id, battle.id, files[1], until))
            self._of_battle[battle.id] = kept
        return Shown(battle.id, *kept, text=pair.text, with_sound=pair.with_sound, captions=pair.captions, n_voted=n_voted)

    def _address(self, voter: str, battle: str, file: Path, until: datetime) -> str:
        token = secrets.token_urlsafe(24)
        self._addresses[token] = _Address(voter, battle, file, until)
        return token

    def _forget(self, battle: str) -> None:
        """Forget the addresses of a battle, but not that both clips were fetched: who comes back from a break need not watch again."""
        known = [self._addresses.pop(token, None) for token in self._of_battle.pop(battle, ())]
        if known and all(one is not None and one.fetched for one in known):
            self._watched.add(battle)

    def truth(self, battle: str) -> Truth:
        """What stands behind a pair that was opened; for voters that are simulated. Raises StudyError for none."""
        with self.store.session() as session:
            found = session.get(BattleRow, battle)
            if found is None or found.study_id != self.study_id:
                raise StudyError(f"there is no battle {battle!r} in this study")
            pair, (left, right) = self.pairs[found.pair_id], self._sides(found)
            expected = None if pair.expected is None else "left" if (pair.expected == "first") == found.first_left else "right"
            return Truth(found.kind, left, right, expected, pair.shorter_s)

    def lend(self, voter: str, name: str) -> str:
        """A new address for a clip of the study by its file's ``name``, for a voter who may know whose it is: the caller has made sure.

        Raises StudyError for a file that is none of the study's.
        """
        if name not in self._files:
            raise StudyError(f"{name!r} is no clip of this study")
        with self._lock:
            return self._address(voter, "", self.folder / name, self.clock() + timedelta(seconds=self.settings.token_s))

    def lives(self, token: str) -> bool:
        """Whether an address still leads to a clip, and will for a minute."""
        with self._lock:
            found = self._addresses.get(token)
            return found is not None and found.until > self.clock() + timedelta(minutes=1)

    def sweep(self) -> int:
        """Forget addresses that have run out, and refusals and newcomers of more than an hour ago; gives how many addresses."""
        with self._lock:
            before = len(self._addresses)
            over = {token: one.battle for token, one in self._addresses.items() if one.until < self.clock()}
            for token, battle in over.items():
                self._forget(battle)
                self._addresses.pop(token, None)  # one that was lent is of no battle
            hour_ago = self.clock() - timedelta(hours=1)
            for times in (self._refusals, self._newcomers):
                for key in [key for key, at in times.items() if not at or at[-1] < hour_ago]:
                    del times[key]
            return before - len(self._addresses)

    def clip(self, token: str, voter: str | None, *, fetched: bool = True) -> Path | None:
        """The file behind an address, for the voter it was made for while it lives; None for anything else.

        It counts as fetched unless the caller says so later, when bytes of it are sent (:meth:`fetched`).
        """
        with self._lock:
            found = self._addresses.get(token)
            if found is None or found.voter != voter or found.until < self.clock():
                self.note(voter or STRANGER, "clip address")
                return None
            found.fetched = found.fetched or fetched
            return found.file

    def fetched(self, token: str) -> None:
        """Take note that bytes of a clip were sent."""
        with self._lock:
            found = self._addresses.get(token)
            if found is not None:
                found.fetched = True

    def _drawn(self, session: Session, voter: str) -> BattleRow | None:
        """A new battle for a voter, by the study's seed, the voter and how many they had."""
        mine = list(session.scalars(select(BattleRow).where(BattleRow.voter_id == voter)))
        rng = np.random.default_rng([self.settings.seed, int(voter[:16], 16), len(mine)])
        seen = {battle.pair_id for battle in mine}
        checks = self.settings.checks
        lot = float(rng.random())
        if lot < checks.repeat:
            taken_back = select(VoteRow.battle_id).join(UndoneRow, UndoneRow.vote_id == VoteRow.id).where(VoteRow.voter_id == voter)
            undone = set(session.scalars(taken_back))
            found = self._repeat([one for one in mine if one.id not in undone], rng)
        elif lot < checks.repeat + checks.gold:
            found = self._check("gold", seen, voter, rng)
        elif lot < checks.repeat + checks.gold + checks.same:
            found = self._check("same", seen, voter, rng)
        else:
            found = None
        return found or self._pair(seen, voter, rng)

    def _battle(self, pair: _Pair, voter: str, **more: Any) -> BattleRow:
        at = self.clock()
        return BattleRow(
            id=secrets.token_hex(16), study_id=self.study_id, pair_id=pair.id, voter_id=voter, opened_at=at, shown_at=at, **more
        )

    def _repeat(self, mine: list[BattleRow], rng: np.random.Generator) -> BattleRow | None:
        done = sorted((one for one in mine if one.kind == "pair" and one.closed_at is not None), key=lambda one: one.opened_at)
        again = {one.repeats for one in mine}
        old = [one for one in done[:-_REPEAT_AFTER] if one.id not in again]
        if not old:
            return None
        first = old[int(rng.integers(len(old)))]
        return self._battle(self.pairs[first.pair_id], first.voter_id, first_left=not first.first_left, kind="repeat", repeats=first.id)

    def _check(self, kind: str, seen: set[int], voter: str, rng: np.random.Generator) -> BattleRow | None:
        left = [pair for pair in self.pairs.values() if pair.kind == kind and pair.id not in seen]
        if not left:
            return None
        pair = left[int(rng.integers(len(left)))]
        return self._battle(pair, voter, first_left=bool(rng.random() < 0.5), kind=kind)

    def _pair(self, seen: set[int], voter: str, rng: np.random.Generator) -> BattleRow | None:
        by_models: dict[tuple[int, int], list[_Pair]] = defaultdict(list)
        for pair in self.pairs.values():
            if pair.kind == "pair" and pair.id not in seen:
                a, b = pair.models
                by_models[min(a, b), max(a, b)].append(pair)
        if not by_models:
            return None
        possible = np.zeros((len(self.models),) * 2, bool)
        for a, b in by_models:
            possible[a, b] = True
        a, b, chance = draw(chances(self._state, possible, self.settings.policy), rng)
        fewest = min(self.shown[pair.id] for pair in by_models[a, b])
        among = [pair for pair in by_models[a, b] if self.shown[pair.id] == fewest]
        pair = among[int(rng.integers(len(among)))]
        x, y = pair.models
        first_left = first_on_left((int(self.lefts[x, y]), int(self.lefts[y, x])), rng)
        return self._battle(pair, voter, first_left=first_left, kind="pair", probability=chance / len(among))

    # --- votes

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
        """Take a vote. ``heard`` are the shares 0..1 of left and right that were played. Raises RefusedError for what is not granted.

        The voter's last vote, said once more, is acknowledged once more: a page whose run was broken off may not know of it.
        """
        answers = dict(answers or {})
        with self._lock:
            self._stop_storms(voter)
            with self._answering(voter) as session:
                found = session.get(BattleRow, battle)
                if found is None or found.voter_id != voter or found.study_id != self.study_id:
                    raise RefusedError("not this voter's pair", "this pair is not open")
                if found.closed_at is not None:
                    given = self._last_vote(session, voter)
                    if given is None or (given.battle_id, given.choice) != (battle, choice):
                        raise RefusedError("voted already", "this pair is not open")
                    return Receipt(given.id, battle, choice)  # type: ignore[arg-type]
                problem = self._problem(found, choice, heard, answers)
                if problem is not None:
                    raise RefusedError(*problem)
                who = session.get(VoterRow, voter)
                row = VoteRow(
                    study_id=self.study_id,
                    battle_id=battle,
                    voter_id=voter,
                    at=self.clock(),
                    choice=choice,
                    answers=answers,
                    comment=comment[:_LONGEST_COMMENT],
                    heard_left=heard[0],
                    heard_right=heard[1],
                    dwell_s=self._dwell_s(found),
                    captions=captions,
                    sound_check=who.sound_check if who is not None else None,
                    origin=origin,
                )
                session.add(row)
                found.closed_at = row.at
                try:
                    session.flush()
                except IntegrityError as error:
                    raise RefusedError("voted already", "this pair is not open") from error
            self._count(found, choice, 1)
            self._of_battle.pop(battle, None)  # its addresses live out their time
            self._watched.discard(battle)
            self._moved()
            return Receipt(row.id, battle, choice)  # type: ignore[arg-type]

    def _problem(self, battle: BattleRow, choice: str, heard: tuple[float, float], answers: Mapping[str, str]) -> tuple[str, str] | None:
        """What is wrong with a vote on an open pair: for the log, and for the voter."""
        limits = self.settings.limits
        if choice not in _CHOICES or any(one not in _CHOICES for one in answers.values()):
            return "unknown choice", "this is none of the choices"
        if OVERALL in answers or not set(answers) <= set(self.settings.questions):
            return "unknown question", "this is none of the questions"
        if not all(isinstance(one, (int, float)) and 0 <= one <= 1 for one in heard):
            return "heard out of range", "please play both clips"
        tokens = self._of_battle.get(battle.id, ())
        if battle.id not in self._watched and (len(tokens) != 2 or not all(self._addresses[one].fetched for one in tokens)):
            return "clips not fetched", "please play both clips"
        if min(heard) < limits.heard:
            return "not heard", "please play both clips to the end"
        pair = self.pairs[battle.pair_id]
        if self._dwell_s(battle) < limits.dwell * least_s(pair.shorter_s, heard, with_sound=pair.with_sound):
            return "too fast", "please watch both clips before you vote"
        return None

    def _dwell_s(self, battle: BattleRow) -> float:
        return max(0.0, (self.clock() - (battle.shown_at or battle.opened_at)).total_seconds())

    def undo(self, voter: str, battle: str) -> Shown:
        """Take the voter's last vote back, as long as no other pair was opened and nothing revealed; the pair is open again.

        The log keeps both: the vote, and that it was undone. Raises RefusedError.
        """
        with self._lock:
            with self._answering(voter) as session:
                found, vote = session.get(BattleRow, battle), self._last_vote(session, voter)
                if found is None or vote is None or vote.battle_id != battle:
                    raise RefusedError("nothing to undo", "there is nothing to undo")
                if found.revealed_at is not None:
                    raise RefusedError("undo after reveal", "a vote stands once it is known who made the clips")
                if self._n_undone(session, found) >= _UNDOS:
                    raise RefusedError("undone too often", "this vote was taken back often enough: it stands")
                session.add(UndoneRow(vote_id=vote.id, at=self.clock()))
                more = {name: getattr(found, name) for name in ("first_left", "kind", "repeats", "probability")}
                again = self._battle(self.pairs[found.pair_id], voter, **more)
                again.shown_at = found.shown_at  # the clips were watched already
                session.add(again)
                n_voted = self._n_votes(session, voter)
            self._count(found, vote.choice, -1)
            self._watched.add(again.id)  # as the vote on it shows
            return self._as_shown(again, n_voted)

    def _last_vote(self, session: Session, voter: str) -> VoteRow | None:
        """The vote that a voter may still take back: the one on the pair opened last, where there is one that stands."""
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

    def reveal(self, voter: str, battle: str) -> tuple[str, str]:
        """Who made left and right, for the voter who voted on them, if the study tells. Raises RefusedError."""
        with self._answering(voter) as session:
            found = session.get(BattleRow, battle)
            vote = session.scalar(select(VoteRow).where(VoteRow.battle_id == battle, VoteRow.voter_id == voter))
            if not self.settings.reveal or found is None or vote is None or session.get(UndoneRow, vote.id) is not None:
                raise RefusedError("reveal", "this is not told")
            found.revealed_at = found.revealed_at or self.clock()
            pair = self.pairs[found.pair_id]
            if pair.kind != "pair":
                return "a check: both are one system's", "a check: both are one system's"
            left, right = self._sides(found)
            return self.models[left], self.models[right]

    def _n_votes(self, session: Session, voter: str, since: datetime | None = None) -> int:
        query = select(func.count()).select_from(VoteRow).where(VoteRow.voter_id == voter, VoteRow.id.not_in(select(UndoneRow.vote_id)))
        return int(session.scalar(query if since is None else query.where(VoteRow.at >= since)) or 0)

    def _moved(self) -> None:
        self._since_state += 1
        if self._since_state >= _STATE_EVERY:
            self._state, self._since_state = state_of(self.counts), 0

    # --- refusals

    @contextmanager
    def _answering(self, voter: str) -> Iterator[Session]:
        """A session for one request; what is refused is undone, then written down."""
        with self._lock:
            try:
                with self.store.session() as session:
                    yield session
            except RefusedError as error:
                self.note(voter, error.kind, str(error))
                raise

    def note(self, voter: str, kind: str, detail: str = "") -> None:
        """Write down what was refused to a voter or STRANGER. From one of them, an hour's worth at most: a flood fills no disk."""
        with self._lock:
            recent, limit = self._recent(voter), self.settings.limits.refusals_an_hour
            if len(recent) > limit:
                return
            recent.append(self.clock())
            if len(recent) > limit:
                kind, detail = "flood", f"more than {limit} refusals within an hour: the next are not written down"
            with self.store.session() as session:
                session.add(IncidentRow(study_id=self.study_id, at=self.clock(), voter_id=voter, kind=kind, detail=detail[:200]))

    def _recent(self, voter: str) -> deque[datetime]:
        recent = self._refusals[voter]
        _forget_before(recent, self.clock() - timedelta(hours=1))
        return recent

    def _stop_storms(self, voter: str) -> None:
        if len(self._recent(voter)) >= self.settings.limits.refusals_an_hour:
            self.note(voter, "too many refusals")
            raise RefusedError("too many refusals", "too many requests: please come back in an hour")


def _forget_before(times: deque[datetime], at: datetime) -> None:
    while times and times[0] < at:
        times.popleft()
