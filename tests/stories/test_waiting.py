"""Tests of pages wait until a page shows what they expect: none looks only once or sleeps for a fixed time (see ``tests/browsing.py``)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: Methods of Playwright that say what is there at this moment.
LOOKS = {
    *("all", "all_inner_texts", "all_text_contents", "bounding_box", "content", "get_attribute", "inner_html", "inner_text", "input_value"),
    *("is_checked", "is_disabled", "is_editable", "is_enabled", "is_hidden", "is_visible", "query_selector", "query_selector_all"),
    *("sleep", "text_content", "wait_for_timeout"),
}


def looks_once(source: str) -> list[str]:
    """The calls of a module that look once or sleep, each with its line: of ``LOOKS``, ``count()``, and ``evaluate`` for its answer."""
    tree = ast.parse(source)
    commands = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    calls = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, bare = node.func.attr, not node.args and not node.keywords
        if name in LOOKS or (name == "count" and bare) or (name == "evaluate" and id(node) not in commands):
            calls.append(f"{node.lineno}: {name}")
    return calls


def browser_tests() -> list[Path]:
    """The modules whose tests need a browser."""
    marked = [path for path in sorted(TESTS.rglob("test_*.py")) if path != Path(__file__)]
    return [path for path in marked if "pytest.mark.browser" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", browser_tests(), ids=lambda path: path.stem)
def test_a_test_of_a_page_waits_for_what_it_looks_at(path: Path) -> None:
    assert looks_once(path.read_text(encoding="utf-8")) == [], "wait for it: see tests/browsing.py"


def test_the_modules_with_tests_of_pages_are_listed() -> None:
    assert {path.stem for path in browser_tests()} >= {"test_arena", "test_arena_owner", "test_arena_autoplay", "test_browser"}


@pytest.mark.parametrize(
    "line",
    ["page.locator('a').is_visible()", "time.sleep(1)", "page.wait_for_timeout(300)", "assert page.evaluate('x') == 1", "x.content()"],
)
def test_code_that_looks_once_is_detected(line: str) -> None:
    assert len(looks_once(line)) == 1


def test_code_that_waits_or_does_not_look_is_accepted() -> None:
    assert looks_once("page.evaluate('go()'); expect(page.locator('a')).to_have_count(1); [1].count(1); page.locator('a').wait_for()") == []
