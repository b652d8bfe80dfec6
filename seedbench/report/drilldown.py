"""What the page's script reads: every cell with its scores in words, the clips, and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbench.report.preview import NoPreview, Preview
from seedbench.report.wording import column_words, decimals, dollars, is_percent, number, rounded, seconds, value_and_interval
from seedbench.results.data import CellReport, ScoreReport
from seedbench.results.table import ResultsTable


@dataclass(frozen=True)
class DrillDown:
    """The data of the page's script.

    Attributes:
        index: All cells with their scores in words, without evidence, as JSON.
        clips: MP4 files in base64, each file once.
        evidence: The evidence of every cell, in the order of the cells, as JSON.
    """

    index: dict[str, Any]
    clips: list[str]
    evidence: list[dict[str, Any]]


def drill_down(table: ResultsTable, colours: Mapping[str, str], previews: Mapping[Path, Preview | NoPreview] | None) -> DrillDown:
    """Collect what the page's script reads.

    Args:
        table: The results of the run.
        colours: The colour class of each generator, by name.
        previews: The previews by clip path; None: they were left out.

    Returns:
        The data, with all numbers that the script shows in words.

    Raises:
        KeyError: A clip has no entry in ``previews``, or a generator none in ``colours``.
    """
    report = table.report
    generators = [generator.name for generator in report.generators]
    prompts = {
        cell.prompt_id: {"id": cell.prompt_id, "text": cell.prompt_text, "task": cell.task, "tags": cell.tags} for cell in report.cells
    }
    prompt_ids = list(prompts)
    places = _decimal_places(table)
    clips: dict[Path, tuple[int, str]] = {}
    cells = [
        {
            "g": generators.index(cell.generator),
            "p": prompt_ids.index(cell.prompt_id),
            "s": cell.seed,
            "status": cell.status,
            "reason": cell.reason,
            "scores": [_score_words(table, score, places) for score in cell.scores],
            "clip": _clip(cell, previews, clips),
            "facts": _facts(cell),
            "notes": list(cell.clip_facts.notes),
        }
        for cell in report.cells
    ]
    index = {
        "generators": [{"label": g.label, "role": g.role, "css": colours[g.name]} for g in report.generators],
        "columns": [column_words(c) | {"rate": c.measure.rate, "headline": c.measure.headline} for c in table.columns],
        "prompts": list(prompts.values()),
        "tags": list(dict.fromkeys(entry.tag for entry in report.slices)),
        "seeds": sorted({cell.seed for cell in report.cells}),
        "cells": cells,
    }
    evidence = [
        {"scores": [{"panels": rounded(score.evidence), "details": rounded(dict(score.details))} for score in cell.scores]}
        for cell in report.cells
    ]
    return DrillDown(index, [mp4 for _, mp4 in clips.values()], evidence)


def _score_words(table: ResultsTable, score: ScoreReport, places: Mapping[int, int]) -> dict[str, Any]:
    """A score for the script: ``c`` is its column, ``v`` its value, ``n`` what it was computed from."""
    position = table.position(score)
    words: dict[str, Any] = {
        "c": position,
        "status": score.status,
        "reason": score.reason,
        "more": bool(score.evidence or score.details),
    }
    if score.value is not None:
        low, high = score.interval or (None, None)
        measure = table.columns[position].measure
        text, interval = value_and_interval(measure, score.value, low, high, places=places[position])
        words |= {"v": score.value, "text": text, "interval": interval}
    if score.n_used is not None:
        words["n"] = f"{score.n_used} of {score.n_total}" if score.n_total is not None else f"{score.n_used}"
    return words


def _facts(cell: CellReport) -> list[str]:
    """Duration, rate, latency and cost of a cell in words, as far as they are known."""
    duration = None if cell.duration_s is None else f"{number(cell.duration_s, 1)} s"
    rate = None if cell.clip_facts.fps is None else f"{cell.clip_facts.fps:.4g} fps"
    latency = None if cell.latency_s is None else f"made in {seconds(cell.latency_s)}"
    cost = None if cell.cost_usd is None else dollars(cell.cost_usd)
    return [text for text in (duration, rate, latency, cost) if text]


def _decimal_places(table: ResultsTable) -> dict[int, int]:
    """Decimals of each column's clip values: three digits of its largest, so that the values of a column can be compared."""
    largest: dict[int, float] = {}
    for cell in table.report.cells:
        for score in cell.scores:
            if score.value is not None:
                position = table.position(score)
                scale = 100.0 if is_percent(table.columns[position].measure) else 1.0
                largest[position] = max(largest.get(position, 0.0), abs(score.value) * scale)
    return {position: decimals(value) for position, value in largest.items()}


def _clip(cell: CellReport, previews: Mapping[Path, Preview | NoPreview] | None, clips: dict[Path, tuple[int, str]]) -> dict[str, Any]:
    """How a cell's clip is shown: its number among the embedded ``clips``, to which it is added, or why there is nothing to play."""
    if cell.clip_path is None:
        return {"reason": cell.reason or f"no clip: {cell.status}"}
    if previews is None:
        return {"reason": "this report was written without previews of its clips"}
    preview = previews[cell.clip_path]
    if isinstance(preview, NoPreview):
        return {"reason": preview.reason}
    number_of_clip, _ = clips.setdefault(cell.clip_path, (len(clips), preview.mp4))
    return {"id": number_of_clip, "poster": preview.poster, "audio": preview.has_audio, "original": preview.original}
