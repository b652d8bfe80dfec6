"""What passes over the websocket: of a visitor's messages those of a page of the arena, of the server's nothing about the machine."""

from __future__ import annotations

from google.protobuf.message import DecodeError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

#: Runs of the page, the end of one, and signs of life. The others clear everybody's caches, leave files, ask for the state of the source.
_A_PAGE_S = ("rerun_script", "stop_script", "app_heartbeat")
#: Of the requests beside runs: a file that the page offers, and rows of a table that is scrolled. The others change the server.
_ASKED = frozenset(("request_id", "session_id", "deferred_file", "dataframe_chunk"))


def is_a_page_s(raw: bytes) -> bool:
    """Whether a visitor's message is one that a page of the arena sends. What is no message at all is left to Streamlit, which hangs up."""
    try:
        message = BackMsg.FromString(raw)
    except DecodeError:
        return True
    kind = message.WhichOneof("type")
    if kind == "backend_operation_request":
        return {field.name for field, _ in message.backend_operation_request.ListFields()} <= _ASKED
    return kind in (*_A_PAGE_S, None)


def without_the_machine(raw: bytes, script: str) -> bytes:
    """A server's message without the path of its ``script``, Python, system and installation."""
    if script.encode() not in raw:
        return raw
    message = ForwardMsg.FromString(raw)
    if message.WhichOneof("type") != "new_session":
        return raw
    told = message.new_session
    told.main_script_path = script.rpartition("/")[2]
    for one, names in (
        (told.initialize.environment_info, ("python_version", "server_os")),
        (told.initialize.user_info, ("installation_id", "installation_id_v3", "installation_id_v4")),
    ):
        for name in names:
            one.ClearField(name)
    return message.SerializeToString()
