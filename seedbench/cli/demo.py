"""``make demo``: the main job in small, on this machine alone.

Six systems are given the suite ``quick``: the simulator (the ceiling), the reference model and its cascaded twin (which refuse by name
what they were not trained for), the simulator with degradations, an external program run by the ``command`` adapter (the simulator's
pictures frozen under its sound), and a folder of finished clips read by the ``import`` adapter (the simulator's clips blurred and
compressed hard). Since the degradations are known, the report shows whether the metrics notice them.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seedbench.cli import complain
from seedbench.processes.stopping import set_stop_message

if TYPE_CHECKING:
    from seedbench.files.locks import Holder
    from seedbench.store.workspace import Workspace
    from seedbench.suites.prompt import Prompt

OUT = Path("demo-report")
RECORD = ".sha256.json"  # hidden, so that the import passes it over
BLURRED = {"blur": 1.5, "reencode": 42.0}
STILL = (
    "{python} -m seedbench.generators.simulator --prompt-file {{prompt_file}} --seed {{seed}} --width {{width}} --height {{height}} "
    "--fps {{fps}} --out {{out}} --set freeze_from_s=0"
)


def compressed_clips(workspace: Workspace, prompts: tuple[Prompt, ...], root: Path) -> Path:
    """A folder of clips as somebody else might hand it over: the simulator's (seed 7), blurred and compressed.

    Made once, and again where a clip of it is no longer what it was.
    """
    from seedbench.files.locks import FileLocks

    folder = workspace.folder / "demo-clips" / "compressed"
    with FileLocks(workspace.folder / "locks").hold("the clips of the demo", wait=_tell):
        if not _as_recorded(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _make_compressed(workspace, prompts, root, folder)
    return folder


def _tell(holder: Holder) -> None:
    print(f"demo: waiting for the clips that another process makes ({holder})", flush=True)


def _make_compressed(workspace: Workspace, prompts: tuple[Prompt, ...], root: Path, folder: Path) -> None:
    from seedbench.clips.degradations import degrade_clip
    from seedbench.files.hashing import file_sha256
    from seedbench.plugins.generator_spec import GeneratorSpec
    from seedbench.runs.executor import LocalExecutor, sensible_workers
    from seedbench.runs.generate_task import GenerateTask, generate
    from seedbench.runs.plan import request_of
    from seedbench.runs.spec import RunSpec

    partial = folder.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    spec = RunSpec(suite="", suite_version="", suite_sha256="", prompts=prompts, generators=(), metrics=(), root=str(root))
    simulator = GeneratorSpec(label="simulator", name="simulator")
    with LocalExecutor(sensible_workers(), workspace.cache) as executor:
        for index, prompt in enumerate(prompts):
            request = request_of(spec, prompt, 7)
            task = GenerateTask(
                cell_id=-1 - index, generator=simulator, request=request, scratch=workspace.scratch, artifacts=workspace.artifacts
            )
            executor.submit(generate, task)
        for done in executor.results():
            if done.error is not None:
                raise done.error
            if done.result.sha256 is not None:
                clip = workspace.artifacts.local(done.result.sha256, done.result.suffix)
                degrade_clip(clip, partial / f"{done.task.request.prompt.id}.mp4", BLURRED)
    (partial / RECORD).write_text(json.dumps({file.name: file_sha256(file) for file in partial.glob("*.mp4")}, indent=1))
    partial.rename(folder)


def _as_recorded(folder: Path) -> bool:
    """Whether a folder holds the clips that were recorded there, all of them and unchanged."""
    from seedbench.errors import ClipError
    from seedbench.files.hashing import file_sha256

    try:
        known = json.loads((folder / RECORD).read_bytes())
        return known == {file.name: file_sha256(file) for file in folder.glob("*.mp4")}
    except (OSError, ValueError, ClipError):
        return False


def main() -> None:
    """Make the clips to import, run the systems, write the report, say where it is and how long it took."""
    set_stop_message("stopped; the same command goes on from here")
    from seedbench import api
    from seedbench.cli.running import run_and_show
    from seedbench.files.atomic import atomic_write
    from seedbench.store.workspace import Workspace
    from seedbench.suites.loading import load_suite

    start = time.monotonic()
    workspace = Workspace.current()
    suite = load_suite("quick")
    print("demo: making the clips that are imported", flush=True)
    folder = compressed_clips(workspace, suite.prompts, suite.root)
    still = workspace.folder / "demo-still.yaml"
    argv = STILL.format(python=shlex.quote(sys.executable))
    with atomic_write(still) as partial:
        partial.write_text(f"label: still\nname: command\noptions:\n  argv: {argv!r}\n")
    spec = api.make_spec(
        [
            "simulator",
            "joint=reference:twin=joint",
            "cascaded=reference:twin=cascaded",
            "broken=simulator:preset=broken",
            str(still),
            f"compressed=import:path={folder}",
        ],
        suite="quick",
        ceiling="simulator",
        reference="simulator",
    )
    run_and_show(spec, "demo", out=OUT)
    print(f"demo: {time.monotonic() - start:.0f} s; open {OUT / 'report.html'} in a browser", flush=True)


if __name__ == "__main__":
    complain(main)
