"""The command line as a user sees it: help, one-sentence errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seedbench.cli.reference import page
from seedbench.clips.writing import write_clip
from seedbench.runs.clip_files import clip_files
from seedbench.store.workspace import Workspace

ROOT = Path(__file__).parents[3]
TOY = ROOT / "tests" / "toy"
MakeClip = Callable[..., Path]


def seedbench(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``seedbench`` as a process of its own."""
    command = [sys.executable, "-c", "from seedbench.cli import main; main()", *arguments]
    given = {**os.environ, "SEEDBENCH_HOME": str(home), "PYTHONPATH": str(TOY), "COLUMNS": "200", **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=given, timeout=300)


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int = 2) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: ")


def test_the_reference_page_matches_the_help_of_the_commands() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == page(), "run: python -m seedbench.cli.reference > docs/cli.md"


def test_the_help_page_says_what_commands_of_other_packages_do(tmp_path: Path) -> None:
    shown = " ".join(seedbench("--help", home=tmp_path / "home").stdout.split())
    for about in ("Blind pairs for people to vote on", "Fit the model on a folder of talking clips", "Render the training clips, train"):
        assert about in shown
    assert "Commands of" not in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "-g", "simulatr", "--suite", "quick"), "did you mean 'simulator'"),
        (("run", "-g", "toy", "--suite", "quik"), "did you mean"),
        (("run", "-g", "toy"), "name a suite"),
        (("run", "-g", "toy", "--suite", "quick", "-m", "lipsinc"), "did you mean 'lipsync'"),
        (("run", "-g", "toy:colour=red", "--suite", "quick"), "has no option 'colour' (known:"),
        (("run", "-g", "import", "--suite", "quick"), "needs the option path="),
        (("run", "-g", "toy", "--suite", "quick", "--seeds", "a"), "whole numbers"),
        (("run", "-g", "toy", "--suite", "quick", "--seeds", "-1"), "a seed is a whole number from 0"),
        (("run", "-g", "toy", "--suite", "quick", "--name", "../x"), "a name is no path"),
        (("run", "-g", "toy", "--suite", "quick", "--name", "/tmp/x"), "a name is no path"),
        (("run", "-g", "import:path="), "path= is empty"),
        (("run", "-g", "toy", "-g", "toy", "--suite", "quick"), "two generators are called 'toy'"),
        (("run", "-g", "toy", "--suite", "quick", "--ceiling", "toi"), "did you mean 'toy'"),
        (("run", "-g", "toy", "--suite", "quick", "--size", "big"), "not a size"),
        (("report", "nothing"), "no run"),
        (("runs", "delete", "nothing", "--yes"), "no run"),
        (("weights", "fetch", "blaze"), "known:"),
        (("score", "no-such-folder.csv"), "no-such-folder.csv"),
    ],
)
def test_an_error_that_a_user_can_correct_is_one_sentence(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = seedbench(*arguments, home=tmp_path / "home")
    assert_one_sentence(done)
    assert says in done.stderr


def test_a_broken_plug_in_is_one_line_of_warning(tmp_path: Path) -> None:
    done = seedbench("metrics", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith("warning: metric 'toy_wrong' (toy_plugin:ToyGenerator of the package toy-plugin) is not a Metric")


def test_a_malformed_suite_names_the_line(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text("name: x\ntitle: x\nversion: '1'\nprompts:\n  - id: a\n    task: talking\n    text: hi\n    lenght: 3\n")
    done = seedbench("run", "-g", "toy", "--suite", str(suite), home=tmp_path / "home")
    assert_one_sentence(done)
    assert "suite.yaml:8" in done.stderr


def test_doctor_reports_a_workspace_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = seedbench("doctor", home=tmp_path / "file" / "home")
    assert "set SEEDBENCH_HOME" in done.stdout
    assert "Traceback" not in done.stderr


def test_scoring_bad_files_gives_each_a_reason_and_loses_no_good_one(make_clip: MakeClip, workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    good = make_clip("good.mp4")
    (folder / "good.mp4").write_bytes(good.read_bytes())
    (folder / "cut.mp4").write_bytes(good.read_bytes()[:700])
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("hello")
    make_clip("silent.mp4", tone_hz=None).rename(folder / "mute.mp4")
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    out = tmp_path / "scores.csv"
    done = seedbench("score", str(folder), "-m", "toy_brightness", "-m", "toy_speech", "--out", str(out), home=workspace.folder)
    assert done.returncode == 0, done.stderr
    assert "3 of 5 files cannot be read as clips" in done.stdout
    table = pd.read_csv(out, keep_default_na=False)
    status = {(Path(row.file).name, row.metric): (row.status, row.reason) for row in table.itertuples() if row.measure in {"mean", "level"}}
    assert status["good.mp4", "toy_brightness"] == ("scored", "")
    assert status["mute.mp4", "toy_brightness"] == ("scored", "")
    assert status["mute.mp4", "toy_speech"] == ("unscored", "the file has no sound")
    for name, words in (("cut.mp4", "cut off"), ("empty.mp4", "empty"), ("text.mp4", "not a media file")):
        assert status[name, "toy_brightness"][0] == "unscored"
        assert words in status[name, "toy_brightness"][1]
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_scoring_nothing_but_unreadable_files_exits_with_4_after_the_reasons(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello")
    out = tmp_path / "scores.csv"
    files = [str(tmp_path / "text.mp4"), str(tmp_path / "gone.mp4")]
    done = seedbench("score", *files, "-m", "toy_brightness", "--out", str(out), home=workspace.folder)
    assert_one_sentence(done, code=4)
    assert "not a media file" in " ".join(done.stdout.split())
    table = pd.read_csv(out, keep_default_na=False)
    assert set(zip(table.file, table.metric, table.status, strict=True)) == {
        (files[0], "toy_brightness", "unscored"),
        (files[1], "toy_brightness", "failed"),
    }


def test_scoring_says_what_is_unusual_about_a_file(workspace: Workspace, make_clip: MakeClip, tmp_path: Path) -> None:
    wave = np.sin(np.arange(48_000) / 10).astype(np.float32)
    file = write_clip(tmp_path / "odd.mp4", [np.full((32, 32, 3), 90, np.uint8)] * 25, 25, np.stack([wave, -wave], axis=1))
    out = tmp_path / "scores.csv"
    done = seedbench("score", str(file), str(make_clip()), "-m", "toy_brightness", "--out", str(out), home=workspace.folder)
    assert done.returncode == 0, done.stderr
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert note.endswith("odd.mp4: the channels of the sound cancel each other; the stronger one is heard alone.")
    table = pd.read_csv(out, keep_default_na=False).drop_duplicates("file")
    assert list(table.fps) == [25, 25]
    assert list(zip(table.judged_width, table.judged_height, strict=True)) == [(32, 32), (96, 64)]
    assert [bool(notes) for notes in table.file_notes] == [True, False]


def test_a_database_url_that_names_no_database_is_one_sentence(tmp_path: Path) -> None:
    for url in ("foo", "foo://x", "postgresql+nodriver://me:secret@host/x", "mysql://x"):
        done = seedbench("runs", "list", home=tmp_path / "home", SEEDBENCH_DATABASE_URL=url)
        assert_one_sentence(done)
        assert "SEEDBENCH_DATABASE_URL" in done.stderr
        assert "secret" not in done.stderr


@pytest.mark.slow
def test_a_run_exits_with_4_when_too_many_cells_failed_and_still_reports(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    prompts = "".join(f"  - {{id: p{index}, task: sound, text: grey, duration_s: 0.4}}\n" for index in range(3))
    suite.write_text(f"name: toy\ntitle: toy\nversion: '1'\nprompts:\n{prompts}")
    arguments = ["run", "--suite", str(suite), "-g", "toy:fail_on=p1", "-m", "toy_brightness", "--size", "48x32", "-j", "1"]
    done = seedbench(*arguments, "--out", str(tmp_path / "report"), home=tmp_path / "home")
    assert_one_sentence(done, code=4)
    assert (tmp_path / "report" / "report.html").exists()
    again = seedbench(*arguments, "--max-failures", "50%", home=tmp_path / "home")
    assert again.returncode == 0, again.stderr
    listed = seedbench("runs", "list", home=tmp_path / "home")
    assert "finished" in listed.stdout


@pytest.mark.slow
def test_importing_leaves_the_files_alone_and_a_changed_file_is_refused(make_clip: MakeClip, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("one", "two"):
        make_clip(f"{name}.mp4").rename(folder / f"{name}.mp4")
    arguments = ["run", "-g", f"mine=import:path={folder}", "-m", "toy_brightness", "--name", "mine", "-j", "1"]
    assert seedbench(*arguments, home=tmp_path / "home").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["one.mp4", "two.mp4"]
    out = tmp_path / "export"
    assert seedbench("runs", "export", "mine", str(out), home=tmp_path / "home").returncode == 0
    samples = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
    assert [sample["prompt_id"] for sample in samples] == ["one", "two"]
    make_clip("other.mp4", frames=30).rename(folder / "one.mp4")
    done = seedbench(*arguments, home=tmp_path / "home")
    assert_one_sentence(done)
    assert "have changed" in done.stderr


def test_score_reports_what_it_leaves_out_of_a_folder_and_follows_links(tmp_path: Path) -> None:
    for name in ("clips/a.mp4", "clips/notes.txt", "clips/.hidden.mp4", "clips/deep/er/b.wav", "elsewhere/c.mp4"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"clip")
    (tmp_path / "clips" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "clips" / "deep" / "loop").symlink_to(tmp_path / "clips")
    listed = clip_files([tmp_path / "clips", tmp_path / "clips" / "a.mp4"])
    assert [file.relative_to(tmp_path / "clips").as_posix() for file in listed.files] == ["a.mp4", "deep/er/b.wav", "linked/c.mp4"]
    assert listed.left_out == (
        "clips: 1 file without an ending of clips is left out: notes.txt.",
        "clips: 1 file with a name that begins with a dot is left out: .hidden.mp4.",
        "1 file is named several times and scored once: a.mp4.",
    )
