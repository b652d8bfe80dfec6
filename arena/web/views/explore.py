"""The page of judged pairs: the clips with their makers, how people voted, and what the metrics measured."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from seedbench.arena.study import judged_pairs as study_pairs
from seedbench.arena.study.judged_pairs import CountingVotes, JudgedPair, MeasureAgreement
from seedbench.arena.web.server import service
from seedbench.arena.web.views import visitor

_FOLDER = Path(__file__).parent.parent / "player"
_clip_viewer = st.components.v2.component(
    "seedbench_clip_viewer",
    html=(_FOLDER / "clip_viewer.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "clip_viewer.css").read_text(encoding="utf-8"),
    js=(_FOLDER / "clip_viewer.js").read_text(encoding="utf-8"),
)
_ANSWERS = {"first": "prefer the first", "tie": "a tie", "second": "prefer the second", "both_bad": "both bad"}


@st.cache_data(ttl=30, show_spinner=False)
def _counting_votes(study: str) -> CountingVotes:
    return study_pairs.counting_votes(service().store, study)


@st.cache_data(ttl=30, show_spinner=False)
def _judged(study: str) -> list[JudgedPair]:
    return study_pairs.judged_pairs(service().store, study, _counting_votes(study))


@st.cache_data(ttl=60, show_spinner=False)
def _deleted_runs(study: str) -> str:
    return study_pairs.deleted_runs_sentence(study_pairs.deleted_clips(service().store, _judged(study)))


@st.cache_data(ttl=60, show_spinner=False)
def _agreement_with_measures(study: str) -> list[MeasureAgreement]:
    return study_pairs.agreement_with_measures(service().store, _judged(study))


def show() -> None:
    """All judged pairs for an owner; for a voter the pairs they voted on, where the study reveals who made the clips."""
    voting = service()
    st.title("Explore")
    voter = visitor.voter()
    if voter is None:
        return
    owner = visitor.owner()
    if not owner and not voting.settings.reveal:
        st.info("This study does not tell voters who made the clips. Its owner sees all pairs here after logging in.")
        visitor.login_button("explore")
        return
    # An owner's list may be half a minute old; a voter's must hold the pair just voted on.
    pairs = (
        _judged(voting.name) if owner else study_pairs.judged_pairs(voting.store, voting.name, _counting_votes(voting.name), voter=voter)
    )
    if not pairs:
        st.info("There are no votes yet." if owner else "Pairs that you have voted on appear here, once you have gone on to the next one.")
        return
    chosen = _chosen(pairs)
    if chosen is not None:
        _pair(chosen, voter)
    if owner:
        _metrics_and_people(any(pair.n_simulated for pair in pairs))


def _chosen(pairs: list[JudgedPair]) -> JudgedPair | None:
    """The pair that the visitor picks: a prompt's text first, then one of its pairs."""
    texts = list(dict.fromkeys(pair.text for pair in pairs))
    text = st.selectbox("Prompt", texts, key="explore-text")
    mine = [pair for pair in pairs if pair.text == text]
    names = [f"{pair.models[0]} and {pair.models[1]} (seed {pair.seed}, {pair.profile}, votes: {pair.n_votes})" for pair in mine]
    name = st.selectbox("Pair", names, key="explore-pair")
    return mine[names.index(name)] if name in names else None


def _pair(pair: JudgedPair, voter: str) -> None:
    import pandas as pd

    voting = service()
    tokens = st.session_state.setdefault("clip_tokens", {})
    if pair.pair not in tokens or not all(voting.clip_urls.is_live(token) for token in tokens[pair.pair]):
        tokens[pair.pair] = [voting.clip_token(voter, file) for file in pair.files]
    clips = [[model, f"/clip/{token}"] for model, token in zip(pair.models, tokens[pair.pair], strict=True)]
    _clip_viewer(data={"clips": clips}, key="clip-viewer")
    who = "Simulated voters" if pair.n_simulated == pair.n_votes > 0 else "People"
    tally = ", ".join(f"{pair.tally[name]} {words}" for name, words in _ANSWERS.items())
    st.markdown(f"**{who}:** {tally}" + (f"; {pair.n_left_out} more do not count by the study's rules" if pair.n_left_out else ""))
    if pair.n_simulated:
        st.warning(f"{pair.n_simulated} of {pair.n_votes} votes are those of simulated voters: they say nothing about the clips.")
    measures = study_pairs.measures_of_pair(voting.store, pair)
    deleted = study_pairs.deleted_clips(voting.store, [pair])
    if deleted:
        st.warning(study_pairs.deleted_runs_sentence(deleted))
    if not measures and deleted:
        return
    if not measures:
        st.markdown("**Metrics:** nothing was measured on these clips in this workspace.")
        return
    better = {"first": pair.models[0], "second": pair.models[1], None: ""}
    rows = [(measure.name, *measure.values, better[measure.better]) for measure in measures]
    st.dataframe(pd.DataFrame(rows, columns=["Measure", *pair.models, "Better"]), hide_index=True, width="stretch")


def _metrics_and_people(simulated: bool) -> None:
    import pandas as pd

    st.subheader("Do metrics and people agree?")
    if simulated:
        st.warning("Some of these votes are those of simulated voters, for whom shares near a half are to be expected.")
    st.markdown("Of the votes that prefer one clip, the share that prefers the clip which a measure scores better. Half is chance.")
    rows = []
    for agreement in _agreement_with_measures(service().name):
        share = agreement.share
        if share is None or share.value is None or share.low is None or share.high is None:
            share_text, interval = f"no answer: {agreement.reason}", ""
        else:
            share_text, interval = f"{share.value:.0%}", f"{share.low:.0%} to {share.high:.0%}"
        rows.append((agreement.name, share_text, interval, agreement.n_votes, agreement.n_prompts))
    deleted_runs = _deleted_runs(service().name)
    if deleted_runs:
        st.warning(f"{deleted_runs} Pairs without scores are left out here.")
    if not rows:
        if not deleted_runs:
            st.info("No metric was run on these clips in this workspace.")
        return
    st.dataframe(pd.DataFrame(rows, columns=["Measure", "Agree", "95% interval", "Votes", "Prompts"]), hide_index=True, width="stretch")
