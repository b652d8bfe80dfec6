"""The page for voters: agreeing to take part, and voting on one pair after another.

The page keeps almost no state: the voting service knows which pair is open. The browser gets two clip URLs, the prompt's text and the
questions; what it sends back is checked by the voting service.
"""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import streamlit as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from seedbench.arena.settings import OVERALL_QUESTION, QUESTIONS
from seedbench.arena.voting.refusals import RefusedError
from seedbench.arena.voting.service import Receipt, ShownPair, VotingService
from seedbench.arena.web.server import service
from seedbench.arena.web.views import visitor

_FOLDER = Path(__file__).parent.parent / "player"
_player = st.components.v2.component(
    "seedbench_player",
    html=(_FOLDER / "player.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "player.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "player.js").read_text(encoding="utf-8"),
)
_tones = st.components.v2.component(
    "seedbench_tones",
    html='<button type="button" class="tones">Play the tones</button>',
    css=".tones { font: inherit; padding: 0.5rem 1rem; cursor: pointer; }",
    js=(_FOLDER / "tones.js").read_text(encoding="utf-8"),
)
WELCOME = """
You will see two short clips made from the same text by two different systems, side by side and without names. Play both, then say which is
better. Most people need half a minute for a pair.

**What is kept:** your choices, how long you took, how much of each clip you played, and whether you passed the sound check below. A random
cookie distinguishes your votes from those of others. No name, no address of your computer, no account. You may stop at any time.
"""
N_TONES = (2, 3, 4)


def show() -> None:
    """The page: first consent, then pairs."""
    voting = service()
    voter = visitor.voter()
    if voter is None:
        return
    state = st.session_state
    if not state.get("consented") and not voting.voters.has_consented(voter):
        _welcome(voting, voter)
        return
    if "passed" not in state:
        state["passed"] = voting.voters.sound_check(voter)
    state["consented"] = True
    if state["passed"] is False:
        if state.get("checking"):
            _check_again(voting, voter)
            return
        st.warning("You did not pass the sound check. You may go on, but your votes on clips with sound may not count.")
        st.button("Make the sound check again", on_click=lambda: state.update(checking=True), key="again")
    _vote(voting, voter)


def _welcome(voting: VotingService, voter: str) -> None:
    st.title(voting.settings.title)
    st.markdown(WELCOME)
    heard = _tones_heard()
    if st.button("I agree, begin", type="primary", disabled=heard is None, key="begin"):
        _record_sound_check(voting, voter, heard)


def _check_again(voting: VotingService, voter: str) -> None:
    st.title(voting.settings.title)
    heard = _tones_heard()
    if st.button("Go on", type="primary", disabled=heard is None, key="go-on"):
        _record_sound_check(voting, voter, heard)


def _tones_heard() -> str | None:
    """Show the sound check; gives the visitor's answer, None before there is one."""
    st.subheader("Sound check")
    st.write("Put on headphones or turn your loudspeakers on, play the tones, and say how many you heard.")
    _tones(data={"count": _n_tones()}, key="tones")
    return st.radio("How many tones did you hear?", ["1", "2", "3", "4", "None: I cannot hear sound here"], index=None, horizontal=True)


def _n_tones() -> int:
    """The number of tones: drawn at random for each attempt, never the number of the last attempt."""
    state = st.session_state
    if "tones_now" not in state:
        state["tones_now"] = secrets.choice([n for n in N_TONES if n != state.get("tones_before")])
    return int(state["tones_now"])


def _record_sound_check(voting: VotingService, voter: str, heard: str | None) -> None:
    passed = heard == str(_n_tones())
    voting.voters.record_consent(voter, sound_check=passed)
    state = st.session_state
    state.update(consented=True, passed=passed, checking=False, tones_before=state.pop("tones_now"))
    st.rerun()


def _vote(voting: VotingService, voter: str) -> None:
    receipt: Receipt | None = st.session_state.get("receipt")
    shown: ShownPair | None = st.session_state.get("shown") if receipt is not None else None
    if receipt is None:
        try:
            shown = voting.open_pair(voter)
        except RefusedError as error:
            st.info(str(error))
            return
        st.session_state["shown"] = shown
    if shown is None:
        st.success("You have seen every pair there is. Thank you!")
        return
    n_voted = shown.n_voted + (receipt is not None)
    if n_voted and n_voted % voting.settings.limits.sitting == 0 and receipt is not None:
        st.info(f"{n_voted} pairs: a good moment for a break. The next pair will wait for you.")
    data: dict[str, Any] = {
        "battle": shown.battle,
        "left": f"/clip/{shown.left}",
        "right": f"/clip/{shown.right}",
        "text": shown.text,
        "sound": shown.with_sound,
        "captions": [list(line) for line in shown.captions],
        "overall": OVERALL_QUESTION,
        "questions": [[name, QUESTIONS[name]] for name in voting.settings.questions if shown.with_sound or name != "sound"],
        "heard": voting.settings.limits.heard,
        "reveal": voting.settings.reveal,
        "voted": None if receipt is None else receipt.choice,
        "makers": st.session_state.get("makers"),
        "message": st.session_state.pop("message", ""),
        "n_voted": n_voted,
    }
    changes: dict[str, Any] = {f"on_{action}_change": partial(_act, voting, voter, action) for action in ("vote", "undo", "next", "reveal")}
    _player(data=data, key="player", **changes)


def _act(voting: VotingService, voter: str, action: str) -> None:
    """Carry out what the visitor did. Streamlit calls this once for each change, before it runs the page that shows the result.

    It is also called once for a component's state, which a visitor might send instead of a trigger; if the state were read where the player
    is mounted, it would be carried out at every run of the page.
    """
    state = st.session_state
    value, shown = state["player"].get(action), state.get("shown")
    receipt: Receipt | None = state.get("receipt")
    if value is None or shown is None:
        return
    try:
        if action == "vote":
            ballot = _vote_of(value)
            if receipt is None or (receipt.battle, receipt.choice) != (ballot["battle"], ballot["choice"]):  # a second click is ignored
                state["receipt"] = voting.vote(voter, **ballot)
        elif receipt is None:
            return
        elif action == "undo":
            state["shown"] = voting.undo(voter, shown.battle)
            state["receipt"] = state["makers"] = None
            state["message"] = "Your vote was taken back."
        elif action == "next":
            state["receipt"] = state["makers"] = None
        else:
            state["makers"] = list(voting.reveal(voter, shown.battle))
    except RefusedError as error:
        state["message"] = str(error)
    except ValidationError as error:
        voting.incidents.add(voter, "not understood", ", ".join(str(problem["loc"]) for problem in error.errors()))
        state["message"] = "the page sent something that the arena does not understand: please load it again"


def _utf8(text: str) -> str:
    text.encode()  # JSON may hold half a surrogate pair, which a database refuses
    return text


_Text = Annotated[str, AfterValidator(_utf8)]


class _Ballot(BaseModel):
    """A vote as the player sends it."""

    model_config = ConfigDict(strict=True)

    battle: _Text
    choice: _Text
    heard: Annotated[list[float], Field(min_length=2, max_length=2)]
    answers: dict[_Text, _Text] = {}
    comment: _Text = ""
    captions: bool = False


def _vote_of(value: Any) -> dict[str, Any]:
    """A vote that the player sent, as arguments of :meth:`seedbench.arena.voting.service.VotingService.vote`.

    Raises ValidationError for anything that no player sends."""
    ballot = _Ballot.model_validate(value)
    return {**ballot.model_dump(), "heard": (ballot.heard[0], ballot.heard[1])}
