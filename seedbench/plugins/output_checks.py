"""Checks of what plug-ins return: a result that cannot be counted or stored fails its cell, and the run goes on."""

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
from seedbench.plugins.set_difference import SetDifference

_LONGEST_BACKEND = 100  # the size of the database column


def checked_scores(info: MetricInfo, returned: object) -> list[Score]:
    """The scores that a metric returned, checked.

    Args:
        info: what the metric declares.
        returned: what it returned: a Score, or a list or tuple of them.

    Returns:
        One score for each declared measure, in the order of ``info``, with plain Python numbers. Where ``returned`` is anything else, all
        scores are failed, with the reason.
    """
    scores = list(returned) if isinstance(returned, list | tuple) else [returned]
    reason = _problem_of_scores(info, scores)
    if reason:
        return [Score.failed(measure.name, reason) for measure in info.measures]
    order = {measure.name: index for index, measure in enumerate(info.measures)}
    return sorted((_plain(score) for score in scores if isinstance(score, Score)), key=lambda score: order[score.measure])


def checked_differences(info: MetricInfo, returned: object) -> list[SetDifference]:
    """The differences of two sets that a metric returned, checked.

    Args:
        info: what the metric declares.
        returned: what it returned: a list or tuple of :class:`seedbench.plugins.set_difference.SetDifference`.

    Returns:
        The differences. Where ``returned`` is anything else, or names a measure twice or one that is not declared, one without a value for
        each declared measure, with the reason.
    """
    differences = list(returned) if isinstance(returned, list | tuple) else [returned]
    declared = {measure.name for measure in info.measures}
    valid = [item for item in differences if isinstance(item, SetDifference)]
    names = [item.measure for item in valid]
    if len(valid) < len(differences):
        other = next(item for item in differences if not isinstance(item, SetDifference))
        reason = f"the metric returned a {type(other).__name__}, not a SetDifference"
    elif len(set(names)) < len(names) or not set(names) <= declared:
        reason = f"the metric returned differences of {', '.join(names)}, but declares {', '.join(sorted(declared))}"
    else:
        return valid
    return [SetDifference(measure=measure.name, value=None, n_prompts=0, reason=reason) for measure in info.measures]


def _problem_of_scores(info: MetricInfo, scores: Sequence[object]) -> str:
    declared = {measure.name: measure for measure in info.measures}
    names: list[str] = []
    for score in scores:
        if not isinstance(score, Score):
            return f"the metric returned a {type(score).__name__}, not a Score"
        names.append(str(score.measure))
    if sorted(names) != sorted(declared):
        return f"the metric returned scores of {', '.join(names) or 'nothing'}, but declares {', '.join(declared)}"
    problems = (_problem_of_score(score, declared[score.measure]) for score in scores if isinstance(score, Score))
    return next((f"{name}: {problem}" for name, problem in zip(names, problems, strict=True) if problem), "")


def _problem_of_score(score: Score, measure: Measure) -> str:
    if score.status not in typing.get_args(Status):
        return f"its status {score.status!r} is not one of {', '.join(typing.get_args(Status))}"
    if score.value is not None and not isinstance(score.value, Real):
        return f"its value is a {type(score.value).__name__}, not a number"
    if score.value is not None and measure.rate and score.value not in (0, 1):
        return f"{float(score.value):g} is neither 0 nor 1; the measure is declared as a rate"
    if not isinstance(score.reason, str) or not isinstance(score.backend, str) or len(score.backend) > _LONGEST_BACKEND:
        return f"its reason and backend must be text, the backend at most {_LONGEST_BACKEND} characters"
    if not all(count is None or isinstance(count, Integral) for count in (score.n_used, score.n_total)):
        return f"its n_used and n_total are {score.n_used!r} and {score.n_total!r}; they must be whole numbers or None"
    if score.interval is not None and not (
        len(score.interval) == 2 and all(isinstance(end, Real) and math.isfinite(end) for end in score.interval)
    ):
        return f"its interval is {score.interval!r}; it must be two finite numbers or None"
    return _unstorable("its evidence or details", lambda: [[as_json(panel) for panel in score.evidence], dict(score.details)])


def _unstorable(what: str, make: Callable[[], object]) -> str:
    """Why something cannot be stored as JSON; "" if it can be."""
    try:
        json.dumps(make(), allow_nan=False)
    except (TypeError, ValueError) as error:
        return f"{what} cannot be stored: {error}"
    return ""


def _plain(score: Score) -> Score:
    """The score with plain Python numbers, as databases require."""
    return replace(
        score,
        value=None if score.value is None else float(score.value),
        n_used=None if score.n_used is None else int(score.n_used),
        n_total=None if score.n_total is None else int(score.n_total),
        interval=None if score.interval is None else (float(score.interval[0]), float(score.interval[1])),
    )


def generation_problem(generation: object) -> str:
    """What is wrong with what a generator returned.

    Args:
        generation: what :meth:`seedbench.plugins.generator.Generator.generate` returned.

    Returns:
        A sentence; "" if its types, its status and its numbers are right. The file itself is not opened.
    """
    if not isinstance(generation, Generation):
        return f"the generator returned a {type(generation).__name__}, not a Generation"
    if generation.status not in typing.get_args(GenerationStatus):
        return (
            f"the generator returned the status {generation.status!r}, which is not one of {', '.join(typing.get_args(GenerationStatus))}"
        )
    if not (generation.file is None or isinstance(generation.file, Path)):
        return f"the generator returned its file as a {type(generation.file).__name__}, not a Path"
    numbers = {"latency_s": generation.latency_s, "cost_usd": generation.cost_usd, "seed_used": generation.seed_used}
    for name, value in numbers.items():
        if not (value is None or (type(value) in (int, float) and math.isfinite(value))):
            return f"the generator returned {value!r} as {name}; it must be a finite number or None"
    if not (isinstance(generation.facts, Mapping) and (generation.truth is None or isinstance(generation.truth, Mapping))):
        return "the generator's facts and truth are not dicts"
    return _unstorable("the generator's facts or truth", lambda: [dict(generation.facts), generation.truth])
