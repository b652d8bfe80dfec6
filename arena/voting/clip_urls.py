"""Clip URLs: random tokens, each of which leads one voter to one clip for a limited time. Only this module knows which token leads where.

A token shows neither the clip's maker nor whether the same clip was served before.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from seedbench.arena.voting.refusals import NO_VOTER, IncidentLog
from seedbench.arena.voting.served_study import ServedStudy

_NO_BATTLE = ""


@dataclass
class _ClipUrl:
    voter: str
    battle: str
    file: Path
    until: datetime
    fetched: bool = False


class ClipUrls:
    """The clip URLs of a study that are live, and which open battles' clips were fetched. It is all in memory: after a restart the voter's
    page gets new URLs."""

    def __init__(self, study: ServedStudy, incidents: IncidentLog) -> None:
        self._study, self._incidents = study, incidents
        self._by_token: dict[str, _ClipUrl] = {}
        self._by_battle: dict[str, tuple[str, str]] = {}
        self._watched: set[str] = set()  # open battles whose clips were both fetched, by URLs that have expired since

    def of_battle(self, battle: str, voter: str, files: tuple[Path, Path]) -> tuple[str, str]:
        """The tokens of an open battle's clips: the same ones while they are live, then new ones.

        Args:
            battle: The id of the battle.
            voter: The id of its voter.
            files: The left and the right clip.

        Returns:
            The tokens of left and right.
        """
        with self._study.lock:
            tokens = self._by_battle.get(battle)
            if tokens is None or any(self._by_token[token].until < self._study.clock() for token in tokens):
                self._expire(battle)
                tokens = (self._create(voter, battle, files[0]), self._create(voter, battle, files[1]))
                self._by_battle[battle] = tokens
            return tokens

    def of_file(self, voter: str, file: Path) -> str:
        """A new token for a clip that is part of no battle.

        Args:
            voter: The id of a voter, who may know who made the clip.
            file: The clip.

        Returns:
            The token.
        """
        with self._study.lock:
            return self._create(voter, _NO_BATTLE, file)

    def is_live(self, token: str) -> bool:
        """Whether a token leads to a clip for at least one more minute."""
        with self._study.lock:
            url = self._by_token.get(token)
            return url is not None and url.until > self._study.clock() + timedelta(minutes=1)

    def file_of(self, token: str, voter: str | None, *, fetched: bool = True) -> Path | None:
        """The file that a token leads to.

        Args:
            token: The token.
            voter: The id of the voter who asks; None for somebody without a cookie.
            fetched: Whether the clip counts as fetched now. False where the caller reports it when bytes are sent (:meth:`mark_fetched`).

        Returns:
            The file, for the token's own voter while it is live. None for anything else, which is logged as an incident.
        """
        with self._study.lock:
            url = self._by_token.get(token)
            if url is None or url.voter != voter or url.until < self._study.clock():
                self._incidents.add(voter or NO_VOTER, "clip address")
                return None
            url.fetched = url.fetched or fetched
            return url.file

    def mark_fetched(self, token: str) -> None:
        """Record that bytes of a clip were sent."""
        with self._study.lock:
            url = self._by_token.get(token)
            if url is not None:
                url.fetched = True

    def both_fetched(self, battle: str) -> bool:
        """Whether both clips of an open battle were fetched."""
        with self._study.lock:
            tokens = self._by_battle.get(battle, ())
            return battle in self._watched or (len(tokens) == 2 and all(self._by_token[token].fetched for token in tokens))

    def mark_watched(self, battle: str) -> None:
        """Record that both clips of a battle were watched before it was opened."""
        with self._study.lock:
            self._watched.add(battle)

    def close(self, battle: str) -> None:
        """Forget which URLs a battle had; they stay live for the rest of their time."""
        with self._study.lock:
            self._by_battle.pop(battle, None)
            self._watched.discard(battle)

    def remove_expired(self) -> int:
        """Remove the URLs that have expired.

        Returns:
            How many were removed.
        """
        with self._study.lock:
            before = len(self._by_token)
            expired = {token: url.battle for token, url in self._by_token.items() if url.until < self._study.clock()}
            for token, battle in expired.items():
                self._expire(battle)
                self._by_token.pop(token, None)  # where it belongs to no battle
            return before - len(self._by_token)

    def _create(self, voter: str, battle: str, file: Path) -> str:
        token = secrets.token_urlsafe(24)
        until = self._study.clock() + timedelta(seconds=self._study.settings.token_s)
        self._by_token[token] = _ClipUrl(voter, battle, file, until)
        return token

    def _expire(self, battle: str) -> None:
        """Remove a battle's URLs, but remember that both clips were fetched: a voter who comes back from a break need not watch again."""
        urls = [self._by_token.pop(token, None) for token in self._by_battle.pop(battle, ())]
        if urls and all(url is not None and url.fetched for url in urls):
            self._watched.add(battle)
