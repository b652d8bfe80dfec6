"""The arena over the wire: a study served by a process of its own, and voters without a browser.

A :class:`Voter` says byte for byte what Chromium says (recorded from one): the page for the cookie, Streamlit's protocol buffers over the
websocket, the clips by range, and the player's triggers as JSON. It can also say what no browser would.
"""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from seedbench.arena.settings import Limits, Settings, clips_folder
from seedbench.arena.store import open_store
from seedbench.arena.study.ballots import prepare
from seedbench.arena.study.entries import Entry
from seedbench.arena.votes.rules import load
from seedbench.arena.voting.voters import cookie_name
from seedbench.clips.writing import write_clip
from seedbench.store import Store
from seedbench.store.workspace import Workspace

PLAYER, TONES = "seedbench_player", "seedbench_tones"
STUDY = "s"
COOKIE = cookie_name(STUDY)
MODELS = ("veo-secret", "sora-secret", "seedance-secret")
CAPTIONS = ((0.0, 5.0, "Good morning."),)  # shown where a study allows captions
NEWCOMERS = 100_000  # simulated voters all come from one address
ANSWER_S = 180.0
"""How long an answer may take: only a test that fails waits for so long."""
_SEEDBENCH = (sys.executable, "-c", "from seedbench.cli import main; main()")
_CACHED_RUNS = 2  # how many runs of the page a browser keeps big messages for


# --- the server


def study(home: Path, *, models: Sequence[str] = MODELS, n_prompts: int = 4, fps: int = 25, **settings: Any) -> Store:
    """Prepare a study of tiny clips of a second with sound, in a workspace in the new folder ``home``; gives its database."""
    home.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(home)
    for part in ("artifacts", "cache", "scratch"):
        (home / part).mkdir()
    entries = []
    for prompt in range(n_prompts):
        for number, model in enumerate(models):
            tone = 0.2 * np.sin(np.arange(48_000) * (0.03 + 0.01 * number)).astype(np.float32)
            ramp = np.linspace(0, 60 + 20 * number, 96, dtype=np.uint8)[None, :, None]
            pictures = [np.broadcast_to(np.roll(ramp, index + prompt, 1), (54, 96, 3)).astype(np.uint8) for index in range(fps)]
            file = write_clip(home / f"{model}-{prompt}.mp4", pictures, fps, tone, 48_000)
            entries.append(Entry(model, "run", f"p{prompt}", f"Prompt number {prompt}.", "talking", "quick 1", 0, file, "0" * 64, CAPTIONS))
    limits = {"newcomers_an_hour": NEWCOMERS} if "newcomers_an_hour" in Limits.model_fields else {}
    limits |= settings.pop("limits", {})
    asked = Settings.model_validate({"width": 160, "height": 90, "limits": limits, **settings})
    store = open_store(workspace.database_url)
    prepare(store, clips_folder(workspace, STUDY), entries, asked, load(None), STUDY)
    return store


class Served:
    """The server of a study in a process of its own, which can be killed and started anew on the same port."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home, self.log, self.options = home, home / "serve.log", options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        environment = {**os.environ, "SEEDBENCH_HOME": str(self.home)}
        for name in ("SEEDBENCH_DATABASE_URL", "SEEDBENCH_ARTIFACTS"):
            environment.pop(name, None)
        with self.log.open("ab") as log:
            command = [*_SEEDBENCH, "arena", "serve", STUDY, "--port", str(self.port), *self.options]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                    assert answer.read() == b'{"status":"ok"}'
                return
            except OSError:  # not yet, or too busy to answer
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """End it as a power cut would, with nothing written or closed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def stop(self) -> None:
        """End it properly, where it runs."""
        if self.process is not None:
            end(self.process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it where it does not."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(60)


@contextmanager
def served(home: Path) -> Iterator[Served]:
    """A study's server while the block runs."""
    server = Served(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()


# --- plain HTTP


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def whole(self) -> bytes:
        """Everything that could tell something: the headers and the body."""
        return bytes(self.headers) + self.body


class _Bytes:
    """What http.client reads an answer from."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.raw)


async def ask(url: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """One request on a connection of its own. ``path`` goes out as it is: no client tidies it up first. Raises OSError."""
    host = url.partition("://")[2]
    address, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    try:
        writer.write("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body)
        async with asyncio.timeout(ANSWER_S):
            raw = await reader.read()
    finally:
        writer.close()
    answer = HTTPResponse(_Bytes(raw), method=method)  # type: ignore[arg-type]
    try:
        answer.begin()
        return Answer(answer.status, answer.headers, answer.read())
    except HTTPException as error:
        raise ConnectionResetError(f"the answer to {path[:80]} ended early") from error


# --- a voter


class NoPlayerError(AssertionError):
    """The page shows no pair."""


@dataclass
class Page:
    """What one run of the page showed: texts, widgets by label, and what the player was given."""

    texts: list[str] = field(default_factory=list)
    tones: str = ""
    widgets: dict[str, Any] = field(default_factory=dict)
    player: str = ""
    data: dict[str, Any] | None = None
    at: float = 0.0

    @property
    def pair(self) -> dict[str, Any]:
        """What the player was given. Raises NoPlayerError where there is none."""
        if self.data is None:
            raise NoPlayerError(f"no pair is shown: {self.texts}")
        return self.data


class Voter:
    """One visitor with a cookie and a page open: ``async with Voter(url) as voter``. Raises OSError and WebSocketException.

    ``frames`` are all messages that came, where ``keep`` is set; ``page`` is what is shown now.
    """

    def __init__(self, url: str, *, cookie: str = "", keep: bool = False) -> None:
        self.url, self.cookie, self.keep = url, cookie, keep
        self.page = Page()
        self.frames: list[bytes] = []
        self.session = ""
        self._page_hash = ""
        self._cached: dict[str, tuple[int, Any]] = {}
        self._runs = 0
        self._widgets: dict[str, WidgetState] = {}
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> Voter:
        try:
            await self.arrive()
        except BaseException:
            await self.leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def arrive(self) -> Page:
        """Load the page: for the cookie where there is none, then over the websocket. Also after the server was restarted."""
        if not self.cookie:
            self.cookie = await cookie_of(self.url)
        self._cached.clear()
        self._socket = await connect(
            self.url.replace("http", "ws", 1) + "/_stcore/stream",
            origin=self.url,  # type: ignore[arg-type]
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN"],  # type: ignore[list-item]
            additional_headers={"Cookie": f"{COOKIE}={self.cookie}"},
            max_size=None,
            compression=None,
            ping_interval=None,
        )
        await self.say()
        return await self.settle()

    async def leave(self) -> None:
        """Close the page."""
        if self._socket is not None:
            await self._socket.close()

    # --- what is said

    async def say(self, *states: WidgetState) -> None:
        """Ask for a run of the page with these widgets changed; :meth:`settle` waits for it."""
        message = BackMsg()
        run = message.rerun_script
        run.page_script_hash = self._page_hash
        run.widget_states.widgets.extend([*self._widgets.values(), *states])
        run.cached_message_hashes.extend(self._cached)
        run.context_info.timezone, run.context_info.locale, run.context_info.url = "UTC", "en-US", f"{self.url}/"
        await self.say_raw(message.SerializeToString())

    async def say_raw(self, message: bytes) -> None:
        """Send bytes as they are."""
        assert self._socket is not None
        await self._socket.send(message)

    async def trigger(self, event: str, value: Any) -> None:
        """What the player's ``setTriggerValue`` sends."""
        await self.trigger_raw(json.dumps([{"event": event, "value": value}], separators=(",", ":")))

    async def trigger_raw(self, text: str) -> None:
        """The player's triggers as a text, which need not be JSON."""
        # the events of a component are gathered in a widget of their own
        await self.say(WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{self.page.player}__events", json_trigger_value=text))

    # --- what is heard

    async def settle(self, *, quiet_s: float = 0.0) -> Page:
        """Read until a run of the page has ended, and, where asked, until nothing came for a while."""
        assert self._socket is not None
        # not wait_for: before Python 3.12 it swallows a cancellation that comes as the answer does, and the voter votes on for ever
        async with asyncio.timeout(ANSWER_S):
            page = await self._until_finished()
        while quiet_s:
            try:
                async with asyncio.timeout(quiet_s):
                    page = await self._until_finished()
            except TimeoutError:
                break
        self.page = page
        return page

    async def _until_finished(self) -> Page:
        assert self._socket is not None
        page = Page()
        while True:
            raw = await self._socket.recv()
            assert isinstance(raw, bytes)
            if self.keep:
                self.frames.append(raw)
            message = ForwardMsg.FromString(raw)
            match message.WhichOneof("type"):
                case "new_session":
                    page = Page()
                    self.session = message.new_session.initialize.session_id
                case "navigation":
                    self._page_hash = message.navigation.page_script_hash
                case "delta" | "ref_hash":
                    self._note(message, page)
                case "script_finished" if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    self._runs += 1
                    self._cached = {name: kept for name, kept in self._cached.items() if self._runs - kept[0] < _CACHED_RUNS}
                    return page

    def _note(self, message: Any, page: Page) -> None:
        if message.WhichOneof("type") == "ref_hash":
            _, delta = self._cached[message.ref_hash]
            self._cached[message.ref_hash] = (self._runs, delta)
        else:
            delta = message.delta
            if message.metadata.cacheable:
                self._cached[message.hash] = (self._runs, delta)
        if delta.WhichOneof("type") != "new_element":
            return
        kind = delta.new_element.WhichOneof("type")
        element = getattr(delta.new_element, kind)
        if kind == "bidi_component" and element.component_name == PLAYER:
            page.player, page.data, page.at = element.id, json.loads(element.json), time.perf_counter()
        elif kind == "bidi_component" and element.component_name == TONES:
            page.tones = str(json.loads(element.json)["count"])
        elif kind in ("radio", "button"):
            page.widgets[element.label] = element
        elif hasattr(element, "body"):
            page.texts.append(element.body)
        elif kind == "exception":
            page.texts.append(f"{element.type}: {element.message} {list(element.stack_trace)}")

    # --- a visit

    async def join(self, *, tones: str = "") -> Page:
        """Agree to take part, after the sound check: by default with all tones heard. Does nothing for who has."""
        if self.page.data is not None or "I agree, begin" not in self.page.widgets:
            return self.page
        radio = self.page.widgets["How many tones did you hear?"]
        self._widgets[radio.id] = WidgetState(id=radio.id, string_value=tones or self.page.tones)
        await self.say()
        page = await self.settle()
        begin = page.widgets["I agree, begin"]
        assert not begin.disabled
        await self.say(WidgetState(id=begin.id, trigger_value=True))
        self._widgets.clear()  # the form is gone from the page
        return await self.settle()

    async def http(self, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """A request with this voter's cookie."""
        return await ask(self.url, path, headers={"Cookie": f"{COOKIE}={self.cookie}", **(headers or {})}, **options)

    async def fetch(self) -> tuple[Answer, Answer]:
        """Get both clips of the pair, as a browser does: by a range from the first byte to the end."""
        whole = {"Range": "bytes=0-"}
        left, right = await asyncio.gather(*(self.http(self.page.pair[side], headers=whole) for side in ("left", "right")))
        return left, right

    def ballot(self, choice: str = "left", **changes: Any) -> dict[str, Any]:
        """What the player says for a vote, both clips heard in full; a change to None leaves a key out."""
        ballot = {"battle": self.page.pair["battle"], "choice": choice, "answers": {}, "heard": [1, 1], "comment": "", **changes}
        return {name: value for name, value in ballot.items() if value is not None}

    async def vote(self, choice: str = "left", **changes: Any) -> Page:
        """Vote on the pair that is shown; the page afterwards."""
        await self.trigger("vote", self.ballot(choice, **changes))
        return await self.settle()

    async def act(self, what: str) -> Page:
        """``undo``, ``next`` or ``reveal``; the page afterwards."""
        await self.trigger(what, {"battle": self.page.pair["battle"]})
        return await self.settle()


async def cookie_of(url: str, **headers: str) -> str:
    """The cookie that a visitor without one is given; empty where none is."""
    answer = await ask(url, "/", headers=headers)
    assert answer.status == 200, answer
    given = [value for value in answer.headers.get_all("set-cookie") or [] if value.startswith(f"{COOKIE}=")]
    return given[0].partition(";")[0].partition("=")[2] if given else ""


def over_the_wire(story: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a test of a coroutine."""

    @functools.wraps(story)
    def test(*args: Any, **kwargs: Any) -> None:
        asyncio.run(story(*args, **kwargs))

    return test
