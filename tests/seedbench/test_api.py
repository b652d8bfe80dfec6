"""The functions behind the commands, called as a script would call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seedbench import api
from seedbench.errors import SeedBenchError
from seedbench.store.workspace import Workspace


@pytest.mark.slow
def test_a_run_is_made_resumed_reported_and_its_clips_are_scored_alike(workspace: Workspace, tmp_path: Path) -> None:
    spec = api.make_spec(["toy"], suite="quick", limit=2, metrics=["toy_brightness"])
    finished = api.run(spec, "first", workers=1, workspace=workspace)
    assert (finished.outcome.cells, finished.outcome.failed, finished.outcome.resumed) == (2, 0, 0)
    assert finished.files == ()
    again = api.run(spec, "first", workers=1, workspace=workspace, out=tmp_path / "out")
    assert again.outcome.resumed == 2
    assert {file.name for file in again.files} >= {"report.html", "report.json", "scores.csv"}
    written = api.report(None, out=tmp_path / "other", previews=False, workspace=workspace)
    assert written.report.name == "first"
    assert all(file.is_file() for file in written.files)
    in_run = {Path(str(cell.clip_path)): [(score.measure, score.value) for score in cell.scores] for cell in finished.report.cells}
    loose = api.score(in_run, metrics=["toy_brightness"], workers=1, workspace=workspace)
    assert {entry.file: [(score.measure, score.value) for score in entry.scores["toy_brightness"]] for entry in loose.files} == in_run


def test_without_a_name_a_run_is_named_after_its_spec() -> None:
    specs = [api.make_spec(["toy"], suite="quick", limit=limit, metrics=["toy_brightness"]) for limit in (1, 2)]
    names = [api.default_name(spec) for spec in specs]
    assert all(name.startswith("quick-toy-") for name in names)
    assert names[0] != names[1]


def test_a_metric_of_sets_does_not_score_loose_clips(workspace: Workspace) -> None:
    with pytest.raises(SeedBenchError, match="'video_distance' compares two sets of clips"):
        api.score([], metrics=["video_distance"], workspace=workspace)


def test_a_script_without_a_main_guard_ends_and_says_what_is_missing(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from seedbench import api\napi.run(api.make_spec(['simulator'], suite='quick', limit=1, metrics=['impact']), 'r')")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=500)
    assert 'under `if __name__ == "__main__":`' in done.stderr


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"seeds": (0, 0)}, "name one twice"),
        ({"seeds": ()}, "no seeds are given"),
        ({"reference_seeds": (2**63,)}, "a seed is a whole number from 0"),
        ({"seeds": (0, -1)}, "the seeds 0, -1: a seed is a whole number from 0"),
        ({"size": (0, 0)}, "width and height lie between 16 and 7680"),
        ({"fps": 0}, "a rate lies between 1 and 120"),
        ({"prompts": "talk-*"}, "lists of texts"),
    ],
)
def test_what_no_run_can_have_is_refused(asked: dict[str, object], says: str) -> None:
    with pytest.raises(SeedBenchError, match=says):
        api.make_spec(["toy"], suite="quick", metrics=["toy_brightness"], **asked)  # type: ignore[arg-type]
