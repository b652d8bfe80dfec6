"""What the embedded video feature reacts to, on any folder of clips:

    python tests/benchmarks/video_distance_reactions.py FOLDER

Every clip is degraded in memory (no encoding) and embedded; the degraded set is compared with the unchanged one: FD, and KD with its
interval. The last line is the CPU time of one embedding.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.clips.degradations import ClipArrays, blacken, blur, flicker, freeze, retime
from seedbench.metrics.features import efficientnet
from seedbench.metrics.video_distance.distance import set_distances
from seedbench.plugins.metric import Features

SHORT_SIDE = 256


def backwards(clip: ClipArrays) -> ClipArrays:
    """The pictures from last to first."""
    return replace(clip, pictures=list(clip.pictures)[::-1])


def reactions() -> dict[str, Callable[[ClipArrays], ClipArrays]]:
    """The degradations by their names in the table."""
    return {
        "unchanged": lambda clip: clip,
        "blur, sigma 1 px of 256": lambda clip: blur(clip, 1.0),
        "blur, sigma 3 px of 256": lambda clip: blur(clip, 3.0),
        "flicker 0.02": lambda clip: flicker(clip, 0.02),
        "flicker 0.10": lambda clip: flicker(clip, 0.10),
        "frozen from the middle": lambda clip: freeze(clip, float(clip.time_s[-1]) / 2),
        "frozen from the start": lambda clip: freeze(clip, 0.0),
        "black from the middle": lambda clip: blacken(clip, float(clip.time_s[-1]) / 2),
        "twice as slow": lambda clip: retime(clip, 2.0),
        "backwards": backwards,
    }


def main() -> None:
    """Print the table for the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Reactions of the embedded video feature to known degradations")
    parser.add_argument("folder", type=Path)
    files = sorted(parser.parse_args().folder.rglob("*.mp4"))
    rows: dict[str, list[np.ndarray]] = {name: [] for name in reactions()}
    spent = 0.0
    for file in files:
        video = Clip.open(file).frames(efficientnet.FPS, SHORT_SIDE)
        clip = ClipArrays(video.rgb, video.time_s, None, 16_000)
        for name, change in reactions().items():
            rgb = list(change(clip).pictures)
            start = time.process_time()
            rows[name].append(
                efficientnet.embed_pairs(np.stack([efficientnet.squeezed(rgb[frame]) for frame in efficientnet.pair_frames(len(rgb))]))
            )
            spent += time.process_time() - start
    clips = [file.as_posix() for file in files]
    unchanged = Features(np.stack(rows["unchanged"]), clips)
    print(f"{len(clips)} clips | fd | plug-in | kd | its 95% interval")
    for name, values in rows.items():
        distance = set_distances(Features(np.stack(values), clips), unchanged)
        fd, kd = distance.fd, distance.kd
        print(
            f"{name} | {fd.value:.3f} | {fd.plug_in:.3f} | {kd.value:.4f} | {kd.low:.4f} to {kd.high:.4f}",
            flush=True,
        )
    print(f"{spent / (len(files) * len(rows)):.2f} CPU seconds an embedding")


if __name__ == "__main__":
    main()
