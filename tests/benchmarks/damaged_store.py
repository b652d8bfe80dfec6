"""A run whose artifacts and cache entries are damaged at random, repeatedly: nothing hangs, nothing is lost, no number changes.

    python tests/benchmarks/damaged_store.py [--damages 1000] [--seed 0] [--workers 2]

A run of the toy plug-in's clips is made once. Then, round by round, entries of its store and its cache are damaged (empty, cut off, a
changed bit, other bytes, gone, a folder, a link, a link to nowhere, a pipe, another entry's bytes, unreadable), the scores are forgotten,
and the report, an export and the same command are asked for. Each damaged clip must be reported in the report and in the export; afterwards
every entry that is needed is whole and every number is that of the undamaged run. Prints a table, and exits with 1 where any of that fails.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "toy")]
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "toy")])

from sqlalchemy import select  # noqa: E402

from seedbench.files.hashing import file_sha256  # noqa: E402
from seedbench.plugins.generator_spec import GeneratorSpec  # noqa: E402
from seedbench.report.export import export_run  # noqa: E402
from seedbench.report.preview import make_previews  # noqa: E402
from seedbench.results.load import load_report  # noqa: E402
from seedbench.runs.executor import LocalExecutor  # noqa: E402
from seedbench.runs.runner import execute  # noqa: E402
from seedbench.runs.spec import RunSpec  # noqa: E402
from seedbench.store import CellRow, SetScoreRow, Store  # noqa: E402
from seedbench.store.cache import use_cache  # noqa: E402
from seedbench.store.workspace import Workspace  # noqa: E402
from seedbench.suites.prompt import Prompt  # noqa: E402
from tests.seedbench.store.test_artifacts import DAMAGES, no_folder  # noqa: E402

#: A round that takes longer than this hangs.
ROUND_S = 300
SPEC = RunSpec(
    suite="toy",
    suite_version="1",
    suite_sha256="0",
    prompts=tuple(Prompt(id=f"p{index}", text="grey", task="sound", duration_s=0.3 + index / 10) for index in range(10)),
    generators=(
        GeneratorSpec(label="dark", name="toy", options={"level": 50}),
        GeneratorSpec(label="light", name="toy", options={"level": 200}),
    ),
    metrics=("toy_brightness", "toy_distance"),
    seeds=(0, 1),
    width=48,
    height=32,
    fps=10,
    reference=GeneratorSpec(label="reference", name="toy", options={"level": 60}),
)


def another_entry(path: Path) -> None:
    """The bytes of another entry, undamaged but under the wrong name."""
    others = [file for file in path.parents[1].glob("??/*") if file.is_file() and file.name[:2] != path.name[:2]]
    path.write_bytes(others[0].read_bytes())


def unreadable(path: Path) -> None:
    """No permission to read; without effect for the superuser, for whom this kind is left out."""
    path.chmod(0)


KINDS = [damage for damage in DAMAGES if damage is not no_folder] + [another_entry] + ([unreadable] if os.geteuid() != 0 else [])


def is_whole(path: Path) -> bool:
    """Whether a clip has its own content: another entry's bytes may be its own, if both were exchanged before."""
    return path.is_file() and os.access(path, os.R_OK) and hashlib.sha256(path.read_bytes()).hexdigest() == path.stem


def entries(workspace: Workspace) -> list[Path]:
    """The files that may be damaged: clips and cache entries."""
    files = [*(workspace.folder / "artifacts").glob("??/*.mp4"), *(workspace.folder / "cache").glob("??/*")]
    return [file for file in files if file.is_file() and len(file.stem) == 64]


def numbers(store: Store, workspace: Workspace) -> Any:
    """All stored results of the run's clips and sets."""
    report = load_report(store, workspace, "run")
    cells = [(cell.generator, cell.prompt_id, cell.seed, cell.status, cell.clip_sha256) for cell in report.cells]
    scores = [[(s.metric, s.measure, s.value, s.status, s.reason) for s in cell.scores] for cell in report.cells]
    return cells, scores, report.summary, report.comparisons


def carry_out(store: Store, workspace: Workspace, workers: int) -> None:
    """The run, or the rest of it, and the previews of its report."""
    executor = LocalExecutor(workers, workspace.cache)
    try:
        execute(SPEC, "run", store=store, workspace=workspace, executor=executor)
    finally:
        executor.close()
    use_cache(workspace.cache)
    previews = make_previews(load_report(store, workspace, "run").cells, budget_bytes=10**9)
    if not all(hasattr(preview, "mp4") for preview in previews.values()):
        raise AssertionError("a clip of the finished run has no preview")


def forget_scores(store: Store) -> None:
    """Remove all scores, so that clips are scored and compared again, from undamaged cache entries where possible."""
    with store.writing() as session:
        for row in session.scalars(select(SetScoreRow)):
            session.delete(row)
        for cell in session.scalars(select(CellRow)):
            cell.scores.clear()
            cell.scored = False


def one_round(store: Store, workspace: Workspace, before: Any, chosen: list[tuple[Path, Any]], workers: int, forget: bool) -> None:
    """Damage entries, write the report and an export, resume the run, and check. Raises AssertionError."""
    for path, damage in chosen:
        damage(path)
    how = {path.stem: damage.__name__ for path, damage in chosen if path.suffix == ".mp4" and not is_whole(path)}
    lost = set(how)
    report = load_report(store, workspace, "run")
    untold = [cell for cell in report.cells if (cell.clip_path is None) != (cell.clip_sha256 in lost)]
    assert not untold, f"shown though damaged, or not shown though whole: {[how.get(cell.clip_sha256) for cell in untold]}"
    assert all(cell.reason.startswith("the artifact ") for cell in report.cells if cell.clip_sha256 in lost)
    assert bool(lost & {cell.clip_sha256 for cell in report.cells}) == any("damaged, changed or gone" in note for note in report.notes)
    messages: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        out = export_run(store, workspace, "run", Path(folder) / "out", on_message=messages.append)
        lines = [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]
        assert sum(bool(line["media_missing"]) for line in lines) == len(messages)
        assert all(file_sha256(file) == file.stem for file in (out / "media").iterdir())
    assert numbers(store, workspace) == before, "a report of damaged clips has other numbers"
    if forget:
        forget_scores(store)
    carry_out(store, workspace, workers)
    assert numbers(store, workspace) == before, "the run has other numbers than before the damage"
    with store.session() as session:
        for cell in session.scalars(select(CellRow)):
            path = workspace.artifacts.local(str(cell.clip_sha256), cell.clip_suffix)
            assert path.is_file()
            assert not path.is_symlink()


def main() -> int:
    """Rounds until enough was damaged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    counts: Counter[tuple[str, str]] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEEDBENCH_HOME"] = str(Path(folder) / "home")
        workspace = Workspace.current()
        store = Store(workspace.database_url)
        carry_out(store, workspace, given.workers)
        before = numbers(store, workspace)
        number = 0
        while sum(counts.values()) < given.damages:
            there = entries(workspace)
            chosen = [(path, rng.choice(KINDS)) for path in rng.sample(there, min(len(there), given.damages - sum(counts.values())))]
            chosen = chosen[: max(1, round(len(chosen) * rng.uniform(0.3, 1.0)))]
            signal.alarm(ROUND_S)  # ends the process: a round that hangs is a failure
            start = time.monotonic()
            one_round(store, workspace, before, chosen, given.workers, forget=bool(number % 3))
            signal.alarm(0)
            slowest = max(slowest, time.monotonic() - start)
            counts.update(("clip" if path.suffix == ".mp4" else "cache entry", damage.__name__) for path, damage in chosen)
            number += 1
            print(f"round {number}: {len(chosen)} damaged, {time.monotonic() - start:.1f} s", flush=True)
        store.close()
    for kind in ("clip", "cache entry"):
        print(f"{kind}: " + ", ".join(f"{name} {count}" for (what, name), count in sorted(counts.items()) if what == kind))
    print(
        f"{sum(counts.values())} damaged in {number} rounds, slowest {slowest:.1f} s; no number changed, nothing lost, each lost clip told"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
