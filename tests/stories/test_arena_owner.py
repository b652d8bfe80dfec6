"""The owner's story in a real browser: logging in at a service that speaks OpenID Connect, the study page, judged pairs, the export."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.settings import clips_folder
from seedbench.arena.store import open_store
from seedbench.arena.voting.service import VotingService
from seedbench.store.workspace import Workspace
from tests.arena import oidc, wire
from tests.browsing import all_text, expect, page_of

MAKER = re.compile(f"^({'|'.join(wire.MODELS)})$")
OWNER = "Owner@Example.org"
#: The videos of the explore page, which lie in a shadow root.
VIDEOS = "[...document.querySelectorAll('*')].flatMap(e => [...(e.shadowRoot?.querySelectorAll('.clip-viewer video') ?? [])])"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Playwright leaves its own event loop's socket to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def service() -> Iterator[oidc.Service]:
    with oidc.service() as running:
        yield running


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, service: oidc.Service) -> Iterator[str]:
    """A study of three systems with votes of three voters, served with a login for one owner."""
    home = tmp_path_factory.mktemp("owner") / "home"
    wire.study(home, checks={"gold": 0.2, "same": 0.1, "repeat": 0.1}, limits={"dwell": 0.0}, reveal=False)
    _voted(home)
    login = home / "login.toml"
    server = wire.Served(home, "--login", str(login), "--owner", OWNER)
    login.write_text(service.secrets_for(f"{server.url}/oauth2callback"))
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def _voted(home: Path) -> None:
    """Three voters vote on their pairs; one writes a remark."""
    now = [datetime.now(UTC).replace(tzinfo=None)]
    service = VotingService(
        open_store(Workspace(home).database_url), wire.STUDY, clips_folder(Workspace(home), wire.STUDY), clock=lambda: now[0]
    )
    for name in ("one", "two", "three"):
        voter = service.voters.id_of_name(name)
        service.voters.record_consent(voter, sound_check=True)
        for number in range(9):
            shown = service.open_pair(voter)
            assert shown is not None
            service.clip_urls.file_of(shown.left, voter)
            service.clip_urls.file_of(shown.right, voter)
            now[0] += timedelta(seconds=9)
            remark = "<img src=x onerror=alert(1)> lips late" if (name, number) == ("two", 3) else ""
            service.vote(voter, shown.battle, ("left", "right", "tie")[number % 3], heard=(1.0, 1.0), comment=remark)


def visit(browser: Any, address: str) -> Any:
    page = page_of(browser, viewport={"width": 1280, "height": 1000})
    page.goto(address)
    return page


def log_in(browser: Any, url: str, service: oidc.Service, person: dict[str, Any]) -> Any:
    """Open the study page, and log in at the service as ``person``."""
    service.person = person
    page = visit(browser, f"{url}/study")
    page.get_by_text("This page is for the study's owner").wait_for()
    page.get_by_role("button", name="Log in as the owner").click()
    page.wait_for_url(f"{url}/**")
    page.get_by_text("Which clip is better?").first.wait_for()  # back at the first page
    page.goto(f"{url}/study")
    return page


def test_visitors_and_others_who_log_in_see_nothing(browser: Any, url: str, service: oidc.Service) -> None:
    visitor = visit(browser, f"{url}/study")
    visitor.get_by_text("This page is for the study's owner").wait_for()
    expect(visitor.get_by_text("taken back")).to_have_count(0)
    explorer = visit(browser, f"{url}/explore")
    explorer.get_by_text("does not tell voters who made the clips").wait_for()
    explorer.goto(f"{url}/boards")
    explorer.get_by_text("Boards appear with the first 50 votes").wait_for()
    assert "veo-secret" not in all_text(explorer)
    for person in ({"email": "other@example.org", "email_verified": True}, {"email": OWNER, "email_verified": False}, {"name": OWNER}):
        page = log_in(browser, url, service, person)
        page.get_by_text("not as an owner").wait_for()
        expect(page.get_by_text("taken back")).to_have_count(0)
        assert "veo-secret" not in all_text(page)


def test_an_owner_logs_in_and_sees_how_the_study_stands(browser: Any, url: str, service: oidc.Service, tmp_path: Path) -> None:
    page = log_in(browser, url, service, {"email": OWNER.lower(), "email_verified": True, "name": "O."})
    page.get_by_text("0 taken back").wait_for()
    assert {"/authorize", "/token", "/keys"} <= set(service.asked)
    expect(page.get_by_text("27", exact=True).first).to_be_visible()  # votes
    page.get_by_role("tab", name="Voters").click()
    page.get_by_text("<img src=x onerror=alert(1)> lips late").wait_for()  # as it was written: text
    page.get_by_role("tab", name="Left out").click()
    page.get_by_text("votes count").wait_for()
    page.get_by_role("tab", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Votes without identities").click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert {"votes.jsonl", "rules.json", "boards.json", "boards.md", "settings.json"} == set(archive.namelist())
        assert archive.read("votes.jsonl").count(b"\n") == 27
    page.goto(f"{url}/explore")
    expect(page.locator(".clip-viewer figcaption")).to_have_text([MAKER, MAKER])
    page.wait_for_function(f"() => {VIDEOS}.length === 2 && {VIDEOS}.every(video => Math.abs(video.duration - 1) < 0.1)")
    # No run of these clips is in the database, as after it was deleted: said beside the pair, and over all pairs.
    went = page.get_by_text("The run run was deleted; its metric scores went with it.")
    expect(went).to_have_count(2)
    expect(page.get_by_text("not measured")).to_have_count(0)
    page.screenshot(path=tmp_path / "explore.png", full_page=True)
    page.goto(f"{url}/boards")  # of 27 votes: an owner sees them all
    page.get_by_text("What this is based on").wait_for()
    page.goto(f"{url}/study")
    page.get_by_role("tab", name="Export").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_text("Which clip is better?").first.wait_for()
    page.goto(f"{url}/study")
    page.get_by_text("This page is for the study's owner").wait_for()
