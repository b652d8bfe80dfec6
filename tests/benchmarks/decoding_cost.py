"""What it costs to decode one clip, pictures and sound, with this version and with another one, taking turns.

    python tests/benchmarks/decoding_cost.py 2cd12a9 clip.mp4 ...
    python tests/benchmarks/decoding_cost.py 2cd12a9                 clips that FFmpeg's command line draws: 480, 720, 1080 lines, 5 s

Printed are the processor seconds of each, user and system together, the least of all turns, and their ratio. Run it on a machine that does
nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]

_DECODE = """
import json, resource, sys
import av, cv2, numpy, soxr
from seedbench.clips.clip import Clip

def processor_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

times = []
for _ in range(3):
    before = processor_s()
    clip = Clip.open(sys.argv[1])
    if hasattr(clip, "pictures"):
        for picture in clip.pictures():
            pass
        clip.time_s
    else:
        clip.video
    if clip.facts.has_audio:
        clip.audio(16000)
    times.append(processor_s() - before)
print(json.dumps([min(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def drawn_clips(folder: Path) -> list[Path]:
    """Clips of moving shapes with a tone."""
    from imageio_ffmpeg import get_ffmpeg_exe

    clips = []
    for width, height in ((854, 480), (1280, 720), (1920, 1080)):
        clip = folder / f"{height}.mp4"
        picture, sound = f"testsrc2=s={width}x{height}:r=25:d=5,noise=alls=6:allf=t", "sine=440:d=5:r=48000"
        command = [get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
        subprocess.run([*command, "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", clip], check=True)
        clips.append(clip)
    return clips


def decode(version: Path, clip: Path) -> tuple[float, float]:
    """Processor seconds and the peak of memory in MB, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", _DECODE, str(clip)],
        cwd=version,
        env={"PYTHONPATH": str(version)},
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, mb = json.loads(done.stdout)
    return seconds, mb


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revision", help="the version of the repository to compare with")
    parser.add_argument("clips", nargs="*", type=Path, help="media files")
    parser.add_argument("--turns", type=int, default=5, help="how often each version has its turn (default 5)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seedbench-decoding-") as name:
        other = Path(name) / "other"
        archive = subprocess.run(["git", "archive", asked.revision], cwd=ROOT, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(other, filter="data")
        print("| clip | other | this | ratio | memory, other | memory, this |\n|---|---|---|---|---|---|")
        for clip in asked.clips or drawn_clips(Path(name)):
            turns = [(decode(other, clip.absolute()), decode(ROOT, clip.absolute())) for _ in range(asked.turns)]
            before, after = (min(turn[side][0] for turn in turns) for side in (0, 1))
            memory = [max(turn[side][1] for turn in turns) for side in (0, 1)]
            row = f"| {clip.name} | {before:.3f} s | {after:.3f} s | {after / before:.2f} | {memory[0]:,.0f} MB | {memory[1]:,.0f} MB |"
            print(row, flush=True)


if __name__ == "__main__":
    main()
