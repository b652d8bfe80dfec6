"""Whether clips play sound without a click, tested in Chromium over its own protocol without a user gesture.

Playwright's evaluations count as gestures, so under it autoplay always seems allowed; here only explicit clicks are gestures.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.arena import wire
from tests.browsing import PLAYER_VIDEOS as VIDEOS
from tests.browsing import WAIT_MS, chromium, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]
#: Notes what a page does before anybody clicks: how often it asked a clip to play.
NOTE = """
window.asked = 0;
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () { window.asked += 1; return play.apply(this); };
addEventListener("mousedown", () => { window.askedBefore ??= window.asked; }, true);
"""
PLAY = "[...document.querySelectorAll('*')].map(e => e.shadowRoot?.querySelector('.play')).find(Boolean)"


class Tab:
    """One tab, spoken to in Chromium's own protocol."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers = socket, count(1)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            heard = json.loads(self.socket.recv(WAIT_MS / 1000))
            if heard.get("id") == number:
                assert "error" not in heard, heard
                result: dict[str, Any] = heard["result"]
                return result

    def value(self, expression: str) -> Any:
        """The result of a script that is not run as a user gesture."""
        result = self.ask("Runtime.evaluate", expression=expression, userGesture=False, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def until(self, expression: str) -> None:
        eventually(lambda: self.value(expression), expression)

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
    with wire.served(home) as running:
        yield running


@pytest.fixture
def tab(server: wire.Served, tmp_path: Path) -> Iterator[Tab]:
    """A fresh browser with the cookie of a voter who has agreed before, so that the player comes without a click."""
    cookie = asyncio.run(_joined(server.url))
    options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}", "--mute-audio", "--no-first-run"]
    options += ["--remote-allow-origins=*", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with (tmp_path / "chromium.log").open("wb") as log:
        process = subprocess.Popen([chromium(), *options, "about:blank"], stdout=log, stderr=log)
    try:
        address = eventually(lambda: _address(process, tmp_path), "Chromium says where it listens")
        page = eventually(lambda: _first_page(address), "Chromium has a page")
        with connect(page["webSocketDebuggerUrl"], max_size=None, open_timeout=WAIT_MS / 1000) as socket:
            opened = Tab(socket)
            opened.ask("Page.enable")
            opened.ask("Page.addScriptToEvaluateOnNewDocument", source=NOTE)
            opened.ask("Network.enable")
            opened.ask("Network.setCookie", name=wire.COOKIE, value=cookie, url=server.url, httpOnly=True)
            opened.ask("Page.navigate", url=server.url)
            opened.until(f"{VIDEOS}.length === 2 && {VIDEOS}.every(v => v.readyState === 4)")
            yield opened
    finally:
        wire.end(process)


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """The address on which Chromium listens; empty until it does."""
    assert process.poll() is None, (folder / "chromium.log").read_text()
    port = folder / "profile" / "DevToolsActivePort"
    lines = port.read_text().split() if port.exists() else []
    return f"http://127.0.0.1:{lines[0]}" if len(lines) > 1 else ""


def _first_page(address: str) -> dict[str, Any]:
    """The address of its first tab; empty until there is a tab."""
    with urllib.request.urlopen(f"{address}/json/list", timeout=WAIT_MS / 1000) as answer:
        return next((tab for tab in json.load(answer) if tab["type"] == "page"), {})


async def _joined(url: str) -> str:
    async with wire.Voter(url) as voter:
        await voter.join()
        return voter.cookie


def test_nothing_sounds_before_the_first_click_and_everything_after_it(tab: Tab) -> None:
    tab.until("document.querySelector('[data-test-script-state=\"notRunning\"]') !== null")  # the page is whole, the clips are there
    tab.until(f"{PLAY}?.textContent.startsWith('Play both')")
    # The browser would not let it either: this is what makes the rest of the test worth something.
    played = f"(async () => {{ const v = {VIDEOS}[0]; v.muted = false; await v.play(); }})()"
    refused = f"{played}.then(() => 'played', error => error.name)"
    assert tab.value(refused) == "NotAllowedError"
    assert tab.value(f"{VIDEOS}.map(v => [v.paused, v.currentTime])") == [[True, 0], [True, 0]]

    tab.click(PLAY)
    tab.until(f"{VIDEOS}.every(v => v.currentTime > 0.1)")
    assert tab.value("window.askedBefore") == 1  # by the line above; the page itself asked nothing
    assert sorted(tab.value(f"{VIDEOS}.map(v => v.muted)")) == [False, True]  # one is heard, the other seen
    # When the first turn is over the other is heard, without another click; then votes open.
    tab.until("[...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('.choice:enabled'))")
