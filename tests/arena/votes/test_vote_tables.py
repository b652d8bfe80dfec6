"""Tables of votes as Kaggle, Label Studio, spreadsheets and scripts write them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from seedbench.arena.votes.importing import ImportedVotes, read
from seedbench.arena.votes.log import VoteError


def imported(folder: Path, text: str, name: str = "votes.csv", encoding: str = "utf-8") -> ImportedVotes:
    file = folder / name
    file.write_text(text, encoding=encoding)
    return read(file)


def choices(result: ImportedVotes) -> list[tuple[str, str, str]]:
    return [(vote.left, vote.right, vote.choice) for vote in result.votes]


KAGGLE = "id,model_a,model_b,prompt,winner_model_a,winner_model_b,winner_tie\n"


@pytest.mark.parametrize("words", [("1", "0"), ("True", "False"), ("1.0", "0.0"), ("yes", "no"), ("y", "n"), ("on", "off"), ("TRUE", "")])
def test_one_truth_value_for_each_answer(tmp_path: Path, words: tuple[str, str]) -> None:
    yes, no = words
    rows = [f"1,a,b,p,{yes},{no},{no}", f"2,a,b,p,{no},{yes},{no}", f"3,a,b,p,{no},{no},{yes}", f"4,a,b,p,{no},{no},{no}"]
    result = imported(tmp_path, KAGGLE + "\n".join(rows) + "\n")
    assert choices(result) == [("a", "b", "left"), ("a", "b", "right"), ("a", "b", "tie")]
    assert result.left_out == {"no winner (empty)": 1}


def test_two_true_answers_and_words_without_truth_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(VoteError, match=r"votes.csv:3: winner_model_a and winner_tie are true at once"):
        imported(tmp_path, KAGGLE + "1,a,b,p,1,0,0\n2,a,b,p,1,0,1\n")
    with pytest.raises(VoteError, match=r"votes.csv:2: winner_tie: 'maybe' is neither true nor false"):
        imported(tmp_path, KAGGLE + "1,a,b,p,1,0,maybe\n")


def test_a_column_of_ties_beside_the_winner(tmp_path: Path) -> None:
    result = imported(tmp_path, "left,right,winner,tie\nx,y,x,False\nx,y,,True\ny,x,x,0\nx,y,tie,1\n")
    assert [choice for *_, choice in choices(result)] == ["left", "tie", "right", "tie"]
    with pytest.raises(VoteError, match=r"votes.csv:2: tie: is true, but winner is 'x'"):
        imported(tmp_path, "left,right,winner,tie\nx,y,x,yes\n")


@pytest.mark.parametrize(("column", "reason"), [("anony", "not blind"), ("is_valid", "not valid")])
def test_every_word_for_false_is_false(tmp_path: Path, column: str, reason: str) -> None:
    words = ["True", "1", "1.0", "yes", "False", "0", "0.0", "no", "n", "off", ""]
    result = imported(tmp_path, f"model_a,model_b,winner,{column}\n" + "".join(f"a,b,model_a,{word}\n" for word in words))
    assert len(result.votes) == 4
    assert sum(count for why, count in result.left_out.items() if why.startswith(reason)) == 7
    rows = [{"model_a": "a", "model_b": "b", "winner": "model_a", column: value} for value in (True, False, 1, 0, None, "False")]
    assert len(imported(tmp_path, json.dumps(rows), "votes.json").votes) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = "Model A,Model B,Winner,Judge,Prompt ID\r\n\u00a0é1 , b,é1,w1,p1\r\nb,é1,Model_A,w1 ,p1\r\n".replace(",", delimiter)
    result = imported(tmp_path, text, encoding=encoding)
    assert choices(result) == [("é1", "b", "left"), ("b", "é1", "left")]
    assert {(vote.voter, vote.prompt) for vote in result.votes} == {("voter-000001", "p1")}


def test_an_unknown_answer_names_file_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(VoteError, match=r"votes.csv:3: winner: 'modelA' is no known answer"):
        imported(tmp_path, "model_a,model_b,winner\na,b,model_a\na,b,modelA\n")


def test_exact_repeats_with_an_id_or_a_time_count_once(tmp_path: Path) -> None:
    head, row = "model_a,model_b,winner,judge,prompt,timestamp\n", "a,b,model_a,w1,p1,2025-07-01T10:00:00\n"
    result = imported(tmp_path, head + 3 * row + row.replace("model_a", "model_b"))
    assert [choice for *_, choice in choices(result)] == ["left", "right"]
    assert any("repeated rows" in remark and ": 2; such a vote is counted once" in remark for remark in result.remarks)
    with_id = imported(tmp_path, "id,model_a,model_b,winner\n1,a,b,model_a\n2,a,b,model_a\n1,a,b,model_a\n")
    assert len(with_id.votes) == 2


def test_equal_rows_without_an_id_or_a_time_of_day_all_count_and_this_is_remarked(tmp_path: Path) -> None:
    for head, row in (
        ("model_a,model_b,winner,judge,prompt", "a,b,model_a,w1,p1"),
        ("model_a,model_b,winner,date", "a,b,model_a,2025-07-01"),
        ("model_a,model_b,winner,id", "a,b,model_a,p1"),
    ):
        result = imported(tmp_path, f"{head}\n{row}\n{row}\n{row.replace('model_a', 'model_b')}\n")
        assert len(result.votes) == 3
        assert any("the same vote: 1; all are counted" in remark for remark in result.remarks)


def test_names_that_differ_in_capitals_are_remarked(tmp_path: Path) -> None:
    result = imported(tmp_path, "model_a,model_b,winner,judge\nAlpha,b,b,w1\nalpha,b,b,W1\n")
    assert any(remark.startswith("'Alpha' and 'alpha' are taken for different systems") for remark in result.remarks)
    assert any(remark.startswith("2 voters are taken for different people") for remark in result.remarks)
    with pytest.raises(VoteError, match="the columns 'winner' and 'Winner' have the same name"):
        imported(tmp_path, "model_a,model_b,winner,Winner\na,b,a,b\n")


def test_times_in_milliseconds_and_times_that_cannot_be_read(tmp_path: Path) -> None:
    result = imported(tmp_path, "model_a,model_b,winner,tstamp\nx,y,x,1700000000\nx,y,x,1700000000000\nx,y,x,yesterday\n")
    assert result.votes[0].at == result.votes[1].at
    assert any(remark.startswith("1 votes have a time that is neither") for remark in result.remarks)


def annotation(number: int, who: Any, side: str | None, **fields: Any) -> dict[str, Any]:
    value = {"value": {"selected": side}, "id": "x", "from_name": "pw", "to_name": ["v1", "v2"], "type": "pairwise", "origin": "manual"}
    fields = {"was_cancelled": False, "created_at": "2026-01-01T10:00:00.000Z", **fields}
    return {"id": number, "completed_by": who, "result": [value] if side else [], **fields}


DATA = {"video1": "x.mp4", "video2": "y.mp4", "prompt": "A dog barks.", "model_a": "alpha", "model_b": "beta"}


def test_label_studio_as_json_has_a_vote_for_each_annotation(tmp_path: Path) -> None:
    tasks = [
        {"id": 1, "data": DATA, "annotations": [annotation(11, {"id": 3, "email": "x@example.org"}, "left"), annotation(12, 4, "right")]},
        {"id": 2, "data": DATA, "annotations": [annotation(13, 4, "left", was_cancelled=True), annotation(14, 4, None)]},
        {"id": 3, "data": DATA, "annotations": []},
    ]
    result = imported(tmp_path, json.dumps(tasks, indent=1), "export.json")
    assert choices(result) == [("alpha", "beta", "left"), ("alpha", "beta", "right")]
    assert [vote.voter for vote in result.votes] == ["voter-000001", "voter-000002"]
    assert {vote.prompt for vote in result.votes} == {"A dog barks."}
    assert result.left_out == {"cancelled (was_cancelled is true)": 1, "no winner (empty)": 2}


def test_label_studio_as_json_min_and_as_csv(tmp_path: Path) -> None:
    row = {**DATA, "id": 1, "pw": [{"selected": "right"}], "annotator": 3, "annotation_id": 11, "created_at": "2026-01-01T10:00:00.000Z"}
    small = imported(tmp_path, json.dumps([row]), "min.json")
    cells = [json.dumps(value) if isinstance(value, list) else str(value) for value in row.values()]
    table = ",".join(row) + "\n" + ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"
    assert small.votes == imported(tmp_path, table, "export.csv").votes
    assert choices(small) == [("alpha", "beta", "right")]


def test_label_studio_choices_and_several_questions(tmp_path: Path) -> None:
    chosen = annotation(1, 3, None)
    chosen["result"] = [{"value": {"choices": ["Both bad"]}, "from_name": "best", "type": "choices"}]
    assert choices(imported(tmp_path, json.dumps([{"id": 1, "data": DATA, "annotations": [chosen]}]), "a.json"))[0][2] == "both_bad"
    two = annotation(1, 3, "left")
    two["result"].append({**two["result"][0], "from_name": "sound"})
    with pytest.raises(VoteError, match=r"b.json:1: .*annotations: an annotation answers several questions \(pw, sound\)"):
        imported(tmp_path, json.dumps([{"id": 1, "data": DATA, "annotations": [two]}]), "b.json")
    with pytest.raises(VoteError, match="belong to the data of each task"):
        imported(tmp_path, json.dumps([{"id": 1, "data": {"video1": "x"}, "annotations": [annotation(1, 3, "left")]}]), "c.json")


VALUES = (
    *("a", "b", "model_a", "tie", "1", "0", "0.5", "", " ", "nan", "True", "no", "[", "1e400", "-1", "2025-01-01", '[{"selected": 1}]'),
    *(
        None,
        1,
        0.5,
        True,
        False,
        [],
        {},
        ["", ""],
        {"selected": "left"},
        [{"selected": "right"}],
        [{"model_name": "a"}, {"model_name": "b"}],
    ),
    *([{"result": 3}], [5], [{"result": [{"value": {"choices": []}}]}], {"model_a": "a", "model_b": "b"}),
)
COLUMNS = (
    *("model_a", "model_b", "winner", "judge", "prompt", "tstamp", "winner_model_a", "winner_model_b", "winner_tie", "tie", "anony", "id"),
    *("annotations", "data", "models", "states", "type", "conversation_a", "label", "was_cancelled"),
)


def test_any_table_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    random = Random(0)
    n_read, sentences = 0, list[str]()
    for _ in range(400):
        rows = [{name: random.choice(VALUES) for name in random.sample(COLUMNS, random.randint(1, 8))} for _ in range(random.randint(0, 3))]
        rows += [{"model_a": "x", "model_b": "y", "winner": random.choice(["x", "tie", "model_b"])}] * random.randint(0, 2)
        try:
            n_read += len(imported(tmp_path, json.dumps(rows), "votes.json").votes)
        except VoteError as error:
            sentences.append(str(error))
    assert n_read
    assert sentences
    assert not any("\n" in sentence for sentence in sentences)
