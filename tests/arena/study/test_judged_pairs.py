"""Judged pairs: who may see which, what people said of them, and what the runs' metrics say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from seedbench.arena.store import BattleRow, ClipRow
from seedbench.arena.study.judged_pairs import (
    CountingVotes,
    agreement_with_measures,
    counting_votes,
    deleted_clips,
    deleted_runs_sentence,
    judged_pairs,
    measures_of_pair,
)
from seedbench.arena.voting.service import VotingService
from seedbench.plugins import registry
from seedbench.store import CellRow, RunRow, ScoreRow, Store
from seedbench.store.deletion import delete_run
from seedbench.store.workspace import Workspace
from tests.arena.conftest import OPENED

LIPSYNC = registry.load("metrics", "lipsync").info.version


@pytest.fixture
def service(study: Callable[..., None], store: Store, tmp_path: Path, clock: Any) -> VotingService:
    study(6, reveal=True)
    return VotingService(store, "s", tmp_path, clock=clock)


def voter_of(service: VotingService, name: str) -> str:
    voter = service.voters.id_of_name(name)
    service.voters.record_consent(voter, sound_check=True)
    return voter


def vote_for(service: VotingService, voter: str, clock: Any, favourite: str) -> str:
    """Vote on the next pair: for ``favourite`` where it takes part, else a tie."""
    shown = service.open_pair(voter)
    assert shown is not None
    for token in (shown.left, shown.right):
        service.clip_urls.file_of(token, voter)
    clock.forward(11)
    with service.store.session() as session:
        battle = session.get(BattleRow, shown.battle)
        assert battle is not None
        left, right = service.assignment.makers(battle)
    service.vote(voter, shown.battle, {left: "left", right: "right"}.get(favourite, "tie"), heard=(1.0, 1.0))
    return shown.battle


def measured(store: Store, scores: dict[str, tuple[float | None, str]]) -> None:
    """Give every clip of the study a hash of its own and scores of two measures, by model: in-sync shares, and a reason where None."""
    with store.session() as session:
        run = RunRow(name="run", spec={}, spec_hash="h", created_at=OPENED)
        session.add(run)
        session.flush()
        clips = session.scalars(select(ClipRow).where(ClipRow.broken == "")).all()
        for index, clip in enumerate(clips):
            clip.source_sha256 = f"{index:064d}"
            cell = CellRow(
                run_id=run.id,
                position=index,
                key=f"c{index}",
                role="system",
                generator=clip.generator,
                prompt_id=clip.file.split("-")[0],
                seed=0,
                status="succeeded",
                clip_sha256=clip.source_sha256,
            )
            session.add(cell)
            session.flush()
            value, reason = scores[clip.generator]
            for metric, measure, number in (("lipsync", "in_sync", value), ("elsewhere", "unknown", 0.5)):
                session.add(
                    ScoreRow(
                        cell_id=cell.id,
                        key=f"s{index}{metric}",
                        metric=metric,
                        measure=measure,
                        metric_version=LIPSYNC if metric == "lipsync" else 1,
                        value=number,
                        status="scored" if number is not None else "unscored",
                        reason=reason if number is None else "",
                    )
                )


def test_a_voter_sees_pairs_that_are_behind_him_and_an_owner_all(service: VotingService, store: Store, clock: Any) -> None:
    voter, other = voter_of(service, "one"), voter_of(service, "other")
    vote_for(service, voter, clock, "alpha")
    assert judged_pairs(store, "s", counting_votes(store, "s"), voter=voter) == []  # it could still be taken back
    vote_for(service, voter, clock, "alpha")
    assert len(judged_pairs(store, "s", counting_votes(store, "s"), voter=voter)) == 1
    assert judged_pairs(store, "s", counting_votes(store, "s"), voter=other) == []
    last = vote_for(service, other, clock, "alpha")
    service.reveal(other, last)
    assert len(judged_pairs(store, "s", counting_votes(store, "s"), voter=other)) == 1
    assert (
        len(judged_pairs(store, "s", counting_votes(store, "s")))
        == len({pair.pair for pair in judged_pairs(store, "s", counting_votes(store, "s"))})
        >= 2
    )


def test_votes_are_counted_by_clip_and_not_by_side(service: VotingService, store: Store, clock: Any) -> None:
    for name in ("a", "b", "c"):
        voter = voter_of(service, name)
        for _ in range(18):
            vote_for(service, voter, clock, "alpha")
    pairs = judged_pairs(store, "s", counting_votes(store, "s"))
    assert len(pairs) == 18
    for pair in pairs:
        assert pair.n_votes == 3
        won = {pair.models[0]: pair.tally["first"], pair.models[1]: pair.tally["second"]}
        assert won.get("alpha", pair.tally["tie"]) == 3


def test_metrics_stand_beside_votes_with_reasons_where_they_have_no_answer(service: VotingService, store: Store, clock: Any) -> None:
    measured(store, {"alpha": (1.0, ""), "beta": (0.0, ""), "gamma": (None, "no face was found")})
    voter = voter_of(service, "one")
    for _ in range(18):
        vote_for(service, voter, clock, "alpha")
    for pair in judged_pairs(store, "s", counting_votes(store, "s")):
        by_name = {measure.name: measure for measure in measures_of_pair(store, pair)}
        (sync,) = (measure for name, measure in by_name.items() if name.startswith("lipsync"))
        by_model = dict(zip(pair.models, sync.values, strict=True))
        assert by_model.get("gamma", "no answer: no face was found") == "no answer: no face was found"
        assert by_model.get("alpha", "100") == "100"
        if set(pair.models) == {"alpha", "beta"}:
            assert pair.models[0 if sync.better == "first" else 1] == "alpha"
        else:
            assert sync.better is None
        (unknown,) = (measure for name, measure in by_name.items() if name.startswith("elsewhere"))
        assert unknown.values == ("0.5", "0.5")
        assert unknown.better is None


def test_how_often_people_side_with_a_measure(service: VotingService, store: Store, clock: Any) -> None:
    measured(store, {"alpha": (1.0, ""), "beta": (0.0, ""), "gamma": (0.0, "")})
    for name, favourite in (("a", "alpha"), ("b", "alpha"), ("c", "alpha"), ("d", "beta")):
        voter = voter_of(service, name)
        for _ in range(18):
            vote_for(service, voter, clock, favourite)
    (backed,) = agreement_with_measures(
        store, judged_pairs(store, "s", counting_votes(store, "s"))
    )  # what has no better and no worse is left out
    # Of every prompt: alpha against beta 3 to 1, alpha against gamma 3 to 0, a tie of the fourth voter; beta and gamma score alike.
    assert backed.n_prompts == 6
    assert backed.n_votes == 6 * 7
    assert backed.share is not None
    assert backed.share.value == pytest.approx(6 / 7)


def test_clips_without_scores_have_no_measures(service: VotingService, store: Store, clock: Any) -> None:
    voter = voter_of(service, "one")
    for _ in range(3):
        vote_for(service, voter, clock, "alpha")
    assert measures_of_pair(store, judged_pairs(store, "s", counting_votes(store, "s"))[0]) == []
    assert agreement_with_measures(store, judged_pairs(store, "s", counting_votes(store, "s"))) == []


def test_votes_that_do_not_count_are_distinguished_from_those_not_examined_yet(service: VotingService, store: Store, clock: Any) -> None:
    voter = voter_of(service, "one")
    before = counting_votes(store, "s")
    for _ in range(2):
        vote_for(service, voter, clock, "alpha")
    assert [(pair.n_votes, pair.n_left_out) for pair in judged_pairs(store, "s", before)] == [(0, 0), (0, 0)]
    assert [(pair.n_votes, pair.n_left_out) for pair in judged_pairs(store, "s", counting_votes(store, "s"))] == [(1, 0), (1, 0)]
    none = CountingVotes(frozenset(), counting_votes(store, "s").until)
    assert [(pair.n_votes, pair.n_left_out) for pair in judged_pairs(store, "s", none)] == [(0, 1), (0, 1)]


def test_scores_deleted_with_their_run_are_reported_by_the_runs_name(
    service: VotingService, store: Store, clock: Any, workspace: Workspace
) -> None:
    measured(store, {"alpha": (1.0, ""), "beta": (0.0, ""), "gamma": (0.0, "")})
    voter = voter_of(service, "one")
    for _ in range(3):
        vote_for(service, voter, clock, "alpha")
    (pair, *_) = judged_pairs(store, "s", counting_votes(store, "s"))
    assert pair.runs == ("run", "run")
    assert deleted_clips(store, [pair]) == {}
    with store.session() as session:  # one clip's cell, as if another run still had the other clip
        for cell in session.scalars(select(CellRow).where(CellRow.clip_sha256 == pair.sources[1])):
            session.delete(cell)
    assert deleted_clips(store, [pair]) == {pair.sources[1]: "run"}
    (sync,) = (measure for measure in measures_of_pair(store, pair) if measure.name.startswith("lipsync"))
    assert sync.values[0] in ("0", "100")
    assert sync.values[1] == "deleted with the run run"
    assert sync.better is None
    (workspace.folder / "artifacts" / "00").mkdir()  # a store with nothing at all in it is one that is not connected
    delete_run(store, workspace, "run")
    assert measures_of_pair(store, pair) == []
    assert deleted_runs_sentence(deleted_clips(store, [pair])) == "The run run was deleted; its metric scores went with it."
