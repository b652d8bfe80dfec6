"""The boards, as far as the votes hold."""

from __future__ import annotations

import streamlit as st

from arena.board import Board
from arena.board import boards as made_of
from arena.export import votes_of
from arena.server import desk
from arena.showing import COLUMNS, remarks, rows


@st.cache_data(ttl=30, show_spinner=False)
def _boards(study: str) -> list[Board]:
    here = desk()
    return made_of(votes_of(here.store, study), here.rules)


def show() -> None:
    """A board for each profile, with and without sound; by task, category and question below."""
    import pandas as pd

    here = desk()
    st.title("Boards")
    found = _boards(here.study)
    if not any(board.standings for board in found):
        st.info("No vote counts yet. Boards appear with the first votes.")
        return
    for board in found:
        st.subheader(board.about.title[:1].upper() + board.about.title[1:])
        if board.standings:
            st.dataframe(pd.DataFrame(rows(board), columns=list(COLUMNS)), hide_index=True, width="stretch")
        with st.expander("What this rests on"):
            for line in remarks(board):
                st.markdown(f"- {line}")
