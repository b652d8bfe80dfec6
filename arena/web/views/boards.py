"""The page of boards."""

from __future__ import annotations

from typing import Any

import streamlit as st

from seedbench.arena.boards.board import Board
from seedbench.arena.boards.build import boards as make_boards
from seedbench.arena.boards.rendering import COLUMNS, nobody_leads, remarks, rows
from seedbench.arena.study.export import votes_of
from seedbench.arena.web.server import service
from seedbench.arena.web.views import visitor

_ROW_PX = 46


@st.cache_data(ttl=30, show_spinner=False)
def _boards(study: str, every: int) -> list[Board]:
    voting = service()
    return make_boards(votes_of(voting.store, study, every=every), voting.rules)


def show() -> None:
    """One board at a time, overall boards first: for each profile, with and without sound, by task, category and question.

    For visitors boards are updated after many votes, for an owner after every vote.
    """
    voting = service()
    st.title("Boards")
    every = 1 if visitor.owner() else voting.settings.boards_every
    if not every:
        st.info("Boards of this study are for its owner, who sees them after logging in.")
        visitor.login_button("boards")
        return
    all_boards = _boards(voting.name, every)
    if every > 1:
        st.caption(f"Updated after every {every} votes, so that a board does not show what a single vote was.")
    if not any(board.standings for board in all_boards):
        st.info(f"No vote counts yet. Boards appear with the first {every} votes." if every > 1 else "No vote counts yet.")
        return
    titles = {board.about.title[:1].upper() + board.about.title[1:]: board for board in all_boards}
    chosen = st.selectbox("Board", list(titles), key="board")
    if chosen is not None:
        _show(titles[chosen])


def _show(board: Board) -> None:
    import pandas as pd

    if board.n_simulated:
        st.warning(f"{board.n_simulated} of {board.n_votes} votes are those of simulated voters: this says nothing about the models.")
    if board.equal_first:
        st.info("N" + nobody_leads(board).removeprefix("n") + ".")
    if board.standings:
        st.altair_chart(chart(board), width="stretch")
        st.dataframe(pd.DataFrame(rows(board), columns=list(COLUMNS)), hide_index=True, width="stretch")
    else:
        st.info("No vote counts here yet.")
    with st.expander("What this is based on"):
        for line in remarks(board):
            st.markdown(f"- {line}")


def chart(board: Board) -> Any:
    """A chart of ratings with their intervals, the best on top; a rating without an interval is a hollow point."""
    import altair
    import pandas as pd

    standings = board.standings
    data = pd.DataFrame(
        {
            "model": [row.model for row in standings],
            "rating": [row.rating.value for row in standings],
            "low": [row.rating.low for row in standings],
            "high": [row.rating.high for row in standings],
            "sure": ["95% interval" if row.rating.low is not None else "no interval" for row in standings],
        }
    )
    base = altair.Chart(data).encode(y=altair.Y("model:N", sort=list(data["model"]), title=None, axis=altair.Axis(labelLimit=260)))
    title = "rating (Elo scale about 1000)"
    scale = altair.Scale(zero=False, nice=True)
    bars = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x=altair.X("low:Q", scale=scale, title=title), x2="high:Q")
    points = base.mark_point(size=90, strokeWidth=2).encode(
        x=altair.X("rating:Q", scale=scale, title=title),
        fill=altair.condition("datum.low != null", altair.value("#1f4e79"), altair.value("white")),
        tooltip=[altair.Tooltip("model:N"), *(altair.Tooltip(f"{name}:Q", format=".0f") for name in ("rating", "low", "high")), "sure:N"],
    )
    return altair.layer(bars, points).properties(height=_ROW_PX * (len(standings) + 1))
