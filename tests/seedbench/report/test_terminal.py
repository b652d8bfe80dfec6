"""Names that fit a column, and consoles whose width does not depend on where a command was started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from seedbench.report.terminal import PIPED_WIDTH, shortened, terminal_console


@given(st.lists(st.text(alphabet="ab-中é", min_size=1, max_size=40), max_size=30), st.integers(8, 30))
def test_short_names_fit_and_different_names_stay_different(names: list[str], width: int) -> None:
    short = shortened(names, width)
    assert len(short) == len(names)
    assert all(cell_len(text) <= width for text in short)
    assert len(set(short)) == len(set(names))
    assert all(text == name for name, text in zip(names, short, strict=True) if cell_len(name) <= width and short.count(text) == 1)


def test_names_that_differ_in_their_middle_show_it() -> None:
    names = [f"organisation/model-step-{step:05d}-with-classifier-free-guidance-7" for step in (100, 2000)]
    assert ["00100" in text or "02000" in text for text in shortened(names, 24)] == [True, True]


def test_output_that_is_no_terminal_has_a_fixed_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal_console().width == PIPED_WIDTH
    monkeypatch.setenv("COLUMNS", "132")
    assert terminal_console().width == 132
