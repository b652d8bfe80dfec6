"""The boards, as far as the votes hold."""

from __future__ import annotations

from typing import Any

import streamlit as st

from seedbench.arena.boards.board import Board
from seedbench.arena.boards.build import boards as made_of
from seedbench.arena.boards.rendering import COLUMNS, remarks, rows
from seedbench.arena.study.export import votes_of
from seedbench.arena.web.server import service
from seedbench.arena.web.views import visitor

_ROW_PX = 46


@st.cache_data(ttl=30, show_spinner=False)
def _boards(study: str, every: int) -> list[Board]:
    here = service()
    return made_of(votes_of(here.store, study, every=every), here.rules)


def show() -> None:
    """One board at a time, the whole first: for each profile, with and without sound, by task, category and question.

    Visitors see them change by many votes at a time, an owner by every one.
    """
    here = service()
    st.title("Boards")
    every = 1 if visitor.owner() else here.settings.boards_every
    if not every:
        st.info("Boards of this study are for its owner, who sees them after logging in.")
        visitor.login_button("boards")
        return
    found = _boards(here.name, every)
    if every > 1:
        st.caption(f"Made anew with every {every} votes, so that no vote can be told from a board.")
    if not any(board.standings for board in found):
        st.info(f"No vote counts yet. Boards appear with the first {every} votes." if every > 1 else "No vote counts yet.")
        return
    titles = {board.about.title[:1].upper() + board.about.title[1:]: board for board in found}
    chosen = st.selectbox("Board", list(titles), key="board")
    if chosen is not None:
        _show(titles[chosen])


def _show(board: Board) -> None:
    import pandas as pd

    if board.n_simulated:
        st.warning(f"{board.n_simulated} of {board.n_votes} votes are those of simulated voters: this says nothing of the models.")
    if board.standings:
        st.altair_chart(chart(board), width="stretch")
        st.dataframe(pd.DataFrame(rows(board), columns=list(COLUMNS)), hide_index=True, width="stretch")
    else:
        st.info("No vote counts here yet.")
    with st.expander("What this rests on"):
        for line in remarks(board):
            st.markdown(f"- {line}")


def chart(board: Board) -> Any:
    """Ratings with their intervals, the best above; a rating without an interval is a hollow point."""
    import altair
    import pandas as pd

    standings = board.standings
    data = pd.DataFrame(
        {
            "model": [one.model for one in standings],
            "rating": [one.rating.value for one in standings],
            "low": [one.rating.low for one in standings],
            "high": [one.rating.high for one in standings],
            "sure": ["95% interval" if one.rating.low is not None else "no interval" for one in standings],
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
