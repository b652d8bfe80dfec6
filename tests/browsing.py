"""Chromium for the tests, and waiting for what a page comes to show. Tests of pages look through this module and Playwright's ``expect``.

A page shows a thing when it is ready to, which on a busy machine is late: what is looked at once may not be there yet. So everything
here waits, up to ``WAIT_MS``. That something is *not* shown is asked only after something else was waited for that comes no earlier.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from playwright.sync_api import expect, sync_playwright

WAIT_MS = 90_000
"""How long anything may take: only a test that fails waits for so long."""
expect.set_options(timeout=WAIT_MS)

PLAYER_VIDEOS = "[...document.querySelectorAll('*')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('.side video') ?? [])])"
"""JavaScript: the videos of the arena's player, which lie in a shadow root."""

Found = TypeVar("Found")


def chromium() -> str:
    """The path of the Chromium program that the system's packages installed."""
    program = next((program for name in ("chromium", "chromium-browser", "google-chrome") if (program := shutil.which(name))), None)
    assert program is not None, "the browser tests need Chromium: `make browser` installs it"
    return program


@contextmanager
def launched(*arguments: str) -> Iterator[Any]:
    """Chromium without a window, driven by Playwright, while the block runs."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=["--mute-audio", *arguments], chromium_sandbox=os.geteuid() != 0, timeout=WAIT_MS
        )
        yield opened
        opened.close()


def page_of(browser: Any, **options: Any) -> Any:
    """A page of a new visitor; every action on it waits."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(WAIT_MS)
    return page


def eventually(look: Callable[[], Found], what: str) -> Found:
    """The first answer of ``look`` that is true, asked again and again. Fails where there is none."""
    end = time.monotonic() + WAIT_MS / 1000
    while not (answer := look()):
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.05)
    return answer


def until(page: Any, condition: str) -> None:
    """Wait until a script on the page says yes; asked from outside, since a page's policy may forbid Playwright's polling inside of it."""

    def look() -> bool:
        page.wait_for_timeout(50)  # lets the page's events come in, as a plain pause would not
        return bool(page.evaluate(condition))

    eventually(look, condition)


def all_text(page: Any) -> str:
    """The whole markup of a page, for words that may not be in it; ask for something that comes last before."""
    return str(page.content())


def attribute(locator: Any, name: str) -> str:
    """The value of an attribute, once the element has it."""
    locator.wait_for(state="attached")
    return eventually(lambda: str(locator.get_attribute(name) or ""), f"{locator} has the attribute {name}")


def text(locator: Any) -> str:
    """The text of an element, once it has any."""
    expect(locator).not_to_be_empty()
    return str(locator.inner_text())


def value(page: Any, script: str) -> Any:
    """The result of a script on a page that was waited for."""
    return page.evaluate(script)
