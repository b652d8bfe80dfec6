"""Filters of the websocket: only messages that a page of the arena sends come in, and nothing about the machine goes out."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

#: Running the page, stopping a run, and heartbeats. Other messages clear everybody's caches, upload files, or ask about the source.
_PAGE_MESSAGES = ("rerun_script", "stop_script", "app_heartbeat")
#: The requests that a page makes: a file that it offers, and rows of a table that is scrolled. Other requests change the server.
_PAGE_REQUESTS = frozenset(("request_id", "session_id", "deferred_file", "dataframe_chunk"))


def is_page_message(raw: bytes) -> bool:
    """Whether a visitor's message is one that a page of the arena sends. At bytes that are no message Streamlit closes the connection."""
    try:
        message = BackMsg.FromString(raw)
    except DecodeError:
        return True
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return {field.name for field, _ in message.backend_operation_request.ListFields()} <= _PAGE_REQUESTS
    return kind in (*_PAGE_MESSAGES, None)


def without_machine_details(raw: bytes, script: str) -> bytes:
    """A server's message without the path of its ``script``, and without the versions of Python, system and installation."""
    if script.encode() not in raw:
        return raw
    message = ForwardMsg.FromString(raw)
    if message.WhichOneof("type") != "new_session":
        return raw
    session = message.new_session
    session.main_script_path = script.rpartition("/")[2]
    for part, names in (
        (session.initialize.environment_info, ("python_version", "server_os")),
        (session.initialize.user_info, ("installation_id", "installation_id_v3", "installation_id_v4")),
    ):
        for name in names:
            part.ClearField(name)
    return message.SerializeToString()
