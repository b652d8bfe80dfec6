"""Boards on a terminal: every model can be told from the others, and no figure is cut."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from seedbench.arena.boards.build import boards
from seedbench.arena.boards.rendering import rows, table
from seedbench.arena.votes.log import Vote
from seedbench.arena.votes.rules import Rules

LONG = "laboratories/checkpoint-of-step-{:04d}-of-a-training-run-with-a-long-name"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_board_of_many_models_with_long_names_is_readable(width: int, vote_log: Callable[..., list[Vote]]) -> None:
    (board,) = boards(vote_log({"alpha": 0.9, "beta": 0.0}, 60), Rules(name="test"), split=False)
    standings = tuple(replace(board.standings[index % 2], model=LONG.format(index), marks=("provisional",)) for index in range(34))
    board = replace(board, standings=standings)
    console = Console(file=(stream := io.StringIO()), width=width)
    console.print(table(board, width))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    body = [re.split(r"\s{2,}", line.strip()) for line in lines if "step" in line or "-00" in line]
    models = [next(cell for cell in cells if "00" in cell and not cell.isdigit()) for cells in body]
    assert len(set(models)) == 34
    for cells, row in zip(body, rows(board), strict=True):
        assert {row[0], row[3], row[4]} <= set(cells)
