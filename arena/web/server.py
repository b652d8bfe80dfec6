"""The arena as a server: Streamlit's pages, and routes of our own for clips and health.

Streamlit would serve a clip under a name made of its bytes, the same for every voter and for ever; here a clip has a URL for one voter, one
pair and one side, which expires. A cookie that no script can read identifies a voter; it is not a login and holds no name.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seedbench.arena.settings import StudyError
from seedbench.arena.voting.refusals import NO_VOTER
from seedbench.arena.voting.service import VotingService
from seedbench.arena.web.login import Login
from seedbench.arena.web.message_filter import is_page_message, without_machine_details
from seedbench.errors import SeedBenchError

_COOKIE_DAYS = 180
_UPKEEP_S = 60.0
_MALLOPT_ARENA_MAX = -8  # of glibc
_COLLECT_AFTER = 5_000  # new objects
PAGE = Path(__file__).parent / "page.py"
PAGES = ("vote", "boards", "explore", "study")
_PATHS = frozenset(("/", *(f"/{page}" for page in PAGES)))
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' ws: wss:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'; object-src 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
#: Streamlit's settings. Its garbage collection after every run of the page would take most of the time of a vote.
CONFIG: dict[str, Any] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.enableStaticServing": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.allowedOrigins": [],
    "server.maxUploadSize": 1,  # MB; nothing is uploaded, and Guard refuses uploads
    "server.maxWidgetStateSize": 1,  # MB, of one message and of a page; that of a browser has some kB
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
}

#: The incident that a refused request for a clip is logged as, by the status of its answer. The voting service logs a wrong URL (404).
_REFUSED = {400: "clip address", 405: "clip request", 416: "clip request"}

_service: VotingService | None = None
_login: Login | None = None


def service() -> VotingService:
    """The voting service that this process serves. Raises StudyError where it serves none."""
    if _service is None:
        raise StudyError("this process serves no arena: start one with `seedbench arena serve`")
    return _service


def login() -> Login | None:
    """How owners log in; None where the arena is served without a login."""
    return _login


class ClipResponse(FileResponse):
    """A clip without a name, date or tag to recognise it by; browsers do not keep it. It counts as fetched once bytes were sent."""

    def __init__(self, file: Path, token: str, **options: Any) -> None:
        super().__init__(file, **options)
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and message.get("body") and sent:
                sent.clear()  # only once; in a thread, since the service may be busy and the event loop must not wait
                await asyncio.to_thread(service().clip_urls.mark_fetched, self.token)
            elif message["type"] == "http.response.start" and message["status"] in (200, 206):
                sent.append(True)
            await send(message)

        sent: list[bool] = []
        await super().__call__(scope, receive, sending)

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        self.headers.setdefault("content-length", str(stat_result.st_size))


async def clip(request: Request) -> Response:
    """The clip of a URL, for the voter whose URL it is; 404 for everything else."""
    voter = _voter_of(request.scope)
    token = str(request.path_params["token"])
    file = await asyncio.to_thread(lambda: service().clip_urls.file_of(token, voter, fetched=False))
    if file is None:
        return Response(status_code=404, headers={"cache-control": "no-store"})
    if "," in request.headers.get("range", ""):
        return Response(status_code=416, headers={"cache-control": "no-store"})
    # A clip has no version that If-Range could be compared with: the range is sent.
    request.scope["headers"] = [header for header in request.scope["headers"] if header[0] != b"if-range"]
    return ClipResponse(file, token, media_type="video/mp4", headers={"cache-control": "private, no-store"})


async def health(request: Request) -> Response:
    """Whether the arena and its database answer."""
    try:
        await asyncio.to_thread(_ask_database)
    except SeedBenchError as error:
        return JSONResponse({"status": "failing", "reason": type(error).__name__}, status_code=503)
    return JSONResponse({"status": "ok"})


def _ask_database() -> None:
    from sqlalchemy import text

    with service().store.session() as session:
        session.execute(text("select 1"))


class Guard:
    """Adds the headers to every answer, and a cookie of this study for a visitor of a page who has none, up to the hourly limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            _send_at_once(send)
            await self.app(scope, _page_messages(scope, receive), _without_machine_details(send))
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        cookie: str | None = None
        if request.method == "GET" and request.url.path in _PATHS and _voter_of(scope) is None:
            cookie = await asyncio.to_thread(service().voters.new_cookie, request.client.host if request.client is not None else "")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if cookie is not None:
                    secure = "; Secure" if request.url.scheme == "https" else ""
                    value = f"{service().voters.cookie_name}={cookie}; Path=/; HttpOnly; SameSite=Lax; Max-Age={86_400 * _COOKIE_DAYS}"
                    headers.append("set-cookie", value + secure)
                kind = _REFUSED.get(message["status"]) if scope["path"].startswith("/clip/") else None
                if kind is not None:
                    await asyncio.to_thread(service().incidents.add, _voter_of(scope) or NO_VOTER, kind)
            await send(message)

        app = self.app if request.method in ("GET", "HEAD") else Response("Method Not Allowed", status_code=405)
        await app(scope, receive, sending)


def _send_at_once(send: Send) -> None:
    """Send small messages at once (TCP_NODELAY). asyncio does not set this for the socket that Streamlit binds, and the second of two small
    messages would wait for 40 ms."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _voter_of(scope: Scope) -> str | None:
    return service().voters.id_of(HTTPConnection(scope).cookies.get(service().voters.cookie_name, ""))


def _page_messages(scope: Scope, receive: Receive) -> Receive:
    """Lets messages in that a page sends, and logs the others as incidents."""

    async def receiving() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or message.get("bytes") is None or is_page_message(message["bytes"]):
                return message
            await asyncio.to_thread(service().incidents.add, _voter_of(scope) or NO_VOTER, "message")

    return receiving


def _without_machine_details(send: Send) -> Send:
    """Removes what Streamlit sends to every visitor about the machine."""

    async def sending(message: Message) -> None:
        if message["type"] == "websocket.send" and message.get("bytes") is not None:
            message = {**message, "bytes": without_machine_details(message["bytes"], str(PAGE))}
        await send(message)

    return sending


def _glibc_function(name: str) -> Any:
    """A function of the C library where it is glibc; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def limit_heaps() -> None:
    """Let all threads share two heaps. By default glibc gives each of them one, and each keeps what was freed in it in pieces."""
    mallopt = _glibc_function("mallopt")
    if mallopt is not None:
        mallopt(_MALLOPT_ARENA_MAX, 2)


def release_memory() -> None:
    """Give free memory back to the operating system, where the C library can."""
    trim = _glibc_function("malloc_trim")
    if trim is not None:
        trim(0)


@asynccontextmanager
async def _upkeep(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """While the server runs: once a minute, and not at every vote, remove what has expired, collect garbage and give memory back."""

    async def upkeep() -> None:
        while True:
            await asyncio.sleep(_UPKEEP_S)
            await asyncio.to_thread(service().forget_old)
            await asyncio.to_thread(gc.collect)
            await asyncio.to_thread(release_memory)

    gc.collect()
    gc.freeze()  # imported objects stay, and need not be examined again
    gc.set_threshold(
        _COLLECT_AFTER, 10, 1_000
    )  # full collections are left to the upkeep: one takes 200 ms with 200 voters, in which nobody gets an answer
    task = asyncio.create_task(upkeep())
    try:
        yield {}
    finally:
        task.cancel()


def serve(
    served: VotingService,
    *,
    address: str,
    port: int,
    login: Login | None = None,
    config: Mapping[str, Any] | None = None,
    on_open: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve an arena until Ctrl-C.

    Args:
        served: The voting service.
        address: The address to listen on.
        port: The port; no other port is tried where it is in use.
        login: How owners log in; None for an arena without a login.
        config: Further settings of Streamlit.
        on_open: Called with the arena's URL when the port is known to be free.

    Raises:
        StudyError: The port cannot be used.
    """
    global _service, _login
    import streamlit as st

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise StudyError(f"port {port} of {address} cannot be used ({error.strerror}): name another --port") from error
    on_open(f"http://{f'[{address}]' if ':' in address else address}:{port}")
    _service, _login = served, login
    limit_heaps()
    secrets: dict[str, Any] = {"secrets.files": [] if login is None else [str(login.file)]}
    app = st.App(
        PAGE,
        routes=[Route("/clip/{token}", clip, methods=["GET", "HEAD"]), Route("/health", health)],
        middleware=[Middleware(Guard)],
        lifespan=_upkeep,
    )
    try:
        app.run(config={**CONFIG, **secrets, "server.address": address, "server.port": port, **(config or {})})
    except KeyboardInterrupt:
        return
