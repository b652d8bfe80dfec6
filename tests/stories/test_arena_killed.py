"""The story of a power cut: the server is killed while people vote, and restarted. Each acknowledged vote is stored exactly once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed

from seedbench.arena.store import BattleRow, VoteRow
from seedbench.store import Store
from tests.arena.wire import Served, Voter, over_the_wire, served, study

N_VOTERS = 12
MODELS = tuple(f"system-{number}" for number in range(6))  # 60 pairs: nobody runs out of them
VOTES_EACH = 3
WAIT_S = 300.0
pytestmark = pytest.mark.slow


class Person:
    """A voter who votes without a pause, and records each vote that the page acknowledged."""

    def __init__(self, voter: Voter, number: int) -> None:
        self.voter, self.lot = voter, random.Random(number)
        self.acknowledged: dict[str, str] = {}
        self.said: dict[str, str] = {}

    @property
    def open(self) -> str:
        """The pair that is shown and not voted on; empty where it is voted on."""
        pair = self.voter.page.pair
        return "" if pair["voted"] else str(pair["battle"])

    async def votes(self) -> None:
        """Vote until the server is gone or the task is ended. Raises NoPlayerError, with what the page says, where no pair is shown."""
        while True:
            if not self.open:
                await self.voter.act("next")
                continue
            await self.voter.fetch()
            battle, choice = self.open, self.lot.choice(("left", "right", "tie", "both_bad"))
            self.said[battle] = choice
            page = await self.voter.vote(choice)
            assert page.pair["voted"] == choice, page.pair["message"]
            self.acknowledged[battle] = choice
            await asyncio.sleep(self.lot.uniform(0, 0.4))


async def more_votes(people: list[Person], running: list[asyncio.Task[None]]) -> None:
    """Wait until they have some more votes acknowledged than now, or one of them gave up."""
    enough = sum(len(person.acknowledged) for person in people) + VOTES_EACH * len(people)
    async with asyncio.timeout(WAIT_S):
        while sum(len(person.acknowledged) for person in people) < enough and not any(task.done() for task in running):
            await asyncio.sleep(0.05)


async def until_killed(people: list[Person], server: Served) -> None:
    """Let people vote, and kill the server meanwhile."""
    running = [asyncio.create_task(person.votes()) for person in people]
    await more_votes(people, running)
    await asyncio.to_thread(server.kill)
    for ended in await asyncio.gather(*running, return_exceptions=True):
        assert isinstance(ended, (ConnectionClosed, OSError)), ended


def in_the_log(store: Store) -> list[tuple[str, str]]:
    """Pair and choice of every vote in the database."""
    with store.session() as session:
        return [(battle, choice) for battle, choice in session.execute(select(VoteRow.battle_id, VoteRow.choice))]


@over_the_wire
async def test_a_server_killed_during_votes_keeps_each_acknowledged_vote_once_and_resumes(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = study(home, models=MODELS, n_prompts=4, fps=5, limits={"dwell": 0.0, "a_day": 10_000})
    with served(home) as server:
        people = [Person(Voter(server.url), number) for number in range(N_VOTERS)]
        for person in people:
            await person.voter.arrive()
            await person.voter.join()
        await until_killed(people, server)

        log = in_the_log(store)
        acknowledged = {battle: choice for person in people for battle, choice in person.acknowledged.items()}
        assert len(acknowledged) > N_VOTERS
        assert acknowledged.items() <= dict(log).items()
        assert set(Counter(battle for battle, _ in log).values()) == {1}
        # what was written and not yet acknowledged is what was said, at most one vote a voter
        for battle, choice in set(log) - acknowledged.items():
            assert [choice] == [person.said[battle] for person in people if battle in person.said]
        assert len(log) <= len(acknowledged) + N_VOTERS

        still_open = {person: person.open for person in people}
        await asyncio.to_thread(server.start)
        for person in people:
            await person.voter.leave()
            page = await person.voter.arrive()  # with the cookie of before, and no second consent
            assert page.pair["voted"] is None
            if still_open[person] and still_open[person] not in dict(log):
                assert page.pair["battle"] == still_open[person]

        running = [asyncio.create_task(person.votes()) for person in people]
        await more_votes(people, running)
        for task in running:
            task.cancel()
        for ended in await asyncio.gather(*running, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended
        for person in people:
            await person.voter.leave()

        log = in_the_log(store)
        after = {battle: choice for person in people for battle, choice in person.acknowledged.items()}
        assert len(after) > len(acknowledged)
        assert after.items() <= dict(log).items()
        assert set(Counter(battle for battle, _ in log).values()) == {1}
        with store.session() as session:
            opened = Counter(session.scalars(select(BattleRow.voter_id).where(BattleRow.closed_at.is_(None))))
        assert set(opened.values()) <= {1}  # nobody has two pairs open
