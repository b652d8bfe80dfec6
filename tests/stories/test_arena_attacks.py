"""Attacks of a visitor, over HTTP and the websocket, against the real server: none succeeds or reveals anything, and all are logged."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

import seedbench.arena
from seedbench.arena.store import BattleRow, ClipRow, IncidentRow, StudyRow, VoteRow, VoterRow
from seedbench.arena.study.export import export_study
from seedbench.store import Store
from tests.arena.wire import COOKIE, MODELS, STUDY, Answer, Page, Served, Voter, ask, cookie_of, over_the_wire, served, study

DWELL_S = 1.9  # for two clips of a second, heard one after the other
SOON_S = 60.0
REMARK = "<img src=x onerror=alert(1)><script>alert(2)</script>'; DROP TABLE arena_votes; --"
pytestmark = pytest.mark.slow


class Attacked:
    """A served study, its database, and the words that no visitor may read."""

    def __init__(self, server: Served, store: Store) -> None:
        self.server, self.store, self.url = server, store, server.url
        with store.session() as session:
            key = session.scalars(select(StudyRow.key)).one()
            files = session.scalars(select(ClipRow.file)).all()
        folder = Path(str(seedbench.arena.__file__)).parent
        words = [
            *MODELS,
            str(server.home),
            str(folder),
            str(folder.resolve()),
            "Traceback (most recent call last)",
            "site-packages",
            *files,
        ]
        self.words = [*(word.encode() for word in words), key, key.hex().encode(), base64.b64encode(key), base64.urlsafe_b64encode(key)]
        self._seen = 0

    def reveals_nothing(self, answer: Answer | Page | bytes) -> None:
        """Fails if an answer contains one of the words."""
        if isinstance(answer, Page):
            raw = json.dumps([answer.texts, answer.data], ensure_ascii=False).encode("utf-8", "surrogatepass")
        else:
            raw = answer.whole if isinstance(answer, Answer) else answer
        assert [word for word in self.words if word in raw] == []

    def incidents(self) -> list[str]:
        """The kinds of incidents logged since the last call."""
        with self.store.session() as session:
            incidents = list(session.scalars(select(IncidentRow).where(IncidentRow.id > self._seen).order_by(IncidentRow.id)))
        self._seen = max([self._seen, *(incident.id for incident in incidents)])
        return [incident.kind for incident in incidents]

    def votes(self, battle: str) -> list[str]:
        """The choices in the database for a pair."""
        with self.store.session() as session:
            return list(session.scalars(select(VoteRow.choice).where(VoteRow.battle_id == battle)))

    def count(self, table: Any) -> int:
        with self.store.session() as session:
            return session.scalar(select(func.count()).select_from(table)) or 0

    async def lives(self) -> None:
        """Fails if the server no longer answers."""
        assert (await ask(self.url, "/health")).body == b'{"status":"ok"}'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attacked") / "home"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Attacked]:
    """A study that reveals no makers and locks nobody out, so that each attack is tested alone."""
    store = study(home, limits={"refusals_an_hour": 10_000})
    with served(home) as running:
        yield Attacked(running, store)


@pytest.fixture
def attacked(server: Attacked) -> Attacked:
    """The server; incidents logged so far are ignored."""
    server.incidents()
    return server


async def stays_open(attacked: Attacked, voter: Voter, page: Page, battle: str) -> None:
    """Check that a refused request changed nothing: the pair is open, and its voter may vote on it."""
    assert page.pair["battle"] == battle
    assert page.pair["voted"] is None
    assert attacked.votes(battle) == []
    attacked.reveals_nothing(page)


# --- votes that are not granted

HEARD_BADLY: list[Any] = [["1", "1"], "11", {"1": 1, "0.9": 1}, [True, True], [1], [1, 1, 1], [[1], [1]], 7, [10**400, 1]]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"choice": "A"}, "unknown choice"),
    ({"choice": "LEFT"}, "unknown choice"),
    ({"choice": "left'; DROP TABLE arena_votes; --"}, "unknown choice"),
    ({"choice": ""}, "unknown choice"),
    ({"answers": {"looks": "left"}}, "unknown question"),
    ({"answers": {"overall": "left"}}, "unknown question"),
    ({"answers": {"sound": "<script>"}}, "unknown choice"),
    ({"answers": {"sound": "A"}}, "unknown choice"),
    ({"heard": [1, 0.79]}, "not heard"),
    ({"heard": [0, 0]}, "not heard"),
    ({"heard": [1, 1.01]}, "heard out of range"),
    ({"heard": [-0.1, 1]}, "heard out of range"),
    ({"heard": [float("nan"), 1]}, "heard out of range"),
    ({"heard": [1, float("inf")]}, "heard out of range"),
    ({"heard": [1, float("-inf")]}, "heard out of range"),
    ({"battle": "0" * 32}, "not this voter's pair"),
    ({"battle": ""}, "not this voter's pair"),
    ({"battle": "x' OR '1'='1"}, "not this voter's pair"),
    ({"battle": "\0"}, "not this voter's pair"),
    ({"battle": "0" * 100_000}, "not this voter's pair"),
    *(({"heard": heard}, "not understood") for heard in HEARD_BADLY),
    *(({key: None}, "not understood") for key in ("battle", "choice", "heard")),  # left out
    ({"choice": ["left"]}, "not understood"),
    ({"battle": {"id": 1}}, "not understood"),
    ({"answers": "left"}, "not understood"),
    ({"answers": {"sound": ["left"]}}, "not understood"),
    ({"comment": {"text": "x"}}, "not understood"),
    ({"comment": "half an emoji: \ud83d"}, "not understood"),
    ({"battle": "\ud83d"}, "not understood"),
]


@pytest.mark.parametrize(("change", "kind"), WRONG, ids=[json.dumps(change)[:40] for change, _ in WRONG])
@over_the_wire
async def test_a_vote_that_is_wrong_is_refused_and_noted(attacked: Attacked, change: dict[str, Any], kind: str) -> None:
    async with Voter(attacked.url) as voter:
        page = await voter.join()
        battle = page.pair["battle"]
        await voter.fetch()
        page = await voter.vote(**change)
        assert page.pair["message"]
        await stays_open(attacked, voter, page, battle)
        assert attacked.incidents() == [kind]


@pytest.mark.parametrize("value", ["x", 7, True, [], ["vote"], {}, {"vote": {}}], ids=repr)
@over_the_wire
async def test_a_vote_that_is_not_a_ballot_is_refused_and_logged(attacked: Attacked, value: Any) -> None:
    async with Voter(attacked.url) as voter:
        battle = (await voter.join()).pair["battle"]
        await voter.fetch()
        await voter.trigger("vote", value)
        page = await voter.settle()
        await stays_open(attacked, voter, page, battle)
        assert attacked.incidents() == ["not understood"]


NO_TRIGGERS = {
    "not JSON": "{",
    "nothing": "null",
    "a number": "7",
    "empty": "[]",
    "no value": '[{"event":"vote"}]',
    "no name": '[{"event":["vote"],"value":{}}]',
    "unknown": '[{"event":"votes","value":{}}]',
    "deep": "[" * 100_000,
    "long": '[{"event":"vote","value":' + "1" * 5000 + "}]",
}


@pytest.mark.parametrize("name", NO_TRIGGERS)
@over_the_wire
async def test_a_value_that_is_not_a_trigger_does_nothing_and_the_page_continues(attacked: Attacked, name: str) -> None:
    async with Voter(attacked.url) as voter:
        battle = (await voter.join()).pair["battle"]
        await voter.fetch()
        await voter.trigger_raw(NO_TRIGGERS[name])
        attacked.reveals_nothing(await voter.settle())
        await voter.say()
        await stays_open(attacked, voter, await voter.settle(), battle)
        await asyncio.sleep(DWELL_S)
        await voter.vote("tie")
        assert attacked.votes(battle) == ["tie"]


@over_the_wire
async def test_a_vote_without_both_clips_fetched_is_refused(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        pair = (await voter.join()).pair
        await asyncio.sleep(DWELL_S)
        await stays_open(attacked, voter, await voter.vote(), pair["battle"])
        await voter.http(pair["left"], headers={"Range": "bytes=0-"})
        await stays_open(attacked, voter, await voter.vote(), pair["battle"])
        assert attacked.incidents() == ["clips not fetched"] * 2
        await voter.http(pair["right"], headers={"Range": "bytes=0-"})
        assert (await voter.vote()).pair["voted"] == "left"


@pytest.mark.parametrize("how", [{"method": "HEAD"}, {"headers": {"Range": "bytes=0-9,20-29"}}, {"headers": {"Range": "bytes=99999999-"}}])
@over_the_wire
async def test_a_clip_of_which_no_byte_was_sent_was_not_fetched(attacked: Attacked, how: dict[str, Any]) -> None:
    async with Voter(attacked.url) as voter:
        pair = (await voter.join()).pair
        for side in ("left", "right"):
            assert (await voter.http(pair[side], **how)).body == b""
        await asyncio.sleep(DWELL_S)
        await stays_open(attacked, voter, await voter.vote(), pair["battle"])
        assert "clips not fetched" in attacked.incidents()


@over_the_wire
async def test_a_vote_at_once_is_refused(tmp_path: Path) -> None:
    store = study(tmp_path / "home", n_prompts=1, limits={"dwell": 1000.0})  # "at once" on a machine of any load
    with served(tmp_path / "home") as running:
        patient = Attacked(running, store)
        async with Voter(running.url) as voter:
            battle = (await voter.join()).pair["battle"]
            await voter.fetch()
            await stays_open(patient, voter, await voter.vote(), battle)
            assert patient.incidents() == ["too fast"]


# --- votes given again, and those of others


async def voted(voter: Voter) -> str:
    """Vote on the shown pair as the page intends; returns the pair."""
    await voter.fetch()
    await asyncio.sleep(DWELL_S)
    page = await voter.vote("left")
    assert page.pair["voted"] == "left", page.pair
    return str(page.pair["battle"])


@over_the_wire
async def test_a_vote_sent_twice_counts_once(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        await voter.fetch()
        await asyncio.sleep(DWELL_S)
        ballot = voter.ballot("left")
        for _ in range(2):
            await voter.trigger("vote", ballot)
        await voter.settle(quiet_s=0.5)
        assert attacked.votes(ballot["battle"]) == ["left"]
        assert voter.page.pair["voted"] == "left"


@over_the_wire
async def test_a_vote_sent_again_with_another_choice_is_refused_and_logged(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        battle = await voted(voter)
        page = await voter.vote("right")
        assert page.pair["voted"] == "left"
        assert attacked.votes(battle) == ["left"]
        assert attacked.incidents() == ["voted already"]


@over_the_wire
async def test_a_vote_on_a_pair_of_before_is_refused_and_noted(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        battle = await voted(voter)
        now = (await voter.act("next")).pair["battle"]
        assert now != battle
        await stays_open(attacked, voter, await voter.vote("right", battle=battle), now)
        assert attacked.votes(battle) == ["left"]
        assert attacked.incidents() == ["voted already"]


@over_the_wire
async def test_two_tabs_of_one_voter_vote_once(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        battle = (await voter.join()).pair["battle"]
        async with Voter(attacked.url, cookie=voter.cookie) as other:
            assert other.page.pair["battle"] == battle
            await voter.fetch()
            await asyncio.sleep(DWELL_S)
            await asyncio.gather(voter.vote("left"), other.vote("right"))
        assert len(attacked.votes(battle)) == 1
        assert attacked.incidents() == ["voted already"]


@over_the_wire
async def test_next_sent_twice_skips_no_pair(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        battle = await voted(voter)
        for _ in range(2):
            await voter.trigger("next", {"battle": battle})
        now = (await voter.settle(quiet_s=0.5)).pair["battle"]
        for what in ("next", "undo", "reveal"):
            await stays_open(attacked, voter, await voter.act(what), now)
        with attacked.store.session() as session:
            (who,) = session.scalars(select(BattleRow.voter_id).where(BattleRow.id == battle))
            assert set(session.scalars(select(BattleRow.id).where(BattleRow.voter_id == who))) == {battle, now}


@over_the_wire
async def test_another_voter_s_pair_is_refused_like_an_unknown_one(attacked: Attacked) -> None:
    async with Voter(attacked.url) as mine, Voter(attacked.url) as thief:
        battle, own = (await mine.join()).pair["battle"], (await thief.join()).pair["battle"]
        await thief.fetch()
        for clip in (mine.page.pair["left"], mine.page.pair["right"]):
            assert (await thief.http(clip)).status == 404
        assert attacked.incidents() == ["clip address"] * 2
        messages = []
        for forged in (battle, "f" * 32):
            page = await thief.vote("right", battle=forged)
            await stays_open(attacked, thief, page, own)
            messages.append(page.pair["message"])
        assert messages[0] == messages[1]
        assert attacked.incidents() == ["not this voter's pair"] * 2
        assert await voted(mine) == battle


@over_the_wire
async def test_the_makers_are_not_revealed_where_the_study_does_not_reveal_them(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        await voted(voter)
        page = await voter.act("reveal")
        assert page.pair["makers"] is None
        attacked.reveals_nothing(page)
        assert attacked.incidents() == ["reveal"]


@over_the_wire
async def test_the_stored_state_of_the_page_is_not_a_trigger(attacked: Attacked) -> None:
    """A component's state persists between script runs: treated as a trigger, it would be answered again on every run."""
    async with Voter(attacked.url) as voter:
        await voter.join()
        await voter.fetch()
        ballot = voter.ballot("A")
        await voter.say(WidgetState(id=voter.page.player, json_value=json.dumps({"vote": ballot})))
        async with asyncio.timeout(SOON_S):
            page = await voter.settle()
        await stays_open(attacked, voter, page, ballot["battle"])
        assert len(attacked.incidents()) <= 1


# --- cookies


@pytest.mark.parametrize("cookie", ["x" * 43, "x", "a" * 32 + "0" * 32, "=;=", "é" * 40, "x" * 4000])
@over_the_wire
async def test_a_cookie_that_was_made_up_belongs_to_no_voter(attacked: Attacked, cookie: str) -> None:
    before = attacked.count(VoterRow), attacked.count(BattleRow)
    async with Voter(attacked.url) as honest:
        left = (await honest.join()).pair["left"]
    given = await ask(attacked.url, "/", headers={"Cookie": f"{COOKIE}={cookie}"})
    assert any(value.startswith(f"{COOKIE}=") for value in given.headers.get_all("set-cookie") or [])  # a proper one instead
    if cookie.isascii():
        async with Voter(attacked.url, cookie=cookie) as voter:
            assert voter.page.data is None
            assert "I agree, begin" not in voter.page.widgets
            attacked.reveals_nothing(voter.page)
    assert (await ask(attacked.url, left, headers={"Cookie": f"{COOKIE}={cookie}"})).status == 404
    assert (attacked.count(VoterRow), attacked.count(BattleRow)) == (before[0] + 1, before[1] + 1)
    assert attacked.incidents().count("clip address") == 1


@over_the_wire
async def test_another_voters_cookie_cannot_be_derived_from_ones_own(attacked: Attacked) -> None:
    mine, other = await cookie_of(attacked.url), await cookie_of(attacked.url)
    for forged in (mine[:-1] + ("0" if mine[-1] != "0" else "1"), other[:32] + mine[32:], mine.upper(), mine[1:], mine + "0"):
        async with Voter(attacked.url, cookie=forged) as voter:
            assert voter.page.data is None
            assert "I agree, begin" not in voter.page.widgets


@over_the_wire
async def test_new_cookies_are_limited_and_many_refusals_fill_no_disk(tmp_path: Path) -> None:
    store = study(tmp_path / "home", n_prompts=1, limits={"newcomers_an_hour": 3, "refusals_an_hour": 5})
    with served(tmp_path / "home") as running:
        crowded = Attacked(running, store)
        cookies = [await cookie_of(running.url) for _ in range(6)]
        assert [bool(cookie) for cookie in cookies] == [True] * 3 + [False] * 3
        assert len(set(cookies[:3])) == 3
        assert crowded.incidents() == ["too many newcomers"] * 3
        async with Voter(running.url, cookie="nobody's") as turned_away:
            assert turned_away.page.data is None
        async with Voter(running.url, cookie=cookies[0]) as known:
            assert (await known.join()).pair
            for _ in range(30):
                assert (await known.http("/clip/x")).status == 404
            assert crowded.incidents() == ["clip address"] * 5 + ["flood"]
            await known.fetch()
            await asyncio.sleep(DWELL_S)
            assert (await known.vote()).pair["voted"] is None  # stopped for an hour


# --- remarks


@over_the_wire
async def test_a_remark_is_kept_as_text_shown_to_nobody_and_not_exported(attacked: Attacked, tmp_path: Path) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        await voter.join()
        await voter.fetch()
        await asyncio.sleep(DWELL_S)
        ballot = voter.ballot(comment=REMARK)
        await voter.trigger("vote", ballot)
        await voter.settle()
        await voter.act("next")
        async with Voter(attacked.url, cookie=voter.cookie, keep=True) as again:
            received = b"".join(voter.frames + again.frames)
    assert b"onerror" not in received
    assert b"DROP TABLE" not in received
    with attacked.store.session() as session:
        assert list(session.scalars(select(VoteRow.comment).where(VoteRow.battle_id == ballot["battle"]))) == [REMARK]
    for file in export_study(attacked.store, STUDY, tmp_path / "out"):
        written = file.read_text()
        assert "onerror" not in written
        assert "DROP TABLE" not in written


@over_the_wire
async def test_a_long_remark_is_cut(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        await voter.fetch()
        await asyncio.sleep(DWELL_S)
        page = await voter.vote(comment="\U0001f600" * 30_000)
        with attacked.store.session() as session:
            assert list(session.scalars(select(VoteRow.comment).where(VoteRow.battle_id == page.pair["battle"]))) == ["\U0001f600" * 500]


# --- the websocket


@over_the_wire
async def test_no_message_of_a_visit_names_a_model_a_file_or_a_path(attacked: Attacked) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        await voter.join()
        await voter.vote("A")
        await voted(voter)
        await voter.act("reveal")
        await voter.act("next")
        for answer in await voter.fetch():
            attacked.reveals_nothing(answer)
        attacked.reveals_nothing(b"".join(voter.frames))


@over_the_wire
async def test_a_huge_message_ends_only_the_connection(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        await voter.fetch()
        await asyncio.sleep(DWELL_S)
        ballot = voter.ballot(comment="x" * 2_000_000)  # an honest one has less than 10,000
        await voter.trigger("vote", ballot)
        with pytest.raises(ConnectionClosed):
            await voter.settle()
        assert attacked.votes(ballot["battle"]) == []
        await stays_open(attacked, voter, await voter.arrive(), ballot["battle"])


OTHER_MESSAGES = [
    BackMsg(clear_cache=True),
    BackMsg(set_run_on_save=True),
    BackMsg(load_git_info=True),
    BackMsg(debug_shutdown_runtime=True),
    BackMsg(debug_disconnect_websocket=True),
    BackMsg(backend_operation_request={"request_id": "1", "install_skills": {}}),
]


@pytest.mark.parametrize("message", OTHER_MESSAGES, ids=lambda message: message.WhichOneof("type"))
@over_the_wire
async def test_streamlit_s_own_messages_are_not_for_visitors(attacked: Attacked, message: BackMsg) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        battle = (await voter.join()).pair["battle"]
        await voter.say_raw(message.SerializeToString())
        await voter.say()
        await stays_open(attacked, voter, await voter.settle(), battle)
        assert attacked.incidents() == ["message"]
    await attacked.lives()


@over_the_wire
async def test_no_file_can_be_left_on_the_server(attacked: Attacked) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        await voter.join()
        n_before = len(voter.frames)
        asked = BackMsg()
        asked.file_urls_request.request_id = "1"
        asked.file_urls_request.file_names.append("x.bin")
        asked.file_urls_request.session_id = voter.session
        await voter.say_raw(asked.SerializeToString())
        await voter.say()
        await voter.settle()
        assert not any(b"upload_file" in frame for frame in voter.frames[n_before:])
        token = "2|00000000|00000000000000000000000000000000|1700000000"  # of XSRF, in the cookie and the header: anybody can make one
        body = b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n' + b"x" * 100 + b"\r\n--b--\r\n"
        headers = {
            "Cookie": f"{COOKIE}={voter.cookie}; _streamlit_xsrf={token}",
            "X-Xsrftoken": token,
            "Content-Type": "multipart/form-data; boundary=b",
        }
        left = await ask(attacked.url, f"/_stcore/upload_file/{voter.session}/1", method="PUT", headers=headers, body=body)
        assert left.status in (403, 404, 405)
        attacked.reveals_nothing(left)


@pytest.mark.parametrize("raw", [b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n", "text"], ids=["noise", "HTTP", "text"])
@over_the_wire
async def test_bytes_that_are_not_a_message_end_only_the_connection(attacked: Attacked, raw: Any) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        battle = (await voter.join()).pair["battle"]
        n_before = len(voter.frames)
        await voter.say_raw(raw)
        with pytest.raises(ConnectionClosed) as closed:
            await voter.settle()
        attacked.reveals_nothing(b"".join(voter.frames[n_before:]) + str(closed.value).encode())
        assert (await voter.arrive()).pair["battle"] == battle


@over_the_wire
async def test_a_page_of_another_site_gets_no_websocket(attacked: Attacked) -> None:
    cookie = await cookie_of(attacked.url)
    address = attacked.url.replace("http", "ws", 1) + "/_stcore/stream"
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(address, origin="http://elsewhere.example", additional_headers={"Cookie": f"{COOKIE}={cookie}"}):  # type: ignore[arg-type]
            pass


# --- HTTP

PATHS = [
    "/clip/..",
    "/clip/../page.py",
    "/clip/..%2f..%2fseedbench.db",
    "/clip/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/clip/%252e%252e%252fpage.py",
    "/clip/..%5c..%5cseedbench.db",
    "/clip/%00",
    "/clip/%2fetc%2fpasswd",
    "/clip//etc/passwd",
    "/clip/C:%5cwindows",
    "/clip/%ff%fe",
    "/clip/%e2%80%ae",
    "/clip/é",
    "/clip/" + "a" * 60_000,
    "/clip/",
    "/clip",
    "/CLIP/x",
    "//clip/x",
    "/clip/x;y",
    "/clip/x%0d%0aset-cookie:a=b",
]


async def is_no_file(attacked: Attacked, answer: Answer) -> None:
    """An error, or the page that every unknown address of a Streamlit app gives."""
    attacked.reveals_nothing(answer)
    assert answer.status < 500
    assert b"ftyp" not in answer.body[:64]
    assert b"SQLite format" not in answer.body[:64]
    assert not any(value.startswith("a=b") for value in answer.headers.get_all("set-cookie") or [])
    if answer.status == 200:
        assert answer.body == (await ask(attacked.url, "/")).body


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:30])
@over_the_wire
async def test_no_trick_with_a_clip_s_address_gives_a_file(attacked: Attacked, path: str) -> None:
    async with Voter(attacked.url) as voter:
        answer = await voter.http(path)
        await is_no_file(attacked, answer)
        if path.startswith("/clip/") and answer.status in (400, 404) and path.isascii():
            assert attacked.incidents() == ["clip address"]


@over_the_wire
async def test_a_clip_s_address_is_taken_as_it_is_and_no_other_way(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        left = (await voter.join()).pair["left"]
        for path in (
            f"{left}/",
            f"{left}%00",
            f"{left}%20",
            f"{left}.mp4",
            left.replace("/clip", "/Clip"),
            left.lower(),
            f"/clip/.{left[5:]}",
        ):
            answer = await voter.http(path)
            await is_no_file(attacked, answer)
        assert (await ask(attacked.url, left)).status == 404  # without the cookie


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
@over_the_wire
async def test_clips_are_read_and_nothing_else(attacked: Attacked, method: str) -> None:
    async with Voter(attacked.url) as voter:
        left = (await voter.join()).pair["left"]
        for path in (left, "/", "/health"):
            answer = await voter.http(path, method=method, body=b"x=1" if method in ("POST", "PUT", "PATCH") else b"")
            assert answer.status == 405
            attacked.reveals_nothing(answer)
        assert attacked.incidents() == ["clip request"]


RANGES = [
    ("bytes=0-", 206, None),
    ("bytes=0-0", 206, 1),
    ("bytes=-10", 206, 10),
    ("bytes=0-99999999999", 206, None),
    ("bytes=-99999999999", 206, None),
    ("bytes=0-9,20-29", 416, 0),
    ("bytes=" + ",".join(f"{index}-" for index in range(2000)), 416, 0),
    ("bytes=99999999-", 416, 0),
    ("bytes=-0", 416, 0),
]
BROKEN_RANGES = [
    "bytes=5-2",
    "bytes=--5",
    "bytes=-5-2",
    "bytes=abc",
    "bytes=",
    "bytes",
    "bytes=1e3-",
    "items=0-1",
    "bytes=" + "9" * 5000 + "-",
]


@over_the_wire
async def test_ranges_give_what_they_name_and_no_more(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        left = (await voter.join()).pair["left"]
        size = len((await voter.http(left)).body)
        attacked.incidents()
        for asked, status, length in RANGES:
            answer = await voter.http(left, headers={"Range": asked})
            assert (answer.status, len(answer.body)) == (status, size if length is None else length), asked[:40]
            attacked.reveals_nothing(answer)
        for guess in ('"abc"', "Wed, 21 Oct 2015 07:28:00 GMT", "*", "é"):  # nothing tells versions of a clip apart
            answer = await voter.http(left, headers={"Range": "bytes=0-9", "If-Range": guess})
            assert (answer.status, len(answer.body)) == (206, 10), guess
        for asked in BROKEN_RANGES:
            answer = await voter.http(left, headers={"Range": asked})
            assert answer.status in (400, 416), asked[:40]
            assert len(answer.body) < 100
            attacked.reveals_nothing(answer)
        assert len(attacked.incidents()) == sum(status == 416 for _, status, _ in RANGES) + len(BROKEN_RANGES)


@over_the_wire
async def test_a_clip_s_answer_has_nothing_that_identifies_the_clip_later(attacked: Attacked) -> None:
    async with Voter(attacked.url) as voter:
        await voter.join()
        for answer in await voter.fetch():
            names = {name.lower() for name in answer.headers}
            assert names.isdisjoint({"etag", "last-modified", "content-disposition", "content-location", "set-cookie"})
            assert answer.headers["cache-control"] == "private, no-store"


STREAMLIT_S = [
    "/_stcore/health",
    "/_stcore/script-health-check",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/allowed-message-origins",
    "/_stcore/upload_file/x/y",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/bidi-components/seedbench_player/player.js",
    "/_stcore/bidi-components/seedbench_player/../server.py",
    "/_stcore/bidi-components/seedbench_player/..%2fserver.py",
    "/component/seedbench_player/index.html",
    "/component/arena.views.vote.seedbench_player/index.html",
    "/component/../../page.py",
    "/media/x.mp4",
    "/media/..%2f..%2fpage.py",
    "/media/../page.py",
    "/app/static/page.py",
    "/app/static/..%2fpage.py",
    "/app/static/rules.yaml",
    "/static/..%2f..%2f..%2fpage.py",
    "/static/../page.py",
    "/page.py",
    "/seedbench.db",
    "/serve.log",
    "/.streamlit/secrets.toml",
    "/.git/config",
    "/auth/login",
    "/oauth2callback",
    "/docs",
    "/openapi.json",
]


@pytest.mark.parametrize("path", STREAMLIT_S)
@over_the_wire
async def test_streamlit_s_own_addresses_reveal_nothing(attacked: Attacked, path: str) -> None:
    async with Voter(attacked.url, keep=True) as voter:
        await voter.join()
        await voter.fetch()
        battle = voter.page.pair["battle"]
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = await voter.http(path, method=method, body=b"{}" if method in ("POST", "PUT") else b"")
            attacked.reveals_nothing(answer)
            assert answer.status < 500
            assert battle.encode() not in answer.whole
            assert b"import " not in answer.body[:2000] or b"<!doctype html>" in answer.body.lower()
    await attacked.lives()
