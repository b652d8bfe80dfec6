"""Somebody tries a metric on clips of his own: the draft of a truth file, the command, an end in the middle, the page."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seedbench.generators.simulator import Simulator
from seedbench.plugins.generator import Request
from seedbench.plugins.real_footage import from_json
from seedbench.suites.loading import load_suite

NAMES = {"drop-wood": "drop", "bounce-rubber": "bounce"}


def command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", "from seedbench.cli import main; main()", "validate", "physics", "--footage", "mine", *arguments]
    environment = {**os.environ, "SEEDBENCH_HOME": str(folder / "home"), "COLUMNS": "120"}
    return subprocess.Popen(program, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def output_of(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=500)
    assert process.returncode == code, output
    assert "Traceback" not in output
    return output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prompts = {prompt.id: prompt for prompt in load_suite("quick").prompts}
    for name in NAMES:
        (tmp_path / name).mkdir()
        generation = Simulator().generate(Request(prompt=prompts[name], seed=0), tmp_path / name)
        assert generation.file is not None
        (tmp_path / "mine").mkdir(exist_ok=True)
        generation.file.rename(tmp_path / "mine" / f"{name}.mp4")
    return tmp_path


@pytest.mark.slow
def test_a_metric_is_tried_on_clips_of_ones_own(folder: Path) -> None:
    assert "has no truth.csv: write a table with a row for each clip" in " ".join(output_of(command(folder), code=2).split())
    assert "event: what happens" in " ".join(output_of(command(folder, "--write-truth")).split())
    truth = folder / "mine" / "truth.csv"
    rows = list(csv.DictReader(truth.read_text().splitlines()))
    assert [row["file"] for row in rows] == ["bounce-rubber.mp4", "drop-wood.mp4"]
    lines = [f"{row['file']},drawn,{NAMES[Path(row['file']).stem]}" for row in rows]
    truth.write_text("\n".join(["file,kind,event", *lines]) + "\n")

    stopped = command(folder, "-j", "1", "--out", "page")
    assert stopped.stdout is not None
    for line in stopped.stdout:
        if "/18" in line:
            break
    stopped.send_signal(signal.SIGINT)
    assert "stopped; the same command goes on from here" in output_of(stopped, code=130)
    assert not (folder / "page").exists()

    assert "a pause of 0.5 s" in output_of(command(folder, "-j", "1", "--out", "page"))
    record = from_json((folder / "page" / "validation.json").read_text())
    assert (record.as_it_is.answered.count, record.as_it_is.wrong.count) == (2, 0)
    assert "drawn: 2 files" in (folder / "page" / "validation.html").read_text()
    output_of(command(folder, "-j", "1", "--out", "again"))
    assert (folder / "again" / "validation.json").read_bytes() == (folder / "page" / "validation.json").read_bytes()
