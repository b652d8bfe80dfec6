"""The page in a real browser, opened from disk with the network cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbench.report.write import write_report
from seedbench.results.data import RunReport
from tests.browsing import attribute, expect, launched, page_of, until, value

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched("--autoplay-policy=no-user-gesture-required") as opened:
        yield opened


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
        page = page_of(browser, viewport={"width": width, "height": height}, offline=True, **options)
        contexts.append(page.context)
        page.on("console", lambda message: trouble.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else trouble.append(request.url))
        page.goto(page_file.as_uri() + address)
        page.locator("#browser:not([hidden])").wait_for()
        return page

    yield go
    for context in contexts:
        context.close()
    assert trouble == []


VIDEOS = "[...document.querySelectorAll('.clip video')]"


def ready(page: Any) -> None:
    until(page, f"{VIDEOS}.length > 0 && {VIDEOS}.every((video) => video.readyState >= 2)")


def test_the_clips_of_a_prompt_play_together_and_one_is_heard(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    expect(page.locator(".clip video")).to_have_count(4)
    page.get_by_role("button", name="Play all").click()
    until(page, "clock.time() > 0.8")
    # the player brings clips that drift apart together again, so on a busy machine too a moment comes when they are
    until(page, f"Math.max(...{VIDEOS}.map((video) => video.currentTime)) - Math.min(...{VIDEOS}.map((video) => video.currentTime)) < 0.2")
    until(page, f"{VIDEOS}.filter((video) => !video.muted).length === 1")
    page.locator(".hear").nth(2).click()
    until(page, f"{VIDEOS}.map((video) => video.muted).join() === 'true,true,false,true'")
    page.get_by_role("button", name="Pause all").click()
    until(page, f"{VIDEOS}.every((video) => video.paused)")


def test_the_clips_loop_and_stop_at_the_end_without_it(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    page.evaluate("clock.seek(1.6)")
    page.get_by_role("button", name="Play all").click()
    until(page, "clock.time() < 1 && clock.playing")
    page.get_by_label("loop").uncheck()
    page.evaluate("clock.seek(1.7)")
    until(page, "!clock.playing")
    expect(page.get_by_role("button", name="Play all")).to_be_visible()


def test_a_seek_moves_every_clip_and_the_heads_of_the_curves(visit: Callable[..., Any]) -> None:
    page = visit()
    ready(page)
    head = page.locator(".plot .head").first
    before = attribute(head, "x1")
    page.get_by_label("Time", exact=True).fill("1.2")
    until(page, f"{VIDEOS}.every((video) => Math.abs(video.currentTime - 1.2) < 0.05)")
    expect(head).not_to_have_attribute("x1", before)


def test_arrow_keys_step_through_the_values_of_a_curve(visit: Callable[..., Any]) -> None:
    page = visit()
    plot = page.locator(".plot").first
    plot.locator("svg").wait_for()
    plot.focus()
    page.keyboard.press("ArrowRight")
    legend = plot.locator("xpath=following-sibling::ul[1]")
    expect(legend).to_contain_text("at −600")
    expect(plot).to_have_attribute("aria-label", re.compile("^Agreement of lips and sound over the lag: correlation over lag"))


def test_markup_in_a_prompt_is_shown_as_text(visit: Callable[..., Any]) -> None:
    page = visit("#clips/hostile/0")
    expect(page.locator(".prompt-text")).to_contain_text("</script><script>window.pwned = 1</script>")
    expect(page.locator(".absent")).to_have_text(re.compile(r"^Failed\s+HTTP 503 after 4 tries$"), use_inner_text=True)
    assert value(page, "window.pwned") is None


def test_refused_cells_and_damaged_files_give_their_reason_in_place_of_the_clip(visit: Callable[..., Any]) -> None:
    page = visit("#clips/shots-two-friends/0")
    expect(page.locator(".absent")).to_contain_text("declined the prompt")
    expect(page.locator(".metric").first).to_contain_text("no clip: refused")
    page.locator("#prompts button", has_text="impact-ball-steps").click()
    expect(page.locator(".absent")).to_contain_text("holds neither picture nor sound")


def test_filters_order_and_generators(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_label("Task").select_option("impact")
    expect(page.locator("#prompts .id")).to_have_text(["impact-ball-steps"])
    page.get_by_label("Task").select_option("")
    page.get_by_label("Find a prompt").fill("news")
    expect(page.locator("#prompts .id")).to_have_text(["talk-en-newsreader"])
    page.get_by_label("Find a prompt").fill("nothing like it")
    expect(page.locator("#prompts")).to_contain_text("No prompt matches")
    page.get_by_label("Find a prompt").fill("")
    page.get_by_label("Order of prompts").select_option(label="largest difference: Audio offset")
    expect(page.locator("#prompts svg")).to_have_count(4)
    expect(page.locator("#prompts .id").last).to_have_text("shots-two-friends")
    page.get_by_role("button", name="Hosted model", exact=True).click()
    expect(page.locator(".clip")).to_have_count(3)
    page.get_by_label("Metric shown").select_option(label="Physics")
    expect(page.locator(".metric h4")).to_have_text(["Physics"])
    page.get_by_label("Seed").select_option("1")
    until(page, "state.seed === 1")


def test_a_tick_of_a_chart_opens_its_clip(visit: Callable[..., Any]) -> None:
    page = visit()
    page.locator(".forest[aria-label^='Energy'] .g1 .dot[data-prompt=impact-ball-steps]").last.click()
    expect(page.locator(".prompt-head h3")).to_have_text("impact-ball-steps")
    expect(page).to_have_url(re.compile("#clips/impact-ball-steps/1$"))


def test_evidence_can_be_enlarged_and_closed_by_key(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_role("button", name="Enlarge: Agreement of lips").first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator(".plot svg").wait_for()
    until(page, "document.querySelector('dialog[open] .plot svg').getBoundingClientRect().width > 600")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 900, 1280])
def test_no_width_and_no_colour_scheme_overflows_or_hides_text(visit: Callable[..., Any], tmp_path: Path, width: int, scheme: str) -> None:
    page = visit(width=width, height=844, color_scheme=scheme, reduced_motion="reduce")
    ready(page)
    page.evaluate("document.querySelectorAll('main details').forEach((node) => { node.open = true; })")
    until(page, f"document.documentElement.scrollWidth === {width}")
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert (tmp_path / "page.png").stat().st_size > 50_000
    assert value(page, LOW_CONTRAST) == []


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
