"""The log is read as it was written, and refuses what is no vote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from seedbench.arena.votes.log import Vote, VoteError, digest, json_line, read, write

Log = Callable[..., list[Vote]]


def test_a_log_is_read_back_in_order_with_the_same_hash(tmp_path: Path, vote_log: Log) -> None:
    votes = vote_log({"a": 0.5, "b": 0.0}, 30)
    file = write(reversed(votes), tmp_path / "votes.jsonl")
    assert read(file).votes == votes
    assert digest(votes[::-1]) == digest(votes) == digest(read(file).votes)
    assert not list(tmp_path.glob("*.partial"))


def test_another_choice_is_another_hash(vote: Callable[..., Vote]) -> None:
    assert digest([vote(1)]) != digest([vote(1, choice="tie")])


def test_what_is_at_its_default_is_not_written(vote: Callable[..., Vote]) -> None:
    assert '"profile"' not in json_line(vote())
    assert '"profile": "matched"' in json_line(vote(profile="matched"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2"),
        ('{"id": "x"}', "at: is missing"),
        (
            '{"id": "x", "at": "2026-01-01T00:00:00Z", "battle": "b", "prompt": "p", "left": "a", "right": "b", "choice": "A"}',
            "'A'",
        ),
    ],
)
def test_what_is_no_vote_is_refused_with_its_line(tmp_path: Path, vote: Callable[..., Vote], line: str, message: str) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(json_line(vote()) + "\n" + line + "\n")
    with pytest.raises(VoteError, match=f"votes.jsonl, line 2.*{message}" if message != "line 2" else "line 2"):
        read(file)


def test_one_id_of_two_votes_is_refused(tmp_path: Path, vote: Callable[..., Vote]) -> None:
    file = tmp_path / "votes.jsonl"
    file.write_text(json_line(vote()) + "\n" + json_line(vote(choice="tie")) + "\n")
    with pytest.raises(VoteError, match=r"line 2: another vote 'v00000' is already on line 1"):
        read(file)


def test_a_line_that_repeats_another_counts_once(tmp_path: Path, vote_log: Log) -> None:
    votes = vote_log({"a": 0.5, "b": 0.0}, 30)
    lines = write(votes, tmp_path / "votes.jsonl").read_text(encoding="utf-8")
    twice = tmp_path / "twice.jsonl"
    twice.write_text(lines + lines, encoding="utf-16")
    assert (read(twice).votes, read(twice).n_repeated) == (votes, 30)


def test_a_table_of_votes_is_no_log_and_the_command_that_makes_one_is_named(tmp_path: Path) -> None:
    file = tmp_path / "battles.csv"
    file.write_text("model_a,model_b,winner\n")
    with pytest.raises(VoteError, match="seedbench arena import"):
        read(file)


def test_a_missing_log_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(VoteError, match=r"none\.jsonl"):
        read(tmp_path / "none.jsonl")


@pytest.mark.parametrize("wrong", [{"choice": "best"}, {"heard_left": 1.2}, {"probability": 0.0}, {"nonsense": 1}])
def test_values_out_of_range_are_refused(vote: Callable[..., Vote], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        vote(**wrong)


def test_names_have_no_outer_blanks_and_placeholders_name_no_voter(vote: Callable[..., Vote]) -> None:
    cast = vote(left="\u00a0alpha ", right=" beta\u200b", voter=" w7\u00a0", prompt=" p1 ")
    assert (cast.left, cast.right, cast.voter, cast.prompt) == ("alpha", "beta", "w7", "p1")
    for word in ("", " ", "anonymous", "Unknown", "N/A", "null", "NaN"):
        assert vote(voter=word).voter is None
    assert vote(prompt="unknown").prompt == "unknown"  # a study's prompt may have any name
    assert vote(prompt="  ").prompt is None


def test_names_that_earlier_imports_invented_are_unknown(vote: Callable[..., Vote]) -> None:
    invented = {"id": "import-00000012", "voter": "alone-000012", "prompt": "prompt-000012"}
    assert (vote(**invented, origin="imported").voter, vote(**invented, origin="imported").prompt) == (None, None)
    assert vote(**invented).voter == "alone-000012"
    assert vote(**{**invented, "voter": "alone-000013"}, origin="imported").voter == "alone-000013"
