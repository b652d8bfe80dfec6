"""The page as text: complete, without network access, and safe whatever a prompt contains."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from seedbench.plugins.metric import OFFSET_SIGN
from seedbench.report.entries import summary_entry
from seedbench.report.html import render_html
from seedbench.report.preview import make_previews
from seedbench.results.data import RunReport, ScoreReport, SliceSummary, SummaryRow
from seedbench.results.table import tabulate
from seedbench.runs.clip_facts import ClipFacts
from tests.seedbench.plugins.test_real_footage import RECORD
from tests.seedbench.plugins.test_set_footage import RECORD as RECORD_OF_SETS


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of the page outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.text.append(data)


def parsed(page: str) -> Elements:
    elements = Elements()
    elements.feed(page)
    return elements


@pytest.fixture(scope="module")
def page(report: RunReport) -> str:
    return render_html(tabulate(report), make_previews(report.cells, budget_bytes=10**9))


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    for tag, attributes in parsed(page).tags:
        for name in ("src", "href", "action", "poster", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert "https://" not in page
    assert page.count("http://") == page.count('"http://www.w3.org/2000/svg"')


def test_the_policy_allows_exactly_the_script_and_style_of_the_page(page: str) -> None:
    tags = parsed(page).tags
    policy = next(a["content"] for t, a in tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(body) == 1
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)


def test_a_prompt_full_of_markup_stays_text(page: str) -> None:
    elements = parsed(page)
    assert "window.pwned" not in "".join(name for _, attributes in elements.tags for name in attributes)
    assert sum(tag == "img" for tag, _ in elements.tags) == 0
    assert "<script>window.pwned" not in page
    index = json.loads(re.search(r'id="run-data">(.*?)</script>', page, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert index["prompts"][3]["text"].startswith("A prompt </script><script>")


@pytest.mark.parametrize("where", ["name", "generator", "reason", "note", "provenance"])
def test_markup_is_inert_wherever_it_comes_from(report: RunReport, where: str) -> None:
    bad = "<b onclick=alert(1)>x</b></script>"
    if where == "name":
        report = replace(report, name=bad)
    elif where == "generator":
        report = replace(report, generators=(replace(report.generators[0], label=bad), *report.generators[1:]))
    elif where == "reason":
        report = replace(report, summary=(replace(report.summary[0], value=None, low=None, high=None, reason=bad), *report.summary[1:]))
    elif where == "note":
        report = replace(report, notes=(bad,))
    else:
        report = replace(report, provenance={bad: {bad: [bad]}})
    assert bad not in render_html(tabulate(report))
    assert "onclick=alert(1)&gt;" in render_html(tabulate(report))


def test_what_is_unusual_about_a_file_stands_with_its_clip(report: RunReport) -> None:
    facts = ClipFacts(fps=23.976024, notes=("the cover picture is left out </script><b>",))
    page = render_html(tabulate(replace(report, cells=(replace(report.cells[0], clip_facts=facts), *report.cells[1:]))))
    index = json.loads(re.search(r'id="run-data">(.*?)</script>', page, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert index["cells"][0]["notes"] == list(facts.notes)
    assert "23.98 fps" in index["cells"][0]["facts"]
    assert {tuple(cell["notes"]) for cell in index["cells"][1:]} == {()}


def test_every_missing_value_has_its_reason(page: str, report: RunReport) -> None:
    text = " ".join("".join(parsed(page).text).split())
    for row in report.summary:
        if row.value is None:
            assert row.reason in text
    for cell in report.cells:
        assert not cell.reason or cell.reason in text
    for wrong in ("None", "nan", "NaN", "undefined"):
        assert not re.search(rf"\b{wrong}\b", text)


def test_each_backend_has_columns_of_its_own(report: RunReport) -> None:
    other = replace(report.summary[0], backend="syncnet-v2", value=31.0)
    both = replace(report, summary=(*report.summary[1:], other))
    heads = re.findall(r'<span class="backend" title="backend">(.*?)</span>', render_html(tabulate(both)))
    assert heads[:3] == ["facemesh-cca1", "syncnet-v2", "facemesh-cca1"]
    assert "not measured" in render_html(tabulate(both))


def test_clips_of_a_signed_measure_are_drawn_at_absolute_values_and_labelled_with_their_sign(page: str) -> None:
    """A mean absolute value beside signed ticks would place the summary of late sound among the clips with early sound."""
    (chart,) = re.findall(r'<svg class="forest"[^>]*aria-label="Signed offset;.*?</svg>', page)
    (degraded,) = re.findall(r'<g class="g0">.*?</g>', chart)
    at = float(re.findall(r'<line class="interval" x1="([0-9.]+)"', degraded)[0])
    ticks = re.findall(r'<rect class="dot" x="([0-9.]+)".*?<title>[^:]*: (-?[0-9.]+)</title>', degraded)
    assert len(ticks) == 3
    for x, shown in ticks:
        assert float(shown) < -200  # late
        assert float(x) == pytest.approx(at, abs=60)  # and yet where the summary is, not on the other side of 0


def test_the_page_states_the_sign_of_an_offset(page: str) -> None:
    assert f"Sign: {OFFSET_SIGN}" in page
    (data,) = re.findall(r'id="run-data">(.*?)</script>', page, re.DOTALL)
    signs = {column["name"]: column["sign"] for column in json.loads(data)["columns"]}
    assert signs["lipsync.offset_ms"] == OFFSET_SIGN


def test_a_highest_mean_without_a_supported_comparison_is_not_marked(report: RunReport) -> None:
    column = report.measures[0]
    alone = replace(report, comparisons=())
    assert summary_entry(tabulate(alone), "folder", column).mark == ""
    assert "best of the systems" not in render_html(tabulate(alone))
    won = tuple(replace(c, better="folder") if "folder" in (c.generator_a, c.generator_b) else c for c in report.comparisons)
    assert summary_entry(tabulate(replace(report, comparisons=won)), "folder", column).mark == "best of the systems"
    assert summary_entry(tabulate(replace(report, comparisons=won)), "simulator", column).mark == ""


def test_a_score_of_an_undeclared_measure_is_refused(report: RunReport) -> None:
    stray = SummaryRow(generator="hosted", metric="smell", measure="sweet", value=1.0, n_scored=1)
    with pytest.raises(ValueError, match=r"smell\.sweet has a score but is not among"):
        render_html(tabulate(replace(report, summary=(*report.summary, stray))))


def test_an_empty_run_has_a_page(report: RunReport) -> None:
    bare = replace(report, generators=(), measures=(), summary=(), comparisons=(), cells=(), provenance={}, notes=())
    page = render_html(tabulate(bare))
    assert "No headline measure was scored" in page


def test_nan_in_evidence_becomes_null(report: RunReport) -> None:
    panel = {
        "kind": "curve",
        "title": "t",
        "x_label": "",
        "y_label": "",
        "series": [{"name": "a", "x": [0.0], "y": [float("nan")]}],
        "marks": [],
    }
    score = ScoreReport(metric="physics", measure="energy_gain", value=1.0, status="scored", backend="tracks-v1", evidence=(panel,))
    page = render_html(tabulate(replace(report, cells=(replace(report.cells[0], scores=(score,)),))))
    assert '"y":[null]' in page


def test_the_page_says_that_previews_were_left_out(report: RunReport) -> None:
    assert "this report was written without previews" in render_html(tabulate(report))
    previews = make_previews(report.cells, budget_bytes=1)
    assert "limited to 0 MB" in render_html(tabulate(report), previews)


def test_a_damaged_clip_is_named_in_the_page_and_never_by_its_path(page: str, report: RunReport) -> None:
    damaged = next(cell.clip_path for cell in report.cells if cell.generator == "folder" and cell.prompt_id == "impact-ball-steps")
    assert isinstance(damaged, Path)
    assert "folder-1.mp4: holds neither picture nor sound" in page
    assert str(damaged.parent) not in page


def test_summaries_by_tag_are_tables_of_their_own(report: RunReport) -> None:
    headline = next(row for row in report.summary if row.measure == "offset_abs_ms" and row.value is not None)
    tagged = replace(report, slices=(SliceSummary(tag="<b>style", tag_value="<i>anime", n_prompts=2, row=headline),))
    page = render_html(tabulate(tagged))
    assert "By &lt;b&gt;style (1 value)" in page
    assert '<td>&lt;i&gt;anime</td><td class="n">2</td>' in page
    assert "<b>style" not in page
    assert "(1 value)" not in render_html(tabulate(report))


def test_what_a_metric_is_worth_on_real_footage_stands_above_its_columns_and_under_methods(report: RunReport) -> None:
    known = replace(RECORD, metric="lipsync", metric_version=1)
    page = parsed(render_html(tabulate(replace(report, real_footage={"lipsync": known}))))
    text = " ".join(" ".join(page.text).split())
    words = "real footage: 9 of 10 clips answered, 3 of 20 trials wrong"
    assert text.count(words) == 2
    assert "not tried on real footage" in text
    assert "AUC of m, a against b: 0.90 (0.70 to 0.97)" in text
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a" and attributes.get("class") == "footage"}
    anchors = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert "#r-lipsync" in links
    assert links <= anchors


def test_figures_of_a_metric_of_sets_have_columns_of_their_own(report: RunReport) -> None:
    known = replace(RECORD_OF_SETS, metric="lipsync")
    text = " ".join(" ".join(parsed(render_html(tabulate(replace(report, real_footage={"lipsync": known})))).text).split())
    assert text.count("real footage: equal sets called different kd 2%; harms shown kd 1 of 2") == 2
    assert "Sets Right is Distance Called different" in text
    assert "the unit is the prompt" in text
    assert "frozen (kd, 17 prompts) a difference moved by +0.1 (0.05 to 0.2) 40 of 100" in text
