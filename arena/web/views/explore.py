"""Judged pairs to look at again: the clips with their makers, what people said, what the metrics say."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from seedbench.arena.study import judged_pairs as gallery
from seedbench.arena.study.judged_pairs import Backing, Counting, Judged
from seedbench.arena.web.server import service
from seedbench.arena.web.views import visitor

_FOLDER = Path(__file__).parent.parent / "player"
_look = st.components.v2.component(
    "seedbench_look",
    html=(_FOLDER / "look.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "look.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "look.js").read_text(encoding="utf-8"),
)
_SAID = {"first": "prefer the first", "tie": "a tie", "second": "prefer the second", "both_bad": "both bad"}


@st.cache_data(ttl=30, show_spinner=False)
def _counting(study: str) -> Counting:
    return gallery.counting(service().store, study)


@st.cache_data(ttl=30, show_spinner=False)
def _judged(study: str) -> list[Judged]:
    return gallery.judged(service().store, study, _counting(study))


@st.cache_data(ttl=60, show_spinner=False)
def _what_went(study: str) -> str:
    return gallery.what_went(gallery.deleted(service().store, _judged(study)))


@st.cache_data(ttl=60, show_spinner=False)
def _backing(study: str) -> list[Backing]:
    return gallery.backing(service().store, _judged(study))


def show() -> None:
    """All judged pairs for an owner; for a voter those they voted on, where the study tells who made them."""
    here = service()
    st.title("Explore")
    voter = visitor.voter()
    if voter is None:
        return
    owner = visitor.owner()
    if not owner and not here.settings.reveal:
        st.info("This study does not tell voters who made the clips. Its owner sees all pairs here after logging in.")
        visitor.login_button("explore")
        return
    # An owner's list may be half a minute old; a voter's must hold the pair just voted on.
    pairs = _judged(here.name) if owner else gallery.judged(here.store, here.name, _counting(here.name), voter=voter)
    if not pairs:
        st.info(
            "Nothing was voted on yet." if owner else "Pairs that you have voted on appear here, once you have gone on to the next one."
        )
        return
    chosen = _chosen(pairs)
    if chosen is not None:
        _pair(chosen, voter)
    if owner:
        _metrics_and_people(any(pair.n_simulated for pair in pairs))


def _chosen(pairs: list[Judged]) -> Judged | None:
    """What the visitor picks: a text first, then one of its pairs."""
    texts = list(dict.fromkeys(pair.text for pair in pairs))
    text = st.selectbox("What was asked", texts, key="explore-text")
    mine = [pair for pair in pairs if pair.text == text]
    names = [f"{one.models[0]} and {one.models[1]} (seed {one.seed}, {one.profile}, votes: {one.n_votes})" for one in mine]
    name = st.selectbox("Which pair", names, key="explore-pair")
    return mine[names.index(name)] if name in names else None


def _pair(pair: Judged, voter: str) -> None:
    import pandas as pd

    here = service()
    lent = st.session_state.setdefault("lent", {})
    if pair.pair not in lent or not all(here.clip_urls.is_live(one) for one in lent[pair.pair]):
        lent[pair.pair] = [here.clip_token(voter, file) for file in pair.files]
    clips = [[model, f"/clip/{address}"] for model, address in zip(pair.models, lent[pair.pair], strict=True)]
    _look(data={"clips": clips}, key="look")
    who = "Simulated voters" if pair.n_simulated == pair.n_votes > 0 else "People"
    said = ", ".join(f"{pair.tally[name]} {words}" for name, words in _SAID.items())
    st.markdown(f"**{who}:** {said}" + (f"; {pair.n_left_out} more do not count by the study's rules" if pair.n_left_out else ""))
    if pair.n_simulated:
        st.warning(f"{pair.n_simulated} of {pair.n_votes} votes are those of simulated voters: they say nothing of the clips.")
    figures = gallery.figures(here.store, pair)
    absent = gallery.deleted(here.store, [pair])
    if absent:
        st.warning(gallery.what_went(absent))
    if not figures and absent:
        return
    if not figures:
        st.markdown("**Metrics:** nothing was measured on these clips in this workspace.")
        return
    better = {"first": pair.models[0], "second": pair.models[1], None: ""}
    rows = [(one.name, *one.values, better[one.better]) for one in figures]
    st.dataframe(pd.DataFrame(rows, columns=["Measure", *pair.models, "Better"]), hide_index=True, width="stretch")


def _metrics_and_people(simulated: bool) -> None:
    import pandas as pd

    st.subheader("Do metrics and people agree?")
    if simulated:
        st.warning("There are votes of simulated voters among these: shares near a half are what to expect of them.")
    st.markdown("Of the votes that prefer one clip, the share that prefers the one a measure scores better. Half is chance.")
    rows = []
    for one in _backing(service().name):
        share = one.share
        if share is None or share.value is None or share.low is None or share.high is None:
            said, interval = f"no answer: {one.reason}", ""
        else:
            said, interval = f"{share.value:.0%}", f"{share.low:.0%} to {share.high:.0%}"
        rows.append((one.name, said, interval, one.n_votes, one.n_prompts))
    went = _what_went(service().name)
    if went:
        st.warning(f"{went} Pairs without scores are left out here.")
    if not rows:
        if not went:
            st.info("No metric was run on these clips in this workspace.")
        return
    st.dataframe(pd.DataFrame(rows, columns=["Measure", "Agree", "95% interval", "Votes", "Prompts"]), hide_index=True, width="stretch")
