"""The files of a validation: a page for people (HTML, with the clips that went wrong), the same in Markdown, the figures as JSON, and a
table of all copies."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbench.errors import SeedBenchError, StorageError
from seedbench.files.atomic import atomic_write
from seedbench.plugins.real_footage import RealFootageRecord, SeparationFigures, VariantFigures, answered_words, to_json, wrong_words
from seedbench.validation.counting import JudgedTrial, wrong_trials
from seedbench.validation.run import Validation
from seedbench.validation.set_page import Table, set_introduction, set_summary, set_tables
from seedbench.validation.trials import make_copy

FOLDER = Path(__file__).parent
MOST_CLIPS = 40
"""How many copies that went wrong are kept beside the page, so that one can look at them."""


def write_pages(validation: Validation, out: Path, *, clips: bool = True) -> list[Path]:
    """Write the files of a validation.

    Args:
        validation: what was measured.
        out: the folder; files in it are replaced.
        clips: whether to write the copies that were answered wrongly as well, so that the page can play them.

    Returns:
        The files: ``validation.html``, ``validation.md``, ``validation.json``, ``trials.csv``, then the clips.

    Raises:
        StorageError: the folder cannot be written.
    """
    wrong = wrong_trials(validation.judged, validation.expected)
    try:
        out.mkdir(parents=True, exist_ok=True)
        copies = _write_clips([entry for entry in validation.judged if entry.answer.right is False], out) if clips else {}
        texts = {
            "validation.html": html_page(validation, wrong, copies),
            "validation.md": markdown_page(validation.record, wrong, validation.problems),
            "validation.json": to_json(validation.record),
        }
        files = []
        for name, text in texts.items():
            with atomic_write(out / name) as partial:
                partial.write_text(text, encoding="utf-8")
            files.append(out / name)
        trials = validation.comparisons or [_trial_row(entry) for entry in validation.judged]
        files.append(_write_trials(trials, out / "trials.csv"))
    except OSError as error:
        raise StorageError(f"{out} cannot be written ({error.strerror or error})") from error
    return [*files, *(out / name for name in copies.values())]


def _write_clips(wrong: Sequence[JudgedTrial], out: Path) -> dict[int, str]:
    """The copies that went wrong as files below ``out``, by their place in the list; those that cannot be made again are left out."""
    written = {}
    for position, entry in enumerate(wrong[:MOST_CLIPS]):
        name = f"wrong/{position + 1:03d}-{_file_name(Path(entry.trial.row.name).stem)}-{_file_name(entry.trial.variant)}.mp4"
        file = out / name
        file.parent.mkdir(exist_ok=True)
        try:
            source = make_copy(entry.trial, file)
        except SeedBenchError:
            continue
        if source != file:
            file.unlink(missing_ok=True)
            file.write_bytes(source.read_bytes())
        written[position] = name
    return written


def _file_name(text: str) -> str:
    """A text as a part of a file name.

    >>> _file_name("sound 120 ms late / v2")
    'sound-120-ms-late-v2'
    """
    kept = "".join(letter if letter.isalnum() else "-" for letter in text)
    return "-".join(part for part in kept.split("-") if part)[:60]


def markdown_page(record: RealFootageRecord, wrong: Sequence[dict[str, str]], problems: Sequence[str] = ()) -> str:
    """The page in Markdown.

    Args:
        record: the figures.
        wrong: what :func:`seedbench.validation.counting.wrong_trials` gave.
        problems: sentences on copies that could not be scored.

    Returns:
        The text, which ends with a line break.
    """
    lines = [f"# {record.title} on real footage", ""]
    for line in _introduction(record):
        lines += [line, ""]
    lines += ["## Footage", "", *(f"- {line}" for line in record.footage), ""]
    for title, titles, rows in _tables(record):
        lines += [f"## {title}", "", *_markdown_table(titles, rows), ""]
    if record.set_trials:
        lines += ["## In short", "", *(f"- {line}" for line in set_summary(record)), ""]
    else:
        lines += ["## Wrong answers", ""]
        rows = [[entry["file"], entry["copy"], entry["expected"], entry["words"]] for entry in wrong]
        lines += [*(_markdown_table(["file", "copy", "right is", "answered"], rows) if wrong else ["None."]), ""]
    if problems:
        lines += ["## Not counted", "", *(f"- {problem}" for problem in problems), ""]
    return "\n".join(lines).rstrip() + "\n"


def _tables(record: RealFootageRecord) -> list[Table]:
    """The tables of a page, whatever the metric compares."""
    if record.set_trials:
        return set_tables(record)
    separations = [("Telling apart", *_separation_rows(record))] if record.separations else []
    return [("Answers", *_answer_rows(record)), *separations]


def _introduction(record: RealFootageRecord) -> list[str]:
    measured = (
        f"Version {record.metric_version} of `{record.metric}`, measured by `seedbench validate {record.metric}` "
        f"(protocol version {record.protocol_version}). This page is generated; nothing in it is written by hand."
    )
    unit = (
        "Shares have 95% intervals whose unit is the file (Clopper and Pearson at the effective number of trials). Areas under the curve "
        "(AUC) have the interval of Newcombe (2006, method 5), in which each file counts once. A trial is wrong where the truth is known "
        "and the metric answered something else, or answered where nothing can be judged; no answer is never counted as wrong."
    )
    how = set_introduction(record) if record.set_trials else [unit]
    return [measured, *([record.about] if record.about else []), *how]


def _answer_rows(record: RealFootageRecord) -> tuple[list[str], list[list[str]]]:
    titles = ["copy", "right is", "footage", "files", "answered", "wrong"]
    has_errors = any(figures.errors for figures in record.variants)
    titles += [f"error, {record.error_unit or 'no unit'}: mean, sd, largest"] if has_errors else []
    rows = []
    for figures in record.variants:
        row = [figures.variant, figures.expected, figures.kind or "all", str(figures.files), answered_words(figures)]
        row.append(wrong_words(figures))
        rows.append([*row, *([_errors(figures)] if has_errors else [])])
    return titles, rows


def _errors(figures: VariantFigures) -> str:
    if not figures.errors or figures.error_mean is None or figures.error_largest is None:
        return ""
    spread = "" if figures.error_sd is None else f", {figures.error_sd:.3g}"
    return f"{figures.error_mean:+.3g}{spread}, {figures.error_largest:+.3g} ({figures.errors})"


def _separation_rows(record: RealFootageRecord) -> tuple[list[str], list[list[str]]]:
    titles = ["groups", "measure", "footage", "files", "values", "AUC"]
    return titles, [
        [figures.title, f"`{figures.measure}`", figures.kind or "all", str(figures.files), _counts(figures), _area(figures)]
        for figures in record.separations
    ]


def _counts(figures: SeparationFigures) -> str:
    without = f", {figures.n_without} without" if figures.n_without else ""
    return f"{figures.n_higher} against {figures.n_lower}{without}"


def _area(figures: SeparationFigures) -> str:
    if figures.auc is None or figures.low is None or figures.high is None:
        return "a group has no value"
    return f"{figures.auc:.2f} ({figures.low:.2f} to {figures.high:.2f})"


def _markdown_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in cells)} |"

    return [line(titles), line(["---"] * len(titles)), *map(line, rows)]


def html_page(validation: Validation, wrong: Sequence[dict[str, str]], copies: dict[int, str]) -> str:
    """The page in HTML; it plays the copies that went wrong from files beside it.

    Args:
        validation: what was measured.
        wrong: what :func:`seedbench.validation.counting.wrong_trials` gave.
        copies: the files of the copies that went wrong, relative to the page, by their place in ``wrong``.

    Returns:
        One HTML document.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    record = validation.record
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        record=record,
        introduction=[line.replace("`", "") for line in _introduction(record)],
        tables=_tables(record),
        summary=set_summary(record) if record.set_trials else [],
        wrong=[entry | {"clip": copies.get(position, "")} for position, entry in enumerate(wrong)],
        problems=validation.problems,
    )


def _write_trials(rows: Sequence[dict[str, Any]], file: Path) -> Path:
    """A row for each copy with all its scores, or for each comparison of two sets; reasons come last."""
    titles = list(dict.fromkeys(name for row in rows for name in row if name != "reason"))
    with atomic_write(file) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*titles, "reason"], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _trial_row(entry: JudgedTrial) -> dict[str, Any]:
    scores = entry.scores.scores
    return {
        "file": entry.trial.row.name,
        "partner": entry.trial.partner.name if entry.trial.partner is not None else "",
        "kind": entry.trial.row.kind,
        "copy": entry.trial.variant,
        "answered": json.dumps(entry.answer.answered),
        "right": "" if entry.answer.right is None else json.dumps(entry.answer.right),
        "error": "" if entry.answer.error is None else entry.answer.error,
        "words": entry.answer.words,
        **{name: score.value for name, score in scores.items() if score.value is not None},
        "reason": "; ".join(dict.fromkeys(score.reason for score in scores.values() if score.reason)),
    }
