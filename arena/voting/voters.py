"""Voters: whoever holds a cookie that the study signed. A cookie that somebody made up belongs to no voter."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict, deque
from datetime import datetime, timedelta

from seedbench.arena.store import VoterRow
from seedbench.arena.voting.refusals import NO_VOTER, IncidentLog, forget_before, forget_idle
from seedbench.arena.voting.served_study import ServedStudy

_SIGNATURE = 32  # characters


def cookie_name(study: str) -> str:
    """The name of the cookie of a study's voters.

    Each study has its own: a browser sends a cookie to every port of a host, where another study may be served.

    Args:
        study: The name of the study.

    Returns:
        The name, which differs between studies.
    """
    return f"sb_voter_{hashlib.sha256(study.encode()).hexdigest()[:8]}"


class Voters:
    """The voters of a study: their cookies, ids, consent and sound checks.

    ``new_voters_per_hour`` limits the new voters from one network address, instead of the study's own limit.
    """

    def __init__(self, study: ServedStudy, incidents: IncidentLog, *, new_voters_per_hour: int | None = None) -> None:
        self.cookie_name = cookie_name(study.name)
        self._study, self._incidents = study, incidents
        self._limit = new_voters_per_hour or study.settings.limits.newcomers_an_hour
        self._arrivals: dict[str, deque[datetime]] = defaultdict(deque)
        self._salt = secrets.token_bytes(32)  # of this process: nobody can compute addresses back from the keys of the counts

    def new_cookie(self, address: str) -> str | None:
        """A cookie for a new voter.

        Nothing is kept of the address but, in memory and for an hour, a salted hash.

        Args:
            address: The network address that the voter comes from.

        Returns:
            The cookie; None where too many voters came from there within the hour.
        """
        study = self._study
        with study.lock:
            arrivals = self._arrivals[hmac.new(self._salt, address.encode(), hashlib.sha256).hexdigest()]
            forget_before(arrivals, study.clock() - timedelta(hours=1))
            if len(arrivals) >= self._limit:
                self._incidents.add(NO_VOTER, "too many newcomers")
                return None
            arrivals.append(study.clock())
        return self._signed(secrets.token_urlsafe(24))

    def id_of_name(self, name: str) -> str:
        """The id of the voter whose cookie is made of a name; for voters that are simulated.

        Args:
            name: The name.

        Returns:
            The id, always the same one for a name in a study.
        """
        return self._id(self._signed(name))

    def id_of(self, cookie: str) -> str | None:
        """The id of the voter with a cookie.

        Args:
            cookie: The cookie.

        Returns:
            A keyed hash, from which nobody can compute the cookie; None for a cookie that this study did not sign.
        """
        name, signature = cookie[:-_SIGNATURE], cookie[-_SIGNATURE:]
        if not name or not hmac.compare_digest(self._signature(name).encode(), signature.encode()):
            return None
        return self._id(cookie)

    def record_consent(self, voter: str, *, sound_check: bool | None) -> None:
        """Record that a voter agreed to take part.

        Args:
            voter: The id of the voter.
            sound_check: Whether they passed the sound check; None where they made none.
        """
        study = self._study
        with self._incidents.session(voter) as session:
            row = session.get(VoterRow, voter)
            if row is None:
                row = VoterRow(id=voter, study_id=study.id, first_at=study.clock())
                session.add(row)
            row.consented_at = row.consented_at or study.clock()
            row.sound_check = sound_check

    def has_consented(self, voter: str) -> bool:
        """Whether a voter agreed to take part."""
        with self._study.store.session() as session:
            row = session.get(VoterRow, voter)
            return row is not None and row.consented_at is not None

    def sound_check(self, voter: str) -> bool | None:
        """Whether a voter passed their last sound check; None where they made none."""
        with self._study.store.session() as session:
            row = session.get(VoterRow, voter)
            return None if row is None else row.sound_check

    def forget_old(self) -> None:
        """Forget new voters of more than an hour ago."""
        with self._study.lock:
            forget_idle(self._arrivals, self._study.clock() - timedelta(hours=1))

    def _signed(self, name: str) -> str:
        return name + self._signature(name)

    def _signature(self, name: str) -> str:
        return hmac.new(self._study.key, b"cookie " + name.encode(), hashlib.sha256).hexdigest()[:_SIGNATURE]

    def _id(self, cookie: str) -> str:
        return hmac.new(self._study.key, cookie.encode(), hashlib.sha256).hexdigest()[:32]
