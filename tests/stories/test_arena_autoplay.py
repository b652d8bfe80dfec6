"""Whether clips sound by themselves, asked of Chromium over its own protocol without a user's gesture.

Playwright's evaluations count as gestures, so under it everything seems allowed; here nothing does that is not said to.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.arena import wire

pytestmark = [pytest.mark.browser, pytest.mark.slow]
#: The player's videos, which lie in a shadow root.
VIDEOS = "[...document.querySelectorAll('*')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('.side video') ?? [])])"
PLAY = "[...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('.play')).find(Boolean)"


class Tab:
    """One tab, spoken to in Chromium's own protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers = socket, count(1)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            heard = json.loads(self.socket.recv(30))
            if heard.get("id") == number:
                assert "error" not in heard, heard
                result: dict[str, Any] = heard["result"]
                return result

    def value(self, expression: str) -> Any:
        """What a script says, run as nobody's gesture."""
        found = self.ask("Runtime.evaluate", expression=expression, userGesture=False, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str, *, wait_s: float = 30.0) -> None:
        end = time.monotonic() + wait_s
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} never came true"
            time.sleep(0.1)

    def click(self, element: str) -> None:
        """A person's click in the middle of an element."""
        self.value(f"{element}.scrollIntoView({{block: 'center'}})")
        x, y = self.value(f"(() => {{ const b = {element}.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wire.Served]:
    home = tmp_path_factory.mktemp("autoplay") / "home"
    wire.study(home, n_prompts=3, checks={"gold": 0, "same": 0, "repeat": 0})
    with wire.served(home) as found:
        yield found


@pytest.fixture
def tab(chromium: str, server: wire.Served, tmp_path: Path) -> Iterator[Tab]:
    """A fresh browser with the cookie of a voter who has agreed before, so that the player comes without a click."""
    cookie = asyncio.run(_joined(server.url))
    options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}", "--mute-audio", "--no-first-run"]
    options += ["--remote-allow-origins=*", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with (tmp_path / "chromium.log").open("wb") as log:
        process = subprocess.Popen([chromium, *options, "about:blank"], stdout=log, stderr=log)
    try:
        port = tmp_path / "profile" / "DevToolsActivePort"
        end = time.monotonic() + 30
        while not port.exists() or not port.read_text().strip():
            assert process.poll() is None, (tmp_path / "chromium.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port.read_text().split()[0]}"
        with urllib.request.urlopen(f"{address}/json/list", timeout=10) as answer:
            page = next(one for one in json.load(answer) if one["type"] == "page")
        with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
            found = Tab(socket)
            found.ask("Network.enable")
            found.ask("Network.setCookie", name=wire.COOKIE, value=cookie, url=server.url, httpOnly=True)
            found.ask("Page.navigate", url=server.url)
            found.until(f"{VIDEOS}.length === 2 && {VIDEOS}.every(v => v.readyState === 4)")
            yield found
    finally:
        wire.end(process)


async def _joined(url: str) -> str:
    async with wire.Voter(url) as voter:
        await voter.join()
        return voter.cookie


def test_nothing_sounds_before_the_first_click_and_everything_after_it(tab: Tab) -> None:
    time.sleep(1.5)
    assert tab.value(f"{VIDEOS}.map(v => [v.paused, v.currentTime])") == [[True, 0], [True, 0]]
    # The browser would not let it either: this is what makes the rest of the test worth something.
    played = f"(async () => {{ const v = {VIDEOS}[0]; v.muted = false; await v.play(); }})()"
    refused = f"{played}.then(() => 'played', error => error.name)"
    assert tab.value(refused) == "NotAllowedError"

    tab.click(PLAY)
    tab.until(f"{VIDEOS}.every(v => v.currentTime > 0.1)")
    assert sorted(tab.value(f"{VIDEOS}.map(v => v.muted)")) == [False, True]  # one is heard, the other seen
    # When the first turn is over the other is heard, without another click; then votes open.
    tab.until("[...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('.choice:enabled'))")
