"""The owner's page: the progress of the study, whether voters agree, what was left out and why, and the export."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from typing import get_args

import streamlit as st

from seedbench.arena.study.export import export_study, votes_of
from seedbench.arena.study.progress import (
    Exclusions,
    QuestionAgreement,
    StudyProgress,
    agreement_by_question,
    exclusions_of,
    progress_of,
    remarks_of,
)
from seedbench.arena.votes.anomalies import SIGNS, Answer, Finding, anomalies, flagged
from seedbench.arena.votes.rules import CheckedVotes, apply_rules
from seedbench.arena.web.server import login, service
from seedbench.arena.web.views import visitor


@st.cache_data(ttl=30, show_spinner=False)
def _progress(study: str) -> StudyProgress:
    return progress_of(service().store, study)


def _checked(study: str) -> CheckedVotes:
    return apply_rules(votes_of(service().store, study), service().rules)


@st.cache_data(ttl=60, show_spinner=False)
def _agreeing(study: str) -> list[QuestionAgreement]:
    return agreement_by_question(_checked(study).kept)


@st.cache_data(ttl=60, show_spinner=False)
def _findings(study: str) -> tuple[Finding, ...]:
    return anomalies(votes_of(service().store, study))


@st.cache_data(ttl=30, show_spinner=False)
def _exclusions(study: str) -> Exclusions:
    return exclusions_of(_checked(study))


def show() -> None:
    """Everything for an owner; for others how to log in."""
    voting = service()
    st.title("Study")
    if login() is None:
        st.info(
            f"This page is for the study's owner, and this arena is served without a login. `seedbench arena study {voting.name}` "
            "shows the same at a terminal; `seedbench arena serve --help` says how to set up a login."
        )
        return
    if not visitor.owner():
        if getattr(st.user, "is_logged_in", False):
            st.warning("You are logged in, but not as an owner of this study.")
        else:
            st.info("This page is for the study's owner.")
        visitor.login_button("study")
        return
    now = _progress(voting.name)
    progress, agreement, voters, left_out, refused, exports = st.tabs(["Progress", "Agreement", "Voters", "Left out", "Refused", "Export"])
    with progress:
        _show_progress(now)
    with agreement:
        _show_agreement(_agreeing(voting.name))
    with voters:
        _show_voters(now, _findings(voting.name))
    with left_out:
        _show_exclusions(_exclusions(voting.name))
    with refused:
        _show_refused(now)
    with exports:
        st.download_button(
            "Votes without identities, rules and boards",
            lambda: packed(voting.name),
            f"{voting.name}.zip",
            "application/zip",
            key="export",
            on_click="ignore",  # running the page again could remove the file before the browser has fetched it
        )
        visitor.login_button("study")


def packed(study: str) -> bytes:
    """The study's export as one ZIP file."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in export_study(service().store, study, Path(folder)):
            archive.write(file, file.name)
    return buffer.getvalue()


def _show_progress(now: StudyProgress) -> None:
    import pandas as pd

    figures = (
        ("Votes", f"{now.n_votes}", f"{now.n_taken_back} taken back"),
        ("Voters", f"{now.n_voters}", f"{now.n_agreed} agreed to take part"),
        ("Pairs voted on", f"{now.pairs_voted} of {now.n_pairs}", f"{now.n_open} are open at a voter now"),
        ("Seconds a pair", "none yet" if now.dwell_s is None else f"{now.dwell_s[1]:.0f}", ""),
    )
    for column, (title, value, detail) in zip(st.columns(len(figures)), figures, strict=True):
        column.metric(title, value)
        column.caption(detail or ("" if now.dwell_s is None else f"{now.dwell_s[0]:.0f} to {now.dwell_s[2]:.0f} for nine in ten"))
    if now.by_day:
        st.bar_chart(pd.DataFrame({"votes": list(now.by_day.values())}, index=[str(day) for day in now.by_day]), height=200)
    rows = [(a, b, votes, f"{voted} of {pairs}") for (a, b), (votes, pairs, voted) in now.by_models.items()]
    st.dataframe(pd.DataFrame(rows, columns=["System", "Other system", "Votes", "Pairs voted on"]), hide_index=True, width="stretch")


def _show_agreement(agreements: list[QuestionAgreement]) -> None:
    import pandas as pd

    st.markdown(
        "Krippendorff's alpha over pairs that two or more people judged: 1 where all agree, 0 where they agree as often as by chance. "
        "Differences of taste lower it, which is no fault of the study."
    )
    rows = [
        (
            question.question,
            question.words,
            "" if question.share is None else f"{question.share:.0%}",
            question.alpha.n_units,
            question.alpha.n_answers,
            question.alpha.n_voters,
        )
        for question in agreements
    ]
    columns = ["Question", "Alpha (95% interval)", "Two people agree", "Pairs", "Answers", "Voters"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch")


def _show_voters(now: StudyProgress, findings: tuple[Finding, ...]) -> None:
    import pandas as pd

    st.markdown("Sound checks: " + ", ".join(f"{count} {word}" for word, count in now.sound_checks.items()) + ".")
    flags = flagged(findings)
    st.subheader(f"Voters to look into ({len(flags)})")
    st.markdown("A flag excludes nobody: only the rules do, which were fixed before the first vote.")
    if flags:
        rows = [(voter, flag.sign.replace("_", " "), flag.sentence) for voter, findings_of in flags.items() for flag in findings_of]
        st.dataframe(pd.DataFrame(rows, columns=["Voter", "Sign", "Finding"]), hide_index=True, width="stretch")
    with st.expander("All signs"):
        tally = {
            sign: [sum(finding.sign == sign and finding.answer == answer for finding in findings) for answer in get_args(Answer)]
            for sign in SIGNS
        }
        table = [(sign.replace("_", " "), *counts) for sign, counts in tally.items()]
        st.dataframe(pd.DataFrame(table, columns=["Sign", "ok", "flagged", "could not be checked"]), hide_index=True, width="stretch")
    remarks = remarks_of(service().store, service().name)
    st.subheader(f"Remarks ({len(remarks)})")
    for prompt, remark in remarks[:200]:
        st.caption(prompt)
        st.text(remark)


def _show_exclusions(exclusions: Exclusions) -> None:
    import pandas as pd

    st.markdown(f"{exclusions.n_counted} votes count, {exclusions.n_excluded} are left out. The checks were fixed before the first vote.")
    rows = [(check, answers["ok"], answers["excluded"], answers["unchecked"]) for check, answers in exclusions.checks.items()]
    columns = ["Check", "ok", "excluded", "could not be checked"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch")
    by_voter = [
        (voter, kept, ", ".join(f"{count} by {check}" for check, count in why.items()))
        for voter, (kept, why) in exclusions.by_voter.items()
        if why
    ]
    if by_voter:
        st.dataframe(pd.DataFrame(by_voter, columns=["Voter", "Votes that count", "Left out"]), hide_index=True, width="stretch")


def _show_refused(now: StudyProgress) -> None:
    import pandas as pd

    if not now.incidents:
        st.info("Nothing was refused.")
        return
    st.markdown("Requests that were refused, by kind. The usual one is a clip URL that expired while a page was left open.")
    st.dataframe(pd.DataFrame(list(now.incidents.items()), columns=["Kind", "Times"]), hide_index=True, width="stretch")
