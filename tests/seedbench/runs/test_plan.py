"""Which cells a run has, what is refused before anything runs, and what is reported about omitted clips and seeds."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seedbench.errors import SeedBenchError
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.results.load import load_report
from seedbench.runs.executor import LocalExecutor
from seedbench.runs.make_spec import make_spec
from seedbench.runs.plan import plan, remarks
from seedbench.runs.provenance import LEFT_OUT
from seedbench.runs.records import open_run
from seedbench.runs.runner import execute
from seedbench.runs.spec import RunSpec
from seedbench.store import RunRow, Store
from seedbench.store.workspace import Workspace
from seedbench.suites.prompt import Music, Prompt

PROMPTS = tuple(Prompt(id=name, text="grey", task="sound", duration_s=0.4) for name in ("p1", "p2"))


def typed(*generators: str, **given: Any) -> RunSpec:
    """The spec of ``seedbench run -g ... -m toy_brightness`` with no other options than ``given``."""
    empty: dict[str, Any] = {"suite": None, "seeds": None, "prompts": [], "tasks": [], "limit": None, "ceiling": None, "reference": None}
    usual: dict[str, Any] = {"metrics": ["toy_brightness"], "size": (456, 256), "fps": 25, "reference_seeds": None}
    return make_spec(generators=list(generators), **{**empty, **usual, **given})


def cells_of(spec: RunSpec) -> list[tuple[str, str, int]]:
    return [(cell.generator.label, cell.prompt.id, cell.seed) for cell in plan(spec)]


@pytest.fixture
def listed(tmp_path: Path, make_clip: Callable[..., Path]) -> Path:
    """A manifest: alpha has seeds 7, 8 and 9 of p1, beta seed 0 of p1 and one without a seed, which counts as 0, of p2."""
    for number in range(5):
        make_clip(f"c{number}.mp4", frames=5, tone_hz=300 + 10 * number)
    path = tmp_path / "clips.csv"
    rows = ["alpha,p1,c0.mp4,7", "alpha,p1,c1.mp4,8", "alpha,p1,c2.mp4,9", "beta,p1,c3.mp4,0", "beta,p2,c4.mp4,"]
    path.write_text("\n".join(["generator,prompt_id,file,seed", *rows]) + "\n")
    return path


def test_seeds_of_listed_clips_are_their_cells_where_none_are_typed(listed: Path) -> None:
    spec = typed(f"import:path={listed}")
    assert sorted(cells_of(spec)) == [("alpha", "p1", 7), ("alpha", "p1", 8), ("alpha", "p1", 9), ("beta", "p1", 0), ("beta", "p2", 0)]
    assert spec.all_seeds == (7, 8, 9, 0)
    assert [item.seeds for item in spec.generators] == [(7, 8, 9), None]


def test_beside_imported_clips_other_generators_have_the_runs_seeds(listed: Path) -> None:
    cells = cells_of(typed(f"import:path={listed},generator=alpha", "toy"))
    assert {seed for label, _, seed in cells if label == "alpha"} == {7, 8, 9}
    assert {seed for label, _, seed in cells if label == "toy"} == {0}
    [remark] = [
        sentence for sentence in remarks(typed(f"import:path={listed},generator=alpha", "toy")) if sentence.startswith("toy is asked")
    ]
    assert "--seeds 7,8,9 asks it under these" in remark
    assert not [sentence for sentence in remarks(typed(f"import:path={listed}", "toy", seeds=(7,))) if "is asked under seed" in sentence]


def test_clips_left_out_by_typed_seeds_are_reported(listed: Path) -> None:
    spec = typed(f"import:path={listed}", seeds=(0, 7))
    assert sorted(cells_of(spec)) == [("alpha", "p1", 7), ("beta", "p1", 0), ("beta", "p2", 0)]
    assert remarks(spec) == [
        "alpha: 2 of its 3 clips are left out, of 2 seeds (8, 9) not asked for; asked are 0, 7. Name no seeds to take all.",
        "alpha: no clip for 1 prompt (p2) of the 2 in this run; they are not counted.",
        "alpha: no clip for 1 seed (0) of the 2 asked for; they are not counted.",
        "beta: no clip for 1 seed (7) of the 2 asked for; they are not counted.",
    ]


def test_the_error_of_seeds_without_clips_lists_the_seeds_with_clips(listed: Path) -> None:
    with pytest.raises(SeedBenchError, match=re.escape("its clips have the seeds 7,8,9: leave --seeds out, or give --seeds 7,8,9")):
        plan(typed(f"import:path={listed},generator=alpha", seeds=(0,)))


def test_clips_of_prompts_that_a_run_does_not_have_are_counted(listed: Path) -> None:
    spec = typed(f"import:path={listed}", prompts=["p1"])
    assert "beta: 1 of its 2 clips is left out, of 1 prompt (p2) not in this run." in remarks(spec)


def test_what_is_left_out_is_in_the_runs_report(listed: Path, workspace: Workspace) -> None:
    spec = typed(f"import:path={listed}", seeds=(0, 7))
    store = Store(workspace.database_url)
    executor = LocalExecutor(1)
    try:
        execute(spec, "r", store=store, workspace=workspace, executor=executor)
    finally:
        executor.close()
    report = load_report(store, workspace, "r")
    assert [note for note in report.notes if "left out" in note] == remarks(spec)[:1]
    assert LEFT_OUT not in report.provenance
    assert report.seeds == (0, 7)


def test_imported_reference_clips_bring_their_seeds_too(listed: Path) -> None:
    spec = typed(f"import:path={listed},generator=beta", reference=f"import:path={listed},generator=alpha")
    assert [(cell.role, cell.seed) for cell in plan(spec) if cell.generator.label == "alpha"] == [("reference", seed) for seed in (7, 8, 9)]


def toy(label: str = "toy", **options: Any) -> GeneratorSpec:
    return GeneratorSpec(label=label, name="toy", options=options)


def spec_of(*generators: GeneratorSpec, **changes: Any) -> RunSpec:
    given = {"suite": "s", "suite_version": "1", "suite_sha256": "x", "prompts": PROMPTS, "metrics": ("toy_brightness",), **changes}
    return RunSpec(generators=generators, **given)


def program(**options: Any) -> GeneratorSpec:
    return GeneratorSpec(label="mine", name="command", options={"argv": [sys.executable, "{prompt}", "{out}"], **options})


def test_a_size_that_a_generator_does_not_make_is_refused_by_name() -> None:
    asked = spec_of(program(sizes=[[640, 360], [1280, 720]]))
    assert {cell.refusal for cell in plan(asked)} == {"mine makes 1280x720, 640x360; the run asks for 456x256"}
    assert {cell.refusal for cell in plan(replace(asked, width=640, height=360))} == {""}
    assert {cell.refusal for cell in plan(spec_of(program()))} == {""}


def test_seeds_that_change_nothing_are_reported_as_left_out(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    make_clip("p1.mp4", frames=5)
    spec = typed(f"import:path={tmp_path}", seeds=(0, 1, 2))
    assert [seed for _, _, seed in cells_of(spec)] == [0]
    assert f"{tmp_path.name} takes no seed and always gives the same clip: it is asked once a prompt, not 3 times." in remarks(spec)
    assert remarks(spec_of(program(argv=[sys.executable, "{prompt}", "{seed}", "{out}"]), seeds=(0, 1))) == []


def test_prompts_that_ask_a_silent_generator_for_sound_are_reported() -> None:
    loud = Prompt(id="p3", text="tune", task="music", duration_s=0.4, music=Music(tempo_bpm=90))
    assert remarks(spec_of(program(audio=False), prompts=(*PROMPTS, loud))) == ["mine makes no sound; 1 of the 3 prompts ask for some."]


def test_a_reference_set_under_a_systems_label_and_seeds_is_refused_in_a_sentence() -> None:
    with pytest.raises(SeedBenchError, match="the reference set and the generator 'toy' have one label and both have the seeds 1000"):
        plan(spec_of(toy(), reference=toy(), seeds=(0, 1000)))
    assert len(plan(spec_of(toy(), reference=toy(), seeds=(0, 1)))) == 2 * 3
    assert len(plan(spec_of(toy(), reference=toy("other"), seeds=(0, 1000)))) == 2 * 3


def test_a_run_planned_with_earlier_keys_resumes_and_one_with_other_keys_does_not(workspace: Workspace) -> None:
    store, asked = Store(workspace.database_url), spec_of(program(version="2"))
    cells = plan(asked)
    assert all(cell.earlier_keys and cell.key not in cell.earlier_keys for cell in cells)
    old = replace(asked, generators=(program(version=2),))
    for name, key in (("earlier", lambda cell: cell.earlier_keys[-1]), ("other", lambda cell: "0" * 64)):
        open_run(store, name, old, [replace(cell, key=key(cell), generator=old.generators[0]) for cell in cells])
    assert open_run(store, "earlier", asked, plan(asked)) == 1
    with pytest.raises(SeedBenchError, match=r"files that decide the clips of .* have changed since; files that a program writes itself"):
        open_run(store, "other", asked, plan(asked))


def test_a_run_stored_without_remarks_gets_them_when_it_resumes(listed: Path, workspace: Workspace) -> None:
    store, spec = Store(workspace.database_url), typed(f"import:path={listed},generator=alpha", seeds=(7,))
    run_id = open_run(store, "r", spec, plan(spec))
    with store.session() as session:
        run = session.get_one(RunRow, run_id)
        run.provenance = {key: value for key, value in run.provenance.items() if key != LEFT_OUT}
    open_run(store, "r", spec, plan(spec))
    with store.session() as session:
        assert session.get_one(RunRow, run_id).provenance[LEFT_OUT] == remarks(spec)
