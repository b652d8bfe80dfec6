"""Names of systems: as short as they can be without being one, and never where a link leads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seedbench.plugins.generator_spec import parse_generator
from seedbench.runs.labels import systems_of
from seedbench.runs.make_spec import make_spec

MakeClip = Callable[..., Path]


def labels_of(*texts: str) -> list[str]:
    return [system.label for system in systems_of([parse_generator(text) for text in texts])]


@pytest.fixture
def runs(tmp_path: Path, make_clip: MakeClip) -> Path:
    """``runA/out`` and ``runB/out`` with a clip each, and links to them called ``modelA`` and ``modelB``."""
    for index, run in enumerate("AB"):
        folder = tmp_path / f"run{run}" / "out"
        folder.mkdir(parents=True)
        make_clip(f"{run}.mp4", frames=5, tone_hz=300 + 10 * index).rename(folder / "p1.mp4")
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / f"model{run}").symlink_to(folder)
    return tmp_path


def test_a_system_is_called_by_the_last_folder_of_its_path(runs: Path) -> None:
    assert labels_of(f"import:path={runs}/runA/out/") == ["out"]
    assert labels_of(f"import:path={runs}/models/modelA", f"import:path={runs}/models/modelB") == ["modelA", "modelB"]
    assert labels_of(f"import:path={runs}/models") == ["modelA", "modelB"]


def test_two_paths_with_the_same_last_folder_are_named_by_what_tells_them_apart(runs: Path) -> None:
    spec = make_spec([f"import:path={runs}/runA/out", f"import:path={runs}/runB/out"], metrics=["toy_brightness"])
    assert [item.label for item in spec.generators] == ["runA/out", "runB/out"]
    assert {item.options["generator"] for item in spec.generators} == {"out"}


def test_a_label_that_the_user_chose_stays(runs: Path) -> None:
    assert labels_of(f"out=import:path={runs}/runA/out", f"import:path={runs}/runB/out") == ["out", "runB/out"]
    assert labels_of("toy", f"old=import:path={runs}/models") == ["toy", "old/modelA", "old/modelB"]


def test_generators_of_two_manifests_are_named_by_the_folder_of_theirs(runs: Path) -> None:
    for run in ("runA", "runB"):
        (runs / run / "clips.csv").write_text("generator,prompt_id,file\nalpha,p1,out/p1.mp4\n")
    assert labels_of(f"import:path={runs}/runA/clips.csv", f"import:path={runs}/runB/clips.csv") == [
        "runA/clips.csv/alpha",
        "runB/clips.csv/alpha",
    ]


def test_the_same_path_twice_keeps_one_name_which_the_plan_refuses(runs: Path) -> None:
    assert len(set(labels_of(f"import:path={runs}/runA/out", f"import:path={runs}/runA/out"))) == 1
