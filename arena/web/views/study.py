"""The owner's page: how far the study is, whether voters agree, what was left out and why, and everything to take home."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import get_args

import streamlit as st

from seedbench.arena.study.export import export, votes_of
from seedbench.arena.study.progress import Agreeing, Exclusions, Progress, agreeing_of, exclusions_of, progress_of, remarks_of
from seedbench.arena.votes.anomalies import SIGNS, Answer, Finding, anomalies, flagged
from seedbench.arena.votes.rules import Counted, counted
from seedbench.arena.web.server import login, service
from seedbench.arena.web.views import visitor


@st.cache_data(ttl=30, show_spinner=False)
def _progress(study: str) -> Progress:
    return progress_of(service().store, study)


def _counted(study: str) -> Counted:
    return counted(votes_of(service().store, study), service().rules)


@st.cache_data(ttl=60, show_spinner=False)
def _agreeing(study: str) -> list[Agreeing]:
    return agreeing_of(_counted(study).kept)


@st.cache_data(ttl=60, show_spinner=False)
def _findings(study: str) -> tuple[Finding, ...]:
    return anomalies(votes_of(service().store, study))


@st.cache_data(ttl=30, show_spinner=False)
def _exclusions(study: str) -> Exclusions:
    return exclusions_of(_counted(study))


def show() -> None:
    """For an owner everything; for others how to become one."""
    here = service()
    st.title("Study")
    if login() is None:
        st.info(
            f"This page is for the study's owner, and this arena is served without a login. `seedbench arena study {here.name}` tells the "
            "same at a terminal; `seedbench arena serve --help` says how to set up a login."
        )
        return
    if not visitor.owner():
        if getattr(st.user, "is_logged_in", False):
            st.warning("You are logged in, but not as an owner of this study.")
        else:
            st.info("This page is for the study's owner.")
        visitor.login_button("study")
        return
    now = _progress(here.name)
    progress, agreement, voters, left_out, refused, home = st.tabs(["Progress", "Agreement", "Voters", "Left out", "Refused", "Take home"])
    with progress:
        _show_progress(now)
    with agreement:
        _show_agreement(_agreeing(here.name))
    with voters:
        _show_voters(now, _findings(here.name))
    with left_out:
        _show_exclusions(_exclusions(here.name))
    with refused:
        _show_refused(now)
    with home:
        st.download_button(
            "Votes without identities, rules and boards",
            lambda: packed(here.name),
            f"{here.name}.zip",
            "application/zip",
            key="export",
            on_click="ignore",  # a run of the page would end the file that this click asks for, if it were the faster
        )
        visitor.login_button("study")


def packed(study: str) -> bytes:
    """The study's export as one ZIP file."""
    whole = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in export(service().store, study, Path(folder)):
            archive.write(file, file.name)
    return whole.getvalue()


def _show_progress(now: Progress) -> None:
    import pandas as pd

    figures = (
        ("Votes", f"{now.n_votes}", f"{now.n_taken_back} taken back"),
        ("Voters", f"{now.n_voters}", f"{now.n_agreed} agreed to take part"),
        ("Pairs voted on", f"{now.pairs_voted} of {now.n_pairs}", f"{now.n_open} lie before a voter now"),
        ("Seconds a pair", "none yet" if now.dwell_s is None else f"{now.dwell_s[1]:.0f}", ""),
    )
    for column, (title, value, more) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(title, value)
        column.caption(more or ("" if now.dwell_s is None else f"{now.dwell_s[0]:.0f} to {now.dwell_s[2]:.0f} for nine in ten"))
    if now.by_day:
        st.bar_chart(pd.DataFrame({"votes": list(now.by_day.values())}, index=[str(day) for day in now.by_day]), height=200)
    rows = [(a, b, votes, f"{voted} of {pairs}") for (a, b), (votes, pairs, voted) in now.by_models.items()]
    st.dataframe(pd.DataFrame(rows, columns=["One", "Other", "Votes", "Pairs voted on"]), hide_index=True, width="stretch")


def _show_agreement(found: list[Agreeing]) -> None:
    import pandas as pd

    st.markdown(
        "Krippendorff's alpha over pairs that two people or more judged: 1 where all agree, 0 where they agree as by lot. Votes on what "
        "people really see alike bring it up; that tastes differ keeps it down, and is no fault."
    )
    rows = [
        (
            one.question,
            one.words,
            "" if one.share is None else f"{one.share:.0%}",
            one.alpha.n_units,
            one.alpha.n_answers,
            one.alpha.n_voters,
        )
        for one in found
    ]
    columns = ["Question", "Alpha (95% interval)", "Two say the same", "Pairs", "Answers", "Voters"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch")


def _show_voters(now: Progress, findings: tuple[Finding, ...]) -> None:
    import pandas as pd

    st.markdown("Sound checks: " + ", ".join(f"{count} {word}" for word, count in now.sound_checks.items()) + ".")
    flags = flagged(findings)
    st.subheader(f"Voters to look into ({len(flags)})")
    st.markdown("A flag leaves nobody out: only the rules do, which were settled before the first vote.")
    if flags:
        rows = [(voter, one.sign.replace("_", " "), one.sentence) for voter, mine in flags.items() for one in mine]
        st.dataframe(pd.DataFrame(rows, columns=["Voter", "Sign", "What was seen"]), hide_index=True, width="stretch")
    with st.expander("All signs"):
        tally = {sign: [sum(one.sign == sign and one.answer == said for one in findings) for said in get_args(Answer)] for sign in SIGNS}
        table = [(sign.replace("_", " "), *counts) for sign, counts in tally.items()]
        st.dataframe(pd.DataFrame(table, columns=["Sign", "ok", "flagged", "could not be checked"]), hide_index=True, width="stretch")
    remarks = remarks_of(service().store, service().name)
    st.subheader(f"Remarks ({len(remarks)})")
    for prompt, remark in remarks[:200]:
        st.caption(prompt)
        st.text(remark)


def _show_exclusions(found: Exclusions) -> None:
    import pandas as pd

    st.markdown(f"{found.n_counted} votes count, {found.n_excluded} are left out. The checks were settled before the first vote.")
    rows = [(check, one["ok"], one["excluded"], one["unchecked"]) for check, one in found.checks.items()]
    columns = ["Check", "ok", "excluded", "could not be checked"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch")
    by_voter = [
        (voter, kept, ", ".join(f"{count} by {check}" for check, count in why.items()))
        for voter, (kept, why) in found.by_voter.items()
        if why
    ]
    if by_voter:
        st.dataframe(pd.DataFrame(by_voter, columns=["Voter", "Votes that count", "Left out"]), hide_index=True, width="stretch")


def _show_refused(now: Progress) -> None:
    import pandas as pd

    if not now.incidents:
        st.info("Nothing was refused.")
        return
    st.markdown("Requests that were refused, by kind. An address of a clip that ran out while a page lay open is the usual one.")
    st.dataframe(pd.DataFrame(list(now.incidents.items()), columns=["Kind", "Times"]), hide_index=True, width="stretch")
