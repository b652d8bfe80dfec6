"""What docs/validation.md shows: the example protocol judges as it says, and the functions it names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seedbench.clips import changed_copies
from seedbench.plugins.metric import Score
from seedbench.plugins.validation import TruthRow, ValidationProtocol
from seedbench.validation.page import write_pages

PAGE = (Path(__file__).parents[3] / "docs" / "validation.md").read_text()


@pytest.fixture
def protocol() -> ValidationProtocol:
    [source] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, ValidationProtocol] = {}
    exec(source, names)
    return names["PROTOCOL"]


@pytest.mark.parametrize(
    ("copy", "value", "is_right"), [(0, 0.25, True), (0, 0.6, False), (1, 0.6, True), (1, 0.25, False), (1, None, True)]
)
def test_the_example_judges_as_it_says(protocol: ValidationProtocol, copy: int, value: float | None, is_right: bool) -> None:
    score = Score.none("share", "too short") if value is None else Score.of("share", value, backend="peak")
    row = TruthRow(file=Path("a.mp4"), name="a.mp4", kind="filmed", facts={"silence": "0.2"})
    answer = protocol.answer(protocol.variants[copy], row, None, {"share": score}, {})
    assert (answer.answered, answer.right) == (value is not None, is_right)


def test_the_functions_and_files_that_the_page_names_are_there() -> None:
    [usual] = re.findall(r"has the usual changes: (.*?)\. A copy of two", PAGE, re.DOTALL)
    for name in re.findall(r"`(\w+)`", usual):
        assert callable(getattr(changed_copies, name))
    for name in re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE)[:4]:
        assert name in (write_pages.__doc__ or "")
