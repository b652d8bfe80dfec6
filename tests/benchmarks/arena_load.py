"""Voters by the hundred on one arena: how long from a vote to the next pair, whether a vote is lost, what memory and processor it takes.

    python tests/benchmarks/arena_load.py --voters 200 --minutes 3
    python tests/benchmarks/arena_load.py --voters 200 --minutes 2 --kill

A study of tiny clips is prepared in a temporary folder and served by a process of its own. Each voter is a websocket with a cookie that
says what a browser says (``tests/arena/wire.py``), fetches both clips of every pair and votes every so many seconds, give or take half.
A vote and the next pair are two messages with two answers: the time of each, and their sum, are given in milliseconds. The voters share the
machine with the server, so their own share of the processor and how late their own clock runs are given too.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import select
from websockets.exceptions import WebSocketException

sys.path.insert(0, str(Path(__file__).parents[2]))

from seedbench.arena.store import VoteRow
from seedbench.store import Store
from tests.arena.wire import NoPlayerError, Served, Voter, served, study

MODELS = tuple(f"system-{number}" for number in range(6))
CHOICES = ("left", "right", "tie", "both_bad")
SAMPLE_S = 10.0
TICK_S = 0.05
RETRY_S = 0.5
BROKEN = (OSError, WebSocketException, TimeoutError)


@dataclass
class Tally:
    """What all voters saw together; times in seconds."""

    acks: list[float] = field(default_factory=list)
    nexts: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)
    returned: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, str] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    down: bool = False


@dataclass
class Use:
    """What the server took: seconds since the start, and resident memory in MiB, at each sample; processor seconds in all."""

    at: list[float] = field(default_factory=list)
    rss: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    own_cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def slope(self) -> float:
        """MiB a minute, by least squares over the second half; before it, addresses of clips fill up, which are kept for a while."""
        skip = len(self.at) // 2
        if len(self.at) - skip < 3:
            return math.nan
        return float(np.polyfit(np.array(self.at[skip:]) / 60, self.rss[skip:], 1)[0])


async def voter(server: Served, tally: Tally, lot: random.Random, *, every_s: float, until: float) -> None:
    """Join, then vote until the time is over; come back with the same cookie when the connection breaks."""
    await asyncio.sleep(lot.uniform(0, every_s))
    here = Voter(server.url)
    begun = time.perf_counter()
    try:
        await here.arrive()
        await here.join()
    except (*BROKEN, AssertionError) as error:
        tally.errors[f"joining: {type(error).__name__}: {error}"[:120]] += 1
        return
    tally.joined.append(time.perf_counter() - begun)
    while time.monotonic() < until:
        try:
            await _vote(here, tally, lot, every_s)
        except BROKEN as error:
            if not tally.down:
                tally.errors[f"{type(error).__name__}: {error}"[:120]] += 1
            tally.broken += 1
            if not await _return(here, tally, until):
                break
        except NoPlayerError as error:
            tally.errors[str(error)[:120]] += 1
            break
    await here.leave()


async def _vote(here: Voter, tally: Tally, lot: random.Random, every_s: float) -> None:
    for answer in await here.fetch():
        if answer.status != 206:
            tally.errors[f"clip: {answer.status}"] += 1
    await asyncio.sleep(lot.uniform(0.5, 1.5) * every_s)
    battle, choice = str(here.page.pair["battle"]), lot.choice(CHOICES)
    tally.unsure[battle] = choice
    begun = time.perf_counter()
    page = await here.vote(choice)
    if page.pair["voted"] != choice:
        tally.errors[f"vote: {page.pair['told']}"] += 1
        return
    tally.acknowledged[battle] = tally.unsure.pop(battle)
    asked = time.perf_counter()
    following = await here.act("next")
    if following.pair["battle"] == battle:
        tally.errors["next: the same pair"] += 1
        return
    tally.acks.append(page.at - begun)
    tally.nexts.append(following.at - asked)
    tally.both.append(page.at - begun + following.at - asked)


async def _return(here: Voter, tally: Tally, until: float) -> bool:
    """Try to come back as long as there is time."""
    begun = time.perf_counter()
    while time.monotonic() < until:
        await asyncio.sleep(RETRY_S)
        try:
            await here.leave()
            await here.arrive()
        except (*BROKEN, AssertionError):
            continue
        tally.returned.append(time.perf_counter() - begun)
        return True
    return False


async def clock(tally: Tally) -> None:
    """How late this process is with what it meant to do."""
    while True:
        due = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        tally.lags.append(time.perf_counter() - due)


async def watch(server: Served, use: Use) -> None:
    """Sample the server's memory; a server that was started anew is another process and begins a new series."""
    begun, of = time.monotonic(), None
    while True:
        process = server.process
        if process is not None and process.poll() is None:
            if of is not process:
                of, use.at, use.rss = process, [], []
            use.at.append(time.monotonic() - begun)
            use.rss.append(psutil.Process(process.pid).memory_info().rss / 2**20)
        await asyncio.sleep(SAMPLE_S)


def cpu_s(pid: int) -> float:
    """Processor seconds a process took so far."""
    taken = psutil.Process(pid).cpu_times()
    return float(taken.user + taken.system)


async def load(server: Served, args: argparse.Namespace) -> tuple[Tally, Use]:
    """All voters at once, for the time asked for."""
    tally, use = Tally(), Use()
    begun = time.monotonic()
    until = begun + 60 * args.minutes
    lots = np.random.default_rng(args.seed).integers(2**32, size=args.voters)
    people = [asyncio.create_task(voter(server, tally, random.Random(int(lot)), every_s=args.every, until=until)) for lot in lots]
    assert server.process is not None
    pid = server.process.pid
    before, own_before = cpu_s(pid), cpu_s(os.getpid())
    await asyncio.sleep(min(args.every, 30 * args.minutes))  # until all have joined
    beside = [asyncio.create_task(clock(tally)), asyncio.create_task(watch(server, use))]
    if args.kill:
        await asyncio.sleep(until - time.monotonic() - 30 * args.minutes)
        tally.down = True
        use.cpu_s += cpu_s(pid) - before
        await asyncio.to_thread(server.kill)
        print(f"killed after {time.monotonic() - begun:.0f} s with {len(tally.acknowledged)} votes acknowledged")
        stopped = time.monotonic()
        await asyncio.to_thread(server.start)
        print(f"started anew and answering after {time.monotonic() - stopped:.1f} s")
        pid, before = server.process.pid, 0.0
        await asyncio.sleep(10)
        tally.down = False
    await asyncio.gather(*people)
    use.cpu_s += cpu_s(pid) - before
    use.own_cpu_s, use.wall_s = cpu_s(os.getpid()) - own_before, time.monotonic() - begun
    for task in beside:
        task.cancel()
    return tally, use


def in_the_log(store: Store) -> list[tuple[str, str]]:
    """Pair and choice of every vote in the database."""
    with store.session() as session:
        return [(battle, choice) for battle, choice in session.execute(select(VoteRow.battle_id, VoteRow.choice))]


def spread(name: str, seconds: list[float]) -> str:
    """A line of quantiles in milliseconds."""
    if not seconds:
        return f"{name}: none"
    p50, p95, p99 = 1000 * np.quantile(seconds, (0.5, 0.95, 0.99))
    return f"{name}: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms, longest {1000 * max(seconds):.0f} ms (n = {len(seconds)})"


def report(tally: Tally, use: Use, log: list[tuple[str, str]]) -> bool:
    """Print everything; whether no vote was lost or counted twice, and nothing else went wrong."""
    print(spread("vote to acknowledgement", tally.acks))
    print(spread("next to its addresses", tally.nexts))
    print(spread("vote to next pair", tally.both))
    print(spread("joining", tally.joined))
    if tally.returned:
        print(spread("coming back", tally.returned) + f"; {tally.broken} connections broke")
    print(spread("the voters' own clock is late by", tally.lags))
    times, kept = Counter(battle for battle, _ in log), dict(log)
    lost = sum(kept.get(battle) != choice for battle, choice in tally.acknowledged.items())
    double = sum(count > 1 for count in times.values())
    unexpected = sum(battle not in tally.acknowledged and tally.unsure.get(battle) != choice for battle, choice in log)
    print(
        f"votes: {len(tally.acknowledged)} acknowledged, {len(log)} stored; {lost} lost, {double} double, {unexpected} unexpected; "
        f"{sum(battle in tally.unsure for battle in times)} stored whose acknowledgement did not arrive"
    )
    print(f"errors: {sum(tally.errors.values())}" + "".join(f"\n  {count} x {what}" for what, count in tally.errors.most_common(10)))
    if use.rss:
        tenths = " ".join(f"{np.mean(part):.0f}" for part in np.array_split(use.rss, min(10, len(use.rss))))
        print(f"memory of the server, MiB by tenths of the time: {tenths}; most {max(use.rss):.0f}; second half {use.slope:+.2f} a minute")
    print(f"processor: server {100 * use.cpu_s / use.wall_s:.0f}% of one core, these voters {100 * use.own_cpu_s / use.wall_s:.0f}%")
    return not (lost or double or unexpected or tally.errors)


def main() -> None:
    """Prepare, serve, vote, report; ends with 1 where a vote was lost or counted twice, or something else went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog="Example: python tests/benchmarks/arena_load.py --voters 200 --minutes 3 --kill",
    )
    parser.add_argument("--voters", type=int, default=200, help="how many (%(default)s)")
    parser.add_argument("--minutes", type=float, default=3.0, help="for how long (%(default)s)")
    parser.add_argument("--every", type=float, default=8.0, help="seconds from vote to vote of one voter, give or take half (%(default)s)")
    parser.add_argument("--token", type=float, default=900.0, help="seconds that the address of a clip lives (%(default)s)")
    parser.add_argument("--kill", action="store_true", help="kill the server half way, and start it anew")
    parser.add_argument("--seed", type=int, default=0, help="of the voters' choices and pauses (%(default)s)")
    args = parser.parse_args()
    pairs_each = 60 * args.minutes / args.every * 1.3 + 10
    n_prompts = math.ceil(pairs_each / math.comb(len(MODELS), 2))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        limits = {"dwell": 0.0, "a_day": 1_000_000, "refusals_an_hour": 1_000_000}
        store = study(home, models=MODELS, n_prompts=n_prompts, fps=5, limits=limits, token_s=args.token)
        cores, busy = os.cpu_count(), os.getloadavg()[0]
        print(
            f"{args.voters} voters every {args.every:g} s for {args.minutes:g} minutes; {cores} cores, load before {busy:.1f}", flush=True
        )
        with served(home) as server:
            tally, use = asyncio.run(load(server, args))
        good = report(tally, use, in_the_log(store))
        store.close()
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
