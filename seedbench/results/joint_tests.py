"""Tests of pairs of systems that share prompts: which system made which clip of a prompt is permuted, for all systems at once.

If no system differs from another, their clips of a prompt could have been made by any of them. So the systems of each prompt are exchanged
at random, and a pair is tested by how often any pair then differs by as much. This needs no assumption on the values, controls the
chance of one false claim over all pairs, and decides what pairs alone cannot: one system that fails on each of 6 prompts, beside three
that never do, has p = 0.001, where the exact test of one pair has 0.031.

Sources: the permutation of the largest statistic after Westfall and Young 1993; the randomised block design after Fisher 1935.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import permutations

import numpy as np

from seedbench.results.intervals import SAME

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""Values of one measure by system and prompt, one for each seed."""

DRAWS = 20_000
_EXACT = 20_000
"""Up to this many assignments of systems to clips all are enumerated."""
_CHUNK = 1_000
_TABLED = 6
"""Up to this many systems their orders are tabled."""


def pair_p_values(
    values: Values, pairs: Sequence[tuple[str, str]], *, draws: int = DRAWS, seed: int = 0
) -> dict[tuple[str, str], float | None]:
    """Test pairs of systems together: each p-value holds for all of these pairs at once.

    The statistic of a pair is the sum of its differences of prompt means over the root of the sum of their squares, over their common
    prompts; a difference that is the same on every prompt has the largest possible one. A p-value is how often the largest
    statistic of all pairs is at least that of the pair when, in every prompt, the systems that have a value exchange them.

    Args:
        values: The values of the systems. Only those of systems in ``pairs`` count.
        pairs: The pairs to test.
        draws: Exchanges drawn where there are more than 20,000 different ones.
        seed: Of the draws.

    Returns:
        For each pair its p-value, 0..1: exact where all exchanges are enumerated, else (1 + hits) / (1 + draws). None for a pair with fewer
        than two common prompts.

    Raises:
        ValueError: A value is not finite.

    >>> right, wrong = {f"p{i}": [1.0] for i in range(6)}, {f"p{i}": [0.0] for i in range(6)}
    >>> p = pair_p_values({"a": right, "b": right, "c": right, "d": wrong}, [("a", "d"), ("b", "d"), ("c", "d"), ("a", "b")])
    >>> p["a", "d"] < 0.002, p["a", "b"]
    (True, 1.0)
    >>> pair_p_values({"a": right, "d": wrong}, [("a", "d")])
    {('a', 'd'): 0.03125}
    """
    systems = sorted({system for pair in pairs for system in pair})
    means = _prompt_means(values, systems)
    columns = np.array([[systems.index(a), systems.index(b)] for a, b in pairs], int).reshape(-1, 2)
    tested = [bool((np.isfinite(means[:, a]) & np.isfinite(means[:, b])).sum() >= 2) for a, b in columns]
    if not any(tested):
        return dict.fromkeys(pairs)
    columns = columns[tested]
    observed = _statistics(means[None], columns)[0]
    at_least = observed - SAME * np.sqrt(max(1, len(means)))
    hits, count = np.zeros(len(columns), int), 0
    exact = _all_exchanges(means)
    for exchanged in _drawn_exchanges(means, draws, seed) if exact is None else exact:
        largest = _statistics(exchanged, columns).max(axis=1)
        hits += (largest[:, None] >= at_least[None]).sum(axis=0)
        count += len(exchanged)
    p = (1 + hits) / (1 + count) if exact is None else hits / count
    known = iter(p.tolist())
    return {pair: next(known) if is_tested else None for pair, is_tested in zip(pairs, tested, strict=True)}


def method_of(n_systems: int, n_prompts: int, draws: int = DRAWS, seed: int = 0) -> str:
    """The name of the test as it stands beside its results."""
    exact = math.factorial(n_systems) ** n_prompts <= _EXACT
    return "permuted-within-prompts/" + ("exact" if exact else f"{draws}-seed{seed}")


def least_p(n_systems: int, n_prompts: int) -> float:
    """The least p-value that the test of pairs can give: one system is apart from all others on every prompt.

    Args:
        n_systems: How many systems are tested together, at least 2.
        n_prompts: Over how many prompts.

    >>> least_p(2, 6), round(least_p(4, 6), 5)
    (0.03125, 0.00098)
    """
    return min(1.0, n_systems ** (1.0 - n_prompts))


def prompts_needed(n_systems: int, p: float) -> int:
    """How many prompts the test of pairs needs at least before its p-value can be below ``p``.

    >>> prompts_needed(2, 0.05), prompts_needed(2, 0.01), prompts_needed(4, 0.01)
    (6, 8, 5)
    """
    n = 2
    while least_p(n_systems, n) >= p:
        n += 1
    return n


def _prompt_means(values: Values, systems: Sequence[str]) -> np.ndarray:
    """Means (P, K) over the seeds of each prompt, NaN where a system has none; only prompts that two systems share."""
    prompts = sorted({prompt for system in systems for prompt in values.get(system, {})})
    means = np.full((len(prompts), len(systems)), np.nan)
    for row, prompt in enumerate(prompts):
        for column, system in enumerate(systems):
            of_prompt = values.get(system, {}).get(prompt, ())
            if len(of_prompt):
                means[row, column] = np.mean(of_prompt)
                if not np.isfinite(means[row, column]):
                    raise ValueError("values must be finite; leave out the clips that have no value")
    return means[np.isfinite(means).sum(axis=1) >= 2]


def _statistics(means: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The statistic (B, pairs) of each pair of columns (pairs, 2) of B assignments (B, P, K)."""
    differences = means[:, :, columns[:, 0]] - means[:, :, columns[:, 1]]
    largest = np.nanmax(np.abs(means), initial=0.0)
    differences = np.where(np.abs(differences) <= SAME * largest, 0.0, np.nan_to_num(differences))
    size = np.sqrt((differences**2).sum(axis=1))
    return np.abs(differences.sum(axis=1)) / np.where(size > 0, size, 1.0)


@cache
def _orders(count: int) -> np.ndarray:
    return np.array(list(permutations(range(count))))


def _groups(means: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Prompts by which systems have values: their rows, and the columns of these systems."""
    patterns: dict[bytes, list[int]] = {}
    known = np.isfinite(means)
    for row, pattern in enumerate(known):
        patterns.setdefault(pattern.tobytes(), []).append(row)
    return [(np.array(rows), np.flatnonzero(known[rows[0]])) for rows in patterns.values()]


def _exchange(means: np.ndarray, chosen: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], count: int) -> np.ndarray:
    """``count`` assignments (count, P, K); ``chosen``: of each group its rows, its columns, and their order (count, rows, columns)."""
    exchanged = np.broadcast_to(means, (count, *means.shape)).copy()
    for rows, present, orders in chosen:
        of_group = means[np.ix_(rows, present)]
        exchanged[:, rows[:, None], present[None]] = of_group[np.arange(len(rows))[None, :, None], orders]
    return exchanged


def _all_exchanges(means: np.ndarray) -> list[np.ndarray] | None:
    groups = _groups(means)
    sizes = [math.factorial(len(present)) for rows, present in groups for _ in rows]
    if math.prod(sizes) > _EXACT:
        return None
    count = math.prod(sizes)
    number = np.stack(np.unravel_index(np.arange(count), sizes), axis=1)
    chosen, start = [], 0
    for rows, present in groups:
        chosen.append((rows, present, _orders(len(present))[number[:, start : start + len(rows)]]))
        start += len(rows)
    return [_exchange(means, chosen, count)]


def _drawn_exchanges(means: np.ndarray, draws: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        count = min(_CHUNK, draws - start)
        chosen = []
        for rows, present in _groups(means):
            if len(present) <= _TABLED:
                table = _orders(len(present))
                orders = table[rng.integers(0, len(table), (count, len(rows)))]
            else:
                orders = rng.random((count, len(rows), len(present))).argsort(axis=2)
            chosen.append((rows, present, orders))
        yield _exchange(means, chosen, count)
