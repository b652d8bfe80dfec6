"""Files of prompts as suites."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbench.errors import SuiteError
from seedbench.files.cell_values import without_blanks
from seedbench.runs.make_spec import make_spec
from seedbench.runs.spec import RunSpec
from seedbench.suites.earlier_form import stored_json
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Prompt
from seedbench.suites.prompt_ids import slug, slug_with_hash
from seedbench.suites.suite import Suite

STREET = "A tranquil tableau of an ornate Victorian streetlamp standing on a cobblestone street corner"


def suite(folder: Path, text: str, name: str = "prompts.csv", encoding: str = "utf-8") -> Suite:
    (folder / name).write_bytes(text.encode(encoding))
    return load_suite(folder / name)


def rows(read: Suite) -> list[tuple[str, str, float, dict[str, tuple[str, ...]]]]:
    return [(prompt.id, prompt.text, prompt.duration_s, prompt.tags) for prompt in read.prompts]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_file_has_a_prompt_a_line(tmp_path: Path, encoding: str) -> None:
    read = suite(tmp_path, f"\r\n A cat sits\xa0\r\n\r\nGrüße, Welt\r\n{STREET}", "My prompts.TXT", encoding)
    assert rows(read) == [
        ("a-cat-sits", "A cat sits", 5.0, {}),
        (slug_with_hash("Grüße, Welt"), "Grüße, Welt", 5.0, {}),
        ("a-tranquil-tableau-of-an-ornate-victorian-streetlamp-7b57e6", STREET, 5.0, {}),
    ]
    assert (read.name, read.title, read.warnings) == ("my-prompts", "Prompts of My prompts.TXT", ())
    assert {prompt.task for prompt in read.prompts} == {"unknown"}
    assert read.place("a-cat-sits", ["text"]) == f"{tmp_path}/My prompts.TXT:2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("id,text,duration_s,style\ncat,A cat; sits,3.5,anime\n2,A dog,,real\n", "prompts.csv"),
        ('Prompt ID;Prompt;Duration;style\r\ncat;"A cat; sits";3,5;anime\r\n2;A dog;;real\r\n;;;\r\n', "prompts.csv"),
        ("style\tcaption\tid\tduration\nanime\tA cat; sits\tcat\t3,5\nreal\tA dog\t2\t\n", "prompts.tsv"),
        (
            '{"id": "cat", "prompt": "A cat; sits", "duration": 3.5, "style": "anime"}\n{"id": 2, "prompt": "A dog", "style": ["real"]}',
            "prompts.jsonl",
        ),
        (
            '[{"id": "cat", "text": "A cat; sits", "duration": 3.5, "style": "anime"}, {"id": 2, "text": "A dog", "style": "real"}]',
            "prompts.json",
        ),
    ],
)
def test_tables_in_every_form_are_the_same_suite(tmp_path: Path, text: str, name: str) -> None:
    read = suite(tmp_path, text, name)
    assert rows(read) == [("cat", "A cat; sits", 3.5, {"style": ("anime",)}), ("2", "A dog", 5.0, {"style": ("real",)})]
    assert read.sha256 == "401a0a93ca897e44e95616ab421eb154a005a11f7dc391b389e519b0ccaed8bc"
    assert read.warnings == (f"{name}: 1 column (style) is kept as tags; generators are not given them.",)


def test_the_list_of_prompts_of_vbench_is_read(tmp_path: Path) -> None:
    listed = [
        {"prompt_en": "a bird and a cat", "dimension": ["multiple_objects"], "auxiliary_info": {"multiple_objects": {"object": "bird"}}},
        {"prompt_en": "In a still frame, a stop sign", "dimension": ["temporal_flickering"]},
        {"prompt_en": "a bird and a cat", "dimension": ["aesthetic_quality", "multiple_objects"]},
    ]
    read = suite(tmp_path, json.dumps(listed, indent=1), "full_info.json")
    assert [(prompt.id, prompt.tags) for prompt in read.prompts] == [
        ("a-bird-and-a-cat", {"dimension": ("multiple_objects", "aesthetic_quality")}),
        ("in-a-still-frame-a-stop-sign-8d521e", {"dimension": ("temporal_flickering",)}),
    ]
    assert read.warnings == (
        "full_info.json: 1 column (dimension) is kept as tags; generators are not given them.",
        "full_info.json: 1 column (auxiliary_info) is left out: JSON objects cannot be tags.",
        "full_info.json: entry 3 repeats a prompt: it counts once, with the tags of both.",
    )


def test_texts_that_differ_only_in_capital_letters_or_blanks_are_prompts_of_their_own(tmp_path: Path) -> None:
    read = suite(tmp_path, "A cat\na cat\nA  cat\nA dog\n", "p.txt")
    assert read.ids == (slug_with_hash("A cat"), slug_with_hash("a cat"), slug_with_hash("A  cat"), "a-dog")
    assert read.warnings == ("p.txt: lines 1, 2, 3 differ only in capital letters or blanks ('A cat'); they are prompts of their own.",)
    read = suite(tmp_path, "id,text\n1,x\n2,x\n")
    assert read.warnings == ("prompts.csv: lines 2, 3 have the same text ('x'); they are prompts of their own.",)


def test_a_prompt_that_is_written_twice_counts_once(tmp_path: Path) -> None:
    read = suite(tmp_path, "A cat\n\nA dog\nA cat \nA cat\n", "p.txt")
    assert read.ids == ("a-cat", "a-dog")
    assert read.warnings == ("p.txt: lines 4, 5 repeat a prompt: it counts once.",)
    read = suite(tmp_path, "id,text,style\n1,x,a\n1,x,a\n1,x,b\n")
    assert rows(read) == [("1", "x", 5.0, {"style": ("a", "b")})]


def test_ids_that_no_prompt_can_have_are_written_otherwise(tmp_path: Path) -> None:
    read = suite(tmp_path, "id,text\nP 01,x\n../é,y\nA,z\na,w\n")
    assert read.ids == ("p-01", slug("../é"), slug_with_hash("A"), "a")
    assert read.warnings == (
        "prompts.csv: ids with letters that no prompt id has are written otherwise: "
        f"P 01 is p-01, ../é is {slug('../é')}, A is {slug_with_hash('A')}.",
    )


def test_lines_that_begin_like_comments_are_prompts_with_a_note(tmp_path: Path) -> None:
    read = suite(tmp_path, "# cats\nA cat\n", "p.txt")
    assert [prompt.text for prompt in read.prompts] == ["# cats", "A cat"]
    assert read.warnings == ("p.txt: line 1 begins with #: text files have no comments, so these are prompts.",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.txt", "\n\n", "p.txt: holds no prompt"),
        ("p.csv", "text\n", "p.csv: holds no prompt"),
        (
            "p.txt",
            "prompt,style\nA cat,anime\n",
            "p.txt:1: 'prompt,style' is the header of a table: give the file a name that ends in .csv",
        ),
        (
            "p.txt",
            "Prompt\nA cat\n",
            "p.txt:1: 'Prompt' is the header of a table: give the file a name that ends in .csv, or take",
        ),
        ("p.csv", "A cat\nA dog\n", "the columns are A cat; a file of prompts without a header ends in .txt"),
        ("p.xlsx", "PK\x03\x04 xl/workbook", "p.xlsx: this is an Excel workbook, not a text file: save the table as CSV"),
        ("p.txt", '{"prompt": "A cat"}\n', "p.txt:1: this is JSON: give the file a name that ends in .jsonl or .json"),
        ("p.csv", "\nname\nx\n", "p.csv:2: no column 'text' or 'prompt' with the prompts; the columns are name"),
        ("p.csv", "prompt,text\na,b\n", "p.csv:1: the columns 'prompt' and 'text' may both be the text: rename one or take it out"),
        ("p.csv", "id,text\n1,\n", "p.csv:2: text: is missing"),
        ("p.csv", "id,text\n1,x\n1,y\n", "p.csv:3: the id '1' of line 2 again, with another text: give each prompt an id of its own"),
        (
            "p.csv",
            "text,duration\nx,1\nx,2\n",
            "p.csv:3: the prompt of line 2 again, with another duration: give each prompt an id of its own",
        ),
        ("p.json", '[{"text": "x"}, {"text": ""}]', "p.json:1: entry 2: text: is missing"),
        ("p.csv", "text,duration\nx,5s\n", "p.csv:2: duration: '5s' is not a number"),
        ("p.csv", "text,duration\nx,700\n", "p.csv:2: duration_s: input should be less than or equal to 600"),
        ("p.csv", "text\nA cat, sitting\n", "p.csv:2: 2 cells where the header has 1 column: put text with commas in quotes"),
        ("p.csv", "text\nLike @image1\n", "p.csv:2: names image:1, a reference: only a suite.yaml can state what that is"),
        ("p.jsonl", '{"text": ["x"]}', "p.jsonl:1: text: is a list where a text is needed"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(SuiteError, match=re.escape(message)):
        suite(tmp_path, text, name)


def test_a_spec_keeps_tags_and_keys_do_not_depend_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Prompt(id="a", text="x", task="unknown")
    tagged = Prompt(id="a", text="x", task="unknown", tags={"style": "anime"})  # type: ignore[dict-item]
    assert tagged.tags == {"style": ("anime",)}
    assert stored_json(tagged) == stored_json(plain)
    suite(tmp_path, "text,style\nA cat,anime\n")
    with pytest.warns(UserWarning, match="1 column \\(style\\) is kept as tags"):
        spec = make_spec(["simulator"], suite=str(tmp_path / "prompts.csv"))
    again = RunSpec.from_json(json.loads(json.dumps(spec.as_json())))
    assert again.prompts[0].tags == {"style": ("anime",)}
    assert again.digest() == spec.digest()


LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=20).map(without_blanks)


@given(
    st.lists(
        LINES.filter(lambda line: line and "{" not in line and "@" not in line and "[" not in line), min_size=1, max_size=6, unique=True
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_line_becomes_a_prompt_with_an_id_of_its_own_that_does_not_depend_on_the_form(tmp_path: Path, lines: list[str]) -> None:
    for name in ("p.txt", "p.jsonl"):
        text = "\n".join(lines) if name == "p.txt" else "\n".join(json.dumps({"text": line}) for line in lines)
        try:
            read = suite(tmp_path, text, name)
        except SuiteError as error:
            assert "is the header of a table" in str(error)  # noqa: PT017
            return
        assert [prompt.text for prompt in read.prompts] == lines
        assert len(set(read.ids)) == len(lines)
        assert all(len(name) <= 60 for name in read.ids)
