"""What the page's script reads: every cell with its scores in words, the clips, and the evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbench.report.preview import NoPreview, Preview
from seedbench.report.wording import ARROWS, DIRECTIONS, decimals, dollars, is_percent, number, said, seconds, sentence, unit_of
from seedbench.results.columns import place_of
from seedbench.results.data import CellReport, MeasureFacts, RunReport


def column_words(column: MeasureFacts) -> dict[str, Any]:
    """A column as the page and its script show it: name, titles, unit, direction and range in words."""
    measure = column.measure
    bounds = ["−∞" if measure.low is None else f"{measure.low:g}", "∞" if measure.high is None else f"{measure.high:g}"]
    return {
        "name": f"{column.metric}.{measure.name}",
        "title": measure.title,
        "metric_title": column.metric_title,
        "unit": unit_of(measure),
        "percent": is_percent(measure),
        "arrow": ARROWS[measure.direction],
        "direction": DIRECTIONS[measure.direction],
        "backend": column.backend,
        "meaning": sentence(measure.meaning),
        "sign": measure.sign,
        "range": "unbounded" if measure.low is None and measure.high is None else " to ".join(bounds).replace("-", "−"),
    }


def drill_down(
    report: RunReport,
    made: tuple[MeasureFacts, ...],
    colours: Mapping[str, str],
    previews: Mapping[Path, Preview | NoPreview] | None,
) -> tuple[dict[str, Any], list[str], list[dict[str, Any]]]:
    """What the page's script reads: the index of all cells; the clips (base64, each once); the evidence of every cell."""
    names = [generator.name for generator in report.generators]
    prompts = {cell.prompt_id: {"id": cell.prompt_id, "text": cell.prompt_text, "task": cell.task} for cell in report.cells}
    order = list(prompts)
    places = _places(report, made)
    media: list[str] = []
    placed: dict[Path, int] = {}
    cells, evidence = [], []
    for cell in report.cells:
        shown = _clip(cell, previews, media, placed)
        scores, panels = [], []
        for score in cell.scores:
            index = place_of(made, score.metric, score.measure, score.backend)
            item: dict[str, Any] = {
                "c": index,
                "status": score.status,
                "reason": score.reason,
                "more": bool(score.evidence or score.details),
            }
            if score.value is not None:
                low, high = score.interval or (None, None)
                text, interval = said(made[index].measure, score.value, low, high, places=places[index])
                item |= {"v": score.value, "text": text, "interval": interval}
            if score.n_used is not None:
                item["n"] = f"{score.n_used} of {score.n_total}" if score.n_total is not None else f"{score.n_used}"
            scores.append(item)
            panels.append({"panels": rounded(score.evidence), "details": rounded(dict(score.details))})
        facts = {
            "duration": None if cell.duration_s is None else f"{number(cell.duration_s, 1)} s",
            "latency": None if cell.latency_s is None else f"made in {seconds(cell.latency_s)}",
            "cost": None if cell.cost_usd is None else dollars(cell.cost_usd),
        }
        base = {
            "g": names.index(cell.generator),
            "p": order.index(cell.prompt_id),
            "s": cell.seed,
            "status": cell.status,
            "reason": cell.reason,
        }
        cells.append(base | {"scores": scores, "clip": shown, "facts": [text for text in facts.values() if text]})
        evidence.append({"scores": panels})
    data = {
        "generators": [{"label": g.label, "role": g.role, "css": colours[g.name]} for g in report.generators],
        "columns": [column_words(column) | {"rate": column.measure.rate, "headline": column.measure.headline} for column in made],
        "prompts": list(prompts.values()),
        "seeds": sorted({cell.seed for cell in report.cells}),
        "cells": cells,
    }
    return data, media, evidence


def _places(report: RunReport, made: tuple[MeasureFacts, ...]) -> dict[int, int]:
    """Decimals of each column's clip values: three digits of its largest, so that neighbours can be read against each other."""
    largest: dict[int, float] = {}
    for cell in report.cells:
        for score in cell.scores:
            if score.value is not None:
                index = place_of(made, score.metric, score.measure, score.backend)
                largest[index] = max(largest.get(index, 0.0), abs(score.value) * (100.0 if is_percent(made[index].measure) else 1.0))
    return {index: decimals(value) for index, value in largest.items()}


def _clip(
    cell: CellReport, previews: Mapping[Path, Preview | NoPreview] | None, media: list[str], placed: dict[Path, int]
) -> dict[str, Any]:
    """How a cell's clip is shown: where its bytes lie among ``media``, or why there is nothing to play."""
    if cell.clip_path is None:
        return {"reason": cell.reason or f"no clip: {cell.status}"}
    if previews is None:
        return {"reason": "this report was written without previews of its clips"}
    found = previews[cell.clip_path]
    if isinstance(found, NoPreview):
        return {"reason": found.reason}
    if cell.clip_path not in placed:
        placed[cell.clip_path] = len(media)
        media.append(found.mp4)
    return {"id": placed[cell.clip_path], "poster": found.poster, "audio": found.has_audio, "original": found.original}


def rounded(value: Any) -> Any:
    """Evidence with five significant digits: more cannot be seen and doubles the page. What is no number is no value (None)."""
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
