"""Boards and imports as a user asks for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seedbench.arena.commands import app
from seedbench.arena.settings import StudyError, study_lock
from seedbench.arena.votes.log import Vote, VoteError, read, write
from seedbench.arena.votes.rules import DEFAULT
from seedbench.files.locks import HeldError
from seedbench.store import Store
from seedbench.store.workspace import Workspace

Log = Callable[..., list[Vote]]
RUNNER = CliRunner()
THREE = {"alpha": 0.9, "beta": 0.0, "gamma": -0.9}


@pytest.fixture
def log(tmp_path: Path, vote_log: Log) -> Path:
    return write(vote_log(THREE, 300), tmp_path / "votes.jsonl")


def test_the_table_says_what_it_rests_on(log: Path) -> None:
    shown = RUNNER.invoke(app, ["board", str(log)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert "overall, with sound, native" in lines[0]
    assert [name for line in lines for name in THREE if f" {name} " in line][:3] == ["alpha", "beta", "gamma"]
    for words in (
        "of 40 voters on 40 prompts",
        "check gold: 0 ok, 0 excluded,",
        "being on the left is worth",
        "votes sha256",
        "still leads",
    ):
        assert words in shown.stdout


def test_all_forms_hold_the_same_figures_and_come_out_the_same_again(log: Path, tmp_path: Path) -> None:
    texts = {}
    for form in ("markdown", "json"):
        for file in (tmp_path / f"one.{form}", tmp_path / f"two.{form}"):
            RUNNER.invoke(app, ["board", str(log), "--format", form, "--out", str(file)], catch_exceptions=False)
        assert (tmp_path / f"one.{form}").read_bytes() == (tmp_path / f"two.{form}").read_bytes()
        texts[form] = (tmp_path / f"one.{form}").read_text()
    (board,) = json.loads(texts["json"])
    for standing in board["standings"]:
        rating = standing["rating"]
        row = f"| {standing['model']} | {rating['value']:.0f} | {rating['low']:.0f} to {rating['high']:.0f} |"
        assert row in texts["markdown"]


def test_other_rules_are_another_board(log: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("name: mine\nrating: {ties: half}\n")
    shown = RUNNER.invoke(app, ["board", str(log), "--rules", str(mine)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert "rules mine 1 sha256" in shown.stdout


def test_an_empty_log_is_no_board(tmp_path: Path) -> None:
    empty = write([], tmp_path / "none.jsonl")
    with pytest.raises(VoteError, match="holds no votes"):
        RUNNER.invoke(app, ["board", str(empty)], catch_exceptions=False)


def test_imported_votes_make_a_board_as_the_help_says(tmp_path: Path) -> None:
    rows = [
        {
            "model_a": "a",
            "model_b": "b",
            "winner": ("model_a", "model_b", "tie")[n % 3],
            "judge": f"j{n % 9}",
            "prompt_id": n % 7,
            "tstamp": n,
        }
        for n in range(60)
    ]
    battles, out = tmp_path / "battles.json", tmp_path / "votes.jsonl"
    battles.write_text(json.dumps([*rows, {"model_a": "a"}]))
    shown = RUNNER.invoke(app, ["import", str(battles), "--out", str(out)], catch_exceptions=False)
    assert "60 votes are in" in shown.stdout
    assert "1 left out: no two models" in shown.stdout
    assert len(read(out).votes) == 60
    board = RUNNER.invoke(app, ["board", str(out)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert "the shipped ones for imported votes" in board.stderr
    for words in (
        "60 votes of 9 voters on 7 prompts",
        "60 of 60 votes are imported",
        "rules imported 1",
        "check gold: 0 ok, 0 excluded, 60",
    ):
        assert words in board.stdout


def test_repeated_lines_are_reported(log: Path) -> None:
    log.write_text(2 * log.read_text())
    assert "300 lines of" in RUNNER.invoke(app, ["board", str(log)], catch_exceptions=False).stderr


def test_a_table_is_not_overwritten_by_its_votes(tmp_path: Path) -> None:
    table = tmp_path / "battles.csv"
    table.write_text("model_a,model_b,winner\nalpha,beta,model_a\n")
    with pytest.raises(VoteError, match="is the file that is imported"):
        RUNNER.invoke(app, ["import", str(table), "--out", str(table)], catch_exceptions=False)
    assert table.read_text().startswith("model_a")


def test_names_in_brackets_are_shown_as_they_are(tmp_path: Path, vote_log: Log) -> None:
    votes = write(vote_log({"[red]": 0.5, "b[/]": 0.0}, 40), tmp_path / "votes.jsonl")
    shown = RUNNER.invoke(app, ["board", str(votes)], env={"COLUMNS": "200"}, catch_exceptions=False).stdout
    assert "[red]" in shown
    assert "b[/]" in shown


def test_the_rules_of_a_study_leave_imported_votes_out_and_say_what_would_count_them(tmp_path: Path, vote_log: Log) -> None:
    imported = [vote.model_copy(update={"origin": "imported"}) for vote in vote_log(THREE, 60)]
    shown = [
        RUNNER.invoke(app, ["board", str(write(imported, tmp_path / "votes.jsonl")), "--rules", str(DEFAULT)], env={"COLUMNS": "300"}),
        RUNNER.invoke(app, ["board", str(write([*imported, vote_log(THREE, 61)[-1]], tmp_path / "mixed.jsonl"))], env={"COLUMNS": "300"}),
    ]
    for words in ("of 60 votes none counts: 60 excluded by the check origin", "count votes of the origin people", "origins: [imported]"):
        assert words in shown[0].stdout
    assert "check origin: 1 ok, 60 excluded" in shown[1].stdout
    assert "rules default 3" in shown[1].stdout


def test_a_study_is_served_by_one_process(workspace: Workspace) -> None:
    with Store(workspace.database_url).locks.hold(study_lock("spring")):
        refused = RUNNER.invoke(app, ["serve", "spring"]).exception
    assert isinstance(refused, HeldError)
    assert "study 'spring' is in use (process " in str(refused)


def test_the_former_name_of_an_option_still_works_and_is_not_shown(log: Path) -> None:
    overall = [
        RUNNER.invoke(app, ["board", str(log), "--format", "json", option], catch_exceptions=False).stdout
        for option in ("--whole", "--overall-only")
    ]
    assert overall[0] == overall[1]
    assert "--whole" not in RUNNER.invoke(app, ["board", "--help"]).stdout


def test_the_former_name_of_the_limit_of_new_voters_still_works(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []

    def started(*arguments: object, new_voters_per_hour: int) -> None:
        limits.append(new_voters_per_hour)
        raise StudyError("enough")

    monkeypatch.setattr("seedbench.arena.voting.service.VotingService", started)
    for option in ("--newcomers", "--new-voters-per-hour"):
        RUNNER.invoke(app, ["serve", "spring", option, "7"])
    assert limits == [7, 7]
    assert "--newcomers" not in RUNNER.invoke(app, ["serve", "--help"]).stdout
