"""Nothing that a browser receives of a pair tells the sides apart, but picture and sound themselves.

Four hundred clips of four generators, whose files differ in whatever files differ in and whose pictures and sound are drawn alike, are
prepared, served by the real server and fetched by voters of their own. Then two classifiers learn from all that came: addresses, headers,
sizes, frames, every box of the files and the units of their streams. They find the makers of the source files, and of files with one
small leak; of what is served they find no more than by guessing.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from seedbench.arena.blinding.matched import canvas_of, matched
from seedbench.arena.blinding.remux import pad_to_one_size
from seedbench.arena.settings import Settings, clips_folder
from seedbench.arena.store import BattleRow, ClipRow, PairRow, open_store
from seedbench.arena.study.ballots import prepare
from seedbench.arena.study.entries import Entry
from seedbench.arena.votes.rules import load
from seedbench.arena.voting.service import VotingService
from seedbench.clips.probing import probe
from seedbench.store.workspace import Workspace
from tests.arena import blindness_sources as sources
from tests.arena import wire
from tests.arena.blindness_boxes import boxes, skeleton
from tests.arena.blindness_classifier import FALSE_ALARM, Received, features, makers_recognised, sides_recognised

N_PROMPTS = 100
MOST_VISITS = 600
SIZE = {"width": 96, "height": 64}
#: The server with addresses, cookies and sides by one seed: two runs of this test receive the same.
SERVER = """
import random, secrets
drawn = random.Random(7)
secrets.token_bytes = lambda n=None: drawn.randbytes(n or 32)
from seedbench.cli import main
main()
"""
pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Study:
    """A study on disk: its workspace and the files it was made from, by maker and prompt."""

    home: Path
    sources: dict[tuple[str, int], Path]

    def service(self) -> VotingService:
        workspace = Workspace(self.home)
        return VotingService(open_store(workspace.database_url), "s", clips_folder(workspace, "s"))


@dataclass(frozen=True)
class Visit:
    """A pair as a new voter gets it: both clips, and what the player was told."""

    left: Received
    right: Received
    message: dict[str, Any]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """All clips, prepared; each in one pair only, so that few visits show them all."""
    home = tmp_path_factory.mktemp("blindness")
    for part in ("artifacts", "cache", "scratch", "sources"):
        (home / part).mkdir()
    written = {}
    entries: list[Entry] = []
    for prompt in range(N_PROMPTS):
        for maker in sources.makers(prompt):
            file = written[maker.name, prompt] = sources.write(home / "sources", maker, prompt)
            entries.append(
                Entry(maker.name, "run", f"{prompt:03d}", f"Prompt number {prompt:03d}.", "talking", "quick 1", 0, file, "0" * 64)
            )
    limits = {"newcomers_an_hour": 10 * MOST_VISITS}
    settings = Settings.model_validate({**SIZE, "limits": limits, "checks": {"gold": 0, "same": 0, "repeat": 0}})
    workspace = Workspace(home)
    store = open_store(workspace.database_url)
    with pytest.MonkeyPatch.context() as patch:  # the study's key, and so which voter gets what, by a seed
        drawn = random.Random(7)
        patch.setattr("secrets.token_bytes", lambda n=None: drawn.randbytes(n or 32))
        prepared = prepare(store, clips_folder(workspace, "s"), entries, settings, load(), "s")
    assert (prepared.refused, prepared.n_pairs) == ({}, 6 * N_PROMPTS)
    with store.session() as session:
        by_prompt: dict[str, list[PairRow]] = defaultdict(list)
        for pair in session.scalars(select(PairRow).where(PairRow.kind == "pair").order_by(PairRow.id)):
            by_prompt[pair.prompt].append(pair)
        # Pairs come as ab, ac, ad, bc, bd, cd: each and the one opposite hold all four makers.
        kept = [pairs[index].id for prompt, pairs in by_prompt.items() for index in (int(prompt) % 3, 5 - int(prompt) % 3)]
        session.execute(delete(PairRow).where(PairRow.kind == "pair", PairRow.id.not_in(kept)))
    return Study(home, written)


@pytest.fixture(scope="module")
def url(study: Study) -> Iterator[str]:
    """The address of the arena, served by a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVER, "arena", "serve", "s", "--port", str(port)]
    with (study.home / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "SEEDBENCH_HOME": str(study.home)}, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + wire.ANSWER_S
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5):
                    break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, (study.home / "serve.log").read_text()[-4000:]
                time.sleep(0.2)
        else:
            pytest.fail((study.home / "serve.log").read_text()[-4000:])
        yield address
    finally:
        wire.end(process)


@pytest.fixture(scope="module")
def visits(study: Study, url: str) -> list[Visit]:
    """Pairs as they come to one new voter after another, until every clip was shown."""
    service = study.service()
    with service.store.session() as session:
        maker = {clip.id: clip.generator for clip in session.scalars(select(ClipRow))}
        sides = {pair.id: (maker[pair.first_id], maker[pair.second_id], int(pair.prompt)) for pair in session.scalars(select(PairRow))}
    visits: list[Visit] = []
    seen: set[tuple[str, int]] = set()
    while len(seen) < len(study.sources):
        assert len(visits) < MOST_VISITS
        cookie = _get(url)[0]["set-cookie"].partition(";")[0]
        voter = service.voters.id_of(cookie.removeprefix(f"{service.voters.cookie_name}="))
        assert voter is not None
        service.voters.record_consent(voter, sound_check=True)
        message, frames = _page(url, cookie)
        with service.store.session() as session:
            battle = session.get_one(BattleRow, message["battle"])
            first, second, prompt = sides[battle.pair_id]
            makers = (first, second) if battle.first_left else (second, first)
        left, right = (
            _fetched(url, cookie, message, side, maker, prompt, frames) for side, maker in zip(("left", "right"), makers, strict=True)
        )
        visits.append(Visit(left, right, message))
        seen |= {(maker, prompt) for maker in makers}
    return visits


def _get(url: str, **headers: str) -> tuple[dict[str, str], bytes]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=wire.ANSWER_S) as answer:
        return {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def _page(url: str, cookie: str) -> tuple[dict[str, Any], tuple[int, ...]]:
    """What the player is told of the pair, and the lengths of all frames of the websocket up to the end of the page."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect
    from websockets.typing import Origin, Subprotocol

    messages: list[dict[str, Any]] = []
    lengths: list[int] = []
    address = url.replace("http", "ws") + "/_stcore/stream"
    headers, spoken = {"Cookie": cookie}, [Subprotocol("streamlit")]
    with connect(address, additional_headers=headers, origin=Origin(url), subprotocols=spoken, proxy=None) as opened:
        asked = BackMsg()
        asked.rerun_script.query_string = ""
        opened.send(asked.SerializeToString())
        while True:
            frame = opened.recv(timeout=wire.ANSWER_S)
            message = ForwardMsg.FromString(frame)
            lengths.append(len(frame))
            if message.WhichOneof("type") == "script_finished":
                break
            component = message.delta.new_element.bidi_component
            if component.component_name.endswith("seedbench_player"):
                messages.append(json.loads(component.json or component.mixed.json))
    assert len(messages) == 1
    return messages[0], tuple(lengths)


def _fetched(url: str, cookie: str, message: dict[str, Any], side: str, maker: str, prompt: int, frames: tuple[int, ...]) -> Received:
    headers, body = _get(url + message[side], Cookie=cookie)
    return Received(maker, prompt, body, side, message[side], headers, frames)


@dataclass(frozen=True)
class ReceivedClips:
    """Every clip as it was received first, left and right of a pair in turn, and its features."""

    clips: Sequence[Received]
    rows: Sequence[dict[str, float]]


@pytest.fixture(scope="module")
def shown(visits: list[Visit]) -> ReceivedClips:
    pairs = {(visit.left.prompt, *sorted((visit.left.maker, visit.right.maker))): visit for visit in reversed(visits)}
    clips = [clip for _, visit in sorted(pairs.items()) for clip in (visit.left, visit.right)]
    return ReceivedClips(clips, [features(clip) for clip in clips])


def test_the_makers_of_the_source_files_are_recognised(study: Study) -> None:
    clips = [Received(maker, prompt, file.read_bytes()) for (maker, prompt), file in study.sources.items()]
    result = makers_recognised([features(clip) for clip in clips], clips, "forest")
    assert result.share > 0.95


@pytest.mark.parametrize("classifier", ["forest", "lines"])
def test_what_is_received_names_no_maker(shown: ReceivedClips, classifier: str) -> None:
    assert len(shown.clips) == 4 * N_PROMPTS
    result = makers_recognised(shown.rows, shown.clips, classifier)
    assert result.p > FALSE_ALARM, f"{result.right} of {result.of} makers were found"


@pytest.mark.parametrize("classifier", ["forest", "lines"])
def test_what_is_received_does_not_show_which_maker_is_on_which_side(shown: ReceivedClips, classifier: str) -> None:
    result = sides_recognised(shown.rows, shown.clips, classifier)
    assert result.p > FALSE_ALARM, f"{result.right} of {result.of} sides were found"


def _dated(body: bytes) -> bytes:
    """With the second in which it was made."""
    at = body.index(b"mvhd") + 8
    return body[:at] + (3_866_000_000 + len(body.rstrip(b"\0")) % 1000).to_bytes(4) + body[at + 4 :]


def _spoken(body: bytes) -> bytes:
    """With the language of its sound kept."""
    at = body.rindex(b"\x55\xc4")
    return body[:at] + b"\x15\xc7" + body[at + 2 :]


def _padded_alone(body: bytes) -> bytes:
    """A little longer than others."""
    return body + (8).to_bytes(4) + b"free"


def _tagged(body: bytes) -> bytes:
    """With a word about the encoder where nobody looks."""
    return body[:-16] + b"Lavf62" + body[-10:]


@pytest.mark.parametrize("leak", [_dated, _spoken, _padded_alone, _tagged])
def test_a_small_leak_of_one_maker_is_detected(shown: ReceivedClips, leak: Callable[[bytes], bytes]) -> None:
    leaky = sources.SUITE.name
    rows = [
        features(replace(clip, body=leak(clip.body))) if clip.maker == leaky else row
        for clip, row in zip(shown.clips, shown.rows, strict=True)
    ]
    result = makers_recognised(rows, shown.clips, "forest")
    assert result.p < 1e-9, f"{result.right} of {result.of} makers were found"


def test_sides_differ_in_nothing_but_what_was_coded(visits: list[Visit]) -> None:
    for visit in visits:
        left, right = ([(name, value) for name, value in side.headers.items() if name != "date"] for side in (visit.left, visit.right))
        assert left == right
        assert not {"etag", "last-modified", "content-disposition", "set-cookie"} & {name for name, _ in left}
        assert len(visit.left.body) == len(visit.right.body)
        assert skeleton(visit.left.body) == skeleton(visit.right.body)


def test_a_page_differs_between_pairs_only_in_text_and_clip_urls(visits: list[Visit], study: Study) -> None:
    assert {visit.left.frames for visit in visits} == {visits[0].left.frames}
    drawn = ("battle", "left", "right", "text")
    assert all({**visit.message, **dict.fromkeys(drawn)} == {**visits[0].message, **dict.fromkeys(drawn)} for visit in visits)
    assert all(visit.message["text"] == f"Prompt number {visit.left.prompt:03d}." for visit in visits)
    addresses = [visit.message[side] for visit in visits for side in ("left", "right")]
    assert len(set(addresses)) == len(addresses)
    assert len({len(url) for url in addresses}) == 1
    assert len({visit.message["battle"] for visit in visits}) == len(visits)


def test_sizes_rates_and_lengths_of_the_sources_are_in_no_box(tmp_path: Path) -> None:
    written = [
        sources.write(tmp_path, maker, 0, size=size, fps=fps)
        for maker, size, fps in zip(sources.makers(0), sources.SIZES, (24, 30, 25, 16), strict=True)
    ]
    canvas = canvas_of([probe(file) for file in written], **SIZE)
    files = [matched(file, tmp_path / f"{file.stem}.matched.mp4", canvas).file for file in written]
    pad_to_one_size(files)
    bodies = [file.read_bytes() for file in files]
    assert len({len(body) for body in bodies}) == 1
    assert all(skeleton(body) == skeleton(bodies[0]) for body in bodies)
    assert not any(b"secret" in body or b"Lav" in body or b"x264" in body for body in bodies)
    assert {box.path.count("/") for box in boxes(bodies[0])} >= {1, 2}  # the walk went into the boxes
