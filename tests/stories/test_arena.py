"""The story of a voter, in a real browser against the real server: joining in, votes by keys and mouse, undo, reload; what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arena.export import votes_of
from arena.store import IncidentRow, open_store
from seedbench.store import Store
from seedbench.workspace import Workspace
from tests.arena import wire

WAIT_MS = 30_000
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
    """Play the tones, and listen."""
    page.evaluate("() => { window.tonesPlayed = 0 }")
    page.get_by_role("button", name="Play the tones").click()
    page.wait_for_function("() => window.tonesPlayed > 0")
    return int(page.evaluate("() => window.tonesPlayed"))


def join(browser: Any, url: str, *, misheard: int = 0, **options: Any) -> Any:
    """A visitor of their own, who has agreed to take part."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(COUNT_TONES)
    page.goto(url)
    tones = tones_of(page) - misheard
    begin = page.get_by_role("button", name="I agree, begin")
    begin.wait_for()
    assert begin.is_disabled()
    page.get_by_text(str(tones), exact=True).first.click()
    begin.click()
    page.locator(".arena .asked").wait_for()
    return page


def unlocked(page: Any) -> None:
    """Play until votes are open; after the first pair the next one starts by itself, on a busy machine a while later."""
    still = 0
    for _ in range(150):
        if page.locator('.choice[data-choice="left"]').is_enabled():
            return
        still = still + 1 if page.locator(".play").inner_text().startswith("Play") else 0
        if still > 3:
            page.locator(".play").click()
            still = 0
        page.wait_for_timeout(300)
    pytest.fail("votes never opened")


def pair_of(page: Any) -> tuple[str, str, str]:
    """What is asked, and the addresses of both clips."""
    return (
        page.locator(".asked").inner_text(),
        *(page.locator(f'[data-side="{side}"] video').get_attribute("src") for side in ("left", "right")),
    )


def next_pair(page: Any) -> None:
    before = pair_of(page)
    page.keyboard.press("n")
    another_pair(page, before)


def another_pair(page: Any, before: tuple[str, ...]) -> None:
    """Wait until another pair than ``before`` is shown, or the same under other addresses."""
    for _ in range(150):
        if pair_of(page) != before:
            return
        page.wait_for_timeout(100)
    pytest.fail("no next pair came")


def test_the_first_visit_of_all_may_be_to_the_boards(browser: Any, url: str) -> None:
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{url}/boards")
    page.get_by_text("No vote counts yet").wait_for()


def test_a_voter_votes_by_keys_and_by_mouse_takes_back_and_loads_again(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    first = pair_of(page)
    page.locator(".arena").focus()
    page.keyboard.press("1")  # locked: nothing happens
    assert page.locator(".choice:disabled").count() == 4
    assert "Hear A and B to the end" in page.locator(".status").inner_text()

    page.reload()
    page.locator(".arena .asked").wait_for()
    assert pair_of(page) == first

    unlocked(page)
    page.keyboard.press("3")
    page.locator(".undo").wait_for()
    assert "Your vote: B is better. 1 so far." in page.locator(".status").inner_text()
    assert page.locator(".choice:disabled").count() == 4
    page.keyboard.press("u")
    page.locator('.choice[data-choice="left"]:enabled').wait_for()
    assert page.locator(".asked").inner_text() == first[0]
    assert "taken back" in page.locator(".status").inner_text()
    page.locator('.choice[data-choice="tie"]').click()
    page.locator(".reveal").click()
    page.wait_for_function("() => [...document.querySelectorAll('*')].some(e => e.shadowRoot?.querySelector('.maker')?.textContent)")
    assert {one.inner_text() for one in page.locator(".maker").all()} <= set(wire.MODELS)
    assert page.locator(".undo").is_disabled()

    for number in range(3):
        next_pair(page)
        assert page.locator(".maker").all_inner_texts() == ["", ""]
        unlocked(page)
        if number % 2:
            page.locator("summary").click()
            page.locator(".questions button", has_text="Same").first.click()
            page.locator('.choice[data-choice="both_bad"]').click()
        else:
            page.keyboard.press("1")
        page.locator(".next").wait_for()
    assert errors == []
    choices = [one.choice for one in votes_of(store, "s")]
    assert choices == ["tie", "left", "both_bad", "left"]
    assert [one.answers for one in votes_of(store, "s")] == [{}, {}, {"sound": "tie"}, {}]
    for vote in votes_of(store, "s"):
        assert vote.heard_left is not None
        assert vote.heard_left >= 0.8
        assert vote.sound_check is True


def test_nothing_that_is_sent_before_the_vote_names_a_model(browser: Any, url: str) -> None:
    page = browser.new_context().new_page()
    page.set_default_timeout(WAIT_MS)
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
    unlocked(page)
    page.wait_for_timeout(300)
    clips = [one for one in answers if "/clip/" in one.url]
    assert clips
    assert seen
    for one in clips:
        headers = one.all_headers()
        assert "etag" not in headers
        assert "last-modified" not in headers
        assert headers["cache-control"] == "private, no-store"
        assert headers["referrer-policy"] == "no-referrer"
    sizes = {one.all_headers().get("content-range", "").rpartition("/")[2] or one.all_headers()["content-length"] for one in clips}
    assert len(sizes) == 1
    told = b"".join(seen) + page.content().encode() + "".join(one.url for one in answers).encode()
    for model in wire.MODELS:
        assert model.encode() not in told
    assert all(one.url.startswith((url, "data:", "blob:")) for one in answers)


def test_an_address_is_worth_nothing_to_others(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url, misheard=1)
    _, left, _ = pair_of(page)
    assert page.request.get(url + left).status == 200
    assert page.request.get(url + left, headers={"range": "bytes=0-99"}).status == 206
    assert page.request.get(url + left, headers={"range": "bytes=0-9,20-29,40-49"}).status == 416
    stranger = browser.new_context().new_page()
    assert stranger.request.get(url + left).status == 404
    for path in ("/clip/x", "/clip/..%2f..%2fseedbench.db", "/clip/%00", "/clip/" + "a" * 5000):
        assert page.request.get(url + path).status in (400, 404)
    with store.session() as session:
        assert session.query(IncidentRow).filter(IncidentRow.kind == "clip address").count() >= 2


def test_a_phone_shows_one_clip_above_the_other_and_voters_do_not_meet(browser: Any, url: str, tmp_path: Path) -> None:
    one = join(browser, url, viewport={"width": 390, "height": 844}, has_touch=True)
    other = join(browser, url)
    boxes = [one.locator(f'[data-side="{side}"] video').bounding_box() for side in ("left", "right")]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"] - 1
    assert boxes[0]["width"] > 300
    assert one.evaluate("document.documentElement.scrollWidth") <= 390
    assert set(pair_of(one)[1:]).isdisjoint(pair_of(other)[1:])
    one.screenshot(path=tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


def test_two_voters_vote_side_by_side_one_by_mouse_one_by_keys(browser: Any, url: str, store: Store) -> None:
    n_before = len(votes_of(store, "s"))
    mouse, keys = join(browser, url), join(browser, url)
    shown: list[tuple[str, ...]] = []
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
            assert f"{number + 1} so far" in page.locator(".status").inner_text()
        mouse.locator(".next").click()
        keys.keyboard.press("n")
        for page, before in ((mouse, shown[-2]), (keys, shown[-1])):
            another_pair(page, before)
    assert len({address for _, *both in shown for address in both}) == 40  # no address was ever given twice
    votes = votes_of(store, "s")[n_before:]
    by_voter = [[one.choice for one in votes if one.voter == name] for name in dict.fromkeys(one.voter for one in votes)]
    mouses = ["left", "tie", "right", "both_bad", "left", "tie", "right", "both_bad", "left", "tie"]
    assert sorted(by_voter) == sorted([mouses, [*mouses[:4], "right", *mouses[5:]]])
    for page in (mouse, keys):
        page.context.close()


def test_keys_can_be_turned_off(browser: Any, url: str) -> None:
    page = join(browser, url)
    unlocked(page)
    page.locator(".keys").uncheck()
    page.keyboard.press("1")
    page.wait_for_timeout(500)
    assert page.locator(".after").is_hidden()
    page.locator(".keys").check()
    page.keyboard.press("1")
    page.locator(".next").wait_for()


def test_a_key_that_presses_what_has_the_focus_does_nothing_else(browser: Any, url: str) -> None:
    page = join(browser, url)
    page.locator(".keys").focus()
    page.keyboard.press("Space")
    assert not page.locator(".keys").is_checked()
    page.keyboard.press("Space")
    assert page.locator(".keys").is_checked()
    assert page.locator(".play").inner_text().startswith("Play")
    page.locator('.hear[data-side="right"]').click()  # plays; what was clicked does not keep the focus
    page.get_by_text("Pause").first.wait_for()
    page.keyboard.press("Space")
    page.locator(".play", has_text="Play both").wait_for()


def test_who_fails_the_sound_check_is_told_and_may_make_it_again(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url, misheard=1)
    page.get_by_text("You did not pass the sound check").wait_for()
    page.get_by_role("button", name="Make the sound check again").click()
    page.get_by_text(str(tones_of(page)), exact=True).first.click()
    page.get_by_role("button", name="Go on").click()
    page.locator(".arena .asked").wait_for()
    assert page.get_by_text("You did not pass the sound check").count() == 0
    unlocked(page)
    page.locator('.choice[data-choice="left"]').click()
    page.locator(".next").wait_for()
    assert votes_of(store, "s")[-1].sound_check is True


def test_captions_are_shown_to_who_asks_and_told_with_the_vote(browser: Any, url: str, store: Store) -> None:
    page = join(browser, url)
    assert page.locator(".caption").all_inner_texts() == ["", ""]
    page.locator(".captions").check()
    page.locator(".play").click()
    page.locator(".caption", has_text="Good morning.").first.wait_for()
    assert page.locator(".caption").all_inner_texts() == ["Good morning."] * 2
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
    page.get_by_text("What this rests on").first.wait_for()
    page.get_by_text("What this rests on").first.click()
    page.get_by_text("check gold").first.wait_for()


def test_a_port_that_is_taken_is_an_error(home: Path, url: str) -> None:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-c", "from seedbench.cli import main; main()", "arena", "serve", "s", "--port", port]
    ended = subprocess.run(command, env={**os.environ, "SEEDBENCH_HOME": str(home)}, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr


def test_a_pair_goes_on_where_it_was_when_the_server_was_started_anew(browser: Any, tmp_path: Path) -> None:
    """Its addresses are others then: the page loads the clips again, and keeps what was heard."""
    home = tmp_path / "home"
    store = wire.study(home, checks={"gold": 0, "same": 0, "repeat": 0})
    with wire.served(home) as server:
        page = join(browser, server.url)
        unlocked(page)
        before = pair_of(page)
        with page.expect_websocket(timeout=60_000):  # the page tries again ever more seldom
            server.kill()
            server.start()
        page.locator('.choice[data-choice="left"]').click()  # the first that the new server hears of this page
        another_pair(page, before)
        assert pair_of(page)[0] == before[0]
        assert "loaded again" in page.locator(".status").inner_text()
        page.wait_for_function(
            "() => [...document.querySelectorAll('*')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('video') ?? [])])"
            ".every(video => video.readyState === 4)"
        )
        page.locator('.choice[data-choice="tie"]').click()
        page.locator(".next").wait_for()
        page.context.close()
    assert [one.choice for one in votes_of(store, "s")] == ["tie"]
    store.close()
