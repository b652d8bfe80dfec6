"""How much memory it takes to score one clip: the peak of a process of its own, for each metric that runs by default and for all together.

    python tests/benchmarks/peak_memory.py                          clips of 10, 60 and 180 s at 2560 x 1440
    python tests/benchmarks/peak_memory.py --seconds 60 --lines 1080 --together

The clips are one of a person who talks and one of a ball that bounces, in a single shot each: the simulator draws them, and FFmpeg's
command line (of the package imageio-ffmpeg, an extra of the tests) makes them long and large. Takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from seedbench.plugins.generator import Request
from seedbench.plugins.generator_spec import GeneratorSpec
from seedbench.plugins.instances import make_generator
from seedbench.suites.loading import load_suite

#: Which prompt's clip a metric is measured on; the others do not ask anything of it.
CLIPS = {"talk-en": ("lipsync", "identity", "video_distance"), "bounce-rubber": ("physics", "impact", "video_distance")}
SET_METRICS = ("video_distance",)
FPS = 24.0

_SCORE = """
import json, resource, sys
from pathlib import Path
from seedbench.files.hashing import file_sha256
from seedbench.runs.score_task import ScoreTask, score
from seedbench.suites.loading import load_suite
path, prompt, names, sets = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(","), sys.argv[4].split(",")
prompt = next(other for other in load_suite("quick").prompts if other.id == prompt)
asked = {"metrics": tuple(n for n in names if n not in sets), "set_metrics": tuple(n for n in names if n in sets)}
done = score(ScoreTask(cell_id=1, path=path, sha256=file_sha256(path), prompt=prompt, generator="g", seed=0, **asked))
first = ("matched", "similarity", "plausibility", "f1")
answers = {name: [s.reason or s.value for s in scores if s.measure in first] for name, scores in done.scores.items()}
print(json.dumps({"mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "answers": answers}))
"""


def long_clip(folder: Path, prompt_id: str, seconds: float, lines: int) -> Path:
    """The simulator's clip of a prompt, played forth and back until it is long, so that there is no cut; with its sound in a loop."""
    from imageio_ffmpeg import get_ffmpeg_exe

    suite = load_suite("quick")
    prompt = next(other for other in suite.prompts if other.id == prompt_id)
    short = folder / prompt_id
    if not (short / "clip.mp4").exists():
        short.mkdir()
        simulator = make_generator(GeneratorSpec(label="simulator", name="simulator"))
        simulator.generate(Request(prompt=prompt, seed=7, width=854, height=480, fps=FPS, root=suite.root), short)
    goal = folder / f"{prompt_id}-{seconds:g}.mp4"
    picture = f"[0:v]split[a][b];[b]reverse[c];[a][c]concat,loop=-1:32767,setpts=N/{FPS:g}/TB,scale=-2:{lines},noise=alls=4:allf=t[v]"
    sound = "[0:a]aloop=-1:2e6[s]"
    command = [get_ffmpeg_exe(), "-v", "error", "-y", "-i", short / "clip.mp4", "-filter_complex", f"{picture};{sound}"]
    command += ["-map", "[v]", "-map", "[s]", "-r", f"{FPS:g}", "-t", f"{seconds:g}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "26", goal]
    subprocess.run(command, check=True)
    return goal


def peak(clip: Path, prompt_id: str, names: Sequence[str]) -> tuple[float, dict[str, list[object]]]:
    """The most memory in MB that scoring a clip took, and the first answers, which show that there was something to do."""
    command = [sys.executable, "-c", _SCORE, str(clip), prompt_id, ",".join(names), ",".join(SET_METRICS)]
    last = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()[-1]
    result = json.loads(last)
    return float(result["mb"]), result["answers"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[10, 60, 180], help="lengths of the clips (default 10 60 180)")
    parser.add_argument("--lines", type=int, default=1440, help="height of the clips (default 1440)")
    parser.add_argument("--together", action="store_true", help="only the rows of all metrics together")
    asked = parser.parse_args(arguments)
    print("| clip | metrics | " + " | ".join(f"{seconds:g} s" for seconds in asked.seconds) + " |")
    print("|---|---|" + "---|" * len(asked.seconds))
    with tempfile.TemporaryDirectory(prefix="seedbench-memory-") as name:
        for prompt_id, metrics in CLIPS.items():
            clips = [long_clip(Path(name), prompt_id, seconds, asked.lines) for seconds in asked.seconds]
            for names in [metrics] if asked.together else [*((metric,) for metric in metrics), metrics]:
                peaks = [peak(clip, prompt_id, names) for clip in clips]
                answers = "; ".join(f"{metric}: {values}" for metric, values in peaks[-1][1].items())
                print(
                    f"| {prompt_id} | {', '.join(names)} | " + " | ".join(f"{mb:,.0f} MB" for mb, _ in peaks) + f" | {answers}", flush=True
                )


if __name__ == "__main__":
    main()
