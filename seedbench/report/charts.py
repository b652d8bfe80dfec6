"""The chart of one column, as plain SVG: the value of each generator with its interval, its clips, and the ceiling as a line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from seedbench.plugins.metric import Direction

WIDTH = 340
MARGIN = 10
ROW = 42
AXIS = 34

XPosition = Callable[[float], float]
"""Maps a value to its x coordinate in the chart."""


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One clip in a chart.

    Attributes:
        value: Where it is drawn, on the axis of the chart.
        shown: The value of its tooltip, with its sign.
        prompt_id, seed: Which clip of the drill-down it opens.
    """

    value: float
    shown: float
    prompt_id: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """One generator of a chart.

    Attributes:
        label: Its name as shown.
        css: Its colour class (``g0`` to ``g7``, ``gc`` for a ceiling).
        text: The value in words; where there is none, the reason.
        value: The summary; None: nothing is drawn.
        low, high: Its interval; both None where there is none.
        ceiling: Whether its value is also drawn as a line through all rows.
        dots: Its clips.
    """

    label: str
    css: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    ceiling: bool = False
    dots: tuple[Dot, ...] = ()


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers for the ticks of an axis.

    Args:
        low: The start of the axis.
        high: Its end.
        count: About how many ticks.

    Returns:
        The ticks, ascending, within low..high, in steps of 1, 2, 2.5 or 5 times a power of ten. ``[low]`` for an axis without length.

    >>> nice_ticks(0.0, 1.0)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> nice_ticks(-130.0, 210.0)
    [-100.0, 0.0, 100.0, 200.0]
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def domain(rows: Sequence[ForestRow], *, zero: bool, bounds: tuple[float | None, float | None] = (None, None)) -> tuple[float, float]:
    """The range of the axis: all values and intervals, and all clips but distant outliers.

    Clips further from the intervals than twice their span are outside the range; they are drawn at its edge.

    Args:
        rows: The generators of the chart.
        zero: Whether 0 must be in the range.
        bounds: The range of a single value without interval, where both are known: those of the measure.

    Returns:
        The start and the end, with a margin of 4%; 0 and 1 where there is nothing to draw.

    >>> domain([ForestRow(label="a", css="g0", text="", value=2.0, low=1.0, high=3.0)], zero=True)
    (-0.12, 3.12)
    """
    main = [x for row in rows for x in (row.value, row.low, row.high) if x is not None] + ([0.0] if zero else [])
    if not main:
        return 0.0, 1.0
    low, high = min(main), max(main)
    if low == high and None not in bounds:
        return float(bounds[0] or 0.0), float(bounds[1] or 0.0)
    span = high - low or abs(high) or 1.0
    near = [dot.value for row in rows for dot in row.dots if low - 2 * span <= dot.value <= high + 2 * span]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.04 * (high - low or abs(high) or 1.0)
    return low - pad, high + pad


def forest(
    rows: Sequence[ForestRow],
    *,
    title: str,
    unit: str,
    direction: Direction,
    percent: bool = False,
    bounds: tuple[float | None, float | None] = (None, None),
) -> str:
    """Draw the chart of one column.

    Args:
        rows: The generators, from top to bottom.
        title: The name of the chart for screen readers.
        unit: The unit at the axis.
        direction: That of the measure; for ``zero`` the values must be absolute ones.
        percent: Whether shares are shown in per cent; the values stay in 0..1.
        bounds: Those of the measure (:func:`domain`).

    Returns:
        An ``svg`` element, all text escaped. Colours come from the page's style sheet; every dot has ``data-prompt`` and ``data-seed``.
    """
    low, high = domain(rows, zero=direction == "zero", bounds=bounds)
    plot = WIDTH - 2 * MARGIN
    drawn = any(row.value is not None for row in rows)
    height = len(rows) * ROW + (AXIS if drawn else 0)

    def at(value: float) -> float:
        return round(MARGIN + plot * (min(high, max(low, value)) - low) / (high - low), 1)

    base = len(rows) * ROW + 4
    parts = [_axis(low, high, at, base, unit, percent, direction)] if drawn else []
    for row in rows:
        if row.ceiling and row.value is not None:
            x = at(row.value)
            parts.append(f'<line class="ceiling" x1="{x}" x2="{x}" y1="4" y2="{base}"/>')
    parts += [_row(row, index * ROW, at, low, high) for index, row in enumerate(rows)]
    spoken = escape("; ".join([title, *(f"{row.label}: {row.text}" for row in rows)]), quote=True)
    return f'<svg class="forest" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{spoken}">{"".join(parts)}</svg>'


def _axis(low: float, high: float, at: XPosition, base: int, unit: str, percent: bool, direction: Direction) -> str:
    scale = 100.0 if percent else 1.0
    parts = [f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{base}" y2="{base}"/>']
    for tick in nice_ticks(low * scale, high * scale):
        x = at(tick / scale)
        parts.append(f'<line class="grid{" zero" if tick == 0 and direction == "zero" else ""}" x1="{x}" x2="{x}" y1="4" y2="{base}"/>')
        parts.append(f'<text class="tick" x="{x}" y="{base + 13}">{f"{tick:g}".replace("-", "−")}</text>')
    hint = {"up": "better →", "down": "← better", "zero": "absolute value; 0 is best", "none": ""}[direction]
    zero = min(WIDTH - 40.0, max(40.0, at(0.0)))
    anchor, x = {"up": ("end", WIDTH - MARGIN), "down": ("start", MARGIN), "zero": ("middle", zero)}.get(direction, ("start", MARGIN))
    parts.append(f'<text class="hint" text-anchor="{anchor}" x="{x}" y="{base + 27}">{hint}</text>')
    anchor, x = ("start", MARGIN) if x > WIDTH / 2 else ("end", WIDTH - MARGIN)
    parts.append(f'<text class="hint" text-anchor="{anchor}" x="{x}" y="{base + 27}">{escape(unit)}</text>')
    return "".join(parts)


def _row(row: ForestRow, top: int, at: XPosition, low: float, high: float) -> str:
    y = top + 27
    label = escape(row.label if len(row.label) <= 26 else row.label[:25] + "…")
    parts = [f'<text class="label" x="{MARGIN}" y="{top + 14}">{label}</text>']
    if row.value is None:
        reason = escape(row.text if len(row.text) <= 52 else row.text[:51] + "…")
        parts.append(f'<text class="missing" x="{MARGIN}" y="{top + 30}">{reason}</text>')
        return f'<g class="{row.css}">{"".join(parts)}</g>'
    parts.append(f'<text class="value" x="{WIDTH - MARGIN}" y="{top + 14}">{escape(row.text)}</text>')
    for dot in row.dots:
        where = f'data-prompt="{escape(dot.prompt_id, quote=True)}" data-seed="{dot.seed}"'
        name = f"<title>{escape(dot.prompt_id)}, seed {dot.seed}: {dot.shown:.4g}</title>"
        if low <= dot.value <= high:
            parts.append(f'<rect class="dot" x="{at(dot.value) - 1:g}" y="{y - 6}" width="2" height="12" {where}>{name}</rect>')
        else:
            x, way = at(dot.value), 4 if dot.value < low else -4
            parts.append(f'<path class="dot" d="M{x + way} {y - 4} L{x} {y} L{x + way} {y + 4} Z" {where}>{name}</path>')
    if row.low is not None and row.high is not None:
        parts.append(f'<line class="interval" x1="{at(row.low)}" x2="{at(row.high)}" y1="{y}" y2="{y}"/>')
    x = at(row.value)
    parts.append(
        f'<path class="point" d="M{x} {y - 6} l6 6 l-6 6 l-6 -6 Z"/>' if row.ceiling else f'<circle class="point" cx="{x}" cy="{y}" r="5"/>'
    )
    return f'<g class="{row.css}">{"".join(parts)}</g>'
