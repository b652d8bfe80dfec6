"""The story of an arena that is stopped: while it is prepared, while simulated voters vote, and while it is open to voters."""

from __future__ import annotations

import asyncio
import random
import signal
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import select

from seedbench.arena.settings import clips_folder
from seedbench.arena.store import StudyRow, open_store
from seedbench.arena.study.export import list_studies, votes_of
from seedbench.store.workspace import Workspace
from tests.arena import wire
from tests.stories.disturbed_run import Run
from tests.stories.terminal import CODES, KINDS, SEEDBENCH, Terminal, interrupted

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads in /proc whether a process listens to signals")
SEED = 15
KEPT = "stopped; every acknowledged vote is kept"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A completed run called ``run``."""
    completed = Run(tmp_path / "run")
    completed.complete()
    return completed


@pytest.mark.slow
def test_a_study_is_created_completely_or_not_at_all_and_its_simulated_votes_resume(run: Run) -> None:
    chance = random.Random(SEED)
    home = run.folder / "home"
    stopped = 0
    for kind in KINDS:
        terminal = Terminal([*SEEDBENCH, "arena", "demo", "run", "--voters", "8", "--votes", "4"], home, cwd=run.folder)
        moment = chance.choice(["", "preparing clips", "simulated voters"])
        ending = interrupted(terminal, kind, moment, chance.uniform(0, 1.0), chance, "vote yourself")
        assert not ending.faults(["stopped; the same command goes on", "stopped; nothing was begun"]), f"seed {SEED}"
        stopped += ending.stopped
        store = open_store(Workspace(home).database_url)
        with store.session() as session:
            names = list(session.scalars(select(StudyRow.name)))
        assert clips_folder(Workspace(home), "run").exists() == (names == ["run"])
        store.close()
    assert stopped
    terminal = Terminal([*SEEDBENCH, "arena", "demo", "run", "--voters", "8", "--votes", "4"], home, cwd=run.folder)
    try:
        assert terminal.end() == 0, terminal.text
    finally:
        terminal.kill()
    store = open_store(Workspace(home).database_url)
    assert [study.name for study in list_studies(store)] == ["run"]
    assert len(votes_of(store, "run")) == 8 * 4
    store.close()


async def voting(url: str, kind: str, terminal: Terminal) -> int:
    """Give a vote, and send the server a signal while the page is open; the server's exit code."""
    async with wire.Voter(url) as voter:
        await voter.join()
        await voter.fetch()
        page = await voter.vote("left")
        assert page.pair["voted"] == "left", page.pair["message"]
        if kind == "SIGTERM":
            terminal.process.send_signal(signal.SIGTERM)
        elif kind == "closed":
            terminal.close()
        else:
            terminal.type(b"\x03")
        return await asyncio.to_thread(terminal.end)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Ctrl-C", "SIGTERM", "closed"])
def test_an_open_arena_ends_at_a_signal_with_a_sentence_and_keeps_its_votes(kind: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = wire.study(home, fps=5, limits={"dwell": 0.0})
    port = wire.Served(home).port
    url = f"http://127.0.0.1:{port}"
    terminal = Terminal([*SEEDBENCH, "arena", "serve", wire.STUDY, "--port", str(port)], home)
    try:
        terminal.until(lambda: answers(url) or terminal.process.poll() is not None)
        assert asyncio.run(voting(url, kind, terminal)) == CODES[kind], terminal.text
        assert kind == "closed" or KEPT in terminal.text
        assert "Traceback" not in terminal.text
        terminal.until(lambda: not terminal.left())
        assert [vote.choice for vote in votes_of(store, wire.STUDY)] == ["left"]
    finally:
        terminal.kill()
        store.close()


def answers(url: str) -> bool:
    """Whether the server is up."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
