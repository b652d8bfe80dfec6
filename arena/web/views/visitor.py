"""Who the visitor is: a voter, by cookie, or an owner, by login."""

from __future__ import annotations

import streamlit as st

from seedbench.arena.web.login import is_owner
from seedbench.arena.web.server import login, service


def voter() -> str | None:
    """The voter's id; None, and a message that says what to do, for a visitor without a cookie of this study."""
    voter_id = service().voters.id_of(st.context.cookies.get(service().voters.cookie_name, ""))
    if voter_id is None:
        st.warning(
            "The arena needs a cookie to distinguish voters. Please allow cookies for this site and load the page again. If that does not "
            "help, many people have come from your network within the hour: please try again later."
        )
    return voter_id


def owner() -> bool:
    """Whether the visitor has logged in as an owner of the study."""
    return is_owner(st.user, login())


def login_button(key: str) -> None:
    """A button to log in or out; nothing where the arena is served without a login."""
    if login() is None:
        return
    if getattr(st.user, "is_logged_in", False):
        st.button("Log out", on_click=st.logout, key=f"{key}-out")
    else:
        st.button("Log in as the owner", on_click=st.login, key=f"{key}-in")
