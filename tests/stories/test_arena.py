"""The story of a voter, in a real browser against the real server: joining in, votes by keys and mouse, undo, reload; what is refused."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as NotYetError
from sqlalchemy import select

from seedbench.arena.store import IncidentRow, open_store
from seedbench.arena.study.export import votes_of
from seedbench.store import Store
from seedbench.store.workspace import Workspace
from tests.arena import wire
from tests.browsing import PLAYER_VIDEOS, WAIT_MS, all_text, attribute, expect, page_of, text, value

STARTED_MS = 3_000
"""How long a clip of a second may take to show that it plays, before it is asked to again."""
MAKER = re.compile(f"^({'|'.join(wire.MODELS)})$")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Playwright leaves its own event loop's socket to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a study of three systems on eight prompts, clips of a second with sound."""
    home = tmp_path_factory.mktemp("arena") / "home"
    wire.study(home, n_prompts=8, reveal=True, captions=True, checks={"gold": 0, "same": 0, "repeat": 0}, boards_every=1)
    return home


@pytest.fixture(scope="module")
def store(home: Path) -> Store:
    return open_store(Workspace(home).database_url)


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    """The address of the arena, served by a process of its own."""
    with wire.served(home) as server:
        yield server.url


COUNT_TONES = """
window.tonesPlayed = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.tonesPlayed += 1; return start.apply(this, when); };
"""


def tones_of(page: Any) -> int:
    """The number of tones that the sound check plays."""
    page.evaluate("() => { window.tonesPlayed = 0 }")
    page.get_by_role("button", name="Play the tones").click()
    page.wait_for_function("() => window.tonesPlayed > 0")  # all are scheduled at once
    return int(value(page, "() => window.tonesPlayed"))


def join(browser: Any, url: str, *, misheard: int = 0, **options: Any) -> Any:
    """The page of a new visitor who has agreed to take part."""
    page = page_of(browser, **options)
    page.add_init_script(COUNT_TONES)
    page.goto(url)
    tones = tones_of(page) - misheard
    begin = page.get_by_role("button", name="I agree, begin")
    expect(begin).to_be_disabled()
    page.get_by_text(str(tones), exact=True).first.click()
    begin.click()
    page.locator(".arena .asked").wait_for()
    return page


def unlocked(page: Any) -> None:
    """Play until votes are open: as long as nothing plays by itself, the clip is heard that the page says was not."""
    choice, play, status = page.locator('.choice[data-choice="left"]'), page.locator(".play"), page.locator(".status")
    opened, stopped = page.locator('.choice[data-choice="left"]:enabled'), page.locator(".play", has_text="Play both")
    for _ in range(20):
        expect(opened.or_(stopped).first).to_be_visible()
        try:
            expect(choice).to_be_enabled(timeout=100)
            return
        except AssertionError:
            pass
        missing = "right" if "Hear B " in text(status) else "left"
        page.locator(f'.hear[data-side="{missing}"]').click()  # starts what does not play, and stops nothing
        with contextlib.suppress(NotYetError):  # it may have played to its end between two looks
            page.locator(".play", has_text="Pause").or_(opened).first.wait_for(timeout=STARTED_MS)
    pytest.fail(f"votes never opened: {text(play)}, {text(status)}")


def pair_of(page: Any) -> tuple[str, str, str]:
    """The question, and the URLs of both clips."""
    asked = text(page.locator(".asked"))  # written after the addresses
    left, right = (attribute(page.locator(f'[data-side="{side}"] video'), "src") for side in ("left", "right"))
    return asked, left, right


def next_pair(page: Any) -> None:
    before = pair_of(page)
    page.keyboard.press("n")
    another_pair(page, before)


def another_pair(page: Any, before: tuple[str, str, str]) -> None:
    """Wait until another pair than ``before`` is shown, or the same under other addresses: no address is given twice."""
    expect(page.locator('[data-side="left"] video')).not_to_have_attribute("src", before[1])


def says(page: Any, words: str) -> None:
    """Wait for words in the line under the player."""
    expect(page.locator(".status")).to_contain_text(words)


def all_locked(page: Any) -> None:
    """Wait until no vote can be given."""
    expect(page.locator(".choice:disabled")).to_have_count(4)


def test_the_first_visit_of_all_may_be_to_the_boards(browser: Any, url: str) -> None:
    page = page_of(browser)
    page.goto(f"{url}/boards")
    page.get_by_text("No vote counts yet").wait_for()


def test_a_voter_votes_by_keys_and_by_mouse_takes_back_and_loads_again(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    first = pair_of(page)
    page.locator(".arena").focus()
    page.keyboard.press("1")  # locked: nothing happens
    all_locked(page)
    says(page, "Hear A and B to the end")

    page.reload()
    assert pair_of(page) == first

    unlocked(page)
    page.keyboard.press("3")
    page.locator(".undo").wait_for()
    says(page, "Your vote: B is better. 1 so far.")
    all_locked(page)
    page.keyboard.press("u")
    page.locator('.choice[data-choice="left"]:enabled').wait_for()
    expect(page.locator(".asked")).to_have_text(first[0])
    says(page, "taken back")
    page.locator('.choice[data-choice="tie"]').click()
    page.locator(".reveal").click()
    expect(page.locator(".maker")).to_have_text([MAKER, MAKER])
    expect(page.locator(".undo")).to_be_disabled()

    for number in range(3):
        next_pair(page)
        expect(page.locator(".maker")).to_have_text(["", ""])
        unlocked(page)
        if number % 2:
            page.locator("summary").click()
            page.locator(".questions button", has_text="Same").first.click()
            page.locator('.choice[data-choice="both_bad"]').click()
        else:
            page.keyboard.press("1")
        page.locator(".next").wait_for()
    assert errors == []
    choices = [vote.choice for vote in votes_of(store, "s")]
    assert choices == ["tie", "left", "both_bad", "left"]
    assert [vote.answers for vote in votes_of(store, "s")] == [{}, {}, {"sound": "tie"}, {}]
    for vote in votes_of(store, "s"):
        assert vote.heard_left is not None
        assert vote.heard_left >= 0.8
        assert vote.sound_check is True


def test_nothing_that_is_sent_before_the_vote_names_a_model(browser: Any, url: str) -> None:
    page = page_of(browser)
    seen: list[bytes] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: seen.append(frame if isinstance(frame, bytes) else frame.encode())),
    )
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(url)
    page.get_by_text("3", exact=True).first.click()
    page.get_by_role("button", name="I agree, begin").click()
    page.locator(".arena .asked").wait_for()
    unlocked(page)  # both clips came, and were played
    clips = [answer for answer in answers if "/clip/" in answer.url]
    assert clips
    assert seen
    for clip in clips:
        headers = clip.all_headers()
        assert "etag" not in headers
        assert "last-modified" not in headers
        assert headers["cache-control"] == "private, no-store"
        assert headers["referrer-policy"] == "no-referrer"
    sizes = {answer.all_headers().get("content-range", "").rpartition("/")[2] or answer.all_headers()["content-length"] for answer in clips}
    assert len(sizes) == 1
    received = b"".join(seen) + all_text(page).encode() + "".join(answer.url for answer in answers).encode()
    for model in wire.MODELS:
        assert model.encode() not in received
    assert all(answer.url.startswith((url, "data:", "blob:")) for answer in answers)


def test_an_address_of_a_clip_is_useless_to_other_voters(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url, misheard=1)
    _, left, _ = pair_of(page)
    assert page.request.get(url + left).status == 200
    assert page.request.get(url + left, headers={"range": "bytes=0-99"}).status == 206
    assert page.request.get(url + left, headers={"range": "bytes=0-9,20-29,40-49"}).status == 416
    other_voter = browser.new_context().new_page()
    assert other_voter.request.get(url + left).status == 404
    for path in ("/clip/x", "/clip/..%2f..%2fseedbench.db", "/clip/%00", "/clip/" + "a" * 5000):
        assert page.request.get(url + path).status in (400, 404)
    with store.session() as session:
        assert len(list(session.scalars(select(IncidentRow).where(IncidentRow.kind == "clip address")))) >= 2


def test_a_phone_shows_one_clip_above_the_other_and_voters_do_not_meet(browser: Any, url: str, tmp_path: Path) -> None:
    narrow = join(browser, url, viewport={"width": 390, "height": 844}, has_touch=True)
    other = join(browser, url)
    narrow.wait_for_function(
        f"() => {{ const [a, b] = {PLAYER_VIDEOS}.map(v => v.getBoundingClientRect()); return b.top > a.bottom - 1 && a.width > 300 "
        "&& document.documentElement.scrollWidth <= 390; }"
    )
    assert set(pair_of(narrow)[1:]).isdisjoint(pair_of(other)[1:])
    narrow.screenshot(path=tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


def test_two_voters_vote_side_by_side_one_by_mouse_one_by_keys(browser: Any, url: str, store: Store) -> None:
    n_before = len(votes_of(store, "s"))
    mouse, keys = join(browser, url), join(browser, url)
    shown: list[tuple[str, str, str]] = []
    for number in range(10):
        unlocked(mouse)
        mouse.locator(f'.choice[data-choice="{("left", "tie", "right", "both_bad")[number % 4]}"]').click()
        unlocked(keys)
        keys.keyboard.press(str(1 + number % 4))
        for page in (mouse, keys):
            page.locator(".next").wait_for()
            shown.append(pair_of(page))
        if number == 4:
            keys.keyboard.press("u")
            keys.locator('.choice[data-choice="left"]:enabled').wait_for()
            keys.keyboard.press("3")
            keys.locator(".next").wait_for()
        for page in (mouse, keys):
            says(page, f"{number + 1} so far")
        mouse.locator(".next").click()
        keys.keyboard.press("n")
        for page, before in ((mouse, shown[-2]), (keys, shown[-1])):
            another_pair(page, before)
    assert len({address for _, *both in shown for address in both}) == 40  # no address was ever given twice
    votes = votes_of(store, "s")[n_before:]
    by_voter = [[vote.choice for vote in votes if vote.voter == name] for name in dict.fromkeys(vote.voter for vote in votes)]
    mouses = ["left", "tie", "right", "both_bad", "left", "tie", "right", "both_bad", "left", "tie"]
    assert sorted(by_voter) == sorted([mouses, [*mouses[:4], "right", *mouses[5:]]])
    for page in (mouse, keys):
        page.context.close()


def test_keys_can_be_turned_off(browser: Any, url: str) -> None:
    page = join(browser, url)
    unlocked(page)
    page.locator(".keys").uncheck()
    page.keyboard.press("1")  # nothing: else the vote that follows could not be given
    page.locator(".keys").check()
    page.keyboard.press("3")
    page.locator(".next").wait_for()
    says(page, "Your vote: B is better. 1 so far.")


def test_a_key_that_presses_what_has_the_focus_does_nothing_else(browser: Any, url: str) -> None:
    page = join(browser, url)
    page.wait_for_function(f"() => {PLAYER_VIDEOS}.every(video => video.readyState === 4)")  # they would start at once
    page.locator(".keys").focus()
    page.keyboard.press("Space")
    expect(page.locator(".keys")).not_to_be_checked()
    page.keyboard.press("Space")
    expect(page.locator(".keys")).to_be_checked()
    assert value(page, f"{PLAYER_VIDEOS}.map(video => [video.paused, video.currentTime])") == [[True, 0], [True, 0]]
    page.locator('.hear[data-side="right"]').click()  # plays; what was clicked does not keep the focus
    page.wait_for_function(f"() => {PLAYER_VIDEOS}.every(video => video.currentTime > 0)")
    expect(page.locator(".arena")).to_be_focused()


def test_a_voter_who_fails_the_sound_check_sees_it_and_may_repeat_it(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url, misheard=1)
    page.get_by_text("You did not pass the sound check").wait_for()
    page.get_by_role("button", name="Make the sound check again").click()
    page.get_by_text(str(tones_of(page)), exact=True).first.click()
    page.get_by_role("button", name="Go on").click()
    page.locator(".arena .asked").wait_for()
    expect(page.get_by_text("You did not pass the sound check")).to_have_count(0)
    unlocked(page)
    page.locator('.choice[data-choice="left"]').click()
    page.locator(".next").wait_for()
    assert votes_of(store, "s")[-1].sound_check is True


def test_captions_are_shown_on_request_and_recorded_with_the_vote(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url)
    expect(page.locator(".caption")).to_have_text(["", ""])
    page.locator(".captions").check()
    page.locator(".play").click()
    expect(page.locator(".caption")).to_have_text(["Good morning."] * 2)
    unlocked(page)
    page.locator('.choice[data-choice="left"]').click()
    page.locator(".next").wait_for()
    assert votes_of(store, "s")[-1].captions is True
    next_pair(page)
    page.locator(".captions").uncheck()
    unlocked(page)
    page.locator('.choice[data-choice="left"]').click()
    page.locator(".next").wait_for()
    assert votes_of(store, "s")[-1].captions is True  # they had been on when the pair came


def test_boards_are_shown_with_what_they_rest_on(browser: Any, url: str) -> None:
    page = join(browser, url)
    unlocked(page)
    page.keyboard.press("1")
    page.locator(".next").wait_for()
    page.goto(f"{url}/boards")
    page.get_by_text("What this is based on").first.wait_for()
    page.get_by_text("What this is based on").first.click()
    page.get_by_text("check gold").first.wait_for()


def refused(home: Path, port: int) -> str:
    """The message of `arena serve` when it ends at once with a user error."""
    command = [sys.executable, "-c", "from seedbench.cli import main; main()", "arena", "serve", "s", "--port", str(port)]
    ended = subprocess.run(command, env={**os.environ, "SEEDBENCH_HOME": str(home)}, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    return ended.stderr


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    wire.study(tmp_path / "home", n_prompts=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused(tmp_path / "home", port)


def test_a_study_that_is_served_already_is_an_error(home: Path, url: str) -> None:
    assert "study 's' is in use (process " in refused(home, int(url.rpartition(":")[2]))


def test_a_pair_resumes_after_the_server_was_restarted(browser: Any, tmp_path: Path) -> None:
    """The clip URLs differ after the restart: the page loads the clips again, and keeps which were heard."""
    home = tmp_path / "home"
    store = wire.study(home, checks={"gold": 0, "same": 0, "repeat": 0})
    with wire.served(home) as server:
        page = join(browser, server.url)
        unlocked(page)
        before = pair_of(page)
        with page.expect_websocket(timeout=4 * WAIT_MS):  # the page tries again ever more seldom
            server.kill()
            server.start()
        page.locator('[data-test-connection-state="CONNECTED"]').wait_for()  # what is said before is lost
        page.locator('.choice[data-choice="left"]').click()  # the first that the new server hears of this page
        another_pair(page, before)
        expect(page.locator(".asked")).to_have_text(before[0])
        says(page, "loaded again")
        page.wait_for_function(f"() => {PLAYER_VIDEOS}.every(video => video.readyState === 4)")
        page.locator('.choice[data-choice="tie"]').click()
        page.locator(".next").wait_for()
        page.context.close()
    assert [vote.choice for vote in votes_of(store, "s")] == ["tie"]
    store.close()
