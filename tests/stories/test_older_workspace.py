"""The story of an upgrade: a workspace of the version before the reorganisation is opened, reported, resumed, exported and voted in.

``older_workspace/make.py`` says how the workspace was made and what it holds. Only command lines, the database's columns and the files that
SeedBench writes are used here, since these are what a user keeps.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seedbench.plugins import registry
from tests.stories.installing import extract

ROOT = Path(__file__).parents[2]
ARCHIVE = Path(__file__).with_name("older_workspace") / "workspace.tar.xz"
FIRST_FOLDER = "/tmp/older"
"""Where the workspace was made; imported clips are stored with their absolute path."""
SIMULATOR_OF_THEN = 2
ALL_COLUMNS = {"runs": "id, name, spec, spec_hash, created_at", "cells": "*", "scores": "*", "set_scores": "*"}
CELL = ("generator", "prompt_id", "seed")
COLUMN = ("generator", "metric", "measure", "backend")
PAIR = ("generator_a", "generator_b", "metric", "measure", "backend")
TIMES = {"latency_s", "latency_p50_s", "latency_p90_s", "seconds_per_output_second"}

Row = dict[str, Any]
#: Sentences that are made for a report or a board when it is written: their words may change.
SENTENCES = frozenset({"notes", "reason"})
#: What a comparison has from its tests, which are made when a report is written: other tests than then are made now.
TESTS = frozenset({"low", "high", "p_adjusted", "better", "method"})


class OlderWorkspace:
    """The unpacked folder: its commands, database and reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with tarfile.open(ARCHIVE) as archive:
            extract(archive, folder)
        self.commands: dict[str, list[str]] = self.expected("commands")
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute("UPDATE cells SET clip_path = replace(clip_path, ?, ?)", (FIRST_FOLDER, str(folder)))

    @property
    def database(self) -> Path:
        return self.folder / ".seedbench" / "seedbench.db"

    def expected(self, name: str) -> Any:
        """What the older version wrote, as JSON."""
        return json.loads((self.folder / "expected" / f"{name}.json").read_text())

    def run(self, *words: str, drawn_as_then: bool = False) -> str:
        """Run a command of SeedBench in the folder; its output. AssertionError if it fails.

        ``drawn_as_then``: with a simulator that calls itself the version of then, so that its clips are not asked for anew.
        """
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SEEDBENCH_")}
        environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]), "COLUMNS": "200"}
        simulator = f"from seedbench.generators import simulator; simulator.VERSION = {SIMULATOR_OF_THEN}; " if drawn_as_then else ""
        command = [sys.executable, "-c", f"{simulator}from seedbench.cli import main; main()", *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def report(self, run: str) -> Row:
        """``report.json`` of a run."""
        self.run("report", run, "--out", f"report-{run}", "--no-clips")
        return json.loads((self.folder / f"report-{run}" / "report.json").read_text())

    def rows(self, table: str) -> dict[int, Row]:
        """The rows of a table by id."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return {row["id"]: dict(row) for row in connection.execute(f"SELECT {ALL_COLUMNS[table]} FROM {table}")}

    def requests_to_program(self) -> list[str]:
        """Prompt and seed of each clip that the program ``film.sh`` was asked for, in order."""
        return (self.folder / "asked.txt").read_text().splitlines()


@pytest.fixture
def older(tmp_path: Path) -> OlderWorkspace:
    return OlderWorkspace(tmp_path / "older")


def by(names: Sequence[str], rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
    """Rows by the values under ``names``, which no two rows share."""
    by_values = {tuple(row[name] for name in names): row for row in rows}
    assert len(by_values) == len(rows)
    return by_values


def differences(expected: Any, actual: Any, *, tolerance: float = 1e-9, ignored: set[str] | frozenset[str] = frozenset()) -> list[str]:
    """Where ``actual`` differs from ``expected``, with both values. Keys that only ``actual`` has were added later and are no difference.

    Numbers are equal up to ``tolerance``, relative where they are larger than 1; keys in ``ignored`` are not looked at.
    """
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        lines = [f"{key}: missing" for key in expected if key not in actual and key not in ignored]
        for key in (key for key in expected if key in actual and key not in ignored):
            lines += [f"{key}: {line}" for line in differences(expected[key], actual[key], tolerance=tolerance, ignored=ignored)]
        return lines
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        pairs = enumerate(zip(expected, actual, strict=True))
        return [f"{index}: {line}" for index, (a, b) in pairs for line in differences(a, b, tolerance=tolerance, ignored=ignored)]
    if isinstance(expected, float) and isinstance(actual, int | float):
        return [] if actual == pytest.approx(expected, rel=tolerance, abs=tolerance) else [f"{expected} became {actual}"]
    return [] if expected == actual else [f"{expected!r} became {actual!r}"]


def versions_apart(actual: Row) -> dict[tuple[str, str], str]:
    """What the backends of a run are called by now, by metric and backend, where another version of the metric is installed since."""
    scores = [*(score for cell in actual["cells"] for score in cell["scores"]), *actual["summary"]]
    parts = [(score["metric"], *score["backend"].rpartition(", version ")) for score in scores]
    return {(metric, backend): f"{backend}{between}{version}" for metric, backend, between, version in parts if between}


def renamed(rows: Sequence[Row], names: Mapping[tuple[str, str], str]) -> list[Row]:
    """Rows with the backends called as in ``names``."""
    return [row | {"backend": names.get((row["metric"], row["backend"]), row["backend"])} for row in rows]


def test_differences_are_detected() -> None:
    old = {"value": 0.5, "scores": [{"status": "scored", "n": 1}], "latency_s": 1.0}
    assert differences(old, {**old, "new": 1, "value": 0.5 + 1e-12, "latency_s": 2.0}, ignored={"latency_s"}) == []
    assert differences(old, {**old, "value": 0.51}) == ["value: 0.5 became 0.51"]
    assert differences(old, {**old, "scores": [{"status": "failed", "n": 1}]}) == ["scores: 0: status: 'scored' became 'failed'"]
    assert differences(old, {"value": None, "scores": []}) == [
        "latency_s: missing",
        "value: 0.5 became None",
        "scores: [{'status': 'scored', 'n': 1}] became []",
    ]


def test_the_runs_are_listed_and_shown(older: OlderWorkspace) -> None:
    lines = {line.split()[0]: line for line in older.run("runs", "list").splitlines() if line.strip()}
    assert {"complete", "stopped", "loose"} <= set(lines)
    assert "5 cells missing" in lines["stopped"]
    assert "finished" in lines["complete"]
    shown = older.run("runs", "show", "complete")
    assert all(name in shown for name in ("simulator", "broken", "film", "ours"))


@pytest.mark.parametrize("run", ["complete", "loose"])
def test_a_finished_run_is_reported_with_the_same_values(older: OlderWorkspace, run: str) -> None:
    expected, actual = older.expected(run), older.report(run)
    names = versions_apart(actual)
    for key in ("name", "created_at", "suite", "seeds", "generators"):
        assert differences(expected[key], actual[key]) == []
    cells, expected_cells = by(CELL, actual["cells"]), by(CELL, expected["cells"])
    assert list(cells) == list(expected_cells)
    for key, cell in expected_cells.items():
        assert differences(cell | {"scores": renamed(cell["scores"], names)}, cells[key], tolerance=0) == [], key
    for table, columns, changed in (("summary", COLUMN, SENTENCES), ("comparisons", PAIR, SENTENCES | TESTS)):
        rows = by(columns, actual[table])
        for key, row in by(columns, renamed(expected[table], names)).items():
            assert key in rows
            assert differences(row, rows[key], ignored=changed) == [], key
            assert bool(row.get("reason")) == bool(rows[key].get("reason")), key
    assert len(actual["notes"]) >= len(expected["notes"])


@pytest.mark.parametrize("run", ["complete", "loose"])
def test_the_command_of_a_finished_run_changes_nothing(older: OlderWorkspace, run: str) -> None:
    before, asked = {table: older.rows(table) for table in ALL_COLUMNS}, older.requests_to_program()
    older.run(*older.commands[run], drawn_as_then=True)
    assert {table: older.rows(table) for table in ALL_COLUMNS} == before
    assert older.requests_to_program() == asked


def test_clips_of_a_simulator_of_another_version_are_not_mixed_with_those_of_this_one(older: OlderWorkspace) -> None:
    before = {table: older.rows(table) for table in ALL_COLUMNS}
    with pytest.raises(
        AssertionError, match="the version of a generator, or files that decide the clips of simulator, broken have changed"
    ):
        older.run(*older.commands["complete"])
    assert {table: older.rows(table) for table in ALL_COLUMNS} == before


@pytest.mark.slow
def test_the_command_of_an_interrupted_run_makes_and_scores_only_what_is_missing(older: OlderWorkspace) -> None:
    before, asked = {table: older.rows(table) for table in ALL_COLUMNS}, older.requests_to_program()
    run_id = next(row["id"] for row in before["runs"].values() if row["name"] == "stopped")
    stopped = {number: cell for number, cell in before["cells"].items() if cell["run_id"] == run_id}
    kept = {number for number, cell in before["cells"].items() if cell["status"] == "succeeded" and cell["scored"]}
    unscored = {number for number, cell in stopped.items() if cell["status"] == "succeeded" and not cell["scored"]}
    planned = {number for number, cell in stopped.items() if cell["status"] == "planned"}
    assert (len(kept & set(stopped)), len(unscored), len(planned)) == (7, 2, 3)

    older.run(*older.commands["stopped"], drawn_as_then=True)

    assert older.requests_to_program()[len(asked) :] == ["drop 1", "talk 1"]
    cells, scores = older.rows("cells"), older.rows("scores")
    assert cells.keys() == before["cells"].keys()
    assert {number: cells[number] for number in kept} == {number: before["cells"][number] for number in kept}
    assert {number: scores.get(number) for number in before["scores"]} == before["scores"]
    assert {row["cell_id"] for number, row in scores.items() if number not in before["scores"]} <= unscored | planned
    made_once = ("clip_sha256", "clip_suffix", "truth_sha256", "seed_used", "latency_s")
    for number in unscored:
        assert [cells[number][name] for name in made_once] == [before["cells"][number][name] for name in made_once]
    for number in stopped:
        assert (cells[number]["status"], cells[number]["scored"]) == ("succeeded", 1)
    assert {number: row for number, row in older.rows("set_scores").items() if row["run_id"] != run_id} == before["set_scores"]

    expected, actual = older.expected("stopped"), older.report("stopped")
    reported = by(CELL, actual["cells"])
    names = versions_apart(actual)
    of_then = {row["metric"]: row["metric_version"] for row in before["scores"].values()}
    # They score what is missing by their present rules, in columns of their own.
    newer = {metric for metric, version in of_then.items() if registry.load("metrics", metric).info.version != version}
    anew = {tuple(cell[name] for name in CELL) for number, cell in stopped.items() if number not in kept}
    remade = {tuple(cell[name] for name in CELL) for number, cell in stopped.items() if number in planned}
    for key, cell in by(CELL, expected["cells"]).items():
        # Clips that are rendered anew on another processor may differ in last bits, and their numbers a little.
        # A metric may word its reasons differently by now; those of finished cells were compared above.
        ignored = TIMES | {"reason"} | ({"clip_path", "clip_sha256", "details"} if key in remade else set())
        left_out = newer if key in anew else set()
        cells_of_key = [
            version | {"scores": [score for score in renamed(version["scores"], here) if score["metric"] not in left_out]}
            for version, here in ((cell, names), (reported[key], {}))
        ]
        assert differences(*cells_of_key, tolerance=0.05 if key in remade else 1e-6, ignored=ignored) == [], key
    rows = by(COLUMN, actual["summary"])
    for key, row in by(COLUMN, [row for row in expected["summary"] if row["metric"] not in newer]).items():
        counts = {name: row[name] for name in ("n_scored", "n_unscored", "n_failed", "n_not_applicable", "method")}
        assert differences(counts, rows[key]) == [], key

    compared = [line for line in older.run("runs", "compare", "complete", "stopped").splitlines() if "physics.plausibility" in line]
    n_paired = [line.split()[-1] for line in compared if line.split()[0] in ("simulator", "film")]
    assert set(n_paired) == {"0" if "physics" in newer else "1"}  # prompts; values of two versions are never paired


def test_a_run_is_exported_with_its_clips(older: OlderWorkspace) -> None:
    older.run("runs", "export", "complete", "exported")
    folder = older.folder / "exported"
    samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    systems = by(CELL, [sample for sample in samples if sample["role"] != "reference"])
    assert len(samples) == 18
    for sample in samples:
        content = (folder / sample["media"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() in sample["media"]
    for key, cell in by(CELL, older.expected("complete")["cells"]).items():
        names = ("metric", "measure", "value", "status", "reason", "backend", "details")
        expected = [{name: score[name] for name in names} for score in cell["scores"]]
        assert differences(expected, systems[key]["scores"], tolerance=0) == [], key
    assert [prompt["id"] for prompt in json.loads((folder / "spec.json").read_text())["prompts"]] == ["tune", "bell", "drop", "talk"]


def test_the_vote_log_gives_the_same_boards(older: OlderWorkspace) -> None:
    boards = json.loads(older.run(*older.commands["board"]))
    assert differences(older.expected("board"), boards, ignored=SENTENCES) == []


def test_the_study_is_listed_and_exported_as_before(older: OlderWorkspace) -> None:
    assert "spring: 40 votes of 8 voters on 18 pairs" in older.run("arena", "studies")
    assert "40 votes of 8 voters" in older.run("arena", "study", "spring")
    older.run("arena", "export", "spring", "--out", "again")
    before, after = older.folder / "votes", older.folder / "again"
    for name in ("rules.json", "settings.json", "boards.json"):
        files = [json.loads((folder / name).read_text()) for folder in (before, after)]
        assert differences(*files, ignored=SENTENCES) == [], name
    votes = [[json.loads(line) for line in (folder / "votes.jsonl").read_text().splitlines()] for folder in (before, after)]
    assert len(votes[0]) == 40
    assert differences(*votes) == []


def test_the_clips_of_the_study_are_found_and_voted_on(older: OlderWorkspace) -> None:
    words = older.commands["vote"]
    older.run(*words[:-1], str(int(words[-1]) + 1))  # one more vote of each voter
    assert "spring: 48 votes of 8 voters on 18 pairs" in older.run("arena", "studies")
