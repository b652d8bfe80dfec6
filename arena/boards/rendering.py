"""Boards as tables for the terminal, as Markdown and as JSON: the same figures in each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seedbench.arena.boards.board import Board, Interval, Standing

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = (
    "Rank",
    "Tier",
    "Model",
    "Rating",
    "95% interval",
    "Votes",
    "W / L / T / both bad",
    "Prompts",
    "Voters",
    "Half ties",
    "Online",
    "Style held",
    "Marks",
)
_NARROW = ("Rank", "Tier", "Model", "Rating", "95% interval", "Votes", "Marks")


def rows(board: Board) -> list[tuple[str, ...]]:
    """A row of text for each model, in the order of :data:`COLUMNS`."""
    return [_row(one) for one in board.standings]


def _row(one: Standing) -> tuple[str, ...]:
    return (
        rank(one),
        "-" if one.tier is None else str(one.tier),
        one.model,
        f"{one.rating.value:.0f}",
        "none" if one.rating.low is None else bounds(one.rating),
        str(one.n_votes),
        f"{one.wins} / {one.losses} / {one.ties} / {one.both_bad}",
        str(one.n_prompts),
        str(one.n_voters),
        f"{one.half_ties:.0f}",
        f"{one.online:.0f}",
        "-" if one.style_held is None else f"{one.style_held.value:.0f}",
        ", ".join(one.marks),
    )


def rank(one: Standing) -> str:
    """The rank, or the ranks that the votes leave open.

    >>> from seedbench.arena.boards.board import Interval, Standing
    >>> rank(Standing("a", Interval(1000, 990, 1010), 1, 3, 1, 1, 1, 0, 0, 1, 1, 1000, 1000))
    '1-3'
    """
    if one.rank_best is None:
        return "not ranked"
    return str(one.rank_best) if one.rank_best == one.rank_worst else f"{one.rank_best}-{one.rank_worst}"


def bounds(interval: Interval, *, digits: int = 0) -> str:
    """An interval in words, or why there is none.

    >>> from seedbench.arena.boards.board import Interval
    >>> bounds(Interval(12.0, 3.21, 20.8), digits=1)
    '3.2 to 20.8'
    """
    if interval.low is None or interval.high is None:
        return f"none: {interval.reason}"
    return f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"


def remarks(board: Board) -> list[str]:
    """What has to be said beside the table: what it rests on, what was left out, what the order hangs on."""
    said = [f"{board.n_simulated} of {board.n_votes} votes are those of simulated voters: this says nothing of the models"] * bool(
        board.n_simulated
    )
    said += [
        f"{board.n_votes} votes of {board.n_voters} voters on {board.n_prompts} prompts; {100 * board.tie_share:.0f}% ties; "
        f"{board.both_bad} more found both bad, {board.excluded} were left out"
    ]
    for check, answers in board.checks.items():
        said.append(f"check {check}: {answers['ok']} ok, {answers['excluded']} excluded, {answers['unchecked']} could not be checked")
    if any(board.unrated.values()):
        said.append("not rated: " + ", ".join(f"{count} {kind}" for kind, count in board.unrated.items() if count) + " pairs")
    if board.side is not None:
        said.append(f"being on the left is worth {board.side.value:+.0f} points ({bounds(board.side)}), which ratings leave out")
    for one in board.fragility:
        leads = "nobody is left" if one.leader is None else f"{one.leader} {'leads instead' if one.overturned else 'still leads'}"
        said.append(f"{one.what} ({one.n_changed} votes): {leads}, ratings move by up to {one.moved_elo:.0f} points")
    if board.fragility:
        said.append("the worst is searched for, not proved: a lead that stands here may still fall to as many other votes")
    said += [f"no interval: {reason}" for reason in dict.fromkeys(one.rating.reason for one in board.standings if one.rating.low is None)]
    said += _style(board)
    said += board.notes
    return [*said, f"votes sha256 {board.votes_sha256[:16]}, rules {board.rules} sha256 {board.rules_sha256[:16]}"]


def _style(board: Board) -> list[str]:
    """What the column of ratings with style held equal rests on, or why it is empty."""
    if board.style is None:
        return []
    lacking = f"{board.style.n_lacking} votes lack a covariate" + (" and are left out of it" if board.style.n_lacking else "")
    told = [one for one in board.style.effects if one.points is not None]
    if not told:
        why = dict.fromkeys(one.style_reason for one in board.standings)
        return [f"no rating with style held equal: {'; '.join(why)}"]
    said = [f"style held equal in a further rating, which ranks nothing: {board.style.n_votes} votes; {lacking}"]
    for one in board.style.effects:
        if one.points is None:
            said.append(f"style {one.name}: not held equal, since {one.reason}")
        else:
            said.append(f"style {one.name}: {one.step} more is worth {one.points.value:+.1f} points ({bounds(one.points, digits=1)})")
    unrated = [one for one in board.standings if one.style_held is None]
    return said + [f"no rating of {one.model} with style held equal: {one.style_reason}" for one in unrated]


def table(board: Board) -> Table:
    """For the terminal: the columns that fit, the others being in Markdown and JSON."""
    from rich import box
    from rich.table import Table

    made = Table(title=board.about.title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in _NARROW:
        made.add_column(name, justify="left" if name in ("Model", "Marks") else "right")
    for row in rows(board):
        made.add_row(*(cell for name, cell in zip(COLUMNS, row, strict=True) if name in _NARROW))
    return made


def markdown(found: Sequence[Board]) -> str:
    """All boards as one Markdown document."""
    parts = []
    for board in found:
        parts.append(f"## {board.about.title}\n")
        if board.standings:
            parts.append("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
            parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows(board)]
            parts.append("")
        parts += [f"- {line}" for line in remarks(board)]
        parts.append("")
    return "\n".join(parts)


def as_json(found: Sequence[Board]) -> str:
    """All boards as JSON, with everything they hold."""
    return json.dumps([_plain(board) for board in found], indent=1, ensure_ascii=False) + "\n"


def _plain(board: Board) -> dict[str, Any]:
    return {"title": board.about.title, **dataclasses.asdict(board)}
