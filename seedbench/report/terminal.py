"""What every table on the terminal needs: a console whose width does not depend on chance, and names short enough for a column."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_WIDTH = 80
"""Columns of the output where it goes to a file or another program and ``$COLUMNS`` does not say otherwise."""
ELLIPSIS = "…"


def terminal_console(*, highlight: bool = True) -> Console:
    """A console for the standard output.

    Args:
        highlight: Colour numbers and paths.

    Returns:
        A console as wide as the terminal. Where the output is no terminal, it is :data:`PIPED_WIDTH` columns wide, whatever terminal the
        command was started from, or as wide as ``$COLUMNS`` says.
    """
    from rich.console import Console

    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return Console(highlight=highlight, width=int(columns))
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return Console(highlight=highlight, width=None if is_terminal else PIPED_WIDTH)


def fits(console: Console, table: Table) -> bool:
    """Whether a table has all its columns in full width on a console.

    Args:
        console: The console.
        table: The table.

    Returns:
        False where a column would be made narrower and its texts folded.
    """
    unlimited = console.options.update(max_width=100_000)
    return console.measure(table, options=unlimited).maximum <= console.width


def shortened(names: Sequence[str], width: int) -> list[str]:
    """Names of at most ``width`` columns: longer ones lose their middle, and different names stay different.

    Args:
        names: Names, in any order.
        width: Columns of the terminal, at least 4; letters of some scripts take two.

    Returns:
        One text for each name, in the same order. Equal names give equal texts. Names that would look the same without their middle show
        the part in which they differ, and where that is not enough, their number (``~2``).

    >>> shortened(["short", "a-very-long-name-of-a-model"], 12)
    ['short', 'a-very…model']
    >>> shortened(["model-step-0100-of-the-run", "model-step-0200-of-the-run"], 12)
    ['…ep-0100-of…', '…ep-0200-of…']
    """
    texts = {name: _without_middle(name, width) for name in names}
    for same in _alike(texts):
        first = min(_difference(same[0], other) for other in same[1:])
        texts |= {name: _around(name, first, width) for name in same}
    taken = set(texts.values())
    for same in _alike(texts):
        for name in same[1:]:
            number = 2
            while (text := f"{_without_middle(name, width - len(f'~{number}'))}~{number}") in taken:
                number += 1
            taken.add(text)
            texts[name] = text
    return [texts[name] for name in names]


def _alike(texts: dict[str, str]) -> list[list[str]]:
    """Groups of names that have one text."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, text in texts.items():
        groups[text].append(name)
    return [names for names in groups.values() if len(names) > 1]


def _without_middle(name: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width:
        return name
    head = set_cell_size(name, width // 2)
    tail = set_cell_size(name[::-1], max(0, width - width // 2 - 1))[::-1]
    return f"{head.rstrip()}{ELLIPSIS}{tail.lstrip()}"


def _around(name: str, position: int, width: int) -> str:
    """The part of a name around a position, with an ellipsis for what is left out on either side."""
    from rich.cells import cell_len, set_cell_size

    start = max(0, position - width // 3)
    part = name[start:]
    opening = ELLIPSIS if start else ""
    if cell_len(part) <= width - len(opening):
        return opening + part
    return opening + set_cell_size(part, width - len(opening) - 1).rstrip() + ELLIPSIS


def _difference(first: str, second: str) -> int:
    """The position of the first letter in which two different names differ."""
    return next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))


def longest_word(texts: Sequence[str]) -> int:
    """The columns that a column of a table needs so that no word, and no number, is cut.

    >>> longest_word(["276 [259 to 292]", "−1.23e+06"])
    9
    """
    from rich.cells import cell_len

    return max((cell_len(word) for text in texts for word in text.split()), default=1)
