"""Rows of values of several factors, such that each possible pair of values occurs in a row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Pair = tuple[tuple[str, str], tuple[str, str]]


def cover_pairs(
    factors: Mapping[str, Sequence[str]], reason_against: Callable[[Row], str], *, crossed: Collection[str] | None = None
) -> tuple[list[Row], dict[Pair, str]]:
    """Cover pairs of values greedily. Equal input gives equal rows.

    Args:
        factors: the values of each factor; the first is the usual one.
        reason_against: why the values of a row, which need not hold all factors, are impossible together; "" if they are possible.
        crossed: a pair must be covered if at least one of its factors is among these; None: all pairs.

    Returns:
        The rows, and for each pair that no row can hold the reason.
    """
    missing = dict.fromkeys(
        ((first, x), (second, y))
        for first, second in combinations(factors, 2)
        if crossed is None or first in crossed or second in crossed
        for x in factors[first]
        for y in factors[second]
    )
    rows: list[Row] = []
    impossible: dict[Pair, str] = {}
    while missing:
        pair = next(iter(missing))
        row = _complete(dict(pair), factors, reason_against, missing)
        if row is None:
            impossible[pair] = reason_against(dict(pair)) or "no value of the other factors fits"
            del missing[pair]
            continue
        rows.append(row)
        for held in _pairs_of(row, factors):
            missing.pop(held, None)
    return rows, impossible


def _pairs_of(row: Row, factors: Mapping[str, Sequence[str]]) -> list[Pair]:
    return list(combinations(((name, row[name]) for name in factors if name in row), 2))


def _complete(
    row: Row, factors: Mapping[str, Sequence[str]], reason_against: Callable[[Row], str], missing: Mapping[Pair, None]
) -> Row | None:
    """The row with all factors, each value chosen for the pairs it covers that are missing; None where that is impossible."""
    if reason_against(row):
        return None
    name = next((name for name in factors if name not in row), None)
    if name is None:
        return row
    choices = [{**row, name: value} for value in factors[name]]
    gains = [sum(pair in missing for pair in _pairs_of(choice, factors)) for choice in choices]
    for index in sorted(range(len(choices)), key=lambda index: (-gains[index], index)):
        full = _complete(choices[index], factors, reason_against, missing)
        if full is not None:
            return full
    return None
