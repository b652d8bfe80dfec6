"""Boards as tables for the terminal, as Markdown and as JSON: the same figures in each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbench.arena.boards.board import Board, Interval, ModelStanding
from seedbench.arena.boards.notes import lead_note
from seedbench.report.terminal import longest_word, shortened

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
    "Style control",
    "Marks",
)
_MODEL_WIDTH = 14  # the least for a model's name; columns of less weight are left out before
_NARROW = ("Rank", "Tier", "Model", "Rating", "95% interval", "Votes", "Marks")


def rows(board: Board) -> list[tuple[str, ...]]:
    """A row of text for each model, in the order of :data:`COLUMNS`.

    Args:
        board: The board.

    Returns:
        For each model, in the order of the board, one text for each of :data:`COLUMNS`.
    """
    return [_row(standing) for standing in board.standings]


def _row(standing: ModelStanding) -> tuple[str, ...]:
    return (
        rank(standing),
        "-" if standing.tier is None else str(standing.tier),
        standing.model,
        f"{standing.rating.value:.0f}",
        "none" if standing.rating.low is None else bounds(standing.rating),
        str(standing.n_votes),
        f"{standing.wins} / {standing.losses} / {standing.ties} / {standing.both_bad}",
        _number_known(standing.n_prompts, standing.n_without_prompt),
        _number_known(standing.n_voters, standing.n_without_voter),
        f"{standing.half_ties:.0f}",
        f"{standing.online:.0f}",
        "-" if standing.style_held is None else f"{standing.style_held.value:.0f}",
        ", ".join(standing.marks),
    )


def _number_known(known: int, without: int) -> str:
    """A number of voters or prompts, some of which may not be known."""
    if not without:
        return str(known)
    return f"{known} + unknown" if known else "unknown"


def rank(standing: ModelStanding) -> str:
    """The rank, or the range of ranks that the votes leave possible.

    Args:
        standing: The standing of a model.

    Returns:
        One rank, a range of ranks, or ``not ranked``.

    >>> from seedbench.arena.boards.board import Interval, ModelStanding
    >>> rank(ModelStanding("a", Interval(1000, 990, 1010), 1, 3, 1, 1, 1, 0, 0, 1, 1, 1000, 1000))
    '1-3'
    """
    if standing.rank_best is None:
        return "not ranked"
    return str(standing.rank_best) if standing.rank_best == standing.rank_worst else f"{standing.rank_best}-{standing.rank_worst}"


def bounds(interval: Interval, *, digits: int = 0) -> str:
    """An interval in words, or the reason why there is none.

    Args:
        interval: The interval.
        digits: The number of decimal places.

    Returns:
        ``LOW to HIGH``, or ``none: REASON``.

    >>> from seedbench.arena.boards.board import Interval
    >>> bounds(Interval(12.0, 3.21, 20.8), digits=1)
    '3.2 to 20.8'
    """
    if interval.low is None or interval.high is None:
        return f"none: {interval.reason}"
    return f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"


def remarks(board: Board) -> list[str]:
    """What a reader must know beside the table: what it is based on, what was left out, what the order depends on.

    Args:
        board: The board.

    Returns:
        Sentences, without marks of a list.
    """
    lines = [f"{board.n_simulated} of {board.n_votes} votes are those of simulated voters: this says nothing about the models"] * bool(
        board.n_simulated
    )
    if board.n_imported:
        lines.append(
            f"{board.n_imported} of {board.n_votes} votes are imported from another arena: whether names were hidden there, and how much "
            "of the clips was watched, was not checked here"
        )
    if board.equal_first:
        lines.append(nobody_leads(board))
    voters, prompts = _number_known(board.n_voters, board.n_without_voter), _number_known(board.n_prompts, board.n_without_prompt)
    lines += [
        f"{board.n_votes} votes of {voters} voters on {prompts} prompts; {100 * board.tie_share:.0f}% ties; "
        f"{board.both_bad} more found both bad, {board.excluded} were left out"
    ]
    for check, answers in board.checks.items():
        lines.append(f"check {check}: {answers['ok']} ok, {answers['excluded']} excluded, {answers['unchecked']} could not be checked")
    if any(board.unrated.values()):
        lines.append("not rated: " + ", ".join(f"{count} {kind}" for kind, count in board.unrated.items() if count) + " pairs")
    if board.side is not None:
        lines.append(f"being on the left is worth {board.side.value:+.0f} points ({bounds(board.side)}), which ratings leave out")
    for fragility in board.fragility:
        leads = (
            "no vote is left"
            if fragility.leader is None
            else f"{fragility.leader} {'leads instead' if fragility.overturned else 'still leads'}"
        )
        lines.append(f"{fragility.what} ({fragility.n_changed} votes): {leads}, ratings move by up to {fragility.moved_elo:.0f} points")
    if board.fragility:
        lines.append("these are the worst cases of a search: other changes of as many votes may still overturn a lead that withstood them")
    lines += [
        f"no interval: {reason}"
        for reason in dict.fromkeys(standing.rating.reason for standing in board.standings if standing.rating.low is None)
    ]
    lines += _style(board)
    lines += board.notes
    return [*lines, f"votes sha256 {board.votes_sha256[:16]}, rules {board.rules} sha256 {board.rules_sha256[:16]}"]


def nobody_leads(board: Board) -> str:
    """That no model leads, and why.

    Args:
        board: A board whose highest rating several models share.

    Returns:
        A sentence.
    """
    return lead_note(board.equal_first, all_ties=board.tie_share == 1)


def _style(board: Board) -> list[str]:
    """What the column of ratings with style control is based on, or why it is empty."""
    if board.style is None:
        return []
    lacking = f"{board.style.n_lacking} votes lack a covariate" + (" and are left out of it" if board.style.n_lacking else "")
    known = [effect for effect in board.style.effects if effect.points is not None]
    if not known:
        why = dict.fromkeys(standing.style_reason for standing in board.standings)
        return [f"no rating with style control: {'; '.join(why)}"]
    lines = [f"style control is a further rating, which ranks nothing: {board.style.n_votes} votes; {lacking}"]
    for effect in board.style.effects:
        if effect.points is None:
            lines.append(f"style {effect.name}: not controlled, since {effect.reason}")
        else:
            lines.append(
                f"style {effect.name}: {effect.step} more is worth {effect.points.value:+.1f} points ({bounds(effect.points, digits=1)})"
            )
    unrated = [standing for standing in board.standings if standing.style_held is None]
    return lines + [f"no rating of {standing.model} with style control: {standing.style_reason}" for standing in unrated]


def table(board: Board, width: int) -> Table:
    """A table for the terminal, with the columns that fit; Markdown and JSON have them all.

    Args:
        board: The board.
        width: Columns of the terminal. Names that are too long for it lose their middle, and different names stay different.

    Returns:
        The table, for ``rich`` to print.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = dict(zip(COLUMNS, zip(*rows(board), strict=True), strict=True))
    widths = {name: max(map(len, (name, *columns[name]))) for name in _NARROW if name != "Model"}
    # Figures are never folded; marks are, at their blanks; models get the columns that are left.
    widths["Marks"] = min(widths["Marks"], max(longest_word(["Marks", *columns["Marks"]]), width // 5))
    for least in ("Tier", "Votes", "Marks"):
        if _room(widths, width) < _MODEL_WIDTH:
            del widths[least]
    names = [name for name in _NARROW if name in widths or name == "Model"]
    models = shortened(columns["Model"], max(_MODEL_WIDTH, _room(widths, width)))
    table = Table(title=Text(board.about.title), title_justify="left", box=box.SIMPLE_HEAD)
    for name in names:
        is_text = name in ("Model", "Marks")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=name != "Marks", width=widths.get(name))
    for index, model in enumerate(models):
        table.add_row(*(Text(model if name == "Model" else columns[name][index]) for name in names))
    return table


def _room(widths: Mapping[str, int], width: int) -> int:
    """The columns of a terminal that are left for the models beside other columns of these widths."""
    return width - sum(widths.values()) - 3 * (len(widths) + 1) - 1  # lines, and a blank on either side of them


def markdown(boards: Sequence[Board]) -> str:
    """All boards as one Markdown document.

    Args:
        boards: The boards, in the order of the document.

    Returns:
        For each board a heading, a table (if there are standings) and its remarks.
    """
    parts = []
    for board in boards:
        parts.append(f"## {board.about.title}\n")
        if board.standings:
            parts.append("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
            parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows(board)]
            parts.append("")
        parts += [f"- {line}" for line in remarks(board)]
        parts.append("")
    return "\n".join(parts)


def as_json(boards: Sequence[Board]) -> str:
    """All boards as JSON, with everything they hold.

    Args:
        boards: The boards.

    Returns:
        A JSON list with one object for each board, indented, with a line break at the end.
    """
    return json.dumps([_plain(board) for board in boards], indent=1, ensure_ascii=False) + "\n"


def _plain(board: Board) -> dict[str, Any]:
    return {"title": board.about.title, **dataclasses.asdict(board)}
