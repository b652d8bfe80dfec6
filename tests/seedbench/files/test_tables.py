"""Tables in the dialects that spreadsheets, libraries and people write."""

from __future__ import annotations

import contextlib
import io
import json
import re
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbench.errors import SeedBenchError
from seedbench.files.cell_values import BLANKS, number_in, whole_number_in
from seedbench.files.tables import Table, read_table


class TableTestError(SeedBenchError):
    """The class that the tests ask for."""


def table(folder: Path, content: str | bytes, name: str = "t.csv", **options: list[str]) -> Table:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(file, error=TableTestError, **options)


def cells(read: Table) -> list[dict[str, object]]:
    return [dict(row.cells) for row in read.rows]


PLAIN = "file,offset\nclip.mp4,0.5\n"
ROWS = [{"file": "clip.mp4", "offset": "0.5"}]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.rstrip("\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        "\n\n" + PLAIN + "\n , \n",
        "sep=,\r\n" + PLAIN,
        '"sep=;"\n' + PLAIN.replace(",", ";"),
        "sep=|\n" + PLAIN.replace(",", "|"),
        "file;offset;;\r\nclip.mp4;0.5;;\r\n;;;\r\n;;;\r\n",
        " file , \xa0offset\n\xa0clip.mp4 ,  0.5\u200b\n",
        'file, "offset"\nclip.mp4, "0.5"\n',
        ",file,offset\n0,clip.mp4,0.5\n",
        "file,offset\nclip.mp4,0.5,,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_dialects_read_alike(tmp_path: Path, content: str, encoding: str) -> None:
    assert cells(table(tmp_path, content.encode(encoding))) == ROWS


def test_bytes_marked_big_endian_are_read(tmp_path: Path) -> None:
    assert cells(table(tmp_path, b"\xfe\xff" + PLAIN.encode("utf-16-be"))) == ROWS


def test_rows_know_the_line_on_which_they_begin(tmp_path: Path) -> None:
    read = table(tmp_path, 'a,b\r\n\r\n1,"two\r\nlines"\r\n3,4\r\n')
    assert [row.line for row in read.rows] == [3, 5]
    assert read.rows[0].text("b") == "two\r\nlines"
    assert str(read.rows[1].error("is odd", "b")) == f"{tmp_path}/t.csv:5: b: is odd"


def test_lines_count_the_line_that_names_the_delimiter(tmp_path: Path) -> None:
    assert [row.line for row in table(tmp_path, "sep=;\na;b\n1;2\n").rows] == [3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv: empty; the first line must name the columns file, offset"),
        ("file\nx\n", "t.csv:1: no column 'offset'; the columns are file (commas, semicolons or tabs stand between columns); needed are"),
        ("name,ofset\n", "t.csv:1: no column 'file'"),
        ("file,ofset\n", "t.csv:1: no column 'offset' (did you mean 'ofset'?); the columns are file, ofset; needed are file, offset"),
        ("file,offset,file\n", "t.csv:1: columns 1 and 3 are both called 'file'"),
        ("file,offset\na\n", "t.csv:2: 1 cell where the header has 2 columns"),
        ("file,offset\na,0,5\n", "t.csv:2: 3 cells where the header has 2 columns: put text with commas in quotes"),
        ("file,offset\n\na,\n", "t.csv:3: offset is missing"),
        ('file,offset\na,1\n"b,2\nc,3\n', "t.csv:3: not valid CSV: a quote that opens here is never closed"),
        ('file,offset\n"a"b,1\n', "t.csv:2: not valid CSV: text after a closing quote"),
        ("file,offset,\na,1,x\n", "t.csv:2: column 3 has 'x' but no name in the header"),
        (",file,offset\n7,a,1\n", "t.csv:2: column 1 has '7' but no name in the header"),
        ("file,offset;x\na,1;2\n", "t.csv:1: the header has commas and semicolons"),
        ("sep=a\nfile,offset\n", "t.csv:1: sep=a is no delimiter"),
        ("file,off\0set\n", "t.csv:1: holds a zero byte"),
        (b"file,offset\n\xff\xfe\x00\x01", "t.csv:2: holds a zero byte"),
        (b"\xff\xfef\x00\x00\xd8", "t.csv:1: not valid UTF-16-LE"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1abc",
            "t.csv: this is an Excel workbook of the old kind (.xls), not a text file: save the table as",
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(TableTestError, match=re.escape(message)):
        table(tmp_path, content, filled=["file", "offset"])


def test_an_excel_workbook_with_the_name_of_a_text_file_is_recognised(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(TableTestError, match="this is an Excel workbook, not a text file: save the table as CSV"):
        table(tmp_path, packed.getvalue())


def test_a_folder_with_the_name_of_a_table_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(TableTestError, match=r"t\.csv: cannot be read \(Is a directory\)"):
        read_table(tmp_path / "t.csv", error=TableTestError)


def test_names_of_columns_may_be_written_with_capital_letters_blanks_and_hyphens(tmp_path: Path) -> None:
    read = table(tmp_path, "File;Offset Frames;SEED;Note\nclip.mp4;1;2;x\n", filled=["file", "offset_frames"], known=["seed", "note"])
    assert read.columns == ("file", "offset_frames", "seed", "note")
    read = table(tmp_path, "file,File\na,b\n", filled=["file"])
    assert cells(read) == [{"file": "a", "File": "b"}]
    with pytest.raises(TableTestError, match=r"t\.csv:1: no column 'file' \(did you mean 'File'\?\)"):
        table(tmp_path, "FILE,File\na,b\n", filled=["file"])


def test_a_delimiter_inside_a_quoted_name_is_no_delimiter(tmp_path: Path) -> None:
    assert table(tmp_path, '"a;b",c\n1,2\n').columns == ("a;b", "c")
    assert table(tmp_path, "note, if any;file\n1;2\n").columns == ("note, if any", "file")


def test_a_header_of_one_column_is_split_by_commas_alone(tmp_path: Path) -> None:
    assert cells(table(tmp_path, "prompt\nA cat; a dog\n")) == [{"prompt": "A cat; a dog"}]
    with pytest.raises(TableTestError, match=r"t\.csv:2: 2 cells where the header has 1 column: put text with commas in quotes"):
        table(tmp_path, "prompt\nA cat, sitting\n")


@pytest.mark.parametrize("text", ["Grüße aus Köln – „schön“ … 5 €".replace("„", "").replace("“", ""), "“café”, Élodie’s", "ß"])
def test_western_text_that_reads_the_same_everywhere_is_read(tmp_path: Path, text: str) -> None:
    assert cells(table(tmp_path, f"a;b\n1;{text}\n".encode("cp1252"))) == [{"a": "1", "b": text}]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (
            "a\nok\nMa\xf1ana\n".encode("cp1252"),
            "t.csv:3: not UTF-8, and which other encoding it is cannot be known (it may say 'Mañana' or 'Mańana'): save",
        ),
        ("a\nПривет\n".encode("cp1251"), "t.csv:2: not UTF-8, and which other encoding it is cannot be known: save it as UTF-8"),
        ("a\nПривет\n".encode("koi8-r"), "t.csv:2: not UTF-8"),
        ("a\n猫は猫\n".encode("shift-jis"), "t.csv:2: not UTF-8"),
        ("a\nüber\n".encode("mac-roman"), "t.csv:2: not UTF-8"),
        ("a\rüber\r".encode("cp1252"), "t.csv:2: not UTF-8"),
    ],
)
def test_text_that_may_be_read_in_two_ways_is_not_guessed(tmp_path: Path, raw: bytes, message: str) -> None:
    with pytest.raises(TableTestError, match=re.escape(message)):
        table(tmp_path, raw)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a;n\nx;0,5\n", 0.5),
        ("a;n\nx;1,500\n", 1.5),
        ("a;n\nx;1.234,5\n", 1234.5),
        ("a;n\nx;1.5\n", 1.5),
        ('a,n\nx,"0,5"\n', 0.5),
        ('a,n\nx,"1,234.5"\n', 1234.5),
        ("a\tn\nx\t-,5\n", -0.5),
        ("a,n\nx,\u22123\n", -3.0),
        ("a,n\nx,1e-3\n", 0.001),
        ("a,n\nx,\n", None),
    ],
)
def test_numbers_are_read_where_they_can_be_nothing_else(tmp_path: Path, content: str, value: float | None) -> None:
    assert table(tmp_path, content).rows[0].number("n") == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('a,n\nx,"1,500"\n', "t.csv:2: n: '1,500' may be 1.5 or 1500: write one of these"),
        ("a\tn\nx\t1,500\n", "t.csv:2: n: '1,500' may be 1.5 or 1500"),
        ("a;n\nx;1.500\ny;0,5\n", "t.csv:2: n: '1.500' may be 1.5 or 1500"),
        ("a;n\nx;nan\n", "t.csv:2: n: 'nan' is not a number"),
        ("a;n\nx;1e999\n", "t.csv:2: n: '1e999' is not a number"),
        ("a;n\nx;1_0\n", "t.csv:2: n: '1_0' is not a number"),
        ("a;n\nx;five\n", "t.csv:2: n: 'five' is not a number"),
    ],
)
def test_other_numbers_are_errors_with_their_cell(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TableTestError, match=re.escape(message)):
        table(tmp_path, content).rows[0].number("n")


def test_whole_numbers_are_exact(tmp_path: Path) -> None:
    read = table(tmp_path, "a;n\nx;9007199254740993\nx;7.0\nx;7,0\nx;-3\nx;\n")
    assert [row.whole_number("n") for row in read.rows] == [9007199254740993, 7, 7, -3, None]
    for wrong, sentence in {
        "1.5": "is not a whole",
        "1,23E+15": "rounded by a spreadsheet",
        "1.000": "may be 1 or 1000",
        "x": "is not",
    }.items():
        with pytest.raises(TableTestError, match=rf"t\.csv:2: n: '{re.escape(wrong)}' {sentence}|was {sentence}"):
            table(tmp_path, f"a;n\nx;{wrong}\n").rows[0].whole_number("n")


def test_truth_values_are_read_as_spreadsheets_and_libraries_write_them(tmp_path: Path) -> None:
    true, false = ["TRUE", "True", "yes", "1", "1.0", "WAHR"], ["FALSE", "False", "no", "0", "0.0", "FAUX"]
    read = table(tmp_path, "a;b\n" + "".join(f"x;{word}\n" for word in [*true, *false, ""]))
    assert [row.truth("b") for row in read.rows] == [True] * 6 + [False] * 6 + [None]
    with pytest.raises(TableTestError, match=r"t\.csv:2: b: 'maybe' is neither true nor false"):
        table(tmp_path, "a;b\nx;maybe\n").rows[0].truth("b")


def test_paths_of_windows_are_read_unless_they_leave_the_folder_of_the_table(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    (tmp_path / "odd\\name.mp4").touch()
    accented = unicodedata.normalize("NFD", "é.mp4")
    (tmp_path / accented).touch()
    read = table(tmp_path, "f,g\nclips\\a.mp4,1\nodd\\name.mp4,1\né.mp4,1\nclips\\gone.mp4,1\n")
    names = [row.path("f").relative_to(tmp_path).as_posix() for row in read.rows]
    assert names == ["clips/a.mp4", "odd\\name.mp4", accented, "clips/gone.mp4"]
    for path in ("C:\\clips\\a.mp4", "\\\\server\\clips\\a.mp4", "d:a.mp4"):
        with pytest.raises(TableTestError, match=re.escape(f"t.csv:2: f: {path!r} is a path of a Windows computer: write the path from")):
            table(tmp_path, f"f;g\n{path};1\n").rows[0].path("f")


def test_an_address_in_place_of_a_path_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for address, todo in (("https://a.example/c.mp4", "download the file"), ("file:///c.mp4", "write its path without file://")):
        with pytest.raises(TableTestError, match=re.escape(f"t.csv:2: f: {address!r} is an address") + f".*{todo}"):
            table(tmp_path, f"f,g\n{address},1\n").rows[0].path("f")


def test_json_lines_and_lists_are_read_with_their_lines(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": "x"}, {"a": 2.5, "c": [1]}]
    lines = table(tmp_path, "\ufeff" + "\r\n\r\n".join(map(json.dumps, rows)), "t.jsonl")
    listed = table(tmp_path, json.dumps(rows, indent=1).encode("utf-16"), "t.json")
    assert cells(lines) == cells(listed) == rows
    assert lines.columns == listed.columns == ("a", "b", "c")
    assert [row.line for row in lines.rows] == [1, 3]
    assert [row.line for row in listed.rows] == [2, 6]
    assert (lines.rows[0].whole_number("a"), lines.rows[1].number("a"), lines.rows[0].text("a"), lines.rows[1].text("b")) == (
        1,
        2.5,
        "1",
        "",
    )
    assert cells(table(tmp_path, " [ ] ", "t.json")) == cells(table(tmp_path, "", "t.jsonl")) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a": 1, "a": 2}', "t.jsonl:2: the key a appears twice in one object"),
        ('{"a": {"b": 1, "b": 2}}', "t.jsonl:1: the key b appears twice in one object"),
        ('{"a": 1}\n[1]', "t.jsonl:2: is a list where an object is needed"),
        ("null", "t.jsonl:1: is null where an object is needed"),
        ('{"a": 1} {"a": 2}', "t.jsonl:1: not valid JSON: more text after the object, at column 10"),
        ('{"a": 1,\n', "t.jsonl:1: not valid JSON: Expecting property name"),
        ('[{"a": 1}\n{"a": 2}]', "t.jsonl:2: not valid JSON: a comma is missing"),
        ('[{"a": 1},\n', "t.jsonl:2: not valid JSON: Expecting value"),
        ('[{"a": 1}\n', "t.jsonl:2: not valid JSON: the list is not closed"),
        ('[{"a": 1}] x', "t.jsonl:1: not valid JSON"),
        ('{"a": "\\ud800"}', "t.jsonl:1: half of a character"),
        ('{"a": ' + "[" * 100_000, "t.jsonl:1: not valid JSON: nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "t.jsonl:1: not valid JSON: a number is too long"),
        ('{"b": 1}', "t.jsonl:1: a is missing"),
        ('{"a": null}', "t.jsonl:1: a is missing"),
    ],
)
def test_what_is_no_object_of_json_is_an_error_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(TableTestError, match=re.escape(message)):
        table(tmp_path, content, "t.jsonl", columns=["a"])


def test_a_list_where_a_text_is_needed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TableTestError, match=r"t\.jsonl:1: a: is a list where a text is needed"):
        table(tmp_path, '{"a": [1]}', "t.jsonl").rows[0].number("a")


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8).map(lambda name: name.strip(BLANKS))
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12).map(lambda cell: cell.strip(BLANKS))


@st.composite
def written_tables(draw: st.DrawFn) -> tuple[bytes, list[str], list[list[str]]]:
    """A table in a random dialect: its bytes, column names and rows."""
    delimiter = draw(st.sampled_from(",;\t"))
    names = draw(st.lists(NAMES.filter(lambda name: name and not set(name) & set(",;\t\"'")), min_size=2, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)).filter(any), max_size=4))
    quoted, line_end = draw(st.booleans()), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    extra = delimiter * draw(st.integers(0, 2))
    text = f"sep={delimiter}{line_end}" if draw(st.booleans()) else ""
    for record in [names, *rows]:
        escaped = [cell.replace('"', '""') for cell in record]
        text += delimiter.join(f'"{cell}"' if quoted or set(cell) & set(',;\t"\r\n') else cell for cell in escaped) + extra + line_end
        if draw(st.booleans()):
            text += delimiter * draw(st.integers(0, len(names))) + line_end
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    return text.encode(encoding), names, rows


@given(written_tables())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_table_reads_back_equal_in_every_dialect(tmp_path: Path, written: tuple[bytes, list[str], list[list[str]]]) -> None:
    raw, names, rows = written
    read = table(tmp_path, raw)
    assert read.columns == tuple(names)
    assert [[row.text(name) for name in names] for row in read.rows] == rows


@given(
    st.lists(
        st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])), st.integers() | st.text(st.characters(exclude_categories=["Cs"])) | st.none()
        )
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_json_reads_back_equal_in_both_forms(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    assert cells(table(tmp_path, "\n".join(map(json.dumps, rows)), "t.jsonl")) == rows
    assert cells(table(tmp_path, json.dumps(rows, ensure_ascii=False), "t.json")) == rows


@given(st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_a_number_is_read_back_exactly_with_either_decimal_sign(number: float, comma: bool) -> None:
    text = repr(number).replace(".", ",") if comma else repr(number)
    assert number_in(text, decimal_comma=True) == number


@given(st.integers())
def test_a_whole_number_is_read_back_exactly(number: int) -> None:
    assert whole_number_in(f" {number} ") == number


MARKS = st.sampled_from(
    [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"PK\x03\x04", b"a;b\n", b"a,b\n1,2\n", b"[", b'{"a": ', b"sep=;\r"]
)


@given(
    MARKS,
    st.binary(max_size=60) | st.text(',;\t"\r\n\\[]{}:sep=a10.\xe9\0', max_size=60).map(str.encode),
    st.sampled_from(["t.csv", "t.tsv", "t.jsonl", "t.json"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=500)
def test_no_bytes_whatever_give_another_exception(tmp_path: Path, mark: bytes, body: bytes, name: str) -> None:
    try:
        read = table(tmp_path, mark + body, name)
    except TableTestError:
        return
    for row in read.rows:
        for column in read.columns:
            for reader in (row.text, row.number, row.whole_number, row.truth, row.path):
                with contextlib.suppress(TableTestError):
                    reader(column)


@pytest.mark.parametrize("written", ["NA", "n/a", "NULL", "#N/A", ""])
def test_a_number_that_other_programs_write_as_missing_is_missing(written: str, tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"name,seed\na,{written}\nb,3\n")
    rows = read_table(file, error=SeedBenchError).rows
    assert [row.whole_number("seed") for row in rows] == [None, 3]
    assert rows[0].text("seed") == written
