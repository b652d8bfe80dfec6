"""Tables of the commands at the width of a small terminal: no number is cut, no line is too long."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from seedbench.cli.inspect import metrics
from seedbench.cli.runs import _comparison_table
from seedbench.cli.score import _line, _short_names, _table
from seedbench.plugins.metric import Score
from seedbench.results.two_runs import ComparedRow
from seedbench.runs.score_files import FileScores

SCORED = {"metric": "lipsync", "measure": "offset_ms", "value": -123.0, "status": "scored", "reason": "", "low": -153.4, "high": -92.6}
UNSCORED = {"metric": "lipsync", "measure": "in_sync", "value": None, "status": "unscored", "low": None, "high": None}
LONG = "laboratories/checkpoint-of-step-{:04d}-of-a-training-run-with-a-long-name"


def lines_of(part: RenderableType, width: int) -> list[str]:
    console = Console(file=(stream := io.StringIO()), width=width)
    console.print(part)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_two_compared_runs_are_readable(width: int) -> None:
    rows = [
        ComparedRow(
            generator=LONG.format(index),
            measure="lipsync.offset_ms",
            first="-123 [-1.05e+03, 12.7] (3/3)",
            second="not in this run",
            difference="+0.125 [-0.333, +0.583]",
            p="too few prompts",
            n_prompts=12,
            in_both=True,
        )
        for index in range(34)
    ]
    lines = lines_of(_comparison_table(rows, "a-run-with-a-long-name-before-the-change", "after", Console(width=width)), width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for word in ("-123", "[-1.05e+03,", "+0.125", "[-0.333,", "+0.583]", "12.7]"):
        assert text.split().count(word) == 34, word
    assert all(f"{index:04d}" in text for index in range(34))


@pytest.mark.parametrize("width", [80, 120])
def test_scores_of_files_with_long_paths_are_readable(width: int) -> None:
    reason = "only 0.0 s of speech, at least 1.5 s are needed"
    files = [f"/data/experiments/{LONG.format(index)}/clip.mp4" for index in range(34)]
    lines = [{**SCORED, "file": file} for file in files] + [{**UNSCORED, "file": files[0], "reason": reason}]
    shown = lines_of(_table(lines, {}, _short_names(files, width)), width)
    assert max(map(len, shown)) <= width
    assert sum("-123" in line for line in shown) == 34
    assert len({line.split()[0] for line in shown[1:35]}) == 34
    assert sum("[-153, -92.6]" in line for line in shown) == 34
    assert any("unscored" in line for line in shown)


@pytest.mark.parametrize("interval", [(-60.0, -10.0), None])
def test_the_interval_of_a_score_is_written_to_the_file(interval: tuple[float, float] | None) -> None:
    line = _line(FileScores(Path("a.mp4")), "lipsync", Score.of("offset_ms", -35.0, backend="b", interval=interval))
    assert (line["low"], line["high"]) == (interval or (None, None))


def test_a_reason_shared_by_the_measures_of_a_metric_is_given_once_for_each_file_and_metric() -> None:
    no_face = {**UNSCORED, "reason": "no face is seen"}
    lines = [
        {**no_face, "file": file, "metric": metric, "measure": measure}
        for file in ("a.mp4", "b.mp4")
        for metric in ("lipsync", "identity")
        for measure in ("first", "second")
    ]
    shown = lines_of(_table(lines, {}, {"a.mp4": "a.mp4", "b.mp4": "b.mp4"}), 100)[1:]
    assert ["no face is seen" in line for line in shown] == [True, False] * 4
    assert ["as above" in line for line in shown] == [False, True] * 4


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_explanation_of_a_metric_is_readable(width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    metrics("lipsync")
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= width
    assert "how far the sound is ahead of the lips" in text or width == 160
    assert "-600 .. 600" in text
