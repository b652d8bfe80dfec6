"""Rows of tables of votes: columns under the names that arenas and annotation tools give them, and Label Studio's exports as such rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from seedbench.arena.votes.log import VoteError
from seedbench.arena.votes.names import clean_name, known_name
from seedbench.errors import SeedBenchError
from seedbench.files.cell_values import truth_in
from seedbench.files.tables import Table, TableRow, read_table

SYSTEMS = (
    *(("model_a", "model_b"), ("left", "right"), ("model_left", "model_right"), ("left_model", "right_model"), ("model_1", "model_2")),
    *(("model1", "model2"), ("system_a", "system_b"), ("system_1", "system_2"), ("system_left", "system_right")),
    *(("left_system", "right_system"), ("generator_a", "generator_b"), ("left_generator", "right_generator")),
)
"""The columns of the system on the left and of that on the right."""
ONE_HOT = (("winner_model_a", "winner_model_b"), ("winner_a", "winner_b"), ("winner_left", "winner_right"))
"""The columns that are true where the system on the left, or on the right, won."""
WINNER = ("winner", "choice", "vote", "preference", "preferred", "label", "result", "outcome", "answer", "verdict", "selected")
TIE = ("winner_tie", "tie", "is_tie")
BOTH_BAD = ("winner_both_bad", "winner_bothbad", "winner_tie_bothbad", "both_bad", "is_both_bad")
VOTER = (
    *("judge", "judge_hash", "judge_id", "user_id", "evaluation_session_id", "voter", "voter_id", "annotator", "annotator_id", "rater"),
    *("rater_id", "worker", "worker_id", "participant", "participant_id", "user", "username", "session_id", "completed_by", "ip"),
)
TIME = ("tstamp", "timestamp", "at", "time", "created_at", "datetime", "date")
PROMPT = ("prompt", "prompt_id", "question", "question_id", "prompt_text", "instruction", "instruction_id")
CATEGORY = ("category", "language")
VOTE_ID = ("vote_id", "battle_id", "annotation_id", "uuid", "id")
_KNOWN = {
    *(name for pair in (*SYSTEMS, *ONE_HOT) for name in pair),
    *(*WINNER, *TIE, *BOTH_BAD, *VOTER, *TIME, *PROMPT, *CATEGORY, *VOTE_ID),
    *("task", "type", "anony", "is_valid", "valid", "was_cancelled", "models", "states", "conversation_a", "conversation_b"),
}


@dataclass(frozen=True)
class VoteTableRow:
    """One row that may be a vote.

    Attributes:
        row: The row of the table; of Label Studio's JSON, the task.
        cells: Its values by column, the names of columns in small letters with underscores. An empty cell of CSV is "".
        columns: The names of the columns as they are in the file.
    """

    row: TableRow
    cells: Mapping[str, Any]
    columns: Mapping[str, str]

    def error(self, sentence: str, column: str | None = None) -> SeedBenchError:
        """An error that names file, line and column.

        Args:
            sentence: What is wrong and what to do.
            column: The column, as in ``cells``.
        """
        return self.row.error(sentence, None if column is None else self.columns.get(column, column))

    def text(self, column: str) -> str:
        """The text of a cell without outer blanks; lists and objects as JSON, "" where the row has none.

        Args:
            column: The column, as in ``cells``.
        """
        value = self.cells.get(column)
        if value is None or value == "":
            return ""
        if isinstance(value, list | dict):
            return json.dumps(value, ensure_ascii=False, sort_keys=True)
        return clean_name(str(value))

    def first(self, columns: Sequence[str]) -> str:
        """The text of the first of some columns whose cell is not empty; "" where all are empty.

        Args:
            columns: The columns, the preferred ones first.
        """
        return next((text for name in columns if (text := self.text(name))), "")

    def first_known(self, columns: Sequence[str]) -> str | None:
        """The first name in some columns that names anybody (:func:`seedbench.arena.votes.names.known_name`); None where none does.

        Args:
            columns: The columns, the preferred ones first.
        """
        texts = (text for column in columns if (text := self.text(column)))
        return next((name for text in texts if (name := known_name(text)) is not None), None)

    def truth(self, column: str) -> bool:
        """The truth value of a cell; an empty one, and none, is false.

        Args:
            column: The column, as in ``cells``.

        Raises:
            SeedBenchError: It is neither true nor false.
        """
        text = self.text(column)
        if not text or known_name(text) is None:
            return False
        try:
            return truth_in(text)
        except ValueError as cause:
            raise self.error(str(cause), column) from cause

    def pair_of(self, pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """The first of some pairs of columns that the row has.

        Args:
            pairs: Pairs of columns.

        Returns:
            The pair; None where the row has no pair in full.
        """
        return next((pair for pair in pairs if all(name in self.cells for name in pair)), None)


def vote_rows(file: Path) -> list[VoteTableRow]:
    """Read a table of votes: CSV, JSON or JSON lines, or an export of Label Studio (JSON, JSON-MIN or CSV) with pairwise comparisons.

    Args:
        file: The file.

    Returns:
        Its rows; of Label Studio's JSON, one for each annotation.

    Raises:
        VoteError: The file cannot be read, or a row is not as it must be; the message names file and line.
    """
    table = read_table(file, error=VoteError)
    return [vote_row for row in table.rows for vote_row in _rows_of(row, table)]


def unread_columns(rows: Sequence[VoteTableRow]) -> list[str]:
    """The columns whose content is not read, as they are called in the file.

    Args:
        rows: The rows of a table.

    Returns:
        The names, in the order of the table.
    """
    return list(dict.fromkeys(name for row in rows for column, name in row.columns.items() if column not in _KNOWN))


def _rows_of(row: TableRow, table: Table) -> Iterator[VoteTableRow]:
    if isinstance(row.cells.get("annotations"), list) and isinstance(row.cells.get("data"), dict):
        yield from _annotations(row)
        return
    cells = dict(row.cells) if table.delimiter is None else {name: row.cells.get(name, "") for name in table.columns}
    yield _with_plain_names(row, _with_selected(row, cells))


@lru_cache(maxsize=1000)
def _plain_name(column: str) -> str:
    return "_".join(column.casefold().replace("-", " ").replace("_", " ").split())


def _with_plain_names(row: TableRow, cells: Mapping[str, Any]) -> VoteTableRow:
    columns: dict[str, str] = {}
    for name in cells:
        plain = _plain_name(name)
        if plain in columns:
            raise row.error(f"the columns {columns[plain]!r} and {name!r} have the same name: take one out or rename it")
        columns[plain] = name
    return VoteTableRow(row, {plain: cells[name] for plain, name in columns.items()}, columns)


def _annotations(task: TableRow) -> Iterator[VoteTableRow]:
    """The annotations of a task of Label Studio's JSON export, as its JSON-MIN has them; one row without an answer where there are none."""
    data = task.cells["data"]
    annotations = task.cells["annotations"]
    if not annotations:
        yield _with_plain_names(task, {**data, "winner": ""})
    for annotation in annotations:
        if not isinstance(annotation, dict) or not isinstance(annotation.get("result", []), list):
            raise task.error("is not an annotation with a list of results", "annotations")
        who = annotation.get("completed_by")
        about = {
            "annotation_id": annotation.get("id"),
            "completed_by": (who.get("email") or who.get("id")) if isinstance(who, dict) else who,
            "created_at": annotation.get("created_at"),
            "was_cancelled": annotation.get("was_cancelled", False),
            "winner": _answer_of_results(task, annotation.get("result", [])),
        }
        yield _with_plain_names(task, {**data, **about})


def _answer_of_results(task: TableRow, results: Sequence[Any]) -> str:
    """The side of the one pairwise comparison in the results of an annotation or, without any, its one choice."""
    values = [result for result in results if isinstance(result, dict) and isinstance(result.get("value"), dict)]
    sides = {str(result.get("from_name")): result["value"]["selected"] for result in values if "selected" in result["value"]}
    choices = {str(result.get("from_name")): result["value"]["choices"] for result in values if "choices" in result["value"]}
    answers = sides or choices
    if len(answers) > 1:
        raise task.error(f"an annotation answers several questions ({', '.join(answers)}): export one of them", "annotations")
    answer = next(iter(answers.values()), "")
    if isinstance(answer, list):
        if len(answer) > 1:
            raise task.error("an annotation has several choices where one is needed", "annotations")
        answer = answer[0] if answer else ""
    return str(answer)


def _with_selected(row: TableRow, cells: dict[str, Any]) -> dict[str, Any]:
    """The cells, with the answer of Label Studio's JSON-MIN and CSV (``[{"selected": "left"}]`` in a column of any name) as the winner."""
    selected = {name: side for name, value in cells.items() if (side := _selected_side(value)) is not None}
    if len(selected) > 1:
        raise row.error(f"the columns {' and '.join(selected)} each hold a comparison: keep one of them")
    if not selected:
        return cells
    name, side = next(iter(selected.items()))
    return {**{key: value for key, value in cells.items() if key not in (name, "winner")}, "winner": side}


def _selected_side(value: Any) -> str | None:
    """The side in ``[{"selected": "left"}]``, as a value or as text; None for anything else."""
    if isinstance(value, str) and '"selected"' in value and value.startswith(("[", "{")):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return None
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return str(value["selected"]) if isinstance(value, dict) and isinstance(value.get("selected"), str) else None
