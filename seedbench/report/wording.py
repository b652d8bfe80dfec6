"""How the report writes numbers and columns: as many digits as the interval supports, units, counts and directions in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from seedbench.plugins.metric import Direction, Measure
from seedbench.results.data import MeasureFacts, SummaryRow

MINUS = "\N{MINUS SIGN}"
ARROWS: dict[Direction, str] = {"up": "↑", "down": "↓", "zero": "→0", "none": "·"}
DIRECTIONS: dict[Direction, str] = {
    "up": "higher is better",
    "down": "lower is better",
    "zero": "closer to 0 is better; a summary is the mean absolute value",
    "none": "descriptive: no direction is better",
}


def decimals(value: float, low: float | None = None, high: float | None = None) -> int:
    """How many decimals to show: two digits of the interval's half-width, or three digits of a value without an interval.

    Args:
        value: The value, as shown (shares times 100).
        low: The lower end of its interval, None for no interval.
        high: The upper end of its interval.

    Returns:
        0 to 6.

    >>> decimals(0.8237, 0.79, 0.86)
    3
    >>> decimals(412.2, 380.0, 440.0), decimals(3.14159)
    (0, 2)
    """
    if low is not None and high is not None and high > low:
        return _clamp(1 - math.floor(math.log10((high - low) / 2)))
    return _clamp(2 - math.floor(math.log10(abs(value)))) if value else 1


def _clamp(places: int) -> int:
    return min(6, max(0, places))


def number(value: float, places: int) -> str:
    """A number with a true minus sign; very large and very small ones in powers of ten.

    Args:
        value: A finite number.
        places: How many decimals; not used below 1e-5 and from 1e6 on, where three digits are shown.

    Returns:
        The text; a value that is rounded to 0 has no sign.

    >>> number(-0.25, 2), number(0.0, 1), number(1234567.8, 1)
    ('−0.25', '0.0', '1.23e+06')
    """
    if value and (abs(value) >= 1e6 or abs(value) < 1e-5):
        text = f"{value:.3g}"
    else:
        text = f"{value:.{places}f}"
        if float(text) == 0:
            text = text.lstrip("-")
    return text.replace("-", MINUS) if text.startswith("-") else text


def is_percent(measure: Measure) -> bool:
    """Whether a measure is shown in per cent: a rate, or a value in 0..1 with the unit ``share``."""
    return measure.rate or (measure.unit == "share" and measure.high == 1.0)


def unit_of(measure: Measure) -> str:
    """The unit as shown: ``%`` for shares, nothing for pure numbers, else the measure's own."""
    if is_percent(measure):
        return "%"
    return "" if measure.unit in ("", "1", "none") else measure.unit


def value_and_interval(
    measure: Measure, value: float, low: float | None = None, high: float | None = None, *, places: int | None = None
) -> tuple[str, str]:
    """A value and its interval as text, without the unit; the interval is empty where there is none.

    Args:
        measure: What the value is of; shares are shown in per cent.
        value: The value in the unit of the measure.
        low: The lower end of its interval.
        high: The upper end of its interval.
        places: Decimals; None: as many as the interval supports (:func:`decimals`).

    Returns:
        The two texts.

    >>> share = Measure(name="in_sync", title="In sync", unit="share", direction="up", meaning="", low=0, high=1, rate=True)
    >>> value_and_interval(share, 0.75, 0.45, 0.92)
    ('75', '45 to 92')
    """
    scale = 100.0 if is_percent(measure) else 1.0
    value, low, high = value * scale, None if low is None else low * scale, None if high is None else high * scale
    places = decimals(value, low, high) if places is None else places
    interval = f"{number(low, places)} to {number(high, places)}" if low is not None and high is not None else ""
    return number(value, places), interval


def coverage(row: SummaryRow) -> str:
    """How many clips a summary is computed from, in words.

    Args:
        row: The summary.

    Returns:
        The counts. Clips to which the metric does not apply are left out of the total.

    >>> coverage(SummaryRow(generator="a", metric="m", measure="x", value=1.0, n_scored=9, n_unscored=2, n_refused=3, n_failed=1))
    '9 of 15 scored, 2 no answer, 3 refused, 1 failed'
    >>> coverage(SummaryRow(generator="a", metric="m", measure="x", value=None, reason="no faces", n_scored=0, n_not_applicable=4))
    'not applicable to 4'
    """
    parts = [f"{row.n_scored} of {row.n_asked} scored"] if row.n_asked else []
    parts += [f"{row.n_unscored} no answer"] if row.n_unscored else []
    parts += [f"{row.n_refused} refused"] if row.n_refused else []
    parts += [f"{row.n_failed} failed"] if row.n_failed else []
    if not row.n_asked:
        parts = [f"not applicable to {row.n_not_applicable}"] if row.n_not_applicable else ["nothing to score"]
    return ", ".join(parts)


def listed(names: list[str]) -> str:
    """Names as a list within a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def sentence(text: str) -> str:
    """A clause as a sentence: with a capital letter and a full stop.

    >>> sentence("share of shots"), sentence("Done."), sentence("")
    ('Share of shots.', 'Done.', '')
    """
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def counted(n: int, noun: str) -> str:
    """A number of things: ``1 prompt``, ``12 prompts``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def seconds(value: float) -> str:
    """A duration with a unit that fits its size.

    >>> seconds(0.0424), seconds(3.21), seconds(75.0), seconds(5400.0)
    ('42 ms', '3.2 s', '75 s', '1 h 30 min')
    """
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 600:
        return f"{value:.1f} s" if value < 60 else f"{value:.0f} s"
    return f"{int(value // 3600)} h {round(value % 3600 / 60)} min" if value >= 3600 else f"{value / 60:.0f} min"


def dollars(value: float) -> str:
    """A price in US dollars; small prices have two significant digits.

    >>> dollars(0.0), dollars(0.0042), dollars(12.5)
    ('$0.00', '$0.0042', '$12.50')
    """
    return f"${value:.2f}" if value == 0 or value >= 0.1 else f"${value:.2g}"


def column_words(column: MeasureFacts) -> dict[str, Any]:
    """A column for the page and its script.

    Args:
        column: The column.

    Returns:
        Name, titles, unit, direction, meaning, sign and range in words; ``percent`` is a boolean.
    """
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


def rounded(value: Any) -> Any:
    """Evidence with five significant digits: more cannot be seen and would double the page. NaN and infinity become None."""
    if isinstance(value, float):
        return float(f"{value:.5g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    return value
