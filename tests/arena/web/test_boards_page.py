"""The page of boards says what a board says."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def page(choice: str) -> None:
    from datetime import UTC, datetime

    from seedbench.arena.boards.build import boards
    from seedbench.arena.votes.log import Vote
    from seedbench.arena.votes.rules import Rules
    from seedbench.arena.web.views import boards as view

    fields = {"at": datetime(2026, 1, 1, tzinfo=UTC), "left": "alpha", "right": "beta", "choice": choice}
    votes = [Vote.model_validate({**fields, "id": f"{n}", "battle": f"{n}", "voter": f"w{n}", "prompt": f"p{n}"}) for n in range(9)]
    view._show(boards(votes, Rules(name="test"))[0])


def test_where_every_vote_is_a_tie_the_page_shows_that_nobody_leads() -> None:
    tied = AppTest.from_function(page, kwargs={"choice": "tie"}, default_timeout=60).run()
    assert not tied.exception
    assert [info.value for info in tied.info] == ["Nobody leads: every vote is a tie."]
    led = AppTest.from_function(page, kwargs={"choice": "left"}, default_timeout=60).run()
    assert not led.exception
    assert not led.info
