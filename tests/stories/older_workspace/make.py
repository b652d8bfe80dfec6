"""Makes ``workspace.tar.xz``: a workspace as the version before the reorganisation left it, for ``test_older_workspace.py``.

It was run with commit ce777cc (SeedBench 0.1.0, Python 3.11), from a worktree of that commit whose package metadata had been made by
``python setup.py egg_info``, in an environment with the dependencies and the extra ``tts``::

    PYTHONPATH=/path/to/worktree python tests/stories/older_workspace/make.py /tmp/older

The folder must not exist yet. The archive is written beside this file. Do not make it with a later version: it would no longer be old.

The archive holds the folder in which somebody worked, without caches:

- ``suite.yaml`` with ``anna.png``: four short prompts that use every field the simulator reads.
- ``film.sh`` with ``takes/``: a program for the generator ``command``. It copies a clip, and writes each request into ``asked.txt``.
- ``clips.csv`` with ``clips/``, and ``footage/``: clips to import, for two systems and for the reference set.
- ``.seedbench/``: the database, the artifacts, and the clips of a study. Three runs: ``complete``; ``stopped``, which was interrupted
  twice so that it has scored, unscored and planned cells; ``loose``, of imported clips without a suite. One study, ``spring``, of
  ``complete``, with votes of simulated voters.
- ``votes/``: what ``seedbench arena export spring`` wrote.
- ``expected/``: the command lines (``commands.json``), and what that version reported: of ``complete`` and ``loose`` as they are, of
  ``stopped`` as that version resumed it in a copy of this folder, and the boards of the vote log.

Stored paths are relative to the folder, or below ``/tmp/older``: the root of the suite in each run's spec, and ``cells.clip_path`` of
imported clips.
"""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from PIL import Image

SEEDBENCH = [sys.executable, "-c", "from seedbench.cli import main; main()"]
ARCHIVE = Path(__file__).with_name("workspace.tar.xz")
WAIT_S = 300.0
FRAMES, FPS, RATE = 18, 25, 48_000

SUITE = """\
name: older
title: Four short prompts of the time before the reorganisation
version: "1.0"
prompts:
  - id: tune
    task: music
    duration_s: 1.2
    text: "Drums. A cut on the second beat leads from a park by day into a dim room. A board reads: OPEN 7"
    shots:
      - {start_s: 0, end_s: 0.6, framing: wide, light: day, place: park, camera: pan}
      - {start_s: 0.6, end_s: 1.2, framing: wide, light: dim, place: room}
    music: {tempo_bpm: 100, style: drums, cuts: on_beat}
    text_in_frame:
      - {text: "OPEN 7", start_s: 0.1, end_s: 1.1}
  - id: bell
    task: sound
    duration_s: 0.72
    text: A bell rings twice in a street at night.
    shots:
      - {start_s: 0, end_s: 0.72, framing: wide, light: cool, place: night}
    events:
      - {kind: bell, object: none, start_s: 0.1, times_s: [0.1, 0.4]}
  - id: drop
    task: impact
    duration_s: 1.6
    text: A steel ball falls onto the floor of a plain studio in cool light and bounces.
    shots:
      - {start_s: 0, end_s: 1.6, framing: wide, light: cool, place: studio}
    events:
      - {kind: drop, object: steel ball, start_s: 0.2, height_m: 1.2, restitution: 0.6, sound: true}
  - id: talk
    task: reference
    duration_s: 2.8
    text: >-
      The woman of {{image:1}}, close, in a living room in warm light. She says in English: "Good morning, we are open until seven."
      A cut shows her again, turned a little, with a man with a beard and glasses.
    cast:
      - id: anna
        look: {identity: 1, skin: fair, hair: red, hair_style: long, eyes: green, face: oval, beard: false, glasses: false, clothes: blue}
        voice: high
        reference: "image:1"
      - id: bert
        look: {identity: 4, skin: brown, hair: black, hair_style: short, eyes: blue, face: square, beard: true, glasses: true, clothes: red}
        voice: low
    shots:
      - {start_s: 0, end_s: 2.2, cast: [anna], framing: close, light: warm, place: room, pose: front, camera: static}
      - {start_s: 2.2, end_s: 2.8, cast: [bert, anna], framing: close, light: warm, place: room, pose: left, camera: push}
    speech:
      - {character: anna, language: en, start_s: 0.1, text: "Good morning, we are open until seven."}
    references:
      - id: "image:1"
        path: anna.png
        role: appearance
        strength: 0.8
        look: {identity: 1, skin: fair, hair: red, hair_style: long, eyes: green, face: oval, clothes: blue}
"""
FILM = """\
#!/bin/sh
# Copies the clip of a prompt, and writes down that it was asked for. Waits as long as the file `hold` names the prompt.
id=$(sed -n 's/^ "id": "\\(.*\\)",$/\\1/p' "$1" | head -n 1)
echo "$id $2" >> asked.txt
while [ "$(cat hold 2>/dev/null)" = "$id" ]; do sleep 0.1; done
cp "takes/$id.mp4" "$3"
"""
MANIFEST = """\
generator,prompt_id,file,seed,latency_s,cost_usd,camera
ours,tune,clips/ours-tune.mp4,0,12.5,0.25,A
ours,drop,clips/ours-drop.mp4,0,11,0.25,B
theirs,tune,clips/theirs-tune.mp4,0,,,A
theirs,drop,clips/theirs-drop.mp4,0,,,B
"""
STUDY = "{title: An older study, captions: true, width: 96, height: 72}\n"
#: The shipped rules of that version, but that votes of simulated voters count.
RULES = """\
name: simulated voters count
version: "1"
checks:
  - {check: origin, origins: [people, simulated]}
  - {check: heard, at_least: 0.8}
  - {check: dwell, at_least: 1.0}
  - {check: sound_check}
  - {check: gold, at_least: 0.7, answered: 3}
"""
PROMPTS = ("tune", "bell", "drop", "talk")
METRICS = [word for name in ("lipsync", "identity", "impact", "physics", "video_distance") for word in ("-m", name)]
FILMED = ["-g", "film=command:argv=./film.sh {prompt_file} {seed} {out}"]
ASKED = ["--suite", "suite.yaml", "--size", "192x144", "--reference", "footage=import:path=footage", *METRICS]
COMMANDS = {
    "complete": [
        *("run", "--name", "complete", "-g", "simulator", "-g", "broken=simulator:preset=broken", *FILMED),
        *("-g", "import:path=clips.csv,generator=ours", "--ceiling", "simulator", *ASKED, "-j", "1"),
    ],
    "stopped": ["run", "--name", "stopped", "-g", "simulator", *FILMED, "--seeds", "1", *ASKED, "-j", "1"],
    "loose": ["run", "--name", "loose", "-g", "import:path=clips.csv", *METRICS, "-j", "1"],
    "prepare": ["arena", "prepare", "complete", "--name", "spring", "--settings", "study.yaml", "--rules", "rules.yaml"],
    "vote": ["arena", "demo", "complete", "--name", "spring", "--voters", "8", "--votes", "5"],
    "export": ["arena", "export", "spring", "--out", "votes"],
    "board": ["arena", "board", "votes/votes.jsonl", "--format", "json"],
}


def main(folder: Path) -> None:
    """Make the workspace in ``folder``, which must not exist, and pack it."""
    folder.mkdir()
    write_inputs(folder)
    seedbench(folder, COMMANDS["complete"])
    seedbench(folder, COMMANDS["loose"])
    for prompt in ("bell", "drop"):
        interrupt_at(folder, prompt, COMMANDS["stopped"])
    (folder / "hold").unlink()
    for name in ("prepare", "vote", "export"):
        seedbench(folder, COMMANDS[name])
    expected = folder / "expected"
    expected.mkdir()
    seedbench(folder, [*COMMANDS["board"], "--out", "expected/board.json"])
    (expected / "commands.json").write_text(json.dumps(COMMANDS, indent=1) + "\n")
    for run in ("complete", "loose"):
        write_report(folder, run, expected / f"{run}.json")
    copy = folder.with_name(f"{folder.name}-resumed")
    shutil.copytree(folder, copy)
    seedbench(copy, COMMANDS["stopped"])
    write_report(copy, "stopped", expected / "stopped.json")
    shutil.rmtree(copy)
    pack(folder)


def write_inputs(folder: Path) -> None:
    """The suite, the program, and the clips to import."""
    for name, text in {"suite.yaml": SUITE, "film.sh": FILM, "clips.csv": MANIFEST, "study.yaml": STUDY, "rules.yaml": RULES}.items():
        (folder / name).write_text(text)
    (folder / "film.sh").chmod(0o755)
    rng = np.random.default_rng(7)
    portrait = np.full((32, 32, 3), (200, 60, 40), np.uint8)
    portrait[8:28, 8:24] = (240, 200, 180)
    Image.fromarray(portrait).save(folder / "anna.png")
    names = [f"footage/{name}" for name in PROMPTS] + [f"takes/{name}" for name in PROMPTS]
    names += [f"clips/{system}-{name}" for system in ("ours", "theirs") for name in ("tune", "drop")]
    for name in names:
        file = folder / f"{name}.mp4"
        file.parent.mkdir(exist_ok=True)
        write_falling_square(file, rng)


def write_falling_square(file: Path, rng: np.random.Generator) -> None:
    """A clip of :data:`FRAMES` frames in which a square falls, with a click in its sound where it lands."""
    left, colour, pitch_hz = int(rng.integers(8, 72)), rng.integers(120, 255, 3), float(rng.uniform(300, 900))
    since_landing_s = np.clip(np.arange(RATE * FRAMES // FPS) / RATE - 10 / FPS, 0, None)
    sound = 0.6 * np.sin(2 * np.pi * pitch_hz * since_landing_s) * np.exp(-since_landing_s / 0.05)
    with av.open(str(file), "w") as container:
        video = container.add_stream("libx264", rate=FPS, options={"crf": "28"})
        video.width, video.height, video.pix_fmt = 96, 72, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 32_000
        for index in range(FRAMES):
            picture = np.full((72, 96, 3), 40, np.uint8)
            top = min(4 + index * index // 2, 56)
            picture[top : top + 16, left : left + 16] = colour
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        samples = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), format="fltp", layout="mono")
        samples.sample_rate = RATE
        container.mux(audio.encode(samples))
        container.mux(audio.encode())


def seedbench(folder: Path, words: list[str]) -> None:
    """Run a command of SeedBench in ``folder`` to its end."""
    subprocess.run([*SEEDBENCH, *words], cwd=folder, check=True)


def interrupt_at(folder: Path, prompt: str, words: list[str]) -> None:
    """Run a command, and send it what Ctrl-C sends while the program makes the clip of ``prompt``."""
    (folder / "hold").write_text(prompt)
    process = subprocess.Popen([*SEEDBENCH, *words], cwd=folder)
    asked = folder / "asked.txt"
    wait_until(lambda: f"{prompt} 1\n" in asked.read_text())
    time.sleep(2)  # results that came before are written by then
    process.send_signal(signal.SIGINT)
    if process.wait(WAIT_S) != 130:
        raise SystemExit(f"the command was not interrupted: exit code {process.returncode}")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, for at most five minutes."""
    until = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until:
            raise SystemExit("what was waited for did not happen")
        time.sleep(0.1)


def write_report(folder: Path, run: str, file: Path) -> None:
    """What ``seedbench report`` says of a run, without evidence, provenance and texts about the metrics."""
    seedbench(folder, ["report", run, "--out", "report", "--no-clips"])
    report = json.loads((folder / "report" / "report.json").read_text())
    shutil.rmtree(folder / "report")
    for cell in report["cells"]:
        for score in cell["scores"]:
            del score["evidence"]
    kept = ("name", "created_at", "suite", "seeds", "generators", "summary", "comparisons", "cells", "notes")
    file.write_text(json.dumps({key: report[key] for key in kept}, indent=1, ensure_ascii=False) + "\n")


def pack(folder: Path) -> None:
    """Pack the folder without caches, locks and scratch; the database as one file without a journal and without the kernel's release."""
    database = folder / ".seedbench" / "seedbench.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE runs SET provenance = json_set(provenance, '$.machine.system', 'Linux')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("VACUUM")
    for unneeded in ("cache", "scratch", "fetched", "seedbench.db.locks", "seedbench.db-wal", "seedbench.db-shm", "arena/locks"):
        path = folder / ".seedbench" / unneeded
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        archive.add(folder, arcname=".", filter=anonymous)


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """An entry without the owner's name."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
