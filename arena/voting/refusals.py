"""Requests that are refused, and the incident log, which keeps them.

What a voter reads is one sentence that gives nothing away; the log keeps what kind of request it was.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from seedbench.arena.store import IncidentRow
from seedbench.arena.voting.served_study import ServedStudy
from seedbench.errors import SeedBenchError

NO_VOTER = ""
"""Stands in the incident log for a visitor without a cookie of this study."""
_LONGEST_DETAIL = 200


class RefusedError(SeedBenchError):
    """A request that is refused. The message is for the voter, ``kind`` for the incident log."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class IncidentLog:
    """The incident log of a study. It also counts each voter's refusals of the last hour, in memory."""

    def __init__(self, study: ServedStudy) -> None:
        self._study = study
        self._limit = study.settings.limits.refusals_an_hour
        self._recent_refusals: dict[str, deque[datetime]] = defaultdict(deque)

    @contextmanager
    def session(self, voter: str) -> Iterator[Session]:
        """A database session for one request of a voter, under the study's lock.

        Args:
            voter: The id of the voter.

        Yields:
            The session. A refused request changes nothing else and is logged.
        """
        with self._study.lock:
            try:
                with self._study.store.session() as session:
                    yield session
            except RefusedError as error:
                self.add(voter, error.kind, str(error))
                raise

    def add(self, voter: str, kind: str, detail: str = "") -> None:
        """Log what was refused.

        Beyond an hour's limit of one voter nothing is logged: a flood fills no disk.

        Args:
            voter: The id of the voter, or NO_VOTER.
            kind: The kind of the incident.
            detail: What happened, in words.
        """
        with self._study.lock:
            recent = self._recent(voter)
            if len(recent) > self._limit:
                return
            recent.append(self._study.clock())
            if len(recent) > self._limit:
                kind, detail = "flood", f"more than {self._limit} refusals within an hour: the next are not written down"
            with self._study.store.session() as session:
                row = IncidentRow(
                    study_id=self._study.id, at=self._study.clock(), voter_id=voter, kind=kind, detail=detail[:_LONGEST_DETAIL]
                )
                session.add(row)

    def stop_flood(self, voter: str) -> None:
        """Refuse a voter who was refused too often within the last hour.

        Args:
            voter: The id of the voter.

        Raises:
            RefusedError: The voter was.
        """
        with self._study.lock:
            if len(self._recent(voter)) >= self._limit:
                self.add(voter, "too many refusals")
                raise RefusedError("too many refusals", "too many requests: please come back in an hour")

    def forget_old(self) -> None:
        """Forget refusals of more than an hour ago."""
        with self._study.lock:
            forget_idle(self._recent_refusals, self._study.clock() - timedelta(hours=1))

    def _recent(self, voter: str) -> deque[datetime]:
        recent = self._recent_refusals[voter]
        forget_before(recent, self._study.clock() - timedelta(hours=1))
        return recent


def forget_before(times: deque[datetime], start: datetime) -> None:
    """Remove what is older than ``start`` from times in rising order."""
    while times and times[0] < start:
        times.popleft()


def forget_idle(times_by_key: dict[str, deque[datetime]], start: datetime) -> None:
    """Remove the keys for which nothing happened since ``start``."""
    for key in [key for key, times in times_by_key.items() if not times or times[-1] < start]:
        del times_by_key[key]
