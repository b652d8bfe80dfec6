"""Which pair a voter gets next, and which clip of it is on which side.

Of the parts of the voting service this one alone knows who made which clip and which side it is on. It hands out files in the order left,
right; names leave it only through :meth:`PairAssignment.makers` (after a vote, where the study reveals them) and
:meth:`PairAssignment.hidden_facts` (for simulated voters).
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from seedbench.arena.ratings.bradley_terry import LEFT, RIGHT, TIE
from seedbench.arena.settings import StudyError
from seedbench.arena.store import BattleRow, ClipRow, PairRow, UndoneRow, VoteRow
from seedbench.arena.voting.sampling import chances, draw, first_on_left, state_of
from seedbench.arena.voting.served_study import ServedStudy
from seedbench.errors import ClipError
from seedbench.files.hashing import file_sha256

_OUTCOME = {"left": LEFT, "right": RIGHT, "tie": TIE}
_REPEAT_AFTER = 5  # a pair is repeated after so many other pairs at the earliest
_STATE_EVERY = 10  # votes after which the chances of pairs are computed anew
_CHECK_PAIR = "a check: both are one system's"


@dataclass(frozen=True)
class HiddenFacts:
    """What no voter may know before a vote.

    Attributes:
        kind: The kind of the pair.
        left: The index in :attr:`PairAssignment.models` of the system on the left.
        right: The index of the system on the right.
        expected: The side of a gold pair that is not degraded, ``left`` or ``right``; None for other pairs.
        shorter_s: The length of the shorter clip in seconds.
    """

    kind: str
    left: int
    right: int
    expected: str | None
    shorter_s: float


@dataclass(frozen=True)
class StudyPair:
    """A pair of the study.

    Attributes:
        id: The id of its row in the database.
        kind: ``pair``, or a check: ``gold`` or ``same``.
        expected: The clip of a gold pair that is not degraded, ``first`` or ``second``; None for other pairs.
        models: The indices of the first and second clip's makers.
        files: The two clips.
        shorter_s: The length of the shorter clip in seconds.
        text: The prompt's text, which a voter is shown.
        with_sound: Whether there is sound to judge.
        captions: The lines that were to be said: start and end in seconds, words.
    """

    id: int
    kind: str
    expected: str | None
    models: tuple[int, int]
    files: tuple[Path, Path]
    shorter_s: float
    text: str
    with_sound: bool
    captions: tuple[tuple[float, float, str], ...]


class PairAssignment:
    """The pairs of a study, how often each was shown, and the votes on them as counts, from which the next pairs are drawn.

    Attributes:
        models: The names of the M systems.
        counts: (M, M, 3) the votes by left, right and outcome.
        lefts: (M, M) how often the row's model was left of the column's.

    Raises:
        StudyError: Clips are missing or damaged.
    """

    def __init__(self, study: ServedStudy) -> None:
        self._study = study
        with study.store.session() as session:
            clips = {row.id: row for row in session.scalars(select(ClipRow).where(ClipRow.study_id == study.id))}
            self.models = sorted({row.generator for row in clips.values()})
            rows = session.scalars(select(PairRow).where(PairRow.study_id == study.id))
            self.pairs = {row.id: self._pair_of(row, clips) for row in rows}
            self.file_names = frozenset(row.file for row in clips.values())
            self._check_files(list(clips.values()))
            self._load_counts(session)
        self._state = state_of(self.counts)
        self._votes_since_state = 0

    def _pair_of(self, row: PairRow, clips: dict[int, ClipRow]) -> StudyPair:
        first, second = clips[row.first_id], clips[row.second_id]
        captions = tuple((float(start), float(end), str(words)) for start, end, words in row.captions)
        return StudyPair(
            row.id,
            row.kind,
            row.expected,
            (self.models.index(first.generator), self.models.index(second.generator)),
            (self._study.folder / first.file, self._study.folder / second.file),
            min(first.duration_s, second.duration_s),
            row.text,
            row.with_sound,
            captions if self._study.settings.captions else (),
        )

    def _check_files(self, clips: list[ClipRow]) -> None:
        folder = self._study.folder
        missing = sum(not file.exists() for pair in self.pairs.values() for file in pair.files)
        if missing:
            raise StudyError(f"{missing} clips of the study are not in {folder}: prepare the study again under another name")
        damaged = sum(not _is_intact(folder / row.file, row.file_sha256) for row in clips)
        if damaged:
            raise StudyError(f"{damaged} clips of the study in {folder} are damaged: prepare the study again under another name")

    def _load_counts(self, session: Session) -> None:
        study_id, m = self._study.id, len(self.models)
        self.counts = np.zeros((m, m, 3), np.int64)
        self.lefts = np.zeros((m, m), np.int64)
        self._shown: dict[int, int] = defaultdict(int)
        undone = select(UndoneRow.vote_id)
        reopened = select(VoteRow.battle_id).where(VoteRow.id.in_(undone))  # the pair was opened again: it was shown once
        shown = select(BattleRow).where(BattleRow.study_id == study_id, BattleRow.id.not_in(reopened))
        for battle in session.scalars(shown):
            self.count_shown(battle)
        voted = select(VoteRow, BattleRow).join(BattleRow, VoteRow.battle_id == BattleRow.id)
        for vote, battle in session.execute(voted.where(VoteRow.study_id == study_id, VoteRow.id.not_in(undone))):
            self._count(battle, vote.choice, 1)

    # --- what is asked of a battle

    def pair(self, battle: BattleRow) -> StudyPair:
        """The pair of a battle."""
        return self.pairs[battle.pair_id]

    def files(self, battle: BattleRow) -> tuple[Path, Path]:
        """The left and the right clip of a battle."""
        first, second = self.pair(battle).files
        return (first, second) if battle.first_left else (second, first)

    def makers(self, battle: BattleRow) -> tuple[str, str]:
        """The systems that made the clips of a battle.

        Args:
            battle: The battle.

        Returns:
            The names for left and right; for a check pair, twice a text that says what it is.
        """
        if self.pair(battle).kind != "pair":
            return _CHECK_PAIR, _CHECK_PAIR
        left, right = self._sides(battle)
        return self.models[left], self.models[right]

    def hidden_facts(self, battle: BattleRow) -> HiddenFacts:
        """What no voter may know before a vote.

        Args:
            battle: The battle.

        Returns:
            The facts, with the sides of this battle.
        """
        pair, (left, right) = self.pair(battle), self._sides(battle)
        expected = None if pair.expected is None else "left" if (pair.expected == "first") == battle.first_left else "right"
        return HiddenFacts(battle.kind, left, right, expected, pair.shorter_s)

    def _sides(self, battle: BattleRow) -> tuple[int, int]:
        """The indices of the left and the right model."""
        first, second = self.pair(battle).models
        return (first, second) if battle.first_left else (second, first)

    # --- counts

    def count_shown(self, battle: BattleRow) -> None:
        """Count that a battle was shown."""
        self._shown[battle.pair_id] += 1
        self.lefts[self._sides(battle)] += 1

    def count_vote(self, battle: BattleRow, choice: str) -> None:
        """Count a vote; after some votes the chances of pairs are computed anew.

        Args:
            battle: The battle that was voted on.
            choice: ``left``, ``tie``, ``right`` or ``both_bad``.
        """
        self._count(battle, choice, 1)
        self._votes_since_state += 1
        if self._votes_since_state >= _STATE_EVERY:
            self._state, self._votes_since_state = state_of(self.counts), 0

    def uncount_vote(self, battle: BattleRow, choice: str) -> None:
        """Take back the count of a vote that was taken back.

        Args:
            battle: The battle that was voted on.
            choice: The choice that was counted.
        """
        self._count(battle, choice, -1)

    def _count(self, battle: BattleRow, choice: str, change: int) -> None:
        if battle.kind == "pair" and choice in _OUTCOME:
            self.counts[(*self._sides(battle), _OUTCOME[choice])] += change

    # --- the next pair

    def next_battle(self, session: Session, voter: str) -> BattleRow | None:
        """A new battle for a voter, decided by the study's seed, the voter and how many battles they had.

        Args:
            session: The database session of the request.
            voter: The id of the voter.

        Returns:
            The battle, which is not in the session yet; None where no pair is left.
        """
        battles = list(session.scalars(select(BattleRow).where(BattleRow.voter_id == voter)))
        rng = np.random.default_rng([self._study.settings.seed, int(voter[:16], 16), len(battles)])
        seen = {battle.pair_id for battle in battles}
        checks = self._study.settings.checks
        draw_value = float(rng.random())
        if draw_value < checks.repeat:
            undone = select(VoteRow.battle_id).join(UndoneRow, UndoneRow.vote_id == VoteRow.id).where(VoteRow.voter_id == voter)
            reopened = set(session.scalars(undone))
            check = self._repeat([battle for battle in battles if battle.id not in reopened], rng)
        elif draw_value < checks.repeat + checks.gold:
            check = self._check("gold", seen, voter, rng)
        elif draw_value < checks.repeat + checks.gold + checks.same:
            check = self._check("same", seen, voter, rng)
        else:
            check = None
        return check or self._pair(seen, voter, rng)

    def reopened(self, battle: BattleRow) -> BattleRow:
        """A battle like one whose vote was taken back: same pair, same sides, shown since the same time."""
        same = {name: getattr(battle, name) for name in ("first_left", "kind", "repeats", "probability")}
        again = self._battle(self.pair(battle), battle.voter_id, **same)
        again.shown_at = battle.shown_at  # the clips were watched already
        return again

    def _battle(self, pair: StudyPair, voter: str, **columns: Any) -> BattleRow:
        now = self._study.clock()
        return BattleRow(
            id=secrets.token_hex(16), study_id=self._study.id, pair_id=pair.id, voter_id=voter, opened_at=now, shown_at=now, **columns
        )

    def _repeat(self, battles: list[BattleRow], rng: np.random.Generator) -> BattleRow | None:
        closed = sorted(
            (battle for battle in battles if battle.kind == "pair" and battle.closed_at is not None), key=lambda battle: battle.opened_at
        )
        repeated = {battle.repeats for battle in battles}
        old = [battle for battle in closed[:-_REPEAT_AFTER] if battle.id not in repeated]
        if not old:
            return None
        first = old[int(rng.integers(len(old)))]
        return self._battle(self.pair(first), first.voter_id, first_left=not first.first_left, kind="repeat", repeats=first.id)

    def _check(self, kind: str, seen: set[int], voter: str, rng: np.random.Generator) -> BattleRow | None:
        unseen = [pair for pair in self.pairs.values() if pair.kind == kind and pair.id not in seen]
        if not unseen:
            return None
        pair = unseen[int(rng.integers(len(unseen)))]
        return self._battle(pair, voter, first_left=bool(rng.random() < 0.5), kind=kind)

    def _pair(self, seen: set[int], voter: str, rng: np.random.Generator) -> BattleRow | None:
        by_models: dict[tuple[int, int], list[StudyPair]] = defaultdict(list)
        for pair in self.pairs.values():
            if pair.kind == "pair" and pair.id not in seen:
                a, b = pair.models
                by_models[min(a, b), max(a, b)].append(pair)
        if not by_models:
            return None
        possible = np.zeros((len(self.models),) * 2, bool)
        for a, b in by_models:
            possible[a, b] = True
        a, b, chance = draw(chances(self._state, possible, self._study.settings.policy), rng)
        fewest = min(self._shown[pair.id] for pair in by_models[a, b])
        least_shown = [pair for pair in by_models[a, b] if self._shown[pair.id] == fewest]
        pair = least_shown[int(rng.integers(len(least_shown)))]
        x, y = pair.models
        first_left = first_on_left((int(self.lefts[x, y]), int(self.lefts[y, x])), rng)
        return self._battle(pair, voter, first_left=first_left, kind="pair", probability=chance / len(least_shown))


def _is_intact(file: Path, sha256: str) -> bool:
    """Whether a clip has the content it was prepared with; old studies have no hash to compare with."""
    try:
        return not sha256 or file_sha256(file) == sha256
    except ClipError:
        return False
