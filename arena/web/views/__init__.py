"""The pages: voting, boards, judged pairs, and the owner's page.

The folder is not called ``pages``: Streamlit runs the files of a folder of that name as scripts.
"""

from __future__ import annotations

import streamlit as st

from seedbench.arena.web.server import service
from seedbench.arena.web.views import boards, explore, study, vote


def show() -> None:
    """Show the page that was asked for."""
    st.set_page_config(page_title=service().settings.title, layout="wide")
    pages = [
        st.Page(vote.show, title="Vote", icon=":material/how_to_vote:", url_path="vote", default=True),
        st.Page(boards.show, title="Boards", icon=":material/leaderboard:", url_path="boards"),
        st.Page(explore.show, title="Explore", icon=":material/visibility:", url_path="explore"),
        st.Page(study.show, title="Study", icon=":material/lock:", url_path="study"),
    ]
    st.navigation(pages, position="top").run()
