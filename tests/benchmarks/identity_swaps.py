"""How identity scores react to a swapped face: the figures of docs/metrics/identity.md.

python tests/benchmarks/identity_swaps.py simulator          # prompts of quick and core, clean and swapped at every second cut
python tests/benchmarks/identity_swaps.py pairs FOLDER       # FOLDER/<generator>/<person>.mp4: cosines of tracks, same person and others
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from seedbench.clips.clip import Clip
from seedbench.generators.simulator.stage_block import refusals_of
from seedbench.metrics.analyses.face_embeddings import face_embeddings
from seedbench.metrics.analyses.faces import face_tracks
from seedbench.metrics.identity import CrossShotIdentity
from seedbench.metrics.identity.appearances import weighted_mean
from seedbench.metrics.identity.calibrate import FACE_SCALES, drawn_face_bank
from seedbench.plugins import registry
from seedbench.plugins.generator import Request
from seedbench.plugins.metric import Sample
from seedbench.suites.loading import load_suite
from seedbench.suites.prompt import Prompt

SAME = FACE_SCALES["dlib-resnet128"].threshold
SHOWN = ("similarity", "worst_pair", "presence", "swap_rate", "cut_recall")


def prompts() -> list[Prompt]:
    """Those of `quick` with a cast and a cut, and about ten of `core`."""
    chosen: list[Prompt] = []
    for name in ("quick", "core"):
        fitting = [p for p in load_suite(name, check_files=False).prompts if p.cast and len(p.shots) > 1 and not refusals_of(p)]
        chosen += fitting if name == "quick" else fitting[:: max(1, len(fitting) // 10)]
    return chosen


def simulator() -> None:
    """One line per clip: scores, and CPU-seconds beyond the face tracks."""
    metric = CrossShotIdentity("dlib")
    with tempfile.TemporaryDirectory() as scratch:
        for number, prompt in enumerate(prompts()):
            for label, options in (("clean", {}), ("swapped", {"swap_identity_at_cut": True})):
                folder = Path(scratch) / f"{number}-{label}"
                folder.mkdir()
                result = registry.load("generators", "simulator")(**options).generate(Request(prompt=prompt, seed=1), folder)
                if result.file is None:
                    print(prompt.id, result.status, result.reason)
                    break
                clip = Clip.open(result.file)
                face_tracks(clip)
                start = time.process_time()
                scores = {score.measure: score for score in metric.score(clip, Sample(prompt=prompt))}
                spent = time.process_time() - start
                values = [f"{name} {'-' if scores[name].value is None else f'{scores[name].value:.3f}'}" for name in SHOWN]
                print(f"{prompt.id:20s} {label:8s} {', '.join(values)}; {spent:.1f} s for {clip.end_s:.1f} s", flush=True)


def pairs(folder: Path) -> None:
    """Cosines between tracks of one person by different generators, of different people, and to the bank."""
    vectors: list[tuple[Path, np.ndarray]] = []
    for file in sorted(folder.rglob("*.mp4")):
        samples = face_embeddings(Clip.open(file))
        for track in np.unique(samples.track):
            rows = samples.track == track
            vectors.append((file, weighted_mean(samples.embedding[rows], samples.weight[rows])))
    drawn = drawn_face_bank("dlib-resnet128")
    same, others = [], []
    for (file, first), (other, second) in combinations(vectors, 2):
        (same if file != other and file.stem == other.stem else others).append(float(first @ second))
    to_bank = [float((drawn @ vector).mean()) for _, vector in vectors]
    for name, values in (("same person", same), ("others", others), ("to the bank", to_bank)):
        if not values:
            print(f"{name:12s} none")
            continue
        low, middle, most, high = np.percentile(values, [0, 50, 95, 100])
        spread = f"least {low:.3f}  median {middle:.3f}  95 % below {most:.3f}  greatest {high:.3f}"
        share = np.mean(np.array(values) >= SAME)
        print(f"{name:12s} n {len(values):4d}  mean {np.mean(values):.3f}  {spread}  from {SAME} on {share:.1%}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["pairs"]:
        pairs(Path(sys.argv[2]))
    else:
        simulator()
