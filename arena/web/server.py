"""The arena as a server: Streamlit's pages, and beside them routes of our own for clips and health.

Streamlit would serve a clip under a name made of its bytes, the same for every voter and for ever; here a clip has an address for one
voter, one pair and one side, which dies. Voters are told apart by a cookie that no script can read; it is no login and holds no name.
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
from seedbench.arena.web.message_filter import is_a_page_s, without_the_machine
from seedbench.errors import SeedBenchError

_COOKIE_DAYS = 180
_SWEEP_S = 60.0
_ARENA_MAX = -8  # of glibc's mallopt
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
#: What Streamlit is told. The garbage collection after every run of the page would cost most of the time a vote takes.
CONFIG: dict[str, Any] = {
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.enableStaticServing": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "client.allowedOrigins": [],
    "server.maxUploadSize": 1,  # nothing is uploaded, and Guard lets nothing through; MB
    "server.maxWidgetStateSize": 1,  # of one message and of a page; an honest one has some kB
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
}

#: What is noted of a refused request for a clip, by the status of its answer. A wrong address (404) is noted by the service.
_REFUSED = {400: "clip address", 405: "clip request", 416: "clip request"}

_service: VotingService | None = None
_login: Login | None = None


def service() -> VotingService:
    """The service of the arena that this process serves. Raises StudyError outside of one."""
    if _service is None:
        raise StudyError("no arena is served here: start one with `seedbench arena serve`")
    return _service


def login() -> Login | None:
    """How owners log in; None where the arena is served without a login."""
    return _login


class ClipResponse(FileResponse):
    """A clip with nothing that could be recognised: no name, no date, no tag; never kept. It is fetched once bytes of it were sent."""

    def __init__(self, file: Path, token: str, **options: Any) -> None:
        super().__init__(file, **options)
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and message.get("body") and sent:
                sent.clear()  # once: the service may be busy with a voter, for whom the loop must not wait
                await asyncio.to_thread(service().clip_urls.mark_fetched, self.token)
            elif message["type"] == "http.response.start" and message["status"] in (200, 206):
                sent.append(True)
            await send(message)

        sent: list[bool] = []
        await super().__call__(scope, receive, sending)

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        self.headers.setdefault("content-length", str(stat_result.st_size))


async def clip(request: Request) -> Response:
    """The clip behind an address, for the voter it was made for; 404 for everything else."""
    voter = _voter_of(request.scope)
    token = str(request.path_params["token"])
    file = await asyncio.to_thread(lambda: service().clip_urls.file_of(token, voter, fetched=False))
    if file is None:
        return Response(status_code=404, headers={"cache-control": "no-store"})
    if "," in request.headers.get("range", ""):
        return Response(status_code=416, headers={"cache-control": "no-store"})
    # Nothing tells one version of a clip from another, so that "if it is still the same" has no answer: the range is sent.
    request.scope["headers"] = [header for header in request.scope["headers"] if header[0] != b"if-range"]
    return ClipResponse(file, token, media_type="video/mp4", headers={"cache-control": "private, no-store"})


async def health(request: Request) -> Response:
    """Whether the arena answers and its database does."""
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
    """Gives every answer its headers, and a visitor of a page who has no cookie of this study one, unless too many came from there."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            _send_at_once(send)
            await self.app(scope, _of_a_page(scope, receive), _about_no_machine(send))
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
    """Small messages go out as they come. Streamlit binds its socket so that asyncio does not see to it, and two of them in a row would
    wait for each other for 40 ms."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _voter_of(scope: Scope) -> str | None:
    return service().voters.id_of(HTTPConnection(scope).cookies.get(service().voters.cookie_name, ""))


def _of_a_page(scope: Scope, receive: Receive) -> Receive:
    """Lets those messages in that a page sends, and notes the others."""

    async def receiving() -> Message:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive" or message.get("bytes") is None or is_a_page_s(message["bytes"]):
                return message
            await asyncio.to_thread(service().incidents.add, _voter_of(scope) or NO_VOTER, "message")

    return receiving


def _about_no_machine(send: Send) -> Send:
    """Leaves out what Streamlit tells every visitor about the machine."""

    async def sending(message: Message) -> None:
        if message["type"] == "websocket.send" and message.get("bytes") is not None:
            message = {**message, "bytes": without_the_machine(message["bytes"], str(PAGE))}
        await send(message)

    return sending


def _of_glibc(name: str) -> Any:
    """A function of the C library where it is glibc; None elsewhere."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def share_heaps() -> None:
    """Let all threads share two heaps. By default glibc gives each of them one, and each keeps what was freed in it in pieces."""
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_ARENA_MAX, 2)


def give_back() -> None:
    """Hand memory that is free back to the system, where the C library can."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


@asynccontextmanager
async def _upkeep(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """While the server runs: old addresses are forgotten, garbage is collected, memory given back, now and then, not at every vote."""

    async def sweep() -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            await asyncio.to_thread(service().forget_old)
            await asyncio.to_thread(gc.collect)
            await asyncio.to_thread(give_back)

    gc.collect()
    gc.freeze()  # what was imported stays, and need not be looked through again
    gc.set_threshold(_COLLECT_AFTER, 10, 1_000)  # the whole is left to the sweep: 200 ms with 200 voters, in which nobody is answered
    task = asyncio.create_task(sweep())
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
    say: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve an arena until Ctrl-C; ``say`` is told its address as soon as the port is known to be free. StudyError where it is taken:
    another one is never chosen instead."""
    global _service, _login
    import streamlit as st

    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise StudyError(f"port {port} of {address} cannot be used ({error.strerror}): name another --port") from error
    say(f"http://{f'[{address}]' if ':' in address else address}:{port}")
    _service, _login = served, login
    share_heaps()
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
