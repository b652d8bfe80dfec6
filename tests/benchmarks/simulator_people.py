"""How well face networks see the simulator's people: ``python tests/benchmarks/simulator_people.py [people] [pictures]``.

Prints detection rates, how FaceMesh's lips follow the true opening, and how far dlib's embedding keeps people apart, over sizes,
lights, poses and openings; then the time a frame takes. The thresholds held by the tests are in tests/generators/test_simulator_face.py.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import cv2
import dlib
import numpy as np

from seedbench.generators.simulator.face import FacePainter, Mouth
from seedbench.generators.simulator.lips import lips_of
from seedbench.generators.simulator.looks import face_of
from seedbench.generators.simulator.stage_block import Look
from seedbench.metrics.analyses.face_embedders import dlib_embedder
from seedbench.metrics.analyses.face_networks import box_of, crop_matrix, face_nets

HEADS_PX = (102, 128, 154, 180)
LIGHTS = ((1.0, 1.0, 1.0), (1.05, 0.92, 0.75), (0.82, 0.93, 1.08), (0.55, 0.55, 0.58))
YAWS = (0.0, 0.0, 0.7, -0.7)


def main(people: int = 16, pictures: int = 16) -> None:
    """Measure and print."""
    cv2.setNumThreads(1)
    nets, embedder, hog = face_nets(), dlib_embedder(), dlib.get_frontal_face_detector()
    rng = np.random.default_rng(0)
    counts = {"BlazeFace": 0, "FaceMesh": 0, "dlib HOG": 0}
    follows: list[float] = []
    vectors: list[np.ndarray] = []
    whose: list[int] = []
    for identity in range(people):
        face = face_of(Look(identity=identity))
        painters = [FacePainter(face, height) for height in HEADS_PX]
        true: list[float] = []
        measured: list[float] = []
        for index in range(pictures):
            height, gain = HEADS_PX[index % 4], LIGHTS[index % 4]
            mouth = Mouth(float(rng.uniform(0, 1) ** 1.3) if index % 5 else 0.0, float(rng.uniform(0.1, 0.9)))
            x, y = float(rng.uniform(170, 280)), max(0.56 * height, float(rng.uniform(105, 125)))
            ground = rng.integers(30, 220, 3) + np.linspace(0, 60, 256)[:, None, None] * np.ones((1, 456, 3))
            canvas = (ground * gain).clip(0, 255).astype(np.uint8)
            yaw = YAWS[index // 2 % 4] + float(rng.uniform(-0.1, 0.1))
            blink = float(rng.uniform(0, 1)) if rng.random() < 0.15 else 0.0
            painters[index % 4].paint(
                canvas, centre=(x, y), mouth=mouth, yaw=yaw, roll_rad=float(rng.uniform(-0.08, 0.08)), blink=blink, gain=gain
            )
            canvas = np.clip(canvas + rng.normal(0, 2.5, canvas.shape), 0, 255).astype(np.uint8)
            boxes = [((box.left() + box.right()) / 2, (box.top() + box.bottom()) / 2) for box in hog(canvas, 1)]
            counts["dlib HOG"] += any(np.hypot(box[0] - x, box[1] - y) < 0.35 * height for box in boxes)
            spots = [spot for spot in nets.detect(canvas) if np.hypot(*(spot.box.reshape(2, 2).mean(axis=0) - (x, y))) < 0.35 * height]
            if not spots:
                continue
            mesh, _ = nets.mesh(canvas, crop_matrix(spots[0].box, *spots[0].eyes))
            mesh, score = nets.follow(canvas, mesh)
            counts["BlazeFace"] += 1
            counts["FaceMesh"] += score > 0.5
            true.append(lips_of(face, mouth).gap)
            measured.append(float(np.linalg.norm(mesh[13, :2] - mesh[14, :2])) / height)
            vectors.append(embedder.embed(embedder.align(canvas, box_of(mesh), mesh)[None])[0])
            whose.append(identity)
        follows.append(float(np.corrcoef(true, measured)[0, 1]))
    for name, count in counts.items():
        print(f"{name}: {count} of {people * pictures} faces found")
    print(f"FaceMesh lip gap against truth, r by person: median {np.median(follows):.3f}, lowest {min(follows):.3f}")
    apart, owner = np.linalg.norm(np.array(vectors)[:, None] - np.array(vectors)[None], axis=2), np.array(whose)
    upper = np.triu_indices(len(owner), 1)
    same = owner[upper[0]] == owner[upper[1]]
    near, far = apart[upper][same], apart[upper][~same]
    spread = [apart[np.ix_(owner == a, owner == a)].max() for a in range(people)]
    clear = [apart[np.ix_(owner == a, owner == b)].min() > max(spread[a], spread[b]) for a in range(people) for b in range(a)]
    print(f"dlib ResNet, same person: median {np.median(near):.2f}, 95 % {np.percentile(near, 95):.2f}, largest {near.max():.2f}")
    print(f"dlib ResNet, two people: median {np.median(far):.2f}, 5 % {np.percentile(far, 5):.2f}, smallest {far.min():.2f}")
    auc = np.mean([np.mean(distance < far) for distance in near])
    print(f"AUC {auc:.4f}; pairs of people whose smallest distance exceeds the largest within both: {np.mean(clear):.1%}")
    for height in HEADS_PX:
        start = time.thread_time()
        painter = FacePainter(face_of(Look(identity=10_000 + height)), height)
        made_s = time.thread_time() - start
        canvas = np.zeros((256, 456, 3), np.uint8)
        spent_s = []
        for index in range(50):
            start = time.thread_time()
            painter.paint(canvas, centre=(228, 112 + 0.1 * index), mouth=Mouth(index / 50), yaw=0.3, roll_rad=0.05, blink=0.5)
            spent_s.append(time.thread_time() - start)
        print(f"head of {height} px: {1000 * np.median(spent_s):.1f} ms of processor time a frame, {made_s:.2f} s once a person")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
