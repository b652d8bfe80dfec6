"""What plug-ins give back, checked where they give it: an answer that cannot be counted or stored costs its cell, not the run."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path

from seedbench.plugins.evidence import as_json
from seedbench.plugins.generator import Generation, GenerationStatus
from seedbench.plugins.metric import Measure, MetricInfo, Score, Status

_LONGEST_BACKEND = 100  # what the database holds


def checked_scores(info: MetricInfo, found: object) -> list[Score]:
    """One score for each measure that ``info`` declares, in that order, of plain numbers; all of them failed, with the reason, where what
    the metric gave is anything else.
    """
    scores = list(found) if isinstance(found, list | tuple) else [found]
    reason = _problem_of_scores(info, scores)
    if reason:
        return [Score.failed(measure.name, reason) for measure in info.measures]
    order = {measure.name: place for place, measure in enumerate(info.measures)}
    return sorted((_plain(one) for one in scores if isinstance(one, Score)), key=lambda one: order[one.measure])


def _problem_of_scores(info: MetricInfo, scores: Sequence[object]) -> str:
    declared = {measure.name: measure for measure in info.measures}
    given: list[str] = []
    for one in scores:
        if not isinstance(one, Score):
            return f"the metric gave a {type(one).__name__} where a Score is asked"
        given.append(str(one.measure))
    if sorted(given) != sorted(declared):
        return f"the metric gave {', '.join(given) or 'nothing'} where it declares {', '.join(declared)}"
    wrong = (_problem_of_score(one, declared[one.measure]) for one in scores if isinstance(one, Score))
    return next((f"{name}: {problem}" for name, problem in zip(given, wrong, strict=True) if problem), "")


def _problem_of_score(one: Score, measure: Measure) -> str:
    if one.status not in typing.get_args(Status):
        return f"the status {one.status!r} is none of {', '.join(typing.get_args(Status))}"
    if one.value is not None and not isinstance(one.value, Real):
        return f"its value is a {type(one.value).__name__}, not a number"
    if one.value is not None and measure.rate and one.value not in (0, 1):
        return f"{float(one.value):g} is neither 0 nor 1, which a rate is made of"
    if not isinstance(one.reason, str) or not isinstance(one.backend, str) or len(one.backend) > _LONGEST_BACKEND:
        return f"reason and backend are text, the backend of at most {_LONGEST_BACKEND} characters"
    if not all(count is None or isinstance(count, Integral) for count in (one.n_used, one.n_total)):
        return f"n_used and n_total are {one.n_used!r} and {one.n_total!r}, where whole numbers are asked"
    if one.interval is not None and not (
        len(one.interval) == 2 and all(isinstance(end, Real) and math.isfinite(end) for end in one.interval)
    ):
        return f"its interval is {one.interval!r}, where two numbers are asked"
    return _unstorable("its evidence or details", lambda: [[as_json(panel) for panel in one.evidence], dict(one.details)])


def _unstorable(what: str, make: Callable[[], object]) -> str:
    """Why something cannot be stored as JSON; "" if it can."""
    try:
        json.dumps(make(), allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"{what} cannot be stored: {error}"
    return ""


def _plain(one: Score) -> Score:
    """The score with numbers of Python's own, as databases take them."""
    return replace(
        one,
        value=None if one.value is None else float(one.value),
        n_used=None if one.n_used is None else int(one.n_used),
        n_total=None if one.n_total is None else int(one.n_total),
        interval=None if one.interval is None else (float(one.interval[0]), float(one.interval[1])),
    )


def generation_problem(made: object) -> str:
    """Why what a generator gave cannot be taken; "" if it can."""
    if not isinstance(made, Generation):
        return f"the generator gave a {type(made).__name__} where a Generation is asked"
    if made.status not in typing.get_args(GenerationStatus):
        return f"the generator gave the status {made.status!r}, which is none of {', '.join(typing.get_args(GenerationStatus))}"
    if not (made.file is None or isinstance(made.file, Path)):
        return f"the generator gave its file as a {type(made.file).__name__}, where a Path is asked"
    numbers = {"latency_s": made.latency_s, "cost_usd": made.cost_usd, "seed_used": made.seed_used}
    for name, value in numbers.items():
        if not (value is None or (type(value) in (int, float) and math.isfinite(value))):
            return f"the generator gave {value!r} as {name}, where a number is asked"
    if not (isinstance(made.facts, Mapping) and (made.truth is None or isinstance(made.truth, Mapping))):
        return "the generator's facts and truth are not dicts"
    return _unstorable("the generator's facts or truth", lambda: [dict(made.facts), made.truth])
