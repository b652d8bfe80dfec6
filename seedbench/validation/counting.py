"""From the scores of all copies to the figures of the page: answers, errors and separations, by copy and by kind of footage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbench.plugins.metric import MetricInfo
from seedbench.plugins.real_footage import RealFootageRecord, SeparationFigures, VariantFigures
from seedbench.plugins.validation import FootageProtocol, Separation, TrialAnswer, TruthRow, ValidationProtocol
from seedbench.validation.statistics import area_under_curve, proportion
from seedbench.validation.trials import CopyTrial, TrialScores


@dataclass(frozen=True)
class JudgedTrial:
    """One copy with its scores and what they are worth."""

    trial: CopyTrial
    scores: TrialScores
    answer: TrialAnswer


def judge_trials(protocol: ValidationProtocol, results: Sequence[tuple[CopyTrial, TrialScores]]) -> list[JudgedTrial]:
    """Judge every copy by the protocol. Copies that could not be made are left out.

    Args:
        protocol: the protocol of the metric.
        results: the trials with their scores.

    Returns:
        The judged copies, in the same order.
    """
    variants = {variant.name: variant for variant in protocol.variants}
    first = protocol.variants[0].name
    as_they_are = {trial.row.name: scores.scores for trial, scores in results if trial.variant == first}
    return [
        JudgedTrial(
            trial,
            scores,
            protocol.answer(variants[trial.variant], trial.row, trial.partner, scores.scores, as_they_are.get(trial.row.name, {})),
        )
        for trial, scores in results
        if scores.scores
    ]


def record_from(info: MetricInfo, protocol: FootageProtocol, rows: Sequence[TruthRow]) -> RealFootageRecord:
    """The record of a validation, without its figures.

    Args:
        info: what the metric declares.
        protocol: its protocol.
        rows: the files.

    Returns:
        What was measured, and on which footage.
    """
    kinds = list(dict.fromkeys(row.kind for row in rows))
    return RealFootageRecord(
        metric=info.name,
        title=info.title,
        metric_version=info.version,
        protocol_version=protocol.version,
        footage=tuple(_footage(kind, [row for row in rows if row.kind == kind]) for kind in kinds),
        variants=(),
        error_unit=protocol.error_unit if isinstance(protocol, ValidationProtocol) else "",
        about=protocol.about,
    )


def figures_from(
    protocol: ValidationProtocol, rows: Sequence[TruthRow], judged: Sequence[JudgedTrial]
) -> tuple[tuple[VariantFigures, ...], tuple[SeparationFigures, ...]]:
    """The figures of a validation.

    Args:
        protocol: the protocol of the metric.
        rows: the files.
        judged: all copies that could be made.

    Returns:
        Those of the copies and of the separations: all kinds of footage together, then each kind where the copies are of several.
    """
    kinds = list(dict.fromkeys(row.kind for row in rows))
    shown = ["", *kinds] if len(kinds) > 1 else [""]
    variants = []
    for variant in protocol.variants:
        of_variant = [entry for entry in judged if entry.trial.variant == variant.name]
        of_one_kind = len({entry.trial.row.kind for entry in of_variant}) == 1
        for kind in shown[:1] if of_one_kind else shown:
            of_kind = [entry for entry in of_variant if kind in ("", entry.trial.row.kind)]
            if of_kind:
                variants.append(_figures(variant.name, variant.expected, kind, of_kind))
    separations = [
        figures
        for separation in protocol.separations
        for kind in (shown if len({row.kind for row in rows if separation.applies(row)}) > 1 else shown[:1])
        if (figures := _separation(separation, kind, judged)) is not None
    ]
    return tuple(variants), tuple(separations)


def _footage(kind: str, rows: Sequence[TruthRow]) -> str:
    """What the files of one kind are, where they come from, and under which licence."""
    sources = Counter((row.facts.get("source", ""), row.facts.get("licence", "")) for row in rows)
    stated = [f"{source or 'source not stated'} ({licence or 'licence not stated'}): {n}" for (source, licence), n in sources.items()]
    return f"{kind}: {len(rows)} file{'' if len(rows) == 1 else 's'}; {'; '.join(stated)}"


def _figures(variant: str, expected: str, kind: str, judged: Sequence[JudgedTrial]) -> VariantFigures:
    files = [entry.trial.row.name for entry in judged]
    known = [entry for entry in judged if entry.answer.right is not None]
    due = [entry for entry in judged if entry.answer.due]
    errors = np.array([entry.answer.error for entry in judged if entry.answer.error is not None], np.float64)
    return VariantFigures(
        variant=variant,
        expected=expected,
        kind=kind,
        files=len(set(files)),
        answered=proportion([entry.answer.answered for entry in due], [entry.trial.row.name for entry in due]),
        wrong=proportion([entry.answer.right is False for entry in known], [entry.trial.row.name for entry in known]),
        error_mean=float(errors.mean()) if len(errors) else None,
        error_sd=float(errors.std(ddof=1)) if len(errors) > 1 else None,
        error_largest=float(errors[np.argmax(np.abs(errors).round(9))]) if len(errors) else None,
        errors=len(errors),
    )


def _separation(separation: Separation, kind: str, judged: Sequence[JudgedTrial]) -> SeparationFigures | None:
    """The area under the curve of two groups of copies; None where there are no such copies."""
    of_kind = [entry for entry in judged if separation.applies(entry.trial.row) and kind in ("", entry.trial.row.kind)]
    groups = [[entry for entry in of_kind if entry.trial.variant in names] for names in (separation.higher, separation.lower)]
    if not all(groups):
        return None
    valued = [_values(separation, group) for group in groups]
    counts = [len(values) for values in valued]
    facts: dict[str, Any] = {
        "title": separation.title,
        "measure": separation.measure,
        "kind": kind,
        "n_higher": counts[0],
        "n_lower": counts[1],
        "n_without": sum(map(len, groups)) - sum(counts),
        "files": len({entry.trial.row.name for group in groups for entry in group}),
    }
    if not all(counts):
        return SeparationFigures(**facts)
    files = [len({name for name, _ in values}) for values in valued]
    numbers = [[separation.sign * value for _, value in values] for values in valued]
    area = area_under_curve(*numbers, n_higher=files[0], n_lower=files[1])
    return SeparationFigures(**facts, auc=area.value, low=area.low, high=area.high)


def _values(separation: Separation, group: Sequence[JudgedTrial]) -> list[tuple[str, float]]:
    """File and value of each copy that has a value."""
    values = []
    for entry in group:
        score = entry.scores.scores.get(separation.measure)
        value = separation.absent if score is None or score.value is None else score.value
        if value is not None:
            values.append((entry.trial.row.name, value))
    return values


def wrong_trials(judged: Sequence[JudgedTrial], expected: Mapping[str, str]) -> list[dict[str, str]]:
    """The copies that were answered wrongly, for the page.

    Args:
        judged: all copies.
        expected: what is right, by variant.

    Returns:
        Dicts with ``file``, ``kind``, ``copy``, ``expected`` and ``words``.
    """
    return [
        {
            "file": entry.trial.row.name + (f" + {entry.trial.partner.name}" if entry.trial.partner else ""),
            "kind": entry.trial.row.kind,
            "copy": entry.trial.variant,
            "expected": expected[entry.trial.variant],
            "words": entry.answer.words,
        }
        for entry in judged
        if entry.answer.right is False
    ]
