"""Votes of other arenas become votes of ours, without who gave them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seedbench.arena.votes.importing import read
from seedbench.arena.votes.log import VoteError, json_line
from seedbench.arena.votes.log import read as read_log
from seedbench.arena.votes.log import write as write_log

BATTLE = {
    "question_id": "q1",
    "model_a": "alpha",
    "model_b": "beta",
    "winner": "model_a",
    "judge": "203.0.113.9",
    "tstamp": 1_700_000_000.5,
    "language": "English",
    "anony": True,
}


def written(folder: Path, rows: list[dict[str, Any]], name: str = "battles.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(rows))
    return file


def test_a_fastchat_battle(tmp_path: Path) -> None:
    imported = read(written(tmp_path, [BATTLE]), task="talking", with_sound=False)
    (vote,) = imported.votes
    assert (vote.left, vote.right, vote.choice, vote.prompt) == ("alpha", "beta", "left", "q1")
    assert vote.at == datetime.fromtimestamp(1_700_000_000.5, UTC)
    assert (vote.task, vote.with_sound, vote.category, vote.origin) == ("talking", False, "English", "imported")
    assert (vote.heard_left, vote.dwell_s, vote.sound_check) == (None, None, None)
    assert imported.left_out == {}
    assert imported.remarks == ()


@pytest.mark.parametrize(
    ("winner", "choice"), [("model_b", "right"), ("tie", "tie"), ("tie (bothbad)", "both_bad"), ("both_bad", "both_bad")]
)
def test_every_word_for_an_outcome(tmp_path: Path, winner: str, choice: str) -> None:
    assert read(written(tmp_path, [{**BATTLE, "winner": winner}])).votes[0].choice == choice


def test_no_address_is_kept_and_one_judge_is_one_voter(tmp_path: Path) -> None:
    rows = [BATTLE, {**BATTLE, "judge": "198.51.100.7"}, {**BATTLE, "winner": "tie"}]
    votes = read(written(tmp_path, rows)).votes
    assert [vote.voter for vote in votes] == ["voter-000001", "voter-000002", "voter-000001"]
    assert not any("203.0.113" in json_line(vote) for vote in votes)


def test_a_raw_log_as_json_lines_and_what_is_no_vote_in_it(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "A dog barks."}]
    names = [{"model_name": "alpha"}, {"model_name": "beta"}]
    rows = [
        {"type": "rightvote", "models": ["", ""], "states": names, "tstamp": 1.0, "ip": "x"},
        {"type": "leftvote", "models": ["<h3>Model A: alpha</h3>\n", "<h3>Model B: beta</h3>\n"], "states": names, "tstamp": 1.5},
        {"type": "tievote", "models": ["<h3>Model A</h3>", "<h3>Model B</h3>\n"], "states": names, "tstamp": 1.7},
        {"type": "chat", "models": ["", ""], "states": names, "tstamp": 2.0},
        {"type": "leftvote", "models": ["", ""], "tstamp": 3.0},
        {"type": "leftvote", "models": ["alpha", "beta"], "states": names, "tstamp": 4.0},
        {**BATTLE, "anony": False},
        {**BATTLE, "model_b": "alpha"},
        {**BATTLE, "conversation_a": talk},
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    votes = read(file).votes
    assert [vote.choice for vote in votes] == ["right", "tie", "left"]
    assert {(vote.left, vote.right) for vote in votes} == {("alpha", "beta")}
    assert votes[2].prompt == hashlib.sha256(b"A dog barks.").hexdigest()[:16]
    assert read(file).left_out == {
        "no winner (chat)": 1,
        "no two models": 1,
        "not blind (names were shown)": 2,
        "not blind (anony is false)": 1,
        "one model on both sides": 1,
    }


def test_what_other_tools_take_for_an_end_of_line_is_none(tmp_path: Path) -> None:
    """U+2028 and U+0085 stand raw in JSON; long conversations stand in one cell of a table."""
    votes = read(written(tmp_path, [{**BATTLE, "question_id": "one\u2028two\x85three"}])).votes
    assert read_log(write_log(votes, tmp_path / "votes.jsonl")).votes == votes
    table = tmp_path / "battles.csv"
    table.write_text("model_a,model_b,winner,conversation_a\nalpha,beta,model_a," + 200_000 * "x" + "\n")
    assert len(read(table).votes) == 1


def test_a_table_without_voters_and_prompts_invents_none_and_says_what_that_does(tmp_path: Path) -> None:
    file = tmp_path / "battles.csv"
    file.write_text("model_a,model_b,winner,timestamp,reviewed_by\nalpha,beta,model_a,2025-07-01T10:00:00,x\nbeta,alpha,tie,,y\n")
    imported = read(file)
    assert {(vote.voter, vote.prompt) for vote in imported.votes} == {(None, None)}
    assert imported.votes[0].at == datetime(2025, 7, 1, 10, tzinfo=UTC)
    for words in ("the voter of 2 of 2 votes is not known", "the prompt of 2 of 2", "have no intervals", "not read: reviewed_by"):
        assert any(words in remark for remark in imported.remarks)


@pytest.mark.parametrize("word", ["", "anonymous", "Unknown", "n/a", "null", " \u00a0"])
def test_a_placeholder_is_no_voter(tmp_path: Path, word: str) -> None:
    imported = read(
        written(tmp_path, [{**BATTLE, "judge": word}, {**BATTLE, "judge": word, "tstamp": 1}, {**BATTLE, "judge": "\u00a0w1 "}])
    )
    assert [vote.voter for vote in imported.votes] == [None, None, "voter-000001"]
    assert "the voter of 2 of 3 votes is not known" in imported.remarks[0]
    assert read(written(tmp_path, [{**BATTLE, "judge": word, "user_id": 7}])).votes[0].voter == "voter-000001"


def test_a_row_number_is_not_a_prompt(tmp_path: Path) -> None:
    rows = [{**BATTLE, "id": n} for n in range(3)]
    assert {vote.prompt for vote in read(written(tmp_path, rows)).votes} == {"q1"}
    assert {vote.prompt for vote in read(written(tmp_path, [{**row, "question_id": ""} for row in rows])).votes} == {None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", ":1: is a number where an object is needed"),
        ("{", ":1: not valid JSON"),
        ("[]", "no row is a vote"),
        ('[{"x": 1, "y": 2}]', ":1: no columns name the two systems .* model_a and model_b.*the columns are x, y"),
        ('[{"model_a": "", "model_b": "b"}]', r"no row is a vote.*\(1 of 1: no two models\)"),
    ],
)
def test_what_holds_no_votes_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "battles.json"
    file.write_text(text)
    with pytest.raises(VoteError, match=message):
        read(file)
