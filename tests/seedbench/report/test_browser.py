"""The page in a real browser, opened from disk with the network cut off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbench.report.data import RunReport
from seedbench.report.write import write_report

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "the browser tests need Chromium: `make browser` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--autoplay-policy=no-user-gesture-required", "--mute-audio"],
            chromium_sandbox=os.geteuid() != 0,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_file(make_report: Callable[..., RunReport], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    report = make_report(folder / "clips", seconds=2.0, size=(160, 90))
    again = tuple(replace(cell, seed=1) for cell in report.cells)
    return write_report(replace(report, seeds=(0, 1), cells=(*report.cells, *again)), folder)[0]


@pytest.fixture
def visit(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page; afterwards nothing may have been logged, thrown or asked of the network."""
    trouble: list[str] = []
    contexts = []

    def go(address: str = "", *, width: int = 1280, height: int = 900, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else trouble.append(request.url))
        page.goto(page_file.as_uri() + address)
        page.wait_for_selector("#browser:not([hidden])")
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


def until(page: Any, condition: str, seconds: float = 10.0) -> None:
    """Waits for a condition, asked from outside: the page's policy forbids the polling that Playwright would do inside."""
    for _ in range(int(seconds * 20)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}")


def ready(page: Any) -> None:
    until(page, "[...document.querySelectorAll('.clip video')].every((video) => video.readyState >= 2)")


def test_the_clips_of_a_prompt_play_together_and_one_is_heard(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    assert page.locator(".clip video").count() == 4
    page.get_by_role("button", name="Play all").click()
    until(page, "clock.time() > 0.8")
    times = page.evaluate("[...document.querySelectorAll('.clip video')].map((video) => video.currentTime)")
    assert max(times) - min(times) < 0.2
    assert page.evaluate("[...document.querySelectorAll('.clip video')].filter((video) => !video.muted).length") == 1
    page.locator(".hear").nth(2).click()
    assert page.evaluate("[...document.querySelectorAll('.clip video')].map((video) => video.muted)") == [True, True, False, True]
    page.get_by_role("button", name="Pause all").click()
    assert page.evaluate("[...document.querySelectorAll('.clip video')].every((video) => video.paused)")


def test_the_clips_loop_and_stop_at_the_end_without_it(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    page.evaluate("clock.seek(1.6)")
    page.get_by_role("button", name="Play all").click()
    until(page, "clock.time() < 1 && clock.playing")
    page.get_by_label("loop").uncheck()
    page.evaluate("clock.seek(1.7)")
    until(page, "!clock.playing")
    assert page.get_by_role("button", name="Play all").is_visible()


def test_a_seek_moves_every_clip_and_the_heads_of_the_curves(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    page.locator(".plot .head").first.wait_for(state="attached")
    before = page.locator(".plot .head").first.get_attribute("x1")
    page.get_by_label("Time", exact=True).fill("1.2")
    until(page, "[...document.querySelectorAll('.clip video')].every((video) => Math.abs(video.currentTime - 1.2) < 0.05)")
    assert page.locator(".plot .head").first.get_attribute("x1") != before


def test_arrow_keys_read_a_curve(visit: Callable[..., Any]) -> None:
    page = visit()
    plot = page.locator(".plot").first
    plot.locator("svg").wait_for()
    plot.focus()
    page.keyboard.press("ArrowRight")
    legend = plot.locator("xpath=following-sibling::ul[1]")
    assert "at −600" in legend.inner_text()
    assert plot.get_attribute("aria-label").startswith("Agreement of lips and sound over the lag: correlation over lag")


def test_a_prompt_full_of_markup_is_shown_and_does_nothing(visit: Callable[..., Any]) -> None:
    page = visit("#clips/hostile/0")
    assert "</script><script>window.pwned = 1</script>" in page.locator(".prompt-text").inner_text()
    assert page.evaluate("window.pwned") is None
    assert page.locator(".absent").inner_text().split("\n") == ["Failed", "HTTP 503 after 4 tries"]


def test_refusals_and_broken_files_stand_where_the_clip_would_be(visit: Callable[..., Any]) -> None:
    page = visit("#clips/shots-two-friends/0")
    assert "declined the prompt" in page.locator(".absent").inner_text()
    assert "no clip: refused" in page.locator(".metric").first.inner_text()
    page.locator("#prompts button", has_text="impact-ball-steps").click()
    assert "holds neither picture nor sound" in page.locator(".absent").inner_text()


def test_filters_order_and_generators(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_label("Task").select_option("impact")
    assert page.locator("#prompts .id").all_inner_texts() == ["impact-ball-steps"]
    page.get_by_label("Task").select_option("")
    page.get_by_label("Find a prompt").fill("news")
    assert page.locator("#prompts .id").all_inner_texts() == ["talk-en-newsreader"]
    page.get_by_label("Find a prompt").fill("nothing like it")
    assert "No prompt passes" in page.locator("#prompts").inner_text()
    page.get_by_label("Find a prompt").fill("")
    page.get_by_label("Order of prompts").select_option(label="most apart: Audio offset")
    assert page.locator("#prompts svg").count() == 4
    assert page.locator("#prompts .id").all_inner_texts()[-1] == "shots-two-friends"
    page.get_by_role("button", name="Hosted model", exact=True).click()
    assert page.locator(".clip").count() == 3
    page.get_by_label("Metric shown").select_option(label="Physics")
    assert page.locator(".metric h4").all_inner_texts() == ["Physics"]
    page.get_by_label("Seed").select_option("1")
    assert page.evaluate("state.seed") == 1


def test_a_tick_of_a_chart_opens_its_clip(visit: Callable[..., Any]) -> None:
    page = visit()
    page.locator(".forest[aria-label^='Energy'] .g1 .dot[data-prompt=impact-ball-steps]").last.click()
    assert page.locator(".prompt-head h3").inner_text() == "impact-ball-steps"
    assert page.url.endswith("#clips/impact-ball-steps/1")


def test_evidence_can_be_enlarged_and_closed_by_key(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_role("button", name="Enlarge: Agreement of lips").first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator(".plot svg").wait_for()
    assert dialog.locator(".plot svg").bounding_box()["width"] > 600
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1280])
def test_no_width_and_no_colour_scheme_overflows_or_hides_text(visit: Callable[..., Any], tmp_path: Path, width: int, scheme: str) -> None:
    page = visit(width=width, height=844, color_scheme=scheme, reduced_motion="reduce")
    ready(page)
    for details in page.locator("main details").all():
        details.evaluate("(node) => { node.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 50_000
    assert page.evaluate(LOW_CONTRAST) == []


LOW_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) { const c = rgb(getComputedStyle(at).backgroundColor); if (c[3] > 250) return c; }
    return [255, 255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("main *, header *, nav *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest("svg, option, .absent, button[aria-pressed=false]") || node.offsetParent === null) continue;
    const a = light(rgb(getComputedStyle(node).color)), b = light(behind(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 30)}`);
  }
  return found;
}"""
