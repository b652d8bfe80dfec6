"""Generators of one run compared: every pair under every headline measure, paired by prompt, with Holm's correction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from seedbench.plugins.metric import Measure, MetricInfo
from seedbench.results.data import Comparison
from seedbench.results.differences import holm, paired_difference
from seedbench.results.summary import NO_COLUMN, ClipScore, Column

#: A difference is called one only when the adjusted p-value is below this.
ALPHA = 0.05


def compare_all(
    table: Iterable[ClipScore], infos: Mapping[str, MetricInfo], generators: Sequence[str], older: Mapping[Column, Measure] = NO_COLUMN
) -> list[Comparison]:
    """Every pair of generators under every headline measure, paired by prompt; Holm over the whole family of the run.

    ``older`` as in :func:`summarise`.
    """
    values: dict[tuple[str, str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    backends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in table:
        if line.status == "scored" and line.value is not None:
            measure = older.get((line.metric, line.measure, line.backend)) or infos[line.metric].measure(line.measure)
            value = abs(line.value) if measure.direction == "zero" else line.value
            values[line.metric, line.measure, line.backend, line.generator][line.prompt_id].append(value)
            backends[line.metric, line.measure].add(line.backend)
    found: list[Comparison] = []
    for name, info in infos.items():
        for installed in info.measures:
            for backend in sorted(backends[name, installed.name]):
                measure = older.get((name, installed.name, backend), installed)
                if not measure.headline or measure.direction == "none":
                    continue
                low, high = measure.averaged_range
                for a, b in combinations(generators, 2):
                    mine, theirs = values[name, measure.name, backend, a], values[name, measure.name, backend, b]
                    paired = paired_difference(mine, theirs, low=low, high=high)
                    found.append(
                        Comparison(
                            metric=name,
                            measure=measure.name,
                            generator_a=a,
                            generator_b=b,
                            difference=paired.difference,
                            low=paired.low,
                            high=paired.high,
                            p_adjusted=paired.p_value(rate=measure.rate),
                            n_prompts=paired.n_prompts,
                            backend=backend,
                            method=paired.method,
                            reason=paired.reason,
                        )
                    )
    return _adjusted(found, infos, older)


def _adjusted(found: Sequence[Comparison], infos: Mapping[str, MetricInfo], older: Mapping[Column, Measure]) -> list[Comparison]:
    from dataclasses import replace

    tested = [index for index, one in enumerate(found) if one.p_adjusted is not None]
    adjusted = dict(zip(tested, holm([found[index].p_adjusted or 0.0 for index in tested]), strict=True))
    result = []
    for index, one in enumerate(found):
        p = adjusted.get(index)
        better = None
        if p is not None and p < ALPHA and one.difference:
            measure = older.get((one.metric, one.measure, one.backend)) or infos[one.metric].measure(one.measure)
            more_is_better = measure.direction == "up"
            better = one.generator_a if (one.difference > 0) == more_is_better else one.generator_b
        method = f"{one.method}/holm-{len(tested)}" if p is not None else one.method
        result.append(replace(one, p_adjusted=p, better=better, method=method))
    return result
