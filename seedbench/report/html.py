"""The page: one HTML file that needs no network, no server and no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbench.report.charts import Dot, ForestRow, forest
from seedbench.report.drilldown import column_words, drill_down
from seedbench.report.findings import findings
from seedbench.report.preview import NoPreview, Preview
from seedbench.report.wording import coverage, dollars, is_percent, said, seconds, sentence, unit_of
from seedbench.results.columns import ceilings, columns, comparisons_in, place_of, row_of, standing, systems
from seedbench.results.data import MeasureFacts, RunReport

FOLDER = Path(__file__).parent
SCRIPTS = ("evidence.js", "player.js", "report.js")
#: Colours of the style sheet; generators beyond them start over (labels always stand beside the colour).
N_COLOURS = 8


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place of the summary table, in words. ``value`` is empty exactly where ``reason`` is not."""

    value: str = ""
    unit: str = ""
    interval: str = ""
    reason: str = ""
    coverage: str = ""
    standing: str = ""
    against: str = ""
    worst_case: str = ""
    method: str = ""


def render_html(report: RunReport, previews: Mapping[Path, Preview | NoPreview] | None = None) -> str:
    """The whole page. ``previews`` by clip path; without them (None) the page says that they were left out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = columns(report)
    colours = _colours(report)
    style = (FOLDER / "report.css").read_text(encoding="utf-8")
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    data, media, evidence = drill_down(report, made, colours, previews)
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    headline = [column for column in made if column.measure.headline]
    return environment.get_template("template.html").render(
        report=report,
        colours=colours,
        findings=findings(report),
        columns=[column_words(column) for column in headline],
        groups=_groups(headline),
        rows=[(generator, [place(report, generator.name, column) for column in headline]) for generator in report.generators],
        charts=[(column_words(column), _chart(report, column, colours)) for column in headline],
        other_charts=[(column_words(column), _chart(report, column, colours)) for column in made if not column.measure.headline],
        comparisons=_comparisons(report, made),
        missing=_missing(report, made),
        methods=_methods(made),
        provenance={
            "suite": f"{report.suite.name} {report.suite.version}",
            "suite sha256": report.suite.sha256,
            "seeds": list(report.seeds),
        }
        | dict(report.provenance),
        ceilings=ceilings(report),
        systems=systems(report),
        seconds=seconds,
        dollars=dollars,
        confidence=f"{100 * report.confidence:g}%",
        policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; media-src blob:; "
        "base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        data=_json(data),
        media=media,
        evidence=[_json(item) for item in evidence],
    )


def place(report: RunReport, generator: str, column: MeasureFacts) -> Place:
    """What the summary table says of one generator in one column."""
    facts = next(facts for facts in report.generators if facts.name == generator)
    row = row_of(report, generator, column)
    if row is None:
        return Place(reason="not measured", coverage="nothing to score")
    if row.value is None:
        return Place(reason=row.reason, coverage=coverage(row), method=row.method)
    value, interval = said(column.measure, row.value, row.low, row.high)
    found = standing(report, facts, column)
    words = {"worse": "below the ceiling", "better": "above the ceiling", "level": "", "": ""}[found.against_ceiling]
    worst = "" if row.worst_case is None else said(column.measure, row.worst_case)[0]
    return Place(
        value=value,
        unit=unit_of(column.measure),
        interval=interval or (f"no interval: {row.reason}" if row.reason else "no interval"),
        coverage=coverage(row),
        standing="best of the systems" if found.leads else words,
        against=found.against_ceiling,
        worst_case=worst if row.n_unscored + row.n_failed else "",
        method=row.method,
    )


def _colours(report: RunReport) -> dict[str, str]:
    """Colour class of each generator: ceilings share a neutral one."""
    ranked = {system.name: f"g{index % N_COLOURS}" for index, system in enumerate(systems(report))}
    return {generator.name: ranked.get(generator.name, "gc") for generator in report.generators}


def _groups(made: list[MeasureFacts]) -> list[tuple[str, int]]:
    """Neighbouring columns of one metric, as (title, number of columns)."""
    grouped: list[tuple[str, int]] = []
    for column in made:
        if grouped and grouped[-1][0] == column.metric_title:
            grouped[-1] = (column.metric_title, grouped[-1][1] + 1)
        else:
            grouped.append((column.metric_title, 1))
    return grouped


def _methods(made: tuple[MeasureFacts, ...]) -> list[dict[str, Any]]:
    """How to read the columns, by metric and backend; a measure's first row is the target of links to it (``anchor``)."""
    grouped: dict[tuple[str, str], list[MeasureFacts]] = {}
    for column in made:
        grouped.setdefault((column.metric, column.backend), []).append(column)
    seen: set[tuple[str, str]] = set()
    methods = []
    for (metric, backend), group in grouped.items():
        methods.append(
            {
                "metric": metric,
                "backend": backend,
                "title": group[0].metric_title,
                "version": group[0].version,
                "meaning": sentence(next((column.meaning for column in group if column.meaning), "")),
                "citations": list(dict.fromkeys(column.citation for column in group if column.citation)),
                "certificates": list(dict.fromkeys(column.certificate for column in group if column.certificate)),
                "measures": [column_words(column) | {"anchor": (metric, column.measure.name) not in seen} for column in group],
            }
        )
        seen |= {(metric, column.measure.name) for column in group}
    return methods


def _chart(report: RunReport, column: MeasureFacts, colours: Mapping[str, str]) -> str:
    rows = []
    made = columns(report)
    index = made.index(column)
    sizes = column.measure.direction == "zero"
    for generator in report.generators:
        row = row_of(report, generator.name, column)
        here = place(report, generator.name, column)
        dots = tuple(
            # where a summary is a mean of sizes, clips are drawn by size too: on one axis there is one convention
            Dot(value=abs(score.value) if sizes else score.value, shown=score.value, prompt_id=cell.prompt_id, seed=cell.seed)
            for cell in report.cells
            if cell.generator == generator.name
            for score in cell.scores
            if score.value is not None and place_of(made, score.metric, score.measure, score.backend) == index
        )
        rows.append(
            ForestRow(
                label=generator.label,
                css=colours[generator.name],
                text=f"{here.value}{' ' + here.unit if here.unit else ''}" if here.value else here.reason,
                value=row.value if row is not None else None,
                low=row.low if row is not None else None,
                high=row.high if row is not None else None,
                ceiling=generator.role == "ceiling",
                dots=dots if not column.measure.rate else (),
            )
        )
    measure = column.measure
    return forest(
        rows,
        title=measure.title,
        unit=unit_of(measure),
        direction=measure.direction,
        percent=is_percent(measure),
        bounds=(measure.low, measure.high),
    )


def _comparisons(report: RunReport, made: tuple[MeasureFacts, ...]) -> list[dict[str, Any]]:
    labels = {generator.name: generator.label for generator in report.generators}
    shown = []
    for column in made:
        for pair in comparisons_in(report, column):
            difference, interval = ("", "") if pair.difference is None else said(column.measure, pair.difference, pair.low, pair.high)
            unit = "points" if is_percent(column.measure) else unit_of(column.measure)
            shown.append(
                {
                    "column": column_words(column),
                    "a": labels[pair.generator_a],
                    "b": labels[pair.generator_b],
                    "difference": f"{difference} {unit}".strip() if difference else "",
                    "interval": interval or f"none: {pair.reason or 'not given'}",
                    "p": "" if pair.p_adjusted is None else "<0.001" if pair.p_adjusted < 0.001 else f"{pair.p_adjusted:.3f}",
                    "n": pair.n_prompts,
                    "better": labels[pair.better] if pair.better else "",
                    "reason": pair.reason,
                    "method": pair.method,
                }
            )
    return shown


def _missing(report: RunReport, made: tuple[MeasureFacts, ...]) -> list[dict[str, Any]]:
    """Everything without a number, by generator, metric and reason, with the clips it concerns counted; cells without a clip first."""
    clips: Counter[tuple[str, str, str, str]] = Counter()
    for cell in report.cells:
        found: dict[tuple[str, str, str], list[str]] = {}
        for score in cell.scores:
            if score.value is None:
                column = made[place_of(made, score.metric, score.measure, score.backend)]
                status = "no answer" if score.status == "unscored" else "metric failed"
                found.setdefault((column.metric_title, status, score.reason), []).append(column.measure.title)
        for (metric, status, reason), titles in found.items():
            clips[cell.generator, f"{metric}: {', '.join(titles)}", status, reason] += 1
        if cell.status != "succeeded":
            clips[cell.generator, "no clip", cell.status, cell.reason] += 1
    labels = {generator.name: generator.label for generator in report.generators}
    order = list(labels)
    ranked = sorted(clips.items(), key=lambda item: (order.index(item[0][0]), item[0][1] != "no clip", -item[1]))
    return [
        {"generator": labels[name], "what": what, "status": status, "reason": reason, "n": n} for (name, what, status, reason), n in ranked
    ]


def _json(value: Any) -> str:
    """JSON that may stand inside a script element: no ``<`` can end it, whatever a prompt says."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    """The source of a content security policy that allows exactly this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
